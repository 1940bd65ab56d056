"""composer's schedulers are ours, times the optimizer's rate."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, partial
from random import Random
from types import SimpleNamespace
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
    Letters,
    Line,
    Peer,
    assert_all_lines_run,
    assert_line_holds,
    each_line,
    near_the_end,
    one_of,
)
from peers import peer, peer_alone

import lrdecay_native as lrd

peer("torch")
strings = peer_alone("composer.utils.string_enum", ["composer", "composer.utils"])
peer("composer.utils").StringEnum = strings.StringEnum
time = peer_alone("composer.core.time", ["composer.core"])
core = peer("composer.core")
# The schedulers name State in annotations only.
core.Time, core.TimeUnit, core.State = time.Time, time.TimeUnit, object
schedulers = peer_alone("composer.optim.scheduler", ["composer.optim"])

LEARNING_RATE = 0.3

RUN = 4000
"""The batches of the run, "1dur"."""

WARMUP = {"t_warmup": "500ba"}

CASES = [
    Case("StepScheduler", {"step_size": "700ba", "gamma": 0.5}, lambda: lrd.StepDecay(0.3, 0.5, 700)),
    Case(
        "MultiStepScheduler",
        {"milestones": ["700ba", "0.75dur"], "gamma": 0.5},
        lambda: lrd.MultiStepDecay(0.3, [700, 3000], drop_rate=0.5),
    ),
    Case("ConstantScheduler", {}, lambda: lrd.Constant(0.3)),
    Case(
        "ConstantScheduler",
        {"alpha": 0.25, "t_max": "700ba"},
        lambda: lrd.Constant(0.3).warmup(700, start_factor=0.25, shape="constant"),
    ),
    Case("LinearScheduler", {}, lambda: lrd.LinearDecay(0.3, RUN)),
    Case(
        "LinearScheduler",
        {"alpha_i": 0.25, "alpha_f": 0.5, "t_max": "3000ba"},
        lambda: lrd.LinearDecay(0.075, 3000, end_learning_rate=0.15),
    ),
    Case(
        "ExponentialScheduler",
        {"gamma": 0.7, "decay_period": "700ba"},
        lambda: lrd.StepDecay(0.3, 0.7, 700, staircase=False),
        relative=lambda steps: 8.0 + steps / 700,
    ),
    Case(
        "CosineAnnealingScheduler",
        {"t_max": "3000ba", "alpha_f": 0.1},
        lambda: lrd.CosineDecay(0.3, 3000, end_learning_rate=0.03),
    ),
    Case(
        "CosineAnnealingWarmRestartsScheduler",
        {"t_0": "500ba", "t_mult": 2.0, "alpha_f": 0.1},
        lambda: lrd.CosineRestarts(0.3, 500, t_mul=2.0, end_learning_rate=0.03),
    ),
    Case(
        "CosineAnnealingWarmRestartsScheduler",
        {"t_0": "500ba"},
        lambda: lrd.CosineRestarts(0.3, 500, t_mul=1.0),
    ),
    Case("PolynomialScheduler", {"power": 2.0}, lambda: lrd.PolynomialDecay(0.3, RUN, power=2.0)),
    Case(
        "PolynomialScheduler",
        {"power": 1.5, "t_max": "3000ba", "alpha_f": 0.1},
        lambda: lrd.PolynomialDecay(0.3, 3000, power=1.5, end_learning_rate=0.03),
    ),
    # Milestones count from the beginning of the warm-up, and those that pass within it show at its end.
    Case(
        "MultiStepWithWarmupScheduler",
        {**WARMUP, "milestones": ["200ba", "700ba", "3000ba"], "gamma": 0.5},
        lambda: lrd.LinearDecay(0.0, 500, end_learning_rate=0.3).then(
            lrd.MultiStepDecay(0.3, [200, 700, 3000], drop_rate=0.5).shifted(-500), at=500
        ),
    ),
    Case(
        "ConstantWithWarmupScheduler",
        {**WARMUP, "alpha": 0.5, "t_max": "4000ba"},
        lambda: lrd.Constant(0.15).warmup(500),
    ),
    # The warm-up is a part of t_max.
    Case(
        "LinearWithWarmupScheduler",
        {**WARMUP, "alpha_i": 0.75, "alpha_f": 0.1, "t_max": "4500ba"},
        lambda: lrd.LinearDecay(0.225, 4000, end_learning_rate=0.03).warmup(500),
    ),
    Case(
        "CosineAnnealingWithWarmupScheduler",
        {**WARMUP, "alpha_f": 0.1, "t_max": "4500ba"},
        lambda: lrd.CosineDecay(0.3, 4000, end_learning_rate=0.03).warmup(500),
    ),
    Case(
        "PolynomialWithWarmupScheduler",
        {**WARMUP, "power": 2.0, "alpha_f": 0.1, "t_max": "4500ba"},
        lambda: lrd.PolynomialDecay(0.3, 4000, power=2.0, end_learning_rate=0.03).warmup(500),
    ),
    Case(
        "PolynomialWithWarmupScheduler",
        WARMUP,
        lambda: lrd.PolynomialDecay(0.3, 3500, power=2.0).warmup(500),
    ),
]

STRETCHED = [
    Case("StepScheduler", {"step_size": "700ba"}, lambda: lrd.StepDecay(0.3, 0.1, 700).stretched(2, of=1)),
    Case(
        "CosineAnnealingScheduler",
        {"t_max": "2000ba"},
        lambda: lrd.CosineDecay(0.3, 2000).stretched(4000),
    ),
    # The warm-up isn't stretched.
    Case(
        "LinearWithWarmupScheduler",
        {**WARMUP, "t_max": "2250ba"},
        lambda: lrd.LinearDecay(0.3, 4000).warmup(500),
    ),
    # The warm-up rises half as fast, but it ends where it did, halfway up.
    Case(
        "LinearWithWarmupScheduler",
        {**WARMUP, "t_max": "2250ba", "scale_warmup": True},
        lambda: lrd.LinearDecay(0.0, 1000, end_learning_rate=0.3).then(lrd.LinearDecay(0.3, 4000), at=500),
    ),
]
"""Those of a run with twice as many steps: composer's scale schedule ratio is 2."""

