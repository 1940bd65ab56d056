"""Pieces of schedules in an array namespace: the same chains, as that namespace computes them."""

from __future__ import annotations

import math
from typing import Any

from lrdecay_native.formulas import COMBINATIONS, COMPOSITION_MAPS, FORMULAS, TIME_MAPS
from lrdecay_native.pieces import Combined, Curve, Node, Piece, Pieces, Repeated


def evaluate_pieces(xp: Any, pieces: Pieces, step: Any) -> Any:
    """The rate at a step, a value of the array namespace ``xp``."""
    *others, last = pieces
    rate = _rate(xp, last, step)
    for piece in reversed(others):
        end = xp.asarray(float(piece.end.position))
        rate = xp.where(step <= end if piece.end.after else step < end, _rate(xp, piece, step), rate)
    return rate


def _rate(xp: Any, piece: Piece, step: Any) -> Any:
    variable = step
    for time_map in piece.time_maps:
        registry = COMPOSITION_MAPS if time_map.name in COMPOSITION_MAPS else TIME_MAPS
        variable = registry[time_map.name].function(xp, variable, xp.asarray(float(time_map.parameter)))
    rate = _curve(xp, piece.curve, variable)
    if piece.factor != 1:
        rate = COMPOSITION_MAPS["scaled"].function(xp, rate, xp.asarray(float(piece.factor)))
    if piece.offset != 0:
        rate = COMPOSITION_MAPS["moved"].function(xp, rate, xp.asarray(float(piece.offset)))
    if piece.lowest > 0:
        rate = COMPOSITION_MAPS["raised"].function(xp, rate, xp.asarray(float(piece.lowest)))
    if piece.highest < math.inf:
        rate = COMPOSITION_MAPS["capped"].function(xp, rate, xp.asarray(float(piece.highest)))
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
            # They come in two parts, of which the first is the number as a double.
            return COMPOSITION_MAPS[name].function(xp, variable, *map(xp.asarray, parameters[::2]))
        case (name, parameters):
            return FORMULAS[name].function(xp, variable, *map(xp.asarray, parameters))


def _repeated(xp: Any, curve: Repeated, variable: Any) -> Any:
    period = xp.asarray(float(curve.period))
    rate = evaluate_pieces(xp, curve.pieces, COMPOSITION_MAPS["repeated"].function(xp, variable, period))
    if curve.gain == 1.0:
        return rate
    cycle = TIME_MAPS["staircase"].function(xp, variable, period)
    gain = COMPOSITION_MAPS["exponential"].function(xp, cycle, xp.asarray(curve.gain))
    return COMBINATIONS["eased"].function(xp, rate, gain, xp.asarray(float(curve.offset)))
