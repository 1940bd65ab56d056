"""When a schedule gets below a rate, and until when it stays above one: by bisection, segment by segment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from lrdecay_native.arithmetic.scalars import as_point
from lrdecay_native.evaluation.bisection import count_of, first_step_where
from lrdecay_native.evaluation.cycle_strips import strips as strips_of
from lrdecay_native.evaluation.extremes import MOST_DIFFERENT_CYCLES, Extremes
from lrdecay_native.evaluation.segments.breakpoints import rounded_up
from lrdecay_native.evaluation.segments.cycles import segments_of_cycle
from lrdecay_native.evaluation.segments.enclosures import enclosure
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

Rate = Callable[[Any], Any]
"""The rate at a step, or an array of those at each step of a range or of an array."""

MOST_WINDOWS = 2**10
"""Ranges of steps that are looked at, in a search of rates that may be found anywhere."""

MOST_CYCLES = 2**12
"""Segments with cycles that are looked at; only cycles within cycles that differ have so many."""

MOST_MISSES = 2**4
"""Cycles that are looked at because rounding errors may let them hold what is searched for."""

STEPS_PER_ROUND = 2**14
"""Steps per round where rates are searched step by step."""


Found = TypeVar("Found")


def first_step_below(segments: Sequence[Segment], rate_at: Rate, learning_rate: float) -> int | None:
    """The first step whose rate is below the given one; see `Schedule.first_step_below`."""
    return _Search(_at_ranges(rate_at), learning_rate, forward=True, above=False).in_segments(segments)


def last_step_above(segments: Sequence[Segment], rate_at: Rate, learning_rate: float) -> int | None:
    """The last step whose rate is above the given one; see `Schedule.last_step_above`."""
    return _Search(_at_ranges(rate_at), learning_rate, forward=False, above=True).in_segments(segments)


def last_step_with_another(segments: Sequence[Segment], rate_at: Rate, learning_rate: float) -> int | None:
    """The last step whose rate is above the given one, or below it."""
    found = (
        _Search(_at_ranges(rate_at), learning_rate, forward=False, above=above).in_segments(segments)
        for above in (True, False)
    )
    return max((step for step in found if step is not None), default=None)


def _at_ranges(rate_at: Rate) -> Rate:
    """The rate of a schedule, at ranges too."""
    # Not arange up to the stop: 2**63 makes floats of them all.
    return lambda step: rate_at(step.start + np.arange(count_of(step)) if isinstance(step, range) else step)


class NotFoundError(ValueError):
    """A search has looked at as much as it may."""


@dataclass
class _Work:
    """What a search may still look at."""

    windows: int = MOST_WINDOWS
    cycles: int = MOST_CYCLES

    def take(self, kind: str, most: int) -> None:
        """One more, or the error that says that it isn't found."""
        if getattr(self, kind) == 0:
            raise NotFoundError(
                f"{most} {kind} of the schedule have been looked at, and it may still be found later; "
                "give the schedule an end with then, or cooled_down"
            )
        setattr(self, kind, getattr(self, kind) - 1)


