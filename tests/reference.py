"""The truth in mpmath, with 300 bits, and random parameters: what the tests hold the library to.

A new formula with its schedule class needs an entry in `SINGLE_FORMULAS`, a new time map one in `TIME_MAPS`, another
schedule class one in `SCHEDULES`; a test fails while one is missing.  What the tests need an example of they find in
these entries.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from math import log10
from random import Random
from typing import Any

import mpmath
import numpy as np

import lrdecay_native as lrd
from lrdecay_native.schedules import registry

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


def _some_rate_decay(cls: type[Any], unit: str) -> Callable[[Random], Any]:
    return lambda random: cls(
        **_rate_arguments(random), **{unit: some_period(random)}, staircase=some_flag(random)
    )


def some_schedule(random: Random) -> Any:
    """Any schedule, perhaps a composition of others."""
    return SCHEDULES[random.choice(list(SCHEDULES))].make(random)


def _some_per_epoch(random: Random) -> Any:
    return some_schedule(random).per_epoch(some_period(random), staircase=some_flag(random))


def some_phase(random: Random) -> float:
    """The steps of a phase: one at least."""
    return max(some_period(random), 1.0)


def some_duration(random: Random) -> float:
    """Perhaps none."""
    return random.choice([0, some_phase(random)])


def _some_warmup(random: Random) -> Any:
    schedule = some_schedule(random)
    start = random.choice([0.0, schedule(0) * spread(random, 1e-9, 10.0) + 1e-100])
    shape = some_shape(random) if start > 0.0 and schedule(0) > 0.0 else "cosine"
    return schedule.warmup(some_duration(random), start=start, shape=random.choice(["linear", shape]))


def _some_clipped(random: Random) -> Any:
    schedule = some_schedule(random)
    lowest, highest = sorted(schedule(0) * spread(random, 1e-6, 2.0) + 1e-100 for _ in range(2))
    return random.choice(
        [schedule.clipped(lowest, highest), schedule.clipped(lowest), schedule.clipped(highest=highest)]
    )


def _some_scaled(random: Random) -> Any:
    while True:
        # Rates may be so small already that their product with the factor is refused.
        with suppress(ValueError):
            return some_schedule(random).scaled(spread(random, 1e-3, 1e3))


def _true_warmup(s: Any, t: Real) -> Real:
    if t < s.steps:
        return transition(s.shape, t / s.steps, mp.mpf(s.start), true_rate(s.schedule, mp.zero))
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
        lambda s, t: natural(_floor_if(s.staircase)(t, s.step_size), s.initial_learning_rate, s.decay_rate),
        _some_rate_decay(lrd.ExponentialDecay, "step_size"),
        lambda s: _length(s.decay_rate, s.step_size),
        example=lrd.ExponentialDecay(0.1, 0.5),
    ),
    "InverseTimeDecay": Schedule(
        lambda s, t: inverse(_floor_if(s.staircase)(t, s.decay_steps), s.initial_learning_rate, s.decay_rate),
        _some_rate_decay(lrd.InverseTimeDecay, "decay_steps"),
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

# Rows of phases, cycles and compositions.


def transition(shape: str, x: Real, start: Real, rate: Real) -> Real:
    """From a start at 0 to a rate at 1."""
    match shape:
        case "linear":
            return start + (rate - start) * x
        case "cosine":
            return start + (rate - start) * (1 - mp.cos(mp.pi * x)) / 2
        case "1-sqrt":
            if rate > start:
                return start + (rate - start) * (1 - mp.sqrt(1 - x))
            return start + (rate - start) * mp.sqrt(x)
        case "exponential":
            return start * mp.exp(x * mp.log(mp.mpf(rate) / start))
    return mp.mpf(start)


def _phase(t: Real, phases: list[tuple[str, Any, Any, Any]], last: Real) -> Real:
    """The rate in a row of phases (shape, steps, start, rate)."""
    for shape, steps, start, rate in phases:
        if t < steps:
            return transition(shape, t / steps, mp.mpf(start), mp.mpf(rate))
        t = t - steps
    return mp.mpf(last)


def _true_multi_step(s: Any, t: Real) -> Real:
    return s.initial_learning_rate * mp.mpf(s.drop_rate) ** sum(boundary <= t for boundary in s.boundaries)


def _true_piecewise_constant(s: Any, t: Real) -> Real:
    return mp.mpf(s.learning_rates[sum(boundary <= t for boundary in s.boundaries)])


def _true_interpolation(s: Any, t: Real) -> Real:
    spans = zip(itertools.pairwise(s.boundaries), itertools.pairwise(s.learning_rates), strict=True)
    for (begin, end), (start, rate) in spans:
        if begin <= t < end:
            return transition(s.shape, (t - begin) / (mp.mpf(end) - begin), mp.mpf(start), mp.mpf(rate))
    return mp.mpf(s.learning_rates[0 if t < s.boundaries[0] else -1])


def _true_warmup_stable_decay(s: Any, t: Real) -> Real:
    rate, end = s.learning_rate, s.end_learning_rate
    phases = [
        (s.warmup_shape, s.warmup_steps, s.initial_learning_rate, rate),
        ("constant", s.stable_steps, rate, rate),
        (s.decay_shape, s.decay_steps, rate, end),
    ]
    return _phase(t, phases, end)


def _true_noam(s: Any, t: Real) -> Real:
    if t == 0:
        return mp.zero
    return s.factor / mp.sqrt(s.model_size) * min(1 / mp.sqrt(t), t * mp.mpf(s.warmup_steps) ** -1.5)


def _true_one_cycle(s: Any, t: Real) -> Real:
    shape = {"cos": "cosine", "linear": "linear"}[s.anneal_strategy]
    peak = mp.mpf(s.max_learning_rate)
    start = peak / s.div_factor
    end = start / s.final_div_factor
    part = mp.mpf(s.pct_start * s.total_steps)
    rise = part - 1 if s.end_at_last_step else mp.floor(part)
    last = s.total_steps - s.end_at_last_step
    if t < rise:
        return transition(shape, t / rise, start, peak)
    falls = [(shape, rise, peak, start)] if s.three_phase else []
    before = peak if not falls else start
    return _phase(t - rise, [*falls, (shape, last - rise - sum(f[1] for f in falls), before, end)], end)


def _true_annealing(s: Any, t: Real) -> Real:
    wave = (1 + mp.cos(mp.pi * t / s.half_period)) / 2
    return s.end_learning_rate + (mp.mpf(s.initial_learning_rate) - s.end_learning_rate) * wave


def _cycle_of(s: Any, t: Real) -> tuple[int, Real]:
    """The number of the cycle of warm restarts that a step is in, and which part of it is over."""
    length = mp.mpf(s.first_decay_steps)
    if s.t_mul == 1.0:
        number = int(mp.floor(t / length))
        return number, t / length - number
    number = 0
    while t >= length:
        t, length, number = t - length, length * s.t_mul, number + 1
    return number, t / length


def _true_restarts(s: Any, t: Real) -> Real:
    number, x = _cycle_of(s, t)
    end = mp.mpf(s.end_learning_rate)
    if s.cycle_limit is not None and number >= s.cycle_limit:
        return end
    amplitude = (s.initial_learning_rate * mp.mpf(s.peak_mul) ** number - end) * mp.mpf(s.m_mul) ** number
    return end + amplitude * (1 + mp.cos(mp.pi * x)) / 2


def _true_cyclic_wave(s: Any, t: Real) -> Real:
    up = mp.mpf(s.step_size_up)
    down = up if s.step_size_down is None else mp.mpf(s.step_size_down)
    cycle = mp.floor(t / (up + down))
    place = t - cycle * (up + down)
    height = place / up if place < up else (up + down - place) / down
    scale = {"triangular": 1, "triangular2": mp.mpf(0.5) ** cycle, "exp_range": mp.mpf(s.gamma) ** t}[s.mode]
    return s.base_learning_rate + (mp.mpf(s.max_learning_rate) - s.base_learning_rate) * height * scale


def _true_table(s: Any, t: Real) -> Real:
    last = len(s.learning_rates) - 1
    index = min(int(mp.floor(t / s.every)), last)
    rate = mp.mpf(s.learning_rates[index])
    if s.interpolation == "previous" or index == last:
        return rate
    return rate + (s.learning_rates[index + 1] - rate) * (t / s.every - index)


def some_steps_in_order(random: Random, *, strictly: bool) -> list[float]:
    """Boundaries, some of them fractions of steps."""
    scale = spread(random, 1.0, 1e6)
    places = [1.0 + scale * random.uniform(0.01, 1.0) for _ in range(5)]
    steps = sorted(random.choice([float(round(place)), place]) for place in places)
    return sorted(set(steps)) if strictly else [*steps, steps[-1]]


def some_shape(random: Random) -> str:
    return random.choice(["linear", "cosine", "1-sqrt", "exponential", "constant"])


def _some_interpolation(random: Random) -> Any:
    boundaries = some_steps_in_order(random, strictly=True)
    rates = [some_rate(random) for _ in boundaries]
    shape = some_shape(random)
    if shape != "exponential":
        rates[random.randrange(len(rates))] = 0.0
    return lrd.PiecewiseInterpolation(boundaries, rates, shape=shape)


def _some_piecewise_constant(random: Random) -> Any:
    boundaries = some_steps_in_order(random, strictly=True)
    return lrd.PiecewiseConstant(boundaries, [some_rate(random) for _ in range(len(boundaries) + 1)])


def some_start(random: Random, rate: float) -> float:
    """A rate to begin or to end with."""
    return rate * spread(random, 1e-6, 10.0)


def _some_warmup_stable_decay(random: Random) -> Any:
    rate = some_rate(random)
    return lrd.WarmupStableDecay(
        rate,
        *(some_duration(random) for _ in range(3)),
        initial_learning_rate=some_start(random, rate),
        end_learning_rate=some_start(random, rate),
        warmup_shape=some_shape(random),
        decay_shape=some_shape(random),
    )


def _some_one_cycle(random: Random) -> Any:
    three = some_flag(random)
    return lrd.OneCycle(
        some_rate(random),
        random.randint(2, 10**6),
        pct_start=random.uniform(0.0, 0.5 if three else 1.0),
        anneal_strategy=random.choice(["cos", "linear"]),
        three_phase=three,
        end_at_last_step=some_flag(random),
    )


def _some_restarts(random: Random) -> Any:
    rate = some_rate(random)
    return lrd.CosineRestarts(
        rate,
        some_period(random),
        t_mul=random.choice([1.0, 2.0, spread(random, 1.3, 3.0)]),
        **random.choice([{}, {"m_mul": random.uniform(0.5, 1.0)}, {"peak_mul": random.uniform(0.5, 1.0)}]),
        end_learning_rate=random.choice([0.0, rate * spread(random, 1e-6, 1.0)]),
        cycle_limit=random.choice([None, 1, 5]),
    )


def _some_higher_restarts(random: Random) -> Any:
    rate = some_rate(random)
    limited = random.choice([{"t_mul": 1.0, "cycle_limit": 7}, {"t_mul": spread(random, 1.3, 3.0)}])
    return lrd.CosineRestarts(
        rate,
        some_period(random),
        **{random.choice(["m_mul", "peak_mul"]): random.uniform(1.0, 1.5)},
        end_learning_rate=random.choice([0.0, rate * spread(random, 1e-6, 0.5)]),
        **limited,
    )


def _some_cyclic(random: Random) -> Any:
    base = random.choice([0.0, some_rate(random)])
    mode = random.choice(["triangular", "triangular2", "exp_range"])
    return lrd.Cyclic(
        base,
        max(base * spread(random, 1.1, 1e3), 1e-20),
        some_period(random),
        step_size_down=random.choice([None, some_period(random)]),
        mode=mode,
        gamma=1.0 - spread(random, 1e-9, 1e-3) if mode == "exp_range" else 1.0,
    )


def _some_table(random: Random) -> Any:
    rates = [some_rate(random) for _ in range(random.randint(1, 9))]
    return lrd.Tabulated(
        rates, every=some_period(random), interpolation=random.choice(["linear", "previous"])
    )


def _change(schedule: Any, t: Real, size: Real) -> Real:
    """By how much of itself the true rate changes where the step is moved by so little, at least."""
    truth = true_rate(schedule, t)
    if truth == 0:
        return 0
    return max(abs(true_rate(schedule, max(t + sign * size, mp.zero)) - truth) / truth for sign in (-1, 1))


def _loss_in_cycles(s: Any, t: Real) -> Real:
    """Of the place in a cycle as many bits are lost as the number of the cycle has."""
    if t >= mp.ldexp(1, 80):
        return mp.inf
    return 2 * _change(s, t, mp.ldexp(t, -100))


def _moved_loss(schedule: Any, t: Real) -> Real:
    return loss(schedule, t) + _change(schedule, t, mp.ldexp(t, -100))


def _true_restarted(s: Any, t: Real) -> Real:
    cycle = mp.floor(t / s.every)
    return mp.mpf(s.factor) ** cycle * true_rate(s.schedule, t - cycle * s.every)


def _restarted_loss(s: Any, t: Real) -> Real:
    place = t - mp.floor(t / s.every) * s.every
    inner = loss(s.schedule, place) + _change(s.schedule, place, mp.ldexp(t, -100))
    return inner + _loss_in_cycles(s, t)


def _true_shifted(s: Any, t: Real) -> Real:
    return true_rate(s.schedule, max(t - s.by, mp.zero))


def _true_reversed(s: Any, t: Real) -> Real:
    return true_rate(s.schedule, max(s.steps - t, mp.zero))


def _true_stretched(s: Any, t: Real) -> Real:
    return true_rate(s.schedule, t * s.of / s.to)


def _warped(s: Any, t: Real) -> Real:
    return s.decay_steps * (t / s.decay_steps) ** s.k if t < s.decay_steps else t


def _k_decay_loss(s: Any, t: Real) -> Real:
    warped = _warped(s, t)
    return loss(s.schedule, warped) + _change(s.schedule, warped, mp.ldexp(warped, -66) * (1 + s.k))


def _true_cooled_down(s: Any, t: Real) -> Real:
    if t < s.at:
        return true_rate(s.schedule, t)
    rate = true_rate(s.schedule, mp.mpf(s.at))
    return _phase(t - s.at, [(s.shape, s.steps, rate, s.end)], s.end)


def _some_cooled_down(random: Random) -> Any:
    schedule, at = some_schedule(random), some_duration(random)
    rate = schedule(at) if at < 2**62 else 0.0
    shape = some_shape(random)
    end = (
        random.choice([0.0, some_start(random, rate)]) if shape != "exponential" else some_start(random, rate)
    )
    if shape == "exponential" and not (rate > 1e-100 and end > 1e-100):
        shape, end = "linear", 0.0
    return schedule.cooled_down(
        min(at, 2**62), some_duration(random), end=end if end > 1e-100 else 0.0, shape=shape
    )


def _two_schedules(cls: Any) -> Callable[[Random], Any]:
    return lambda random: cls(some_schedule(random), some_schedule(random))


def _scale_of_both(s: Any) -> float:
    return min(scale(s.schedule), scale(s.other))


SCHEDULES |= {
    "MultiStepDecay": Schedule(
        _true_multi_step,
        lambda random: lrd.MultiStepDecay(
            some_rate(random),
            some_steps_in_order(random, strictly=False),
            drop_rate=spread(random, 1e-3, 1.0),
        ),
        lambda s: s.boundaries[-1],
        example=lrd.MultiStepDecay(0.1, [1, 3, 3, 5.5], drop_rate=0.5),
    ),
    "PiecewiseConstant": Schedule(
        _true_piecewise_constant,
        _some_piecewise_constant,
        lambda s: s.boundaries[-1],
        example=lrd.PiecewiseConstant([1, 2, 5.5], [0.1, 0.3, 0.2, 0.0]),
    ),
    "PiecewiseInterpolation": Schedule(
        _true_interpolation,
        _some_interpolation,
        lambda s: s.boundaries[-1],
        example=lrd.PiecewiseInterpolation([0, 2, 5.5], [0.1, 0.3, 0.2]),
    ),
    "WarmupStableDecay": Schedule(
        _true_warmup_stable_decay,
        _some_warmup_stable_decay,
        lambda s: s.warmup_steps + s.stable_steps + s.decay_steps / 2,
        example=lrd.WarmupStableDecay(0.1, 3, 2, 4, decay_shape="1-sqrt"),
    ),
    "NoamDecay": Schedule(
        _true_noam,
        lambda random: lrd.NoamDecay(
            random.randint(1, 4096), some_phase(random), factor=spread(random, 1e-3, 1e3)
        ),
        lambda s: s.warmup_steps,
        example=lrd.NoamDecay(64, 4),
    ),
    "OneCycle": Schedule(
        _true_one_cycle,
        _some_one_cycle,
        lambda s: s.total_steps,
        example=lrd.OneCycle(0.1, 10, pct_start=0.4),
    ),
    "CosineAnnealing": Schedule(
        _true_annealing,
        lambda random: lrd.CosineAnnealing(some_rate(random), some_period(random)),
        lambda s: s.half_period,
        _loss_in_cycles,
        example=lrd.CosineAnnealing(0.1, 4, end_learning_rate=0.01),
    ),
    "CosineRestarts": Schedule(
        _true_restarts,
        lambda random: random.choice([_some_restarts, _some_higher_restarts])(random),
        lambda s: s.first_decay_steps,
        _loss_in_cycles,
        example=lrd.CosineRestarts(0.1, 3, m_mul=0.5, end_learning_rate=0.01),
    ),
    "Cyclic": Schedule(
        _true_cyclic_wave,
        _some_cyclic,
        lambda s: s.step_size_up,
        _loss_in_cycles,
        example=lrd.Cyclic(0.01, 0.1, 3, step_size_down=2, mode="triangular2"),
    ),
    "Tabulated": Schedule(
        _true_table,
        _some_table,
        lambda s: len(s.learning_rates) * s.every,
        _loss_in_cycles,
        example=lrd.Tabulated([0.1, 0.3, 0.2], every=2.5),
    ),
    "Restarted": Schedule(
        _true_restarted,
        lambda random: some_schedule(random).restarted(
            some_period(random), factor=random.choice([1.0, random.uniform(0.3, 1.0)])
        ),
        lambda s: min(s.every, scale(s.schedule)),
        _restarted_loss,
        example=lrd.StepDecay(0.1, 0.5, 1).restarted(4, factor=0.9),
    ),
    "Shifted": Schedule(
        _true_shifted,
        lambda random: some_schedule(random).shifted(random.choice([-1, 1]) * some_duration(random)),
        lambda s: abs(s.by) + scale(s.schedule),
        lambda s, t: _moved_loss(s.schedule, max(t - s.by, mp.zero)),
        example=lrd.StepDecay(0.1, 0.5, 1).shifted(1),
    ),
    "Reversed": Schedule(
        _true_reversed,
        lambda random: some_schedule(random).reversed(some_duration(random)),
        lambda s: s.steps,
        lambda s, t: _moved_loss(s.schedule, max(s.steps - t, mp.zero)),
        example=lrd.StepDecay(0.1, 0.5, 1).reversed(5),
    ),
    "Stretched": Schedule(
        _true_stretched,
        lambda random: some_schedule(random).stretched(to=some_period(random), of=some_period(random)),
        lambda s: scale(s.schedule) * s.to / s.of,
        lambda s, t: _moved_loss(s.schedule, t * s.of / s.to),
        example=lrd.StepDecay(0.1, 0.5, 1).stretched(to=3, of=2),
    ),
    "KDecay": Schedule(
        lambda s, t: true_rate(s.schedule, _warped(s, t)),
        lambda random: some_schedule(random).k_decay(spread(random, 0.2, 5.0), some_period(random)),
        lambda s: s.decay_steps,
        _k_decay_loss,
        example=lrd.PolynomialDecay(0.1, 10).k_decay(2, 10),
    ),
    "CooledDown": Schedule(
        _true_cooled_down,
        _some_cooled_down,
        lambda s: s.at + s.steps / 2,
        lambda s, t: loss(s.schedule, min(t, mp.mpf(s.at))),
        example=lrd.StepDecay(0.1, 0.5, 1).cooled_down(2, 4, end=0.001),
    ),
    "Sum": Schedule(
        lambda s, t: true_rate(s.schedule, t) + true_rate(s.other, t),
        _two_schedules(lrd.Sum),
        _scale_of_both,
        lambda s, t: loss(s.schedule, t) + loss(s.other, t),
        example=lrd.StepDecay(0.1, 0.5, 1) + lrd.PolynomialDecay(0.1, 10),
    ),
    "Product": Schedule(
        lambda s, t: true_rate(s.schedule, t) * true_rate(s.other, t),
        _two_schedules(lrd.Product),
        _scale_of_both,
        lambda s, t: loss(s.schedule, t) + loss(s.other, t),
        example=lrd.StepDecay(0.1, 0.5, 1) * lrd.PolynomialDecay(1.0, 10),
    ),
}
"""Rows of phases, cycles, and schedules made of others."""

SINGLE_FORMULA_OF: dict[str, SingleFormula] = {
    type(entry.example).__name__: entry for entry in SINGLE_FORMULAS.values()
}
"""The same by the name of the schedule class."""


def ordinary(name: str, rate: float, steps: float, end: float = 0.0) -> Any:
    """A schedule of one formula with rates and steps such as training has; all else is as in its example.

    Where a test is of every formula, a new one is in it by itself.
    """
    entry = SINGLE_FORMULA_OF[name]
    rate_first, *others = (argument.name for argument in fields(entry.example))
    given = {entry.period: steps, "end_learning_rate": end}
    return replace(
        entry.example,
        **{rate_first: rate},
        **{name: value for name, value in given.items() if name in others},
    )


SCHEDULES |= {name: entry.schedule() for name, entry in SINGLE_FORMULA_OF.items()}


CLASSES = dict(registry.all_schedules())
"""Every schedule class by name; tests may add formulas of their own later."""


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
