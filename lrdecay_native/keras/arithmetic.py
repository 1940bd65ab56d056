"""Schedules in the arithmetic of Keras's backend: in float32 as Keras does it, and in float64 on each backend."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from lrdecay_native.compositions import Warmup
from lrdecay_native.cycles import CosineRestarts
from lrdecay_native.decays import CosineDecay
from lrdecay_native.keras.conversion import to_keras
from lrdecay_native.schedules import Schedule
from lrdecay_native.validation import STEP_LIMIT

EXACT_FLOAT32_STEPS = 2**24
"""Float32 holds every integer up to here, and only every second one above."""

Rate = Callable[[Any], Any]
"""The rate at a step, both tensors."""


class _Operations:
    """Keras's operations as the array namespace of `Schedule.evaluate`, in one precision."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def asarray(self, number: float | npt.NDArray[np.float64]) -> Any:
        return ops.convert_to_tensor(number, self.dtype)

    def astype(self, value: Any, dtype: str) -> Any:
        return ops.cast(value, dtype)

    def __getattr__(self, name: str) -> Any:
        return getattr(ops, name)


def _float64_on_tensorflow(step: Any) -> tuple[Any, Any]:
    return _Operations("float64"), ops.cast(step, "float64")


def _float64_on_jax(step: Any) -> tuple[Any, Any]:
    import jax.numpy

    class Operations:
        """JAX's functions, where it has been told to have float64."""

        def asarray(self, number: float | npt.NDArray[np.float64]) -> Any:
            return jax.numpy.asarray(number, "float64")

        def astype(self, value: Any, dtype: str) -> Any:
            return value.astype(dtype)

        def __getattr__(self, name: str) -> Any:
            return getattr(jax.numpy, name)

    return Operations(), jax.numpy.asarray(step).astype("float64")


def _float64_on_torch(step: Any) -> tuple[Any, Any]:
    import torch

    class Operations:
        """PyTorch's functions: Keras's make float32 of two float64 there."""

        def asarray(self, number: float | npt.NDArray[np.float64]) -> Any:
            return torch.as_tensor(number, dtype=torch.float64, device=step.device)

        def astype(self, value: Any, dtype: str) -> Any:
            # Its indices are int64.
            return value.to(torch.int64 if dtype == "int32" else getattr(torch, dtype))

        def __getattr__(self, name: str) -> Any:
            return getattr(torch, name, None) or getattr(ops, name)

    return Operations(), step.to(torch.float64)


def _jax_with_float64() -> AbstractContextManager[None]:
    import jax

    context: AbstractContextManager[None] = jax.enable_x64(True)
    return context


_FLOAT64 = {
    "tensorflow": (nullcontext, _float64_on_tensorflow),
    "jax": (_jax_with_float64, _float64_on_jax),
    "torch": (nullcontext, _float64_on_torch),
}


def beyond(schedule: Schedule, step: Any) -> Any:
    """The rate at a step from 2**24 on, computed in float64 and rounded to float32."""
    return _in_float64(schedule, step, first=EXACT_FLOAT32_STEPS)


def in_float64(schedule: Schedule, step: Any) -> Any:
    """The rate at any step, likewise."""
    return _in_float64(schedule, step, first=0)


def _in_float64(schedule: Schedule, step: Any, first: int) -> Any:
    stop = 2**31 if is_narrow(step) else STEP_LIMIT
    context, namespace = _FLOAT64[keras.backend.backend()]
    with context():
        xp, wide = namespace(step)
        return xp.astype(schedule.evaluate(xp, wide, first=first, stop=stop), "float32")


def is_narrow(step: Any) -> bool:
    """Whether steps are integers that get negative behind 2**31 - 1."""
    return keras.backend.standardize_dtype(step.dtype) in ("int8", "int16", "int32")


