"""What holds on any backend of Keras: those that train nothing, NumPy's and OpenVINO's, have no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import keras
import numpy as np
from keras import ops


def operations_for(step: Any) -> NoReturn:
    """The operations in 64 bits for a step."""
    raise NotImplementedError(
        f"rates are computed on TensorFlow, JAX and PyTorch, not on {keras.backend.backend()}; "
        "rate.schedule(step) is the native one"
    )


def entry(table: Any, step: Any, first: int, run: int) -> NoReturn:
    """A table's entry for a step, the second being that of the first run; the nearest where there is none."""
    operations_for(step)


def float32(number: Any) -> Any:
    """A number that Keras's operations take as it is."""
    return np.float32(number)


def as_one(function: Callable[[], Any]) -> Any:
    """What a function gives, its operations rounded as they are in the branches of Keras's classes."""
    return function()


def one_by_one(function: Callable[[Any], Any], steps: Any) -> Any:
    """The values of a function that takes one step only, of a vector of steps."""
    return ops.vectorized_map(function, steps)


def is_known(value: Any) -> bool:
    """Whether Python can decide, with no program to be compiled."""
    return False


def as_written(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that compilers of Python code leave alone."""
    return function


def is_traced(counter: Any) -> bool:
    """Whether a step is being traced that will go on with the rate of now."""
    return False


def is_compiled(model: Any) -> bool:
    """Whether the model's training step goes on with what it was traced with."""
    return False


def make_anew(model: Any) -> None:
    """Have the model's next training step be traced and compiled with what its optimizers have now."""
    model.make_train_function(force=True)
