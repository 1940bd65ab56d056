"""Evaluate schedules on grids of steps: each part in the way that is fastest there."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.blocks import FEWEST_IN_A_PIECE, fill_directly, fill_pieces, fill_smooth
from lrdecay_native.engines import engine
from lrdecay_native.evaluation import dtype_of
from lrdecay_native.parts import Constant, Cycles, Part, Smooth, Stairs

SEGMENT = 2**22
"""Steps per round where intermediate results must not grow with the grid."""

SHORTEST_RUN = 2
"""Staircases with shorter runs are evaluated step by step."""

SHORTEST_CYCLE = 2 * FEWEST_IN_A_PIECE
"""Schedules with shorter cycles are evaluated step by step."""

FEW_NUMBERS = 2**12
"""Multiples per round: they stay in the cache, and most fit into 64 bits with all their fraction."""

Indices = npt.NDArray[np.int64]


def evaluate_grid(parts: Sequence[Part], steps: range, out: npt.NDArray[Any]) -> None:
    """Write the values at a range of steps into a one-dimensional array."""
    if len(steps) == 0:
        return
    if steps.step < 0:
        evaluate_grid(parts, steps[::-1], out[::-1])
        return
    if not (out.flags.c_contiguous and out.flags.aligned and out.dtype.isnative):
        for first in range(0, len(steps), SEGMENT):
            segment = np.empty(len(steps[first : first + SEGMENT]), out.dtype.newbyteorder("="))
            evaluate_grid(parts, steps[first : first + SEGMENT], segment)
            out[first : first + SEGMENT] = segment
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
    out.fill(part.rate)


def _fill_smooth(part: Smooth, steps: range, out: npt.NDArray[Any]) -> None:
    fill_smooth(part.chain.on_arrays, steps, out)


def _fill_cycles(part: Cycles, steps: range, out: npt.NDArray[Any]) -> None:
    if part.period < SHORTEST_CYCLE * steps.step:
        fill_directly(part.chain.on_arrays, steps, out)
    elif part.bounded:
        _fill_bounded_cycles(part, steps, out)
    else:
        bounds = _cycle_bounds(part, steps)
        # Only the first and the last cycle may be cut short.
        first, last = bounds[1 if bounds[1] < FEWEST_IN_A_PIECE else 0], len(steps)
        if last - bounds[-2] < FEWEST_IN_A_PIECE:
            last = max(bounds[-2], first)
        for begin, end in ((0, first), (last, len(steps))):
            fill_directly(part.chain.on_arrays, steps[begin:end], out[begin:end])
        if first < last:
            inner = bounds[(bounds >= first) & (bounds <= last)]
            fill_pieces(part.chain.on_arrays, steps[first:last], out[first:last], inner - first)


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


def _fill_stairs(part: Stairs, steps: range, out: npt.NDArray[Any]) -> None:
    if part.period < SHORTEST_RUN * steps.step:
        fill_directly(part.chain.on_arrays, steps, out)
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
    getattr(engine, f"repeat_{dtype_of(out)}")(out, rates, starts)


def rounded_up(offset: Fraction, distance: Fraction, count: int) -> Indices:
    """``ceil(offset + k * distance)`` for ``k`` from 0 to below ``count``, exactly.

    The denominators are powers of two, as those of all sums and products of doubles.
    """
    if distance.denominator == 1:
        return math.ceil(offset) + np.arange(count) * int(distance)
    result = np.empty(count, np.int64)
    for first in range(0, count, FEW_NUMBERS):
        part = result[first : first + FEW_NUMBERS]
        part[:] = _few_rounded_up(offset + first * distance, distance, len(part))
    return result


def _few_rounded_up(offset: Fraction, distance: Fraction, count: int) -> Indices:
    base, whole = math.floor(offset), math.floor(distance)
    denominator = max(offset.denominator, distance.denominator)
    first, each = int((offset - base) * denominator), int((distance - whole) * denominator)
    numbers = np.arange(count)
    result = base + numbers * whole
    if first == each == 0:
        return result
    if first + each * count < 2**63:
        return result - ((-first - each * numbers) >> (denominator.bit_length() - 1))
    estimate = first / denominator + numbers * (each / denominator)
    result += np.ceil(estimate).astype(np.int64)
    # Where the estimate is this close to a whole number, its rounding errors may have moved it past it.
    for k in np.flatnonzero(np.abs(estimate - np.rint(estimate)) < 2.0**-36).tolist():
        result[k] = base + k * whole - ((-first - each * k) // denominator)
    return result


_FILLS: dict[type[Any], Callable[[Any, range, npt.NDArray[Any]], None]] = {
    Constant: _fill_constant,
    Smooth: _fill_smooth,
    Stairs: _fill_stairs,
    Cycles: _fill_cycles,
}
