"""Keras's learning-rate schedules are ours, in float64, and in float32 as far as float32 goes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from parity.comparison import (
    FLOAT32,
    FLOAT64,
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
    PLATEAU,
    Letters,
    Line,
    Peer,
    assert_all_lines_run,
    assert_line_holds,
    assert_plateau_line_holds,
    each_line,
    either,
    near_the_end,
    one_of,
    rate,
    share,
)
from peers import peer

import lrdecay_native as lrd

keras = peer("keras")
schedules = keras.optimizers.schedules


def next_to_restarts(first: int, t_mul: float) -> Any:
    """Keras finds the cycle by logarithms, which take the first or last step of one to its neighbour."""
    starts = first * (np.power(float(t_mul), np.arange(40)) - 1.0) / (t_mul - 1.0)
    return lambda steps: np.abs(steps[:, np.newaxis] - starts).min(axis=1) <= 1e-6 * steps + 1e-3


# Keras casts the numbers of Python to float32 before it casts them to float64: these are exact in both.
CASES = [
    Case(
        "ExponentialDecay",
        {"initial_learning_rate": 0.3, "decay_steps": 700, "decay_rate": 0.75},
        lambda: lrd.StepDecay(0.3, 0.75, 700, staircase=False),
        relative=exponent(700),
    ),
    Case(
        "ExponentialDecay",
        {"initial_learning_rate": 0.3, "decay_steps": 700, "decay_rate": 0.75, "staircase": True},
        lambda: lrd.StepDecay(0.3, 0.75, 700),
        relative=exponent(700),
    ),
    Case(
        "InverseTimeDecay",
        {"initial_learning_rate": 0.3, "decay_steps": 700, "decay_rate": 0.5},
        lambda: lrd.InverseTimeDecay(0.3, 0.5, decay_steps=700),
    ),
    Case(
        "InverseTimeDecay",
        {"initial_learning_rate": 0.3, "decay_steps": 700, "decay_rate": 0.5, "staircase": True},
        lambda: lrd.InverseTimeDecay(0.3, 0.5, decay_steps=700, staircase=True),
    ),
    Case(
        "PolynomialDecay",
        {"initial_learning_rate": 0.3, "decay_steps": 3000},
        lambda: lrd.PolynomialDecay(0.3, 3000, end_learning_rate=float(np.float32(0.0001))),
    ),
    Case(
        "PolynomialDecay",
        {"initial_learning_rate": 0.3, "decay_steps": 3000, "end_learning_rate": 0.0, "power": 2.0},
        lambda: lrd.PolynomialDecay(0.3, 3000, power=2.0),
    ),
    Case(
        "PolynomialDecay",
        {"initial_learning_rate": 0.3, "decay_steps": 3000, "end_learning_rate": 0.015625, "power": 0.5},
        lambda: lrd.PolynomialDecay(0.3, 3000, power=0.5, end_learning_rate=0.015625),
        # A rounding of 1 - x, where it is 1/3000, is 3000 ** 0.5 times larger in its root.
        absolute=64.0,
    ),
    Case(
        "PolynomialDecay",
        {"initial_learning_rate": 0.3, "decay_steps": 700, "end_learning_rate": 0.015625, "cycle": True},
        lambda: lrd.PolynomialDecay(0.3, 700, end_learning_rate=0.015625, cycle=True),
    ),
    Case(
        "CosineDecay",
        {"initial_learning_rate": 0.3, "decay_steps": 3000},
        lambda: lrd.CosineDecay(0.3, 3000),
    ),
    Case(
        "CosineDecay",
        {"initial_learning_rate": 0.3, "decay_steps": 3000, "alpha": 0.125},
        lambda: lrd.CosineDecay(0.3, 3000, end_learning_rate=0.0375),
    ),
    Case(
        "CosineDecay",
        {"initial_learning_rate": 0.0, "decay_steps": 3000, "warmup_target": 0.5, "warmup_steps": 700},
        lambda: lrd.CosineDecay(0.5, 3000).warmup(700),
    ),
    Case(
        "CosineDecay",
        {
            "initial_learning_rate": 0.05,
            "decay_steps": 3000,
            "alpha": 0.125,
            "warmup_target": 0.5,
            "warmup_steps": 700,
        },
        lambda: lrd.CosineDecay(0.5, 3000, end_learning_rate=0.0625).warmup(700, 0.05),
    ),
    Case(
        "CosineDecay",
        {"initial_learning_rate": 0.05, "decay_steps": 3000, "warmup_target": 0.5},
        lambda: lrd.CosineDecay(0.5, 3000),
    ),
    Case(
        "CosineDecayRestarts",
        {"initial_learning_rate": 0.3, "first_decay_steps": 500},
        lambda: lrd.CosineRestarts(0.3, 500),
        absolute=turns(500),
        unlike=next_to_restarts(500, 2.0),
    ),
    Case(
        "CosineDecayRestarts",
        {
            "initial_learning_rate": 0.3,
            "first_decay_steps": 500,
            "t_mul": 1.5,
            "m_mul": 0.875,
            "alpha": 0.125,
        },
        lambda: lrd.CosineRestarts(0.3, 500, t_mul=1.5, m_mul=0.875, end_learning_rate=0.0375),
        absolute=turns(500),
        unlike=next_to_restarts(500, 1.5),
    ),
    Case(
        "CosineDecayRestarts",
        {
            "initial_learning_rate": 0.3,
            "first_decay_steps": 500,
            "t_mul": 1.0,
            "m_mul": 0.875,
            "alpha": 0.125,
        },
        lambda: lrd.CosineRestarts(0.3, 500, t_mul=1.0, m_mul=0.875, end_learning_rate=0.0375),
        absolute=turns(500),
    ),
    Case(
        "PiecewiseConstantDecay",
        {"boundaries": [700, 3000], "values": [0.3, 0.1, 0.2]},
        lambda: lrd.PiecewiseConstant([701, 3001], [0.3, 0.1, 0.2]),
    ),
    Case(
        "PiecewiseConstantDecay",
        {"boundaries": [700], "values": [0.3, 0.1]},
        lambda: lrd.PiecewiseConstant([701], [0.3, 0.1]),
    ),
]

EXCLUDED_OPTIONS = {"name": "It names a scope in a graph and changes no rate."}

RATES = ("initial_learning_rate", "values")
"""The arguments whose dtype is that of a schedule's arithmetic."""


