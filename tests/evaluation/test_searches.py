"""When a schedule gets below a rate, and until when it is above one: against every step, and far out."""

from __future__ import annotations

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
from reference import LAST_STEP, SCHEDULES, mp, scale, some_schedule, some_steps, spread

import lrdecay_native as lrd

CYCLIC = [
    lrd.PolynomialDecay(0.1, 7, power=1.5, end_learning_rate=0.01, cycle=True),
    lrd.PolynomialDecay(0.1, 7, power=0.5, end_learning_rate=0.3, cycle=True),
    lrd.PolynomialDecay(0.1, 1, end_learning_rate=0.01, cycle=True),
    lrd.PolynomialDecay(0.1, 7, power=2.0, end_learning_rate=0.01, cycle=True).clipped(0.02, 0.04),
    lrd.PolynomialDecay(0.1, 3, end_learning_rate=0.01, cycle=True).per_epoch(5.5, staircase=True).warmup(20),
    lrd.PolynomialDecay(0.1, 30, cycle=True).then(lrd.PolynomialDecay(0.2, 40, cycle=True), at=101.5),
]
FRACTIONS = [
    lrd.PolynomialDecay(0.1, 0.3, end_learning_rate=0.01, cycle=True),
    lrd.PolynomialDecay(0.1, 37.3, power=2.0, cycle=True),
    lrd.PolynomialDecay(0.1, 37.3, power=2.0, end_learning_rate=0.3, cycle=True),
    lrd.PolynomialDecay(0.1, 1037.3, power=2.0, end_learning_rate=0.03, cycle=True),
]
OTHERS = [
    lrd.StepDecay(0.1, 0.9, 7),
    lrd.StepDecay(0.1, 0.9, 7.7).warmup(100, start=0.05),
    lrd.ExponentialDecay(0.1, 1e-3).clipped(0.05),
    lrd.PolynomialDecay(0.1, 1000, end_learning_rate=0.2),
    lrd.PolynomialDecay(0.1, 1000, power=0.0),
    lrd.StepDecay(0.1, 0.5, 100).then(lrd.StepDecay(0.1, 0.5, 50), at=333),
]


def some_rate(schedule: Any, random: Random) -> float:
    """A rate that the schedule has, one beside it, or any."""
    step = random.choice(some_steps(random, scale(schedule)))
    rate = schedule(step)
    return random.choice([rate, math.nextafter(rate, 1e300), rate * spread(random, 0.1, 10.0), 0.1])


@given(st.randoms(use_true_random=False))
def test_the_step_before_and_the_step_itself(random: Random) -> None:
    schedule = some_schedule(random)
    rate = some_rate(schedule, random)
    below, above = schedule.first_step_below(rate), schedule.last_step_above(rate)
    steps = some_steps(random, scale(schedule))
    if below is None:
        assert (schedule(np.array(steps)) >= rate).all()
    else:
        assert schedule(below) < rate
        assert below == 0 or schedule(below - 1) >= rate
    if above is None:
        assert (schedule(np.array(steps)) <= rate).all()
    else:
        assert schedule(above) > rate
        assert above == LAST_STEP or schedule(above + 1) <= rate


@pytest.mark.parametrize("schedule", CYCLIC + FRACTIONS + OTHERS, ids=repr)
def test_every_step(schedule: Any, random: Random) -> None:
    steps = np.arange(3000)
    values = schedule(steps)
    reached = np.sort(values).tolist()
    chosen = {*random.sample(reached, 40), 0.01, 0.02, 0.04, 0.05, 0.3, 1.0, 0.0}
    for rate in chosen:
        first, last = schedule.first_step_below(rate), schedule.last_step_above(rate)
        below, above = np.flatnonzero(values < rate), np.flatnonzero(values > rate)
        if len(below):
            assert first == below[0], rate
        else:
            assert first is None or first >= 3000, rate
        if last is not None and last >= 3000:
            assert schedule(last) > rate
        else:
            assert last == (above[-1] if len(above) else None), rate


