"""Pieces of schedules in an array namespace of floating numbers: the same chains, as that namespace computes them."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

from lrdecay_native.formulas import COMBINATIONS, COMPOSITION_MAPS, FORMULAS, TIME_MAPS
from lrdecay_native.piecewise.pieces import Combined, Expression, Node, Piece, Piecewise, Repeated


class Quotient(NamedTuple):
    """A dividend of the namespace and its divisor, not divided yet.

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
        return whole, self._replace(dividend=rest)

    def _rest(self, divisor: Any) -> Any:
        for name in ("fmod", "remainder"):
            function = getattr(self.xp, name, None)
            if function is not None:
                return function(self.dividend, divisor)
        rest = self.dividend - divisor * self.xp.floor(self.dividend / divisor)
        return self.xp.where(rest >= divisor, rest - divisor, self.xp.where(rest < 0.0, rest + divisor, rest))


def evaluate_pieces(xp: Any, pieces: Piecewise, step: Any) -> Any:
    """The rate at a step, a value of the array namespace ``xp``."""
    return _evaluate(xp, pieces, Quotient(xp, step))


def mapped(xp: Any, name: str, step: Any, period: Fraction) -> Any:
    """A time map of a step."""
    return _mapped(name, Quotient(xp, step), period).value


def _evaluate(xp: Any, pieces: Piecewise, step: Quotient) -> Any:
    *others, last = pieces
    result = _rate(xp, last, step)
    for piece in reversed(others):
        position = _number(xp, piece.end.position)
        before = step.value <= position if piece.end.after else step.value < position
        result = xp.where(before, _rate(xp, piece, step), result)
    return result


def _number(xp: Any, number: Fraction | float) -> Any:
    """A number as a value of the namespace, by the namespace's own exact function where a float doesn't hold it."""
    held = float(number)
    exact = None if held == number else getattr(xp, "exact", None)
    return xp.asarray(held) if exact is None else exact(number)


def _rate(xp: Any, piece: Piece, step: Quotient) -> Any:
    """The rate of a piece at a step."""
    for time_map in piece.time_maps:
        step = _mapped(time_map.name, step, time_map.parameter)
    rate = _curve(xp, piece.curve, step)
    for name, number, without in (
        ("scaled", piece.factor, 1),
        ("moved", piece.offset, 0),
        ("raised", piece.lowest, 0),
        ("capped", piece.highest, math.inf),
    ):
        if number != without:
            rate = COMPOSITION_MAPS[name].function(xp, rate, _number(xp, number))
    return rate


def _mapped(name: str, step: Quotient, parameter: Fraction) -> Quotient:
    xp = step.xp
    match name:
        case "continuous":
            return step._replace(divisor=step.divisor * parameter)
        case "staircase":
            return Quotient(xp, step.divided(parameter)[0])
        case "cyclic":
            whole, rest = step.divided(parameter)
            begun = xp.where(rest.dividend > 0.0, whole + 1.0, xp.maximum(whole, xp.asarray(1.0)))
            return Quotient(xp, step.value / (_number(xp, parameter) * begun))
        case "clamped":
            return Quotient(xp, TIME_MAPS[name].function(xp, step.value, _number(xp, parameter)))
    return Quotient(xp, COMPOSITION_MAPS[name].function(xp, step.value, _number(xp, parameter)))


def _curve(xp: Any, curve: Expression, step: Quotient) -> Any:
    match curve:
        case Repeated():
            return _repeated(xp, curve, step)
        case Combined():
            first, second = (_rate(xp, term, step) for term in (curve.first, curve.second))
            return COMBINATIONS[curve.name].function(xp, first, second)
        case Node():
            return _node(xp, curve, step)
    name, parameters = curve
    if name in FORMULAS:
        return FORMULAS[name].function(xp, step.value, *(xp.asarray(number) for number in parameters))
    # They come in two parts.
    numbers = map(Fraction.__add__, map(Fraction, parameters[::2]), map(Fraction, parameters[1::2]))
    return COMPOSITION_MAPS[name].function(xp, step.value, *(_number(xp, number) for number in numbers))


def _repeated(xp: Any, curve: Repeated, step: Quotient) -> Any:
    cycle, place = step.divided(curve.period)
    rate = _evaluate(xp, curve.pieces, place)
    if curve.gain == 1.0:
        return rate
    gain = COMPOSITION_MAPS["exponential"].function(xp, cycle, _number(xp, curve.gain))
    return COMBINATIONS["eased"].function(xp, rate, gain, _number(xp, curve.offset))


def _node(xp: Any, curve: Node, step: Quotient) -> Any:
    if curve.every is None:
        return curve.evaluate(xp, step.value)
    whole, part = step.divided(curve.every)

    def look_up(table: Any, further: int) -> Any:
        place = xp.minimum(whole + float(further), xp.asarray(len(table) - 1.0))
        return xp.take(xp.asarray(table), xp.astype(place, "int32"))

    return curve.between(look_up, lambda: part.value)
