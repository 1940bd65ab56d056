"""Sums and means against true ones: short ranges step by step, long ranges by closed forms."""

from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest
from draws import draws
from hypothesis import given
from hypothesis import strategies as st
from limits import within
from reference import LAST_STEP, SCHEDULES, Real, loss, mp, scale, some_schedule, true_rate

import lrdecay_native as lrd
from lrdecay_native.evaluation.segments.segments import IrregularSegment, StaircaseSegment
from lrdecay_native.evaluation.sums.quadrature import first_blocks, quadrature

BOUND = 1e-15
"""The documented relative error."""

LONG = (10**12, 2**63)


def error(value: float, truth: Real) -> float:
    return float(abs(mp.mpf(value) - truth) / truth)


def some_range(schedule: Any, random: Random) -> range:
    """Up to 300 steps, where there is something to see."""
    around = min(scale(schedule), 2.0**60)
    count = random.randint(1, 300)
    first = max(0, int(around * random.choice([0.0, random.random(), 1.0])) - random.randrange(count))
    return range(first, min(first + count, LAST_STEP))


@pytest.mark.parametrize("name", SCHEDULES)
def test_short_ranges(name: str, random: Random) -> None:
    """Step by step."""
    for _ in range(draws(12)):
        schedule = SCHEDULES[name].make(random)
        steps = some_range(schedule, random)
        truths = [true_rate(schedule, mp.mpf(t)) for t in steps]
        truth = mp.fsum(truths)
        if truth < 1e-280:
            continue
        lost = mp.fsum(loss(schedule, mp.mpf(t)) * rate for t, rate in zip(steps, truths, strict=True))
        allowed = BOUND + float(lost / truth)
        assert error(schedule.sum(steps.start, steps.stop), truth) <= allowed, (schedule, steps)
        assert error(schedule.mean(steps.start, steps.stop), truth / len(steps)) <= allowed


def geometric(first: Real, ratio: Real, count: int) -> Real:
    return first * (1 - ratio**count) / (1 - ratio) if ratio != 1 else first * count


def powers(power: float, count: Any, shift: Real = 0) -> Real:
    """The sum of ``(k + shift) ** power`` for ``k`` from 1 to the count, by Euler and Maclaurin's formula."""
    exponent = mp.mpf(power)
    singly = int(min(count, 60))
    result = mp.fsum((k + mp.mpf(shift)) ** exponent for k in range(1, singly + 1))
    if singly == count:
        return result
    first, last = mp.mpf(singly + 1) + shift, mp.mpf(count) + shift
    integral = mp.log(last / first)
    if power != -1:
        integral = (last ** (exponent + 1) - first ** (exponent + 1)) / (exponent + 1)
    result += integral + (first**exponent + last**exponent) / 2
    for j in range(1, 30):
        factor = mp.bernoulli(2 * j) / mp.factorial(2 * j) * mp.ff(exponent, 2 * j - 1)
        rest = exponent - (2 * j - 1)
        result += factor * (last**rest - first**rest) if factor else 0
    return result


def test_the_closed_forms() -> None:
    assert error(14.0, powers(2.0, 3)) < 1e-50
    for power, shift in ((-1.0, 0), (0.5, 0.25), (-2.5, 0)):
        terms = [(mp.mpf(k) + shift) ** mp.mpf(power) for k in range(1, 1001)]
        assert error(1.0, powers(power, 1000, shift) / mp.fsum(terms)) < 1e-40
    assert error(2.0, geometric(mp.one, mp.mpf(0.5), 400)) < 1e-50


