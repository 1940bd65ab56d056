"""Schedules made of schedules."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from fractions import Fraction
from numbers import Integral
from typing import Any, ClassVar

from lrdecay_native import validation
from lrdecay_native.arithmetic.scalars import DoubleDoubleScalar, as_point
from lrdecay_native.evaluation.points.closed_form import ClosedForm
from lrdecay_native.piecewise import operations, transitions
from lrdecay_native.piecewise.pieces import NEVER, Breakpoint, Piece, Piecewise, Repeated, TimeMap
from lrdecay_native.schedules.base import (
    Schedule,
    duration_given,
    period_given,
    phase_given,
    schedule_given,
    set_fields,
)

__all__ = [
    "Clipped",
    "CooledDown",
    "Joined",
    "KDecay",
    "PerEpoch",
    "Product",
    "Restarted",
    "Reversed",
    "Scaled",
    "Shifted",
    "Stretched",
    "Sum",
    "Warmup",
]

_LEAST_FACTOR, _LARGEST_FACTOR = Fraction(validation.SMALLEST), Fraction(validation.LARGEST)


def shape_given(name: str, value: Any, rates: Callable[[], Iterable[float]]) -> str:
    """The shape of a transition between rates, which are asked for where they matter."""
    shape = validation.one_of(name, value, transitions.SHAPES)
    if shape == "exponential":
        wrong = [rate for rate in rates() if rate <= 0.0]
        if wrong:
            raise ValueError(
                f"{name}={value!r} needs rates above 0 at both ends, not {wrong[0]!r}; "
                "give another start or end, or another shape"
            )
    return shape


@dataclass(frozen=True, repr=False)
class Warmup(Schedule):
    """A rise to a schedule's first rate, and then the schedule.

    ``start + (schedule(0) - start) * step / steps`` before step ``steps``, ``schedule(step - steps)`` from there
    on; other shapes rise along half a cosine, a root, or exponentially, or stay at the start until then.

    Parameters
    ----------
    schedule : Schedule
        The schedule after the warm-up.
    steps : int or float
        How many steps the warm-up takes, 0 or from 1 to 1e100; with 0 there is none.
    start : float, default 0
        The rate at step 0, 0 or from 1e-100 to 1e100.
    shape : str, default "linear"
        ``"linear"``, ``"cosine"``, ``"1-sqrt"``, ``"exponential"`` (from a start above 0) or ``"constant"``.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    Values are within 0.51 ulp (`values`: 0.51 ulp) of the true ones.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.StepDecay(0.1, drop_rate=0.5, step_size=1000).warmup(500)
    >>> s(0), s(250), s(500), s(1500)
    (0.0, 0.05, 0.1, 0.05)
    """

    schedule: Schedule
    steps: float
    start: float = field(default=0.0, kw_only=True)
    shape: str = field(default="linear", kw_only=True, metadata={"later": True})

    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = "write Warmup(schedule, steps, start=..., shape=...)"

    def __post_init__(self) -> None:
        set_fields(
            self,
            schedule=schedule_given("schedule", self.schedule),
            steps=phase_given("steps", self.steps),
            start=validation.not_negative("start", self.start),
            shape=shape_given("shape", self.shape, lambda: (self.start, self.schedule(0))),
        )

    def _described(self) -> Piecewise:
        first_rate = self.schedule._chain.on_point((0.0, 0.0))
        rise = transitions.transition(self.shape, Fraction(self.steps), (self.start, 0.0), first_rate)
        return operations.row(rise, self.schedule._pieces)


@dataclass(frozen=True, repr=False)
class Joined(Schedule):
    """One schedule after another.

    ``schedule(step)`` before step ``at``, ``other(step - at)`` from there on.

    Parameters
    ----------
    schedule : Schedule
        The first schedule.
    other : Schedule
        The schedule that follows; its step 0 is at step ``at``.
    at : int or float
        The first step of the other schedule, 0 or from 1 to 1e100.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.ExponentialDecay(0.1, 0.0).then(lrd.InverseTimeDecay(0.05, 1.0), at=10)
    >>> s(9), s(10), s(11)
    (0.1, 0.05, 0.025)
    """

    schedule: Schedule
    other: Schedule
    at: float

    _positional: ClassVar[int] = 3
    _instead: ClassVar[str] = "write Joined(schedule, other, at)"

    def __post_init__(self) -> None:
        set_fields(
            self,
            schedule=schedule_given("schedule", self.schedule),
            other=schedule_given("other", self.other),
            at=phase_given("at", self.at),
        )

    def _described(self) -> Piecewise:
        at = Fraction(self.at)
        return operations.joined(self.schedule._pieces, at, operations.delayed(self.other._pieces, at))


@dataclass(frozen=True, repr=False)
class Scaled(Schedule):
    """A schedule times a factor.

    ``factor * schedule(step)``

    Parameters
    ----------
    schedule : Schedule
        The schedule.
    factor : float
        The factor, from 1e-100 to 1e100; so must be the product with those of schedules inside.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.InverseTimeDecay(0.1, decay_rate=1.0).scaled(0.5)([0, 1, 3])
    array([0.05  , 0.025 , 0.0125])
    """

    schedule: Schedule
    factor: float

    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = "write Scaled(schedule, factor)"

    def __post_init__(self) -> None:
        set_fields(
            self,
            schedule=schedule_given("schedule", self.schedule),
            factor=validation.positive("factor", self.factor),
        )
        for piece in self._pieces:
            if not _LEAST_FACTOR <= piece.factor <= _LARGEST_FACTOR:
                raise ValueError(
                    f"factor={self.factor!r} must leave the product with the factors inside the schedule "
                    f"from {validation.SMALLEST} to {validation.LARGEST}"
                )

    def _described(self) -> Piecewise:
        return operations.scaled(self.schedule._pieces, Fraction(self.factor))


@dataclass(frozen=True, repr=False)
class Clipped(Schedule):
    """A schedule within bounds.

    ``min(max(schedule(step), lowest), highest)``

    Parameters
    ----------
    schedule : Schedule
        The schedule.
    lowest : float or None, default None
        The least rate, 0 or from 1e-100 to 1e100; None for no such bound.
    highest : float or None, default None
        The largest rate, likewise, not below ``lowest``.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    `values` finds the steps at which the rate reaches a bound once, and fills what is beyond them.  With a
    ``lowest``, negative values of an own formula count as 0; without, they are errors.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.StepDecay(0.1, drop_rate=0.5, step_size=1000).clipped(lowest=0.03)
    >>> s
    Clipped(StepDecay(0.1, drop_rate=0.5, step_size=1000, staircase=True), lowest=0.03, highest=None)
    >>> s([0, 1000, 2000, 3000])
    array([0.1 , 0.05, 0.03, 0.03])
    """

    schedule: Schedule
    lowest: float | None = None
    highest: float | None = None

    _positional: ClassVar[int] = 3
    _instead: ClassVar[str] = "write Clipped(schedule, lowest, highest)"

    def __post_init__(self) -> None:
        set_fields(
            self,
            schedule=schedule_given("schedule", self.schedule),
            lowest=None if self.lowest is None else validation.not_negative("lowest", self.lowest),
            highest=None if self.highest is None else validation.not_negative("highest", self.highest),
        )
        if self.lowest is not None and self.highest is not None and self.highest < self.lowest:
            raise ValueError(f"highest={self.highest!r} must be at least lowest={self.lowest!r}")

    def _described(self) -> Piecewise:
        lowest = Fraction(0 if self.lowest is None else self.lowest)
        highest = math.inf if self.highest is None else Fraction(self.highest)
        inner = (
            self.schedule._pieces if self.lowest is None else operations.not_negative(self.schedule._pieces)
        )
        return operations.clipped(inner, lowest, highest)


@dataclass(frozen=True, repr=False)
class PerEpoch(Schedule):
    """A schedule that is written in epochs, used in steps.

    ``schedule(step / steps_per_epoch)``, or ``schedule(floor(step / steps_per_epoch))`` if ``staircase``.

    Parameters
    ----------
    schedule : Schedule
        The schedule in epochs.
    steps_per_epoch : int or float
        Steps in an epoch, from 1e-100 to 1e100.
    staircase : bool, default False
        Whether the rate stays the same within an epoch.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.StepDecay(0.1, drop_rate=0.5, step_size=10).per_epoch(1875)
    >>> s(10 * 1875 - 1), s(10 * 1875)
    (0.1, 0.05)
    """

    schedule: Schedule
    steps_per_epoch: float
    staircase: bool = field(default=False, kw_only=True)

    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = "write PerEpoch(schedule, steps_per_epoch, staircase=...)"

    def __post_init__(self) -> None:
        schedule_given("schedule", self.schedule)
        set_fields(
            self,
            steps_per_epoch=period_given("steps_per_epoch", self.steps_per_epoch),
            staircase=validation.flag("staircase", self.staircase),
        )

    @property
    def _nests(self) -> bool:
        return self.staircase

    def _curve(self) -> ClosedForm | None:
        outer = [self]
        while isinstance(inner := outer[-1].schedule, PerEpoch):
            outer.append(inner)
        curve = inner._curve()
        if curve is not None:
            for each in reversed(outer):
                period = Fraction(each.steps_per_epoch)
                curve = curve.floored(period) if each.staircase else curve.stretched(period)
        return curve

    def _described(self) -> Piecewise:
        change = operations.stepped if self.staircase else operations.stretched
        return change(self.schedule._pieces, Fraction(self.steps_per_epoch))


@dataclass(frozen=True, repr=False)
class Restarted(Schedule):
    """A schedule that begins again and again.

    ``factor ** floor(step / every) * schedule(step % every)``

    Parameters
    ----------
    schedule : Schedule
        The schedule.
    every : int or float
        Steps after which it begins again, from 1e-100 to 1e100; at exactly so many it has begun again.
    factor : float, default 1
        What each cycle is multiplied with, compared with the one before it; from 1e-100 to 1.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    Within 0.51 ulp. Where ``every`` is whole and ``factor`` is 1, `values` computes one cycle and copies it.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.PolynomialDecay(1.0, max_step=4).restarted(3, factor=0.5).values(7).tolist()
    [1.0, 0.75, 0.5, 0.5, 0.375, 0.25, 0.25]
    """

    schedule: Schedule
    every: float
    factor: float = field(default=1.0, kw_only=True)

    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = "write Restarted(schedule, every, factor=...)"

    def __post_init__(self) -> None:
        set_fields(
            self,
            schedule=schedule_given("schedule", self.schedule),
            every=period_given("every", self.every),
            factor=validation.positive("factor", self.factor),
        )
        if self.factor > 1.0:
            raise ValueError(
                f"factor={self.factor!r} must be at most 1: the rates of later cycles would have no end"
            )

    @property
    def _nests(self) -> bool:
        return True

    def _described(self) -> Piecewise:
        curve = Repeated(Fraction(self.every), self.schedule._pieces, self.factor)
        return (Piece(NEVER, (), curve),)


@dataclass(frozen=True, repr=False)
class Shifted(Schedule):
    """A schedule that begins later, or in its midst.

    ``schedule(step - by)``, and ``schedule(0)`` where that is before its begin.

    Parameters
    ----------
    schedule : Schedule
        The schedule.
    by : int or float
        How many steps later it begins; below 0, at which of its own steps. Up to 1e100 in size.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.Shifted(lrd.PolynomialDecay(1.0, max_step=4), 2)([0, 2, 3])
    array([1.  , 1.  , 0.75])
    """

    schedule: Schedule
    by: float

    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = "write Shifted(schedule, by)"

    def __post_init__(self) -> None:
        # Not abs(by): the size of NumPy's least integer is none.
        number = validation.real("by", self.by)
        by = int(self.by) if isinstance(self.by, Integral) else number
        sign = -1 if by < 0 else 1
        size = duration_given("by", sign * by)
        set_fields(self, schedule=schedule_given("schedule", self.schedule), by=sign * size)

    def _described(self) -> Piecewise:
        by = Fraction(self.by)
        shifted = operations.delayed(self.schedule._pieces, by)
        if by <= 0:
            return shifted
        return transitions.held(self.schedule._chain.on_point((0.0, 0.0)), Breakpoint(by)), *shifted


@dataclass(frozen=True, repr=False)
class Reversed(Schedule):
    """A schedule that runs backwards.

    ``schedule(steps - step)``, and ``schedule(0)`` from step ``steps`` on.

    Parameters
    ----------
    schedule : Schedule
        The schedule.
    steps : int or float
        At which of its own steps it begins, 0 or from 1e-100 to 1e100.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.Reversed(lrd.PolynomialDecay(1.0, max_step=4), 4).values(6).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """

    schedule: Schedule
    steps: float

    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = "write Reversed(schedule, steps)"

    def __post_init__(self) -> None:
        set_fields(
            self,
            schedule=schedule_given("schedule", self.schedule),
            steps=duration_given("steps", self.steps),
        )

    def _described(self) -> Piecewise:
        # A schedule may begin with pieces that end at step 0.
        seen = tuple(piece for piece in self.schedule._pieces if piece.end > Breakpoint(Fraction(0)))
        return operations.reversed_from(seen, Fraction(self.steps))


@dataclass(frozen=True, repr=False)
class Stretched(Schedule):
    """A schedule in another number of steps.

    ``schedule(step * of / to)``

    Parameters
    ----------
    schedule : Schedule
        The schedule.
    to : int or float
        How many steps it takes, from 1e-100 to 1e100.
    of : int or float
        How many of the schedule's own steps these are, from 1e-100 to 1e100.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.Stretched(lrd.PolynomialDecay(1.0, max_step=4), to=8, of=4)([0, 1, 8])
    array([1.   , 0.875, 0.   ])
    """

    schedule: Schedule
    to: float
    of: float

    _positional: ClassVar[int] = 3
    _instead: ClassVar[str] = "write Stretched(schedule, to, of)"

    def __post_init__(self) -> None:
        set_fields(
            self,
            schedule=schedule_given("schedule", self.schedule),
            to=period_given("to", self.to),
            of=period_given("of", self.of),
        )

    def _described(self) -> Piecewise:
        return operations.stretched_to(self.schedule._pieces, Fraction(self.to), Fraction(self.of))


@dataclass(frozen=True, repr=False)
class KDecay(Schedule):
    """A schedule that is slower at its start and faster at its end, or the other way round.

    ``schedule(decay_steps * (step / decay_steps) ** k)`` before ``decay_steps``, ``schedule(step)`` from there on.

    Parameters
    ----------
    schedule : Schedule
        The schedule.
    decay_steps : int or float
        Up to which step, from 1e-100 to 1e100.
    k : float
        The exponent, from 1e-100 to 1e100; above 1 it is slower at first.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    Powers have about 2**-70 of error: a staircase whose step down is at exactly a whole number of steps may come a
    step late.  T. Zhang and W. Li, "k-decay: A New Method For Learning Rate Schedule", 2020; the ``k_decay`` of
    timm's schedulers.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.KDecay(lrd.PolynomialDecay(1.0, max_step=4), 4, k=2).values(5).tolist()
    [1.0, 0.9375, 0.75, 0.4375, 0.0]
    """

    schedule: Schedule
    decay_steps: float
    k: float

    _positional: ClassVar[int] = 3
    _instead: ClassVar[str] = "write KDecay(schedule, decay_steps, k)"

    def __post_init__(self) -> None:
        set_fields(
            self,
            schedule=schedule_given("schedule", self.schedule),
            decay_steps=period_given("decay_steps", self.decay_steps),
            k=validation.positive("k", self.k),
        )

    def _described(self) -> Piecewise:
        if self.k == 1.0:
            return self.schedule._pieces
        steps = Fraction(self.decay_steps)
        maps = (TimeMap("continuous", steps), TimeMap("powered", Fraction(self.k)), TimeMap("scaled", steps))
        before = tuple(
            replace(
                piece,
                end=Breakpoint(_root(Fraction(piece.end.position) / steps, self.k) * steps, piece.end.after),
                time_maps=(*maps, *piece.time_maps),
            )
            for piece in operations.cut_off(self.schedule._pieces, Breakpoint(steps))
        )
        behind = (piece for piece in self.schedule._pieces if piece.end > Breakpoint(steps))
        return (*before, *behind)


@dataclass(frozen=True, repr=False)
class CooledDown(Schedule):
    """A schedule up to a step, and from there a fall to an end rate.

    ``schedule(step)`` before ``at``, then from ``schedule(at)`` to ``end`` in ``steps`` steps, then ``end``.

    Parameters
    ----------
    schedule : Schedule
        The schedule.
    at : int or float
        The step at which the fall begins, 0 or from 1 to 1e100.
    steps : int or float
        How many steps it takes, 0 or from 1 to 1e100; with 0 the rate drops at once.
    end : float, default 0
        The rate after it, 0 or from 1e-100 to 1e100.
    shape : str, default "linear"
        ``"linear"``, ``"cosine"``, ``"1-sqrt"``, ``"exponential"`` (to an end above 0), or ``"constant"``.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.CooledDown(lrd.Constant(1.0), at=2, steps=4).values(8).tolist()
    [1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """

    schedule: Schedule
    at: float
    steps: float
    end: float = field(default=0.0, kw_only=True)
    shape: str = field(default="linear", kw_only=True)

    _positional: ClassVar[int] = 3
    _instead: ClassVar[str] = "write CooledDown(schedule, at, steps, end=..., shape=...)"

    def __post_init__(self) -> None:
        set_fields(
            self,
            schedule=schedule_given("schedule", self.schedule),
            at=phase_given("at", self.at),
            steps=phase_given("steps", self.steps),
            end=validation.not_negative("end", self.end),
        )
        set_fields(self, shape=shape_given("shape", self.shape, lambda: (self._rate_before[0], self.end)))

    @property
    def _rate_before(self) -> DoubleDoubleScalar:
        rate: DoubleDoubleScalar = self.schedule._chain.on_point(as_point(Fraction(self.at)))
        return rate

    def _described(self) -> Piecewise:
        end = (self.end, 0.0)
        fall = transitions.transition(self.shape, Fraction(self.steps), self._rate_before, end)
        after = operations.row(fall, (transitions.held(end),))
        at = Fraction(self.at)
        return operations.joined(self.schedule._pieces, at, operations.delayed(after, at))


@dataclass(frozen=True, repr=False)
class Sum(Schedule):
    """The sum of two schedules.

    ``schedule(step) + other(step)``

    Parameters
    ----------
    schedule, other : Schedule
        The schedules.

    Raises
    ------
    TypeError
        If one of them is no schedule.

    Notes
    -----
    Within 0.51 ulp: both rates are computed in 106 bits.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.PolynomialDecay(1.0, max_step=4) + lrd.Constant(0.5)
    >>> s.values(6).tolist()
    [1.5, 1.25, 1.0, 0.75, 0.5, 0.5]
    """

    schedule: Schedule
    other: Schedule

    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = "write Sum(schedule, other)"

    def __post_init__(self) -> None:
        set_fields(
            self,
            schedule=schedule_given("schedule", self.schedule),
            other=schedule_given("other", self.other),
        )

    @property
    def _nests(self) -> bool:
        return True

    def _described(self) -> Piecewise:
        return operations.combined("added", self.schedule._pieces, self.other._pieces)


@dataclass(frozen=True, repr=False)
class Product(Schedule):
    """The product of two schedules.

    ``schedule(step) * other(step)``

    Parameters
    ----------
    schedule, other : Schedule
        The schedules.

    Raises
    ------
    TypeError
        If one of them is no schedule.

    Notes
    -----
    Within 0.51 ulp: both rates are computed in 106 bits.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.PolynomialDecay(1.0, max_step=4) * lrd.StepDecay(1.0, 0.5, 2)
    >>> s.values(5).tolist()
    [1.0, 0.75, 0.25, 0.125, 0.0]
    """

    schedule: Schedule
    other: Schedule

    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = "write Product(schedule, other)"

    def __post_init__(self) -> None:
        set_fields(
            self,
            schedule=schedule_given("schedule", self.schedule),
            other=schedule_given("other", self.other),
        )

    @property
    def _nests(self) -> bool:
        return True

    def _described(self) -> Piecewise:
        return operations.combined("multiplied", self.schedule._pieces, self.other._pieces)


def _root(number: Fraction, degree: float) -> Fraction:
    """A root to 50 digits, and exact where it has fewer."""
    with localcontext() as context:
        context.prec = 60
        exact = (Decimal(number.numerator) / Decimal(number.denominator)) ** (1 / Decimal(degree))
        context.prec = 50
        return Fraction(+exact)
