"""Grids of cycles that differ by a gain: against every step in 106 bits."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lrdecay_native as lrd
from lrdecay_native.evaluation.grids.geometric_cycles import LONGEST_CYCLE, fill_similar_cycles, worth_filling
from lrdecay_native.evaluation.points.pairs import as_pair

SCHEDULES = [
    lrd.CosineRestarts(0.1, 100, t_mul=1.0, m_mul=0.9),
    lrd.CosineRestarts(0.1, 333, t_mul=1.0, m_mul=1.01, end_learning_rate=0.003, cycle_limit=5000),
    lrd.CosineRestarts(0.1, 64, t_mul=1.0, m_mul=0.9, end_learning_rate=0.003, cycle_limit=30),
    lrd.CosineRestarts(0.1, 100, t_mul=1.0, m_mul=0.9, end_learning_rate=0.01).clipped(
        lowest=0.012, highest=0.08
    ),
    lrd.CosineRestarts(0.1, 100, t_mul=1.0, m_mul=0.9, end_learning_rate=0.01).scaled(0.3).shifted(by=-33),
    lrd.CosineRestarts(0.1, 100, t_mul=1.0, m_mul=0.9).shifted(by=0.25),
    lrd.CosineRestarts(0.1, 7, t_mul=1.0, m_mul=0.99).warmup(50),
    lrd.CosineRestarts(0.003, 100, t_mul=1.0, m_mul=0.9, end_learning_rate=0.1),
    lrd.Cyclic(0.01, 0.1, 25, mode="triangular2"),
    lrd.Cyclic(0.0, 0.1, 20, step_size_down=31, mode="triangular2"),
    lrd.StepDecay(0.1, 0.5, 10).restarted(77, factor=0.97),
    lrd.InverseTimeDecay(0.1, 0.5).restarted(2, factor=0.999),
    *(
        lrd.PolynomialDecay(0.1, max_step, power=power, end_learning_rate=end, cycle=True)
        for max_step in (2, 3, 100, 1024)
        for power in (0.5, 1.0, 2.0, 2.7)
        for end in (0.0, 0.003)
    ),
    lrd.PolynomialDecay(0.003, 100, power=2.0, end_learning_rate=0.1, cycle=True),
    lrd.PolynomialDecay(0.1, 100, end_learning_rate=0.01, cycle=True).clipped(lowest=0.02),
    lrd.PolynomialDecay(0.1, 100, end_learning_rate=0.01, cycle=True).scaled(3.0).shifted(by=-250),
    lrd.PolynomialDecay(0.1, 100, cycle=True).shifted(by=0.5),
    lrd.PolynomialDecay(0.1, 1, cycle=True),
    # Where a delay before the stretch is one before the part: what its chain gives before the part is other.
    *(
        lrd.Constant(0.1).then(cycles.shifted(by=-33).per_epoch(2), at=777)
        for cycles in (
            lrd.CosineRestarts(0.1, 100, t_mul=1.0, m_mul=0.9),
            lrd.CosineRestarts(0.1, 100, t_mul=1.0, m_mul=0.9, end_learning_rate=0.01).shifted(by=-100),
            lrd.Cyclic(0.01, 0.1, 25, mode="triangular2"),
            lrd.PolynomialDecay(0.1, 50, cycle=True),
        )
    ),
    lrd.CosineRestarts(0.1, 100, t_mul=1.0, m_mul=0.9).shifted(by=-33).per_epoch(2).warmup(50),
    lrd.CosineRestarts(0.1, 50, t_mul=1.0, m_mul=1e-30, end_learning_rate=1e-3),
]


def errors(values: npt.NDArray[Any], schedule: lrd.Schedule, steps: range) -> npt.NDArray[np.float64]:
    """The errors in ulps of the values' own precision."""
    high, low = schedule._chain.on_arrays(as_pair(np.arange(steps.start, steps.stop, steps.step)))
    ulp = np.spacing(np.abs(high).astype(values.dtype)).astype(np.float64)
    with np.errstate(over="ignore"):
        return np.asarray(np.abs((values.astype(np.float64) - high) - low) / ulp)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_every_step(schedule: lrd.Schedule, dtype: type[Any]) -> None:
    for start, count in ((0, 12_345), (1, 9000), (100, 5000), (10**6 + 7, 9000), (2**53 + 3, 9000)):
        steps = range(start, start + count)
        values = schedule.values(start, start + count, dtype=dtype)
        assert errors(values, schedule, steps).max() <= 0.51, start


