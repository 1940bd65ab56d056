"""Fill a grid of steps on which a schedule is smooth, by block polynomials."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.arithmetic.block_polynomial import LONGEST_BLOCK, LONGEST_SUB_BLOCK, SHORTEST_BLOCK
from lrdecay_native.engines import engine
from lrdecay_native.evaluation.memory import aligned
from lrdecay_native.evaluation.points.pairs import CHUNK, DoubleDoubleArray, Rates, dtype_of

Indices = npt.NDArray[np.int64]

SPARE_BITS = 2
"""Blocks are no longer than half of an interval: where steps are few, short ones beat two long ones that overlap."""

SHORTEST_INTERVAL_STEPS = (SHORTEST_BLOCK << (SPARE_BITS - 1)) + 1
"""Fewer steps don't make such blocks."""

CACHE_BYTES = 2**24
"""More don't stay in the processor's cache, and are written past it."""

_FIRST_NODE = np.zeros(1, np.int64)


def fill_smooth(rates: Rates, steps: range, out: npt.NDArray[Any]) -> None:
    """Write the values of a smooth schedule at ascending steps into a contiguous vector."""
    if len(steps) < SHORTEST_INTERVAL_STEPS:
        fill_directly(rates, steps, out)
        return
    # Each block is sampled at the step behind it too.
    count = len(steps) - 1
    length = min(LONGEST_BLOCK, 1 << (count.bit_length() - SPARE_BITS))
    starts = np.arange(0, count, length)
    starts[-1] = count - length
    lengths = np.empty_like(starts)
    lengths.fill(length)
    _fill_blocks(rates, steps, out, starts, lengths)


def fill_intervals(rates: Rates, steps: range, out: npt.NDArray[Any], bounds: Indices) -> None:
    """Write the values of a schedule that is smooth from each of the bounds, which are indices, to below the next.

    The first bound is 0, the last one the number of steps; no two are equal.
    """
    lengths = np.diff(bounds)
    long = lengths >= SHORTEST_INTERVAL_STEPS
    if long.any():
        _fill_long_intervals(rates, steps, out, bounds[:-1][long], bounds[1:][long])
    short = ~long
    if short.any():
        firsts, counts = bounds[:-1][short], lengths[short]
        ends = counts.cumsum()
        _fill_at(rates, steps, out, np.arange(ends[-1]) + (firsts - (ends - counts)).repeat(counts))


def _fill_long_intervals(
    rates: Rates, steps: range, out: npt.NDArray[Any], begins: Indices, ends: Indices
) -> None:
    """Intervals of at least `SHORTEST_INTERVAL_STEPS` steps."""
    counts = ends - begins - 1
    lengths = np.minimum(LONGEST_BLOCK, 1 << (np.frexp(counts)[1] - SPARE_BITS).astype(np.int64))
    numbers = -(-counts // lengths)
    lasts = numbers.cumsum()
    first = begins - lengths * (lasts - numbers)
    starts = first.repeat(numbers) + np.arange(lasts[-1]) * lengths.repeat(numbers)
    starts[lasts - 1] = ends - 1 - lengths
    _fill_blocks(rates, steps, out, starts, lengths.repeat(numbers))
    out[ends - 1] = rates.on_arrays(grid_pair(steps, ends - 1))[0]


def fill_directly(rates: Rates, steps: range, out: npt.NDArray[Any]) -> None:
    """Write the values at ascending steps into a contiguous vector, each evaluated by itself."""
    for first in range(0, len(steps), CHUNK):
        some = steps[first : first + CHUNK]
        out[first : first + CHUNK] = rates.on_arrays(grid_pair(some, np.arange(len(some))))[0]


def grid_pair(steps: range, indices: Indices) -> DoubleDoubleArray:
    """The steps at these indices of a range as ``high + low``."""
    pair = np.empty(len(indices)), np.empty(len(indices))
    engine.sample_steps(*pair, indices, indices, _FIRST_NODE, steps.start, steps.step)
    return pair


def _fill_blocks(
    rates: Rates, steps: range, out: npt.NDArray[Any], starts: Indices, lengths: Indices
) -> None:
    """Blocks that begin at these indices, and the step behind the last one."""
    # Further out rates are those of exact fractions.
    link = rates.link if steps[-1] < rates.limit else engine.CallLink(rates)
    small = engine.fill_blocks(link, out, starts, lengths, steps.start, steps.step, _buffer(out))
    _fill_small(rates, steps, out, small)


def write(out: npt.NDArray[Any], what: str, *arguments: Any) -> Any:
    """Have the engine write blocks, lines, cycles or runs, past the processor's cache where they don't stay in it."""
    buffer = _buffer(out)
    if buffer is None:
        return getattr(engine, f"fill_{what}_{dtype_of(out)}")(out, *arguments)
    return getattr(engine, f"stream_{what}_{dtype_of(out)}")(out, *arguments, buffer)


def _buffer(out: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """Where values go first that are written past the processor's cache; None for those that stay in it."""
    return aligned((2 * LONGEST_SUB_BLOCK,), out.dtype) if streamed(out) else None


def streamed(out: npt.NDArray[Any]) -> bool:
    """Whether an array is written past the processor's cache."""
    return out.nbytes > CACHE_BYTES


def _fill_at(rates: Rates, steps: range, out: npt.NDArray[Any], indices: Indices) -> None:
    """Evaluate the steps at some indices."""
    for first in range(0, len(indices), CHUNK):
        some = indices[first : first + CHUNK]
        out[some] = rates.on_arrays(grid_pair(steps, some))[0]


def _fill_small(rates: Rates, steps: range, out: npt.NDArray[Any], blocks: Iterable[tuple[int, int]]) -> None:
    """Blocks, each with its start and length, that polynomials of their dtype have too few bits for."""
    for start, length in blocks:
        block = slice(start, start + length)
        if out.dtype == np.float64:
            fill_directly(rates, steps[block], out[block])
        else:
            wider = np.empty(length)
            fill_smooth(rates, steps[block], wider)
            out[block] = wider
