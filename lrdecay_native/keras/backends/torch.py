"""PyTorch: the operations of a rate, and how its training step is compiled."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from keras import ops

from lrdecay_native.keras.backends.fallback import as_one as as_one
from lrdecay_native.keras.backends.fallback import is_compiled as is_compiled
from lrdecay_native.keras.backends.fallback import is_traced as is_traced
from lrdecay_native.keras.backends.fallback import make_anew as make_anew
from lrdecay_native.keras.counters import numbers_of


class Operations:
    """PyTorch's functions: Keras's make float32 of two float64 there."""

    def __init__(self, device: Any) -> None:
        self._home = device
        # Apple's GPUs have no float64.
        self.place = torch.device("cpu") if device.type == "mps" else device

    def context(self) -> AbstractContextManager[None]:
        """In which the operations have 64 bits."""
        return nullcontext()

    def counter(self, step: Any) -> Any:
        """Steps as integers of 64 bits."""
        return step.to(self.place, torch.int64)

    def asarray(self, number: float | npt.NDArray[np.float64]) -> Any:
        return torch.as_tensor(number, dtype=torch.float64, device=self.place)

    def integers(self, numbers: npt.NDArray[np.int64]) -> Any:
        return torch.as_tensor(numbers, dtype=torch.int64, device=self.place)

    def real(self, whole: Any) -> Any:
        return whole.to(self.place, torch.float64)

    def whole(self, real: Any) -> Any:
        return real.to(torch.int64)

    def single(self, real: Any) -> Any:
        """Numbers in float32."""
        return real.to(self._home, torch.float32)

    def quotient(self, whole: Any, divisor: int) -> Any:
        return torch.floor_divide(whole, divisor)

    def clip(self, whole: Any, lowest: int, highest: int) -> Any:
        return torch.clamp(whole, lowest, highest)

    def take(self, table: Any, place: Any) -> Any:
        return torch.take(table, place)

    def passed(self, whole: Any, stops: Any) -> Any:
        return torch.bucketize(whole, stops, right=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name, None) or getattr(ops, name)


@lru_cache
def _operations(device: Any) -> Operations:
    return Operations(device)


def operations_for(step: Any) -> Operations:
    """The operations in 64 bits for a step, where it is."""
    return _operations(step.device)


def float32(number: Any) -> Any:
    """A number that Keras's operations take as it is."""
    return ops.convert_to_tensor(number, "float32")


def entry(table: Any, step: Any, first: int, run: int) -> Any:
    """A table's entry for a step, the second being that of the first run; the nearest where there is none."""
    lowest, highest = numbers_of(table, step, first)
    number = step if run == 1 else step // run
    return torch.take(table, (torch.clamp(number, lowest, highest) - lowest).long())


def one_by_one(function: Callable[[Any], Any], steps: Any) -> Any:
    """The values of a function that takes one step only, of a vector of steps."""
    return ops.stack([function(step) for step in steps])


def is_known(value: Any) -> bool:
    """Whether Python can decide, with no program to be compiled: that has other roundings on JAX."""
    return True


def as_written(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that torch.compile leaves alone.

    It gives up at each thing that it doesn't know, and leaves a hundred graphs, each with a check at every step.
    """
    written: Callable[..., Any] = torch.compiler.disable(function)
    return written
