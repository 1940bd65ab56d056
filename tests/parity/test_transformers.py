"""The schedules of transformers are ours."""

from __future__ import annotations

import inspect
from functools import partial
from random import Random
from typing import Any

import numpy as np
import pytest
from parity.comparison import (
    FLOAT64,
    Case,
    Rates,
    Roundings,
    Steps,
    assert_all_covered,
    assert_options_covered,
    assert_same_rates,
    each,
    turns,
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
from peers import peer

import lrdecay_native as lrd

torch = peer("torch")
optimization = peer("transformers.optimization")

LEARNING_RATE = 0.3


def turns_of_decay(letters: Letters) -> Roundings:
    return turns(letters["T"])


WARMUP = {"num_warmup_steps": 500}
RUN = {"num_warmup_steps": 500, "num_training_steps": 3500}

CASES = [
    Case("get_constant_schedule", {}, lambda: lrd.Constant(0.3)),
    Case("get_constant_schedule_with_warmup", WARMUP, lambda: lrd.Constant(0.3).warmup(500)),
    Case("get_linear_schedule_with_warmup", RUN, lambda: lrd.LinearDecay(0.3, 3000).warmup(500)),
    # Nothing stops at num_training_steps: the cosine swings up again.
    Case(
        "get_cosine_schedule_with_warmup",
        RUN,
        lambda: lrd.CosineAnnealing(0.3, 3000).warmup(500),
        absolute=turns(3000),
    ),
    Case(
        "get_cosine_schedule_with_warmup",
        {**RUN, "num_cycles": 1.5},
        lambda: lrd.CosineAnnealing(0.3, 1000).warmup(500),
        absolute=turns(1000),
    ),
    Case(
        "get_cosine_with_hard_restarts_schedule_with_warmup",
        RUN,
        lambda: lrd.CosineRestarts(0.3, 3000, t_mul=1.0, cycle_limit=1).warmup(500),
    ),
    Case(
        "get_cosine_with_hard_restarts_schedule_with_warmup",
        {**RUN, "num_cycles": 4},
        lambda: lrd.CosineRestarts(0.3, 750, t_mul=1.0, cycle_limit=4).warmup(500),
        absolute=32.0,
    ),
    Case(
        "get_polynomial_decay_schedule_with_warmup",
        RUN,
        lambda: lrd.PolynomialDecay(0.3, 3000, end_learning_rate=1e-7).warmup(500),
    ),
    Case(
        "get_polynomial_decay_schedule_with_warmup",
        {**RUN, "lr_end": 0.01, "power": 2.0},
        lambda: lrd.PolynomialDecay(0.3, 3000, power=2.0, end_learning_rate=0.01).warmup(500),
    ),
    Case("get_inverse_sqrt_schedule", WARMUP, lambda: lrd.InverseSquareRootDecay(0.3, 500).warmup(500)),
    Case(
        "get_inverse_sqrt_schedule",
        {"num_warmup_steps": 500, "timescale": 1000},
        lambda: lrd.InverseSquareRootDecay(0.3, 1000).warmup(500),
    ),
    Case(
        "get_inverse_sqrt_schedule",
        {"num_warmup_steps": 0},
        lambda: lrd.InverseSquareRootDecay(0.3, 10_000),
    ),
    Case(
        "get_cosine_with_min_lr_schedule_with_warmup",
        {**RUN, "min_lr": 0.03},
        lambda: lrd.CosineAnnealing(0.3, 3000, end_learning_rate=0.03).warmup(500),
        absolute=turns(3000),
    ),
    Case(
        "get_cosine_with_min_lr_schedule_with_warmup",
        {**RUN, "min_lr_rate": 0.1, "num_cycles": 1.5},
        lambda: lrd.CosineAnnealing(0.3, 1000, end_learning_rate=0.03).warmup(500),
        absolute=turns(1000),
    ),
    # The whole schedule is one step early: the peak is at step num_warmup_steps - 1.
    Case(
        "get_cosine_with_min_lr_schedule_with_warmup_lr_rate",
        {**RUN, "min_lr": 0.03},
        lambda: lrd.CosineAnnealing(0.3, 3000, end_learning_rate=0.03).warmup(500).shifted(-1),
        absolute=turns(3000),
    ),
    Case(
        "get_cosine_with_min_lr_schedule_with_warmup_lr_rate",
        {**RUN, "min_lr_rate": 0.1, "warmup_lr_rate": 0.25, "num_cycles": 1.5},
        lambda: lrd.CosineAnnealing(0.3, 1000, end_learning_rate=0.03).warmup(499, start_factor=0.25),
        absolute=turns(1000),
    ),
    Case(
        "get_wsd_schedule",
        {"num_warmup_steps": 500, "num_decay_steps": 1000, "num_training_steps": 4000},
        lambda: lrd.WarmupStableDecay(0.3, 500, 2500, 1000, decay_shape="cosine"),
    ),
    *[
        Case(
            "get_wsd_schedule",
            {
                "num_warmup_steps": 500,
                "num_decay_steps": 1000,
                "num_stable_steps": 2500,
                "warmup_type": shape,
                "decay_type": shape,
                "min_lr_ratio": 0.1,
            },
            lambda shape=shape: lrd.WarmupStableDecay(
                0.3,
                500,
                2500,
                1000,
                initial_learning_rate=0.03,
                end_learning_rate=0.03,
                warmup_shape=shape,
                decay_shape=shape,
            ),
        )
        for shape in ("linear", "cosine")
    ],
    Case(
        "get_wsd_schedule",
        {
            "num_warmup_steps": 500,
            "num_decay_steps": 1000,
            "num_stable_steps": 2500,
            "warmup_type": "1-sqrt",
            "decay_type": "1-sqrt",
            "min_lr_ratio": 0.1,
        },
        lambda: lrd.WarmupStableDecay(
            0.3,
            500,
            2500,
            1000,
            initial_learning_rate=0.03,
            end_learning_rate=0.03,
            warmup_shape="1-sqrt",
            decay_shape="1-sqrt",
        ),
    ),
    Case(
        "get_wsd_schedule",
        {
            "num_warmup_steps": 500,
            "num_decay_steps": 1000,
            "num_stable_steps": 2500,
            "min_lr_ratio": 0.1,
            "num_cycles": 2.0,
        },
        # The decay swings back up, and at its end the rate falls to the lowest.
        lambda: (
            lrd.Constant(0.3)
            .warmup(500, start_factor=0.1)
            .then(lrd.CosineAnnealing(0.3, 250, end_learning_rate=0.03), at=3000)
            .then(lrd.Constant(0.03), at=4000)
        ),
        absolute=32.0,
    ),
]

EXCLUDED = {
    "get_scheduler": "It calls another of the functions by its name.",
    "get_reduce_on_plateau_schedule": "It is torch's ReduceLROnPlateau, which follows the metrics of a run.",
    "get_greedy_schedule": "It follows the metrics of a run, not the step.",
    "get_adafactor_schedule": "It reports the rate that the optimizer Adafactor has chosen by itself.",
}

EXCLUDED_OPTIONS = {
    "optimizer": "It is what is stepped.",
    "last_epoch": "It says where a run is resumed, and changes no rate of any step.",
}


def schedule(name: str, **arguments: Any) -> Any:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LEARNING_RATE)
    return getattr(optimization, name)(optimizer, **arguments)


