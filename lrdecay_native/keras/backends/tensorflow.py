"""TensorFlow: the operations of a rate, and what its training step is traced with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import ops

from lrdecay_native.keras.backends.fallback import as_one as as_one
from lrdecay_native.keras.backends.fallback import float32 as float32
from lrdecay_native.keras.backends.fallback import is_known as is_known
from lrdecay_native.keras.backends.fallback import make_anew as make_anew
from lrdecay_native.keras.backends.fallback import one_by_one as one_by_one
from lrdecay_native.keras.counters import is_narrow


class Operations:
    """TensorFlow's own operations: Keras's are several of them each."""

    place = None
    """Where its tensors are, if those of one call can be used in another."""

    def context(self) -> AbstractContextManager[None]:
        """In which the operations have 64 bits."""
        return nullcontext()

    def counter(self, step: Any) -> Any:
        """Steps as integers of 64 bits."""
        return tf.cast(step, "int64")

    def asarray(self, number: float | npt.NDArray[np.float64]) -> Any:
        return tf.constant(number, "float64")

    def integers(self, numbers: npt.NDArray[np.int64]) -> Any:
        return tf.constant(numbers, "int64")

    def real(self, whole: Any) -> Any:
        return tf.cast(whole, "float64")

    def whole(self, real: Any) -> Any:
        return tf.cast(real, "int64")

    def single(self, real: Any) -> Any:
        """Numbers in float32."""
        return tf.cast(real, "float32")

    def quotient(self, whole: Any, divisor: int) -> Any:
        return tf.math.floordiv(whole, divisor)

    def clip(self, whole: Any, lowest: int, highest: int) -> Any:
        return tf.maximum(tf.minimum(whole, highest), lowest)

    def take(self, table: Any, place: Any) -> Any:
        return tf.gather(table, place)

    def passed(self, whole: Any, stops: Any) -> Any:
        # One operation, where comparing and adding up are three.
        row, values = tf.reshape(stops, (1, -1)), tf.reshape(whole, (1, -1))
        count = tf.raw_ops.UpperBound(sorted_inputs=row, values=values, out_type="int32")
        return tf.reshape(count, () if whole.shape.rank == 0 else tf.shape(whole))

    def where(self, condition: Any, one: Any, other: Any) -> Any:
        return tf.where(condition, one, other)

    def exp(self, real: Any) -> Any:
        return tf.exp(real)

    def log1p(self, real: Any) -> Any:
        return tf.math.log1p(real)

    def sin(self, real: Any) -> Any:
        return tf.sin(real)

    def sqrt(self, real: Any) -> Any:
        return tf.sqrt(real)

    def floor(self, real: Any) -> Any:
        return tf.floor(real)

    def fmod(self, one: Any, other: Any) -> Any:
        return tf.math.floormod(one, other)

    def minimum(self, one: Any, other: Any) -> Any:
        return tf.minimum(one, other)

    def maximum(self, one: Any, other: Any) -> Any:
        return tf.maximum(one, other)

    def __getattr__(self, name: str) -> Any:
        return getattr(ops, name)


@lru_cache
def _operations() -> Operations:
    return Operations()


def operations_for(step: Any) -> Operations:
    """The operations in 64 bits for a step."""
    return _operations()


def entry(table: Any, step: Any, first: int, run: int) -> Any:
    """A table's entry for a step, the second being that of the first run; the nearest where there is none."""
    # Keras's clip and take are eight operations, of which each counts in a loop.  TFLite has no ClipByValue and, for
    # int64, no FloorDiv.
    lowest, last = first - 1, len(table) - 1
    limit = 2**31 - 1 if is_narrow(step) else 2**63 - 1

    def between(number: Any, least: int, largest: int) -> Any:
        bounds = [tf.constant(min(bound, limit), number.dtype) for bound in (least, largest)]
        return tf.raw_ops.Minimum(x=tf.raw_ops.Maximum(x=number, y=bounds[0]), y=bounds[1]) - min(
            least, limit
        )

    if run > 1 and not is_narrow(step) and last * run < 2**31:
        return tf.gather(table, tf.cast(between(step, lowest * run, (lowest + last) * run), "int32") // run)
    return tf.gather(table, between(step if run == 1 else step // run, lowest, lowest + last))


def as_written(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that AutoGraph leaves alone: it takes seconds to rewrite all that it calls."""
    written: Callable[..., Any] = tf.autograph.experimental.do_not_convert(function)
    return written


def is_traced(counter: Any) -> bool:
    """Whether a step is being traced."""
    return not tf.executing_eagerly()


def is_compiled(model: Any) -> bool:
    """Whether the model's training step goes on with what it was traced with."""
    return not model.run_eagerly
