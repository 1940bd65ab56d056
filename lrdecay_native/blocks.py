"""Fill a grid of steps on which a schedule is smooth, by block polynomials."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.block_polynomial import (
    HIGHEST_DEGREE,
    LONGEST_BLOCK,
    LOOPS,
    NODES,
    SHORTEST_BLOCK,
    TOO_SMALL,
    coefficient_names,
    expansion_names,
)
from lrdecay_native.engines import engine
from lrdecay_native.evaluation import CHUNK, Doubles, Pair, PairFunction, as_pair

Indices = npt.NDArray[np.int64]

FEW_STEPS = 1024
"""Fewer steps than these are evaluated one by one in less time than it takes to find their polynomials."""

BLOCKS_AT_ONCE = 512
"""So many that what is computed for them stays in the processor's cache."""

CACHE = 2**24
"""Bytes; more don't stay in the processor's cache, and memory is faster in ascending order."""

# In 128ths of a block from its start: the middle, then outwards; the last one is the step behind the block.
_NODES = np.array([64, *(64 + sign * node for node in NODES for sign in (-1, 1))], np.int64)
_END = HIGHEST_DEGREE

_COEFFICIENTS = len(coefficient_names())
_EXPANSIONS = {
    dtype: (
        max(len(expansion_names(loop)) for loop in loops),
        # Longer by a line than a power of two, so that rows don't compete for the same place in the cache.
        LONGEST_BLOCK // min(loop.size for loop in loops) + 8,
    )
    for dtype, loops in LOOPS.items()
}


def fill_smooth(exact: PairFunction, steps: range, out: npt.NDArray[Any]) -> None:
    """Write the values of a smooth schedule at ascending steps into a contiguous vector."""
    if len(steps) < FEW_STEPS:
        fill_directly(exact, steps, out)
        return
    # Each block is sampled at the step behind it too.
    count = len(steps) - 1
    # Where steps are few, short blocks are better than two long ones that overlap.
    length = min(LONGEST_BLOCK, 1 << (count.bit_length() - 2))
    starts = np.arange(0, count, length)
    starts[-1] = count - length
    for first in range(0, len(starts), BLOCKS_AT_ONCE):
        part = slice(first, first + BLOCKS_AT_ONCE)
        _fill_blocks(exact, steps, out, starts[part], np.full(len(starts[part]), length))


def fill_directly(exact: PairFunction, steps: range, out: npt.NDArray[Any]) -> None:
    """Write the values at ascending steps into a contiguous vector, each evaluated by itself."""
    for first in range(0, len(steps), CHUNK):
        part = steps[first : first + CHUNK]
        out[first : first + CHUNK] = exact(grid_pair(part, np.arange(len(part))))[0]


def grid_pair(steps: range, indices: Indices) -> Pair:
    """The steps at these indices of a range as ``high + low``."""
    return as_pair(steps.start + indices * steps.step)


def _fill_blocks(
    exact: PairFunction, steps: range, out: npt.NDArray[Any], starts: Indices, lengths: Indices
) -> None:
    """Blocks that begin at these indices, and the step behind the last one."""
    values = _sample(exact, steps, starts, lengths)
    out[starts[-1] + lengths[-1]] = values[0][_END, -1]
    while True:
        choices = _fill(out, starts, lengths, values)
        if choices.min() >= 0.0:
            return
        small = choices == TOO_SMALL
        _fill_small(exact, steps, out, starts[small], lengths[small])
        failed = (choices < 0.0) & ~small
        starts, lengths = _halved(starts[failed], lengths[failed], -choices[failed].astype(np.int64))
        short = lengths < SHORTEST_BLOCK
        _fill_each(exact, steps, out, starts[short], lengths[short])
        starts, lengths = starts[~short], lengths[~short]
        if not len(starts):
            return
        values = _sample(exact, steps, starts, lengths)


def _sample(exact: PairFunction, steps: range, starts: Indices, lengths: Indices) -> Pair:
    """The values at the nodes of each block: a row for each node, a column for each block."""
    shape = len(_NODES), len(starts)
    pair = np.empty(shape), np.empty(shape)
    engine.sample_steps(*pair, starts, lengths, _NODES, steps.start, steps.step)
    high, low = exact((pair[0].reshape(-1), pair[1].reshape(-1)))
    return high.reshape(shape), low.reshape(shape)


def _fill(out: npt.NDArray[Any], starts: Indices, lengths: Indices, values: Pair) -> Doubles:
    """Fill the blocks that can be filled; return the choice made for each, negative where it was not."""
    dtype = out.dtype.name
    choices = np.empty(len(starts))
    order = "mirrored" if out.nbytes <= CACHE else "ascending"
    getattr(engine, f"fill_{order}_{dtype}")(
        out,
        starts,
        lengths,
        1.0 / lengths,
        *values,
        np.empty((_COEFFICIENTS, len(starts))),
        np.empty(_EXPANSIONS[dtype]),
        choices,
    )
    return choices


def _halved(starts: Indices, lengths: Indices, times: Indices) -> tuple[Indices, Indices]:
    """Each block cut into ``2 ** times`` blocks."""
    counts = 1 << times
    shorter = np.repeat(lengths >> times, counts)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(starts, counts) + (np.arange(len(first)) - first) * shorter, shorter


def _fill_each(
    exact: PairFunction, steps: range, out: npt.NDArray[Any], starts: Indices, lengths: Indices
) -> None:
    """Evaluate every step of short blocks."""
    for length in np.unique(lengths).tolist():
        indices = (starts[lengths == length, np.newaxis] + np.arange(length)).ravel()
        for first in range(0, len(indices), CHUNK):
            some = indices[first : first + CHUNK]
            out[some] = exact(grid_pair(steps, some))[0]


def _fill_small(
    exact: PairFunction, steps: range, out: npt.NDArray[Any], starts: Indices, lengths: Indices
) -> None:
    """Blocks whose values are too small for polynomials of their dtype."""
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        part = slice(start, start + length)
        if out.dtype == np.float64:
            fill_directly(exact, steps[part], out[part])
        else:
            wider = np.empty(length)
            fill_smooth(exact, steps[part], wider)
            out[part] = wider
