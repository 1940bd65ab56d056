"""Random schedules and steps, and how far from the true rates a learning rate may be there."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from fractions import Fraction
from random import Random
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from draws import draws
from reference import mp, some_schedule, spread, true_rate

import lrdecay_native as lrd

CASES = draws(100_000, ci=1_600)
"""Random cases of a schedule and a step for each way of compiling."""

STEPS = draws(160, ci=40)
"""Steps drawn for each schedule: what takes long is to compile it."""

SPACINGS, OF_THE_HIGHEST = 0.51, 2.0**-45
"""The documented bound: so many of float32's spacings, and so much of the highest rate of the piece."""

NORMAL = 2.0**-126, 3.4e38
"""Where float32 has all of its digits."""


class Drawn(NamedTuple):
    """A schedule, a number of steps in which it begins something new, and where that begins first.

    Integers of 64 bits may not count its stairs at far steps unless it is countable.
    """

    schedule: lrd.Schedule
    period: Fraction
    begin: Fraction
    countable: bool


def some_period(random: Random) -> float:
    """Whole, fractional, tiny; those that are odd and short are late in floating point most often."""
    return random.choice(
        [
            random.randint(1, 300),
            random.randint(1, 300),
            random.randint(1, 10**6),
            1281167 / random.choice([32, 96, 512]),
            random.uniform(1.0, 1000.0),
            round(random.uniform(0.1, 100.0), 2),
            spread(random, 1e-3, 1.0),
            float(int(spread(random, 1e6, 2.0**31))),
        ]
    )


def some_rate(random: Random) -> float:
    return random.choice([0.1, 1e-3, spread(random, 1e-6, 10.0)])


def _stairs(random: Random, period: float) -> lrd.Schedule:
    rate, factor = some_rate(random), random.choice([0.1, 0.5, 0.97, 1.0 - spread(random, 1e-9, 1e-2)])
    return random.choice(
        [
            lrd.StepDecay(rate, factor, period),
            lrd.InverseTimeDecay(rate, spread(random, 1e-6, 1.0), decay_steps=period, staircase=True),
            lrd.Tabulated(
                [some_rate(random) for _ in range(random.randint(2, 40))],
                every=period,
                interpolation=random.choice(["previous", "linear"]),
            ),
        ]
    )


def _cycles(random: Random, period: float) -> lrd.Schedule:
    rate = some_rate(random)
    end = random.choice([0.0, rate * random.random()])
    mode = random.choice(["triangular", "triangular2", "exp_range"])
    gamma = 1.0 - spread(random, 1e-10, 1e-3) if mode == "exp_range" else 1.0
    factor = random.choice([1.0, 1.0 - spread(random, 1e-9, 0.5)])
    return random.choice(
        [
            lambda: lrd.LinearDecay(rate, period, end_learning_rate=end).restarted(period, factor),
            lambda: lrd.CosineDecay(rate, period, exponent=random.choice([1.0, 0.3, 2.0])).restarted(period),
            lambda: lrd.CosineRestarts(rate, period, t_mul=1.0, m_mul=factor, end_learning_rate=end),
            lambda: lrd.CosineRestarts(rate, period, t_mul=random.choice([1.5, 2.0, 3.0])),
            lambda: lrd.Cyclic(end, end + rate, period / 2, mode=mode, gamma=gamma),
            lambda: lrd.Cyclic(end, end + rate, period / 3, step_size_down=period / 1.5),
            lambda: lrd.CosineAnnealing(rate, period / 2, end_learning_rate=end),
            lambda: lrd.PolynomialDecay(rate, period, power=random.choice([0.5, 1.0, 1.7]), cycle=True),
        ]
    )()


def _epochs(random: Random, period: float) -> lrd.Schedule:
    staircase = random.choice([True, False])
    return random.choice([_stairs, _cycles])(random, random.choice([1, 2, 7, 2.5])).per_epoch(
        period, staircase=staircase
    )