EXCLUDED = {"ComposerScheduler": "It is the protocol of the others."}

EXCLUDED_OPTIONS = {
    "scale_warmup": "It says whether a run's scale schedule ratio holds for the warm-up: see the stretched cases.",
}


def scheduler(name: str, **arguments: Any) -> Any:
    return getattr(schedulers, name)(**arguments)


def rates_with(ratio: float) -> Any:
    """The rates in a run with this scale schedule ratio."""

    def rates_of(theirs: Any, steps: Steps) -> Rates:
        return np.array([LEARNING_RATE * theirs(state_at(int(step)), ratio) for step in steps])

    return rates_of


WHOLE_RUN = time.Time(RUN, time.TimeUnit.BATCH)


@cache
def state_at(step: int, max_duration: Any = WHOLE_RUN) -> SimpleNamespace:
    """What schedulers read of a trainer's state."""
    return SimpleNamespace(
        timestamp=time.Timestamp(batch=step),
        max_duration=max_duration,
        dataloader_len=None,
    )


@each(CASES)
def test_rates(case: Case) -> None:
    assert_same_rates(case, case.theirs(scheduler), rates_with(1.0), FLOAT64)


@each(STRETCHED)
def test_rates_of_a_stretched_run(case: Case) -> None:
    assert_same_rates(case, case.theirs(scheduler), rates_with(2.0), FLOAT64)


PLAIN = {
    "StepScheduler(n, f)": Peer(),
    "MultiStepScheduler([b1, b2], f)": Peer(),
    "ConstantScheduler(f, w)": Peer(),
    "LinearScheduler(1.0, f, T)": Peer(),
    "ExponentialScheduler(f, n)": Peer(
        relative=lambda letters: lambda steps: 8.0 + 4.0 * steps / letters["n"]
    ),
    "CosineAnnealingScheduler(T, f)": Peer(),
    "CosineAnnealingWarmRestartsScheduler(n, t_mul, f)": Peer({"t_mul": one_of(1.0, 1.5, 2.0, 3.0)}),
    "PolynomialScheduler(p, T, f)": Peer(absolute=near_the_end),
}

LINES = {
    **PLAIN,
    "ConstantWithWarmupScheduler(w, f)": Peer(),
    "LinearWithWarmupScheduler(w, 1.0, f, T)": Peer(),
    "CosineAnnealingWithWarmupScheduler(w, T, f)": Peer(),
    "PolynomialWithWarmupScheduler(w, p, T, f)": Peer(absolute=near_the_end),
    "MultiStepWithWarmupScheduler(w, [b1, b2], f)": Peer(),
    "any without warm-up, with `scale_schedule_ratio=2`": Peer(
        parts=PLAIN, theirs=lambda names, drawn: partial(drawn.parts["s"].theirs(names), ssr=2.0)
    ),
    "`LinearWithWarmupScheduler(w, 1.0, f, T)`, with `scale_schedule_ratio=2`": Peer(
        theirs=lambda names, drawn: partial(
            names["LinearWithWarmupScheduler"](
                drawn.letters["w"], 1.0, drawn.letters["f"], drawn.letters["T"]
            ),
            ssr=2.0,
        )
    ),
}


def names_of_composer(letters: Letters) -> dict[str, Any]:
    """The schedulers, with whole numbers for batches, as functions of the state that give rates."""
    return {name: partial(in_batches, name, letters["lr"]) for name in schedulers.__all__}


def in_batches(name: str, learning_rate: float, *given: Any) -> Callable[..., float]:
    made = getattr(schedulers, name)(*map(batches, given))
    return lambda state, ssr=1.0: learning_rate * made(state, ssr)


def batches(value: Any) -> Any:
    if isinstance(value, list):
        return [batches(each) for each in value]
    return f"{value}ba" if isinstance(value, int) else value


def rates_in_a_short_run(theirs: Any, steps: Steps) -> Rates:
    """The rates in a run of one batch: schedulers with a warm-up want to be at least as long as the run."""
    length = time.Time(1, time.TimeUnit.BATCH)
    return np.array([theirs(state_at(int(step), length)) for step in steps])


@pytest.mark.filterwarnings(r"ignore:\s*The warmup duration is 0:UserWarning")
@each_line("composer")
def test_line_of_the_page(line: Line, random: Random) -> None:
    assert_line_holds(line, LINES, random, names_of_composer, rates_in_a_short_run, FLOAT64)


def test_every_line_of_the_page_is_run() -> None:
    assert_all_lines_run("composer", LINES)


def test_every_scheduler_of_composer_is_covered() -> None:
    found = {
        name
        for name, value in inspect.getmembers(schedulers, inspect.isclass)
        if issubclass(value, schedulers.ComposerScheduler)
    }
    assert_all_covered(found, CASES, EXCLUDED)


def test_every_option_of_composer_is_covered() -> None:
    assert_options_covered(
        lambda name: inspect.signature(getattr(schedulers, name)).parameters, CASES, EXCLUDED_OPTIONS
    )
