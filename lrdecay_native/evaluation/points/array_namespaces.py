"""Pieces of schedules as an array namespace of floating numbers computes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from lrdecay_native.evaluation.points.interpretation import Arithmetic
from lrdecay_native.immutable import immutable
from lrdecay_native.piecewise.expressions import TimeMap
from lrdecay_native.piecewise.pieces import Piecewise


@immutable
class Quotient:
    """A dividend of the namespace and its divisor, not divided yet; maps of the step take it.

    The floor of a quotient that is rounded may be late: a compiler can turn a division by a constant into a product
    with its rounded reciprocal.  The rest of a division has no error, and the dividend without it is a multiple.
    """

    xp: Any
    dividend: Any
    divisor: Fraction = Fraction(1)

    @property
    def value(self) -> Any:
        """The quotient."""
        return self.dividend if self.divisor == 1 else self.dividend / _number(self.xp, self.divisor)

    def divided(self, period: Fraction) -> tuple[Any, Quotient]:
        """The floor of the quotient by a period, and the rest in its unit."""
        divisor = _number(self.xp, self.divisor * period)
        rest = self._rest(divisor)
        # Half a unit from where the floor changes.
        whole = self.xp.floor((self.dividend - rest) / divisor + self.xp.asarray(0.5))
        return whole, replace(self, dividend=rest)

    def _rest(self, divisor: Any) -> Any:
        for name in ("fmod", "remainder"):
            function = getattr(self.xp, name, None)
            if function is not None:
                return function(self.dividend, divisor)
        rest = self.dividend - divisor * self.xp.floor(self.dividend / divisor)
        return self.xp.where(rest >= divisor, rest - divisor, self.xp.where(rest < 0.0, rest + divisor, rest))

    def __sub__(self, number: Fraction) -> Quotient:
        return Quotient(self.xp, self.value - _number(self.xp, number))

    def __rsub__(self, number: Fraction) -> Quotient:
        return Quotient(self.xp, _number(self.xp, number) - self.value)

    def __rmul__(self, factor: Any) -> Quotient:
        return Quotient(self.xp, _number(self.xp, factor) * self.value)

    def __truediv__(self, divisor: Any) -> Quotient:
        if isinstance(divisor, Quotient):
            return Quotient(self.xp, self.value / divisor.value)
        return replace(self, divisor=self.divisor * divisor)

    def __pow__(self, exponent: Fraction) -> Quotient:
        return Quotient(self.xp, self.value ** _number(self.xp, exponent))


class _Steps:
    """The namespace in which maps of the step are called with quotients."""

    def __init__(self, xp: Any) -> None:
        self.asarray = xp.asarray
        self._xp = xp

    def floor(self, step: Quotient) -> Quotient:
        return Quotient(self._xp, step.divided(Fraction(1))[0])

    def ceil(self, step: Quotient) -> Quotient:
        whole, rest = step.divided(Fraction(1))
        return Quotient(self._xp, self._xp.where(rest.dividend > 0.0, whole + 1.0, whole))

    def minimum(self, step: Quotient, number: Any) -> Quotient:
        return Quotient(self._xp, self._xp.minimum(step.value, number))

    def maximum(self, step: Quotient, number: Any) -> Quotient:
        return Quotient(self._xp, self._xp.maximum(step.value, number))


class FloatingArithmetic(Arithmetic):
    """The floating numbers of an array namespace."""

    def __init__(self, xp: Any) -> None:
        self.formulas = xp
        self._steps = _Steps(xp)

    def number(self, number: Fraction) -> Any:
        return _number(self.formulas, number)

    def variable(self, step: Quotient) -> Any:
        return step.value

    def mapped(self, time_map: TimeMap, step: Quotient) -> Quotient:
        # No floor is behind a bound: numbers are rounded before it.
        given = Quotient(step.xp, step.value) if time_map.known.bounded else step
        result: Quotient = time_map.known.function(self._steps, given, time_map.parameter)
        return result

    def divided(self, step: Quotient, period: Fraction) -> tuple[Any, Quotient]:
        return step.divided(period)

    def pieces(self, pieces: Piecewise, step: Quotient) -> Any:
        *others, last = pieces
        result = self.rate(last, step)
        for piece in reversed(others):
            position = _number(self.formulas, piece.end.position)
            before = step.value <= position if piece.end.after else step.value < position
            result = self.formulas.where(before, self.rate(piece, step), result)
        return result

    def called(self, name: Any, function: Callable[[Any, Any], Any], step: Quotient) -> Any:
        return function(self.formulas, step.value)

    def looked_up(self, step: Quotient, every: Fraction, rate: Callable[[Any, Any], Any]) -> Any:
        xp = self.formulas
        whole, part = step.divided(every)

        def look_up(table: Any, further: int) -> Any:
            place = xp.minimum(whole + float(further), xp.asarray(len(table) - 1.0))
            return xp.take(xp.asarray(table), xp.astype(place, "int32"))

        return rate(look_up, lambda: part.value)


def evaluate_pieces(xp: Any, pieces: Piecewise, step: Any) -> Any:
    """The rate at a step, a value of the array namespace ``xp``."""
    return FloatingArithmetic(xp).pieces(pieces, Quotient(xp, step))


def mapped(xp: Any, name: str, step: Any, period: Fraction) -> Any:
    """A time map of a step."""
    return FloatingArithmetic(xp).mapped(TimeMap(name, period), Quotient(xp, step)).value


def _number(xp: Any, number: Fraction | float) -> Any:
    """A number as a value of the namespace, by the namespace's own exact function where a float doesn't hold it."""
    nearest = float(number)
    exact = None if nearest == number else getattr(xp, "exact", None)
    return xp.asarray(nearest) if exact is None else exact(number)
