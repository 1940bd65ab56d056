"""Rates at steps behind so many cycles, or whole periods, that 106 bits don't hold the place in the last one."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from draws import draws
from reference import LEAST_ACCURATE, Real, mp, real, spread, true_rate, ulps

import lrdecay_native as lrd

CALL_BOUND = 0.8
GRID_BOUND = 0.51


def truth(schedule: Any, step: float) -> Real:
    """The true rate: quotients have up to 700 bits before the point, and as many behind it count."""
    with mp.workprec(2400):
        return +true_rate(schedule, real(step))


def assert_near(schedule: Any, step: float, rate: float, bound: float, dtype: str = "float64") -> None:
    true = truth(schedule, step)
    if true < LEAST_ACCURATE[dtype]:
        assert 0.0 <= rate < 2 * LEAST_ACCURATE[dtype], (schedule, step, rate)
        return
    assert math.isfinite(rate), (schedule, step, rate)
    assert ulps(np.dtype(dtype).type(rate), true, dtype) <= bound, (schedule, step, rate, float(true))


@pytest.mark.parametrize(
    ("schedule", "step"),
    [
        (lrd.Cyclic(1e-6, 1e-3, 1e-100), 3),
        (lrd.CosineAnnealing(0.34, 1e-100, end_learning_rate=1e18), 3),
        (lrd.LinearDecay(0.3, 9.4e-65, end_learning_rate=0.2).restarted(6.6e-65), 13),
        (lrd.Cyclic(0.0, 0.1, 1e-9).per_epoch(1e-90), 7),
        (lrd.StepDecay(0.1, 0.5, 3).restarted(9).per_epoch(1e-70, staircase=True), 2**62 + 1),
        (lrd.PolynomialDecay(0.1, 0.3, power=2.0, cycle=True), 2**62),
        (lrd.Cyclic(0.0, 1.0, 1e-60, step_size_down=10), 10**6),
        (lrd.Cyclic(0.01, 0.1, 0.7).shifted(by=-1e25), 0),
        (lrd.Cyclic(0.01, 0.1, 0.7).reversed(2**63), 5),
        (lrd.Tabulated([0.1, 0.3, 0.2], every=1e-30).restarted(2e-30), 41),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, lrd.Schedule) else str(value),
)
def test_rates_that_were_out_of_all_bounds(schedule: Any, step: int) -> None:
    assert_near(schedule, step, schedule(step), CALL_BOUND)
    assert schedule(np.array([step]))[0] == schedule(step)


# What repeats, or has stairs, by its period.

OF_A_PERIOD: dict[str, Callable[[float, Random], Any]] = {
    "Cyclic": lambda period, random: lrd.Cyclic(
        random.choice([0.0, 1e-6]), 1e-3, period, mode=random.choice(["triangular", "triangular2"])
    ),
    "Cyclic, two lengths": lambda period, random: lrd.Cyclic(
        1e-6, 1e-3, period, step_size_down=period * spread(random, 1e-20, 1e20)
    ),
    "Cyclic, exp_range": lambda period, random: lrd.Cyclic(
        1e-6, 1e-3, period, mode="exp_range", gamma=1 - 2.0**-50
    ),
    "CosineAnnealing": lambda period, random: lrd.CosineAnnealing(
        0.34, period, end_learning_rate=random.choice([0.0, 1e-3, 2.0])
    ),
    "CosineRestarts": lambda period, random: lrd.CosineRestarts(
        0.1, period, t_mul=1, m_mul=random.choice([1.0, 1 - 2.0**-45]), end_learning_rate=0.01
    ),
    "PolynomialDecay": lambda period, random: lrd.PolynomialDecay(
        0.1, period, power=random.choice([0.5, 1.0, 2.0, random.uniform(0.1, 4.0)]), cycle=True
    ),
    "StepDecay": lambda period, random: lrd.StepDecay(0.1, 1 - 2.0**-53, period),
    "InverseTimeDecay": lambda period, random: lrd.InverseTimeDecay(
        0.1, spread(random, 1e-30, 1.0), decay_steps=period, staircase=True
    ),
    "Restarted": lambda period, random: lrd.CosineDecay(0.1, period).restarted(
        period * random.uniform(0.3, 2.0), random.choice([1.0, 1 - 2.0**-45])
    ),
    "Restarted waves": lambda period, random: lrd.LinearCosineDecay(
        0.1, period, num_periods=random.uniform(1, 1000)
    ).restarted(period),
    "PerEpoch": lambda period, random: lrd.Cyclic(1e-6, 1e-3, 3).per_epoch(period),
    "PerEpoch, staircase": lambda period, random: lrd.Cyclic(1e-6, 1e-3, 3).per_epoch(period, staircase=True),
    "Stretched": lambda period, random: lrd.Cyclic(1e-6, 1e-3, 3).stretched(to=period, of=7),
    "Tabulated": lambda period, random: lrd.Tabulated(
        [0.1, 0.3, 0.2, 0.4], every=period, interpolation=random.choice(["linear", "previous"])
    ).restarted(3 * period),
}


def some_tiny_period(random: Random, step: float) -> float:
    """Up to 2**63 periods, or up to 1e94 of them, before a step; most are no whole number of steps."""
    quotient = random.choice([2.0 ** random.uniform(31, 63), 2.0 ** random.uniform(50, 360)])
    return max((step or 1.0) / quotient * random.uniform(0.5, 1.0), 1e-75)


def some_step(random: Random) -> int:
    return random.choice([random.randrange(2**63), random.randrange(2 ** random.randint(1, 63))])


def composed(random: Random, schedule: Any, period: float) -> Any:
    """The schedule, or something made of it."""
    size = random.choice([period, 1e10 * period, spread(random, 1e-20, 1e20)])
    return random.choice(
        [
            lambda: schedule,
            lambda: schedule.per_epoch(size),
            lambda: schedule.per_epoch(size, staircase=True),
            lambda: schedule.restarted(max(size, period), random.choice([1.0, 0.5])),
            lambda: schedule.shifted(by=random.choice([size, -size, -1e22])),
            lambda: schedule.reversed(random.choice([size, 2**62])),
            lambda: schedule.warmup(10).clipped(lowest=1e-3, highest=0.5),
            lambda: schedule * lrd.CosineAnnealing(1.0, size) + lrd.Constant(0.1),
            lambda: schedule.then(lrd.Cyclic(0.1, 0.2, period), at=max(size, 1.0)),
        ]
    )()


@pytest.mark.parametrize("kind", OF_A_PERIOD)
def test_single_steps_and_arrays(kind: str, random: Random) -> None:
    for _ in range(draws(40)):
        steps = [some_step(random) for _ in range(2)]
        period = some_tiny_period(random, max(steps))
        schedule = OF_A_PERIOD[kind](period, random)
        if random.random() < 0.5:
            schedule = composed(random, schedule, period)
        rates = [schedule(step) for step in steps]
        for step, rate in zip(steps, rates, strict=True):
            assert_near(schedule, step, rate, CALL_BOUND)
        assert schedule(np.array(steps, np.uint64)).tolist() == rates


@pytest.mark.parametrize("kind", OF_A_PERIOD)
def test_steps_that_are_no_whole_numbers(kind: str, random: Random) -> None:
    for _ in range(draws(10)):
        step = spread(random, 1e-3, 2.0**62)
        schedule = OF_A_PERIOD[kind](some_tiny_period(random, step), random)
        assert_near(schedule, step, schedule(step), CALL_BOUND)
        assert schedule(np.array([step, step]))[1] == schedule(step)


def test_tables_behind_more_cycles_than_an_engine_counts(random: Random) -> None:
    """Which rate is asked for there, an engine can't say: it must not fail, since the answer is that of fractions."""
    rates = (0.1, 0.3, 0.2, 0.4)
    table = lrd.Tabulated(rates, every=1.8268047935981193e-23).restarted(5.480414380794358e-23)
    cases: list[tuple[Any, Any]] = [(table, 1.286956308002412e18)]
    table = lrd.Tabulated(rates, every=1e-75).restarted(3e-75)
    cases.append((table.per_epoch(2.6974507831663245e-12, staircase=True), 5569107487473921923))
    for _ in range(draws(400)):
        step = random.choice([some_step(random), spread(random, 1e-3, 2.0**62)])
        schedule = OF_A_PERIOD["Tabulated"](some_tiny_period(random, step), random)
        cases.append((composed(random, schedule, some_tiny_period(random, step)), step))
    for schedule, step in cases:
        assert_near(schedule, step, schedule(step), CALL_BOUND)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", OF_A_PERIOD)
