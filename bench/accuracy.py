"""The error of a grid at a sample of its steps, against mpmath."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt

from lrdecay_native import Schedule

SAMPLED_STEPS = 500
PRECISION_BITS = 200

MPMATH = SimpleNamespace(
    asarray=lambda value: value if isinstance(value, np.ndarray) else mpmath.mpf(value),
    exact=lambda number: mpmath.mpf(number.as_integer_ratio()[0]) / number.as_integer_ratio()[1],
    astype=lambda value, dtype: int(value),
    take=lambda table, index: mpmath.mpf(float(table[index])),
    exp=mpmath.exp,
    sqrt=mpmath.sqrt,
    raised_cosine=lambda x: (1 + mpmath.cospi(x)) / 2,
    floor=mpmath.floor,
    ceil=mpmath.ceil,
    minimum=min,
    maximum=max,
    where=lambda condition, a, b: a if condition else b,
)


def worst_ulp(schedule: Schedule, values: npt.NDArray[Any]) -> float:
    """The largest error of ``schedule.values(len(values))`` at a sample of its steps.

    Parameters
    ----------
    schedule : Schedule
        The schedule.
    values : ndarray of float64 or float32
        Its values at the steps from 0 on.

    Returns
    -------
    float
        In units in the last place of the true value.
    """
    steps = np.random.default_rng(0).integers(0, len(values), SAMPLED_STEPS).tolist()
    with mpmath.workprec(PRECISION_BITS):
        return max(_ulps(values[step], schedule.evaluate(MPMATH, mpmath.mpf(step))) for step in steps)


def _ulps(value: np.floating[Any], truth: Any) -> float:
    unit = np.spacing(value.dtype.type(truth))
    return float(abs(mpmath.mpf(float(value)) - truth) / mpmath.mpf(float(unit)))
