"""Between which two numbers a number lies, as far as is known when the code that computes it is written."""

from __future__ import annotations

import math
from collections.abc import Callable

from lrdecay_native.immutable import immutable


@immutable
class Interval:
    """The least and the greatest value that a number may have."""

    least: float = -math.inf
    most: float = math.inf

    @property
    def finite(self) -> bool:
        """Whether the number, and what rounding makes of it, is finite."""
        return self.least >= -1e300 and self.most <= 1e300

    def __neg__(self) -> Interval:
        return Interval(-self.most, -self.least)

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.least + other.least, self.most + other.most)

    def __mul__(self, other: Interval) -> Interval:
        products = [a * b if a and b else 0.0 for a in self._ends for b in other._ends]
        return Interval(min(products), max(products))

    def __truediv__(self, other: Interval) -> Interval:
        if other.least <= 0.0 <= other.most:
            return Interval()
        return self * Interval(1.0 / other.most, 1.0 / other.least)

    def minimum(self, other: Interval) -> Interval:
        return Interval(min(self.least, other.least), min(self.most, other.most))

    def maximum(self, other: Interval) -> Interval:
        return Interval(max(self.least, other.least), max(self.most, other.most))

    def exp(self) -> Interval:
        return self._ascending(math.exp)

    def log(self) -> Interval:
        """Of what is not positive it is minus infinity."""
        return self._ascending(lambda number: math.log(number) if number > 0.0 else -math.inf)

    def root(self) -> Interval:
        return self._ascending(lambda number: math.sqrt(max(number, 0.0)))

    def floor(self) -> Interval:
        return Interval(self.least - 1.0, self.most)

    def _ascending(self, function: Callable[[float], float]) -> Interval:
        return Interval(*(_or_infinity(function, end) for end in self._ends))

    @property
    def _ends(self) -> tuple[float, float]:
        return self.least, self.most


def _or_infinity(function: Callable[[float], float], number: float) -> float:
    try:
        return function(number)
    except OverflowError:
        return math.inf


ANYWHERE = Interval()
