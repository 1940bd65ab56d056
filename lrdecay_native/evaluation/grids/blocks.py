"""Fill a grid of steps on which a schedule is smooth, by block polynomials."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.arithmetic.block_polynomial import (
    BLOCKS_AT_ONCE,
    COEFFICIENT_ROWS,
    EXPANSION_ROWS,
    LONGEST_BLOCK,
    LONGEST_SUB_BLOCK,
    MOST_SUB_BLOCKS,
    PLACES,
    SHORTEST_BLOCK,
    TOO_SMALL,
)
from lrdecay_native.engines import engine
from lrdecay_native.evaluation.memory import aligned
from lrdecay_native.evaluation.points.pairs import CHUNK, DoubleDoubleArray, Doubles, Rates, dtype_of

Indices = npt.NDArray[np.int64]

SPARE_BITS = 2
"""Blocks are no longer than half of a piece: where steps are few, short ones beat two long ones that overlap."""

FEWEST_IN_A_PIECE = (SHORTEST_BLOCK << (SPARE_BITS - 1)) + 1
"""Fewer steps don't make such blocks."""

CACHE = 2**24
"""Bytes; more don't stay in the processor's cache, and are written past it."""

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
    _fill_blocks(rates, steps, out, starts, lengths)


def fill_pieces(rates: Rates, steps: range, out: npt.NDArray[Any], bounds: Indices) -> None:
    """Write the values of a schedule that is smooth from each of the bounds, which are indices, to below the next.

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
    _fill_blocks(rates, steps, out, starts, lengths.repeat(numbers))
    out[ends - 1] = rates.on_arrays(grid_pair(steps, ends - 1))[0]


def fill_directly(rates: Rates, steps: range, out: npt.NDArray[Any]) -> None:
    """Write the values at ascending steps into a contiguous vector, each evaluated by itself."""
    for first in range(0, len(steps), CHUNK):
        part = steps[first : first + CHUNK]
        out[first : first + CHUNK] = rates.on_arrays(grid_pair(part, np.arange(len(part))))[0]


def grid_pair(steps: range, indices: Indices) -> DoubleDoubleArray:
    """The steps at these indices of a range as ``high + low``."""
    pair = np.empty(len(indices)), np.empty(len(indices))
    engine.sample_steps(*pair, indices, indices, _FIRST_NODE, steps.start, steps.step)
    return pair


def _fill_blocks(
    rates: Rates, steps: range, out: npt.NDArray[Any], starts: Indices, lengths: Indices
) -> None:
    """Blocks that begin at these indices, and the step behind the last one."""
    if rates.link is not None and steps[-1] < rates.limit:
        unfilled = engine.fill_blocks(rates.link, out, starts, lengths, steps.start, steps.step, _buffer(out))
        _fill_small(rates, steps, out, unfilled)
        return
    last = starts[-1:] + lengths[-1:]
    out[last] = rates.on_arrays(grid_pair(steps, last))[0]
    small: list[tuple[int, int]] = []
    waiting = [(starts, lengths)]
    while waiting:
        starts, lengths = waiting.pop()
        if len(starts) > BLOCKS_AT_ONCE:
            waiting.append((starts[BLOCKS_AT_ONCE:], lengths[BLOCKS_AT_ONCE:]))
            starts, lengths = starts[:BLOCKS_AT_ONCE], lengths[:BLOCKS_AT_ONCE]
        choices = _fill(out, starts, lengths, _sample(rates, steps, starts, lengths))
        if choices is None:
            continue
        too_small = choices == TOO_SMALL
        small += zip(starts[too_small].tolist(), lengths[too_small].tolist(), strict=True)
        shortest = (choices < 0.0) & ~too_small & (lengths == SHORTEST_BLOCK)
        if shortest.any():
            _fill_each(rates, steps, out, starts[shortest])
        halved = (choices < 0.0) & ~too_small & ~shortest
        if halved.any():
            covered = _covered(starts, lengths)[halved]
            waiting.append(
                _halved(starts[halved], lengths[halved], covered, -choices[halved].astype(np.int64))
            )
    _fill_small(rates, steps, out, small)


def _covered(starts: Indices, lengths: Indices) -> Indices:
    """How many steps of each block, from its first, are in the block before it too."""
    covered = np.zeros_like(starts)
    begins, ends = starts[:-1], starts[:-1] + lengths[:-1]
    covered[1:] = np.where(begins > starts[1:], 0, np.clip(ends - starts[1:], 0, lengths[1:]))
    return covered


def _sample(rates: Rates, steps: range, starts: Indices, lengths: Indices) -> DoubleDoubleArray:
    """The values at the nodes of the blocks: at the first node of each, at the second, ..."""
    count = len(_NODES) * len(starts)
    pair = np.empty(count), np.empty(count)
    engine.sample_steps(*pair, starts, lengths, _NODES, steps.start, steps.step)
    return rates.on_arrays(pair)


def _fill(
    out: npt.NDArray[Any], starts: Indices, lengths: Indices, values: DoubleDoubleArray
) -> Doubles | None:
    """Fill the blocks that can be filled; where some can't, return the choices, theirs negative."""
    count = len(starts)
    choices = np.empty(count)
    least = write(
        out,
        "blocks",
        starts,
        lengths,
        *values,
        np.empty(COEFFICIENT_ROWS * count),
        np.empty(EXPANSION_ROWS * MOST_SUB_BLOCKS),
        choices,
    )
    return choices if least < 0.0 else None


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
    return out.nbytes > CACHE


def _halved(starts: Indices, lengths: Indices, covered: Indices, times: Indices) -> tuple[Indices, Indices]:
    """Each block cut into ``2 ** times`` blocks, or into the shortest ones, but for those that are covered."""
    shorter = np.maximum(lengths >> times, SHORTEST_BLOCK)
    skipped = covered // shorter
    counts = lengths // shorter - skipped
    ends = counts.cumsum()
    numbers = np.arange(counts.sum()) - (ends - counts - skipped).repeat(counts)
    shorter = shorter.repeat(counts)
    return starts.repeat(counts) + numbers * shorter, shorter


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