class TestCyclesOfAnyLength:
    """Each has its steps at other places: the one nearest to an end is found without looking at those before it."""

    def test_the_first_of_billions(self) -> None:
        """A step less than 1e-16 of the way from the origin before the end of a cycle."""
        schedule = lrd.PolynomialDecay(0.1, 3.14159, cycle=True)
        with within(20):
            step = schedule.first_step_below(1e-17)
        assert step == first_step_near_an_end(Fraction(3.14159), Fraction(1e-17) / Fraction(0.1))
        assert schedule(step) < 1e-17

    def test_first_steps(self, random: Random) -> None:
        for _ in range(draws(60)):
            period = random.choice(
                [random.uniform(1.0, 50.0), random.randint(1, 9) + 2.0 ** -random.randint(1, 10)]
            )
            part = 10.0 ** -random.uniform(1.0, 17.0)
            schedule = lrd.PolynomialDecay(1.0, period, cycle=True)
            with within(20):
                step = schedule.first_step_below(part)
            assert step == first_step_near_an_end(Fraction(period), Fraction(part)), (schedule, part)

    def test_last_steps(self, random: Random) -> None:
        """The largest distance from the end of a cycle is that of its first step."""
        for _ in range(draws(30)):
            period, part = random.uniform(1.0, 50.0), 10.0 ** -random.uniform(1.0, 9.0)
            exact, least = Fraction(period), Fraction(part)
            number = math.ceil(1 / least)
            while number * exact - (math.floor((number - 1) * exact) + 1) <= number * exact * least:
                number -= 1
            with within(20):
                step = lrd.PolynomialDecay(1.0, period, cycle=True).last_step_above(part)
            assert step is not None
            assert math.ceil(step / exact) == number, (period, part)
            assert step == math.ceil(number * exact * (1 - least)) - 1

    def test_of_a_rise(self, random: Random) -> None:
        for _ in range(draws(20)):
            period = random.uniform(1.0, 9.0)
            schedule = lrd.PolynomialDecay(0.1, period, end_learning_rate=0.2, cycle=True)
            wanted = 0.2 - 10.0 ** -random.uniform(2.0, 15.0)
            with within(20):
                below, above = schedule.first_step_below(wanted), schedule.last_step_above(wanted)
            assert below == 0
            assert above is not None
            assert schedule(above) > wanted
            later = np.arange(above + 1, min(above + 1001, 2**63), dtype=np.uint64)
            assert (schedule(later) <= wanted).all()


def first_step_near_an_end(period: Fraction, part: Fraction) -> int:
    """The first step whose distance from the end of its cycle is less than a part of where the cycle ends.

    The cycle's number is one at which the end is nearer to a whole number below it than any before, and those come
    as sums of two of them.
    """
    low, below = 1, period % 1
    high, above = 1, 1 - period % 1
    while below >= low * period * part:
        if below >= above:
            low, below = low + high, below - above
        else:
            high, above = low + high, above - below
    return math.floor(low * period - low * period * part) + 1


class TestBeforeTheEndOfARestart:
    """A continuous cosine comes to its end at a restart, and no step is there."""

    def test_never(self) -> None:
        assert lrd.CosineDecay(0.1, 1000).restarted(1000).first_step_below(1e-8) is None

    def test_neighbours(self, random: Random) -> None:
        for _ in range(draws(40)):
            length = random.randint(2, 3000)
            least = float(mp.mpf(0.1) * (1 - mp.cos(mp.pi / length)) / 2)
            schedule = lrd.CosineDecay(0.1, length).restarted(length)
            for outer in random.sample(range(length, 20 * length), 3):
                schedule = schedule.restarted(outer)
            before, behind = least * random.uniform(0.01, 0.999), least * random.uniform(1.001, 1.5)
            with within(20):
                assert schedule.first_step_below(before) is None
                assert schedule.first_step_below(behind) == length - 1


class TestRestartsWithinRestarts:
    """Ten deep: parts of parts are looked at once."""

    @pytest.mark.parametrize("factor", [1.0, 0.9])
    @pytest.mark.parametrize(
        "every", [lambda k: 11 * 3**k, lambda k: 100 + k, lambda k: 7.25 * 2**k, lambda k: 7.3 * 3.1**k]
    )
    def test_ten_deep(self, every: Any, factor: float, random: Random) -> None:
        schedule: Any = lrd.CosineDecay(0.1, 7)
        for k in range(10):
            schedule = schedule.restarted(every(k), factor)
        steps = np.arange(20_000)
        rates = schedule(steps)
        for wanted in [*random.sample(rates.tolist(), 10), 1e-3, 0.0999]:
            with within(20):
                below, above = schedule.first_step_below(wanted), schedule.last_step_above(wanted)
            found = np.flatnonzero(rates < wanted)
            assert below == found[0] if len(found) else below is None or below >= 20_000
            if above is None:
                assert not (rates > wanted).any()
            else:
                assert schedule(above) > wanted
                assert above == LAST_STEP or schedule(above + 1) <= wanted
        with within(20):
            assert schedule.sum(20_000) == pytest.approx(math.fsum(rates.tolist()), rel=1e-14)
            assert schedule.values(20_000) == pytest.approx(rates, rel=1e-15)
            assert schedule.length is None
            assert lrd.from_json(schedule.to_json()) == schedule
            assert hash(schedule) == hash(lrd.from_json(schedule.to_json()))

    def test_sums_of_very_many_steps(self) -> None:
        """Each period is a multiple of the one before it: the innermost restarts at the same steps."""
        schedule: Any = lrd.CosineDecay(0.1, 5000).restarted(5000)
        deep = schedule
        for k in range(1, 11):
            deep = deep.restarted(5000 * 3**k)
        with within(20):
            assert deep.sum(2**60) == pytest.approx(schedule.sum(2**60), rel=1e-15)


