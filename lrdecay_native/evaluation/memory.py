"""The arrays that rates are written into."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.codegen.tuning import CACHE_LINE_BYTES
from lrdecay_native.messages import shown
from lrdecay_native.validation import FLOATS, dtype

SHORT_VALUES = 2**14
"""In a shorter array it does not matter where it begins."""


def destination(out: Any, shape: tuple[int, ...], wanted: npt.DTypeLike | None) -> npt.NDArray[Any]:
    """``out`` where it is given and fits, else a new array."""
    if out is None:
        create = np.empty if math.prod(shape) < SHORT_VALUES else aligned
        return create(shape, dtype(np.float64 if wanted is None else wanted))
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array, not {type(out).__name__}")
    if isinstance(out, np.ma.MaskedArray):
        raise TypeError("out must be a plain NumPy array, not a masked one: give its data, out.data")
    native = out.dtype if out.dtype.isnative else out.dtype.newbyteorder("=")
    if native not in FLOATS:
        raise TypeError(f"out has dtype {out.dtype}; it must be float64 or float32")
    if wanted is not None and dtype(wanted) != native:
        raise TypeError(f"dtype={shown(wanted)} differs from the dtype of out, {out.dtype}; give one of them")
    if out.shape != shape:
        raise ValueError(f"out has shape {out.shape}; it must have shape {shape}")
    if not out.flags.writeable:
        raise ValueError("out is read-only; it must be writeable")
    return out


def aligned(shape: tuple[int, ...], wanted: np.dtype[Any]) -> npt.NDArray[Any]:
    """A new array that begins with a line of the processor's cache: vectors that straddle two take longer."""
    size = math.prod(shape)
    longer = np.empty(size + CACHE_LINE_BYTES // wanted.itemsize, wanted)
    first = -longer.__array_interface__["data"][0] % CACHE_LINE_BYTES // wanted.itemsize
    return longer[first : first + size].reshape(shape)
