"""Fill a grid with cycles of whole steps of which each is the one before it times a gain, seen from an offset."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.arithmetic.scalars import DoubleDoubleScalar, as_point
from lrdecay_native.evaluation.grids.blocks import grid_pair, write
from lrdecay_native.evaluation.points.pairs import DoubleDoubleArray, Rates, apply_to_arrays
from lrdecay_native.validation import STEP_LIMIT

FEWEST_CYCLES = 8
"""So many are worth the computation of each step of one in 106 bits."""

LONGEST_CYCLE = 2**14
"""Longer ones don't stay in the processor's cache, and have blocks that take less."""

STEPS_AT_ONCE = 2**22
"""Steps per round, so that intermediate results don't grow with the grid, and nothing takes long by itself."""

LEAST_DISTANCE = 1e-200
"""Products of smaller numbers lose bits to denormal ones."""

LEAST_PART = 2.0**-40
"""Smaller parts of an offset have too few of the 106 bits left."""


def worth_filling(period: Fraction, steps: range) -> bool:
    """Whether steps are many cycles of a whole number of steps."""
    return (
        period.denominator == 1
        and steps.step == 1
        and 1 < period <= LONGEST_CYCLE
        and len(steps) >= FEWEST_CYCLES * period
        and steps[-1] + 2 * period < STEP_LIMIT
    )


def fill_similar_cycles(
    rates: Rates, offset: DoubleDoubleScalar, begin: int, period: int, steps: range, out: npt.NDArray[Any]
) -> int:
    """Write the values at a range of steps, the first of which is in the cycle that begins at a step.

    The rates hold from that step on, for whole cycles.  Returns how many values are written: none from where the
    distances from the offset are too small.
    """
    distances = _distances(rates, offset, range(begin, begin + period))
    sizes = np.abs(distances[0])
    at = int(sizes.argmax())
    if sizes[at] < max(LEAST_DISTANCE, LEAST_PART * abs(offset[0])):
        return 0
    # Not below zero where no sum cancels.
    least = min(float(distances[0].min()), offset[0])
    inverse = as_point(1 / (Fraction(distances[0][at]) + Fraction(distances[1][at])))
    at_once = STEPS_AT_ONCE // period * period
    for first in range(begin, steps[-1] + 1, at_once):
        last = min(first + at_once, steps[-1] + 1)
        gains = apply_to_arrays(
            "scaled", _distances(rates, offset, range(first + at, last + at, period)), *inverse
        )
        starts = np.arange(first, last + period, period) - steps.start
        small = gains[0] * sizes[at] < LEAST_DISTANCE
        kept = int(small.argmax()) if offset[0] == 0.0 and small.any() else len(small)
        write(out, "cycles", starts[: kept + 1], gains[0][:kept], gains[1][:kept], *distances, least, *offset)
        if kept < len(small):
            return max(int(starts[kept]), 0)
    return len(out)


def _distances(rates: Rates, offset: DoubleDoubleScalar, steps: range) -> DoubleDoubleArray:
    """How far the rates are from the offset."""
    high, low = offset
    return apply_to_arrays("moved", rates.on_arrays(grid_pair(steps, np.arange(len(steps)))), -high, -low)