def test_grids(kind: str, dtype: str, random: Random) -> None:
    for _ in range(draws(10)):
        first, step = min(some_step(random), 2**63 - 10**7), random.choice([1, 1, 97])
        schedule = OF_A_PERIOD[kind](some_tiny_period(random, first), random)
        count = random.choice([1, 40, 700])
        values = schedule.values(first, first + count * step, step, dtype=dtype)
        for k in {0, count - 1, random.randrange(count)}:
            assert_near(schedule, first + k * step, float(values[k]), GRID_BOUND, dtype)


@pytest.mark.parametrize("kind", OF_A_PERIOD)
def test_on_both_sides_of_the_steps_left_to_exact_numbers(kind: str, random: Random) -> None:
    for _ in range(draws(10)):
        schedule = OF_A_PERIOD[kind](random.uniform(1e-3, 1e6), random)
        limit = min(schedule._chain.limit, 2.0**62)
        for step in (int(limit) - 1, int(limit), int(limit) + 1, int(limit * random.uniform(0.9, 1.1))):
            assert_near(schedule, step, schedule(step), CALL_BOUND)


def test_cycles_of_whole_steps_need_no_exact_numbers() -> None:
    for schedule in (
        lrd.Cyclic(0.1, 0.2, 1000),
        lrd.CosineRestarts(0.1, 2000, t_mul=1).warmup(5),
        lrd.LinearDecay(0.1, 41.5).restarted(41),
        lrd.Cyclic(0.1, 0.2, 3).per_epoch(7, staircase=True),
    ):
        assert schedule._chain.limit == math.inf
        assert_near(schedule, 2**63 - 1, schedule(2**63 - 1), CALL_BOUND)
