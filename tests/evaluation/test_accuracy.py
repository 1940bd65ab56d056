"""Values against mpmath, formula by formula; and that no formula is without a reference."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from draws import draws
from reference import (
    CLASSES,
    KERNELS,
    LAST_STEP,
    SCHEDULES,
    SINGLE_FORMULA_OF,
    TIME_MAPS,
    Real,
    bound,
    loss,
    mp,
    real,
    some_period,
    some_steps,
    spread,
    true_rate,
    ulps,
)

import lrdecay_native as lrd
from lrdecay_native.formulas import registry as formulas

SETS = draws(200)
"""Of parameters."""
POINT_BOUNDS = {"float64": 0.8, "float32": 0.51}
GRID_BOUND = 0.51
DTYPES = ("float64", "float32")

Record = Callable[[str, str, float], None]


def test_every_formula_has_a_reference() -> None:
    assert KERNELS.keys() == formulas.FORMULAS.keys()


def test_every_time_map_has_a_reference() -> None:
    assert TIME_MAPS.keys() == formulas.TIME_MAPS.keys()


def test_every_schedule_has_a_reference() -> None:
    assert SCHEDULES.keys() == CLASSES.keys()


def test_every_formula_is_a_public_function() -> None:
    assert set(formulas.FORMULAS) <= set(lrd.__all__)


def test_every_schedule_is_a_public_class() -> None:
    assert set(CLASSES) <= set(lrd.__all__)


def initial_rate(schedule: Any) -> float:
    """The largest rate that a decay is multiplied with."""
    parameters = schedule.__getstate__()
    inner = [initial_rate(value) for value in parameters.values() if isinstance(value, lrd.Schedule)]
    if isinstance(schedule, (lrd.Scaled, lrd.Product, lrd.Restarted)):
        # What they multiply may itself be a denormal number.
        factors = [1.0 + rate for rate in (*inner, parameters.get("factor", 0.0))]
        return math.prod(factors)
    rates = [
        value for name, value in parameters.items() if "learning_rate" in name and isinstance(value, float)
    ]
    return max([*inner, *rates, *parameters.get("learning_rates", ()), parameters.get("factor", 0.0), 1e-100])


def check(
    record: Callable[[float], None],
    value: Any,
    truth: Real,
    dtype: str,
    documented: float,
    relative_loss: Real,
    initial: float,
) -> bool:
    """Whether a value is as near the truth as it must be; the error goes on record where a bound is documented."""
    if truth > np.finfo(dtype).max:
        return bool(np.isinf(value))
    allowed = bound(truth, dtype, documented, relative_loss, initial)
    error = ulps(value, truth, dtype)
    if allowed <= documented * 1.001:
        record(error)
    return error <= allowed


@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", KERNELS)
def test_kernels(name: str, dtype: str, random: Random, record_ulps: Record) -> None:
    reference, kernel = KERNELS[name], getattr(lrd, name)
    for _ in range(SETS):
        arguments = reference.arguments(random)
        steps = some_steps(random, reference.scale(**arguments))
        values = kernel(np.array(steps), **arguments, dtype=dtype)
        assert values.dtype == dtype
        for t, value in zip(steps, values, strict=True):
            assert check(
                lambda error: record_ulps(name, f"array {dtype}", error),
                value,
                reference.true(mp.mpf(t), **arguments),
                dtype,
                POINT_BOUNDS[dtype],
                reference.loss(mp.mpf(t), **arguments),
                arguments.get("initial_learning_rate", 0.0),
            ), (arguments, t, value)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_at_single_steps(name: str, random: Random, record_ulps: Record) -> None:
    for _ in range(SETS if name in SINGLE_FORMULA_OF else SETS // 5):
        schedule = SCHEDULES[name].make(random)
        for t in some_steps(random, SCHEDULES[name].scale(schedule)):
            value = schedule(t)
            assert check(
                lambda error: record_ulps(name, "scalar", error),
                value,
                true_rate(schedule, mp.mpf(t)),
                "float64",
                POINT_BOUNDS["float64"],
                loss(schedule, mp.mpf(t)),
                initial_rate(schedule),
            ), (schedule, t, value)


def some_range(random: Random, scale: float) -> range:
    """A range of steps in which there is something to see, or near the last steps of all."""
    count = int(spread(random, 1, 30_000))
    coarse = int(min(max(scale * spread(random, 1e-3, 10.0) / count, 1.0), 2.0**40))
    step = random.choice([1, 1, 1, random.randint(1, 9), coarse])
    first = int(random.choice([0.0, 0.0, min(scale * spread(random, 1e-2, 2.0), 2.0**62)]))
    steps = range(first, first + count * step, step)
    descending = range(steps[-1], max(first - 1, -1), -step)
    return random.choice([steps, steps, descending])


@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_on_grids(name: str, dtype: str, random: Random, record_ulps: Record) -> None:
    for _ in range(SETS if name in SINGLE_FORMULA_OF else SETS // 5):
        schedule = SCHEDULES[name].make(random)
        scale = SCHEDULES[name].scale(schedule)
        steps = some_range(random, scale)
        values = schedule.values(steps.start, steps.stop, steps.step, dtype=dtype)
        assert values.dtype == dtype
        assert len(values) == len(steps)
        near = (min(int(scale), LAST_STEP) - steps.start) // steps.step
        chosen = [0, len(steps) - 1, near - 1, near, near + 1]
        chosen += [random.randrange(len(steps)) for _ in range(8)]
        for k in {k for k in chosen if 0 <= k < len(steps)}:
            t = mp.mpf(steps[k])
            assert check(
                lambda error: record_ulps(name, f"grid {dtype}", error),
                values[k],
                true_rate(schedule, t),
                dtype,
                GRID_BOUND,
                loss(schedule, t),
                initial_rate(schedule),
            ), (schedule, steps, k, values[k])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "schedule",
    [
        lrd.StepDecay(0.1, 0.5, 3, staircase=False),
        lrd.StepDecay(0.1, 0.999, 40, staircase=False),
        lrd.ExponentialDecay(0.1, 0.01),
        lrd.ExponentialDecay(0.1, 1e-7),
        lrd.InverseTimeDecay(0.1, 10.0),
        lrd.PolynomialDecay(0.1, 9_999, power=0.01),
        lrd.PolynomialDecay(0.1, 10_000.5, power=0.5),
        lrd.PolynomialDecay(0.1, 10_000, power=30.0),
        lrd.PolynomialDecay(0.1, 9_001, power=1.5, end_learning_rate=0.02, cycle=True),
        lrd.PolynomialDecay(1e-3, 9_001.25, power=0.5, end_learning_rate=0.1, cycle=True),
        lrd.Tabulated([0.1, 0.0999, 0.0, 0.3, 1e-9, 0.0, 1.0], every=2500.5),
        lrd.Tabulated([0.1, 0.3, 0.001] * 300, every=17.3),
    ],
    ids=repr,
)
def test_demanding_grids(schedule: Any, dtype: str, record_ulps: Record) -> None:
    """Steep decays, roots near their end, ends in mid-block, and steep lines, step by step where it matters."""
    name = type(schedule).__name__
    values = schedule.values(20_000, dtype=dtype)
    for t in {*range(300), *range(0, 20_000, 11), *range(8_900, 9_010), *range(9_900, 10_010)}:
        assert check(
            lambda error: record_ulps(name, f"grid {dtype}", error),
            values[t],
            true_rate(schedule, mp.mpf(t)),
            dtype,
            GRID_BOUND,
            loss(schedule, mp.mpf(t)),
            initial_rate(schedule),
        ), (t, values[t])


@pytest.mark.parametrize("name", TIME_MAPS)
def test_time_maps(name: str, engine: ModuleType, random: Random) -> None:
    """As pairs high + low: to 2**-100, and whole numbers without error."""
    for _ in range(SETS):
        period = some_period(random)
        for t in some_steps(random, period):
            high = float(t)
            pair = getattr(engine, f"{name}_point")(high, float(t - int(high)), period, 0.0)
            truth = TIME_MAPS[name](mp.mpf(t), period)
            error = abs(real(pair[0]) + real(pair[1]) - truth)
            tolerance = 0 if name == "staircase" else mp.ldexp(truth, -100)
            assert error <= tolerance, (t, period, pair, truth)


def test_raised_cosine_in_106_bits(engine: ModuleType, random: Random) -> None:
    """Relative to its value, which vanishes at 1."""
    for _ in range(SETS):
        high = random.choice(
            [random.random(), 1.0 - spread(random, 1e-16, 1.0), spread(random, 1e-20, 1.0), 1.0]
        )
        low = -spread(random, 1e-25, 1e-3) * float(np.spacing(high))
        pair = engine.cosine_decay_exponent_1_point(high, low, 1.0, 0.0, 1.0)
        x = real(high) + real(low)
        truth = mp.sin(mp.pi * (1 - x) / 2) ** 2
        error = abs(real(pair[0]) + real(pair[1]) - truth) / truth
        assert error <= mp.ldexp(1, -99), (high, low, mp.log(error, 2))


@pytest.mark.parametrize("name", SINGLE_FORMULA_OF)
def test_formulas_in_numpy(name: str) -> None:
    """The definition itself, in a namespace that knows nothing of it."""
    schedule, steps = SINGLE_FORMULA_OF[name].example, np.arange(200.0)
    truths = [float(true_rate(schedule, mp.mpf(step))) for step in steps]
    np.testing.assert_allclose(schedule.evaluate(np, steps), truths, rtol=1e-13)
