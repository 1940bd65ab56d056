"""Which steps a table of rates has entries for: each step, or each run of a staircase."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lrdecay_native.evaluation.segments.segmentation import run_length
from lrdecay_native.evaluation.segments.segments import ConstantSegment
from lrdecay_native.immutable import immutable
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.validation import STEP_LIMIT

MAXIMUM_ENTRIES = 2**24
"""Most entries of a table: 64 MiB of float32.

JAX writes a table into the program: 0.5 s of compiling with 2**20 entries, 3 s with 2**24, 13 s with 2**26.
"""

SPARE_ENTRIES = 2**14
"""How many more a table may have than was asked for, so that no step is without one."""

SMALLEST_FLOAT32 = 2.0**-149


@immutable
class Entries:
    """The rates of a table, and the steps that each is for.

    Attributes
    ----------
    rates : ndarray of float32
        One for all steps before the others', one for each run from `first` on, and one for all steps behind them:
        NaN where these steps have no common rate.
    first : int
        The number of the first run that has an entry.
    run : int
        How many steps a run has; run ``k`` begins at step ``k * run``.
    """

    rates: npt.NDArray[np.float32]
    first: int
    run: int

    @property
    def whole(self) -> bool:
        """Whether they are the rates of all steps from 0 on."""
        return self.first == 0 and not math.isnan(self.rates[-1])

    def at(self, step: int) -> np.float32:
        """The entry of a step."""
        number: np.float32 = self.rates[min(max(step // self.run - self.first + 1, 0), len(self.rates) - 1)]
        return number


def entries(schedule: Schedule, start: int, stop: int) -> Entries:
    """The entries for the steps from `start` to below `stop`, and all others if that takes few more."""
    run = _run(schedule)
    first, behind = start // run, -(-stop // run)
    if behind - first > MAXIMUM_ENTRIES:
        raise ValueError(
            f"start={start} to stop={stop} takes {behind - first} entries, and the longest table has "
            f"{MAXIMUM_ENTRIES}; name this run's steps only, or use KerasSchedule, which needs none"
        )
    if first <= SPARE_ENTRIES:
        first = 0
    settled = _settled(schedule)
    if settled is not None and behind < -(-settled // run) <= behind + SPARE_ENTRIES:
        behind = -(-settled // run)
    last = (behind - 1) * run
    rates = np.full(behind - first + 2, np.nan, np.float32)
    # Not in float32 from the beginning: its bits would depend on where the table begins.
    rates[1:-1] = schedule.values(first * run, last + 1, run)
    if settled is not None and settled <= last + run:
        rates[-1] = schedule(settled)
    return Entries(rates, first, run)


def _run(schedule: Schedule) -> int:
    """Steps on which the rate stays the same, counted from 0: few enough for an int32 to hold them."""
    run = run_length(schedule._segments)
    return run if 0 < run < 2**31 else math.gcd(run, 2**30)


def _settled(schedule: Schedule) -> int | None:
    """The step from which on the rate is the same in float32, as far as that is known without a long search."""
    last = schedule._segments[-1]
    if isinstance(last, ConstantSegment):
        return last.start
    if last.monotone and schedule(STEP_LIMIT - 1) <= SMALLEST_FLOAT32 / 2:
        vanishing = schedule.last_step_above(SMALLEST_FLOAT32 / 2)
        return 0 if vanishing is None else vanishing + 1
    return None
