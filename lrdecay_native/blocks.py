"""Fill a grid of steps on which a schedule is smooth, by block polynomials."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.block_polynomial import (
    COEFFICIENT_ROWS,
    EXPANSION_ROWS,
    LONGEST_BLOCK,
    MOST_SUB_BLOCKS,
    PLACES,
    SHORTEST_BLOCK,
    TOO_SMALL,
)
from lrdecay_native.engines import engine
from lrdecay_native.evaluation import CHUNK, Doubles, Pair, Rates, dtype_of

Indices = npt.NDArray[np.int64]

SPARE_BITS = 2
"""Blocks are no longer than half of a piece: where steps are few, short ones beat two long ones that overlap."""

FEWEST_IN_A_PIECE = (SHORTEST_BLOCK << (SPARE_BITS - 1)) + 1
"""Fewer steps don't make such blocks."""

BLOCKS_AT_ONCE = 512
"""So many that what is computed for them stays in the processor's cache."""

CACHE = 2**24
"""Bytes; more don't stay in the processor's cache, and memory is faster in ascending order."""

_NODES = np.array(PLACES, np.int64)

_FIRST_NODE = np.zeros(1, np.int64)


def fill_smooth(rates: Rates, steps: range, out: npt.NDArray[Any]) -> None:
    """Write the values of a smooth schedule at ascending steps into a contiguous vector."""
    if len(steps) < FEWEST_IN_A_PIECE:
        fill_directly(rates, steps, out)
        return
    # Each block is sampled at the step behind it too.
    count = len(steps) - 1
    length = min(LONGEST_BLOCK, 1 << (count.bit_length() - SPARE_BITS))
    starts = np.arange(0, count, length)
    starts[-1] = count - length
    lengths = np.empty_like(starts)
    lengths.fill(length)
    _fill_all(rates, steps, out, starts, lengths)


def fill_pieces(rates: Rates, steps: range, out: npt.NDArray[Any], bounds: Indices) -> None:
    """Likewise, where the schedule is smooth from each of the bounds, which are indices, to below the next.

    The first bound is 0, the last one the number of steps; no two are equal.
    """
    lengths = np.diff(bounds)
    long = lengths >= FEWEST_IN_A_PIECE
    if long.any():
        _fill_long_pieces(rates, steps, out, bounds[:-1][long], bounds[1:][long])
    short = ~long
    if short.any():
        firsts, counts = bounds[:-1][short], lengths[short]
        ends = counts.cumsum()
        _fill_at(rates, steps, out, np.arange(ends[-1]) + (firsts - (ends - counts)).repeat(counts))


