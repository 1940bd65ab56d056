"""A schedule at other steps: later, backwards, again and again, faster or slower."""

from __future__ import annotations

from dataclasses import field, replace
from decimal import Decimal, localcontext
from fractions import Fraction
from numbers import Integral

from lrdecay_native import validation
from lrdecay_native.evaluation.points.closed_form import ClosedForm
from lrdecay_native.immutable import immutable, set_fields
from lrdecay_native.piecewise import operations, transitions
from lrdecay_native.piecewise.pieces import NEVER, Breakpoint, Piece, Piecewise, Repeated, TimeMap
from lrdecay_native.schedules.arguments import duration_given, period_given
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.documentation import described_by
from lrdecay_native.schedules.nested import schedule_given

__all__ = ["KDecay", "PerEpoch", "Restarted", "Reversed", "Shifted", "Stretched"]


@described_by(Schedule.per_epoch)
@immutable
class PerEpoch(Schedule):
    """A schedule that is written in epochs, used in steps.

    ``schedule(step / steps_per_epoch)``, or ``schedule(floor(step / steps_per_epoch))`` if ``staircase``.

    Parameters
    ----------
    schedule : Schedule
        The schedule in epochs.

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


@described_by(Schedule.restarted)
@immutable
class Restarted(Schedule):
    """A schedule that begins again and again.

    ``factor ** floor(step / every) * schedule(step % every)``

    Parameters
    ----------
    schedule : Schedule
        The schedule.

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


@described_by(Schedule.shifted)
@immutable
class Shifted(Schedule):
    """A schedule that begins later, or in its midst.

    ``schedule(step - by)``, and ``schedule(0)`` where that is before its begin.

    Parameters
    ----------
    schedule : Schedule
        The schedule.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.Shifted(lrd.PolynomialDecay(1.0, max_step=4), 2)([0, 2, 3])
    array([1.  , 1.  , 0.75])
    """

    schedule: Schedule
    by: float

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


@described_by(Schedule.reversed)
@immutable
class Reversed(Schedule):
    """A schedule that runs backwards.

    ``schedule(steps - step)``, and ``schedule(0)`` from step ``steps`` on.

    Parameters
    ----------
    schedule : Schedule
        The schedule.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.Reversed(lrd.PolynomialDecay(1.0, max_step=4), 4).values(6).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """

    schedule: Schedule
    steps: float

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


@described_by(Schedule.stretched)
@immutable
class Stretched(Schedule):
    """A schedule in another number of steps.

    ``schedule(step * of / to)``

    Parameters
    ----------
    schedule : Schedule
        The schedule.
    of : int or float
        How many of the schedule's own steps these are, from 1e-100 to 1e100.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.Stretched(lrd.PolynomialDecay(1.0, max_step=4), to=8, of=4)([0, 1, 8])
    array([1.   , 0.875, 0.   ])
    """

    schedule: Schedule
    to: float
    of: float

    def __post_init__(self) -> None:
        set_fields(
            self,
            schedule=schedule_given("schedule", self.schedule),
            to=period_given("to", self.to),
            of=period_given("of", self.of),
        )

    def _described(self) -> Piecewise:
        return operations.stretched_to(self.schedule._pieces, Fraction(self.to), Fraction(self.of))


@described_by(Schedule.k_decay)
@immutable
class KDecay(Schedule):
    """A schedule that is slower at its start and faster at its end, or the other way round.

    ``schedule(decay_steps * (step / decay_steps) ** k)`` before ``decay_steps``, ``schedule(step)`` from there on.

    Parameters
    ----------
    schedule : Schedule
        The schedule.

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


def _root(number: Fraction, degree: float) -> Fraction:
    """A root to 50 digits, and exact where it has fewer."""
    with localcontext() as context:
        context.prec = 60
        exact = (Decimal(number.numerator) / Decimal(number.denominator)) ** (1 / Decimal(degree))
        context.prec = 50
        return Fraction(+exact)
