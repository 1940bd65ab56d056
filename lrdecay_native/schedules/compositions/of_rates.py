"""The rates of schedules: scaled, kept within bounds, added and multiplied."""

from __future__ import annotations

import math
from fractions import Fraction

from lrdecay_native import validation
from lrdecay_native.formulas.parameters import LARGEST, SMALLEST
from lrdecay_native.immutable import immutable, set_fields
from lrdecay_native.piecewise import operations
from lrdecay_native.piecewise.pieces import Piecewise
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.documentation import described_by
from lrdecay_native.schedules.nested import schedule_given

__all__ = ["Clipped", "Product", "Scaled", "Sum"]

_LEAST_FACTOR, _LARGEST_FACTOR = Fraction(SMALLEST), Fraction(LARGEST)


@described_by(Schedule.scaled)
@immutable
class Scaled(Schedule):
    """A schedule times a factor.

    ``factor * schedule(step)``

    Parameters
    ----------
    schedule : Schedule
        The schedule.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.InverseTimeDecay(0.1, decay_rate=1.0).scaled(0.5)([0, 1, 3])
    array([0.05  , 0.025 , 0.0125])
    """

    schedule: Schedule
    factor: float

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
                    f"from {SMALLEST} to {LARGEST}"
                )

    def _described(self) -> Piecewise:
        return operations.scaled(self.schedule._pieces, Fraction(self.factor))


@described_by(Schedule.clipped)
@immutable
class Clipped(Schedule):
    """A schedule within bounds.

    ``min(max(schedule(step), lowest), highest)``

    Parameters
    ----------
    schedule : Schedule
        The schedule.

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


@immutable
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


@immutable
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