@dataclass
class _Search:
    """A search for the first or the last step with a rate below a given one, or above it.

    Attributes
    ----------
    rate_at : callable
        The rate at a step.
    learning_rate : float
        The rate that it is compared with.
    forward : bool
        Whether it is the first step, or the last one.
    above : bool
        Whether the rate is a higher one, or a lower one.
    work : _Work
        How much may be looked at.
    """

    rate_at: Rate
    learning_rate: float
    forward: bool
    above: bool
    work: _Work = field(default_factory=_Work)
    extremes: Extremes = field(init=False)

    def __post_init__(self) -> None:
        self.extremes = Extremes(self.above)

    def holds(self, rate: Any) -> Any:
        """Whether a rate, or which of some rates, is what is searched for."""
        return rate > self.learning_rate if self.above else rate < self.learning_rate

    def holds_at(self, step: int) -> bool:
        """Whether the rate at a step is."""
        return bool(self.holds(self.rate_at(step)))

    def in_order(self, things: Sequence[Found]) -> Iterable[Found]:
        """In the order in which they are searched."""
        return things if self.forward else reversed(things)

    def in_segments(self, segments: Sequence[Segment]) -> int | None:
        """The step in the first of some segments, in the order of the search, that have one."""
        found = (self.in_segment(segment) for segment in self.in_order(segments))
        return next((step for step in found if step is not None), None)

    def in_segment(self, segment: Segment) -> int | None:
        """The step in a segment."""
        return _FOUND[segment](segment, self)

    def in_constant(self, segment: ConstantSegment) -> int | None:
        """The first step, or the last one."""
        edge = segment.start if self.forward else segment.stop - 1
        return edge if self.holds(segment.rate) else None

    def in_monotone(self, start: int, stop: int) -> int | None:
        """The step among some on which the rate is monotone."""
        near, far = (start, stop - 1) if self.forward else (stop - 1, start)
        if self.holds_at(near):
            return near
        if not self.holds_at(far):
            return None
        if self.forward:
            return first_step_where(self.holds_at, start + 1, stop - 1)
        return first_step_where(lambda step: not self.holds_at(step), start + 1, stop - 1) - 1

    def in_staircase(self, segment: StaircaseSegment) -> int | None:
        """The first step of a run, or its last."""
        of_runs = replace(self, rate_at=_rate_of_run(segment, self.rate_at))
        run = of_runs.in_segment(segment.runs)
        if run is None:
            return None
        return (
            max(segment.first_step(run), segment.start)
            if self.forward
            else min(segment.first_step(run + 1), segment.stop) - 1
        )

    def in_cyclic(self, segment: CyclicSegment) -> int | None:
        self.work.take("cycles", MOST_CYCLES)
        first, last = segment.cycle(segment.start), segment.cycle(segment.stop - 1)
        near, far = (first, last) if self.forward else (last, first)
        found = self.in_monotone(*segment.steps_of(near))
        if found is not None or near == far:
            return found
        for margin in (1, 0, -1):
            missed = 0
            for number in islice(
                self.numbers_of_cycles(segment, range(first + 1, last), margin), MOST_MISSES
            ):
                found = self.in_monotone(*segment.steps_of(number))
                if found is not None:
                    return found
                missed += 1
            if missed < MOST_MISSES:
                break
        return self.in_monotone(*segment.steps_of(far))

    def numbers_of_cycles(self, segment: CyclicSegment, numbers: range, margin: int) -> Iterator[int]:
        """Those of some whole cycles that may have a step, in the order of the search.

        The rate is a monotone function of the distance from the end of a cycle, divided by where the cycle ends.  So
        the steps with a low, or a high, rate lie within a distance from the end of cycle ``n``, or from its
        beginning, that grows with ``n``.  With a margin of 1, rounding errors hide none; with one of -1, they let
        none pass that has no such step.
        """
        strips = strips_of(segment, self.holds, numbers, margin)
        for strip in self.in_order([strip for strip in strips if strip.start < strip.stop]):
            number = strip.first() if self.forward else strip.last()
            while number is not None:
                yield number
                if self.forward:
                    number = strip._replace(start=number + 1).first()
                else:
                    number = strip._replace(stop=number).last()

    def in_periodic(self, segment: PeriodicSegment) -> int | None:
        self.work.take("cycles", MOST_CYCLES)
        if segment.period.denominator > MOST_DIFFERENT_CYCLES:
            return self.in_windows(segment)
        extreme = self.extremes.of(segment)
        if extreme is not None and not self.holds_at(extreme):
            return None
        first, last = segment.cycle(segment.start), segment.cycle(segment.stop - 1)
        near, far = (first, last) if self.forward else (last, first)
        found = self.in_segments(segments_of_cycle(segment, near))
        if found is not None or near == far:
            return found
        numbers = [self.first_cycle(segment, alike) for alike in segment.alike(range(first + 1, last))]
        known = [number for number in numbers if number is not None]
        if known:
            return self.in_segments(segments_of_cycle(segment, min(known) if self.forward else max(known)))
        return self.in_segments(segments_of_cycle(segment, far))

    def first_cycle(self, segment: PeriodicSegment, numbers: range) -> int | None:
        """The first, in the order of the search, of some cycles that have their steps at the same places.

        From cycle to cycle rates get nearer to their end: whether something holds in a cycle doesn't change back.
        """
        begin = segment.first_step(numbers[0])
        if begin == segment.first_step(numbers[0] + 1):
            return None
        extreme = self.extremes.of_cycle(segment, numbers[0])

        def holds_in(number: int) -> bool:
            if extreme is None:
                return self.in_segments(segments_of_cycle(segment, number)) is not None
            # A gain, an offset and bounds leave the step with the least rate where it is.
            return self.holds_at(segment.first_step(number) + extreme - begin)

        ordered = numbers if self.forward else numbers[::-1]
        if holds_in(ordered[0]):
            return ordered[0]
        if not holds_in(ordered[-1]):
            return None
        count = count_of(ordered)
        return ordered[first_step_where(lambda k: holds_in(ordered[k]), 1, count - 1)]

    def in_windows(self, segment: IrregularSegment) -> int | None:
        """The step, looked for in windows in which it may lie."""
        for window in self.windows(segment):
            found = np.flatnonzero(self.holds(self.rate_at(window)))
            if len(found):
                return window[int(found[0 if self.forward else -1])]
        return None

    def windows(self, segment: IrregularSegment) -> Iterator[range]:
        """Short ranges of steps in which something may hold, those that are searched first first."""
        left = [range(segment.start, segment.stop)]
        while left:
            self.work.take("windows", MOST_WINDOWS)
            window = left.pop()
            if not self.possible(segment, window):
                continue
            count = count_of(window)
            if count <= STEPS_PER_ROUND:
                yield window
                continue
            # Near steps in short windows: how far a segment goes is often not known.
            middle = window.start + max(STEPS_PER_ROUND, count // 4)
            halves = [range(window.start, middle), range(middle, window.stop)]
            left.extend(reversed(list(self.in_order(halves))))

    def possible(self, segment: IrregularSegment, window: range) -> bool:
        """Whether something may hold at a step."""
        bounds = enclosure(
            segment.piece, as_point(Fraction(window.start)), as_point(Fraction(window.stop - 1))
        )
        return any(self.holds(rate[0]) for rate in bounds)


_FOUND: Operation[int | None] = Operation(
    "search it",
    Segment,
    {
        ConstantSegment: lambda segment, search: search.in_constant(segment),
        SmoothSegment: lambda segment, search: search.in_monotone(segment.start, segment.stop),
        StaircaseSegment: lambda segment, search: search.in_staircase(segment),
        CyclicSegment: lambda segment, search: search.in_cyclic(segment),
        PeriodicSegment: lambda segment, search: search.in_periodic(segment),
        IrregularSegment: lambda segment, search: search.in_windows(segment),
    },
)


def _rate_of_run(segment: StaircaseSegment, rate_at: Rate) -> Rate:
    """The rate of a run of a staircase, or those of some runs."""

    def rate_of(run: Any) -> Any:
        if isinstance(run, np.ndarray):
            return rate_at(np.array([max(segment.first_step(each), segment.start) for each in run.tolist()]))
        if not isinstance(run, range):
            return rate_at(max(segment.first_step(run), segment.start))
        first_steps = rounded_up(segment.origin + run.start * segment.period, segment.period, count_of(run))
        return rate_at(np.maximum(first_steps, segment.start))

    return rate_of
