"""Which kernel serves which parameters: a common value of a parameter has kernels of its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from lrdecay_native.formulas.registry import FORMULAS

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
