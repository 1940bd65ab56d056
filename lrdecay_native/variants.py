"""Which kernel serves which parameters: a common value of a parameter has kernels of its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import permutations
from typing import Any

from lrdecay_native.bounds import Bounds
from lrdecay_native.formulas import FORMULAS
from lrdecay_native.parameters import Range

MOST_CONSTANTS = 16
"""Every set of parameters has this many constants, of which a kernel uses the first."""

WHOLE_PERIODS = "whole_periods"
"""The kernel that floors steps, before another stage."""

PERIOD = ("period", "period_low")
"""The first parameters of every kernel: a period of 106 bits, as products of two periods have."""


@lru_cache
def variants(formula: str, time_map: str = "") -> tuple[tuple[str, dict[str, float]], ...]:
    """The kernels of a formula, and the values of parameters that each is for; the last for all.

    Those in 106 bits have no time map.
    """
    stem = f"{formula}_{time_map}" if time_map else formula
    common = (
        (f"{stem}_{parameter}_{value:g}".replace(".", "_"), {parameter: value})
        for parameter, values in FORMULAS[formula].common.items()
        for value in values
    )
    return (*common, (stem, {}))


def variant(formula: str, parameters: Mapping[str, float], time_map: str = "") -> str:
    """The name of the kernel for one set of parameters."""
    return next(
        name
        for name, known in variants(formula, time_map)
        if all(parameters[parameter] == value for parameter, value in known.items())
    )


_LEAST, _LARGEST_RATE, _LARGEST = 1e-40, 1e40, 1e12
"""What is moderate: sizes from the first one on, of rates and periods up to the second, of others up to the third."""

MODERATE_PERIODS = Bounds(_LEAST, _LARGEST_RATE)


def moderate_bounds(name: str, values: Range) -> Bounds:
    """Between which numbers a parameter in a range lies where it is moderate."""
    largest = _LARGEST_RATE if _is_rate(name) else _LARGEST
    least = 0.0 if values.zero else max(values.lowest, -largest if values.lowest < 0.0 else _LEAST)
    return Bounds(least, min(values.highest, largest))


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