def drawn(random: Random) -> Drawn:
    """A schedule that Keras doesn't have."""
    while True:
        period = some_period(random)
        kind = random.choice([_stairs, _cycles, _epochs, lambda r, _: some_schedule(r)])
        schedule = kind(random, period)
        countable = period >= 1.0 and kind in (_stairs, _cycles, _epochs)
        begin, length = Fraction(0), Fraction(period)
        for _ in range(random.randint(1, 2)):
            shift = random.choice([random.randint(1, 1000), random.uniform(0.0, 1000.0), 2**31 - 5000])
            stretch = random.choice([(3, 2), (1.7, 0.3), (110, 7)])
            name = random.choice(["warmup", "shifted", "stretched", "scaled", "clipped", "added", "times"])
            match name:
                case "warmup":
                    schedule, begin = schedule.warmup(min(shift, 10**5)), begin + Fraction(min(shift, 10**5))
                case "shifted":
                    sign = random.choice([1, -1])
                    schedule, begin = schedule.shifted(sign * shift), begin + sign * Fraction(shift)
                case "stretched":
                    to, of = map(Fraction, stretch)
                    schedule = schedule.stretched(to=stretch[0], of=stretch[1])
                    begin, length = begin * to / of, length * to / of
                case "scaled":
                    schedule = schedule.scaled(random.choice([0.5, 0.3]))
                case "clipped":
                    highest = schedule(0) * spread(random, 1e-3, 1.0) + 1e-9
                    schedule = schedule.clipped(lowest=1e-9, highest=highest)
                case "added":
                    schedule = schedule + lrd.StepDecay(some_rate(random), 0.5, some_period(random))
                case "times":
                    schedule = schedule * lrd.LinearDecay(1.0, 10**9, end_learning_rate=0.5)
        if "KDecay" not in repr(schedule):
            # Its powers are rounded before anything is whole.
            return Drawn(schedule, length, begin, countable)


def steps_for(one: Drawn, random: Random, stop: int) -> npt.NDArray[np.int64]:
    """Steps around multiples of the period, around 2**24, and anywhere below an end."""
    stop = stop if one.countable else min(stop, 2**40)
    steps = [
        random.randrange(stop),
        random.randrange(2**31),
        2**24 + random.randint(-3, 3),
        random.randint(0, 9),
    ]
    while len(steps) < STEPS:
        number = random.choice(
            [
                random.randint(0, 9),
                random.randint(0, 1000),
                int(spread(random, 1.0, float(stop)) / one.period),
            ]
        )
        near = one.begin + number * one.period
        steps.append(int(near) + random.choice([-1, 0, 0, 1]))
    return np.array([min(max(step, 0), stop - 1) for step in steps], np.int64)


class Miss(NamedTuple):
    """How far a rate is from the true one, in units of what is allowed."""

    far: float
    schedule: lrd.Schedule
    step: int
    rate: float
    true: float


def worst_miss(one: Drawn, steps: npt.NDArray[np.int64], rates: npt.NDArray[np.float32]) -> Miss:
    """The rate that is furthest from the true one."""
    true = np.asarray(one.schedule(steps))
    far = _far(rates, true)
    k = int(np.argmax(far))
    if far[k] > 1.0:
        # The native rates have a bound of their own where they are many cycles away.
        true[k] = float(true_rate(one.schedule, mp.mpf(int(steps[k]))))
        far = _far(rates, true)
    return Miss(float(far[k]), one.schedule, int(steps[k]), float(rates[k]), float(true[k]))


def _far(rates: npt.NDArray[np.float32], true: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    lowest, highest = NORMAL
    held = (true >= lowest) & (true < highest)
    spacing = np.spacing(np.where(held, true, 1.0).astype(np.float32)).astype(np.float64)
    allowed = SPACINGS * spacing + OF_THE_HIGHEST * true.max()
    far: npt.NDArray[np.float64] = np.where(held, np.abs(rates.astype(np.float64) - true) / allowed, 0.0)
    # Smaller rates may be 0.
    far[(true < lowest) & (rates > 2.0 * lowest)] = np.inf
    far[np.isnan(rates)] = np.inf
    return far


Compiled = Callable[[Sequence[Any]], Callable[[npt.NDArray[np.int64]], Any]]
"""Makes one compiled function of learning rates: of a row of steps for each, a row of rates for each."""


def misses(
    rate_of: Callable[[Any], Any], compiled: Compiled, random: Random, count: int, stop: int
) -> list[Miss]:
    """The worst miss of each of so many drawn schedules."""
    several = [drawn(random) for _ in range(count)]
    steps = np.array([steps_for(one, random, stop) for one in several])
    rates = np.asarray(compiled([rate_of(one.schedule) for one in several])(steps))
    with warnings.catch_warnings():
        # Rates that float32 doesn't hold.
        warnings.simplefilter("ignore", RuntimeWarning)
        return [worst_miss(*case) for case in zip(several, steps, rates, strict=True)]
