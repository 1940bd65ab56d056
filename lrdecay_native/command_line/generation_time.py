"""How long a whole schedule takes to generate, beside the NumPy expression of the same curve."""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lrdecay_native.schedules.decays.asymptotic import StepDecay

SCHEDULE = StepDecay(0.1, drop_rate=0.96, step_size=1000, staircase=False)
EXPRESSION = "0.1 * 0.96 ** (np.arange(n) / 1000)"
CALLS = 5


@dataclass(frozen=True)
class GenerationTime:
    """Median seconds of both ways, and their largest relative difference in value."""

    native: float
    numpy: float
    largest_difference: float


def generation_time(steps: int) -> GenerationTime:
    """Time ``SCHEDULE.values(steps)`` and the NumPy expression, each the median of five calls."""
    values = SCHEDULE.values(steps)
    return GenerationTime(
        _median_time(lambda: SCHEDULE.values(steps)),
        _median_time(lambda: numpy_expression(steps)),
        float(np.max(np.abs(numpy_expression(steps) / values - 1))),
    )


def numpy_expression(n: int) -> npt.NDArray[np.float64]:
    """The curve as a NumPy user writes it: `EXPRESSION`."""
    values: npt.NDArray[np.float64] = 0.1 * 0.96 ** (np.arange(n) / 1000)
    return values


def _median_time(call: Callable[[], object]) -> float:
    return statistics.median(timeit.repeat(call, number=1, repeat=CALLS))
