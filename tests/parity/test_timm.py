"""timm's schedulers are ours."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any

import numpy as np
import pytest
from parity.comparison import (
    FLOAT64,
    Case,
    Rates,
    Steps,
    assert_all_covered,
    assert_options_covered,
    assert_same_rates,
    each,
)
from parity.equals import (
    PLATEAU,
    Drawn,
    Letters,
    Line,
    Peer,
    assert_all_lines_run,
    assert_line_holds,
    assert_plateau_line_holds,
    each_line,
    near_the_end,
    one_of,
)
from peers import peer, peer_alone

import lrdecay_native as lrd

torch = peer("torch")
schedulers = peer_alone("timm.scheduler", ["timm"])

LEARNING_RATE = 0.3


def with_warmup(prefix: bool, names: Mapping[str, Any], drawn: Drawn) -> Any:
    """The scheduler of a line's ``s``, made with the warm-up that the line has."""
    warmup = {
        "warmup_t": drawn.letters["w"],
        "warmup_lr_init": drawn.letters["init"],
        "warmup_prefix": prefix,
    }
    return drawn.parts["s"].theirs({name: partial(make, **warmup) for name, make in names.items()})


WARMUP = {"warmup_t": 500, "warmup_lr_init": 0.01}


def under_warmup(schedule: lrd.Schedule, peak: float) -> lrd.Schedule:
    """The warm-up without warmup_prefix: the schedule runs since step 0, unseen until the warm-up is over."""
    return lrd.LinearDecay(0.01, 500, end_learning_rate=peak).then(schedule.shifted(-500), at=500)