@given(
    period=st.integers(2, 600),
    gain=st.floats(0.8, 1.0),
    end=st.just(0.0) | st.floats(1e-6, 0.1),
    start=st.integers(0, 10**5),
    count=st.integers(1, 9000),
)
def test_any_restarts(period: int, gain: float, end: float, start: int, count: int) -> None:
    schedule = lrd.CosineRestarts(0.1, period, t_mul=1.0, m_mul=gain, end_learning_rate=end)
    values = schedule.values(start, start + count)
    high, _ = schedule._chain.on_arrays(as_pair(np.arange(start, start + count)))
    # Denormal rates have fewer bits.
    np.testing.assert_allclose(values, high, rtol=2.3e-16, atol=1e-300)


@given(
    max_step=st.integers(2, 600),
    power=st.floats(0.1, 4.0),
    end=st.just(0.0) | st.floats(1e-6, 0.5),
    start=st.integers(0, 10**9),
    count=st.integers(1, 9000),
)
def test_any_polynomial_cycles(max_step: int, power: float, end: float, start: int, count: int) -> None:
    schedule = lrd.PolynomialDecay(0.1, max_step, power=power, end_learning_rate=end, cycle=True)
    steps = range(start, start + count)
    assert errors(schedule.values(start, start + count), schedule, steps).max() <= 0.51


def test_gains_that_vanish() -> None:
    schedule = lrd.CosineRestarts(0.1, 50, t_mul=1.0, m_mul=0.5)
    values = schedule.values(60_000)
    high, _ = schedule._chain.on_arrays(as_pair(np.arange(60_000)))
    np.testing.assert_allclose(values, high, rtol=2.3e-16, atol=1e-307)
    assert values[40_000] < 1e-200


@pytest.mark.parametrize("start", [680_000, 681_990, 690_000, 10**6, 10**9])
def test_gains_that_have_vanished(start: int) -> None:
    schedule = lrd.CosineRestarts(0.1, 100, t_mul=1.0, m_mul=0.9)
    for dtype in (np.float64, np.float32):
        values = schedule.values(start, start + 2000, dtype=dtype)
        np.testing.assert_allclose(values, schedule(np.arange(start, start + 2000)), rtol=0, atol=1e-307)


def test_ends_where_products_would_lose_bits() -> None:
    schedule = lrd.CosineRestarts(0.1, 50, t_mul=1.0, m_mul=0.5)
    out = np.full(60_000, np.nan)
    written = fill_similar_cycles(schedule._chain, (0.0, 0.0), 0, 50, range(60_000), out)
    assert not np.isnan(out[:written]).any()
    assert 1e-200 < out[written - 50] < 1e-198
    assert fill_similar_cycles(schedule._chain, (0.0, 0.0), 0, 50, range(20_000), out[:20_000]) == 20_000


@pytest.mark.parametrize(
    ("steps", "period", "worth"),
    [
        (range(800), 100, True),
        (range(799), 100, False),
        (range(0, 8000, 2), 100, False),
        (range(800), 1, False),
        (range(8 * LONGEST_CYCLE), LONGEST_CYCLE, True),
        (range(9 * LONGEST_CYCLE), LONGEST_CYCLE + 1, False),
        (range(2**63 - 801, 2**63 - 1), 100, False),
    ],
)
def test_what_is_worth_it(steps: range, period: int, worth: bool) -> None:
    assert worth_filling(Fraction(period), steps) == worth
    assert not worth_filling(Fraction(period) + Fraction(1, 2), steps)
