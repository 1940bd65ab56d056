"""Which kernel serves which parameters: a common value of a parameter has kernels of its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import permutations
from typing import Any

from lrdecay_native.formulas import FORMULAS

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


def moderate(period: Any, parameters: Mapping[str, Any]) -> Any:
    """Whether short arithmetic, which multiplies the parameters with each other beforehand, is exact enough for them.

    Not where rates are so far apart that their difference needs more bits than they have, or where products leave
    the range of float64.  The parameters may be floats or arrays.
    """
    rates = [value for name, value in parameters.items() if name.endswith("learning_rate")]
    others = [value for name, value in parameters.items() if not name.endswith("learning_rate")]
    result = (period >= 1e-40) & (period <= 1e40)
    for value in rates:
        result = result & ((value == 0.0) | ((value >= 1e-40) & (value <= 1e40)))
    for value in others:
        size = abs(value)
        result = result & ((size == 0.0) | ((size >= 1e-40) & (size <= 1e12)))
    for first, second in permutations(rates, 2):
        result = result & ((second == 0.0) | (first <= 1e12 * second))
    return result
