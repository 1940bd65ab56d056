"""Segments: intervals of whole steps on which the form of the rate is known."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from lrdecay_native.arithmetic.scalars import DoubleDoubleScalar, as_point
from lrdecay_native.caching import cached
from lrdecay_native.evaluation.points.pipelines import Pipeline
from lrdecay_native.immutable import immutable
from lrdecay_native.kinds import Kind
from lrdecay_native.piecewise import operations
from lrdecay_native.piecewise.pieces import Breakpoint, Piece, Piecewise, Repeated


@immutable
class Segment(Kind, abstract=True):
    """An interval of whole steps on which the form of the rate is known.

    Attributes
    ----------
    start, stop : int
        From which step to below which.
    """

    start: int
    stop: int

    @property
    @abstractmethod
    def steps_of_change(self) -> tuple[int, ...]:
        """Steps of whose common divisors each multiple may be a step of change, and no other step is."""

    @property
    @abstractmethod
    def monotone(self) -> bool:
        """Whether the rate is known to be monotone."""


@immutable
class ConstantSegment(Segment):
    """One rate."""

    rate: float

    monotone = True

    @property
    def steps_of_change(self) -> tuple[int, ...]:
        return (self.start,)


@immutable
class SmoothSegment(Segment):
    """A smooth and monotone rate.

    Attributes
    ----------
    pipeline : Pipeline
        The rate at a step.
    """

    pipeline: Pipeline

    monotone = True
    steps_of_change = (1,)


@immutable
class StaircaseSegment(Segment):
    """A rate that stays the same from each multiple of a period, counted from an origin, to the next.

    Attributes
    ----------
    pipeline : Pipeline
        The rate at a step.
    origin, period : Fraction
        Run ``k`` goes from ``origin + k * period`` to below the beginning of the next.
    rates : SmoothSegment, StaircaseSegment, CyclicSegment, PeriodicSegment or IrregularSegment
        The rate of run ``k``, as that of a schedule at step ``k``.
    """

    pipeline: Pipeline
    origin: Fraction
    period: Fraction
    rates: VaryingSegment

    @property
    def steps_of_change(self) -> tuple[int, ...]:
        if self.origin.denominator == self.period.denominator == 1:
            return self.start, int(self.origin), int(self.period)
        return (1,)

    @property
    def monotone(self) -> bool:
        return self.rates.monotone

    @property
    def runs(self) -> VaryingSegment:
        """The rates of the runs that have steps here."""
        return replace(self.rates, start=self.run(self.start), stop=self.run(self.stop - 1) + 1)

    def run(self, step: int) -> int:
        """The number of the run that a step is in."""
        return math.floor((step - self.origin) / self.period)

    def first_step(self, run: int) -> int:
        """The first step of a run."""
        return math.ceil(self.origin + run * self.period)


@immutable
class CyclicSegment(Segment):
    """Smooth and monotone from above each multiple of a period, counted from an origin, up to the next.

    Attributes
    ----------
    pipeline : Pipeline
        The rate at a step.
    origin, period : Fraction
        Cycle ``n``, from 1, goes from above ``origin + (n - 1) * period`` up to ``origin + n * period``; the
        first contains ``origin`` too.
    piece : Piece
        The piece with its bounds: beyond them the rate of a cycle is constant.
    """

    pipeline: Pipeline
    origin: Fraction
    period: Fraction
    piece: Piece

    monotone = False
    steps_of_change = (1,)

    @property
    def bounded(self) -> bool:
        """Whether a cycle may consist of several segments."""
        return self.piece.bounded

    @property
    def similar(self) -> bool:
        """Whether cycle ``n`` is the first one times a gain, seen from its last rate."""
        formula = self.piece.curve.formula
        return self.piece.time_maps[-1].known.cycles and formula is not None and formula.power_of_rest

    @property
    def straight(self) -> bool:
        """Whether the rate of a cycle is a straight line."""
        return self.piece.time_maps[-1].known.cycles and self.piece.curve.straight

    @property
    def end_rate(self) -> DoubleDoubleScalar:
        """The rate at the end of each cycle."""
        return self.pipeline.on_point(as_point(self.origin + self.cycle(self.start) * self.period))

    @property
    def curve(self) -> Pipeline:
        """The rate as a function of the step divided by where its cycle ends, both from the origin."""
        index = [time_map.known.cycles for time_map in self.piece.time_maps].index(True)
        return Pipeline(self.pipeline.stages[index + 1 :])

    def rates_by_distance(self) -> Callable[[Fraction], DoubleDoubleScalar]:
        """The rate as a function of the distance from a cycle's end, divided by where it ends, from the origin."""
        curve = self.curve
        return lambda distance: curve.on_point(as_point(1 - distance))

    def unbounded(self, start: int, stop: int) -> CyclicSegment:
        """The same on some steps, where no bound is reached."""
        piece = self.piece.without_bounds()
        return replace(self, start=start, stop=stop, pipeline=Pipeline(piece.stages), piece=piece)

    def cycle(self, step: int) -> int:
        """The number of the cycle that a step is in."""
        return max(math.ceil((step - self.origin) / self.period), 1)

    def first_step(self, cycle: int) -> int:
        """The first step of a cycle, but for the origin."""
        return math.floor(self.origin + (cycle - 1) * self.period) + 1

    def steps_of(self, cycle: int) -> tuple[int, int]:
        """The first step of a cycle that is one of the segment, and the one behind its last."""
        start = self.stop_of(cycle - 1) if cycle > 1 else self.start
        return max(start, self.start), self.stop_of(cycle)

    def stop_of(self, cycle: int) -> int:
        """The step behind the last one of a cycle."""
        return min(math.floor(self.origin + cycle * self.period) + 1, self.stop)