CASES = [
    Case("CosineLRScheduler", {"t_initial": 3000}, lambda: lrd.CosineDecay(0.3, 3000)),
    Case(
        "CosineLRScheduler",
        {"t_initial": 3000, "lr_min": 0.03, **WARMUP, "warmup_prefix": True},
        lambda: lrd.CosineDecay(0.3, 3000, end_learning_rate=0.03).warmup(500, 0.01),
    ),
    Case(
        "CosineLRScheduler",
        {"t_initial": 3000, "lr_min": 0.03, **WARMUP},
        lambda: under_warmup(lrd.CosineDecay(0.3, 3000, end_learning_rate=0.03), peak=0.3),
    ),
    Case(
        "CosineLRScheduler",
        {"t_initial": 1000, "lr_min": 0.03, "cycle_decay": 0.5, "cycle_limit": 3},
        lambda: lrd.CosineRestarts(0.3, 1000, t_mul=1.0, peak_mul=0.5, end_learning_rate=0.03, cycle_limit=3),
    ),
    Case(
        "CosineLRScheduler",
        {"t_initial": 500, "cycle_mul": 2.0, "cycle_decay": 0.5, "cycle_limit": 3, "lr_min": 0.03, **WARMUP},
        lambda: under_warmup(
            lrd.CosineRestarts(0.3, 500, t_mul=2.0, peak_mul=0.5, end_learning_rate=0.03, cycle_limit=3),
            peak=0.3,
        ),
        absolute=32.0,
    ),
    Case(
        "CosineLRScheduler",
        {"t_initial": 3000, "lr_min": 0.03, "k_decay": 1.5},
        lambda: lrd.CosineDecay(0.3, 3000, end_learning_rate=0.03).k_decay(1.5, 3000),
    ),
    Case(
        "CosineLRScheduler",
        {"t_initial": 1000, "k_decay": 2.0, "cycle_decay": 0.5, "cycle_limit": 3},
        lambda: (
            lrd.CosineDecay(0.3, 1000)
            .k_decay(2.0, 1000)
            .restarted(1000, factor=0.5)
            .then(lrd.Constant(0.0), at=3000)
        ),
    ),
    Case(
        "PolyLRScheduler",
        {"t_initial": 3000},
        lambda: lrd.PolynomialDecay(0.3, 3000, power=0.5),
        absolute=64.0,
    ),
    Case(
        "PolyLRScheduler",
        {"t_initial": 3000, "power": 2.0, "lr_min": 0.03, **WARMUP, "warmup_prefix": True},
        lambda: lrd.PolynomialDecay(0.3, 3000, power=2.0, end_learning_rate=0.03).warmup(500, 0.01),
    ),
    Case(
        "PolyLRScheduler",
        {"t_initial": 3000, "power": 2.0, "lr_min": 0.03, **WARMUP},
        lambda: under_warmup(lrd.PolynomialDecay(0.3, 3000, power=2.0, end_learning_rate=0.03), peak=0.3),
    ),
    Case(
        "PolyLRScheduler",
        {"t_initial": 1000, "power": 2.0, "lr_min": 0.03, "cycle_decay": 0.5, "cycle_limit": 2},
        # The peak is multiplied, not the lowest rate, so each cycle is a schedule of its own.
        lambda: lrd.PolynomialDecay(0.3, 1000, power=2.0, end_learning_rate=0.03).then(
            lrd.PolynomialDecay(0.15, 1000, power=2.0, end_learning_rate=0.03), at=1000
        ),
    ),
    Case(
        "PolyLRScheduler",
        {"t_initial": 500, "power": 2.0, "cycle_mul": 2.0, "cycle_limit": 2},
        lambda: lrd.PolynomialDecay(0.3, 500, power=2.0).then(
            lrd.PolynomialDecay(0.3, 1000, power=2.0), at=500
        ),
        absolute=32.0,
    ),
    Case(
        "PolyLRScheduler",
        {"t_initial": 3000, "power": 2.0, "lr_min": 0.03, "k_decay": 1.5},
        lambda: lrd.PolynomialDecay(0.3, 3000, power=2.0, end_learning_rate=0.03).k_decay(1.5, 3000),
    ),
    # At the end tanh is not yet at its limit, and timm falls to lr_min.
    Case(
        "TanhLRScheduler",
        {"t_initial": 3000},
        lambda: lrd.TanhDecay(0.3, 3000).then(lrd.Constant(0.0), at=3000),
    ),
    Case(
        "TanhLRScheduler",
        {"t_initial": 3000, "lb": -4.0, "ub": 2.0, "lr_min": 0.03, **WARMUP, "warmup_prefix": True},
        # Its warm-up aims at the optimizer's rate, a little above the first one of the decay.
        lambda: (
            lrd.LinearDecay(0.01, 500, end_learning_rate=0.3)
            .then(lrd.TanhDecay(0.3, 3000, lower=-4.0, upper=2.0, end_learning_rate=0.03), at=500)
            .then(lrd.Constant(0.03), at=3500)
        ),
    ),
    Case(
        "TanhLRScheduler",
        {"t_initial": 3000, "lb": -4.0, "ub": 2.0, "lr_min": 0.03, **WARMUP},
        lambda: tanh_under_warmup(lrd.TanhDecay(0.3, 3000, lower=-4.0, upper=2.0, end_learning_rate=0.03)),
    ),
    Case(
        "TanhLRScheduler",
        {"t_initial": 500, "cycle_mul": 2.0, "cycle_decay": 0.5, "cycle_limit": 2},
        lambda: (
            lrd.TanhDecay(0.3, 500).then(lrd.TanhDecay(0.15, 1000), at=500).then(lrd.Constant(0.0), at=1500)
        ),
        absolute=32.0,
    ),
    Case("StepLRScheduler", {"decay_t": 700, "decay_rate": 0.5}, lambda: lrd.StepDecay(0.3, 0.5, 700)),
    Case(
        "StepLRScheduler",
        {"decay_t": 700, "decay_rate": 0.5, **WARMUP},
        lambda: lrd.StepDecay(0.3, 0.5, 700).warmup(500, 0.01),
    ),
    Case(
        "StepLRScheduler",
        {"decay_t": 700, "decay_rate": 0.5, **WARMUP, "warmup_prefix": False},
        lambda: under_warmup(lrd.StepDecay(0.3, 0.5, 700), peak=0.3),
    ),
    # Its milestones are one step early.
    Case(
        "MultiStepLRScheduler",
        {"decay_t": [700, 3000, 4000], "decay_rate": 0.5},
        lambda: lrd.MultiStepDecay(0.3, [699, 2999, 3999], drop_rate=0.5),
    ),
    Case(
        "MultiStepLRScheduler",
        {"decay_t": [700, 3000], "decay_rate": 0.5, **WARMUP},
        lambda: lrd.MultiStepDecay(0.3, [699, 2999], drop_rate=0.5).warmup(500, 0.01),
    ),
    Case(
        "MultiStepLRScheduler",
        {"decay_t": [300, 3000], "decay_rate": 0.5, **WARMUP, "warmup_prefix": False},
        lambda: under_warmup(lrd.MultiStepDecay(0.3, [299, 2999], drop_rate=0.5), peak=0.3),
    ),
    Case(
        "WSDLRScheduler",
        {"t_initial": 4000, "decay_t": 1000, "lr_min": 0.03, **WARMUP},
        lambda: lrd.WarmupStableDecay(
            0.3,
            500,
            3000,
            1000,
            initial_learning_rate=0.01,
            end_learning_rate=0.03,
            decay_shape="1-sqrt",
        ),
    ),
    *[
        Case(
            "WSDLRScheduler",
            {"t_initial": 4000, "decay_t": 1000, "lr_min": 0.03, "decay_fn": shape},
            lambda shape=shape: lrd.WarmupStableDecay(
                0.3, 0, 3000, 1000, end_learning_rate=0.03, decay_shape=shape
            ),
        )
        for shape in ("linear", "cosine")
    ],
    Case(
        "WSDLRScheduler",
        {"t_initial": 4000, "decay_t": 1000, "stable_fn": "rsqrt", "decay_fn": "linear", **WARMUP},
        # Big Vision's: the reciprocal square root goes on through the cooldown.
        lambda: (lrd.InverseSquareRootDecay(0.3, 500) * lrd.LinearDecay(1.0, 1000).shifted(3000)).warmup(
            500, 0.01
        ),
    ),
    Case(
        "WSDLRScheduler",
        {
            "t_initial": 4000,
            "decay_t": 1000,
            "lr_min": 0.1,
            "stable_fn": "power",
            "stable_timescale": 1000.0,
            "stable_power": 0.75,
            "decay_fn": "cosine",
        },
        lambda: (
            lrd.PowerLawDecay(0.3, 0.75, decay_steps=1000).clipped(lowest=0.1)
            * lrd.CosineDecay(1.0, 1000).shifted(3000)
            + lrd.PiecewiseInterpolation([3000, 4000], [0.0, 0.1], shape="cosine")
        ),
    ),
    Case(
        "WSDLRScheduler",
        {"t_initial": 4000, "decay_t": 1000, "lr_min": 0.03, "decay_fn": "power", "decay_power": 2.0},
        # 1 - x ** 2 is the rise (1 - x) ** 2 from 1 backwards.
        lambda: (
            lrd.PolynomialDecay(0.03, 1000, power=2.0, end_learning_rate=0.3).reversed(1000).shifted(3000)
        ),
    ),
    Case(
        "WSDLRScheduler",
        {"t_initial": 4000, "decay_t": 1000, "lr_min": 0.1, "decay_fn": "exp", "decay_ratio": 0.2},
        # (peak - lowest) * (ratio ** x - ratio) / (1 - ratio) + lowest; where lowest < peak * ratio, the constant
        # that is added is negative, which no schedule of ours is.
        lambda: (
            (lrd.StepDecay(0.25, 0.2, 1000, staircase=False) + lrd.Constant(0.05))
            .shifted(3000)
            .then(lrd.Constant(0.1), at=4000)
        ),
    ),
]

