"""Between which two numbers a number lies, as far as is known when the code that computes it is written."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """The least and the greatest value that a number may have."""

    least: float = -math.inf
    most: float = math.inf

    @property
    def finite(self) -> bool:
        """Whether the number, and what rounding makes of it, is finite."""
        return self.least >= -1e300 and self.most <= 1e300

    def __neg__(self) -> Bounds:
        return Bounds(-self.most, -self.least)

    def __add__(self, other: Bounds) -> Bounds:
        return Bounds(self.least + other.least, self.most + other.most)

    def __mul__(self, other: Bounds) -> Bounds:
        products = [a * b if a and b else 0.0 for a in self._ends for b in other._ends]
        return Bounds(min(products), max(products))

    def __truediv__(self, other: Bounds) -> Bounds:
        if other.least <= 0.0 <= other.most:
            return Bounds()
        return self * Bounds(1.0 / other.most, 1.0 / other.least)

    def minimum(self, other: Bounds) -> Bounds:
        return Bounds(min(self.least, other.least), min(self.most, other.most))

    def maximum(self, other: Bounds) -> Bounds:
        return Bounds(max(self.least, other.least), max(self.most, other.most))

    def exp(self) -> Bounds:
        return self._ascending(math.exp)

    def log(self) -> Bounds:
        """Of what is not positive it is minus infinity."""
        return self._ascending(lambda number: math.log(number) if number > 0.0 else -math.inf)

    def root(self) -> Bounds:
        return self._ascending(lambda number: math.sqrt(max(number, 0.0)))

    def floor(self) -> Bounds:
        return Bounds(self.least - 1.0, self.most)

    def _ascending(self, function: Callable[[float], float]) -> Bounds:
        return Bounds(*(_or_infinity(function, end) for end in self._ends))

    @property
    def _ends(self) -> tuple[float, float]:
        return self.least, self.most


def _or_infinity(function: Callable[[float], float], number: float) -> float:
    try:
        return function(number)
    except OverflowError:
        return math.inf


ANYWHERE = Bounds()