def below(schedule: Schedule) -> Rate:
    """The rate at steps below 2**24, in Keras's own float32 arithmetic where Keras has the schedule."""
    builtin = _builtin(schedule)
    if builtin is None:
        return lambda step: _in_float32(schedule, step)
    if getattr(builtin, "warmup_target", None) is not None:
        return lambda step: builtin(step) if is_scalar(step) else _one_by_one(builtin, step)
    return builtin  # type: ignore[no-any-return]


def _builtin(schedule: Schedule) -> Any:
    """Keras's own object, its arithmetic in float32 whatever ``floatx`` is, where other operations round otherwise.

    The other builtins' formulas are those of this library, operation for operation.  Not so on XLA, where Keras's
    PolynomialDecay takes roots of negative numbers at its last step (NaN), and ours doesn't.
    """
    if not isinstance(schedule, (CosineDecay, CosineRestarts, Warmup)):
        return None
    try:
        builtin = to_keras(schedule)
    except ValueError:
        return None
    # JAX refuses integers that int32 doesn't hold.
    for name, value in vars(builtin).items():
        if type(value) is int:
            setattr(builtin, name, float(value))
    builtin.initial_learning_rate = np.float32(builtin.initial_learning_rate)
    return builtin


def _one_by_one(builtin: Any, steps: Any) -> Any:
    """The rates of an object that takes one step only."""
    flat = ops.reshape(steps, (-1,))
    if keras.backend.backend() == "torch":
        rates = ops.stack([builtin(step) for step in flat])
    else:
        rates = ops.vectorized_map(builtin, flat)
    return ops.reshape(rates, ops.shape(steps))


def _in_float32(schedule: Schedule, step: Any) -> Any:
    xp = _Operations("float32")
    return schedule.evaluate(xp, ops.cast(step, "float32"), stop=EXACT_FLOAT32_STEPS)


def is_scalar(step: Any) -> bool:
    """Whether it is a single step."""
    return len(step.shape) == 0


def entry(table: Any, step: Any, first: int) -> Any:
    """The entry of a table for a step, the first of which is for a first one; the nearest where there is none."""
    limit = 2**31 - 1 if is_narrow(step) else 2**63 - 1
    lowest, highest = min(first, limit), min(first + len(table) - 1, limit)
    return _ENTRY[keras.backend.backend()](table, step, lowest, highest)


def _entry_on_tensorflow(table: Any, step: Any, lowest: int, highest: int) -> Any:
    import tensorflow as tf

    # Keras's clip and take are eight operations, of which each counts in a loop.
    bounds = [tf.constant(bound, step.dtype) for bound in (lowest, highest)]
    return tf.gather(
        table, tf.raw_ops.ClipByValue(t=step, clip_value_min=bounds[0], clip_value_max=bounds[1]) - lowest
    )


def _entry_on_jax(table: Any, step: Any, lowest: int, highest: int) -> Any:
    import jax.numpy

    return jax.numpy.take(table, jax.numpy.clip(step, lowest, highest) - lowest, mode="clip")


def _entry_on_torch(table: Any, step: Any, lowest: int, highest: int) -> Any:
    import torch

    return torch.take(table, (torch.clamp(step, lowest, highest) - lowest).long())


_ENTRY = {"tensorflow": _entry_on_tensorflow, "jax": _entry_on_jax, "torch": _entry_on_torch}


def nan_where_negative(step: Any, rate: Any) -> Any:
    """The rate, or NaN where a counter has got behind the last integer that it holds."""
    return ops.where(step < 0, np.float32(np.nan), rate)


def one_of(condition: Any, one: Callable[[], Any], other: Callable[[], Any]) -> Any:
    """One of two tensors, of which only that one is computed if there is a single condition."""
    if not is_scalar(condition):
        return ops.where(condition, one(), other())
    if _is_known_to_jax(condition):
        return one() if condition else other()
    return ops.cond(condition, one, other)


def _is_known_to_jax(condition: Any) -> bool:
    """Whether JAX need not compile both: what it compiles it rounds in another way than single operations."""
    if keras.backend.backend() != "jax":
        return False
    import jax

    return not isinstance(condition, jax.core.Tracer)
