"""The truth in mpmath, with 300 bits, and random parameters: what the tests hold the library to.

A new formula with its schedule class needs an entry in `SINGLE_FORMULAS`, a new time map one in `TIME_MAPS`, another
schedule class one in `SCHEDULES`; a test fails while one is missing.  What the tests need an example of they find in
these entries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from math import log10
from random import Random
from typing import Any

import mpmath
import numpy as np

import lrdecay_native as lrd

mp = mpmath.mp.clone()
mp.prec = 300

Real = Any
"""An mpmath number."""


def real(number: int | float | np.generic) -> Real:
    """The number itself, without rounding."""
    if isinstance(number, np.longdouble):
        numerator, denominator = number.as_integer_ratio()
        return mp.mpf(numerator) / denominator
    return mp.mpf(number.item() if isinstance(number, np.generic) else number)


def ulps(value: float | np.floating[Any], truth: Real, dtype: Any) -> float:
    """The distance of a value from the truth, in spacings of the dtype at the truth."""
    return float(abs(real(value) - truth) / spacing(truth, dtype))


def spacing(truth: Real, dtype: Any) -> Real:
    """The distance between neighbours of a dtype around a true value."""
    limits = np.finfo(dtype)
    _, exponent = mp.frexp(truth)
    return mp.ldexp(1, max(int(exponent) - 1, int(limits.minexp)) - limits.nmant)


LEAST_ACCURATE = {"float64": 1e-285, "float32": 1e-28}
"""Above these values the documented bounds hold."""


def bound(truth: Real, dtype: Any, documented: float, relative_loss: Real, initial: float) -> float:
    """How many ulps a value may be from the truth."""
    if truth >= LEAST_ACCURATE[np.dtype(dtype).name]:
        return documented + float(relative_loss * truth / spacing(truth, dtype))
    # Here the decay itself, before the initial rate multiplies it, may be a denormal number.
    return 1.0 + float(mp.ldexp(initial, -1073) / spacing(truth, dtype))


# Time maps: the step t to the variable x of a formula.


def continuous(t: Real, period: float) -> Real:
    return t / period


def staircase(t: Real, period: float) -> Real:
    return mp.floor(t / period)


def clamped(t: Real, period: float) -> Real:
    return t / period if t < period else mp.one


def cyclic(t: Real, period: float) -> Real:
    return t / (period * max(mp.ceil(t / period), 1))


TIME_MAPS: dict[str, Callable[[Real, float], Real]] = {
    "continuous": continuous,
    "staircase": staircase,
    "clamped": clamped,
    "cyclic": cyclic,
}


# Formulas of x.


def drop(x: Real, initial: float, rate: float) -> Real:
    return initial * mp.exp(x * mp.log(rate))


def natural(x: Real, initial: float, rate: float) -> Real:
    return initial * mp.exp(-x * rate)


def inverse(x: Real, initial: float, rate: float) -> Real:
    return initial / (1 + x * rate)


def polynomial(x: Real, initial: float, power: float, end: float) -> Real:
    shape = mp.exp(power * mp.log(1 - x)) if x < 1 else mp.mpf(power == 0)
    return (mp.mpf(initial) - end) * shape + end


def line(x: Real, initial: float, end: float) -> Real:
    return initial + (mp.mpf(end) - initial) * x


def between(falling: Real, initial: float, end: float) -> Real:
    """From one rate to another, by what falls from 1 to 0."""
    return falling * initial + (1 - falling) * end


def half_wave(x: Real) -> Real:
    return (1 + mp.cospi(x)) / 2


def to_power(base: Real, power: float) -> Real:
    return mp.exp(power * mp.log(base)) if base > 0 else mp.mpf(power == 0)


def inverse_root(x: Real, initial: float) -> Real:
    return mp.sqrt(mp.mpf(initial) ** 2 / (1 + x))


def power_law(x: Real, initial: float, power: float) -> Real:
    return initial * mp.exp(-power * mp.log1p(x))


def hyperbolic(x: Real, initial: float, lower: float, upper: float, end: float) -> Real:
    y = mp.mpf(lower) + (mp.mpf(upper) - lower) * x
    return end + (mp.mpf(initial) - end) * mp.exp(-y) / (2 * mp.cosh(y))


def reflected(x: Real, initial: float, end: float) -> Real:
    return between(1 - x / (2 - x), initial, end)


def falling_root(x: Real, initial: float, end: float) -> Real:
    return between(1 - mp.sqrt(x), initial, end)


def line_times_waves(x: Real, initial: float, periods: float, alpha: float, beta: float) -> Real:
    return initial * ((mp.mpf(alpha) + 1 - x) * mp.cospi(periods * x) ** 2 + beta)


# Random parameters, log-uniform over many decades.


def spread(random: Random, low: float, high: float) -> float:
    """A number from a log-uniform distribution."""
    return float(10.0 ** random.uniform(log10(low), log10(high)))


def some_rate(random: Random) -> float:
    return spread(random, *random.choice([(1e-6, 1.0), (1e-20, 1e20)]))


def some_drop(random: Random) -> float:
    return random.choice([1.0 - spread(random, 1e-12, 0.99), spread(random, 1e-30, 1.0), 1.0])


def some_decay(random: Random) -> float:
    return random.choice([spread(random, 1e-18, 1e2), spread(random, 1e-30, 1e30), 0.0])


def some_period(random: Random) -> float:
    """Whole and fractional numbers of steps."""
    period = spread(random, *random.choice([(1.0, 1e6), (1e-3, 1e15)]))
    return random.choice([period, float(round(period) or 1)])


def some_power(random: Random) -> float:
    return random.choice([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, *[spread(random, 1e-6, 1e6) for _ in range(3)]])


def some_end(random: Random, initial: float) -> float:
    """No end rate, one below the initial rate, or one above it."""
    return random.choice([0.0, initial * spread(random, 1e-6, 1.0), initial * spread(random, 1.0, 1e3)])


def some_flag(random: Random) -> bool:
    return random.choice([False, True])


def no_loss(*_: Any, **__: Any) -> Real:
    return 0


def lost_near_the_end(x: Real, power: float) -> Real:
    """The relative error of ``(1 - x) ** power`` where ``x`` is known to 2**-102."""
    return mp.ldexp(power, -102) / (1 - x) if x < 1 else 0


@dataclass(frozen=True)
class Kernel:
    """What is known about a kernel function of the package; ``example`` are arguments for it.

    ``true(t, **arguments)`` is its value, ``arguments(random)`` gives arguments for it, ``scale(**arguments)`` is
    a number of steps after which the value has changed: where there is something to see.  ``loss(t,
    **arguments)`` is the relative error that even 106 bits make, where that is more than next to nothing.
    """

    true: Callable[..., Real]
    arguments: Callable[[Random], dict[str, float]]
    scale: Callable[..., float]
    loss: Callable[..., Real] = no_loss
    example: dict[str, float] = field(kw_only=True)


def _step_arguments(random: Random) -> dict[str, float]:
    return {
        "initial_learning_rate": some_rate(random),
        "drop_rate": some_drop(random),
        "step_size": some_period(random),
    }


def _rate_arguments(random: Random) -> dict[str, float]:
    return {"initial_learning_rate": some_rate(random), "decay_rate": some_decay(random)}


def _polynomial_arguments(random: Random) -> dict[str, float]:
    initial = some_rate(random)
    return {
        "initial_learning_rate": initial,
        "max_step": some_period(random),
        "power": some_power(random),
        "end_learning_rate": some_end(random, initial),
    }


def _to_end_arguments(random: Random) -> dict[str, float]:
    initial = some_rate(random)
    return {
        "initial_learning_rate": initial,
        "decay_steps": some_period(random),
        "end_learning_rate": some_end(random, initial),
    }


def _constant_arguments(random: Random) -> dict[str, float]:
    return {"learning_rate": random.choice([0.0, some_rate(random)])}


def _line_arguments(random: Random) -> dict[str, float]:
    arguments = _to_end_arguments(random)
    return random.choice([arguments, {**arguments, "initial_learning_rate": 0.0, "end_learning_rate": 0.1}])


def _cosine_arguments(random: Random) -> dict[str, float]:
    return {**_to_end_arguments(random), "exponent": random.choice([1.0, 1.0, some_power(random)])}


def _root_arguments(random: Random) -> dict[str, float]:
    return {"initial_learning_rate": some_rate(random), "decay_steps": some_period(random)}


def _power_law_arguments(random: Random) -> dict[str, float]:
    return {
        "initial_learning_rate": some_rate(random),
        "power": some_power(random),
        "decay_steps": some_period(random),
    }


def _tanh_arguments(random: Random) -> dict[str, float]:
    lower, upper = random.choice(
        [(-7.0, 3.0), (random.uniform(-10, 10), random.uniform(-10, 10)), (-200.0, 150.0)]
    )
    arguments = _to_end_arguments(random)
    end = arguments.pop("end_learning_rate")
    return {**arguments, "lower": lower, "upper": upper, "end_learning_rate": end}


def _linear_cosine_arguments(random: Random) -> dict[str, float]:
    beta = random.choice([0.0, 0.001, spread(random, 1e-6, 1e3)])
    return {
        "initial_learning_rate": some_rate(random),
        # Where the rate vanishes at a step within, 106 bits leave a rest.
        "decay_steps": some_period(random) if beta else spread(random, 1.0, 1e6),
        "num_periods": random.choice([0.5, 0.0, 3.0, random.uniform(0.1, 20.0)]),
        "alpha": random.choice([0.0, spread(random, 1e-6, 1e3)]),
        "beta": beta,
    }


def _length(rate: float, period: float = 1.0) -> float:
    return period / rate if rate else period


KERNELS: dict[str, Kernel] = {
    "step_decay": Kernel(
        lambda t, initial_learning_rate, drop_rate, step_size: drop(
            continuous(t, step_size), initial_learning_rate, drop_rate
        ),
        _step_arguments,
        lambda initial_learning_rate, drop_rate, step_size: step_size,
        example={"initial_learning_rate": 0.1, "drop_rate": 0.96, "step_size": 7.5},
    ),
    "exponential_decay": Kernel(
        lambda t, initial_learning_rate, decay_rate: natural(t, initial_learning_rate, decay_rate),
        _rate_arguments,
        lambda initial_learning_rate, decay_rate: _length(decay_rate),
        example={"initial_learning_rate": 0.1, "decay_rate": 0.03},
    ),
    "inverse_time_decay": Kernel(
        lambda t, initial_learning_rate, decay_rate: inverse(t, initial_learning_rate, decay_rate),
        _rate_arguments,
        lambda initial_learning_rate, decay_rate: _length(decay_rate),
        example={"initial_learning_rate": 0.1, "decay_rate": 0.3},
    ),
    "polynomial_decay": Kernel(
        lambda t, initial_learning_rate, max_step, power, end_learning_rate: polynomial(
            clamped(t, max_step), initial_learning_rate, power, end_learning_rate
        ),
        _polynomial_arguments,
        lambda initial_learning_rate, max_step, power, end_learning_rate: max_step,
        lambda t, initial_learning_rate, max_step, power, end_learning_rate: lost_near_the_end(
            clamped(t, max_step), power
        ),
        example={
            "initial_learning_rate": 0.1,
            "max_step": 90.0,
            "power": 1.5,
            "end_learning_rate": 0.01,
        },
    ),
}


@dataclass(frozen=True)
class Schedule:
    """What is known about a schedule class: as `Kernel`, of an instance.

    ``example`` is an instance whose first rates differ (but that of `Constant`).
    """

    true: Callable[[Any, Real], Real]
    make: Callable[[Random], Any]
    scale: Callable[[Any], float]
    loss: Callable[[Any, Real], Real] = no_loss
    example: Any = field(kw_only=True)


def between_its_rates(schedule: Any) -> tuple[Real, Real]:
    """The initial rate and the end rate in ascending order."""
    ends = mp.mpf(schedule.initial_learning_rate), mp.mpf(getattr(schedule, "end_learning_rate", 0.0))
    return min(ends), max(ends)


@dataclass(frozen=True)
class SingleFormula:
    """What is known about a formula, its kernel and its schedule class, which have the same arguments.

    Attributes
    ----------
    true : callable
        ``true(x, *arguments)``, the arguments without the period.
    arguments : callable
        ``arguments(random)``: random arguments by name, in order.
    example : schedule
        As in `Schedule`.
    stored : str
        The JSON of the example: what is stored today must be read tomorrow.
    time_map : callable
        One of the time maps.
    period : str
        The argument that is the period of the time map; it needn't be one.
    bounds : callable
        ``bounds(schedule)``: two rates between which all others are.
    monotone : bool
        Whether the rate only falls or only rises.
    """

    true: Callable[..., Real]
    arguments: Callable[[Random], dict[str, float]]
    example: Any
    stored: str
    time_map: Callable[[Real, float], Real] = clamped
    period: str = "decay_steps"
    bounds: Callable[[Any], tuple[Real, Real]] = between_its_rates
    monotone: bool = True

    def kernel(self) -> Kernel:
        """What is known about the kernel."""
        return Kernel(
            self._true_at,
            self.arguments,
            lambda **arguments: arguments.get(self.period, 1000.0),
            self._lost,
            example=self._arguments_of(self.example),
        )

    def schedule(self) -> Schedule:
        """What is known about the schedule class."""
        cls = type(self.example)
        return Schedule(
            lambda s, t: self._true_at(t, **self._arguments_of(s)),
            lambda random: cls(**self.arguments(random)),
            lambda s: self._arguments_of(s).get(self.period, 1000.0),
            lambda s, t: self._lost(t, **self._arguments_of(s)),
            example=self.example,
        )

    @staticmethod
    def _arguments_of(schedule: Any) -> dict[str, float]:
        return {argument.name: getattr(schedule, argument.name) for argument in fields(schedule)}

    def _true_at(self, t: Real, **arguments: float) -> Real:
        period = arguments.pop(self.period, 1.0)
        return self.true(self.time_map(t, period), *arguments.values())

    def _lost(self, t: Real, **arguments: float) -> Real:
        """The relative error where ``x`` is known to 2**-102; where it is clamped, it is known."""
        period = arguments.pop(self.period, 1.0)
        x = self.time_map(t, period)
        truth = self.true(x, *arguments.values())
        if truth == 0 or (self.time_map is clamped and x == 1):
            return 0
        moved = [self.true(x * (1 + mp.ldexp(sign, -102)), *arguments.values()) for sign in (-1, 1)]
        return max(abs(value - truth) for value in moved) / abs(truth)


SINGLE_FORMULAS: dict[str, SingleFormula] = {
    "constant": SingleFormula(
        lambda x, rate: mp.mpf(rate),
        _constant_arguments,
        lrd.Constant(0.1),
        '{"version": 1, "class": "Constant", "learning_rate": 0.1}',
        bounds=lambda s: (s.learning_rate, s.learning_rate),
    ),
    "linear_decay": SingleFormula(
        line,
        _line_arguments,
        lrd.LinearDecay(0.1, 90, end_learning_rate=0.02),
        '{"version": 1, "class": "LinearDecay", "initial_learning_rate": 0.1, "decay_steps": 90, '
        '"end_learning_rate": 0.02}',
    ),
    "cosine_decay": SingleFormula(
        lambda x, initial, end, exponent: between(to_power(half_wave(x), exponent), initial, end),
        _cosine_arguments,
        lrd.CosineDecay(0.1, 90, end_learning_rate=0.02, exponent=1.5),
        '{"version": 1, "class": "CosineDecay", "initial_learning_rate": 0.1, "decay_steps": 90, '
        '"end_learning_rate": 0.02, "exponent": 1.5}',
    ),
    "inverse_square_root_decay": SingleFormula(
        inverse_root,
        _root_arguments,
        lrd.InverseSquareRootDecay(0.1, 90),
        '{"version": 1, "class": "InverseSquareRootDecay", "initial_learning_rate": 0.1, "decay_steps": 90}',
        continuous,
    ),
    "power_law_decay": SingleFormula(
        power_law,
        _power_law_arguments,
        lrd.PowerLawDecay(0.1, 0.75, decay_steps=2.5),
        '{"version": 1, "class": "PowerLawDecay", "initial_learning_rate": 0.1, "power": 0.75, "decay_steps": 2.5}',
        continuous,
    ),
    "tanh_decay": SingleFormula(
        hyperbolic,
        _tanh_arguments,
        lrd.TanhDecay(0.1, 90, lower=-6.0, upper=3.5),
        '{"version": 1, "class": "TanhDecay", "initial_learning_rate": 0.1, "decay_steps": 90, "lower": -6.0, '
        '"upper": 3.5, "end_learning_rate": 0.0}',
    ),
    "rex_decay": SingleFormula(
        reflected,
        _to_end_arguments,
        lrd.RexDecay(0.1, 90, end_learning_rate=0.01),
        '{"version": 1, "class": "RexDecay", "initial_learning_rate": 0.1, "decay_steps": 90, '
        '"end_learning_rate": 0.01}',
    ),
    "one_minus_square_root_decay": SingleFormula(
        falling_root,
        _to_end_arguments,
        lrd.OneMinusSquareRootDecay(0.1, 90, end_learning_rate=0.01),
        '{"version": 1, "class": "OneMinusSquareRootDecay", "initial_learning_rate": 0.1, "decay_steps": 90, '
        '"end_learning_rate": 0.01}',
    ),
    "linear_cosine_decay": SingleFormula(
        line_times_waves,
        _linear_cosine_arguments,
        lrd.LinearCosineDecay(0.1, 90, num_periods=1.5, alpha=0.25),
        '{"version": 1, "class": "LinearCosineDecay", "initial_learning_rate": 0.1, "decay_steps": 90, '
        '"num_periods": 1.5, "alpha": 0.25, "beta": 0.001}',
        # The highest one is rounded.
        bounds=lambda s: (
            mp.zero,
            s.initial_learning_rate * (s.alpha + 1 + mp.mpf(s.beta)) * (1 + mp.ldexp(1, -52)),
        ),
        monotone=False,
    ),
}
"""Every formula whose schedule class has no arguments but those of the kernel."""

KERNELS |= {name: entry.kernel() for name, entry in SINGLE_FORMULAS.items()}


def _floor_if(staircase_wanted: bool) -> Callable[[Real, float], Real]:
    return staircase if staircase_wanted else continuous


def _some_rate_decay(cls: type[Any]) -> Callable[[Random], Any]:
    return lambda random: cls(
        **_rate_arguments(random), decay_steps=some_period(random), staircase=some_flag(random)
    )


def some_schedule(random: Random) -> Any:
    """Any schedule, perhaps a composition of others."""
    return SCHEDULES[random.choice(list(SCHEDULES))].make(random)


def _some_per_epoch(random: Random) -> Any:
    return some_schedule(random).per_epoch(some_period(random), staircase=some_flag(random))


def some_duration(random: Random) -> float:
    return random.choice([0, some_period(random)])


def _some_warmup(random: Random) -> Any:
    schedule = some_schedule(random)
    start = random.choice([0.0, schedule(0) * spread(random, 1e-9, 10.0) + 1e-100])
    return schedule.warmup(some_duration(random), start=start)


def _some_clipped(random: Random) -> Any:
    schedule = some_schedule(random)
    lowest, highest = sorted(schedule(0) * spread(random, 1e-6, 2.0) + 1e-100 for _ in range(2))
    return random.choice(
        [schedule.clipped(lowest, highest), schedule.clipped(lowest), schedule.clipped(highest=highest)]
    )


def _some_scaled(random: Random) -> Any:
    return some_schedule(random).scaled(spread(random, 1e-3, 1e3))


def _true_warmup(s: Any, t: Real) -> Real:
    if t < s.steps:
        return s.start + (true_rate(s.schedule, mp.zero) - s.start) * t / s.steps
    return true_rate(s.schedule, t - s.steps)


def _true_joined(s: Any, t: Real) -> Real:
    return true_rate(s.schedule, t) if t < s.at else true_rate(s.other, t - s.at)


def _true_clipped(s: Any, t: Real) -> Real:
    rate = true_rate(s.schedule, t)
    if s.lowest is not None:
        rate = max(rate, mp.mpf(s.lowest))
    return rate if s.highest is None else min(rate, mp.mpf(s.highest))


def _epoch_loss(s: Any, t: Real) -> Real:
    """Of a fraction of an epoch 106 bits are known: a schedule may react to the rest."""
    epoch = _floor_if(s.staircase)(t, s.steps_per_epoch)
    known = 2 * loss(s.schedule, epoch)
    truth = true_rate(s.schedule, epoch)
    if s.staircase or truth == 0:
        return known
    changes = [
        abs(true_rate(s.schedule, epoch * (1 + mp.ldexp(sign, -102))) - truth) / truth for sign in (-1, 1)
    ]
    # At the end of a cycle only one of them stays within it.
    return known + min(changes)


SCHEDULES: dict[str, Schedule] = {
    "StepDecay": Schedule(
        lambda s, t: drop(_floor_if(s.staircase)(t, s.step_size), s.initial_learning_rate, s.drop_rate),
        lambda random: lrd.StepDecay(**_step_arguments(random), staircase=some_flag(random)),
        lambda s: s.step_size,
        example=lrd.StepDecay(0.1, 0.5, 1),
    ),
    "ExponentialDecay": Schedule(
        lambda s, t: natural(_floor_if(s.staircase)(t, s.decay_steps), s.initial_learning_rate, s.decay_rate),
        _some_rate_decay(lrd.ExponentialDecay),
        lambda s: _length(s.decay_rate, s.decay_steps),
        example=lrd.ExponentialDecay(0.1, 0.5),
    ),
    "InverseTimeDecay": Schedule(
        lambda s, t: inverse(_floor_if(s.staircase)(t, s.decay_steps), s.initial_learning_rate, s.decay_rate),
        _some_rate_decay(lrd.InverseTimeDecay),
        lambda s: _length(s.decay_rate, s.decay_steps),
        example=lrd.InverseTimeDecay(0.1, 0.5),
    ),
    "PolynomialDecay": Schedule(
        lambda s, t: polynomial(
            (cyclic if s.cycle else clamped)(t, s.max_step),
            s.initial_learning_rate,
            s.power,
            s.end_learning_rate,
        ),
        lambda random: lrd.PolynomialDecay(**_polynomial_arguments(random), cycle=some_flag(random)),
        lambda s: s.max_step,
        lambda s, t: lost_near_the_end((cyclic if s.cycle else clamped)(t, s.max_step), s.power),
        example=lrd.PolynomialDecay(0.1, 10, power=2.0),
    ),
    "PerEpoch": Schedule(
        lambda s, t: true_rate(s.schedule, _floor_if(s.staircase)(t, s.steps_per_epoch)),
        _some_per_epoch,
        lambda s: s.steps_per_epoch * scale(s.schedule),
        _epoch_loss,
        example=lrd.StepDecay(0.1, 0.5, 1).per_epoch(1),
    ),
    "Warmup": Schedule(
        _true_warmup,
        _some_warmup,
        lambda s: s.steps + scale(s.schedule),
        lambda s, t: loss(s.schedule, t - s.steps) if t >= s.steps else 0,
        example=lrd.StepDecay(0.1, 0.5, 1).warmup(4, start=0.01),
    ),
    "Joined": Schedule(
        _true_joined,
        lambda random: some_schedule(random).then(some_schedule(random), at=some_duration(random)),
        lambda s: s.at + scale(s.other),
        lambda s, t: loss(s.schedule, t) if t < s.at else loss(s.other, t - s.at),
        example=lrd.ExponentialDecay(0.1, 0.5).then(lrd.StepDecay(0.2, 0.5, 1), at=5),
    ),
    "Scaled": Schedule(
        lambda s, t: s.factor * true_rate(s.schedule, t),
        _some_scaled,
        lambda s: scale(s.schedule),
        lambda s, t: loss(s.schedule, t),
        example=lrd.InverseTimeDecay(0.1, 0.5).scaled(3),
    ),
    "Clipped": Schedule(
        _true_clipped,
        _some_clipped,
        lambda s: scale(s.schedule),
        lambda s, t: loss(s.schedule, t),
        example=lrd.PolynomialDecay(0.1, 10).clipped(0.02, 0.095).warmup(3).clipped(highest=0.0899),
    ),
}

SINGLE_FORMULA_OF: dict[str, SingleFormula] = {
    type(entry.example).__name__: entry for entry in SINGLE_FORMULAS.values()
}
"""The same by the name of the schedule class."""

SCHEDULES |= {name: entry.schedule() for name, entry in SINGLE_FORMULA_OF.items()}


def true_rate(schedule: Any, t: Real) -> Real:
    """The rate of a schedule at step ``t``."""
    return SCHEDULES[type(schedule).__name__].true(schedule, t)


def scale(schedule: Any) -> float:
    """A number of steps after which the rate has changed."""
    return SCHEDULES[type(schedule).__name__].scale(schedule)


def loss(schedule: Any, t: Real) -> Real:
    """The relative error that even 106 bits make in that rate."""
    return SCHEDULES[type(schedule).__name__].loss(schedule, t)


LAST_STEP = 2**63 - 1
EDGES = (0, 1, 2**24 + 1, 2**53 + 1, LAST_STEP)


def some_steps(random: Random, scale: float) -> list[int]:
    """Steps at the edges of number types, around a scale and past it, and anywhere."""
    near = min(int(scale), LAST_STEP)
    around = [near - 1, near, near + 1, 2 * near + 1]
    scattered = [scale * spread(random, 1e-3, 1e3) for _ in range(6)]
    anywhere = [spread(random, 1.0, 2.0**63) for _ in range(2)]
    steps = [*EDGES, *around, *(int(min(step, 2.0**62)) for step in (*scattered, *anywhere))]
    return [min(max(step, 0), LAST_STEP) for step in steps]
