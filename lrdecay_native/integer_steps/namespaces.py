"""The namespaces in which the registry's functions are called with values."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from lrdecay_native.arithmetic.double_double import PI_EXACT
from lrdecay_native.integer_steps.division import divided
from lrdecay_native.integer_steps.machine import Machine
from lrdecay_native.integer_steps.values import Line, Real, Value, exponential, known, square_root, value_of


class Formulas:
    """The namespace in which formulas are called with values."""

    def __init__(self, xp: Machine) -> None:
        self.xp = xp

    def asarray(self, number: Fraction | float) -> Value:
        """A number as a value."""
        return value_of(self.xp, number)

    def exp(self, value: Value) -> Value:
        """The exponential."""
        return exponential(value)

    def sqrt(self, value: Value) -> Value:
        """The root."""
        return square_root(value)

    def raised_cosine(self, value: Value) -> Value:
        """``(1 + cos(pi * x)) / 2`` for a number that isn't negative."""
        if isinstance(value, Line) and max(abs(value.at(value.low)), abs(value.at(value.high))) > 2:
            value = divided(value, Fraction(2))[1]()
        falling, rising = self._square_of_sine(1.0 - value), self._square_of_sine(value)
        return Real(self.xp, lambda: falling.number, lambda: rising)

    def _square_of_sine(self, value: Value) -> Value:
        """``sin(pi * x / 2) ** 2``."""
        sine = Real(self.xp, lambda: self.xp.sin((value * value_of(self.xp, PI_EXACT / 2)).array))
        return sine * sine

    def minimum(self, one: Value, other: Value) -> Value:
        """The smaller one."""
        return self._extreme(min, self.xp.minimum, one, other)

    def maximum(self, one: Value, other: Value) -> Value:
        """The larger one."""
        return self._extreme(max, self.xp.maximum, one, other)

    def _extreme(self, extreme: Any, function: Callable[[Any, Any], Any], one: Value, other: Value) -> Value:
        first, second = known(one), known(other)
        if first is not None and second is not None:
            return Line(self.xp, extreme(first, second))
        return Real(self.xp, lambda: function(one.array, other.array))


class StepMaps(Formulas):
    """The namespace in which maps of the step are called with values.

    A line never gets beyond a bound of a map within a piece, unless the piece is constant.
    """

    def floor(self, value: Value) -> Value:
        """The floor of a number that isn't negative."""
        return divided(value, Fraction(1))[0]

    def minimum(self, one: Value, other: Value) -> Value:
        return one if isinstance(one, Line) else super().minimum(one, other)

    def maximum(self, one: Value, other: Value) -> Value:
        return one if isinstance(one, Line) else super().maximum(one, other)
