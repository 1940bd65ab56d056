"""Evaluate schedules on grids of steps: each part in the way that is fastest there."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.blocks import (
    buffer,
    FEWEST_IN_A_PIECE,
    fill_directly,
    fill_pieces,
    fill_smooth,
    grid_pair,
    streamed,
    write,
)
from lrdecay_native.engines import engine
from lrdecay_native.evaluation import PointPair, Rates
from lrdecay_native.parts import Broken, Constant, Cycles, Part, Repeats, Smooth, Stairs, scale_of
from lrdecay_native.pieces import Node, Piece, as_point
from lrdecay_native.similar_cycles import fill_similar_cycles, worth_filling
from lrdecay_native.stretches import Indices, rounded_up, stretch_bounds
from lrdecay_native.validation import STEP_LIMIT

SEGMENT = 2**23
"""Steps per round where intermediate results must not grow with the grid, or nothing else interrupts."""

COPIED = 2**20
"""Steps per round where what is evaluated is copied: they stay in the processor's cache."""

SHORTEST_RUN = 2
"""Staircases with shorter runs are evaluated step by step."""

SHORTEST_CYCLE = 2 * FEWEST_IN_A_PIECE
"""Schedules with shorter cycles are evaluated step by step."""


SHORTEST_TILE = 2**11
"""Steps; shorter cycles are copied many at once."""


def evaluate_grid(parts: Sequence[Part], steps: range, out: npt.NDArray[Any]) -> None:
    """Write the values at a range of steps into a one-dimensional array."""
    if len(steps) == 0:
        return
    if steps.step < 0:
        evaluate_grid(parts, steps[::-1], out[::-1])
        return
    if not (out.flags.c_contiguous and out.flags.aligned and out.dtype.isnative):
        for first in range(0, len(steps), COPIED):
            segment = np.empty(len(steps[first : first + COPIED]), out.dtype.newbyteorder("="))
            evaluate_grid(parts, steps[first : first + COPIED], segment)
            out[first : first + COPIED] = segment
        return
    if len(parts) == 1:
        fill(parts[0], steps, out)
        return
    first = 0
    for part in parts[bisect_right(parts, steps.start, key=_stop) :]:
        last = min(index_of(part.stop, steps), len(steps))
        if first < last:
            fill(part, steps[first:last], out[first:last])
        if last == len(steps):
            return
        first = last


def _stop(part: Part) -> int:
    return part.stop


