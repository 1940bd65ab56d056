"""Which kernel for arbitrary steps serves which parameters: a common value of a parameter has a kernel of its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from lrdecay_native.formulas import FORMULAS

MOST_CONSTANTS = 16
"""Every set of parameters has this many constants, of which a kernel uses the first."""

WHOLE_PERIODS = "whole_periods"
"""The kernel that floors steps, before another stage."""

PERIOD = ("period", "period_low")
"""The first parameters of every kernel: a period of 106 bits, as products of two periods have."""


@lru_cache
def variants(formula: str, time_map: str) -> tuple[tuple[str, dict[str, float]], ...]:
    """The kernels of a formula after a time map, and the values of parameters that each is for; the last for all."""
    common = (
        (f"{formula}_{time_map}_{parameter}_{value:g}".replace(".", "_"), {parameter: value})
        for parameter, values in FORMULAS[formula].common.items()
        for value in values
    )
    return (*common, (f"{formula}_{time_map}", {}))


def variant(formula: str, time_map: str, parameters: Mapping[str, float]) -> str:
    """The name of the kernel for one set of parameters."""
    return next(
        name
        for name, known in variants(formula, time_map)
        if all(parameters[parameter] == value for parameter, value in known.items())
    )
