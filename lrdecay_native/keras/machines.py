"""The arithmetic of Keras's backends in 64 bits: integers that wrap around, and float64."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

if keras.backend.backend() == "jax":
    import jax

    # Older ones lose float64 in compiled functions.
    if not hasattr(jax, "enable_x64"):
        raise ImportError(
            f"lrdecay_native.keras needs JAX 0.8 or newer, not {jax.__version__}: pip install --upgrade jax"
        )


class TensorFlow:
    """TensorFlow's own operations: Keras's are several of them each."""

    place = None
    """Where its tensors are, if those of one call can be used in another."""

    def __init__(self) -> None:
        import tensorflow as tf

        self._tf = tf

    def context(self) -> AbstractContextManager[None]:
        """In which the operations have 64 bits."""
        return nullcontext()

    def counter(self, step: Any) -> Any:
        """Steps as integers of 64 bits."""
        return self._tf.cast(step, "int64")

    def asarray(self, number: float | npt.NDArray[np.float64]) -> Any:
        return self._tf.constant(number, "float64")

    def integers(self, numbers: npt.NDArray[np.int64]) -> Any:
        return self._tf.constant(numbers, "int64")

    def real(self, whole: Any) -> Any:
        return self._tf.cast(whole, "float64")

    def whole(self, real: Any) -> Any:
        return self._tf.cast(real, "int64")

    def single(self, real: Any) -> Any:
        """Numbers in float32."""
        return self._tf.cast(real, "float32")

    def quotient(self, whole: Any, divisor: int) -> Any:
        return self._tf.math.floordiv(whole, divisor)

    def clip(self, whole: Any, lowest: int, highest: int) -> Any:
        return self._tf.maximum(self._tf.minimum(whole, highest), lowest)

    def take(self, table: Any, place: Any) -> Any:
        return self._tf.gather(table, place)

    def passed(self, whole: Any, stops: Any) -> Any:
        # One operation, where comparing and adding up are three.
        row, values = self._tf.reshape(stops, (1, -1)), self._tf.reshape(whole, (1, -1))
        count = self._tf.raw_ops.UpperBound(sorted_inputs=row, values=values, out_type="int32")
        return self._tf.reshape(count, () if whole.shape.rank == 0 else self._tf.shape(whole))

    def where(self, condition: Any, one: Any, other: Any) -> Any:
        return self._tf.where(condition, one, other)

    def exp(self, real: Any) -> Any:
        return self._tf.exp(real)

    def log1p(self, real: Any) -> Any:
        return self._tf.math.log1p(real)

    def sin(self, real: Any) -> Any:
        return self._tf.sin(real)

    def sqrt(self, real: Any) -> Any:
        return self._tf.sqrt(real)

    def floor(self, real: Any) -> Any:
        return self._tf.floor(real)

    def fmod(self, one: Any, other: Any) -> Any:
        return self._tf.math.floormod(one, other)

    def minimum(self, one: Any, other: Any) -> Any:
        return self._tf.minimum(one, other)

    def maximum(self, one: Any, other: Any) -> Any:
        return self._tf.maximum(one, other)

    def __getattr__(self, name: str) -> Any:
        return getattr(ops, name)


class Jax:
    """JAX's functions, where it has been told to have 64 bits."""

    place = None

    def __init__(self) -> None:
        import jax

        self._jax = jax

    def context(self) -> AbstractContextManager[None]:
        """In which the operations have 64 bits."""
        context: AbstractContextManager[None] = self._jax.enable_x64(True)
        return context

    def counter(self, step: Any) -> Any:
        """Steps as integers of 64 bits."""
        return self._jax.numpy.asarray(step).astype("int64")

    def asarray(self, number: float | npt.NDArray[np.float64]) -> Any:
        return self._jax.numpy.asarray(number, "float64")

    def integers(self, numbers: npt.NDArray[np.int64]) -> Any:
        return self._jax.numpy.asarray(numbers, "int64")

    def real(self, whole: Any) -> Any:
        return whole.astype("float64")

    def whole(self, real: Any) -> Any:
        return real.astype("int64")

    def single(self, real: Any) -> Any:
        """Numbers in float32."""
        return real.astype("float32")

    def quotient(self, whole: Any, divisor: int) -> Any:
        # One operation, where floor_divide makes eight.
        return self._jax.lax.div(whole, self._jax.numpy.full_like(whole, divisor))

    def take(self, table: Any, place: Any) -> Any:
        return self._jax.numpy.take(table, place, mode="clip")

    def passed(self, whole: Any, stops: Any) -> Any:
        return self._jax.numpy.sum(whole[..., None] >= stops, axis=-1, dtype="int32")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._jax.numpy, name)


class Torch:
    """PyTorch's functions: Keras's make float32 of two float64 there."""

    def __init__(self, device: Any) -> None:
        import torch

        self._torch = torch
        self._home = device
        # Apple's GPUs have no float64.
        self.place = torch.device("cpu") if device.type == "mps" else device

    def context(self) -> AbstractContextManager[None]:
        """In which the operations have 64 bits."""
        return nullcontext()

    def counter(self, step: Any) -> Any:
        """Steps as integers of 64 bits."""
        return step.to(self.place, self._torch.int64)

    def asarray(self, number: float | npt.NDArray[np.float64]) -> Any:
        return self._torch.as_tensor(number, dtype=self._torch.float64, device=self.place)

    def integers(self, numbers: npt.NDArray[np.int64]) -> Any:
        return self._torch.as_tensor(numbers, dtype=self._torch.int64, device=self.place)

    def real(self, whole: Any) -> Any:
        return whole.to(self.place, self._torch.float64)

    def whole(self, real: Any) -> Any:
        return real.to(self._torch.int64)

    def single(self, real: Any) -> Any:
        """Numbers in float32."""
        return real.to(self._home, self._torch.float32)

    def quotient(self, whole: Any, divisor: int) -> Any:
        return self._torch.floor_divide(whole, divisor)

    def clip(self, whole: Any, lowest: int, highest: int) -> Any:
        return self._torch.clamp(whole, lowest, highest)

    def take(self, table: Any, place: Any) -> Any:
        return self._torch.take(table, place)

    def passed(self, whole: Any, stops: Any) -> Any:
        return self._torch.bucketize(whole, stops, right=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._torch, name, None) or getattr(ops, name)


def machine_for(step: Any) -> Any:
    """The machine of Keras's backend for a step."""
    return _machine(step.device if keras.backend.backend() == "torch" else None)


@lru_cache
def _machine(device: Any) -> Any:
    match keras.backend.backend():
        case "tensorflow":
            return TensorFlow()
        case "jax":
            return Jax()
    return Torch(device)