def index_of(step: int, steps: range) -> int:
    """How many of the steps of a range that doesn't end are below a step."""
    return -((steps.start - step) // steps.step)


def fill(part: Part, steps: range, out: npt.NDArray[Any]) -> None:
    """Write the values at ascending steps, one at least, within a part."""
    _FILLS[type(part)](part, steps, out)


def _fill_constant(part: Constant, steps: range, out: npt.NDArray[Any]) -> None:
    if not streamed(out):
        out.fill(part.rate)
        return
    for some in strips(out):
        write(some, "runs", np.array([part.rate], out.dtype), np.array([0, len(some)]))


def strips(out: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """A vector in parts that take some hundredths of a second; none is streamed unless the whole is."""
    return (out[first : first + SEGMENT] for first in range(0, len(out), SEGMENT))


def _fill_smooth(part: Smooth, steps: range, out: npt.NDArray[Any]) -> None:
    fill_smooth(part.chain, steps, out)


def _fill_cycles(part: Cycles, steps: range, out: npt.NDArray[Any]) -> None:
    if part.similar and not part.bounded and worth_filling(part.period, steps):
        first, written = _fill_similar(part, part.chain, part.end_rate, steps, out)
        for rest in (slice(0, first), slice(written, len(steps))):
            _fill_each_cycle(part, steps[rest], out[rest])
    else:
        _fill_each_cycle(part, steps, out)


def _fill_similar(
    part: Cycles | Repeats, rates: Rates, offset: PointPair, steps: range, out: npt.NDArray[Any]
) -> tuple[int, int]:
    """Write the values of cycles that differ by a factor; from which index to below which they are written."""
    number = part.cycle(steps.start)
    # Before the part its rates may be others.
    begin = next(step for step in map(part.first_step, (number, number + 1)) if step >= part.start)
    first = max(begin - steps.start, 0)
    written = fill_similar_cycles(rates, offset, begin, int(part.period), steps[first:], out[first:])
    return first, first + written


def _fill_each_cycle(part: Cycles, steps: range, out: npt.NDArray[Any]) -> None:
    if len(steps) == 0:
        return
    if part.period < SHORTEST_CYCLE * steps.step:
        fill_directly(part.chain, steps, out)
    elif part.bounded:
        _fill_bounded_cycles(part, steps, out)
    else:
        fill_pieces(part.chain, steps, out, _cycle_bounds(part, steps))


def _cycle_bounds(part: Cycles, steps: range) -> Indices:
    """The indices at which cycles begin, and the number of steps."""
    first, last = part.cycle(steps.start), part.cycle(steps[-1])
    if first == last:
        return np.array([0, len(steps)])
    # Behind the end of a cycle: the next multiple of what all ends are multiples of.
    end = part.origin + first * part.period
    behind = end + Fraction(1, math.lcm(end.denominator, part.period.denominator))
    distances = rounded_up(behind - steps.start, part.period, last - first)
    return np.concatenate([[0], -(-distances // steps.step), [len(steps)]])


def _fill_bounded_cycles(part: Cycles, steps: range, out: npt.NDArray[Any]) -> None:
    first, number = 0, part.cycle(steps.start)
    while first < len(steps):
        last = min(index_of(part.stop_of(number), steps), len(steps))
        if first < last:
            within = steps[first:last]
            evaluate_grid(tuple(part.parts(within[0], within[-1] + 1)), within, out[first:last])
        first, number = last, number + 1


def _fill_repeats(part: Repeats, steps: range, out: npt.NDArray[Any]) -> None:
    if part.curve.gain != 1.0 and worth_filling(part.period, steps):
        first, written = _fill_similar(part, part.unbounded.chain, as_point(part.offset), steps, out)
        _keep_bounds(part.piece, out[first:written])
        for rest in (slice(0, first), slice(written, len(steps))):
            _fill_broken(part, steps[rest], out[rest])
    elif part.curve.gain == 1.0 and _worth_copying(part.period, steps):
        _fill_like_the_first(part, steps, out)
    else:
        _fill_broken(part, steps, out)


def _worth_copying(period: Fraction, steps: range) -> bool:
    return period.denominator == 1 and steps.step == 1 and len(steps) >= 2 * period


def _fill_like_the_first(part: Repeats, steps: range, out: npt.NDArray[Any]) -> None:
    """Cycles that are all alike: the first whole one is copied."""
    period = int(part.period)
    number = part.cycle(steps.start - 1) + 1
    begin = part.first_step(number) - steps.start
    done = begin + period
    cycle = part.whole_cycle
    first = cycle[0].start
    evaluate_grid(cycle, range(first, first + period), out[begin:done])
    for first in range(0, begin, SEGMENT):
        last = min(first + SEGMENT, begin)
        out[first:last] = out[period + first : period + last]
    while done < len(out) and done - begin < SHORTEST_TILE:
        count = min(done - begin, len(out) - done)
        out[done : done + count] = out[begin : begin + count]
        done += count
    through = buffer(out)
    length = done - begin
    for first in range(done, len(out), SEGMENT):
        tiled = out[first - length : first + SEGMENT]
        engine.write_tiles(tiled, 0, length, through)


def _fill_broken(part: Broken, steps: range, out: npt.NDArray[Any]) -> None:
    piece, rates = part.unbounded.piece, part.unbounded.chain
    for first in range(0, len(steps), SEGMENT):
        some, values = steps[first : first + SEGMENT], out[first : first + SEGMENT]
        known = _known_rates(piece, some)
        if known is not None:
            values[:] = known
            continue
        bounds = stretch_bounds(piece, some)
        if bounds is None:
            fill_directly(rates, some, values)
        elif isinstance(piece.curve, Node) and piece.curve.straight and scale_of(piece.time_maps) is not None:
            _fill_lines(rates, some, values, bounds)
        else:
            fill_pieces(rates, some, values, bounds)
    _keep_bounds(part.piece, out)


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
    return piece.curve.at_whole_numbers(steps.start - int(scale.origin), len(steps))


def _fill_stairs(part: Stairs, steps: range, out: npt.NDArray[Any]) -> None:
    # Numbers of runs may be above those of all steps, where a schedule begins in its midst.
    if part.period < SHORTEST_RUN * steps.step or part.run(steps[-1]) >= STEP_LIMIT:
        fill_directly(part.chain, steps, out)
        return
    for first in range(0, len(steps), SEGMENT):
        segment = slice(first, first + SEGMENT)
        _fill_runs(part, steps[segment], out[segment])


def _fill_runs(part: Stairs, steps: range, out: npt.NDArray[Any]) -> None:
    runs = range(part.run(steps.start), part.run(steps[-1]) + 1)
    rates = np.empty(len(runs), out.dtype)
    fill(part.rates, runs, rates)
    starts = np.empty(len(runs) + 1, np.int64)
    starts[0], starts[-1] = 0, len(steps)
    if len(runs) > 1:
        offset = part.origin + runs[1] * part.period - steps.start
        distances = rounded_up(offset, part.period, len(runs) - 1)
        starts[1:-1] = distances if steps.step == 1 else -(-distances // steps.step)
    write(out, "runs", rates, starts)


_FILLS: dict[type[Any], Callable[[Any, range, npt.NDArray[Any]], None]] = {
    Constant: _fill_constant,
    Smooth: _fill_smooth,
    Stairs: _fill_stairs,
    Cycles: _fill_cycles,
    Repeats: _fill_repeats,
    Broken: _fill_broken,
}
