"""A Python function of the step as machine code, made by numba."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class Compiled(NamedTuple):
    """A formula as compiled functions.

    Attributes
    ----------
    at : callable
        ``at(step, parameters)`` gives the rate.
    fill : callable
        ``fill(steps, parameters, raised, out)`` writes the rates up to the first one that is none, and gives its
        index, or the number of steps; if ``raised``, negative ones are 0.
    """

    at: Callable[[float, tuple[float, ...]], float]
    fill: Callable[[npt.NDArray[np.float64], tuple[float, ...], bool, npt.NDArray[np.float64]], int]


def compiled(function: FunctionType, parameters: int) -> Compiled:
    """The compiled functions of a formula that takes the step and so many parameters by position."""
    numba: Any = importlib.import_module("numba")
    compiler = numba.njit(nogil=True, error_model="numpy")
    formula = compiler(function)
    parameters_type, steps_type = numba.typeof((0.0,) * parameters), numba.float64[::1]

    def at(step: float, parameters: tuple[float, ...]) -> float:
        return float(formula(step, *parameters) + 0.0)  # not -0.0

    def fill(steps: Any, parameters: tuple[float, ...], raised: bool, out: Any) -> int:
        for index in range(len(steps)):
            rate = compiled_at(steps[index], parameters)
            if raised and rate < 0.0:
                rate = 0.0
            # Vectorized, functions such as exp may give other bits; a loop that can end early is not.
            if not 0.0 <= rate < math.inf:
                return index
            out[index] = rate
        return len(steps)

    try:
        compiled_at = numba.njit(numba.float64(numba.float64, parameters_type), nogil=True)(at)
        fill_type = numba.int64(steps_type, parameters_type, numba.boolean, steps_type)
        compiled_fill = numba.njit(fill_type, nogil=True)(fill)
    except Exception as error:  # Not all that numba raises are its own.
        raise TypeError(
            f"numba can't compile {function.__name__}, or it returns no real number: {error}"
        ) from None
    return Compiled(compiled_at, compiled_fill)