def schedule(dtype: str, name: str, **arguments: Any) -> Any:
    """Keras's schedule with its arithmetic in this dtype."""
    rates = {key: tensors(arguments[key], dtype) for key in RATES if key in arguments}
    return getattr(schedules, name)(**{**arguments, **rates})


def tensors(value: Any, dtype: str) -> Any:
    if isinstance(value, list):
        return [tensors(each, dtype) for each in value]
    return keras.ops.convert_to_tensor(value, dtype)


def rates_of(theirs: Any, steps: Steps) -> Rates:
    rates = keras.ops.vectorized_map(theirs, keras.ops.convert_to_tensor(steps))
    return np.asarray(keras.ops.convert_to_numpy(rates), dtype=np.float64)


def in_float64(case: Case) -> Any:
    return case.theirs(lambda name, **arguments: schedule("float64", name, **arguments))


def in_float32(case: Case) -> Any:
    return case.theirs(lambda name, **arguments: schedule("float32", name, **arguments))


needs_float64 = pytest.mark.skipif(
    keras.ops.convert_to_tensor(0.1, "float64").dtype != "float64",
    reason="Keras has no float64 on this backend",
)


@needs_float64
@each(CASES)
def test_rates_in_float64(case: Case) -> None:
    assert_same_rates(case, in_float64(case), rates_of, FLOAT64)


@each(CASES)
def test_rates_in_float32(case: Case) -> None:
    assert_same_rates(case, in_float32(case), rates_of, FLOAT32)


@needs_float64
@pytest.mark.parametrize("restart", [500, 1500, 3500])
def test_restart_is_at_its_step_or_by_the_rounding_of_logarithms_one_later(restart: int) -> None:
    theirs = schedule("float64", "CosineDecayRestarts", initial_learning_rate=0.3, first_decay_steps=500)
    ours = lrd.CosineRestarts(0.3, 500)
    before, at, after = rates_of(theirs, restart + np.arange(-1, 2))
    assert ours(restart) == 0.3
    assert at in (0.3, 0.0)
    assert [before, after] == pytest.approx([ours(restart - 1), ours(restart + 1)], rel=1e-9)


