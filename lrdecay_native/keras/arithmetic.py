"""Schedules in the arithmetic of Keras's backend: in float32 as Keras does it, and in float64 on each backend."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from lrdecay_native.keras.conversion import to_keras
from lrdecay_native.phases import PiecewiseConstant
from lrdecay_native.schedules import Schedule
from lrdecay_native.validation import STEP_LIMIT

if keras.backend.backend() == "jax":
    import jax

    # Older ones lose float64 in compiled functions.
    if not hasattr(jax, "enable_x64"):
        raise ImportError(
            f"lrdecay_native.keras needs JAX 0.8 or newer, not {jax.__version__}: pip install --upgrade jax"
        )

builtins = keras.optimizers.schedules

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

    def count(self, conditions: Any) -> Any:
        return ops.sum(ops.cast(conditions, "int32"), axis=-1)

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

        def count(self, conditions: Any) -> Any:
            return jax.numpy.sum(conditions, axis=-1, dtype="int32")

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

        def count(self, conditions: Any) -> Any:
            return torch.sum(conditions, dim=-1)

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


def in_float64(schedule: Schedule, step: Any) -> Any:
    """The rate at a step, computed in float64 and rounded to float32."""
    return _in_float64(schedule, step, first=0)


def _in_float64(schedule: Schedule, step: Any, first: int) -> Any:
    stop = 2**31 if is_narrow(step) else STEP_LIMIT
    context, namespace = _FLOAT64[keras.backend.backend()]
    with context():
        xp, wide = namespace(step)
        return xp.astype(schedule.evaluate(xp, wide, first=first, stop=stop), "float32")


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
    dtype: str = keras.backend.standardize_dtype(step.dtype)
    return dtype == "int32"


def as_keras_does(schedule: Schedule) -> Rate | None:
    """The rate at any step in the arithmetic of Keras's own class; None where Keras has none."""
    builtin = _builtin(schedule)
    match builtin:
        case builtins.CosineDecay() if builtin.warmup_target is not None:
            return lambda step: builtin(step) if is_scalar(step) else _one_by_one(builtin, step)
        case builtins.PolynomialDecay() if not builtin.cycle and not builtin.power.is_integer():
            return lambda step: _without_negative_roots(builtin, step)
    return builtin  # type: ignore[no-any-return]


def formula(schedule: Schedule) -> Rate:
    """The rate at any step: below 2**24 in float32, from there on, where it changes there, in float64."""
    length = schedule.length
    if length is not None and length < EXACT_FLOAT32_STEPS:
        return lambda step: _in_float32(schedule, step)
    return lambda step: one_of(
        step < EXACT_FLOAT32_STEPS,
        lambda: _in_float32(schedule, step),
        lambda: _in_float64(schedule, step, first=EXACT_FLOAT32_STEPS),
    )


def _without_negative_roots(builtin: Any, step: Any) -> Any:
    """The rate, where at the end Keras's object on XLA may raise a number right below 0 to a broken power."""
    rate = builtin(step)
    return ops.where(ops.isnan(rate), np.float32(builtin.end_learning_rate), rate)


def _builtin(schedule: Schedule) -> Any:
    """Keras's own object, its arithmetic in float32 whatever ``floatx`` is; None where there is none."""
    # Constant rates have no arithmetic, and Keras's object takes one step only on PyTorch.
    if isinstance(schedule, PiecewiseConstant):
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
    if keras.backend.backend() == "torch":
        # Keras makes tensors of these in each call, which takes half of its time.
        for name in ("initial_learning_rate", "decay_rate", "decay_steps", "first_decay_steps"):
            if hasattr(builtin, name):
                setattr(builtin, name, ops.convert_to_tensor(getattr(builtin, name), "float32"))
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


def entry(table: Any, step: Any, first: int, run: int) -> Any:
    """A table's entry for a step, the second being that of the first run; the nearest where there is none."""
    if keras.backend.backend() == "tensorflow":
        return _entry_on_tensorflow(table, step, first - 1, run)
    limit = 2**31 - 1 if is_narrow(step) else 2**63 - 1
    lowest, highest = min(first - 1, limit), min(first + len(table) - 2, limit)
    return _ENTRY[keras.backend.backend()](table, step if run == 1 else step // run, lowest, highest)


def _entry_on_tensorflow(table: Any, step: Any, lowest: int, run: int) -> Any:
    import tensorflow as tf

    # Keras's clip and take are eight operations, of which each counts in a loop.  TFLite has no ClipByValue and, for
    # int64, no FloorDiv.
    last = len(table) - 1
    limit = 2**31 - 1 if is_narrow(step) else 2**63 - 1

    def between(number: Any, least: int, largest: int) -> Any:
        bounds = [tf.constant(min(bound, limit), number.dtype) for bound in (least, largest)]
        return tf.raw_ops.Minimum(x=tf.raw_ops.Maximum(x=number, y=bounds[0]), y=bounds[1]) - min(
            least, limit
        )

    if run > 1 and not is_narrow(step) and last * run < 2**31:
        return tf.gather(table, tf.cast(between(step, lowest * run, (lowest + last) * run), "int32") // run)
    return tf.gather(table, between(step if run == 1 else step // run, lowest, lowest + last))


def _entry_on_jax(table: Any, number: Any, lowest: int, highest: int) -> Any:
    import jax.numpy

    return jax.numpy.take(table, jax.numpy.clip(number, lowest, highest) - lowest, mode="clip")


def _entry_on_torch(table: Any, number: Any, lowest: int, highest: int) -> Any:
    import torch

    return torch.take(table, (torch.clamp(number, lowest, highest) - lowest).long())


_ENTRY = {"jax": _entry_on_jax, "torch": _entry_on_torch}


def nan_where_negative(step: Any, rate: Any) -> Any:
    """The rate, or NaN where a counter has got behind the last integer that it holds."""
    if is_scalar(step) and _is_known(step):
        return rate if step >= 0 else ops.full((), np.nan, "float32")
    return ops.where(step < 0, np.float32(np.nan), rate)


def one_of(condition: Any, one: Callable[[], Any], other: Callable[[], Any]) -> Any:
    """One of two tensors, of which only that one is computed if there is a single condition."""
    if not is_scalar(condition):
        return ops.where(condition, one(), other())
    if _is_known(condition):
        return one() if condition else other()
    return ops.cond(condition, one, other)


def _is_known(value: Any) -> bool:
    """Whether Python can decide, with no program to be compiled: that has other roundings on JAX."""
    match keras.backend.backend():
        case "jax":
            import jax

            return not isinstance(value, jax.core.Tracer)
        case "torch":
            return True
    return False


def as_written(function: Rate) -> Rate:
    """A function that compilers of Python code leave alone.

    AutoGraph takes seconds to rewrite all that it calls; torch.compile gives up at each thing that it doesn't
    know, and leaves a hundred graphs, each with a check at every step.
    """
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            function = tf.autograph.experimental.do_not_convert(function)
        case "torch":
            import torch

            function = torch.compiler.disable(function)
    return function