EXCLUDED = {
    "PlateauLRScheduler": "It is torch's ReduceLROnPlateau, which follows the metrics of a run, with a warm-up.",
}

EXCLUDED_OPTIONS = {
    "optimizer": "It is what is stepped.",
    "initialize": "It says where the first rate is kept.",
    "t_in_epochs": "It says which of two methods steps the scheduler; the rates are the same.",
    "noise_range_t": "The noise is random.",
    "noise_pct": "The noise is random.",
    "noise_std": "The noise is random.",
    "noise_seed": "The noise is random.",
}


def tanh_under_warmup(decay: lrd.Schedule) -> lrd.Schedule:
    """The only one whose warm-up without warmup_prefix aims at the rate that the decay has by then."""
    return under_warmup(decay, peak=decay(500)).then(lrd.Constant(0.03), at=3000)


def scheduler(name: str, **arguments: Any) -> Any:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LEARNING_RATE)
    return getattr(schedulers, name)(optimizer, **arguments)


def rates_of(theirs: Any, steps: Steps) -> Rates:
    return np.array([_rate_at(theirs, int(step)) for step in steps])


def _rate_at(theirs: Any, step: int) -> float:
    theirs.step(step)
    return float(theirs.optimizer.param_groups[0]["lr"])


@each(CASES)
def test_rates(case: Case) -> None:
    assert_same_rates(case, case.theirs(scheduler), rates_of, FLOAT64)


