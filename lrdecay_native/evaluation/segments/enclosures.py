"""Between which rates a piece of any kind stays."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from lrdecay_native.arithmetic.scalars import DoubleDoubleScalar, as_point
from lrdecay_native.evaluation.points.pairs import apply_to_point
from lrdecay_native.kinds import Operation
from lrdecay_native.piecewise.expressions import Combined, Expression, Kernel, Node, Repeated, TimeMap
from lrdecay_native.piecewise.pieces import Piece, Piecewise
from lrdecay_native.validation import STEP_LIMIT


class Enclosure(NamedTuple):
    """The least rate and the largest, or rates beyond them."""

    lowest: DoubleDoubleScalar
    highest: DoubleDoubleScalar


ZERO, INFINITY = (0.0, 0.0), (math.inf, 0.0)

ANYTHING = Enclosure(ZERO, INFINITY)


def enclosure_of(pieces: Piecewise) -> Enclosure:
    """Bounds of all rates of a schedule."""
    begins = (Fraction(0), *(Fraction(piece.end.position) for piece in pieces[:-1]))
    ends = (*begins[1:], Fraction(STEP_LIMIT - 1))
    found = [
        enclosure(piece, as_point(begin), as_point(max(begin, end)))
        for piece, begin, end in zip(pieces, begins, ends, strict=True)
    ]
    return Enclosure(min(each.lowest for each in found), max(each.highest for each in found))


def enclosure(piece: Piece, first: DoubleDoubleScalar, last: DoubleDoubleScalar) -> Enclosure:
    """Bounds of the rates of a piece from one number to another."""
    for time_map in piece.time_maps:
        first, last = _mapped(time_map, first, last)
    lowest, highest = _OF_CURVE[piece.curve](piece.curve, piece, first, last)
    for name, number in piece.rate_maps.items():
        lowest, highest = (_applied(name, as_point(number), rate) for rate in (lowest, highest))
    return Enclosure(lowest, highest)


def _applied(name: str, parameters: tuple[float, ...], rate: DoubleDoubleScalar) -> DoubleDoubleScalar:
    """What a rising kernel makes of a rate."""
    if rate == INFINITY:
        return (parameters[0], parameters[1]) if name == "capped" else rate
    return apply_to_point(name, rate, *parameters)


def _mapped(
    time_map: TimeMap, first: DoubleDoubleScalar, last: DoubleDoubleScalar
) -> tuple[DoubleDoubleScalar, DoubleDoubleScalar]:
    at_first, at_last = (apply_to_point(time_map.name, end, *time_map.point) for end in (first, last))
    if time_map.known.cycles and INFINITY not in (first, last):
        cycles, behind = (
            max(math.ceil(sum(map(Fraction, place)) / time_map.parameter), 1) for place in (first, last)
        )
        if cycles < behind:
            # Each cycle begins higher than the one before it: at n / (n + 1) behind n periods.
            return min(at_first, as_point(Fraction(cycles, cycles + 1))), (1.0, 0.0)
    return min(at_first, at_last), max(at_first, at_last)


def _united(rates: list[DoubleDoubleScalar]) -> Enclosure:
    return Enclosure(min(rates), max(rates))


def _of_kernel(curve: Kernel, piece: Piece, first: DoubleDoubleScalar, last: DoubleDoubleScalar) -> Enclosure:
    if curve.turning and not piece.constant:
        return ANYTHING
    return _united([apply_to_point(curve.kernel, end, *curve.parameters) for end in (first, last)])


def _of_combined(
    curve: Combined, piece: Piece, first: DoubleDoubleScalar, last: DoubleDoubleScalar
) -> Enclosure:
    one, other = (enclosure(term, first, last) for term in curve.terms)
    lowest, highest = (
        INFINITY if INFINITY in pair else apply_to_point(curve.name, pair[0], *pair[1])
        for pair in zip(one, other, strict=True)
    )
    return Enclosure(lowest, highest)


def _of_repeated(
    curve: Repeated, piece: Piece, first: DoubleDoubleScalar, last: DoubleDoubleScalar
) -> Enclosure:
    # Not in 106 bits, which don't hold the place in a cycle behind very many of them.
    cycles, places = zip(
        *(divmod(Fraction(high) + Fraction(low), curve.period) for high, low in (first, last)), strict=True
    )
    first, last = map(as_point, places) if cycles[0] == cycles[1] else (ZERO, curve.period_point)
    begin = ZERO
    found: list[DoubleDoubleScalar] = []
    for inner in curve.pieces:
        end = as_point(min(inner.end.position, curve.period))
        if begin <= last and end >= first:
            found += enclosure(inner, max(begin, first), min(end, last))
        if inner.end.position >= curve.period:
            break
        begin = end
    lowest, highest = _united(found)
    if curve.gain == 1.0:
        return Enclosure(lowest, highest)
    gains = [apply_to_point("exponential", as_point(cycle), curve.gain, 0.0) for cycle in cycles]
    offset = curve.offset_point
    return _united(
        [_applied("eased", (*gain, *offset), rate) for rate in (lowest, highest) for gain in gains]
    )


_OF_CURVE: Operation[Enclosure] = Operation(
    "bounds of its rates",
    Expression,
    {
        Kernel: _of_kernel,
        Repeated: _of_repeated,
        Combined: _of_combined,
        Node: lambda node, piece, first, last: Enclosure(*node.enclosure(first, last)),
    },
)
