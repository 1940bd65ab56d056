"""Float64 numbers by their ordinals: all of them counted upward from 0."""

from __future__ import annotations

import numpy as np


def ordinal_of(number: float) -> int:
    """How many float64 numbers lie between 0 and this one; negative below 0."""
    bits = int(np.float64(abs(number)).view(np.int64))
    return -bits if number < 0 else bits


def float_of(ordinal: int) -> float:
    """The float64 that has this ordinal."""
    size = float(np.int64(abs(ordinal)).view(np.float64))
    return -size if ordinal < 0 else size


def middle(low: float, high: float) -> float:
    """The float64 in the middle of those between two."""
    return float_of((ordinal_of(low) + ordinal_of(high)) // 2)