def restarts(letters: Letters, begin: int = 0) -> Callable[[Steps], Any]:
    """The steps at which timm, finding cycles by logarithms, may still be in the cycle that is over."""
    t_mul = letters.get("t_mul", 1.0)
    starts = begin + letters.get("T", 0) * np.cumsum(t_mul ** np.arange(12.0))
    return lambda steps: (t_mul != 1.0) & np.isin(steps, starts)


def restarts_after_warmup(letters: Letters) -> Callable[[Steps], Any]:
    return restarts(letters, letters["w"])


WITH_ANY_WARMUP = {
    "CosineLRScheduler(t_initial=T, lr_min=end)": Peer(),
    "CosineLRScheduler(t_initial=T, lr_min=end, cycle_mul=t_mul, cycle_decay=f, cycle_limit=cycles)": Peer(
        {"t_mul": one_of(1.0, 1.5, 2.0, 3.0)}, absolute=64.0, unlike=restarts
    ),
    "CosineLRScheduler(t_initial=T, lr_min=end, k_decay=k)": Peer({"k": one_of(1.0, 1.5, 2.0, 0.7)}),
    "PolyLRScheduler(t_initial=T, power=p, lr_min=end)": Peer(absolute=near_the_end),
    "StepLRScheduler(decay_t=n, decay_rate=f)": Peer(),
    "MultiStepLRScheduler(decay_t=[b1, b2], decay_rate=f)": Peer(),
}

OF_A_METRIC = {"PlateauLRScheduler(f, patience, threshold, cooldown, mode=mode)": Peer(PLATEAU)}

LINES = {
    **WITH_ANY_WARMUP,
    "TanhLRScheduler(t_initial=T, lr_min=end)": Peer(),
    "WSDLRScheduler(t_initial=n + T, decay_t=T, lr_min=end, warmup_t=w, warmup_lr_init=init)": Peer(),
    **{
        "any but `TanhLRScheduler` and `WSDLRScheduler`, with "
        f"`warmup_t=w, warmup_lr_init=init, warmup_prefix={prefix}`": Peer(
            parts=WITH_ANY_WARMUP,
            theirs=partial(with_warmup, prefix),
            unlike=restarts_after_warmup if prefix else restarts,
        )
        for prefix in (True, False)
    },
    **OF_A_METRIC,
}


def names_of_timm(letters: Letters) -> dict[str, Any]:
    """The schedulers with an optimizer of the line's rate in place of their first argument."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=letters["lr"])
    found = {name: value for name, value in vars(schedulers).items() if inspect.isclass(value)}
    return {name: partial(value, optimizer) for name, value in found.items()}


class Plateau:
    """A scheduler that follows a metric."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler

    def after(self, epoch: int, metric: float) -> float:
        self.scheduler.step(epoch, metric)
        return float(self.scheduler.optimizer.param_groups[0]["lr"])


def names_of_plateau(letters: Letters) -> dict[str, Any]:
    make = names_of_timm(letters)["PlateauLRScheduler"]
    return {"PlateauLRScheduler": lambda *given, mode: Plateau(make(*given, mode=mode))}


@each_line("timm", but=OF_A_METRIC)
def test_line_of_the_page(line: Line, random: Random) -> None:
    assert_line_holds(line, LINES, random, names_of_timm, rates_of, FLOAT64)


@pytest.mark.filterwarnings("ignore:PlateauLRScheduler is deprecated:FutureWarning")
def test_line_of_the_page_of_plateaus(random: Random) -> None:
    # The metric of epoch 0 is dropped.
    assert_plateau_line_holds("timm", OF_A_METRIC, random, names_of_plateau, FLOAT64, first=1)


def test_every_line_of_the_page_is_run() -> None:
    assert_all_lines_run("timm", LINES)


def test_every_scheduler_of_timm_is_covered() -> None:
    found = {
        name
        for name, value in inspect.getmembers(schedulers, inspect.isclass)
        if issubclass(value, schedulers.scheduler.Scheduler)
    }
    assert_all_covered(found, CASES, EXCLUDED)


def test_every_option_of_timm_is_covered() -> None:
    assert_options_covered(
        lambda name: inspect.signature(getattr(schedulers, name)).parameters, CASES, EXCLUDED_OPTIONS
    )
