"""Evaluate schedules on grids of steps: each piece in the way that is fastest there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.blocks import fill_directly, fill_smooth, grid_pair
from lrdecay_native.engines import engine
from lrdecay_native.evaluation import PairFunction, as_pair

SEGMENT = 2**40
"""Steps per round of the grid evaluation: intermediate results stay in the processor's cache."""

SHORTEST_RUN = 8
"""Staircases with shorter runs are evaluated step by step."""

SHORTEST_CYCLE = 2**13
"""Schedules with shorter cycles are evaluated step by step."""


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
        fill = partial(fill_directly, exact)
    else:
        fill = partial(fill_smooth, exact)
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


def _fill_runs(exact: PairFunction, period: Fraction, steps: range, out: npt.NDArray[Any]) -> None:
    """A staircase: one value for each run of steps between multiples of the period."""
    if period.denominator != 1 or period < SHORTEST_RUN * steps.step:
        fill_directly(exact, steps, out)
        return
    length = int(period)
    distances = range(-steps.start % length or length, steps[-1] - steps.start + 1, length)
    starts = np.empty(len(distances) + 2, np.int64)
    starts[0], starts[-1] = 0, len(steps)
    if distances:
        # -(-a // b) rounds up.
        starts[1:-1] = -(-(distances.start + np.arange(len(distances)) * length) // steps.step)
    values = exact(grid_pair(steps, starts[:-1]))[0].astype(out.dtype)
    getattr(engine, f"repeat_{out.dtype.name}")(out, values, starts)