def _fill_long_pieces(
    rates: Rates, steps: range, out: npt.NDArray[Any], begins: Indices, ends: Indices
) -> None:
    """Pieces of at least `FEWEST_IN_A_PIECE` steps."""
    counts = ends - begins - 1
    lengths = np.minimum(LONGEST_BLOCK, 1 << (np.frexp(counts)[1] - SPARE_BITS).astype(np.int64))
    numbers = -(-counts // lengths)
    lasts = numbers.cumsum()
    first = begins - lengths * (lasts - numbers)
    starts = first.repeat(numbers) + np.arange(lasts[-1]) * lengths.repeat(numbers)
    starts[lasts - 1] = ends - 1 - lengths
    _fill_all(rates, steps, out, starts, lengths.repeat(numbers))
    out[ends - 1] = rates.on_arrays(grid_pair(steps, ends - 1))[0]


def _fill_all(rates: Rates, steps: range, out: npt.NDArray[Any], starts: Indices, lengths: Indices) -> None:
    for first in range(0, len(starts), BLOCKS_AT_ONCE):
        part = slice(first, first + BLOCKS_AT_ONCE)
        _fill_blocks(rates, steps, out, starts[part], lengths[part])


def fill_directly(rates: Rates, steps: range, out: npt.NDArray[Any]) -> None:
    """Write the values at ascending steps into a contiguous vector, each evaluated by itself."""
    for first in range(0, len(steps), CHUNK):
        part = steps[first : first + CHUNK]
        out[first : first + CHUNK] = rates.on_arrays(grid_pair(part, np.arange(len(part))))[0]


def grid_pair(steps: range, indices: Indices) -> Pair:
    """The steps at these indices of a range as ``high + low``."""
    pair = np.empty(len(indices)), np.empty(len(indices))
    engine.sample_steps(*pair, indices, indices, _FIRST_NODE, steps.start, steps.step)
    return pair


def _fill_blocks(
    rates: Rates, steps: range, out: npt.NDArray[Any], starts: Indices, lengths: Indices
) -> None:
    """Blocks that begin at these indices, and the step behind the last one."""
    if rates.link is not None:
        mirrored = out.nbytes <= CACHE
        small = engine.fill_blocks(rates.link, out, starts, lengths, steps.start, steps.step, mirrored)
        _fill_small(rates, steps, out, small)
        return
    values = _sample(rates, steps, starts, lengths)
    out[starts[-1] + lengths[-1]] = values[0][-1]
    choices = _fill(out, starts, lengths, values)
    while choices is not None:
        failed = choices < 0.0
        starts, lengths, choices = starts[failed], lengths[failed], choices[failed]
        if choices[choices.argmin()] == TOO_SMALL:
            small = choices == TOO_SMALL
            _fill_small(rates, steps, out, zip(starts[small].tolist(), lengths[small].tolist(), strict=True))
            starts, lengths, choices = starts[~small], lengths[~small], choices[~small]
        shortest = lengths == SHORTEST_BLOCK
        if shortest.any():
            _fill_each(rates, steps, out, starts[shortest])
            starts, lengths, choices = starts[~shortest], lengths[~shortest], choices[~shortest]
        if not len(starts):
            return
        starts, lengths = _halved(starts, lengths, -choices.astype(np.int64))
        choices = _fill(out, starts, lengths, _sample(rates, steps, starts, lengths))


def _sample(rates: Rates, steps: range, starts: Indices, lengths: Indices) -> Pair:
    """The values at the nodes of the blocks: at the first node of each, at the second, ..."""
    count = len(_NODES) * len(starts)
    pair = np.empty(count), np.empty(count)
    engine.sample_steps(*pair, starts, lengths, _NODES, steps.start, steps.step)
    return rates.on_arrays(pair)


def _fill(out: npt.NDArray[Any], starts: Indices, lengths: Indices, values: Pair) -> Doubles | None:
    """Fill the blocks that can be filled; where some can't, return the choices, theirs negative."""
    dtype = dtype_of(out)
    order = "mirrored" if out.nbytes <= CACHE else "ascending"
    count = len(starts)
    choices = np.empty(count)
    least = getattr(engine, f"fill_{order}_{dtype}")(
        out,
        starts,
        lengths,
        *values,
        np.empty(COEFFICIENT_ROWS * count),
        np.empty(EXPANSION_ROWS * MOST_SUB_BLOCKS),
        choices,
    )
    return choices if least < 0.0 else None


def _halved(starts: Indices, lengths: Indices, times: Indices) -> tuple[Indices, Indices]:
    """Each block cut into ``2 ** times`` blocks, or into the shortest ones."""
    shorter = np.maximum(lengths >> times, SHORTEST_BLOCK)
    counts = lengths // shorter
    shorter = shorter.repeat(counts)
    # Block by block, the ends of its parts: the sum of all parts' lengths so far, less that of other blocks.
    before = starts - (lengths.cumsum() - lengths)
    return before.repeat(counts) + (shorter.cumsum() - shorter), shorter


def _fill_each(rates: Rates, steps: range, out: npt.NDArray[Any], starts: Indices) -> None:
    """Evaluate every step of the shortest blocks."""
    _fill_at(rates, steps, out, (starts[:, np.newaxis] + np.arange(SHORTEST_BLOCK)).ravel())


def _fill_at(rates: Rates, steps: range, out: npt.NDArray[Any], indices: Indices) -> None:
    """Evaluate the steps at some indices."""
    for first in range(0, len(indices), CHUNK):
        some = indices[first : first + CHUNK]
        out[some] = rates.on_arrays(grid_pair(steps, some))[0]


def _fill_small(rates: Rates, steps: range, out: npt.NDArray[Any], blocks: Iterable[tuple[int, int]]) -> None:
    """Blocks, each with its start and length, that polynomials of their dtype have too few bits for."""
    for start, length in blocks:
        part = slice(start, start + length)
        if out.dtype == np.float64:
            fill_directly(rates, steps[part], out[part])
        else:
            wider = np.empty(length)
            fill_smooth(rates, steps[part], wider)
            out[part] = wider
