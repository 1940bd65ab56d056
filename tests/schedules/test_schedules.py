"""Schedules as values, as functions of the step and on grids."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from fractions import Fraction
from math import floor
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from examples import CHANGED, EXAMPLES
from for_each import for_each
from hypothesis import given
from hypothesis import strategies as st
from reference import (
    CLASSES,
    LAST_STEP,
    LEAST_ACCURATE,
    SCHEDULES,
    SINGLE_FORMULA_OF,
    between_its_rates,
    mp,
    scale,
    some_steps,
    true_rate,
    ulps,
)

import lrdecay_native as lrd
from lrdecay_native.schedules.decays.single_formula import _Decay


def any_schedule() -> st.SearchStrategy[Any]:
    """Any schedule of any class, with parameters over many decades."""
    return st.builds(
        lambda name, random: SCHEDULES[name].make(random),
        st.sampled_from(sorted(SCHEDULES)),
        st.randoms(use_true_random=False),
    )


SIMPLE = (lrd.Warmup, lrd.Joined, lrd.Scaled, lrd.Clipped, lrd.PerEpoch)


def any_decay() -> st.SearchStrategy[Any]:
    """Schedules of single formulas, and the simple compositions of them."""
    return any_schedule().filter(_is_decay)


def _is_decay(schedule: Any) -> bool:
    inner = [value for value in schedule.__getstate__().values() if isinstance(value, lrd.Schedule)]
    if not inner:
        return isinstance(schedule, _Decay)
    return isinstance(schedule, SIMPLE) and all(map(_is_decay, inner))


def rates_between(schedule: Any) -> tuple[Any, Any]:
    """Bounds of the true rates."""
    match schedule:
        case lrd.Warmup():
            lowest, highest = rates_between(schedule.schedule)
            return min(lowest, schedule.start), max(highest, schedule.start)
        case lrd.Joined():
            ends = (*rates_between(schedule.schedule), *rates_between(schedule.other))
            return min(ends), max(ends)
        case lrd.Scaled():
            lowest, highest = rates_between(schedule.schedule)
            return lowest * schedule.factor, highest * schedule.factor
        case lrd.Clipped():
            least = -mp.inf if schedule.lowest is None else mp.mpf(schedule.lowest)
            most = mp.inf if schedule.highest is None else mp.mpf(schedule.highest)
            lowest, highest = rates_between(schedule.schedule)
            return min(max(lowest, least), most), min(max(highest, least), most)
        case lrd.PerEpoch():
            return rates_between(schedule.schedule)
    single = SINGLE_FORMULA_OF.get(type(schedule).__name__)
    return between_its_rates(schedule) if single is None else single.bounds(schedule)


def test_the_examples_cover_every_class() -> None:
    assert {type(example).__name__ for example in EXAMPLES} == set(CLASSES)


class TestValues:
    """Schedules are values."""

    def test_frozen(self, schedule: Any) -> None:
        for parameter in fields(schedule):
            with pytest.raises(FrozenInstanceError):
                setattr(schedule, parameter.name, 1.0)
            with pytest.raises(FrozenInstanceError):
                delattr(schedule, parameter.name)
        with pytest.raises(FrozenInstanceError):
            schedule.other = 1.0

    def test_equal_by_value(self, schedule: Any) -> None:
        again = replace(schedule)
        assert again is not schedule
        assert again == schedule
        assert hash(again) == hash(schedule)
        assert [other for other in EXAMPLES if other == schedule] == [schedule]

    def test_every_parameter_counts(self, schedule: Any) -> None:
        for parameter in fields(schedule):
            value = getattr(schedule, parameter.name)
            changed: Any
            if parameter.name in ("peak_mul", "gamma"):
                # Only with others that the examples don't have.
                continue
            match CHANGED.get(parameter.name, value):
                case tuple() as several:
                    changed = several[: len(value)]
                case str() | None if parameter.name in CHANGED:
                    changed = CHANGED[parameter.name]
                case bool():
                    changed = not value
                case int() | float():
                    changed = CHANGED.get(parameter.name, (value or 0.0) * 0.5 + 0.02)
                case None:
                    changed = 1.0
                case _:
                    changed = lrd.ExponentialDecay(0.7, 0.7)
            other = replace(schedule, **{parameter.name: changed})
            assert other != schedule
            assert len({other, schedule}) == 2

    def test_classes_with_equal_parameters_differ(self) -> None:
        exponential: object = lrd.ExponentialDecay(0.1, 0.5)
        assert exponential != lrd.InverseTimeDecay(0.1, 0.5)
        assert exponential != (0.1, 0.5, 1, False)

    def test_numbers_of_any_type_make_equal_schedules(self) -> None:
        make: Any = lrd.StepDecay
        expected = make(0.5, 0.25, 1000)
        for other in (
            make(np.float32(0.5), np.float16(0.25), np.int16(1000)),
            make(Fraction(1, 2), np.longdouble(0.25), 1000.0),
        ):
            assert other == expected
            assert hash(other) == hash(expected)
            assert eval(repr(other), vars(lrd)) == expected
            assert lrd.from_json(other.to_json()) == expected

    @for_each("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_pickle(self, schedule: Any, protocol: int) -> None:
        again = pickle.loads(pickle.dumps(schedule, protocol))
        assert again == schedule
        assert again(1234) == schedule(1234)

    def test_copy(self, schedule: Any) -> None:
        assert copy.copy(schedule) == schedule
        assert copy.deepcopy(schedule) == schedule

    @given(any_schedule())
    def test_repr_evaluates_back(self, schedule: Any) -> None:
        assert eval(repr(schedule), vars(lrd)) == schedule

    def test_repr(self) -> None:
        assert (
            repr(lrd.StepDecay(0.1, 0.96, 1000).per_epoch(10))
            == "PerEpoch(StepDecay(0.1, drop_rate=0.96, step_size=1000, staircase=True), "
            "steps_per_epoch=10, staircase=False)"
        )


class TestSteps:
    """Schedules as functions of the step."""

    @for_each("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "g"])
    @for_each("order", ["<", ">"])
    def test_arrays_of_every_type(self, schedule: Any, dtype: str, order: Any) -> None:
        steps = np.array([0, 1, 7, 100, 127], np.dtype(dtype).newbyteorder(order))
        values = schedule(steps)
        assert values.dtype == np.float64
        assert values.tolist() == [schedule(int(step)) for step in steps]
        for step in steps.astype(dtype):
            assert type(schedule(step)) is float
            assert schedule(step) == schedule(int(step))

    @for_each("step", [3, 3.0, np.uint64(3), np.longdouble(3), np.array(3), np.array(3.0, ">f4")])
    def test_scalars_give_python_floats(self, schedule: Any, step: Any) -> None:
        assert type(schedule(step)) is float
        assert schedule(step) == schedule(3)

    def test_shapes(self, schedule: Any) -> None:
        assert schedule([]).shape == (0,)
        assert schedule(np.zeros((2, 0, 3), int)).shape == (2, 0, 3)
        values = schedule(np.arange(24).reshape(2, 3, 4)[:, ::-1, ::2])
        assert values.shape == (2, 3, 2)
        assert values[1, 0, 1] == schedule(22)
        assert schedule(((0, 1), (2, 3)))[1, 0] == schedule(2)

    def test_read_only_steps(self, schedule: Any) -> None:
        steps = np.arange(10)
        steps.flags.writeable = False
        assert schedule(steps).tolist() == [schedule(step) for step in range(10)]

    @given(any_schedule(), st.randoms(use_true_random=False))
    def test_array_is_scalar_bit_for_bit(self, schedule: Any, random: Random) -> None:
        steps = some_steps(random, scale(schedule))
        assert schedule(np.array(steps)).tolist() == [schedule(step) for step in steps]
        assert schedule(np.array(steps, np.uint64)[::-1]).tolist() == [schedule(t) for t in steps[::-1]]

    @given(any_decay(), st.randoms(use_true_random=False))
    def test_between_the_initial_and_the_end_rate(self, schedule: Any, random: Random) -> None:
        lowest, highest = rates_between(schedule)
        steps = some_steps(random, scale(schedule))
        values = schedule(np.array(steps))
        first = true_rate(schedule, mp.zero)
        assert schedule(0) == float(first) or (
            first != float(first) and ulps(schedule(0), first, float) <= 0.8
        )
        assert float(lowest) <= values.min()
        assert values.max() <= float(highest)

    @given(any_decay(), st.randoms(use_true_random=False))
    def test_monotone(self, schedule: Any, random: Random) -> None:
        """Up to the last bit, which is within 0.51 ulp, not rounded correctly."""
        decay = schedule
        while hasattr(decay, "schedule"):
            if isinstance(decay, (lrd.Warmup, lrd.Joined)):
                schedule = decay.schedule
            decay = decay.schedule
        if getattr(decay, "cycle", False):
            decay = schedule = replace(decay, cycle=False)
        if type(decay).__name__ in SINGLE_FORMULA_OF and not SINGLE_FORMULA_OF[type(decay).__name__].monotone:
            return
        rising = true_rate(decay, mp.zero) < true_rate(decay, mp.mpf(LAST_STEP))
        around = scale(schedule)
        steps = sorted({*some_steps(random, around), *some_steps(random, around)})
        values = schedule(np.array(steps))
        later, earlier = (values[:-1], values[1:]) if rising else (values[1:], values[:-1])
        assert (later <= np.nextafter(earlier, np.inf)).all()

    def test_exact_beyond_2_to_53(self) -> None:
        s = lrd.PolynomialDecay(1.0, 2**60)
        steps = np.array([2**60 - 3, 2**60 - 2, 2**60 - 1])
        expected = [3.0 * 2.0**-60, 2.0 * 2.0**-60, 2.0**-60]
        np.testing.assert_allclose(s(steps), expected, rtol=1e-12)

    def test_the_tutorials_staircase(self) -> None:
        """TensorFlow's ExponentialDecay(0.1, 1000, 0.96, staircase=True), exactly."""
        s = lrd.StepDecay(0.1, 0.96, 1000)
        assert s(28_125) == s(28_999) == float(mp.mpf(0.1) * mp.mpf(0.96) ** 28)
        assert s(29_000) < s(28_999)
        assert np.float32(s(28_125)) == np.float32(0.03188559412956238)

    def test_the_tutorials_basic_decay(self) -> None:
        """Initial / (1 + rate * t), applied every n epochs."""
        s = lrd.InverseTimeDecay(0.1, 0.5, decay_steps=2 * 1875, staircase=True)
        assert s(3749) == 0.1
        assert s(3750) == 0.1 / 1.5
        assert s(4 * 1875) == 0.05

    def test_end_of_a_polynomial(self) -> None:
        s = lrd.PolynomialDecay(0.1, 100, power=0.5, end_learning_rate=0.02)
        assert s(99) > 0.02
        assert s([100, 101, 2**63 - 1]).tolist() == [0.02] * 3

    def test_cycles(self) -> None:
        """As Keras's: at every multiple the end rate, after it the line from 0 to the next multiple."""
        s = lrd.PolynomialDecay(0.1, 100, end_learning_rate=0.01, cycle=True)
        assert s(0) == 0.1
        assert s([100, 200, 10_000]).tolist() == [0.01] * 3
        assert s(101) == pytest.approx(0.09 * (1 - 101 / 200) + 0.01, rel=1e-15)


