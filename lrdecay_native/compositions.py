"""Schedules made of schedules: warm-up, one after another, scaled and clipped."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from lrdecay_native import pieces, validation
from lrdecay_native.curves import Curve
from lrdecay_native.evaluation import PointPair
from lrdecay_native.formulas import COMPOSITION_MAPS, TIME_MAPS
from lrdecay_native.parts import Chain, chained
from lrdecay_native.pieces import Cut, Kernel, Piece, Pieces
from lrdecay_native.schedules import Schedule, duration_given, period_given, schedule_given, set_fields

_LEAST_FACTOR, _LARGEST_FACTOR = Fraction(validation.SMALLEST), Fraction(validation.LARGEST)


class _Composition(Schedule):
    """A schedule that is evaluated by its pieces: as fast, however deeply it is nested."""

    @cached_property
    def _chains(self) -> tuple[list[PointPair], list[tuple[Kernel, ...]]]:
        """Where each piece but the first begins, and the kernels of each."""
        described = self._pieces
        begins = [piece.end.first_pair() for piece in described[:-1]]
        return begins, [piece.bounded_kernels for piece in described]

    def _exact(self, apply: Callable[..., Any], step: Any) -> Any:
        begins, chains = self._chains
        if isinstance(step[0], float):
            return chained(apply, chains[bisect_right(begins, step)], step)
        if not begins:
            return chained(apply, chains[0], step)
        high, low = step
        numbers = np.zeros(high.shape, np.intp)
        for begin_high, begin_low in begins:
            numbers += (high > begin_high) | ((high == begin_high) & (low >= begin_low))
        result = np.empty(high.shape), np.empty(high.shape)
        for number in np.unique(numbers).tolist():
            chosen = numbers == number
            result[0][chosen], result[1][chosen] = chained(apply, chains[number], (high[chosen], low[chosen]))
        return result


def _in_namespace(xp: Any, name: str, variable: Any, *parameters: float) -> Any:
    """A composition map in an array namespace."""
    return COMPOSITION_MAPS[name].function(xp, variable, *map(xp.asarray, map(float, parameters)))


@dataclass(frozen=True, repr=False)
class Warmup(_Composition):
    """A line up to a schedule's first rate, and then the schedule.

    ``start + (schedule(0) - start) * step / steps`` before step ``steps``, ``schedule(step - steps)`` from there
    on.

    Parameters
    ----------
    schedule : Schedule
        The schedule after the warm-up.
    steps : int or float
        How many steps the warm-up takes, 0 or from 1e-100 to 1e100; with 0 there is none.
    start : float, default 0
        The rate at step 0, 0 or from 1e-100 to 1e100.

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

    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = "write Warmup(schedule, steps, start=...)"

    def __post_init__(self) -> None:
        set_fields(
            self,
            schedule=schedule_given("schedule", self.schedule),
            steps=duration_given("steps", self.steps),
            start=validation.not_negative("start", self.start),
        )

    @cached_property
    def _first_rate(self) -> PointPair:
        """The rate at the end of the warm-up as ``high + low``."""
        first = next(piece for piece in self.schedule._pieces if piece.end > Cut(Fraction(0)))
        return Chain(first.bounded_kernels).at(0)

    def evaluate(self, xp: Any, step: Any) -> Any:
        if self.steps == 0:
            return self.schedule.evaluate(xp, step)
        line = _in_namespace(xp, "ramp", step, self.steps, self.start, *self._first_rate)
        after = self.schedule.evaluate(xp, _in_namespace(xp, "delayed", step, self.steps, 0.0))
        return xp.where(step < xp.asarray(float(self.steps)), line, after)

    def _described(self) -> Pieces:
        after = self.schedule._pieces
        if self.steps == 0:
            return after
        steps = Fraction(self.steps)
        line = Piece(Cut(steps), (), ("ramp", (float(self.steps), self.start, *self._first_rate)))
        # Bulk evaluation can't have a zero inside a block.
        origin = (replace(line, end=Cut(Fraction(0), after=True), constant=True),) if self.start == 0 else ()
        return (*origin, line, *pieces.delayed(after, steps))


@dataclass(frozen=True, repr=False)
class Joined(_Composition):
    """One schedule after another.

    ``schedule(step)`` before step ``at``, ``other(step - at)`` from there on.

    Parameters
    ----------
    schedule : Schedule
        The first schedule.
    other : Schedule
        The schedule that follows; its step 0 is at step ``at``.
    at : int or float
        The first step of the other schedule, 0 or from 1e-100 to 1e100.

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
            at=duration_given("at", self.at),
        )

    def evaluate(self, xp: Any, step: Any) -> Any:
        after = self.other.evaluate(xp, _in_namespace(xp, "delayed", step, self.at, 0.0))
        return xp.where(step < xp.asarray(float(self.at)), self.schedule.evaluate(xp, step), after)

    def _described(self) -> Pieces:
        at = Fraction(self.at)
        return pieces.joined(self.schedule._pieces, at, pieces.delayed(self.other._pieces, at))


@dataclass(frozen=True, repr=False)
class Scaled(_Composition):
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

    def evaluate(self, xp: Any, step: Any) -> Any:
        return _in_namespace(xp, "scaled", self.schedule.evaluate(xp, step), self.factor, 0.0)

    def _described(self) -> Pieces:
        return pieces.scaled(self.schedule._pieces, Fraction(self.factor))


@dataclass(frozen=True, repr=False)
class Clipped(_Composition):
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
    `values` finds the steps at which the rate reaches a bound once, and fills what is beyond them.

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

    def evaluate(self, xp: Any, step: Any) -> Any:
        rate = self.schedule.evaluate(xp, step)
        if self.lowest is not None:
            rate = _in_namespace(xp, "raised", rate, self.lowest, 0.0)
        if self.highest is not None:
            rate = _in_namespace(xp, "capped", rate, self.highest, 0.0)
        return rate

    def _described(self) -> Pieces:
        lowest = Fraction(0 if self.lowest is None else self.lowest)
        highest = math.inf if self.highest is None else Fraction(self.highest)
        return pieces.clipped(self.schedule._pieces, lowest, highest)


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
    def _time_map(self) -> str:
        return "staircase" if self.staircase else "continuous"

    def evaluate(self, xp: Any, step: Any) -> Any:
        epoch = TIME_MAPS[self._time_map].function(xp, step, xp.asarray(self.steps_per_epoch))
        return self.schedule.evaluate(xp, epoch)

    def _exact(self, apply: Callable[..., Any], step: Any) -> Any:
        epoch = apply(self._time_map, step, float(self.steps_per_epoch))
        return self.schedule._exact(apply, epoch)

    def _curve(self) -> Curve | None:
        curve = self.schedule._curve()
        if curve is None:
            return None
        steps_per_epoch = Fraction(self.steps_per_epoch)
        return curve.floored(steps_per_epoch) if self.staircase else curve.stretched(steps_per_epoch)

    def _described(self) -> Pieces:
        change = pieces.stepped if self.staircase else pieces.stretched
        return change(self.schedule._pieces, Fraction(self.steps_per_epoch))
