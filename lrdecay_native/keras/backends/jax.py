"""JAX: the operations of a rate, and what its training step is traced with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

import jax
import jax.numpy
import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from lrdecay_native.keras.backends.fallback import as_written as as_written
from lrdecay_native.keras.backends.fallback import float32 as float32
from lrdecay_native.keras.backends.fallback import one_by_one as one_by_one
from lrdecay_native.keras.counters import numbers_of

# Older ones lose float64 in compiled functions.
if not hasattr(jax, "enable_x64"):
    raise ImportError(
        f"lrdecay_native.keras needs JAX 0.8 or newer, not {jax.__version__}: pip install --upgrade jax"
    )


class Operations:
    """JAX's functions, where it has been told to have 64 bits."""

    place = None

    def context(self) -> AbstractContextManager[None]:
        """In which the operations have 64 bits."""
        context: AbstractContextManager[None] = jax.enable_x64(True)
        return context

    def counter(self, step: Any) -> Any:
        """Steps as integers of 64 bits."""
        return jax.numpy.asarray(step).astype("int64")

    def asarray(self, number: float | npt.NDArray[np.float64]) -> Any:
        return jax.numpy.asarray(number, "float64")

    def integers(self, numbers: npt.NDArray[np.int64]) -> Any:
        return jax.numpy.asarray(numbers, "int64")

    def real(self, whole: Any) -> Any:
        return whole.astype("float64")

    def whole(self, real: Any) -> Any:
        return real.astype("int64")

    def single(self, real: Any) -> Any:
        """Numbers in float32."""
        return real.astype("float32")

    def quotient(self, whole: Any, divisor: int) -> Any:
        # One operation, where floor_divide makes eight.
        return jax.lax.div(whole, jax.numpy.full_like(whole, divisor))

    def take(self, table: Any, place: Any) -> Any:
        return jax.numpy.take(table, place, mode="clip")

    def passed(self, whole: Any, stops: Any) -> Any:
        return jax.numpy.sum(whole[..., None] >= stops, axis=-1, dtype="int32")

    def __getattr__(self, name: str) -> Any:
        return getattr(jax.numpy, name)


@lru_cache
def _operations() -> Operations:
    return Operations()


def operations_for(step: Any) -> Operations:
    """The operations in 64 bits for a step."""
    return _operations()


def entry(table: Any, step: Any, first: int, run: int) -> Any:
    """A table's entry for a step, the second being that of the first run; the nearest where there is none."""
    lowest, highest = numbers_of(table, step, first)
    number = step if run == 1 else step // run
    return jax.numpy.take(table, jax.numpy.clip(number, lowest, highest) - lowest, mode="clip")


def as_one(function: Callable[[], Any]) -> Any:
    """What a function gives, compiled as a whole, as Keras's branches are also in eager calls."""
    return ops.cond(ops.equal(float32(1.0), 1.0), function, function)


def is_known(value: Any) -> bool:
    """Whether Python can decide, with no program to be compiled: that has other roundings."""
    return not isinstance(value, jax.core.Tracer)


def is_traced(counter: Any) -> bool:
    """Whether a step is being traced."""
    return isinstance(keras.ops.convert_to_tensor(counter), jax.core.Tracer)


def is_compiled(model: Any) -> bool:
    """Whether the model's training step goes on with what it was traced with."""
    return not model.run_eagerly and bool(model.jit_compile)


def make_anew(model: Any) -> None:
    """Have the model's next training step be traced and compiled with what its optimizers have now."""
    # Within an epoch the values are outside of the variables, of which there may be others now.
    model.jax_state_sync()
    step, attributes = model.train_step, vars(model).copy()
    # JAX gives a method that equals one that was compiled, and is alive, the old program.
    object.__setattr__(model, "train_step", lambda state, data: step(state, data))
    try:
        model.make_train_function(force=True)
    finally:
        if "train_step" in attributes:
            object.__setattr__(model, "train_step", attributes["train_step"])
        else:
            object.__delattr__(model, "train_step")
