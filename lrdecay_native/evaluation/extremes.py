"""The step of a segment with the least rate, or with the highest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lrdecay_native.evaluation.points.pipelines import Pipeline
from lrdecay_native.evaluation.segments.cycles import segments_of_cycle
from lrdecay_native.evaluation.segments.segments import (
    ConstantSegment,
    CyclicSegment,
    IrregularSegment,
    PeriodicSegment,
    Segment,
    SmoothSegment,
    StaircaseSegment,
)
from lrdecay_native.kinds import Operation

MOST_DIFFERENT_CYCLES = 64
"""Cycles that differ in where their steps are, of which each is looked at."""


@dataclass
class Extremes:
    """Steps with the least rate, or with the highest.

    Attributes
    ----------
    highest : bool
        Whether it is the highest rate.
    known : dict
        Those of what repeats, counted from a segment's first step.
    """

    highest: bool
    known: dict[Any, int | None] = field(default_factory=dict)

    def of(self, segment: Segment) -> int | None:
        """The step of a segment with the least rate, or with the highest; None where it takes a search."""
        return _EXTREME[segment](segment, self)

    def of_staircase(self, segment: StaircaseSegment) -> int | None:
        """The first step of a run."""
        run = self.of(segment.runs)
        return None if run is None else max(segment.first_step(run), segment.start)

    def of_cycles(self, segment: CyclicSegment) -> int | None:
        """One in the first cycles or the last: what is at the same place of each gets nearer to the end rate."""
        first, last = segment.cycle(segment.start), segment.cycle(segment.stop - 1)
        numbers: Iterable[int] = {first, min(first + 1, last), max(last - 1, first), last}
        if segment.period.denominator != 1:
            if last - first > MOST_DIFFERENT_CYCLES:
                return None
            numbers = range(first, last + 1)
        ends = (
            (begin, end - 1) for begin, end in (segment.steps_of(number) for number in numbers) if begin < end
        )
        return self.most_extreme(segment.pipeline, [step for pair in ends for step in pair])

    def of_repeated(self, segment: PeriodicSegment) -> int | None:
        """The step, kept for all that is like this but for its place, a factor, an offset and bounds."""
        key = id(segment.curve), segment.period, segment.start - segment.origin, segment.stop - segment.origin
        if key not in self.known:
            self.known[key] = self._of_new(segment)
        found = self.known[key]
        return None if found is None else found + segment.start

    def _of_new(self, segment: PeriodicSegment) -> int | None:
        """The step, counted from the segment's first one."""
        if segment.period.denominator > MOST_DIFFERENT_CYCLES:
            return None
        first, last = segment.cycle(segment.start), segment.cycle(segment.stop - 1)
        steps = []
        for numbers in (
            range(first, last + 1, max(last - first, 1)),
            *segment.alike(range(first + 1, last)),
        ):
            for number in {numbers[0], numbers[-1]}:
                if max(segment.first_step(number), segment.start) == min(
                    segment.first_step(number + 1), segment.stop
                ):
                    continue
                step = self.of_cycle(segment, number)
                if step is None:
                    return None
                steps.append(step)
        found = self.most_extreme(segment.unbounded.pipeline, steps)
        return found - segment.start

    def of_cycle(self, segment: PeriodicSegment, number: int) -> int | None:
        """The step in one cycle, as if there were no bounds, on the steps of the segment."""
        unbounded = replace(segment, piece=segment.piece.without_bounds())
        steps = []
        for each in segments_of_cycle(unbounded, number):
            step = self.of(each)
            if step is None:
                return None
            steps.append(step)
        return self.most_extreme(segment.unbounded.pipeline, steps)

    def most_extreme(self, pipeline: Pipeline, steps: Sequence[int]) -> int:
        choose = max if self.highest else min
        return choose(steps, key=pipeline.at)


_EXTREME: Operation[int | None] = Operation(
    "the step with the least rate or the highest",
    Segment,
    {
        ConstantSegment: lambda segment, extremes: segment.start,
        SmoothSegment: lambda segment, extremes: extremes.most_extreme(
            segment.pipeline, [segment.start, segment.stop - 1]
        ),
        StaircaseSegment: lambda segment, extremes: extremes.of_staircase(segment),
        CyclicSegment: lambda segment, extremes: extremes.of_cycles(segment),
        PeriodicSegment: lambda segment, extremes: extremes.of_repeated(segment),
        IrregularSegment: lambda segment, extremes: None,
    },
)
