"""Evaluate schedules in 106 bits at single steps and at arrays of steps, through the compiled kernels.

A schedule offers its exact values at steps, both as pairs ``high + low``.  Nothing here knows a formula.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lrdecay_native.arithmetic.scalars import DoubleDoubleScalar
from lrdecay_native.engines import engine

Doubles = npt.NDArray[np.float64]
DoubleDoubleArray = tuple[Doubles, Doubles]
PairFunction = Callable[[DoubleDoubleArray], DoubleDoubleArray]


class Rates(Protocol):
    """Values in 106 bits at pairs of contiguous vectors."""

    @property
    def link(self) -> Any:
        """The engine's own form of it, for steps below the limit."""

    @property
    def limit(self) -> float:
        """The step from which on the engine's own form isn't exact."""

    def on_arrays(self, variable: DoubleDoubleArray) -> DoubleDoubleArray:
        """The value at each element."""


CHUNK = 8192
"""Steps per call of a kernel on arrays: intermediate results stay in the processor's cache."""


_DTYPES = {8: "float64", 4: "float32"}


def dtype_of(out: npt.NDArray[Any]) -> str:
    """``"float64"`` or ``"float32"``; `dtype.name` takes as long as filling ten thousand values."""
    return _DTYPES[out.itemsize]


def apply_to_arrays(name: str, variable: DoubleDoubleArray, *parameters: float) -> DoubleDoubleArray:
    """The kernel ``name`` on a pair of contiguous arrays."""
    result = np.empty_like(variable[0]), np.empty_like(variable[0])
    getattr(engine, name)(*variable, *parameters, *result)
    return result


def apply_to_point(name: str, variable: DoubleDoubleScalar, *parameters: float) -> DoubleDoubleScalar:
    """The kernel ``name`` on a pair of floats."""
    result: DoubleDoubleScalar = getattr(engine, f"{name}_point")(*variable, *parameters)
    return result


def as_pair(steps: npt.NDArray[Any]) -> DoubleDoubleArray:
    """Steps as ``high + low``, exactly, whatever their dtype."""
    high = np.ascontiguousarray(steps, dtype=np.float64)
    if steps.dtype.kind == "f" and steps.dtype.itemsize > 8:
        return high, (steps - high).astype(np.float64)
    if steps.dtype.kind in "iu" and steps.dtype.itemsize == 8:
        # Below 2**63 as steps are, high may round up to 2**63 itself: the difference wraps around to the
        # right value in 64 bits.
        return high, (steps.astype(np.uint64) - high.astype(np.uint64)).view(np.int64).astype(np.float64)
    return high, np.zeros_like(high)


def contiguous(steps: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The steps in one piece and in the machine's byte order."""
    if steps.flags.c_contiguous and steps.flags.aligned and steps.dtype.isnative:
        return steps
    return np.array(steps, steps.dtype.newbyteorder("="), order="C")


def evaluate_points(exact: PairFunction, steps: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
    """Write the value at each step of a contiguous vector into another one."""
    for first in range(0, len(steps), CHUNK):
        out[first : first + CHUNK] = exact(as_pair(steps[first : first + CHUNK]))[0]
