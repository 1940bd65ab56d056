"""Schedules made of schedules: what each of them is, where its pieces are, and what nesting costs."""

from __future__ import annotations

import pickle
import re
import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest
from draws import draws
from hypothesis import given
from hypothesis import strategies as st
from reference import (
    TIME_MAPS,
    Real,
    mp,
    real,
    some_period,
    some_schedule,
    some_steps,
    spacing,
    spread,
    true_rate,
    ulps,
)

import lrdecay_native as lrd
from lrdecay_native.engines import engine
from lrdecay_native.evaluation.points.pipelines import Pipeline
from lrdecay_native.evaluation.segments.breakpoints import rounded_up
from lrdecay_native.evaluation.segments.enclosures import INFINITY, enclosure
from lrdecay_native.evaluation.segments.segments import (
    ConstantSegment,
    CyclicSegment,
    IrregularSegment,
    PeriodicSegment,
    SmoothSegment,
    StaircaseSegment,
)
from lrdecay_native.formulas import registry as formulas
from lrdecay_native.piecewise.pieces import Breakpoint

THREE = lrd.StepDecay(0.1, 0.96, 10_000, staircase=False).clipped(0.001, None).warmup(5000)
"""Warm-up, decay, floor."""

any_schedule = st.builds(some_schedule, st.randoms(use_true_random=False))


def assert_alike(rates: Any, expected: Any) -> None:
    """A composition computes in 106 bits, a single formula in fewer."""
    error = np.abs(np.subtract(rates, expected))
    assert (error <= np.maximum(np.spacing(expected), 1e-300)).all()