class TestFarOut:
    def test_the_last_step_of_all(self) -> None:
        constant = lrd.ExponentialDecay(0.1, 0.0)
        assert constant.last_step_above(0.05) == LAST_STEP
        assert constant.last_step_above(0.1) is None
        assert constant.first_step_below(0.1) is None
        assert constant.first_step_below(0.2) == 0
        assert lrd.PolynomialDecay(0.1, 2.0**63).first_step_below(1.1e-20) == LAST_STEP

    def test_exact_to_the_step_beyond_float64(self) -> None:
        schedule = lrd.PolynomialDecay(1.0, 2**60)
        assert schedule.first_step_below(3.0 * 2.0**-60) == 2**60 - 2
        assert schedule.last_step_above(3.0 * 2.0**-60) == 2**60 - 4

    def test_many_cycles(self) -> None:
        """In cycle n the first rate is 0.1 * (1 - 1e-3) / n, the last one 0."""
        schedule = lrd.PolynomialDecay(0.1, 1000, cycle=True)
        last = schedule.last_step_above(1e-9)
        assert last is not None
        assert last % 1000 == 1
        assert 0.0999 / (last // 1000 + 1) > 1e-9 >= 0.0999 / (last // 1000 + 2)
        assert schedule.first_step_below(1e-300) == 1000
        assert schedule.first_step_below(0.0) is None
        floored = schedule.clipped(0.0001)
        assert floored.last_step_above(0.0001) == 997 * 1000 + 1
        assert floored.first_step_below(0.0001) is None

    def test_rising_cycles(self) -> None:
        schedule = lrd.PolynomialDecay(0.1, 1000, end_learning_rate=0.2, cycle=True)
        assert schedule.last_step_above(0.15) == LAST_STEP
        last_end = LAST_STEP // 1000 * 1000
        assert schedule.last_step_above(math.nextafter(0.2, 0.0)) in range(last_end, LAST_STEP + 1)
        assert schedule.last_step_above(0.2) is None

    def test_staircases_fall_at_a_run(self) -> None:
        schedule = lrd.StepDecay(1.0, 0.5, 10**15).warmup(7, start=1.0)
        assert schedule.clipped(0.1).first_step_below(0.25) == 3 * 10**15 + 7
        assert schedule.last_step_above(0.25) == 2 * 10**15 + 6

    def test_warm_up_first(self) -> None:
        schedule = lrd.StepDecay(0.1, 0.5, 1000).warmup(100)
        assert schedule.first_step_below(0.05) == 0
        assert schedule.last_step_above(0.05) == 1099


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_rates_that_are_no_finite_number(rate: Any) -> None:
    for method in (lrd.StepDecay(0.1, 0.5, 9).first_step_below, lrd.StepDecay(0.1, 0.5, 9).last_step_above):
        with pytest.raises(ValueError, match=re.escape(f"learning_rate={rate!r} must be finite")):
            method(rate)


@pytest.mark.parametrize("rate", ["0.1", None, True, 1j])
def test_rates_of_a_wrong_kind(rate: Any) -> None:
    for method in (lrd.StepDecay(0.1, 0.5, 9).first_step_below, lrd.StepDecay(0.1, 0.5, 9).last_step_above):
        with pytest.raises(TypeError, match=re.escape(f"learning_rate={rate!r} must be a real number")):
            method(rate)


@pytest.mark.parametrize("name", SCHEDULES)
def test_of_every_class(name: str, random: Random) -> None:
    schedule = SCHEDULES[name].make(random)
    assert schedule.first_step_below(1e300) == 0
    assert schedule.first_step_below(-1.0) is None
    assert schedule.last_step_above(-1.0) == LAST_STEP
    assert schedule.last_step_above(1e300) is None


def test_the_last_steps_of_all() -> None:
    """Whole numbers up to 2**63 - 1, in a sum of cycles that is searched window by window."""
    swings = lrd.CosineAnnealing(1.0, 1) + lrd.RexDecay(1.0, 1)
    assert swings.last_step_above(0.1) == 2**63 - 2
    assert swings(2**63 - 2) == 1.0
    assert swings(2**63 - 1) == 0.0