@immutable
class IrregularSegment(Segment):
    """A rate that is smooth on each of many intervals.

    Attributes
    ----------
    piece : Piece
        The piece, of any kind.
    """

    piece: Piece

    monotone = False
    steps_of_change = (1,)

    @cached
    def pipeline(self) -> Pipeline:
        """The rate at a step."""
        return Pipeline(self.piece.bounded_stages)

    @cached
    def unbounded(self) -> IrregularSegment:
        """The same without its bounds."""
        return IrregularSegment(self.start, self.stop, self.piece.without_bounds())


@immutable
class PeriodicSegment(IrregularSegment):
    """Pieces that begin again at each multiple of a period, counted from an origin.

    Attributes
    ----------
    origin, period : Fraction
        Cycle ``k`` goes from ``origin + k * period`` to below the beginning of the next.
    """

    origin: Fraction
    period: Fraction

    @property
    def curve(self) -> Repeated:
        """What repeats."""
        assert isinstance(self.piece.curve, Repeated)
        return self.piece.curve

    def cycle(self, step: int) -> int:
        """The number of the cycle that a step is in."""
        return math.floor((step - self.origin) / self.period)

    def first_step(self, cycle: int) -> int:
        """The first step of a cycle."""
        return math.ceil(self.origin + cycle * self.period)

    def alike(self, cycles: range) -> Iterator[range]:
        """Some whole cycles, those together that have their steps at the same places."""
        distance = self.period.denominator
        for number in cycles[:distance]:
            yield range(number, cycles.stop, distance)

    @property
    def offset(self) -> Fraction:
        """What the rates of later cycles would get nearer to without bounds."""
        return self.piece.factor * self.curve.offset + self.piece.offset

    def pieces(self, cycle: int) -> Piecewise:
        """The pieces of one cycle."""
        piece, curve = self.piece, self.curve
        inner = operations.cut_off(
            operations.delayed(curve.pieces, cycle * curve.period), Breakpoint((cycle + 1) * curve.period)
        )
        if curve.gain != 1.0:
            gain = rounded_power(Fraction(curve.gain), cycle)
            inner = operations.moved(operations.scaled(inner, gain), curve.offset * (1 - gain))
        inner = operations.clipped(
            operations.moved(operations.scaled(inner, piece.factor), piece.offset),
            piece.lowest,
            piece.highest,
        )
        # In steps: as the maps before the curve stretch and delay them.
        size = self.period / curve.period
        return tuple(
            replace(
                each,
                end=Breakpoint(self.origin + each.end.position * size, each.end.after),
                time_maps=(*piece.time_maps, *each.time_maps),
            )
            for each in inner
        )


def rounded_power(base: Fraction, exponent: int) -> Fraction:
    """A power to about 2**-120."""
    result = Fraction(1)
    while exponent:
        if exponent & 1:
            result = _rounded(result * base)
        base, exponent = _rounded(base * base), exponent >> 1
    return result


def _rounded(number: Fraction) -> Fraction:
    """A positive number to 2**-128; 0 if it is so small that it does not count."""
    if number == 0:
        return number
    digits = 128 - (number.numerator.bit_length() - number.denominator.bit_length())
    if digits > 2000:
        return Fraction(0)
    scale = Fraction(2) ** digits
    return Fraction(round(number * scale)) / scale


VaryingSegment = SmoothSegment | StaircaseSegment | CyclicSegment | IrregularSegment
