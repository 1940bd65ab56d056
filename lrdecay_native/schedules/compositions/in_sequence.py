"""One schedule after another."""

from __future__ import annotations

from dataclasses import field
from fractions import Fraction

from lrdecay_native import validation
from lrdecay_native.arithmetic.scalars import DoubleDoubleScalar, as_point
from lrdecay_native.immutable import immutable, set_fields
from lrdecay_native.piecewise import operations, transitions
from lrdecay_native.piecewise.pieces import Piecewise
from lrdecay_native.schedules.arguments import phase_given, shape_given
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.documentation import described_by
from lrdecay_native.schedules.nested import schedule_given

__all__ = ["CooledDown", "Joined", "Warmup"]


@described_by(Schedule.warmup)
@immutable
class Warmup(Schedule):
    """A rise to a schedule's first rate, and then the schedule.

    ``start + (schedule(0) - start) * step / steps`` before step ``steps``, ``schedule(step - steps)`` from there
    on; other shapes rise along half a cosine, a root, or exponentially, or stay at the start until then.

    Parameters
    ----------
    schedule : Schedule
        The schedule after the warm-up.

    Notes
    -----
    Values are within 0.51 ulp of the true ones.

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
        return operations.concatenated(rise, self.schedule._pieces)


@described_by(Schedule.then)
@immutable
class Joined(Schedule):
    """One schedule after another.

    ``schedule(step)`` before step ``at``, ``other(step - at)`` from there on.

    Parameters
    ----------
    schedule : Schedule
        The first schedule.

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


@described_by(Schedule.cooled_down)
@immutable
class CooledDown(Schedule):
    """A schedule up to a step, and from there a fall to an end rate.

    ``schedule(step)`` before ``at``, then from ``schedule(at)`` to ``end`` in ``steps`` steps, then ``end``.

    Parameters
    ----------
    schedule : Schedule
        The schedule.

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
        after = operations.concatenated(fall, (transitions.held(end),))
        at = Fraction(self.at)
        return operations.joined(self.schedule._pieces, at, operations.delayed(after, at))
