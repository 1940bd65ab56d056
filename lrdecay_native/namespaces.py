"""Pieces of schedules in an array namespace: the same chains, as that namespace computes them."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from lrdecay_native.formulas import COMBINATIONS, COMPOSITION_MAPS, FORMULAS, TIME_MAPS
from lrdecay_native.pieces import Combined, Curve, Node, Piece, Pieces, Repeated


def evaluate_pieces(xp: Any, pieces: Pieces, step: Any) -> Any:
    """The rate at a step, a value of the array namespace ``xp``."""
    *others, last = pieces
    rate = _rate(xp, last, step)
    for piece in reversed(others):
        end = _number(xp, piece.end.position)
        rate = xp.where(step <= end if piece.end.after else step < end, _rate(xp, piece, step), rate)
    return rate


def _number(xp: Any, number: Fraction | float) -> Any:
    """A number as a value of the namespace, by its own function where it has one that is exact."""
    exact = getattr(xp, "exact", None)
    return xp.asarray(float(number)) if exact is None else exact(number)


def _mapped(xp: Any, name: str, variable: Any, parameter: Fraction | float) -> Any:
    registry = COMPOSITION_MAPS if name in COMPOSITION_MAPS else TIME_MAPS
    return registry[name].function(xp, variable, _number(xp, parameter))


def _rate(xp: Any, piece: Piece, step: Any) -> Any:
    variable = step
    for time_map in piece.time_maps:
        variable = _mapped(xp, time_map.name, variable, time_map.parameter)
    rate = _curve(xp, piece.curve, variable)
    if piece.factor != 1:
        rate = _mapped(xp, "scaled", rate, piece.factor)
    if piece.offset != 0:
        rate = _mapped(xp, "moved", rate, piece.offset)
    if piece.lowest > 0:
        rate = _mapped(xp, "raised", rate, piece.lowest)
    if piece.highest < math.inf:
        rate = _mapped(xp, "capped", rate, piece.highest)
    return rate


def _curve(xp: Any, curve: Curve, variable: Any) -> Any:
    match curve:
        case Repeated():
            return _repeated(xp, curve, variable)
        case Combined():
            first, second = (_rate(xp, term, variable) for term in (curve.first, curve.second))
            return COMBINATIONS[curve.name].function(xp, first, second)
        case Node():
            return curve.evaluate(xp, variable)
        case (name, parameters) if name in COMPOSITION_MAPS:
            # They come in two parts.
            numbers = map(Fraction.__add__, map(Fraction, parameters[::2]), map(Fraction, parameters[1::2]))
            return COMPOSITION_MAPS[name].function(xp, variable, *(_number(xp, number) for number in numbers))
        case (name, parameters):
            return FORMULAS[name].function(xp, variable, *map(xp.asarray, parameters))


def _repeated(xp: Any, curve: Repeated, variable: Any) -> Any:
    rate = evaluate_pieces(xp, curve.pieces, _mapped(xp, "repeated", variable, curve.period))
    if curve.gain == 1.0:
        return rate
    gain = _mapped(xp, "exponential", _mapped(xp, "staircase", variable, curve.period), curve.gain)
    return COMBINATIONS["eased"].function(xp, rate, gain, _number(xp, curve.offset))
