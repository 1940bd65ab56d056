"""Evaluate schedules at single steps, at arrays of steps and on grids, through the compiled kernels.

A schedule offers two things to this module: its exact values at steps, both as pairs ``high + low``, and its
:class:`Layout`, where it is smooth or constant.  Nothing here knows a formula.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
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

Doubles = npt.NDArray[np.float64]
Pair = tuple[Doubles, Doubles]
PointPair = tuple[float, float]
PairFunction = Callable[[Pair], Pair]

CHUNK = 8192
"""Steps per call of a kernel on arrays: intermediate results stay in the processor's cache."""

SEGMENT = 2**22
"""Steps per round of the grid evaluation, for the same reason."""

FEW_STEPS = 2048
"""Fewer steps than these are evaluated one by one in less time than it takes to find their polynomials."""

SHORTEST_RUN = 8
"""Staircases with shorter runs are evaluated step by step."""

SHORTEST_CYCLE = 2**13
"""Schedules with shorter cycles are evaluated step by step."""

# Below, block polynomials would work with denormal parts.
_LEAST_VALUE = {"float64": 1e-280, "float32": 1e-28}


def apply_to_arrays(name: str, variable: Pair, *parameters: float) -> Pair:
    """The kernel ``name`` on a pair of contiguous arrays."""
    result = np.empty_like(variable[0]), np.empty_like(variable[0])
    getattr(engine, name)(*variable, *parameters, *result)
    return result


def apply_to_point(name: str, variable: PointPair, *parameters: float) -> PointPair:
    """The kernel ``name`` on a pair of floats."""
    result: PointPair = getattr(engine, f"{name}_point")(*variable, *parameters)
    return result


def as_pair(steps: npt.NDArray[Any]) -> Pair:
    """Steps as ``high + low``, exactly, whatever their dtype."""
    high = np.ascontiguousarray(steps, dtype=np.float64)
    if steps.dtype.kind == "f" and steps.dtype.itemsize > 8:
        return high, (steps - high).astype(np.float64)
    if steps.dtype.kind in "iu" and steps.dtype.itemsize == 8:
        # Below 2**63 as steps are, high may round up to 2**63 itself: the difference wraps around to the
        # right value in 64 bits.
        return high, (steps.astype(np.uint64) - high.astype(np.uint64)).view(np.int64).astype(np.float64)
    return high, np.zeros_like(high)


def chunks(*operands: npt.NDArray[Any]) -> Iterator[tuple[npt.NDArray[Any], ...]]:
    """Vectors of at most CHUNK elements that together cover the operands; the last one is written to."""
    operand_flags: list[Any] = [["readonly", "nbo"]] * (len(operands) - 1) + [["writeonly", "nbo"]]
    with np.nditer(
        operands,
        flags=["external_loop", "buffered", "zerosize_ok", "copy_if_overlap"],
        op_flags=operand_flags,
        buffersize=CHUNK,
    ) as vectors:
        for together in vectors:
            for first in range(0, together[-1].size, CHUNK):
                yield tuple(vector[first : first + CHUNK] for vector in together)