def of_factors(letters: Letters) -> Roundings:
    return exponent(letters["n"])


def restarts(letters: Letters) -> Callable[[Steps], Any]:
    """With cycles of different lengths, the steps next to a restart."""
    near = next_to_restarts(letters["n"], letters["t_mul"]) if letters["t_mul"] != 1.0 else np.zeros_like
    return lambda steps: near(steps).astype(bool)


def of_cycles(letters: Letters) -> Roundings:
    return turns(letters["n"])


OF_A_METRIC = {
    'ReduceLROnPlateau("loss", f, patience, mode=mode, min_delta=min_delta, cooldown=cooldown)': Peer(
        {**PLATEAU, "min_delta": PLATEAU["threshold"]}
    )
}

LINES = {
    "ExponentialDecay(lr, n, f, staircase)": Peer({"staircase": either}, relative=of_factors),
    "InverseTimeDecay(lr, n, r, staircase)": Peer({"staircase": either}),
    "PolynomialDecay(lr, T, end, p, cycle)": Peer({"cycle": either}, absolute=near_the_end),
    "CosineDecay(lr, T, alpha)": Peer({"alpha": share}),
    "CosineDecay(init, T, alpha, warmup_target=lr, warmup_steps=w)": Peer(
        # It takes one step at a time, and is constant behind its end.
        {"alpha": share},
        last=lambda letters: letters["w"] + letters["T"] + 20,
    ),
    "CosineDecayRestarts(lr, n, t_mul, m_mul, alpha)": Peer(
        {"t_mul": one_of(1.0, 1.5, 2.0, 3.0), "m_mul": one_of(0.5, 0.9, 1.0), "alpha": share},
        absolute=of_cycles,
        unlike=restarts,
    ),
    "PiecewiseConstantDecay([b1, b2], rates)": Peer(
        {"rates": lambda random: [rate(random) for _ in range(3)]}
    ),
    **OF_A_METRIC,
}


class Plateau:
    """The callback beside a model."""

    def __init__(self, learning_rate: float, callback: Any) -> None:
        self.model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        self.model.compile(keras.optimizers.SGD(learning_rate), loss="mse")
        self.callback = callback
        self.callback.set_model(self.model)
        self.callback.on_train_begin()

    def after(self, epoch: int, metric: float) -> float:
        self.callback.on_epoch_end(epoch, {"loss": metric})
        return float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))


def names_of_plateau(letters: Letters) -> dict[str, Any]:
    make = keras.callbacks.ReduceLROnPlateau
    return {"ReduceLROnPlateau": lambda *given, **options: Plateau(letters["lr"], make(*given, **options))}


def eager_rates_of(theirs: Any, steps: Steps) -> Rates:
    """The rates as they are without a compiler, which would divide by a length through its reciprocal."""
    if getattr(theirs, "warmup_target", None) is None:
        rates = theirs(keras.ops.convert_to_tensor(steps))
    else:
        rates = keras.ops.stack([theirs(int(step)) for step in steps])
    return keras.ops.convert_to_numpy(rates).astype(np.float64)


@each_line("Keras", but=OF_A_METRIC)
def test_line_of_the_page(line: Line, random: Random) -> None:
    assert_line_holds(line, LINES, random, lambda letters: vars(schedules), eager_rates_of, FLOAT32)


def test_line_of_the_page_of_plateaus(random: Random) -> None:
    assert_plateau_line_holds("Keras", OF_A_METRIC, random, names_of_plateau, FLOAT32)


def test_every_line_of_the_page_is_run() -> None:
    assert_all_lines_run("Keras", LINES)


def test_every_schedule_of_keras_is_covered() -> None:
    base = schedules.LearningRateSchedule
    found = {
        name
        for name, value in inspect.getmembers(schedules, inspect.isclass)
        if issubclass(value, base) and value is not base
    }
    assert_all_covered(found, CASES, {})


def test_every_option_of_keras_is_covered() -> None:
    assert_options_covered(
        lambda name: inspect.signature(getattr(schedules, name)).parameters, CASES, EXCLUDED_OPTIONS
    )
