"""The decays of TensorFlow 1, in float32, which is the only dtype that all of them compute in."""

from __future__ import annotations

import inspect
from random import Random
from typing import Any

import numpy as np
from parity.comparison import (
    FLOAT32,
    Case,
    Rates,
    Roundings,
    Steps,
    assert_all_covered,
    assert_options_covered,
    assert_same_rates,
    each,
    exponent,
    turns,
)
from parity.equals import (
    RUN,
    Letters,
    Line,
    Peer,
    assert_all_lines_run,
    assert_line_holds,
    each_line,
    either,
    one_of,
    share,
)
from peers import peer

import lrdecay_native as lrd

tensorflow = peer("tensorflow")
decays = tensorflow.compat.v1.train


RATE = {"learning_rate": 0.3}

CASES = [
    *[
        Case(
            "exponential_decay",
            {**RATE, "decay_steps": 700, "decay_rate": 0.7, "staircase": staircase},
            lambda staircase=staircase: lrd.StepDecay(0.3, 0.7, 700, staircase=staircase),
            relative=exponent(700),
        )
        for staircase in (False, True)
    ],
    *[
        Case(
            "natural_exp_decay",
            {**RATE, "decay_steps": 700, "decay_rate": 0.5, "staircase": staircase},
            lambda staircase=staircase: lrd.ExponentialDecay(0.3, 0.5, step_size=700, staircase=staircase),
            relative=exponent(700),
        )
        for staircase in (False, True)
    ],
    *[
        Case(
            "inverse_time_decay",
            {**RATE, "decay_steps": 700, "decay_rate": 0.5, "staircase": staircase},
            lambda staircase=staircase: lrd.InverseTimeDecay(0.3, 0.5, decay_steps=700, staircase=staircase),
        )
        for staircase in (False, True)
    ],
    Case(
        "polynomial_decay",
        {**RATE, "decay_steps": 3000, "end_learning_rate": 0.01, "power": 2.0},
        lambda: lrd.PolynomialDecay(0.3, 3000, power=2.0, end_learning_rate=0.01),
    ),
    Case(
        "polynomial_decay",
        {**RATE, "decay_steps": 700, "end_learning_rate": 0.01, "cycle": True},
        lambda: lrd.PolynomialDecay(0.3, 700, end_learning_rate=0.01, cycle=True),
    ),
    Case(
        "cosine_decay",
        {**RATE, "decay_steps": 3000, "alpha": 0.1},
        lambda: lrd.CosineDecay(0.3, 3000, end_learning_rate=0.03),
    ),
    Case(
        "cosine_decay_restarts",
        {**RATE, "first_decay_steps": 500, "t_mul": 1.0, "m_mul": 0.9, "alpha": 0.1},
        lambda: lrd.CosineRestarts(0.3, 500, t_mul=1.0, m_mul=0.9, end_learning_rate=0.03),
        absolute=turns(500),
    ),
    Case("linear_cosine_decay", {**RATE, "decay_steps": 3000}, lambda: lrd.LinearCosineDecay(0.3, 3000)),
    Case(
        "linear_cosine_decay",
        {**RATE, "decay_steps": 3000, "num_periods": 2.5, "alpha": 0.1, "beta": 0.05},
        lambda: lrd.LinearCosineDecay(0.3, 3000, num_periods=2.5, alpha=0.1, beta=0.05),
        # The angle goes up to 5 pi.
        absolute=32.0,
    ),
    *[
        Case(
            name,
            {"boundaries": [700, 3000], "values": [0.3, 0.1, 0.2]},
            lambda: lrd.PiecewiseConstant([701, 3001], [0.3, 0.1, 0.2]),
        )
        for name in ("piecewise_constant", "piecewise_constant_decay")
    ],
]

EXCLUDED = {"noisy_linear_cosine_decay": "Its noise is random."}

EXCLUDED_OPTIONS = {
    "global_step": "It is the step.",
    "x": "It is the step.",
    "name": "It names a scope in a graph and changes no rate.",
}


def rates_of(theirs: Any, steps: Steps) -> Rates:
    """The rates at each of the steps; ``theirs`` is the case, for the functions take the steps themselves."""
    name, arguments = theirs
    decay = getattr(decays, name)
    first = next(iter(inspect.signature(decay).parameters))
    if first == "x":
        rates = tensorflow.vectorized_map(lambda step: decay(step, **arguments), tensorflow.constant(steps))
        return np.asarray(rates, dtype=np.float64)
    given = {**arguments, "learning_rate": tensorflow.constant(arguments["learning_rate"])}
    return np.asarray(decay(global_step=tensorflow.constant(steps), **given)(), dtype=np.float64)


@each(CASES)
def test_rates(case: Case) -> None:
    assert_same_rates(case, (case.peer, case.arguments), rates_of, FLOAT32)


STAIRCASE = {"t": one_of(RUN), "staircase": either}


def of_factors(letters: Letters) -> Roundings:
    return exponent(letters["n"])


LINES = {
    "exponential_decay(lr, t, n, f, staircase)": Peer(STAIRCASE, relative=of_factors),
    "natural_exp_decay(lr, t, n, r, staircase)": Peer(STAIRCASE, relative=of_factors),
    "linear_cosine_decay(lr, t, T)": Peer({"t": one_of(RUN)}),
    "linear_cosine_decay(lr, t, T, num_periods, alpha, beta)": Peer(
        {"t": one_of(RUN), "num_periods": one_of(0.5, 1.0, 2.5), "alpha": share, "beta": share}, absolute=32.0
    ),
}


@each_line("TensorFlow 1")
def test_line_of_the_page(line: Line, random: Random) -> None:
    assert_line_holds(
        line,
        LINES,
        random,
        lambda letters: vars(decays),
        lambda rates, steps: np.asarray(rates(), float),
        FLOAT32,
    )


def test_every_line_of_the_page_is_run() -> None:
    assert_all_lines_run("TensorFlow 1", LINES)


def test_every_decay_of_tensorflow_is_covered() -> None:
    found = {
        name
        for name, value in inspect.getmembers(decays, callable)
        if inspect.isfunction(value) and ("decay" in name or "piecewise" in name)
    }
    assert_all_covered(found, CASES, EXCLUDED)


def test_every_option_of_tensorflow_is_covered() -> None:
    assert_options_covered(
        lambda name: inspect.signature(getattr(decays, name)).parameters, CASES, EXCLUDED_OPTIONS
    )
