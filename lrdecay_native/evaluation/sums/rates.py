"""The rates of a pipeline in the numbers that sums are computed in."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from lrdecay_native.evaluation.points.pairs import DoubleDoubleArray, as_pair
from lrdecay_native.evaluation.points.pipelines import Pipeline
from lrdecay_native.evaluation.sums.quadrature import Indices, Rates, Wide, first_blocks, quadrature
from lrdecay_native.validation import STEP_LIMIT


def smooth_sum(pipeline: Pipeline, start: int, stop: int, step: int = 1) -> Fraction:
    count = -((start - stop) // step)
    return quadrature(rates_from(pipeline, start, step), *first_blocks(count)).sum()


def rates_from(pipeline: Pipeline, start: int, step: int) -> Rates:
    """The rates of a pipeline as a function of the index in a range of steps."""
    begin_high = float(start)
    begin_low = float(start - int(begin_high))

    def rates(whole: Indices, fraction: Wide) -> Wide:
        # Numbers of runs may be above 2**63: not a sum of integers.
        high, low = as_pair(whole * step)
        total = high + begin_high
        rounded = total - high
        low = low + begin_low + ((high - (total - rounded)) + (begin_high - rounded))
        return as_wide(pipeline.on_arrays(_normalised(total, low + (fraction * step).astype(np.float64))))

    return rates


def _normalised(high: npt.NDArray[np.float64], low: npt.NDArray[np.float64]) -> DoubleDoubleArray:
    total = high + low
    from_low = total - high
    return total, (high - (total - from_low)) + (low - from_low)


def as_wide(pair: DoubleDoubleArray) -> Wide:
    return pair[0].astype(np.longdouble) + pair[1]


def rates_of_steps(pipeline: Pipeline, first: int, count: int) -> Wide:
    if first + count <= STEP_LIMIT:
        return as_wide(pipeline.on_arrays(as_pair(first + np.arange(count))))
    return rates_from(pipeline, first, 1)(np.arange(count), np.zeros(count, np.longdouble))


def as_fraction(pair: tuple[float, float]) -> Fraction:
    return Fraction(pair[0]) + Fraction(pair[1])
