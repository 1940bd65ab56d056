"""For which parameters short arithmetic is exact enough."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from typing import Any

from lrdecay_native.arithmetic.intervals import Interval
from lrdecay_native.formulas.parameters import Range

_LEAST, _LARGEST_RATE, _LARGEST = 1e-40, 1e40, 1e12
"""What is moderate: sizes from the first one on, of rates and periods up to the second, of others up to the third."""

MODERATE_PERIODS = Interval(_LEAST, _LARGEST_RATE)


def moderate_bounds(name: str, values: Range) -> Interval:
    """Between which numbers a parameter in a range lies where it is moderate."""
    largest = _LARGEST_RATE if _is_rate(name) else _LARGEST
    least = 0.0 if values.zero else max(values.lowest, -largest if values.lowest < 0.0 else _LEAST)
    return Interval(least, min(values.highest, largest))


def _is_rate(name: str) -> bool:
    return name.endswith("learning_rate")


def moderate(period: Any, parameters: Mapping[str, Any]) -> Any:
    """Whether short arithmetic, which multiplies the parameters with each other beforehand, is exact enough for them.

    Not where rates are so far apart that their difference needs more bits than they have, or where products leave
    the range of float64.  The parameters may be floats or arrays.
    """
    rates = [value for name, value in parameters.items() if _is_rate(name)]
    others = [value for name, value in parameters.items() if not _is_rate(name)]
    result = (period >= _LEAST) & (period <= _LARGEST_RATE)
    for value in rates:
        result = result & ((value == 0.0) | ((value >= _LEAST) & (value <= _LARGEST_RATE)))
    for value in others:
        size = abs(value)
        result = result & ((size == 0.0) | ((size >= _LEAST) & (size <= _LARGEST)))
    for first, second in permutations(rates, 2):
        result = result & ((second == 0.0) | (first <= 1e12 * second))
    return result