def rates_of(theirs: Any, steps: Steps) -> Rates:
    """What LambdaLR, which all of them are, sets at these steps: it depends on the step alone."""
    (factor,), (rate,) = theirs.lr_lambdas, theirs.base_lrs
    return np.array([rate * factor(int(step)) for step in steps])


@each(CASES)
def test_rates(case: Case) -> None:
    assert_same_rates(case, case.theirs(schedule), rates_of, FLOAT64)


@pytest.mark.filterwarnings("ignore:Detected call of")
@each(CASES)
def test_steps_of_a_run(case: Case) -> None:
    theirs = case.theirs(schedule)
    ours = case.ours()
    for step in range(1000):
        assert theirs.get_last_lr() == [pytest.approx(ours(step), rel=1e-12, abs=1e-15)]
        theirs.step()


LINES = {
    "get_constant_schedule()": Peer(),
    "get_constant_schedule_with_warmup(w)": Peer(),
    "get_linear_schedule_with_warmup(w, w + T)": Peer(),
    "get_cosine_schedule_with_warmup(w, w + T, num_cycles)": Peer(
        {"num_cycles": one_of(0.25, 0.5, 1.0, 1.5, 3.0)},
        absolute=lambda letters: turns(letters["T"] / (2 * letters["num_cycles"])),
    ),
    "get_cosine_with_hard_restarts_schedule_with_warmup(w, w + T, cycles)": Peer(absolute=64.0),
    "get_polynomial_decay_schedule_with_warmup(w, w + T, end, p)": Peer(absolute=near_the_end),
    "get_inverse_sqrt_schedule(w)": Peer(),
    "get_inverse_sqrt_schedule(w, n)": Peer(),
    "get_cosine_with_min_lr_schedule_with_warmup(w, w + T, min_lr=end)": Peer(absolute=turns_of_decay),
    **{
        f"get_cosine_with_min_lr_schedule_with_warmup_lr_rate({given})": Peer(absolute=turns_of_decay)
        for given in (
            "w, w + T, min_lr=end",
            "w, w + T, min_lr=end, warmup_lr_rate=f",
            "1, 1 + T, min_lr=end, warmup_lr_rate=f",
        )
    },
    "get_wsd_schedule(w, T, num_stable_steps=n, min_lr_ratio=end / lr)": Peer(),
    'get_wsd_schedule(w, T, num_stable_steps=n, warmup_type="1-sqrt", decay_type="linear", '
    "min_lr_ratio=end / lr)": Peer(),
}


def names_of_transformers(letters: Letters) -> dict[str, Any]:
    """The functions with an optimizer of the line's rate in place of their first argument."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=letters["lr"])
    found = {name: value for name, value in vars(optimization).items() if name.startswith("get_")}
    return {name: partial(function, optimizer) for name, function in found.items()}


@each_line("transformers")
def test_line_of_the_page(line: Line, random: Random) -> None:
    assert_line_holds(line, LINES, random, names_of_transformers, rates_of, FLOAT64)


def test_every_line_of_the_page_is_run() -> None:
    assert_all_lines_run("transformers", LINES)


def test_every_schedule_of_transformers_is_covered() -> None:
    found = {
        name
        for name, value in inspect.getmembers(optimization, inspect.isfunction)
        if name.startswith("get_") and value.__module__ == optimization.__name__
    }
    assert_all_covered(found, CASES, EXCLUDED)


def test_every_option_of_transformers_is_covered() -> None:
    assert_options_covered(
        lambda name: inspect.signature(getattr(optimization, name)).parameters, CASES, EXCLUDED_OPTIONS
    )