class TestPerEpoch:
    """A schedule that is written in epochs."""

    @given(any_schedule(), st.integers(1, 10**6), st.integers(0, 10**9))
    def test_whole_epochs(self, schedule: Any, steps_per_epoch: int, epoch: int) -> None:
        for staircase in (False, True):
            in_steps = schedule.per_epoch(steps_per_epoch, staircase=staircase)
            assert in_steps(epoch * steps_per_epoch) == schedule(epoch)

    @given(any_schedule(), st.integers(1, 10**6), st.integers(0, 2**63 - 1))
    def test_staircase_is_the_epoch_number(self, schedule: Any, steps_per_epoch: int, step: int) -> None:
        in_steps = schedule.per_epoch(steps_per_epoch, staircase=True)
        assert in_steps(step) == schedule(step // steps_per_epoch)

    def test_within_an_epoch(self) -> None:
        s = lrd.ExponentialDecay(0.1, 0.5).per_epoch(4)
        assert s(1) == lrd.ExponentialDecay(0.1, 0.5)(0.25)

    def test_nested(self) -> None:
        inner = lrd.StepDecay(0.1, 0.5, 1)
        s = inner.per_epoch(10).per_epoch(3)
        assert s.values(100).tolist() == [inner(t // 30) for t in range(100)]

    def test_is_a_schedule(self) -> None:
        s = lrd.StepDecay(0.1, 0.5, 2).per_epoch(100)
        assert s == lrd.PerEpoch(lrd.StepDecay(0.1, 0.5, 2), 100)
        assert s.values(400)[[0, 199, 200, 399]].tolist() == [0.1, 0.1, 0.05, 0.05]


def _range_arguments(steps: range) -> tuple[int, int, int]:
    return steps.start, max(steps.stop, -1), steps.step


class TestGrids:
    """Bulk evaluation."""

    @for_each(
        "arguments",
        [
            (0,),
            (1,),
            (10,),
            (3, 3),
            (5, 3),
            (3, 10),
            (0, 100, 7),
            (9, -1, -1),
            (9, 0, -1),
            (9, 9, -1),
            (3, 9, -1),
            (100, 2, -7),
            (10, -1, -10),
            (0, 10, 100),
            (0, 20_000, 3),
            (20_000, 17, -3),
            (17, 10_000, 129),
        ],
    )
    @for_each("dtype", [np.float64, np.float32])
    def test_arguments_are_those_of_range(
        self, schedule: Any, arguments: tuple[int, ...], dtype: Any
    ) -> None:
        values = schedule.values(*arguments, dtype=dtype)
        assert values.dtype == dtype
        assert values.ndim == 1
        assert_within_one_ulp(values, schedule, range(*arguments))

    def test_float64_by_default(self, schedule: Any) -> None:
        assert schedule.values(10).dtype == np.float64

    def test_numpy_integers_as_arguments(self, schedule: Any) -> None:
        values = schedule.values(np.int64(3), np.uint8(30), np.int8(2))
        assert values.tolist() == schedule.values(3, 30, 2).tolist()

    @for_each("count", [10, 3000])
    @for_each("step", [1, 1000, 10**12, -1])
    def test_far_away(self, schedule: Any, step: int, count: int) -> None:
        assert_within_one_ulp_on(schedule, range(2**62, 2**62 + step * count, step))

    def test_up_to_the_very_last_step(self, schedule: Any) -> None:
        assert_within_one_ulp_on(schedule, range(2**63 - 3000, 2**63))
        assert_within_one_ulp_on(schedule, range(2**63 - 1, 2**63 - 3000, -1))
        assert_within_one_ulp_on(schedule, range(0, 2**63, 2**53))

    @given(any_schedule(), st.randoms(use_true_random=False))
    def test_within_one_ulp_of_the_array(self, schedule: Any, random: Random) -> None:
        around = scale(schedule)
        first = random.choice([0, random.choice(some_steps(random, around)) // 2])
        step = random.choice([1, 1, random.randint(1, 10), max(1, int(min(around, 2.0**45)) // 1000)])
        steps = range(first, min(first + random.randint(1, 9000) * step, LAST_STEP), step)
        assert_within_one_ulp_on(schedule, steps if random.random() < 0.7 else steps[::-1])

    @pytest.mark.parametrize(
        "schedule",
        [
            lrd.PolynomialDecay(0.1, 7000, power=power, end_learning_rate=end)
            for power in (0.01, 1e3, 1e4, 3e4, 1e5, 1e6)
            for end in (0.0, 1e-3)
        ]
        + [lrd.StepDecay(0.1, 10.0**-n, 3, staircase=False) for n in (0.5, 5, 50)]
        + [lrd.ExponentialDecay(0.1, 10.0**n) for n in range(-4, 3)]
        + [lrd.InverseTimeDecay(0.1, 10.0**n) for n in range(-4, 9, 2)],
        ids=repr,
    )
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    def test_steep_decays(self, schedule: Any, dtype: Any) -> None:
        for steps in (range(10_000), range(9_999, -1, -1), range(5, 20_000, 3)):
            values = schedule.values(*_range_arguments(steps), dtype=dtype)
            assert_within_one_ulp(values, schedule, steps)

    @pytest.mark.parametrize("max_step", [1, 2, 100, 127, 128, 129, 1000.5, 2047, 2048, 5000, 262_144 + 77])
    @pytest.mark.parametrize("power", [0.25, 1.0, 3.0])
    @pytest.mark.parametrize("cycle", [False, True])
    @pytest.mark.parametrize("first", [0, 60])
    def test_horizons_within_a_block(self, max_step: float, power: float, cycle: bool, first: int) -> None:
        s = lrd.PolynomialDecay(0.1, max_step, power=power, end_learning_rate=0.01, cycle=cycle)
        count = 2 * int(max_step) + 300
        assert_within_one_ulp_on(s, range(first, first + count))

    @pytest.mark.parametrize(
        "step_size",
        [1, 2, 3, 7, 8, 9, 127, 128, 1000, 99_999, 10**7, 0.3, 1.5, 7.7, 12.5, 1000.1, Fraction(1, 3)],
    )
    @pytest.mark.parametrize(
        "steps", [range(3000), range(999, 9000, 7), range(5000, -1, -1), range(0, 10**6, 999)]
    )
    def test_staircases(self, step_size: Any, steps: range) -> None:
        """The floor of the exact quotient, as whole-number arithmetic gives it."""
        s = lrd.StepDecay(0.1, 0.999, step_size)
        exact = Fraction(s.step_size)
        drops = np.array([floor(t / exact) for t in steps])
        expected = lrd.StepDecay(0.1, 0.999, 1)(drops)
        assert s(np.array(steps)).tolist() == expected.tolist()
        assert_within_one_ulp_on(s, steps)

    def test_a_staircase_of_long_runs(self) -> None:
        s = lrd.StepDecay(0.1, 0.5, 10**7)
        values = s.values(10**7 - 1000, 10**7 + 1000)
        assert (values[:1000] == 0.1).all()
        assert (values[1000:] == 0.05).all()

    def test_a_constant(self) -> None:
        assert (lrd.ExponentialDecay(0.1, 0.0).values(5000) == 0.1).all()
        assert (lrd.PolynomialDecay(0.1, 100, power=0.0).values(5000) == 0.1).all()
        assert (lrd.PolynomialDecay(0.1, 100, end_learning_rate=0.1).values(5000) == 0.1).all()

    def test_ten_million_steps(self) -> None:
        s = lrd.StepDecay(0.1, 0.96, 1000, staircase=False)
        values = s.values(10_000_000, dtype=np.float32)
        assert len(values) == 10_000_000
        for t in range(0, 10_000_000, 499_979):
            assert ulps(values[t], true_rate(s, mp.mpf(t)), np.float32) <= (0.51 if values[t] > 1e-28 else 1)

    @for_each("dtype", ["<f8", ">f8", "<f4", ">f4"])
    @for_each("count", [0, 1, 100, 5000, 300_000])
    def test_out(self, schedule: Any, dtype: str, count: int) -> None:
        native = np.dtype(dtype).newbyteorder("=")
        expected = schedule.values(3, 3 + count, dtype=native)
        for view in (slice(None), slice(None, None, -1), slice(1, None, 3)):
            buffer = np.full(count if view.step != 3 else 3 * count + 1, np.nan, dtype)
            out = buffer[view][:count]
            assert schedule.values(3, 3 + count, out=out) is out
            np.testing.assert_array_equal(out, expected)
        if count:
            # The last view filled every third place, and no other.
            assert np.isnan(buffer[0::3]).all()
            assert np.isnan(buffer[2::3]).all()

    def test_out_that_is_not_aligned(self, schedule: Any) -> None:
        out = np.zeros(8 * 5000 + 1, np.uint8)[1:].view(np.float64)
        schedule.values(5000, out=out)
        np.testing.assert_array_equal(out, schedule.values(5000))


def assert_within_one_ulp_on(schedule: Any, steps: range) -> None:
    assert_within_one_ulp(schedule.values(*_range_arguments(steps)), schedule, steps)


def assert_within_one_ulp(values: npt.NDArray[Any], schedule: Any, steps: range) -> None:
    """Of the values step by step."""
    assert len(values) == len(steps)
    with np.errstate(over="ignore"):
        expected = schedule(np.array(steps, np.int64)).astype(values.dtype)
    lowest, highest = np.nextafter(expected, -np.inf), np.nextafter(expected, np.inf)
    # Below, the decay itself may be a denormal number before the initial rate multiplies it.
    accurate = expected >= LEAST_ACCURATE[expected.dtype.name]
    wrong = np.flatnonzero(~((lowest <= values) & (values <= highest)) & (values != expected) & accurate)
    assert wrong.size == 0, (steps[wrong[0]], values[wrong[0]], expected[wrong[0]], wrong.size)


def test_a_range_of_one_step_may_have_any_distance_to_the_next() -> None:
    s = lrd.CosineDecay(0.1, 100)
    assert s.values(3, 10, 2**63).tolist() == [s(3)]
    assert s.values(10, 3, -(2**63)).tolist() == [s(10)]
