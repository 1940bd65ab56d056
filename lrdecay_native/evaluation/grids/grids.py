"""Evaluate schedules on grids of steps: each segment in the way that is fastest there."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.arithmetic.scalars import DoubleDoubleScalar, as_point
from lrdecay_native.codegen.tuning import CACHE_LINE_BYTES
from lrdecay_native.engines import engine
from lrdecay_native.evaluation.grids.blocks import (
    SHORTEST_INTERVAL_STEPS,
    buffer,
    fill_directly,
    fill_intervals,
    fill_smooth,
    grid_pair,
    streamed,
    write,
)
from lrdecay_native.evaluation.grids.geometric_cycles import fill_similar_cycles, worth_filling
from lrdecay_native.evaluation.points.pairs import Doubles, Rates
from lrdecay_native.evaluation.segments.breakpoints import Indices, interval_bounds, rounded_up
from lrdecay_native.evaluation.segments.cycles import segments_within_cycle, whole_cycle
from lrdecay_native.evaluation.segments.segmentation import scale_of
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
from lrdecay_native.piecewise.pieces import Node, Piece
from lrdecay_native.validation import STEP_LIMIT

STEPS_PER_ROUND = 2**23
"""Steps per round where intermediate results must not grow with the grid, or nothing else interrupts."""

COPIED_STEPS = 2**20
"""Steps per round where what is evaluated is copied: they stay in the processor's cache."""

SHORTEST_RUN_STEPS = 2
"""Staircases with shorter runs are evaluated step by step."""

SHORTEST_CYCLE_STEPS = 2 * SHORTEST_INTERVAL_STEPS
"""Schedules with shorter cycles are evaluated step by step."""

SHORTEST_TILE_STEPS = 2**11
"""Shorter cycles are copied many at once."""


def evaluate_grid(segments: Sequence[Segment], steps: range, out: npt.NDArray[Any]) -> None:
    """Write the values at a range of steps into a one-dimensional array."""
    if len(steps) == 0:
        return
    if steps.step < 0:
        evaluate_grid(segments, steps[::-1], out[::-1])
        return
    if not (out.flags.c_contiguous and out.flags.aligned and out.dtype.isnative):
        for first in range(0, len(steps), COPIED_STEPS):
            copy = np.empty(len(steps[first : first + COPIED_STEPS]), out.dtype.newbyteorder("="))
            evaluate_grid(segments, steps[first : first + COPIED_STEPS], copy)
            out[first : first + COPIED_STEPS] = copy
        return
    if len(segments) == 1:
        fill(segments[0], steps, out)
        return
    first = 0
    for segment in segments[bisect_right(segments, steps.start, key=_stop) :]:
        last = min(index_of(segment.stop, steps), len(steps))
        if first < last:
            fill(segment, steps[first:last], out[first:last])
        if last == len(steps):
            return
        first = last


def _stop(segment: Segment) -> int:
    return segment.stop


