"""Steps as an optimizer counts them: integers of a framework, which may be narrow."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import keras
import numpy as np
from keras import ops

from lrdecay_native.validation import STEP_LIMIT

EXACT_FLOAT32_STEPS = 2**24
"""Float32 holds every integer up to here, and only every second one above."""


@lru_cache
def stop_of(dtype: Any) -> int | None:
    """The integer behind the last step of a type of numbers, or None where they aren't integers."""
    name = keras.backend.standardize_dtype(dtype)
    if not keras.backend.is_int_dtype(name):
        return None
    return 2**31 if name == "int32" else STEP_LIMIT


def as_counter(step: Any) -> Any:
    """A step as a tensor, a whole one in one of the types of optimizers' counters: others don't hold 2**24."""
    counter = ops.convert_to_tensor(step)
    if isinstance(step, np.ndarray) and is_narrow(counter):
        largest = step.max(initial=0)
        if largest > np.iinfo(np.int32).max:
            raise ValueError(
                f"step={largest} must be up to 2**31 - 1 in an array on {keras.backend.backend()}, which has no "
                "wider integers; rate.schedule(steps) takes them natively"
            )
    dtype = keras.backend.standardize_dtype(counter.dtype)
    other = keras.backend.is_int_dtype(dtype) and dtype not in ("int32", "int64")
    return ops.cast(counter, "int64") if other else counter


def is_narrow(step: Any) -> bool:
    """Whether steps are integers that get negative behind 2**31 - 1."""
    return stop_of(step.dtype) == 2**31


def is_whole(step: Any) -> bool:
    """Whether steps are integers."""
    return stop_of(step.dtype) is not None


def is_scalar(step: Any) -> bool:
    """Whether it is a single step."""
    return len(step.shape) == 0


def numbers_of(table: Any, step: Any, first: int) -> tuple[int, int]:
    """The numbers of the first and the last run of a table that a step's type of integers holds."""
    limit = 2**31 - 1 if is_narrow(step) else 2**63 - 1
    return min(first - 1, limit), min(first + len(table) - 2, limit)