class TestWarmup:
    @given(any_schedule, st.integers(1, 10**6), st.integers(0, 10**9))
    def test_after_it_the_schedule(self, schedule: Any, steps: int, step: int) -> None:
        assert_alike(schedule.warmup(steps)(steps + step), schedule(step))

    @given(any_schedule, st.randoms(use_true_random=False))
    def test_of_no_steps(self, schedule: Any, random: Random) -> None:
        warm = schedule.warmup(0, start=0.5)
        steps = np.array(some_steps(random, 1e6))
        assert_alike(warm(steps), schedule(steps))
        assert warm.values(5000).tolist() == schedule.values(5000).tolist()

    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    @pytest.mark.parametrize("start", [1e-20, 1e-12, 1e-6])
    def test_a_grid_from_a_rate_far_below(self, start: float, dtype: str) -> None:
        warm = lrd.ExponentialDecay(0.1, 0.0).warmup(5000, start=start)
        values = warm.values(5000, dtype=dtype)
        for t in (*range(600), *range(600, 5000, 37)):
            assert ulps(values[t], true_rate(warm, mp.mpf(t)), dtype) <= 0.51

    @pytest.mark.parametrize("start", [0.0, 1e-100, 0.05, 0.1, 0.7])
    @pytest.mark.parametrize("steps", [1, 2, 7, 5000, 100_000, 1000.5, 2.0**60])
    def test_the_line(self, start: float, steps: float) -> None:
        warm = lrd.ExponentialDecay(0.1, 0.0).warmup(steps, start=start)
        assert warm(0) == start
        count = min(int(steps), 20_000)
        for dtype in (np.float64, np.float32):
            values = warm.values(count, dtype=dtype)
            for t in {0, 1, 2, count // 3, count - 1} & set(range(count)):
                truth = start + (mp.mpf(0.1) - start) * t / mp.mpf(steps)
                if truth == 0 or truth > 1e-28:
                    assert ulps(values[t], truth, dtype) <= 0.51
        assert warm(min(int(steps) + 1, 2**63 - 1)) == 0.1

    def test_rises_to_the_first_rate_of_a_composition(self) -> None:
        warm = lrd.StepDecay(0.3, 0.5, 10).scaled(0.1).clipped(0.001, 0.02).warmup(4)
        assert warm.values(6).tolist() == [0.0, 0.005, 0.01, 0.015, 0.02, 0.02]
        assert warm.warmup(2, start=0.5).values(3).tolist() == [0.5, 0.25, 0.0]

    def test_zero_is_a_part_of_its_own(self) -> None:
        first, line, *_ = THREE._segments
        assert first == ConstantSegment(0, 1, 0.0)
        assert (line.start, line.stop) == (1, 5000)


class TestJoined:
    @given(any_schedule, any_schedule, st.integers(0, 10**6), st.integers(0, 10**6))
    def test_before_and_after(self, first: Any, second: Any, at: int, step: int) -> None:
        joined = first.then(second, at=at)
        assert_alike(joined(at + step), second(step))
        if step < at:
            assert_alike(joined(step), first(step))

    def test_at_a_fraction_of_a_step(self) -> None:
        joined = lrd.ExponentialDecay(0.1, 0.0).then(lrd.PolynomialDecay(0.2, 10), at=2.5)
        assert joined(2.5) == 0.2
        assert joined(2.49) == 0.1
        assert joined.values(4).tolist() == [0.1, 0.1, 0.1, joined(3)]
        assert joined(3) == lrd.PolynomialDecay(0.2, 10)(0.5)

    def test_three_in_a_row(self) -> None:
        constant = [lrd.ExponentialDecay(rate, 0.0) for rate in (0.1, 0.2, 0.3)]
        row = constant[0].then(constant[1], at=3).then(constant[2], at=5)
        assert row.values(7).tolist() == [0.1] * 3 + [0.2] * 2 + [0.3] * 2
        assert (
            constant[0].then(constant[1].then(constant[2], at=2), at=3).values(7).tolist()
            == row.values(7).tolist()
        )
        assert (
            constant[0].then(constant[1], at=9).then(constant[2], at=4).values(9).tolist()
            == [0.1] * 4 + [0.3] * 5
        )


class TestScaledAndClipped:
    @given(any_schedule, st.floats(1e-3, 1e3), st.randoms(use_true_random=False))
    def test_scaled(self, schedule: Any, factor: float, random: Random) -> None:
        for step in some_steps(random, 1e6)[:5]:
            truth = factor * true_rate(schedule, mp.mpf(step))
            if truth > 1e-280:
                assert schedule.scaled(factor)(step) == pytest.approx(float(truth), rel=1e-13)

    @given(any_schedule, st.randoms(use_true_random=False))
    def test_clipped(self, schedule: Any, random: Random) -> None:
        steps = np.array(some_steps(random, 1e6))
        lowest, highest = sorted(
            float(schedule(int(step))) + 1e-50 for step in random.sample(steps.tolist(), 2)
        )
        rates = schedule.clipped(lowest, highest)(steps)
        assert ((rates >= lowest) & (rates <= highest)).all()
        assert_alike(rates, np.clip(schedule(steps), lowest, highest))
        assert_alike(schedule.clipped()(steps), schedule(steps))

    def test_the_order_counts(self) -> None:
        decay = lrd.StepDecay(0.1, 0.5, 1)
        assert decay.scaled(0.5).clipped(0.02).values(4).tolist() == [0.05, 0.025, 0.02, 0.02]
        assert decay.clipped(0.02).scaled(0.5).values(4).tolist() == [0.05, 0.025, 0.0125, 0.01]
        assert decay.clipped(0.02, 0.04).clipped(0.06, 0.08).values(2).tolist() == [0.06, 0.06]
        assert decay.clipped(0.06, 0.08).clipped(0.02, 0.04).values(2).tolist() == [0.04, 0.04]

    def test_products_of_factors_lose_nothing(self) -> None:
        scaled: Any = lrd.ExponentialDecay(0.1, 0.0)
        truth = mp.mpf(0.1)
        for factor in (0.1, 0.3, 0.7, 1.1, 9.9):
            scaled, truth = scaled.scaled(factor), truth * factor
        assert scaled(5) == scaled.values(3)[2] == float(truth)

    def test_a_bound_is_met_at_the_exact_step(self) -> None:
        plain = lrd.StepDecay(0.1, 0.96, 10_000, staircase=False)
        constant = plain.clipped(0.001, 0.09)
        high, between, low = constant._segments
        assert isinstance(between, SmoothSegment)
        assert high == ConstantSegment(0, between.start, 0.09)
        assert low == ConstantSegment(between.stop, 2**63, 0.001)
        assert true_rate(plain, mp.mpf(between.start)) < 0.09 <= true_rate(plain, mp.mpf(between.start - 1))
        assert true_rate(plain, mp.mpf(between.stop)) <= 0.001 < true_rate(plain, mp.mpf(between.stop - 1))
        values = constant.values(1_200_000)
        assert (values[: between.start] == 0.09).all()
        assert (values[between.stop :] == 0.001).all()

    def test_rising_schedules(self) -> None:
        rising = lrd.PolynomialDecay(0.1, 10, end_learning_rate=0.2)
        expected = np.clip(rising(np.arange(12)), 0.125, 0.175)
        assert rising.clipped(0.125, 0.175).values(12).tolist() == expected.tolist()


@pytest.mark.parametrize("steps", [0, 3, 4.5, 9])
@pytest.mark.parametrize(
    "schedule",
    [
        lrd.MultiStepDecay(0.1, [0, 0, 5], drop_rate=0.5),
        lrd.PiecewiseConstant([0, 5], [0.3, 0.1, 0.2]),
        lrd.StepDecay(0.1, 0.5, 2).cooled_down(0, 4, end=0.02),
    ],
    ids=repr,
)
def test_reversed_from_a_boundary_at_zero(schedule: Any, steps: float) -> None:
    backwards = schedule.reversed(steps)
    expected = [schedule(max(steps - step, 0.0)) for step in range(12)]
    assert_alike(backwards(np.arange(12)), expected)
    assert_alike(backwards.values(12), expected)


class TestPieces:
    def test_kinds(self) -> None:
        assert [type(part) for part in lrd.StepDecay(0.1, 0.5, 2.5)._segments] == [StaircaseSegment]
        assert [type(part) for part in lrd.StepDecay(0.1, 0.5, 2, staircase=False)._segments] == [
            SmoothSegment
        ]
        assert [type(part) for part in lrd.PolynomialDecay(0.1, 10)._segments] == [
            SmoothSegment,
            ConstantSegment,
        ]
        assert [type(part) for part in lrd.PolynomialDecay(0.1, 10, cycle=True)._segments] == [CyclicSegment]
        assert [type(part) for part in lrd.ExponentialDecay(0.1, 0.0)._segments] == [ConstantSegment]

    def test_kinds_of_many_stretches(self) -> None:
        annealing, line = lrd.CosineAnnealing(0.1, 5), lrd.PolynomialDecay(0.1, 10)
        stairs = lrd.StepDecay(0.1, 0.5, 3)
        for schedule, kinds in (
            (annealing, [PeriodicSegment]),
            (annealing.stretched(to=3, of=2).shifted(4), [ConstantSegment, PeriodicSegment]),
            (annealing.reversed(100), [IrregularSegment, ConstantSegment]),
            (annealing + line, [IrregularSegment, IrregularSegment]),
            (annealing * stairs, [IrregularSegment]),
            (line.restarted(7).clipped(0.05), [PeriodicSegment]),
            (line.restarted(7).per_epoch(3, staircase=True), [StaircaseSegment]),
            (stairs.reversed(9), [IrregularSegment, ConstantSegment]),
            (line * lrd.CosineDecay(1.0, 8), [SmoothSegment, ConstantSegment, ConstantSegment]),
            (lrd.Tabulated([0.1, 0.3, 0.2]), [IrregularSegment, ConstantSegment]),
        ):
            assert [type(part) for part in schedule._segments] == kinds, schedule

    def test_boundaries_are_exact(self) -> None:
        """0.1 * 3 is above 0.3, in fractions as in the schedule."""
        stretched = lrd.PolynomialDecay(0.1, 3).per_epoch(0.1).per_epoch(1e17)
        assert stretched._segments[0].stop == -(-Fraction(0.1) * 3 * 10**17 // 1)
        late = lrd.PolynomialDecay(0.1, 3).warmup(2.5).per_epoch(1000.1)
        assert [part.stop for part in late._segments] == [
            1,
            2501,
            -(-(Fraction(1000.1) * Fraction(5.5)) // 1),
            2**63,
        ]

    def test_whole_epochs_of_a_composition(self) -> None:
        epochs = lrd.PolynomialDecay(0.1, 7, cycle=True).clipped(0.02).warmup(3)
        in_steps = epochs.per_epoch(100.5, staircase=True)
        expected = [epochs(int(t // Fraction(100.5))) for t in range(5000)]
        assert in_steps.values(5000).tolist() == expected

    def test_pieces_are_no_part_of_the_value(self) -> None:
        used, fresh = (lrd.PolynomialDecay(0.1, 10).warmup(5) for _ in range(2))
        used.values(100)
        used(3)
        assert used == fresh
        assert hash(used) == hash(fresh)
        assert pickle.dumps(used) == pickle.dumps(fresh)

    def test_cuts(self) -> None:
        assert Breakpoint(Fraction(5, 2)).first_step() == 3
        assert Breakpoint(Fraction(3)).first_step() == 3
        assert Breakpoint(Fraction(3), after=True).first_step() == 4
        assert Breakpoint(Fraction(3)).first_pair() == (3.0, 0.0)
        assert Breakpoint(Fraction(3), after=True).first_pair() == (3.0, 5e-324)
        assert Breakpoint(Fraction(2**60 + 1)).first_pair() == (2.0**60, 1.0)
        third = Breakpoint(Fraction(1, 3)).first_pair()
        assert Fraction(third[0]) + Fraction(third[1]) >= Fraction(1, 3)


class TestNesting:
    def test_a_hundred_deep(self) -> None:
        plain = lrd.InverseTimeDecay(0.1, 0.01)
        nested: Any = plain
        for k in range(100):
            nested = nested.warmup(1, start=0.1) if k % 2 else nested.scaled(2.0 if k % 4 else 0.5)
        assert nested(50 + 1000) == plain(1000)
        assert nested.values(50, 2050).tolist() == plain.values(2000).tolist()
        last = nested._segments[-1]
        assert len(last.pipeline.stages) == 3
        assert lrd.from_json(nested.to_json()) == nested
        assert eval(repr(nested), vars(lrd)) == nested

    def test_a_piece_stays_a_short_chain(self) -> None:
        segment = (
            lrd.StepDecay(0.1, 0.96, 10)
            .scaled(0.3)
            .warmup(3)
            .scaled(0.7)
            .warmup(4)
            .clipped(1e-9)
            ._segments[-2]
        )
        assert [stage.name for stage in segment.pipeline.stages] == [
            "delayed",
            "staircase",
            "step_decay",
            "scaled",
        ]


class TestCyclesOnGrids:
    """Cycles of whole steps are the first one times constants."""

    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    @pytest.mark.parametrize("period", [1, 3, 4, 100, 4096, 12_345, 200_000])
    @pytest.mark.parametrize(
        ("power", "end"),
        [(1.0, 0.0), (1.0, 0.01), (0.5, 0.3), (1.5, 1e-9), (99.0, 0.01), (0.0, 0.01), (2.0, 0.1)],
    )
    def test_true_values(self, period: int, power: float, end: float, dtype: Any, random: Random) -> None:
        plain = lrd.PolynomialDecay(0.1, period, power=power, end_learning_rate=end, cycle=True)
        for schedule, steps in (
            (plain, range(30_000)),
            (plain, range(1, 30_001)),
            (plain.scaled(0.3).warmup(123), range(100, 30_000)),
            (plain.clipped(0.02, 0.07), range(period // 2, period // 2 + 10_000)),
            (plain, range(10**12 + 7, 10**12 + 9000)),
            (plain, range(0, 40_000, 2)),
            (plain.per_epoch(3), range(29_999, 0, -1)),
        ):
            values = schedule.values(steps.start, steps.stop, steps.step, dtype=dtype)
            for k in {0, 1, 2, len(steps) - 1, *(random.randrange(len(steps)) for _ in range(12))}:
                truth = true_rate(schedule, mp.mpf(steps[k]))
                if truth == 0:
                    assert values[k] == 0
                elif truth > 1e-28:
                    assert ulps(values[k], truth, dtype) <= 0.51, (schedule, steps[k])


class TestRepeatsOnGrids:
    """What repeats after whole steps is copied from the first period."""

    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    @pytest.mark.parametrize("period", [1, 3, 7, 64, 100, 1000, 12_346, 0.75, 33.3, 2.0**70])
    def test_true_values(self, period: float, dtype: Any, random: Random) -> None:
        restarted = lrd.PolynomialDecay(0.1, 90, power=1.5, end_learning_rate=0.001).restarted(period)
        for schedule, steps in (
            (restarted, range(30_000)),
            (restarted, range(1, 30_001)),
            (restarted.scaled(0.3).warmup(123), range(100, 30_000)),
            (restarted.clipped(0.02, 0.07), range(50, 10_050)),
            (restarted, range(10**12 + 7, 10**12 + 9000)),
            (restarted, range(0, 40_000, 3)),
            (restarted.per_epoch(3), range(29_999, 0, -1)),
            (lrd.CosineAnnealing(0.1, period, end_learning_rate=0.02), range(5, 20_005)),
            (lrd.Cyclic(0.01, 0.1, period, step_size_down=5, mode="triangular2"), range(20_000)),
            (restarted + lrd.StepDecay(0.1, 0.9, 50), range(5000)),
            (restarted.reversed(4321), range(6000)),
        ):
            values = schedule.values(steps.start, steps.stop, steps.step, dtype=dtype)
            for k in {0, 1, 2, len(steps) - 1, *(random.randrange(len(steps)) for _ in range(8))}:
                truth = true_rate(schedule, mp.mpf(steps[k]))
                # Of the place in a cycle as many bits are lost as the number of the cycle has.
                allowed = 0.51 + float(mp.ldexp(100 * steps[k], -102) / spacing(truth, dtype))
                assert ulps(values[k], truth, dtype) <= allowed, (schedule, steps[k])


@given(any_schedule, st.randoms(use_true_random=False))
def test_enclosures_hold_all_rates(schedule: Any, random: Random) -> None:
    begin = 0
    for piece in schedule._pieces[:8]:
        stop = int(min(piece.end.first_step(), 2**63))
        if begin == stop:
            continue
        first = random.randrange(begin, stop)
        last = random.choice([min(stop - 1, first + random.randrange(1000)), random.randrange(first, stop)])
        begin = stop
        (lowest, *_), (highest, *_) = enclosure(piece, exact_pair(first), exact_pair(last))
        for _ in range(6):
            rate, _ = Pipeline(piece.bounded_stages).at(random.randint(first, last))
            # The kernels that the ends are computed with have errors too.
            assert lowest * (1 - 1e-15) <= rate <= highest * (1 + 1e-15), (schedule, first, last)


def test_enclosures_are_near() -> None:
    for schedule, first, last, lowest, highest in (
        (lrd.CosineAnnealing(0.1, 50, end_learning_rate=0.02), 10, 500, 0.02, 0.1),
        (lrd.PolynomialDecay(1.0, 10).restarted(4), 5, 7, 0.7, 0.9),
        (lrd.Tabulated([0.1, 0.3, 0.2, 0.5], every=10), 5, 15, 0.1, 0.3),
        (lrd.Cyclic(0.1, 0.9, 5, mode="triangular2"), 21, 29, 0.14, 0.3),
        (lrd.StepDecay(1.0, 0.5, 10) + lrd.LinearDecay(1.0, 40), 10, 20, 0.75, 1.25),
    ):
        found = enclosure(schedule._pieces[0], exact_pair(first), exact_pair(last))
        assert found.highest != INFINITY
        assert [pair[0] for pair in found] == pytest.approx([lowest, highest], rel=1e-12), schedule


def exact_pair(step: int) -> tuple[float, float]:
    high = float(step)
    return high, float(step - int(high))


@pytest.mark.parametrize("distance", [1, 3, 2.5, 7.7, 1 / 3, 0.1, 1e5 + 0.1, 12345.678])
@pytest.mark.parametrize("offset", [0, 0.25, 0.7, 5, 1e6 + 0.1])
def test_multiples_rounded_up(distance: float, offset: float) -> None:
    expected = [-(-(Fraction(offset) + k * Fraction(distance)) // 1) for k in range(20_000)]
    assert rounded_up(Fraction(offset), Fraction(distance), 20_000).tolist() == expected


def test_multiples_next_to_whole_numbers() -> None:
    """Where float64 can't tell on which side they are."""
    for tiny in (Fraction(1, 2**60), -Fraction(1, 2**60), Fraction(1, 2**90), -Fraction(1, 2**90)):
        distance = Fraction(5, 2) + tiny
        expected = [-(-(k * distance) // 1) for k in range(5000)]
        assert rounded_up(Fraction(0), distance, 5000).tolist() == expected


@pytest.mark.parametrize("distance", [1 + Fraction(1, 3 * 2**70), Fraction(7, 3) + Fraction(1, 2**90)])
def test_multiples_of_long_fractions(distance: Fraction) -> None:
    expected = [-(-(k * distance) // 1) for k in range(5000)]
    assert rounded_up(Fraction(0), distance, 5000).tolist() == expected


@pytest.mark.parametrize("half_period", [1e18, 2.0**62, 1e30, 1e100])
def test_periods_beyond_the_last_step(half_period: float) -> None:
    schedule = lrd.CosineAnnealing(0.1, half_period)
    for first in (0, 2**60, 2**63 - 100):
        assert schedule.values(first, first + 50).tolist() == schedule(np.arange(first, first + 50)).tolist()


def test_a_coarse_grid_of_many_cycles_needs_no_room_for_them() -> None:
    schedule = lrd.CosineAnnealing(0.1, 100.5)
    steps = np.arange(0, 500 * 2**21, 2**21)
    tracemalloc.start()
    values = schedule.values(0, 500 * 2**21, 2**21)
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert highest < 2**22
    assert_alike(values, schedule(steps))


def true_ramp(t: Real, steps: Real, start: Real, rate: Real) -> Real:
    return (start * (steps - t) + rate * t) / steps


def true_cosine_ramp(t: Real, steps: Real, start: Real, rate: Real) -> Real:
    return rate + (start - rate) * (1 + mp.cospi(t / steps)) / 2


def true_square_root_ramp(t: Real, steps: Real, start: Real, rate: Real) -> Real:
    return start + (rate - start) * mp.sqrt(t / steps)


TRUE_MAPS: dict[str, Callable[..., Real]] = {
    "delayed": lambda t, delay: max(t - delay, 0),
    "reflected": lambda t, total: max(total - t, 0),
    "repeated": lambda t, period: t - period * mp.floor(t / period),
    "powered": lambda x, exponent: x**exponent,
    "held": lambda t, rate: rate,
    "ramp": true_ramp,
    "cosine_ramp": true_cosine_ramp,
    "square_root_ramp": true_square_root_ramp,
    "exponential": lambda x, base: base**x,
    "scaled": lambda rate, factor: factor * rate,
    "moved": lambda rate, offset: rate + offset,
    "raised": max,
    "capped": min,
}

TRUE_COMBINATIONS: dict[str, Callable[..., Real]] = {
    "added": lambda first, second: first + second,
    "multiplied": lambda first, second: first * second,
    "eased": lambda rate, gain, offset: offset + gain * (rate - offset),
}


def some_pair(random: Random, high: float) -> tuple[float, float]:
    """A number in two parts."""
    return high, high * 2.0**-55 * random.choice([0.0, random.uniform(-1.0, 1.0)])


def some_numbers(random: Random, name: str) -> list[float]:
    """What a map or a combination is given: its variables and its parameters."""
    first, second, third = (some_period(random) for _ in range(3))
    near = spread(random, 1e-9, 1.0)
    match name:
        case "ramp" | "square_root_ramp":
            return [first * random.choice([0.0, near, 1.0 - near, 0.5]), first, second, third]
        case "cosine_ramp":
            # It falls: one that rises is reflected.
            return [
                first * random.choice([0.0, near, 1.0 - near]),
                first,
                max(second, third),
                min(second, third),
            ]
        case "repeated":
            return [random.choice([first * random.randrange(2**20), second]), first]
        case "powered":
            return [random.choice([0.0, near, random.random()]), spread(random, 1e-2, 1e2)]
        case "exponential":
            return [random.choice([0.0, near, 1.0, float(random.randrange(100))]), spread(random, 1e-6, 1e6)]
        case "moved" | "added":
            return [first, random.choice([second, -second, -first])]
        case "eased":
            return [first, near, second]
    return [first, second]


def tolerance(name: str, numbers: list[Real], truth: Real) -> Real:
    """By how much a map or a combination may miss the truth."""
    first, *others = numbers
    match name:
        case "repeated":
            # Whole periods are taken away.
            return mp.ldexp(first, -98)
        case "powered" | "exponential":
            base, exponent = (first, *others) if name == "powered" else (*others, first)
            power = exponent * mp.log(base) if base else mp.zero
            # What is smaller than any double is lost.
            return truth * (mp.ldexp(1, -72) + mp.ldexp(abs(power), -79)) + mp.ldexp(1, -1073)
        case "cosine_ramp":
            # Of the part that is over 2**-102 are known, which counts where little is left.
            moved = TRUE_MAPS[name](first * (1 + mp.ldexp(1, -102)), *others)
            return mp.ldexp(truth, -98) + abs(moved - truth)
    return mp.ldexp(abs(truth), -98)


def test_every_composition_map_is_tested() -> None:
    assert TRUE_MAPS.keys() == formulas.COMPOSITION_MAPS.keys()
    assert TRUE_COMBINATIONS.keys() == formulas.COMBINATIONS.keys()
    assert not TRUE_MAPS.keys() & (TIME_MAPS.keys() | TRUE_COMBINATIONS.keys())


@pytest.mark.parametrize("name", TRUE_MAPS | TRUE_COMBINATIONS)
def test_composition_maps_and_combinations(name: str, random: Random) -> None:
    """As pairs high + low; every variable and every parameter comes in two parts."""
    true, arrays = (TRUE_MAPS | TRUE_COMBINATIONS)[name], 4 if name in TRUE_COMBINATIONS else 2
    for _ in range(draws(200)):
        pairs = [some_pair(random, number) for number in some_numbers(random, name)]
        numbers = [real(high) + real(low) for high, low in pairs]
        truth = true(*numbers)
        given = [part for pair in pairs for part in pair]
        point = engine.apply_to_point(name, (given[0], given[1]), *given[2:])
        assert abs(real(point[0]) + real(point[1]) - truth) <= tolerance(name, numbers, truth), pairs
        high, low, *other = (np.array([part]) for part in given[:arrays])
        out = engine.apply_to_arrays(name, (high, low), *other, *given[arrays:])
        assert (out[0][0], out[1][0]) == point


def refused(error: type[Exception], text: str) -> Any:
    return pytest.raises(error, match=re.escape(text))


class TestRefusals:
    plain = lrd.StepDecay(0.1, 0.5, 1000)

    @pytest.mark.parametrize("other", [0.1, None, lrd.StepDecay, "StepDecay(0.1, 0.5, 2)"])
    def test_what_is_no_schedule(self, other: Any) -> None:
        kind = "the class: write StepDecay(...)" if isinstance(other, type) else type(other).__name__
        with refused(TypeError, f"other={other!r} must be a Schedule, not {kind}"):
            self.plain.then(other, at=3)
        for make in (lambda s: lrd.Warmup(s, 3), lambda s: lrd.Scaled(s, 0.5), lambda s: lrd.Clipped(s)):
            with refused(TypeError, f"schedule={other!r} must be a Schedule"):
                make(other)

    def test_bounds_in_the_wrong_order(self) -> None:
        with refused(ValueError, "highest=0.1 must be at least lowest=0.2"):
            self.plain.clipped(0.2, 0.1)

    def test_factors_that_multiply_to_too_much(self) -> None:
        with refused(ValueError, "factor=1e+60 must leave the product with the factors inside"):
            self.plain.scaled(1e60).warmup(5).scaled(1e60)
        with refused(ValueError, "factor=1e-60 must leave the product"):
            self.plain.scaled(1e-60).scaled(1e-60)

    def test_steps_that_float64_does_not_hold(self) -> None:
        with refused(ValueError, f"steps={2**53 + 1} must be an integer that float64 holds"):
            self.plain.warmup(2**53 + 1)
        with refused(ValueError, f"at={2**53 + 1} must be an integer that float64 holds"):
            self.plain.then(self.plain, at=2**53 + 1)

    @pytest.mark.parametrize(
        ("call", "advice"),
        [
            ("Warmup(s, 5, 0.1)", "write Warmup(schedule, steps, start=..., shape=...)"),
            ("Joined(s, s, 3, 4)", "write Joined(schedule, other, at)"),
            ("Scaled(s, 2, 3)", "write Scaled(schedule, factor)"),
            ("Clipped(s, 2, 3, 4)", "write Clipped(schedule, lowest=..., highest=...)"),
        ],
    )
    def test_too_many_positional_arguments(self, call: str, advice: str) -> None:
        with refused(TypeError, advice):
            eval(call, {**vars(lrd), "s": self.plain})


def test_plot() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    axes = THREE.plot(20_000, ax=pyplot.figure().subplots())
    heights = axes.lines[0].get_ydata()
    assert heights[0] == 0.0
    assert max(heights) == pytest.approx(0.1, rel=1e-2)


def test_ten_million_steps_of_three(random: Random) -> None:
    values = THREE.values(10_000_000, dtype=np.float32)
    chosen = [0, 1, 4999, 5000, 5001, 1_133_110, 1_133_111, *(random.randrange(10**7) for _ in range(200))]
    for t in chosen:
        assert ulps(values[t], true_rate(THREE, mp.mpf(t)), np.float32) <= 0.51


def test_a_staircase_whose_rates_begin_later() -> None:
    restarts = lrd.StepDecay(0.1, 0.5, 10).restarted(20)
    schedule = lrd.Constant(0.1).then(restarts, at=35).per_epoch(3, staircase=True)
    np.testing.assert_array_equal(schedule.values(4000), schedule(np.arange(4000)))


def test_accumulated_is_the_plan_at_each_update(random: Random) -> None:
    """At every batch of an update, the last one included, at which Keras asks."""
    for _ in range(draws(200)):
        every, update = random.choice([1, 2, 3, 41, 110, random.randint(1, 10**6)]), random.randrange(10**6)
        plan = random.choice(
            [
                lrd.LinearDecay(0.1, random.randint(1, 10**6)),
                lrd.CosineDecay(0.1, random.randint(1, 10**6)).warmup(random.randint(0, 1000)),
                lrd.StepDecay(0.1, 0.9, random.randint(1, 100)).restarted(random.randint(100, 10**5)),
            ]
        )
        batch = update * every + random.choice([0, every - 1, random.randrange(every)])
        assert plan.accumulated(every)(batch) == plan(update), (plan, every, batch)


@pytest.mark.parametrize("every", [0, -1, 2.0, True, "2", 2.5])
def test_accumulated_takes_whole_numbers_from_1(every: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="every="):
        lrd.Constant(0.1).accumulated(every)