@pytest.mark.parametrize("stop", LONG)
@pytest.mark.parametrize("drop", [0.96, 0.5, 1e-30, 1.0])
@pytest.mark.parametrize("size", [1, 1000, 12345.678, 1e9, 1e15])
def test_exponential(stop: int, drop: float, size: float) -> None:
    ratio = mp.mpf(drop) ** (1 / mp.mpf(size))
    truth = geometric(mp.mpf(0.1), ratio, stop)
    assert error(lrd.StepDecay(0.1, drop, size, staircase=False).sum(stop), truth) <= BOUND
    start = min(int(size) // 3, stop // 2)
    rest = geometric(mp.mpf(0.1) * ratio**start, ratio, stop - start)
    assert error(lrd.StepDecay(0.1, drop, size, staircase=False).sum(start, stop), rest) <= BOUND


@pytest.mark.parametrize("stop", LONG)
@pytest.mark.parametrize(
    "size", [1, 7, 1000, 10**9, 1.5, 12.25, 1000 + 1 / 64, 3 + 145 / 1024, 77 + 3 / 4096]
)
def test_exponential_staircase(stop: int, size: float) -> None:
    """In the whole period of a fraction all runs come once, so that these periods are geometric too."""
    schedule = lrd.StepDecay(0.1, 0.99999, size)
    ratio = mp.mpf(0.99999)
    denominator = Fraction(size).denominator
    period = int(mp.mpf(size) * denominator)
    starts = [int(mp.ceil(k * mp.mpf(size))) for k in range(denominator + 1)]
    lengths = np.diff(starts).tolist()
    whole, left = divmod(stop, period)
    one = mp.fsum(length * ratio**k for k, length in enumerate(lengths))
    truth = mp.mpf(0.1) * geometric(one, ratio**denominator, whole)
    for k, length in enumerate(lengths):
        taken = min(length, left)
        truth += mp.mpf(0.1) * ratio ** (whole * denominator + k) * taken
        left -= taken
    with within(60):
        total = schedule.sum(stop)
    assert error(total, truth) <= BOUND


@pytest.mark.parametrize("stop", LONG)
@pytest.mark.parametrize("rate", [1e-15, 1e-6, 1e-3, 1.0, 1e6, 0.0])
def test_inverse_time(stop: int, rate: float) -> None:
    schedule = lrd.InverseTimeDecay(0.1, rate)
    if rate == 0.0:
        assert error(schedule.sum(stop), mp.mpf(0.1) * stop) <= BOUND
        return
    inverse = 1 / mp.mpf(rate)
    truth = mp.mpf(0.1) * inverse * (mp.digamma(inverse + stop) - mp.digamma(inverse))
    assert error(schedule.sum(stop), truth) <= BOUND


@pytest.mark.parametrize("power", [0.5, 1.0, 1.5, 2.0, 7.0, 0.01])
@pytest.mark.parametrize("max_step", [1000, 10**6, 10**9 + 0.25, 10**12 - 1, 2**53])
@pytest.mark.parametrize("end", [0.0, 1e-3, 0.3])
def test_polynomial(power: float, max_step: float, end: float) -> None:
    schedule = lrd.PolynomialDecay(0.1, max_step, power=power, end_learning_rate=end)
    stop = int(1.5 * max_step)
    shift = mp.mpf(max_step) % 1
    # The last steps before the horizon are at distances shift, shift + 1, ... from it.
    whole = mp.floor(mp.mpf(max_step)) if shift else mp.mpf(max_step)
    shape = (powers(power, whole, shift) + (shift**power if shift else 0)) / mp.mpf(max_step) ** power
    truth = (mp.mpf(0.1) - end) * shape + mp.mpf(end) * stop
    assert error(schedule.sum(stop), truth) <= BOUND
    assert error(schedule.mean(stop), truth / stop) <= BOUND


@pytest.mark.parametrize(
    ("power", "period"),
    [
        *itertools.product([0.5, 1.0, 2.5], [1, 2, 100, 12_345, 10**6, 2.5, 100.25]),
        *((1.0, period) for period in (2.5 + 1 / 128, 100 + 7 / 128, 54_321 + 1 / 256)),
    ],
)
@pytest.mark.parametrize("end", [0.0, 1e-3, 0.3])
def test_cycles(power: float, period: float, end: float) -> None:
    """Places in the cycle that are the same in every one, or in every fourth or so, make a zeta sum."""
    schedule = lrd.PolynomialDecay(0.1, period, power=power, end_learning_rate=end, cycle=True)
    classes = Fraction(period).denominator
    rounds = 10**12 // int(period * classes)
    stop = int(rounds * period * classes) + 1
    truth = mp.mpf(end) * stop
    change = mp.mpf(0.1) - end
    truth += change
    for first in range(1, classes + 1):
        begin, finish = mp.mpf((first - 1) * period), mp.mpf(first * period)
        distances = finish - int(mp.floor(finish)), int(mp.floor(finish)) - int(mp.floor(begin))
        places = powers(power, distances[1] - 1, distances[0])
        places += distances[0] ** power if distances[0] else 0
        number = powers(-power, rounds, mp.mpf(first) / classes - 1)
        truth += change * places / mp.mpf(period) ** power * number / mp.mpf(classes) ** power
    with within(60):
        total = schedule.sum(stop)
    assert error(total, truth) <= BOUND


@pytest.mark.parametrize("size", [3 + 145 / 1024, 2 + 17 / 512])
@pytest.mark.parametrize("stop", LONG)
def test_runs_of_a_hyperbola(size: float, stop: int) -> None:
    """Runs that have the same length are so many runs apart, and make a sum of digamma functions."""
    rate, classes = 1e-5, Fraction(size).denominator
    schedule = lrd.InverseTimeDecay(0.1, rate, staircase=True).per_epoch(size)
    runs = int(stop / Fraction(size))
    truth = mp.mpf(0.1) / (1 + runs * mp.mpf(rate)) * (stop - math.ceil(runs * Fraction(size)))
    inverse = 1 / mp.mpf(rate)
    for first in range(classes):
        length = math.ceil((first + 1) * Fraction(size)) - math.ceil(first * Fraction(size))
        count = -((first - runs) // classes)
        place = (inverse + first) / classes
        truth += mp.mpf(0.1) * length * inverse / classes * (mp.digamma(place + count) - mp.digamma(place))
    with within(60):
        total = schedule.sum(stop)
    assert error(total, truth) <= BOUND


def test_runs_and_cycles_of_any_length(random: Random) -> None:
    """Their periods have 50 bits: every run begins at another place between steps."""
    for _ in range(draws(12)):
        size, count = random.uniform(1.0, 30.0), random.randint(10_000, 300_000)
        start = random.randrange(count // 2)
        stairs = lrd.InverseTimeDecay(0.1, 1e-4, staircase=True).per_epoch(size)
        cycles = lrd.PolynomialDecay(0.1, size, end_learning_rate=random.choice([0.0, 0.02]), cycle=True)
        for schedule in (stairs, cycles, stairs.warmup(7.25), cycles.shifted(3.7), cycles.per_epoch(1.37)):
            rates = schedule(np.arange(start, count)).astype(np.longdouble)
            assert error(schedule.sum(start, count), mp.mpf(float(np.sum(rates)))) <= BOUND, (schedule, start)


def test_sums_of_any_length_add_up(random: Random) -> None:
    for _ in range(draws(10)):
        size = random.choice([random.uniform(1.0, 30.0), random.uniform(1e3, 1e6)])
        for schedule in (
            lrd.StepDecay(0.1, 1 - 1e-12, size),
            lrd.InverseTimeDecay(0.1, 1e-9, staircase=True).per_epoch(size),
            lrd.PolynomialDecay(0.1, size, cycle=True),
        ):
            middle, stop = sorted(int(2 ** random.uniform(20, 63)) for _ in range(2))
            with within(60):
                whole = schedule.sum(stop)
                parts = schedule.sum(middle) + schedule.sum(middle, stop)
            assert abs(parts - whole) <= 3 * BOUND * whole, (schedule, middle, stop)


def test_per_epoch_and_compositions_of_a_geometric_series() -> None:
    ratio = mp.mpf(0.999)
    epochs = lrd.StepDecay(0.1, 0.999, 1).per_epoch(1875, staircase=True)
    truth = 1875 * geometric(mp.mpf(0.1), ratio, 10**9)
    assert error(epochs.sum(1875 * 10**9), truth) <= BOUND
    warm = epochs.warmup(5000).scaled(0.3)
    truth = mp.mpf(0.3) * (truth + mp.mpf(0.1) * (0 + 4999) * 5000 / 2 / 5000)
    assert error(warm.sum(1875 * 10**9 + 5000), truth) <= BOUND
    floor = lrd.StepDecay(0.1, 0.5, 1000).clipped(0.02)
    assert (
        error(floor.sum(10**12), mp.mpf(1000) * (mp.mpf(0.1) * 1.75) + mp.mpf(0.02) * (10**12 - 3000))
        <= BOUND
    )


def test_runs_and_cycles_within_a_step() -> None:
    """Shorter than a step, up to the last one."""
    truth = geometric(mp.mpf(0.1), mp.mpf(0.5) ** 4, 1000)
    assert error(lrd.StepDecay(0.1, 0.5, 0.25).sum(2**63), truth) <= BOUND
    warm = lrd.StepDecay(0.1, 0.5, 1e-3).warmup(1, start=1.0).stretched(to=1e-50, of=1)
    assert error(warm.sum(2**63), mp.one) <= BOUND
    nested = lrd.StepDecay(0.1, 0.5, 1e-3).per_epoch(1e-30, staircase=True)
    assert error(nested.sum(2**63), mp.mpf(0.1)) <= BOUND
    ends = lrd.PolynomialDecay(0.1, 0.5, end_learning_rate=0.01, cycle=True)
    assert error(ends.sum(2**63), mp.mpf(0.1) + mp.mpf(0.01) * (2**63 - 1)) <= BOUND


def test_clipped_cycles_far_out() -> None:
    """Cycle n, from 0.1 * 0.99 / n down to 0, is all below the floor from n = 99 on."""
    floored = lrd.PolynomialDecay(0.1, 100, cycle=True).clipped(0.001)
    near = mp.mpf(float(np.sum(floored(np.arange(20_000)).astype(np.longdouble))))
    assert error(floored.sum(10**12), near + mp.mpf(0.001) * (10**12 - 20_000)) <= BOUND
    free = lrd.PolynomialDecay(0.1, 100, cycle=True)
    assert error(free.clipped(highest=0.2).sum(10**12), mp.mpf(free.sum(10**12))) <= BOUND


@pytest.mark.parametrize(
    "schedule",
    [
        lrd.StepDecay(0.1, 0.99999, 7.7),
        lrd.StepDecay(0.1, 0.999, 7.7),
        lrd.PolynomialDecay(0.1, 777.7, power=1.5, cycle=True),
        lrd.PolynomialDecay(0.1, 77_777.7, power=1.5, cycle=True),
        lrd.PolynomialDecay(0.1, 5_000, end_learning_rate=0.001, cycle=True).clipped(0.01, 0.05),
        lrd.PolynomialDecay(0.1, 50_000, end_learning_rate=0.001, cycle=True).clipped(0.01, 0.05),
        lrd.PolynomialDecay(0.1, 100, end_learning_rate=0.001, cycle=True).clipped(highest=0.01),
        lrd.PolynomialDecay(0.1, 100.5, end_learning_rate=0.2, cycle=True).clipped(0.11, 0.19),
        lrd.PolynomialDecay(0.1, 100, cycle=True).clipped(0.001, 0.05),
        lrd.PolynomialDecay(0.1, 100, end_learning_rate=0.01, cycle=True).clipped(0.5, 0.6),
        lrd.PolynomialDecay(0.1, 1, end_learning_rate=0.01, cycle=True).clipped(0.02),
        lrd.PolynomialDecay(0.1, 7, end_learning_rate=0.001, cycle=True).per_epoch(100, staircase=True),
        lrd.PolynomialDecay(0.1, 7.3, cycle=True).per_epoch(100.7, staircase=True).warmup(300),
        lrd.StepDecay(0.1, 0.9, 2.5).per_epoch(1000, staircase=True),
    ],
    ids=repr,
)
def test_against_all_values(schedule: Any) -> None:
    """Each within 0.51 ulp: their sum is nearer."""
    values = schedule(np.arange(1234, 800_000)).astype(np.longdouble)
    assert error(schedule.sum(1234, 800_000), mp.mpf(float(np.sum(values)))) <= BOUND


def test_sums_add_up(random: Random) -> None:
    for _ in range(draws(60)):
        schedule = some_schedule(random)
        if "cycle=True" in repr(schedule):
            continue
        stops = sorted(int(min(scale(schedule) * 10.0 ** random.uniform(-1, 1), 2.0**62)) for _ in range(2))
        single = any(isinstance(part, (IrregularSegment, StaircaseSegment)) for part in schedule._segments)
        if single and stops[1] > 10**6:
            continue
        whole = schedule.sum(stops[1])
        parts = schedule.sum(stops[0]) + schedule.sum(*stops)
        assert whole < 1e-280 or abs(parts - whole) <= 3 * BOUND * whole


def test_the_rule_is_exact_for_polynomials() -> None:
    """Power sums, exactly: also on the shortest blocks."""
    for count in (129, 300, 1000, 10**9):
        for degree in range(6):
            rule = quadrature(
                lambda whole, fraction, d=degree: (whole + fraction + 1) ** d, *first_blocks(count)
            )  # type: ignore[misc]
            assert (
                error(1.0, mp.mpf(rule.sum().numerator) / rule.sum().denominator / powers(degree, count))
                < 1e-17
            )


def test_few_samples_for_many_steps() -> None:
    """Far fewer than steps: this is what makes the sum fast."""
    sampled = []

    def rates(whole: Any, fraction: Any) -> Any:
        sampled.append(len(whole))
        return 1 / (1 + (whole + fraction) / 1000)

    quadrature(rates, *first_blocks(10**15))
    assert sum(sampled) < 20_000


class TestArguments:
    schedule = lrd.StepDecay(0.1, 0.5, 1000)

    def test_as_range(self) -> None:
        assert self.schedule.sum(10) == self.schedule.sum(0, 10) == 1.0
        assert self.schedule.mean(1000, 1001) == 0.05

    @pytest.mark.parametrize("arguments", [(0,), (5, 5), (9, 3), (2**63, 2**63)])
    def test_no_steps(self, arguments: tuple[int, ...]) -> None:
        assert self.schedule.sum(*arguments) == 0.0
        with pytest.raises(ValueError, match="must have a step between them"):
            self.schedule.mean(*arguments)

    @pytest.mark.parametrize("arguments", [(-1,), (0, -5), (2**63 + 1,), (-1, 5)])
    def test_out_of_range(self, arguments: tuple[int, ...]) -> None:
        for method in (self.schedule.sum, self.schedule.mean):
            with pytest.raises(ValueError, match="must be from 0"):
                method(*arguments)

    @pytest.mark.parametrize("arguments", [(1.0,), (0, 1.0), (True,), ("9",)])
    def test_of_a_wrong_kind(self, arguments: tuple[Any, ...]) -> None:
        for method in (self.schedule.sum, self.schedule.mean):
            with pytest.raises(TypeError, match="must be an integer"):
                method(*arguments)


class TestChunks:
    @given(
        st.randoms(use_true_random=False),
        st.integers(0, 2**40),
        st.integers(0, 3000),
        st.integers(1, 1200),
        st.sampled_from([np.float64, np.float32]),
    )
    def test_are_the_values(self, random: Random, start: int, count: int, size: int, dtype: Any) -> None:
        schedule = some_schedule(random)
        chunks = list(schedule.chunks(start, start + count, size, dtype=dtype))
        assert [len(chunk) for chunk in chunks[:-1]] == [size] * (len(chunks) - 1)
        together = np.concatenate([np.empty(0, dtype), *chunks])
        values = schedule.values(start, start + count, dtype=dtype)
        assert together.dtype == values.dtype
        assert len(together) == len(values)
        with np.errstate(over="ignore"):
            ahead, behind = np.nextafter(values, np.inf), np.nextafter(values, -np.inf)
        assert ((together <= ahead) & (together >= behind)).all()

    def test_beyond_memory(self) -> None:
        schedule = lrd.StepDecay(0.1, 0.5, 1000)
        chunks = schedule.chunks(0, 2**63, 3)
        assert next(chunks).tolist() == [0.1] * 3
        assert len(list(schedule.chunks(2**63 - 5, 2**63, 2))) == 3

    @pytest.mark.parametrize(
        ("arguments", "error", "text"),
        [
            ({"size": 0}, ValueError, "size=0 must be from 1"),
            ({"size": -1}, ValueError, "size=-1 must be from 1"),
            ({"size": 1.0}, TypeError, "size=1.0 must be an integer"),
            ({"size": 3, "dtype": int}, TypeError, "must be float64 or float32"),
            ({"size": 3, "stop": -3}, ValueError, "stop=-3 must be from 0"),
        ],
    )
    def test_refused_at_the_call(self, arguments: dict[str, Any], error: type[Exception], text: str) -> None:
        with pytest.raises(error, match=re.escape(text)):
            lrd.StepDecay(0.1, 0.5, 1000).chunks(0, **{"stop": 10, **arguments})


class TestTooMany:
    """What can only be added one by one is refused before it takes hours."""

    def test_steps(self) -> None:
        schedule = (lrd.CosineAnnealing(0.1, 7.3) * lrd.PolynomialDecay(1.0, 5.1, cycle=True)).clipped(0.01)
        assert schedule.sum(1000) == pytest.approx(float(schedule(np.arange(1000)).sum()), rel=1e-14)
        with pytest.raises(ValueError, match="would have to be added one by one"):
            schedule.sum(10**12)

    def test_cycles(self) -> None:
        schedule = lrd.PolynomialDecay(0.1, 7000).restarted(5000.1)
        assert schedule.sum(10**5) == pytest.approx(float(schedule(np.arange(10**5)).sum()), rel=1e-13)
        with pytest.raises(ValueError, match="cycles differ and would have to be added one by one"):
            schedule.sum(10**12)

    @pytest.mark.parametrize(
        ("schedule", "count"),
        [
            (lrd.PolynomialDecay(0.1, 3.14159, power=1.5, cycle=True), 2**50),
            (lrd.PolynomialDecay(0.1, 3.14159, cycle=True).clipped(1e-16), 2**50),
            (lrd.CosineAnnealing(0.1, 3.14159), 2**50),
            (lrd.Cyclic(0.1, 0.2, 3.3).warmup(10.5), 2**50 - 11),
            (
                lrd.CosineDecay(0.1, 30).restarted(33).per_epoch(3.3, staircase=True),
                int((2**50 - 1) // Fraction(3.3)) + 1,
            ),
            (lrd.InverseTimeDecay(0.1, 1e-3, staircase=True).per_epoch(0.3), 2**50),
        ],
        ids=repr,
    )
    def test_steps_of_any_period(self, schedule: Any, count: int) -> None:
        """At once, with how many they are; so many as README names are added."""
        with (
            within(30),
            pytest.raises(ValueError, match=rf"^{count} rates would .* up to {2**31} steps at a time"),
        ):
            schedule.sum(2**50)
        rates = schedule(np.arange(10**5)).astype(np.longdouble)
        assert error(schedule.sum(10**5), mp.mpf(float(np.sum(rates)))) <= BOUND

    def test_before_others_are_added(self) -> None:
        heavy = lrd.CosineAnnealing(0.1, 3.14159)
        with within(30), pytest.raises(ValueError, match="would have to be added one by one"):
            heavy.then(heavy, at=2**31).sum(2**33)

    def test_long_cycles(self) -> None:
        schedule = lrd.PolynomialDecay(0.1, 31415.9, power=1.5, cycle=True)
        with within(30), pytest.raises(ValueError, match=rf"cycles differ .* sum up to {2**17} at a time"):
            schedule.sum(2**50)


def test_more_cycles_than_len_counts() -> None:
    repeated = lrd.LinearDecay(0.1, 0.25).restarted(0.25)
    assert error(repeated.sum(2**62), mp.mpf(0.1) * 2**62) <= BOUND