def index_of(step: int, steps: range) -> int:
    """How many of the steps of a range that doesn't end are below a step."""
    return -((steps.start - step) // steps.step)


def fill(segment: Segment, steps: range, out: npt.NDArray[Any]) -> None:
    """Write the values at ascending steps, one at least, within a segment."""
    _FILL[segment](segment, steps, out)


def _fill_constant(segment: ConstantSegment, steps: range, out: npt.NDArray[Any]) -> None:
    if not streamed(out):
        out.fill(segment.rate)
        return
    for some in strips(out):
        write(some, "runs", np.array([segment.rate], out.dtype), np.array([0, len(some)]))


def strips(out: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """A vector in parts that take some hundredths of a second; none is streamed unless the whole is.

    They are about equally long: a short last part of what is streamed would go through the cache.  All begin where
    the vector does on a line of the cache: else they would be streamed at half the speed.
    """
    count = -(-len(out) // STEPS_PER_ROUND)
    begins = (len(out) * k // count // CACHE_LINE_BYTES * CACHE_LINE_BYTES for k in range(count))
    return (out[first:last] for first, last in pairwise([*begins, len(out)]))


def _fill_smooth(segment: SmoothSegment, steps: range, out: npt.NDArray[Any]) -> None:
    fill_smooth(segment.pipeline, steps, out)


def _fill_cyclic(segment: CyclicSegment, steps: range, out: npt.NDArray[Any]) -> None:
    if segment.similar and not segment.bounded and worth_filling(segment.period, steps):
        first, written = _fill_similar(segment, segment.pipeline, segment.end_rate, steps, out)
        for rest in (slice(0, first), slice(written, len(steps))):
            _fill_each_cycle(segment, steps[rest], out[rest])
    else:
        _fill_each_cycle(segment, steps, out)


def _fill_similar(
    segment: CyclicSegment | PeriodicSegment,
    rates: Rates,
    offset: DoubleDoubleScalar,
    steps: range,
    out: npt.NDArray[Any],
) -> tuple[int, int]:
    """Write the values of cycles that differ by a factor; from which index to below which they are written."""
    number = segment.cycle(steps.start)
    # Before the segment its rates may be others.
    begin = next(step for step in map(segment.first_step, (number, number + 1)) if step >= segment.start)
    first = max(begin - steps.start, 0)
    written = fill_similar_cycles(rates, offset, begin, int(segment.period), steps[first:], out[first:])
    return first, first + written


def _fill_each_cycle(segment: CyclicSegment, steps: range, out: npt.NDArray[Any]) -> None:
    if len(steps) == 0:
        return
    if segment.period < SHORTEST_CYCLE_STEPS * steps.step:
        fill_directly(segment.pipeline, steps, out)
    elif segment.bounded:
        _fill_bounded_cycles(segment, steps, out)
    else:
        fill_intervals(segment.pipeline, steps, out, _cycle_bounds(segment, steps))


def _cycle_bounds(segment: CyclicSegment, steps: range) -> Indices:
    """The indices at which cycles begin, and the number of steps."""
    first, last = segment.cycle(steps.start), segment.cycle(steps[-1])
    if first == last:
        return np.array([0, len(steps)])
    # Behind the end of a cycle: the next multiple of what all ends are multiples of.
    end = segment.origin + first * segment.period
    behind = end + Fraction(1, math.lcm(end.denominator, segment.period.denominator))
    distances = rounded_up(behind - steps.start, segment.period, last - first)
    return np.concatenate([[0], -(-distances // steps.step), [len(steps)]])


def _fill_bounded_cycles(segment: CyclicSegment, steps: range, out: npt.NDArray[Any]) -> None:
    first, number = 0, segment.cycle(steps.start)
    while first < len(steps):
        last = min(index_of(segment.stop_of(number), steps), len(steps))
        if first < last:
            within = steps[first:last]
            evaluate_grid(
                tuple(segments_within_cycle(segment, within[0], within[-1] + 1)), within, out[first:last]
            )
        first, number = last, number + 1


def _fill_periodic(segment: PeriodicSegment, steps: range, out: npt.NDArray[Any]) -> None:
    if segment.curve.gain != 1.0 and worth_filling(segment.period, steps):
        first, written = _fill_similar(
            segment, segment.unbounded.pipeline, as_point(segment.offset), steps, out
        )
        _keep_bounds(segment.piece, out[first:written])
        for rest in (slice(0, first), slice(written, len(steps))):
            _fill_irregular(segment, steps[rest], out[rest])
    elif segment.curve.gain == 1.0 and _worth_copying(segment.period, steps):
        _fill_like_the_first(segment, steps, out)
    else:
        _fill_irregular(segment, steps, out)


def _worth_copying(period: Fraction, steps: range) -> bool:
    return period.denominator == 1 and steps.step == 1 and len(steps) >= 2 * period


def _fill_like_the_first(segment: PeriodicSegment, steps: range, out: npt.NDArray[Any]) -> None:
    """Cycles that are all alike: the first whole one is copied."""
    period = int(segment.period)
    number = segment.cycle(steps.start - 1) + 1
    begin = segment.first_step(number) - steps.start
    done = begin + period
    cycle = whole_cycle(segment)
    first = cycle[0].start
    evaluate_grid(cycle, range(first, first + period), out[begin:done])
    for first in range(0, begin, STEPS_PER_ROUND):
        last = min(first + STEPS_PER_ROUND, begin)
        out[first:last] = out[period + first : period + last]
    while done < len(out) and done - begin < SHORTEST_TILE_STEPS:
        count = min(done - begin, len(out) - done)
        out[done : done + count] = out[begin : begin + count]
        done += count
    through = buffer(out)
    length = done - begin
    for first in range(done, len(out), STEPS_PER_ROUND):
        tiled = out[first - length : first + STEPS_PER_ROUND]
        engine.write_tiles(tiled, 0, length, through)


def _fill_irregular(segment: IrregularSegment, steps: range, out: npt.NDArray[Any]) -> None:
    piece, rates = segment.unbounded.piece, segment.unbounded.pipeline
    for first in range(0, len(steps), STEPS_PER_ROUND):
        some, values = steps[first : first + STEPS_PER_ROUND], out[first : first + STEPS_PER_ROUND]
        known = _known_rates(piece, some)
        if known is not None:
            values[:] = known
            continue
        bounds = interval_bounds(piece, some)
        if bounds is None:
            fill_directly(rates, some, values)
        elif piece.curve.every is not None and piece.curve.straight and scale_of(piece.time_maps) is not None:
            _fill_lines(rates, some, values, bounds)
        else:
            fill_intervals(rates, some, values, bounds)
    _keep_bounds(segment.piece, out)


def _keep_bounds(piece: Piece, out: npt.NDArray[Any]) -> None:
    for some in strips(out):
        if piece.lowest > 0:
            np.maximum(some, out.dtype.type(float(piece.lowest)), out=some)
        if piece.highest < math.inf:
            np.minimum(some, out.dtype.type(float(piece.highest)), out=some)


def _fill_lines(rates: Rates, steps: range, out: npt.NDArray[Any], bounds: Indices) -> None:
    """Straight lines, from each of the bounds, which are indices, to below the next."""
    first, last = (rates.on_arrays(grid_pair(steps, ends)) for ends in (bounds[:-1], bounds[1:] - 1))
    write(out, "lines", bounds, *first, *last)


def _known_rates(piece: Piece, steps: range) -> npt.NDArray[np.float64] | None:
    """The rates that need no computation: those of a table with one for each step."""
    scale = scale_of(piece.time_maps)
    if not isinstance(piece.curve, Node) or scale is None or steps.step != 1:
        return None
    if scale.size != 1 or scale.origin.denominator != 1 or piece.factor != 1 or piece.offset != 0:
        return None
    rates: Doubles | None = piece.curve.at_whole_numbers(steps.start - int(scale.origin), len(steps))
    return rates


def _fill_staircase(segment: StaircaseSegment, steps: range, out: npt.NDArray[Any]) -> None:
    # Numbers of runs may be above those of all steps, where a schedule begins in its midst.
    if segment.period < SHORTEST_RUN_STEPS * steps.step or segment.run(steps[-1]) >= STEP_LIMIT:
        fill_directly(segment.pipeline, steps, out)
        return
    for first in range(0, len(steps), STEPS_PER_ROUND):
        some = slice(first, first + STEPS_PER_ROUND)
        _fill_runs(segment, steps[some], out[some])


def _fill_runs(segment: StaircaseSegment, steps: range, out: npt.NDArray[Any]) -> None:
    runs = range(segment.run(steps.start), segment.run(steps[-1]) + 1)
    rates = np.empty(len(runs), out.dtype)
    fill(segment.rates, runs, rates)
    starts = np.empty(len(runs) + 1, np.int64)
    starts[0], starts[-1] = 0, len(steps)
    if len(runs) > 1:
        offset = segment.origin + runs[1] * segment.period - steps.start
        distances = rounded_up(offset, segment.period, len(runs) - 1)
        starts[1:-1] = distances if steps.step == 1 else -(-distances // steps.step)
    write(out, "runs", rates, starts)


_FILL: Operation[None] = Operation(
    "fill a grid",
    Segment,
    {
        ConstantSegment: _fill_constant,
        SmoothSegment: _fill_smooth,
        StaircaseSegment: _fill_staircase,
        CyclicSegment: _fill_cyclic,
        PeriodicSegment: _fill_periodic,
        IrregularSegment: _fill_irregular,
    },
)
