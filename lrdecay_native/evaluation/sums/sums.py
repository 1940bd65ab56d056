"""Sums of a schedule over any number of steps: each segment in its own way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from lrdecay_native.evaluation.bisection import first_step_where
from lrdecay_native.evaluation.lattice_points import Line
from lrdecay_native.evaluation.points.pipelines import Pipeline
from lrdecay_native.evaluation.segments.breakpoints import interval_bounds, rounded_up
from lrdecay_native.evaluation.segments.cycles import segments_of_cycle, segments_within_cycle
from lrdecay_native.evaluation.segments.segments import (
    ConstantSegment,
    CyclicSegment,
    IrregularSegment,
    PeriodicSegment,
    Segment,
    SmoothSegment,
    StaircaseSegment,
)
from lrdecay_native.evaluation.sums.cycles import geometric_sum, sum_of_cycles_of_lines, sum_of_similar_cycles
from lrdecay_native.evaluation.sums.polynomials import exactly
from lrdecay_native.evaluation.sums.quadrature import quadrature
from lrdecay_native.evaluation.sums.rates import as_fraction, rates_from, rates_of_steps, smooth_sum
from lrdecay_native.evaluation.sums.runs import settled_at, sum_of_smooth_runs
from lrdecay_native.evaluation.sums.tuning import (
    FEW_INTERVALS,
    LARGEST_DENOMINATOR,
    MOST_CYCLES,
    MOST_INTERVALS,
    MOST_STEPS,
    NEGLIGIBLE,
    RUNS_PER_ROUND,
    SHORTEST_CYCLE_STEPS,
    SHORTEST_REPEAT_STEPS,
    STEPS_PER_ROUND,
    STEPS_PER_SEARCH,
)
from lrdecay_native.kinds import Operation


def total(segments: Sequence[Segment], steps: range) -> float:
    """The sum of the rates of these steps."""
    return float(_sum(segments, steps))


def mean(segments: Sequence[Segment], steps: range) -> float:
    """The mean of the rates of these steps, of which there is one at least."""
    return float(_sum(segments, steps) / (steps.stop - steps.start))


def _sum(segments: Sequence[Segment], steps: range) -> Fraction:
    counted = _Sums(only_counted=True)
    result = counted.of_segments(segments, steps)
    if counted.singly > MOST_STEPS:
        raise ValueError(
            f"{counted.singly} rates would have to be added one by one; sum up to {MOST_STEPS} steps at a time"
        )
    return _Sums(only_counted=False).of_segments(segments, steps) if counted.singly else result


@dataclass
class _Sums:
    """Sums of the rates of segments.

    Attributes
    ----------
    only_counted : bool
        Whether steps that would have to be added one by one are counted instead.
    singly : int
        How many they are.
    known : dict
        The sums of what repeats, for each curve and range of its own steps: in cycles within cycles the same ones
        come again and again.
    """

    only_counted: bool
    singly: int = 0
    known: dict[Any, Fraction] = field(default_factory=dict)

    def of_segments(self, segments: Iterable[Segment], steps: range) -> Fraction:
        """The sum over those of the steps that are in some segments."""
        result = Fraction(0)
        for segment in segments:
            start, stop = max(segment.start, steps.start), min(segment.stop, steps.stop)
            if start < stop:
                result += self.of_segment(replace(segment, start=start, stop=stop))
        return result

    def of_segment(self, segment: Segment) -> Fraction:
        """The sum over all steps of a segment."""
        return _SUM[segment](segment, self)

    def of_single_steps(self, pipeline: Pipeline, start: int, stop: int) -> Fraction:
        """The sum over steps, one by one."""
        self.singly += stop - start
        result = Fraction(0)
        if self.only_counted:
            return result
        for first in range(start, stop, STEPS_PER_ROUND):
            result += exactly(np.sum(rates_of_steps(pipeline, first, min(STEPS_PER_ROUND, stop - first))))
        return result

    def of_staircase(self, segment: StaircaseSegment) -> Fraction:
        rates = segment.rates
        if isinstance(rates, StaircaseSegment) and rates.origin.denominator == rates.period.denominator == 1:
            # So many runs together are one.
            origin, period = segment.origin + rates.origin * segment.period, segment.period * rates.period
            return self.of_staircase(replace(segment, origin=origin, period=period, rates=rates.rates))
        if segment.period < 1:
            return self.of_single_steps(
                segment.pipeline,
                segment.start,
                settled_at(segment, segment.pipeline, segment.start, segment.stop),
            )
        first, last = segment.run(segment.start), segment.run(segment.stop - 1)
        if first == last:
            return self.of_runs(rates, range(first, first + 1)) * (segment.stop - segment.start)
        result = self.of_runs(rates, range(first, first + 1)) * (
            segment.first_step(first + 1) - segment.start
        )
        result += self.of_runs(rates, range(last, last + 1)) * (segment.stop - segment.first_step(last))
        return result + self.of_whole_runs(segment, range(first + 1, last))

    def of_runs(self, rates: Segment, runs: range) -> Fraction:
        """The sum of the rates of runs, each taken once."""
        return self.of_segments([replace(rates, start=runs.start, stop=runs.stop)], runs)

    def of_whole_runs(self, segment: StaircaseSegment, runs: range) -> Fraction:
        """The sum over the steps of whole runs."""
        if runs.start == runs.stop:
            return Fraction(0)
        if segment.period.denominator == 1:
            return segment.period * self.of_runs(segment.rates, runs)
        denominator = segment.period.denominator
        if isinstance(segment.rates, SmoothSegment) and denominator <= LARGEST_DENOMINATOR:
            # Runs that are a multiple of the denominator apart are equally long.
            sums = (
                smooth_sum(segment.rates.pipeline, run, runs.stop, denominator) for run in runs[:denominator]
            )
            lengths = (segment.first_step(run + 1) - segment.first_step(run) for run in runs[:denominator])
            return sum(map(Fraction.__mul__, sums, map(Fraction, lengths)), Fraction(0))
        if isinstance(segment.rates, SmoothSegment):
            return sum_of_smooth_runs(segment.rates.pipeline, Line(segment.origin, segment.period), runs)
        settled = settled_at(segment, segment.rates.pipeline, runs.start, runs.stop)
        self.singly += settled - runs.start
        result = Fraction(0)
        if self.only_counted:
            return result
        for first in range(runs.start, settled, RUNS_PER_ROUND):
            count = min(RUNS_PER_ROUND, settled - first)
            ends = rounded_up(segment.origin + first * segment.period, segment.period, count + 1)
            result += exactly(np.sum(rates_of_steps(segment.rates.pipeline, first, count) * np.diff(ends)))
        return result

    def of_cyclic(self, segment: CyclicSegment) -> Fraction:
        first, last = segment.cycle(segment.start), segment.cycle(segment.stop - 1)
        distance = segment.period.denominator
        if (
            last - first <= 2 * min(distance, LARGEST_DENOMINATOR)
            or segment.period < 1 < distance > LARGEST_DENOMINATOR
        ):
            return self.of_single_cycles(segment, segment.start, segment.stop)
        if segment.bounded:
            return self.of_bounded_cycles(segment, range(first + 1, last))
        if distance > LARGEST_DENOMINATOR and not segment.straight:
            return self.of_single_cycles(segment, segment.start, segment.stop)
        begin, end = segment.stop_of(first), segment.stop_of(last - 1)
        result = self.of_single_cycles(segment, segment.start, begin) + self.of_single_cycles(
            segment, end, segment.stop
        )
        if distance > LARGEST_DENOMINATOR:
            return result + sum_of_cycles_of_lines(segment, range(first + 1, last))
        # Cycles that are a multiple of the denominator apart have their steps at the same places.
        for number in range(first + 1, first + 1 + distance):
            result += sum_of_similar_cycles(segment, range(number, last, distance))
        return result

    def of_bounded_cycles(self, segment: CyclicSegment, whole: range) -> Fraction:
        """The sum over cycles with bounds.

        From cycle to cycle the rates get nearer to the end rate: once a whole cycle lies within the bounds, or beyond
        one of them, so do those after it.
        """
        if segment.period < 1:
            return self.of_single_cycles(segment, segment.start, segment.stop)
        unbounded = segment.unbounded(segment.start, segment.stop)
        rate = unbounded.rates_by_distance()
        lowest, highest = segment.piece.lowest, segment.piece.highest
        last_rate = as_fraction(rate(Fraction(0)))

        def is_settled(number: int) -> bool:
            rates = last_rate, as_fraction(rate(Fraction(1, number)))
            return (
                lowest <= min(rates) <= max(rates) <= highest or max(rates) <= lowest or min(rates) >= highest
            )

        settled = first_step_where(is_settled, whole.start, whole.stop)
        begin, end = segment.stop_of(settled - 1), segment.stop_of(whole.stop - 1)
        result = self.of_single_cycles(segment, segment.start, begin) + self.of_single_cycles(
            segment, end, segment.stop
        )
        if begin == end:
            return result
        if lowest <= last_rate <= highest:
            return result + self.of_cyclic(segment.unbounded(begin, end))
        return result + Fraction(min(max(last_rate, lowest), highest)) * (end - begin)

    def of_single_cycles(self, segment: CyclicSegment, start: int, stop: int) -> Fraction:
        """The sum over steps, one cycle after another."""
        if start == stop:
            return Fraction(0)
        if segment.period < SHORTEST_CYCLE_STEPS:
            return self.of_single_steps(segment.pipeline, start, stop)
        _refuse_many_cycles(segment.cycle(stop - 1) - segment.cycle(start) + 1)
        result = Fraction(0)
        if self.only_counted:
            self.singly += segment.cycle(stop - 1) - segment.cycle(start) + 1
            return result
        while start < stop:
            end = min(segment.stop_of(segment.cycle(start)), stop)
            if segment.bounded:
                result += self.of_segments(segments_within_cycle(segment, start, end), range(start, end))
            else:
                result += smooth_sum(segment.pipeline, start, end)
            start = end
        return result

    def of_periodic(self, segment: PeriodicSegment) -> Fraction:
        """A sum that is known up to a factor and an offset, or a new one."""
        piece = segment.piece
        factor, offset = Fraction(1), Fraction(0)
        if not piece.bounded:
            factor, offset = piece.factor, piece.offset
            segment = replace(segment, piece=replace(piece, factor=Fraction(1), offset=Fraction(0)))
        bounds = segment.piece.factor, segment.piece.offset, segment.piece.lowest, segment.piece.highest
        key = (
            id(segment.curve),
            segment.period,
            segment.start - segment.origin,
            segment.stop - segment.origin,
            *bounds,
        )
        if key not in self.known:
            self.known[key] = self.of_new_periodic(segment)
        return self.known[key] * factor + offset * (segment.stop - segment.start)

    def of_new_periodic(self, segment: PeriodicSegment) -> Fraction:
        first, last = segment.cycle(segment.start), segment.cycle(segment.stop - 1)
        distance, gain = segment.period.denominator, segment.curve.gain
        whole = range(first + 1, last)
        if (
            # Not len, which ends at 2**63 - 1.
            whole.stop - whole.start <= 2 * min(distance, LARGEST_DENOMINATOR)
            or distance > LARGEST_DENOMINATOR
            or (gain != 1.0 and segment.piece.bounded)
        ):
            return self.of_different_cycles(segment, first, last)
        result = self.of_segments(segments_of_cycle(segment, first), range(segment.start, segment.stop))
        result += self.of_segments(segments_of_cycle(segment, last), range(segment.start, segment.stop))
        # Cycles that are a multiple of the denominator apart have their steps at the same places.
        for number in whole[:distance]:
            begin, end = segment.first_step(number), segment.first_step(number + 1)
            if begin < end:
                rest = segment.offset * (end - begin) if gain != 1.0 else Fraction(0)
                cycles = -((number - last) // distance)
                excess = self.of_segments(segments_of_cycle(segment, number), range(begin, end)) - rest
                result += excess * geometric_sum(Fraction(gain), distance, cycles) + rest * cycles
        return result

    def of_different_cycles(self, segment: PeriodicSegment, first: int, last: int) -> Fraction:
        """The sum over cycles, one after another, until they no longer differ from their end."""
        settled = last + 1
        if segment.curve.gain < 1.0:
            settled = min(settled, first + math.ceil(2 * math.log(NEGLIGIBLE) / math.log(segment.curve.gain)))
        end = min(max(segment.first_step(settled), segment.start), segment.stop)
        rate = Fraction(min(max(segment.offset, segment.piece.lowest), segment.piece.highest))
        result = rate * (segment.stop - end)
        if segment.period < SHORTEST_REPEAT_STEPS:
            return result + self.of_single_steps(segment.pipeline, segment.start, end)
        _refuse_many_cycles(settled - first)
        if self.only_counted and settled - first > 2 * LARGEST_DENOMINATOR:
            before = self.singly
            self.of_segments(segments_of_cycle(segment, first + 1), range(segment.start, segment.stop))
            self.singly += 1 + (self.singly - before) * (settled - first)
            return result
        steps = range(segment.start, end)
        return result + sum(
            (self.of_segments(segments_of_cycle(segment, number), steps) for number in range(first, settled)),
            Fraction(0),
        )

    def of_irregular(self, segment: IrregularSegment) -> Fraction:
        """The sum over stretches, found for some steps at a time."""
        result = Fraction(0)
        start, count = segment.start, STEPS_PER_SEARCH
        while start < segment.stop:
            end = min(start + count, segment.stop)
            bounds = None if segment.piece.bounded else interval_bounds(segment.piece, range(start, end))
            if bounds is None and count > STEPS_PER_SEARCH:
                count = STEPS_PER_SEARCH
                continue
            if bounds is None and segment.stop - start > MOST_STEPS:
                self.singly += segment.stop - start
                return result
            if bounds is None:
                result += self.of_single_steps(segment.pipeline, start, end)
            else:
                stretches = (len(bounds) - 1) * (segment.stop - start) // (end - start)
                if stretches > MOST_INTERVALS:
                    raise ValueError(
                        f"about {stretches} stretches of rates would have to be added one by one; "
                        f"sum up to {MOST_INTERVALS} at a time"
                    )
                if self.only_counted:
                    self.singly += len(bounds)
                    if segment.stop - start > MOST_STEPS:
                        return result
                else:
                    rule = quadrature(rates_from(segment.pipeline, start, 1), bounds[:-1], np.diff(bounds))
                    result += rule.sum()
                if len(bounds) < FEW_INTERVALS:
                    count *= 4
            start = end
        return result


_SUM: Operation[Fraction] = Operation(
    "sum its rates",
    Segment,
    {
        ConstantSegment: lambda segment, sums: Fraction(segment.rate) * (segment.stop - segment.start),
        SmoothSegment: lambda segment, sums: smooth_sum(segment.pipeline, segment.start, segment.stop),
        StaircaseSegment: lambda segment, sums: sums.of_staircase(segment),
        CyclicSegment: lambda segment, sums: sums.of_cyclic(segment),
        PeriodicSegment: lambda segment, sums: sums.of_periodic(segment),
        IrregularSegment: lambda segment, sums: sums.of_irregular(segment),
    },
)


def _refuse_many_cycles(count: int) -> None:
    if count > MOST_CYCLES:
        raise ValueError(
            f"{count} cycles differ and would have to be added one by one; sum up to {MOST_CYCLES} at a time"
        )
