"""optax's schedules are ours, in float64, and in float32 as far as float32 goes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from math import log
from random import Random
from typing import Any

import numpy as np
import pytest
from parity.comparison import (
    FLOAT32,
    FLOAT64,
    Case,
    Part,
    Rates,
    Roundings,
    Steps,
    assert_all_covered,
    assert_options_covered,
    assert_same_rates,
    each,
    exponent,
)
from parity.equals import (
    Letters,
    Line,
    Peer,
    assert_all_lines_run,
    assert_line_holds,
    each_line,
    either,
    near_the_end,
    share,
)
from peers import peer

import lrdecay_native as lrd

jax = peer("jax")
schedules = peer("optax.schedules")


CASES = [
    Case("constant_schedule", {"value": 0.3}, lambda: lrd.Constant(0.3)),
    Case(
        "linear_schedule",
        {"init_value": 0.3, "end_value": 0.01, "transition_steps": 3000, "transition_begin": 500},
        lambda: lrd.LinearDecay(0.3, 3000, end_learning_rate=0.01).shifted(500),
    ),
    Case(
        "linear_schedule",
        {"init_value": 0.0, "end_value": 0.3, "transition_steps": 3000},
        lambda: lrd.LinearDecay(0.0, 3000, end_learning_rate=0.3),
    ),
    Case(
        "linear_schedule",
        {"init_value": 0.3, "end_value": 0.01, "transition_steps": 0},
        lambda: lrd.Constant(0.3),
    ),
    Case(
        "polynomial_schedule",
        {
            "init_value": 0.3,
            "end_value": 0.01,
            "power": 2.0,
            "transition_steps": 3000,
            "transition_begin": 500,
        },
        lambda: lrd.PolynomialDecay(0.3, 3000, power=2.0, end_learning_rate=0.01).shifted(500),
    ),
    Case(
        "polynomial_schedule",
        # XLA divides by a constant through its reciprocal: 1 - 3000 * (1 / 3000) isn't zero, and its root less so.
        {"init_value": 0.3, "end_value": 0.01, "power": 0.5, "transition_steps": 4096},
        lambda: lrd.PolynomialDecay(0.3, 4096, power=0.5, end_learning_rate=0.01),
        # A rounding of 1 - x, where it is 1/4096, is 64 times larger in its root.
        absolute=64.0,
    ),
    Case(
        "exponential_decay",
        {"init_value": 0.3, "transition_steps": 700, "decay_rate": 0.7},
        lambda: lrd.StepDecay(0.3, 0.7, 700, staircase=False),
        relative=exponent(700),
    ),
    Case(
        "exponential_decay",
        {"init_value": 0.3, "transition_steps": 700, "decay_rate": 0.7, "staircase": True},
        lambda: lrd.StepDecay(0.3, 0.7, 700),
        relative=exponent(700),
    ),
    Case(
        "exponential_decay",
        {
            "init_value": 0.3,
            "transition_steps": 700,
            "decay_rate": 0.7,
            "transition_begin": 500,
            "staircase": True,
            "end_value": 0.05,
        },
        lambda: lrd.StepDecay(0.3, 0.7, 700).shifted(500).clipped(lowest=0.05),
        relative=exponent(700),
    ),
    Case(
        "exponential_decay",
        {
            "init_value": 0.1,
            "transition_steps": 700,
            "decay_rate": 1.5,
            "transition_begin": 500,
            "end_value": 0.3,
        },
        # Growth is a rise to its bound.
        lambda: lrd.PiecewiseInterpolation(
            [500, 500 + 700 * log(3.0) / log(1.5)], [0.1, 0.3], shape="exponential"
        ),
        relative=exponent(700),
    ),
    Case(
        "exponential_decay",
        {"init_value": 0.3, "transition_steps": 700, "decay_rate": 0.0},
        lambda: lrd.Constant(0.3),
    ),
    Case(
        "cosine_decay_schedule",
        {"init_value": 0.3, "decay_steps": 3000},
        lambda: lrd.CosineDecay(0.3, 3000),
    ),
    Case(
        "cosine_decay_schedule",
        {"init_value": 0.3, "decay_steps": 3000, "alpha": 0.1, "exponent": 2.0},
        lambda: lrd.CosineDecay(0.3, 3000, end_learning_rate=0.03, exponent=2.0),
    ),
    Case(
        "piecewise_constant_schedule",
        {"init_value": 0.3, "boundaries_and_scales": {700: 0.5, 3000: 0.1, 4000: 2.0}},
        lambda: lrd.PiecewiseConstant([700, 3000, 4000], [0.3, 0.15, 0.015, 0.03]),
    ),
    Case(
        "piecewise_constant_schedule",
        {"init_value": 0.3, "boundaries_and_scales": {700: 0.5, 3000: 0.5}},
        lambda: lrd.MultiStepDecay(0.3, [700, 3000], drop_rate=0.5),
    ),
    Case(
        "piecewise_interpolate_schedule",
        {
            "interpolate_type": "linear",
            "init_value": 0.1,
            "boundaries_and_scales": {700: 3.0, 3000: 0.1, 4000: 0.5},
        },
        lambda: lrd.PiecewiseInterpolation([0, 700, 3000, 4000], [0.1, 0.3, 0.03, 0.015]),
    ),
    Case(
        "piecewise_interpolate_schedule",
        {"interpolate_type": "cosine", "init_value": 0.1, "boundaries_and_scales": {700: 3.0, 3000: 0.1}},
        lambda: lrd.PiecewiseInterpolation([0, 700, 3000], [0.1, 0.3, 0.03], shape="cosine"),
    ),
    Case(
        "linear_onecycle_schedule",
        {"transition_steps": 4000, "peak_value": 0.3},
        lambda: lrd.PiecewiseInterpolation([0, 1200, 3400, 4000], [0.012, 0.3, 0.012, 0.0000012]),
    ),
    Case(
        "linear_onecycle_schedule",
        {
            "transition_steps": 4001,
            "peak_value": 0.3,
            "pct_start": 0.25,
            "pct_final": 0.5,
            "div_factor": 10.0,
            "final_div_factor": 100.0,
        },
        # Where the second phase is as long as the first, it is the one cycle of three phases.
        lambda: lrd.OneCycle(
            0.3,
            4001,
            pct_start=0.25,
            anneal_strategy="linear",
            three_phase=True,
            div_factor=10.0,
            final_div_factor=100.0,
            end_at_last_step=False,
        ),
    ),
    Case(
        "cosine_onecycle_schedule",
        {"transition_steps": 4000, "peak_value": 0.3},
        lambda: lrd.OneCycle(0.3, 4000, end_at_last_step=False),
    ),
    Case(
        "cosine_onecycle_schedule",
        {
            "transition_steps": 4001,
            "peak_value": 0.3,
            "pct_start": 0.25,
            "div_factor": 10.0,
            "final_div_factor": 100.0,
        },
        lambda: lrd.OneCycle(
            0.3, 4001, pct_start=0.25, div_factor=10.0, final_div_factor=100.0, end_at_last_step=False
        ),
    ),
    Case(
        "warmup_constant_schedule",
        {"init_value": 0.01, "peak_value": 0.3, "warmup_steps": 700},
        lambda: lrd.Constant(0.3).warmup(700, 0.01),
    ),
    Case(
        "warmup_cosine_decay_schedule",
        {
            "init_value": 0.01,
            "peak_value": 0.3,
            "warmup_steps": 700,
            "decay_steps": 4000,
            "end_value": 0.03,
            "exponent": 2.0,
        },
        # Its decay_steps count the warm-up too.
        lambda: lrd.CosineDecay(0.3, 3300, end_learning_rate=0.03, exponent=2.0).warmup(700, 0.01),
    ),
    Case(
        "warmup_exponential_decay_schedule",
        {
            "init_value": 0.0,
            "peak_value": 0.3,
            "warmup_steps": 700,
            "transition_steps": 500,
            "decay_rate": 0.7,
            "transition_begin": 1000,
            "staircase": True,
            "end_value": 0.05,
        },
        lambda: lrd.StepDecay(0.3, 0.7, 500).clipped(lowest=0.05).shifted(1000).warmup(700),
        relative=exponent(500),
    ),
    Case(
        "sgdr_schedule",
        {
            "cosine_kwargs": [
                {"init_value": 0.0, "peak_value": 0.3, "warmup_steps": 100, "decay_steps": 1000},
                {
                    "init_value": 0.0,
                    "peak_value": 0.2,
                    "warmup_steps": 100,
                    "decay_steps": 2000,
                    "end_value": 0.01,
                },
            ]
        },
        lambda: (
            lrd.CosineDecay(0.3, 900)
            .warmup(100)
            .then(lrd.CosineDecay(0.2, 1900, end_learning_rate=0.01).warmup(100), at=1000)
        ),
    ),
    Case(
        "join_schedules",
        {
            "schedules": [
                Part("linear_schedule", {"init_value": 0.0, "end_value": 0.3, "transition_steps": 700}),
                Part("constant_schedule", {"value": 0.3}),
                Part("cosine_decay_schedule", {"init_value": 0.3, "decay_steps": 2000}),
            ],
            "boundaries": [700, 3000],
        },
        lambda: (
            lrd.LinearDecay(0.0, 700, end_learning_rate=0.3)
            .then(lrd.Constant(0.3), at=700)
            .then(lrd.CosineDecay(0.3, 2000), at=3000)
        ),
    ),
]

EXCLUDED = {
    "inject_hyperparams": "It wraps an optimizer so that its hyperparameters may be schedules; it is no schedule.",
    "inject_stateful_hyperparams": "It is another name of inject_hyperparams.",
}


def schedule(name: str, **arguments: Any) -> Any:
    return getattr(schedules, name)(**arguments)


def rates_of(theirs: Any, steps: Steps) -> Rates:
    return np.asarray(jax.jit(jax.vmap(theirs))(jax.numpy.asarray(steps)), dtype=np.float64)


@each(CASES)
def test_rates_in_float64(case: Case) -> None:
    with jax.enable_x64(True):
        assert_same_rates(case, case.theirs(schedule), rates_of, FLOAT64)


@each(CASES)
def test_rates_in_float32(case: Case) -> None:
    assert_same_rates(case, case.theirs(schedule), rates_of, FLOAT32)


def of_factors(letters: Letters) -> Roundings:
    return exponent(letters["n"])


def late_stairs(letters: Letters) -> Callable[[Steps], Any]:
    """XLA divides by a length through its rounded reciprocal, so that a step down can come a step late."""
    reciprocal = 1.0 / letters["n"]
    return lambda steps: letters["staircase"] & (np.floor(steps * reciprocal) < steps // letters["n"])


def end_not_reached(letters: Letters) -> Callable[[Steps], Any]:
    """For the same reason the part that is left can be a rounding at the end, and its root is far from 0."""
    reached = letters["p"] >= 1.0 or letters["T"] * (1.0 / letters["T"]) >= 1.0
    return lambda steps: (not reached) & (steps >= letters["n"] + letters["T"])


SCHEDULES = {
    "constant_schedule(lr)": Peer(),
    "linear_schedule(init, end, T, n)": Peer(),
    "exponential_decay(lr, n, f, end_value=end)": Peer(relative=of_factors),
    "cosine_decay_schedule(lr, T, alpha, p)": Peer({"alpha": share}),
    "piecewise_constant_schedule(lr, {b1: f, b2: f})": Peer(),
    "piecewise_constant_schedule(lr, {b1: 0.5, b2: 0.1})": Peer(),
    'piecewise_interpolate_schedule("linear", lr, {b1: 0.5, b2: 0.1})': Peer(),
    "cosine_onecycle_schedule(T, lr)": Peer(),
    "linear_onecycle_schedule(T, lr)": Peer(),
    "warmup_constant_schedule(init, lr, w)": Peer(),
    "warmup_cosine_decay_schedule(init, lr, w, T, end)": Peer(),
    "warmup_exponential_decay_schedule(init, lr, w, n, f)": Peer(relative=of_factors),
}

LINES = {
    **SCHEDULES,
    "polynomial_schedule(init, end, p, T, n)": Peer(absolute=near_the_end, unlike=end_not_reached),
    "exponential_decay(lr, n, f, staircase=staircase)": Peer(
        {"staircase": either}, relative=of_factors, unlike=late_stairs
    ),
    "join_schedules([s1, s2], [b1])": Peer(parts=SCHEDULES),
    "sgdr_schedule([dict(init_value=init, peak_value=lr, warmup_steps=w, decay_steps=n), "
    "dict(init_value=init, peak_value=f * lr, warmup_steps=w, decay_steps=T)])": Peer(),
}


def eager_rates_of(theirs: Any, steps: Steps) -> Rates:
    """The rates of single operations, each compiled by itself."""
    return np.asarray(jax.vmap(theirs)(jax.numpy.asarray(steps)), dtype=np.float64)


@each_line("optax")
def test_line_of_the_page(line: Line, random: Random) -> None:
    with jax.enable_x64(True):
        assert_line_holds(line, LINES, random, lambda letters: vars(schedules), eager_rates_of, FLOAT64)


def test_every_line_of_the_page_is_run() -> None:
    assert_all_lines_run("optax", LINES)


def test_every_schedule_of_optax_is_covered() -> None:
    found = {name for name, _ in inspect.getmembers(schedules, inspect.isfunction)}
    assert_all_covered(found, CASES, EXCLUDED)


def test_every_option_of_optax_is_covered() -> None:
    assert_options_covered(lambda name: inspect.signature(getattr(schedules, name)).parameters, CASES, {})


def test_one_cycles_of_any_part_are_those_of_optax(random: Random) -> None:
    for _ in range(60):
        total = random.choice([2, 3, 10, 50, random.randint(2, 300), random.randint(1000, 5000)])
        parts = [0.0, 5e-324, 1e-9, 1.0 - 1e-9, random.random(), random.randint(0, total) / total]
        part = random.choice([*parts, (total - 1) / total, 1.0])
        factors = {"div_factor": random.choice([25.0, 1.0]), "final_div_factor": random.choice([1e4, 0.5])}
        ours = lrd.OneCycle(0.3, total, pct_start=part, end_at_last_step=False, **factors)
        steps = np.arange(total + 2)
        if int(part * total) == total:
            # optax leaves the rise out; here it reaches the highest rate, where the end rate then is.
            rise = lrd.CosineDecay(0.3, total, end_learning_rate=0.3 / factors["div_factor"]).reversed(total)
            assert ours(steps[:-2]) == pytest.approx(rise(steps[:-2]), rel=1e-14)
            assert ours(total) == pytest.approx(0.3 / factors["div_factor"] / factors["final_div_factor"])
            continue
        with jax.enable_x64(True):
            theirs = schedules.cosine_onecycle_schedule(total, 0.3, pct_start=part, **factors)
            wanted = rates_of(theirs, steps)
        assert ours(steps) == pytest.approx(wanted, rel=1e-9, abs=1e-13), (total, part, factors)
