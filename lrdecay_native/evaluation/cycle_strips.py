"""In which cycles a rate may be what is searched for: those that have a step within a strip."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from lrdecay_native.evaluation.bisection import first_step_where
from lrdecay_native.evaluation.lattice_points import Line, Strip
from lrdecay_native.evaluation.segments.segments import CyclicSegment

PLACES = 2**112
"""Places in a cycle that are told apart where it is found from which on a rate is below another."""

ROUNDED = Fraction(1, 2**98)
"""How far the place in a cycle that a rate is computed at may be from the true one."""

WIDER = Fraction(1, 2**40)
"""How far, as a part of its distance from the cycle's end, a place may be that has the same rate as a float64."""


def strips(
    segment: CyclicSegment, holds: Callable[[float], bool], numbers: range, margin: int
) -> list[Strip]:
    """Where the steps of some cycles lie at which a rate may be what is searched for."""
    start, stop = numbers.start, numbers.stop
    origin, period = segment.origin, segment.period
    begin, end = Line(origin - period, period), Line(origin, period)
    rate = segment.rates_by_distance()

    def holds_at(place: int) -> bool:
        return holds(rate(Fraction(place, PLACES))[0])

    near_the_end, near_the_beginning = holds_at(0), holds_at(PLACES)
    if near_the_end and near_the_beginning:
        return [Strip(begin, end, start, stop)]
    if near_the_end:
        edge = Fraction(first_step_where(lambda place: not holds_at(place), 0, PLACES), PLACES)
        edge = max(edge + margin * (edge * WIDER + ROUNDED), Fraction(1, PLACES))
        # From this cycle on all its steps are so near to the end.
        whole = min(max(math.ceil(1 / edge), start), stop)
        near = Line(origin, period - period * edge)
        return [Strip(near, end, start, whole), Strip(begin, end, whole, stop)]
    if near_the_beginning:
        edge = Fraction(first_step_where(holds_at, 0, PLACES), PLACES)
        edge = max(edge - margin * (edge * WIDER + ROUNDED), Fraction(0))
        none = min(math.ceil(1 / edge), stop) if edge else stop
        return [Strip(begin, Line(origin, period - period * edge), start, none)]
    return []
