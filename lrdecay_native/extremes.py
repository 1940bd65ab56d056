"""Between which rates a piece of any kind stays."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from lrdecay_native.evaluation import PointPair, apply_to_point
from lrdecay_native.parts import chained
from lrdecay_native.pieces import Combined, Kernel, Node, Piece, Repeated, TimeMap, as_point


class Extremes(NamedTuple):
    """The least rate and the largest, or rates beyond them."""

    lowest: PointPair
    highest: PointPair


ZERO, INFINITY = (0.0, 0.0), (math.inf, 0.0)

ANYTHING = Extremes(ZERO, INFINITY)


def extremes(piece: Piece, first: PointPair, last: PointPair) -> Extremes:
    """Bounds of the rates of a piece from one number to another."""
    for time_map in piece.time_maps:
        first, last = _mapped(time_map, first, last)
    lowest, highest = _of_curve(piece, first, last)
    after: list[Kernel] = [("scaled", as_point(piece.factor)), ("moved", as_point(piece.offset))]
    for kernel in (*after, *piece.bounding_kernels):
        lowest, highest = _applied(kernel, lowest), _applied(kernel, highest)
    return Extremes(lowest, highest)


def _applied(kernel: Kernel, rate: PointPair) -> PointPair:
    """What a rising kernel makes of a rate."""
    name, parameters = kernel
    if rate == INFINITY:
        return (parameters[0], parameters[1]) if name == "capped" else rate
    return apply_to_point(name, rate, *parameters)


def _mapped(time_map: TimeMap, first: PointPair, last: PointPair) -> tuple[PointPair, PointPair]:
    if time_map.name == "cyclic":
        return ZERO, (1.0, 0.0)
    kernel = time_map.kernel
    ends = [chained(apply_to_point, [kernel], end) for end in (first, last)]
    return min(ends), max(ends)


def _of_curve(piece: Piece, first: PointPair, last: PointPair) -> Extremes:
    match piece.curve:
        case Repeated():
            return _of_repeated(piece.curve, first, last)
        case Combined():
            one, other = (extremes(term, first, last) for term in (piece.curve.first, piece.curve.second))
            lowest, highest = (
                INFINITY if INFINITY in pair else apply_to_point(piece.curve.name, pair[0], *pair[1])
                for pair in zip(one, other, strict=True)
            )
            return Extremes(lowest, highest)
        case Node():
            return Extremes(*piece.curve.extremes(first, last))
    if piece.turning and not piece.constant:
        return ANYTHING
    return _united([chained(apply_to_point, piece.without_maps().stages, end) for end in (first, last)])


def _united(rates: list[PointPair]) -> Extremes:
    return Extremes(min(rates), max(rates))


def _of_repeated(curve: Repeated, first: PointPair, last: PointPair) -> Extremes:
    # Not in 106 bits, which don't hold the place in a cycle behind very many of them.
    cycles, places = zip(
        *(divmod(Fraction(high) + Fraction(low), curve.period) for high, low in (first, last)), strict=True
    )
    first, last = map(as_point, places) if cycles[0] == cycles[1] else (ZERO, curve.period_point)
    begin = ZERO
    found: list[PointPair] = []
    for piece in curve.pieces:
        end = as_point(min(piece.end.position, curve.period))
        if begin <= last and end >= first:
            found += extremes(piece, max(begin, first), min(end, last))
        begin = end
    lowest, highest = _united(found)
    if curve.gain == 1.0:
        return Extremes(lowest, highest)
    gains = [apply_to_point("exponential", as_point(cycle), curve.gain, 0.0) for cycle in cycles]
    offset = curve.offset_point
    return _united(
        [_applied(("eased", (*gain, *offset)), rate) for rate in (lowest, highest) for gain in gains]
    )
