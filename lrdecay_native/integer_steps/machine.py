"""What the values of integer steps need of the namespace of a framework."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


class Machine(Protocol):
    """The operations of an array namespace that values here need."""

    def asarray(self, number: float | npt.NDArray[np.float64]) -> Any:
        """A number, or several, in float64."""

    def integers(self, numbers: npt.NDArray[np.int64]) -> Any:
        """Integers of 64 bits."""

    def real(self, whole: Any) -> Any:
        """Integers in float64."""

    def whole(self, real: Any) -> Any:
        """The integers of 64 bits that are next to float64 numbers in the direction of 0; of truths, 0 and 1."""

    def quotient(self, whole: Any, divisor: int) -> Any:
        """The floor of the quotient of integers that aren't negative; anything for others."""

    def clip(self, whole: Any, lowest: int, highest: int) -> Any:
        """The integer in a range that is next to an integer."""

    def take(self, table: Any, place: Any) -> Any:
        """The entries of a table at integers."""

    def passed(self, whole: Any, stops: Any) -> Any:
        """How many of the stops are up to each integer."""

    def where(self, condition: Any, one: Any, other: Any) -> Any:
        """One of two values."""

    def other(self, name: Any, function: Callable[..., Any], *arguments: Any) -> Any:
        """What ``function(xp, *arguments)`` gives in the namespace that the operations run in."""

    def exp(self, real: Any) -> Any:
        """The exponential."""

    def log1p(self, real: Any) -> Any:
        """The logarithm of 1 and a number."""

    def sin(self, real: Any) -> Any:
        """The sine."""

    def sqrt(self, real: Any) -> Any:
        """The root."""

    def floor(self, real: Any) -> Any:
        """The floor."""

    def fmod(self, one: Any, other: Any) -> Any:
        """The rest of a division, without an error."""

    def minimum(self, one: Any, other: Any) -> Any:
        """The smaller one."""

    def maximum(self, one: Any, other: Any) -> Any:
        """The larger one."""
