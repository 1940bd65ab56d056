"""Between which rates a piece of any kind stays."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from lrdecay_native.arithmetic.scalars import DoubleDoubleScalar, as_point
from lrdecay_native.evaluation.points.chains import chained
from lrdecay_native.evaluation.points.pairs import apply_to_point
from lrdecay_native.piecewise.pieces import Combined, Kernel, Node, Piece, Piecewise, Repeated, TimeMap
from lrdecay_native.validation import STEP_LIMIT


class Enclosure(NamedTuple):
    """The least rate and the largest, or rates beyond them."""

    lowest: DoubleDoubleScalar
    highest: DoubleDoubleScalar


ZERO, INFINITY = (0.0, 0.0), (math.inf, 0.0)

ANYTHING = Enclosure(ZERO, INFINITY)


def bounds_of(pieces: Piecewise) -> Enclosure:
    """Bounds of all rates of a schedule."""
    begins = (Fraction(0), *(Fraction(piece.end.position) for piece in pieces[:-1]))
    ends = (*begins[1:], Fraction(STEP_LIMIT - 1))
    found = [
        extremes(piece, as_point(begin), as_point(max(begin, end)))
        for piece, begin, end in zip(pieces, begins, ends, strict=True)
    ]
    return Enclosure(min(bounds.lowest for bounds in found), max(bounds.highest for bounds in found))


def extremes(piece: Piece, first: DoubleDoubleScalar, last: DoubleDoubleScalar) -> Enclosure:
    """Bounds of the rates of a piece from one number to another."""
    for time_map in piece.time_maps:
        first, last = _mapped(time_map, first, last)
    lowest, highest = _of_curve(piece, first, last)
    after: list[Kernel] = [("scaled", as_point(piece.factor)), ("moved", as_point(piece.offset))]
    for kernel in (*after, *piece.bounding_kernels):
        lowest, highest = _applied(kernel, lowest), _applied(kernel, highest)
    return Enclosure(lowest, highest)


def _applied(kernel: Kernel, rate: DoubleDoubleScalar) -> DoubleDoubleScalar:
    """What a rising kernel makes of a rate."""
    name, parameters = kernel
    if rate == INFINITY:
        return (parameters[0], parameters[1]) if name == "capped" else rate
    return apply_to_point(name, rate, *parameters)


def _mapped(
    time_map: TimeMap, first: DoubleDoubleScalar, last: DoubleDoubleScalar
) -> tuple[DoubleDoubleScalar, DoubleDoubleScalar]:
    kernel = time_map.kernel
    if time_map.name == "cyclic" and INFINITY not in (first, last):
        cycles, behind = (
            max(math.ceil(sum(map(Fraction, place)) / time_map.parameter), 1) for place in (first, last)
        )
        if cycles < behind:
            # Each cycle begins higher than the one before it: at n / (n + 1) behind n periods.
            begin = as_point(Fraction(cycles, cycles + 1))
            return min(chained(apply_to_point, [kernel], first), begin), (1.0, 0.0)
    ends = [chained(apply_to_point, [kernel], end) for end in (first, last)]
    return min(ends), max(ends)


def _of_curve(piece: Piece, first: DoubleDoubleScalar, last: DoubleDoubleScalar) -> Enclosure:
    match piece.curve:
        case Repeated():
            return _of_repeated(piece.curve, first, last)
        case Combined():
            one, other = (extremes(term, first, last) for term in (piece.curve.first, piece.curve.second))
            lowest, highest = (
                INFINITY if INFINITY in pair else apply_to_point(piece.curve.name, pair[0], *pair[1])
                for pair in zip(one, other, strict=True)
            )
            return Enclosure(lowest, highest)
        case Node():
            return Enclosure(*piece.curve.extremes(first, last))
    if piece.turning and not piece.constant:
        return ANYTHING
    return _united([chained(apply_to_point, piece.without_maps().stages, end) for end in (first, last)])


def _united(rates: list[DoubleDoubleScalar]) -> Enclosure:
    return Enclosure(min(rates), max(rates))


def _of_repeated(curve: Repeated, first: DoubleDoubleScalar, last: DoubleDoubleScalar) -> Enclosure:
    # Not in 106 bits, which don't hold the place in a cycle behind very many of them.
    cycles, places = zip(
        *(divmod(Fraction(high) + Fraction(low), curve.period) for high, low in (first, last)), strict=True
    )
    first, last = map(as_point, places) if cycles[0] == cycles[1] else (ZERO, curve.period_point)
    begin = ZERO
    found: list[DoubleDoubleScalar] = []
    for piece in curve.pieces:
        end = as_point(min(piece.end.position, curve.period))
        if begin <= last and end >= first:
            found += extremes(piece, max(begin, first), min(end, last))
        if piece.end.position >= curve.period:
            break
        begin = end
    lowest, highest = _united(found)
    if curve.gain == 1.0:
        return Enclosure(lowest, highest)
    gains = [apply_to_point("exponential", as_point(cycle), curve.gain, 0.0) for cycle in cycles]
    offset = curve.offset_point
    return _united(
        [_applied(("eased", (*gain, *offset)), rate) for rate in (lowest, highest) for gain in gains]
    )
