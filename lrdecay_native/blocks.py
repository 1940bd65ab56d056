"""Fill a grid of steps on which a schedule is smooth, by block polynomials."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.block_polynomial import (
    COEFFICIENTS,
    DEGREES,
    HIGHEST_DEGREE,
    INTERPOLATION_BOUND,
    LONGEST_BLOCK,
    NODES,
    SHORTEST_BLOCK,
    SUB_BLOCK,
    bounds,
)
from lrdecay_native.engines import engine
from lrdecay_native.evaluation import CHUNK, Doubles, Pair, PairFunction, as_pair

FEW_STEPS = 2048
"""Fewer steps than these are evaluated one by one in less time than it takes to find their polynomials."""

# Below, block polynomials would work with denormal parts.
_LEAST_VALUE = {"float64": 1e-280, "float32": 1e-28}


def fill_smooth(exact: PairFunction, steps: range, out: npt.NDArray[Any]) -> None:
    """Write the values of a smooth schedule at ascending steps into a contiguous vector."""
    _fill_blocks(exact, LONGEST_BLOCK, steps, out)


def fill_directly(exact: PairFunction, steps: range, out: npt.NDArray[Any]) -> None:
    """Write the values at ascending steps into a contiguous vector, each evaluated by itself."""
    for first in range(0, len(steps), CHUNK):
        part = steps[first : first + CHUNK]
        out[first : first + CHUNK] = exact(grid_pair(part, np.arange(len(part))))[0]


def grid_pair(steps: range, indices: npt.NDArray[np.int64]) -> Pair:
    """The steps at these indices of a range as ``high + low``."""
    return as_pair(steps.start + indices * steps.step)


def _fill_blocks(exact: PairFunction, longest: int, steps: range, out: npt.NDArray[Any]) -> None:
    """A smooth piece: block polynomials where they hold, and shorter blocks where they don't."""
    if len(steps) < FEW_STEPS or longest < SHORTEST_BLOCK:
        fill_directly(exact, steps, out)
        return
    length = min(longest, 1 << (len(steps).bit_length() - 1))
    starts = np.arange(0, len(steps), length)
    # The last block overlaps the one before it rather than being shorter.
    starts[-1] = len(steps) - length
    coefficients, sizes, first_errors = _block_polynomials(exact, steps, starts, length)
    halvings, degrees = _needs(sizes, coefficients[0], length, out.dtype.name)
    halvings = np.maximum(halvings, first_errors > 2 * INTERPOLATION_BOUND * coefficients[0])
    for first, last in _stretches(halvings == 0):
        if halvings[first] == 0:
            degree = degrees[first:last].max()
            _fill_stretch(coefficients[:, first:last], degree, starts[first:last], length, out)
        else:
            part = slice(starts[first], starts[last - 1] + length)
            _fill_blocks(exact, length >> halvings[first:last].min(), steps[part], out[part])


def _block_polynomials(
    exact: PairFunction, steps: range, starts: npt.NDArray[np.int64], length: int
) -> tuple[Doubles, Doubles, Doubles]:
    """The coefficients of each block, the sizes of those from degree two on, and the error at its first step.

    All nodes lie within the block: they miss a fall that is over before the first of them.  These schedules
    fall fastest at first, so that it shows at the first step.
    """
    indices = np.vstack([_node_indices(length)[:, None] + starts, starts])
    values = exact(grid_pair(steps, indices.ravel()))
    high, low = (part.reshape(indices.shape) for part in values)
    coefficients = np.empty((len(COEFFICIENTS) + HIGHEST_DEGREE - 1, len(starts)))
    engine.interpolate(*high[:-1], *low[:-1], *coefficients)
    (centre, centre_low, linear, linear_low), others = np.split(coefficients, [len(COEFFICIENTS)])
    signs = (-1.0) ** np.arange(2, HIGHEST_DEGREE + 1)
    change = (high[-1] - centre) + (low[-1] - centre_low)
    return coefficients, np.abs(others), np.abs(change + linear + linear_low - signs @ others)


def _needs(
    sizes: Doubles, values: Doubles, length: int, dtype: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """How often to halve each block until it keeps the bounds, and the degree that it then needs."""
    weights, limits, orders = _bounds(length, dtype)
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = weights @ sizes / (limits * values)
    kept = excess <= 1.0
    degrees = np.array(DEGREES[dtype])[np.argmax(kept[2:], axis=0)]
    if (kept[0] & kept[1] & kept[-1] & (values >= _LEAST_VALUE[dtype])).all():
        return np.zeros(len(values), np.int64), degrees
    with np.errstate(divide="ignore", invalid="ignore"):
        halvings = np.log2(excess[[0, 1, -1]]) / [[orders[0]], [orders[1]], [orders[2]]]
    worst = np.where(values >= _LEAST_VALUE[dtype], np.ceil(halvings).max(axis=0), np.inf)
    return np.clip(np.nan_to_num(worst, nan=64.0), 0, 64).astype(np.int64), degrees


def _fill_stretch(
    coefficients: Doubles, degree: int, starts: npt.NDArray[np.int64], length: int, out: npt.NDArray[Any]
) -> None:
    centres = _centres(length, out.dtype.name)
    getattr(engine, f"fill_{out.dtype.name}_{degree}")(
        out,
        starts,
        centres,
        _offsets(length, out.dtype.name),
        np.ascontiguousarray(coefficients),
        np.empty((len(COEFFICIENTS) + HIGHEST_DEGREE, len(centres))),
    )


@lru_cache(maxsize=16)
def _centres(length: int, dtype: str) -> npt.NDArray[Any]:
    """The middles of the sub-blocks of a block that goes from -1 to 1."""
    size = SUB_BLOCK[dtype]
    return (np.arange(size // 2, length, size) - length / 2) / (length / 2)


@lru_cache(maxsize=16)
def _offsets(length: int, dtype: str) -> npt.NDArray[Any]:
    """The steps of a sub-block, from its middle, where a block goes from -1 to 1."""
    size = SUB_BLOCK[dtype]
    return ((np.arange(size) - size / 2) / (length / 2)).astype(dtype)


@lru_cache(maxsize=16)
def _node_indices(length: int) -> npt.NDArray[np.int64]:
    """The indices in a block at which it is sampled, in the order that ``interpolate`` takes."""
    offsets = [0, *(sign * node for node in NODES for sign in (-1, 1))]
    return length // 2 + np.array(offsets, np.int64) * (length // 128)


@lru_cache(maxsize=16)
def _bounds(length: int, dtype: str) -> tuple[Doubles, Doubles, list[int]]:
    weights, limits, orders = bounds(length, dtype)
    return np.array(weights), np.array(limits)[:, None], orders


def _stretches(truths: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """The first and the last (exclusive) index of each maximal stretch of equal values."""
    changes = np.flatnonzero(truths[1:] != truths[:-1]) + 1
    return itertools.pairwise([0, *changes.tolist(), len(truths)])