def evaluate_points(exact: PairFunction, steps: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
    """Write the value at each step; ``steps`` and ``out`` have the same shape and any strides."""
    for some_steps, destination in chunks(steps, out):
        destination[:] = exact(as_pair(some_steps))[0]


@dataclass(frozen=True)
class Layout:
    """Where a schedule is constant and where it is smooth; in all the rest of its steps it is smooth.

    Attributes
    ----------
    runs : Fraction or None
        It is constant from each multiple of this number of steps to below the next.
    cycle : Fraction or None
        It is smooth from above each multiple of this number of steps up to the next.
    horizon : Fraction or None
        It is constant from this step on.
    """

    runs: Fraction | None = None
    cycle: Fraction | None = None
    horizon: Fraction | None = None

    def stretched(self, factor: Fraction) -> Layout:
        """The layout of the schedule at ``step / factor``."""
        return Layout(*(part and part * factor for part in (self.runs, self.cycle, self.horizon)))


def evaluate_grid(exact: PairFunction, layout: Layout, steps: range, out: npt.NDArray[Any]) -> None:
    """Write the values at a range of steps into a one-dimensional array."""
    if len(steps) == 0:
        return
    if steps.step < 0:
        evaluate_grid(exact, layout, steps[::-1], out[::-1])
        return
    if not (out.flags.c_contiguous and out.flags.aligned and out.dtype.isnative):
        for first in range(0, len(steps), SEGMENT):
            part = slice(first, first + SEGMENT)
            segment = np.empty(len(steps[part]), out.dtype.newbyteorder("="))
            evaluate_grid(exact, layout, steps[part], segment)
            out[part] = segment
        return
    if layout.runs is not None:
        fill = partial(_fill_runs, exact, layout.runs)
    elif layout.cycle is not None and layout.cycle < SHORTEST_CYCLE * steps.step:
        fill = partial(_fill_directly, exact)
    else:
        fill = partial(_fill_blocks, exact, LONGEST_BLOCK)
    end = len(steps) if layout.horizon is None else _count_below(steps, layout.horizon)
    first = 0
    for last in (*_cycle_ends(layout.cycle, steps[:end]), end):
        for start in range(first, last, SEGMENT):
            part = slice(start, min(start + SEGMENT, last))
            fill(steps[part], out[part])
        first = last
    if end < len(steps):
        out[end:] = exact(as_pair(np.array([steps[end]])))[0]


def _count_below(steps: range, limit: Fraction) -> int:
    """How many of the ascending steps are below a limit."""
    return min(max(math.ceil((limit - steps.start) / steps.step), 0), len(steps))


def _cycle_ends(cycle: Fraction | None, steps: range) -> Iterator[int]:
    """The indices behind the last step of each cycle, save the last cycle."""
    if cycle is None or cycle < SHORTEST_CYCLE * steps.step or not steps:
        return
    number = max(math.ceil(steps.start / cycle), 1)
    while number * cycle < steps[-1]:
        yield math.floor((number * cycle - steps.start) / steps.step) + 1
        number += 1


def _grid_pair(steps: range, indices: npt.NDArray[np.int64]) -> Pair:
    """The steps at these indices of a range as ``high + low``."""
    return as_pair(steps.start + indices * steps.step)


def _fill_directly(exact: PairFunction, steps: range, out: npt.NDArray[Any]) -> None:
    for first in range(0, len(steps), CHUNK):
        part = steps[first : first + CHUNK]
        out[first : first + CHUNK] = exact(_grid_pair(part, np.arange(len(part))))[0]


def _fill_runs(exact: PairFunction, period: Fraction, steps: range, out: npt.NDArray[Any]) -> None:
    """A staircase: one value for each run of steps between multiples of the period."""
    if period.denominator != 1 or period < SHORTEST_RUN * steps.step:
        _fill_directly(exact, steps, out)
        return
    length = int(period)
    distances = range(-steps.start % length or length, steps[-1] - steps.start + 1, length)
    starts = np.empty(len(distances) + 2, np.int64)
    starts[0], starts[-1] = 0, len(steps)
    if distances:
        # -(-a // b) rounds up.
        starts[1:-1] = -(-(distances.start + np.arange(len(distances)) * length) // steps.step)
    values = exact(_grid_pair(steps, starts[:-1]))[0].astype(out.dtype)
    getattr(engine, f"repeat_{out.dtype.name}")(out, values, starts)


def _fill_blocks(exact: PairFunction, longest: int, steps: range, out: npt.NDArray[Any]) -> None:
    """A smooth piece: block polynomials where they hold, and shorter blocks where they don't."""
    if len(steps) < FEW_STEPS or longest < SHORTEST_BLOCK:
        _fill_directly(exact, steps, out)
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
    values = exact(_grid_pair(steps, indices.ravel()))
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
