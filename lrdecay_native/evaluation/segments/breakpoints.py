"""The intervals of steps on which a piece of any kind is smooth: at which step each of them begins."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lrdecay_native.evaluation.segments.segmentation import is_smooth, scale_of, segments_between
from lrdecay_native.evaluation.segments.segments import PeriodicSegment
from lrdecay_native.kinds import Operation
from lrdecay_native.piecewise.expressions import Combined, Expression, Kernel, Node, Repeated
from lrdecay_native.piecewise.pieces import NEVER, Piece

NUMBERS_PER_ROUND = 2**12
"""Multiples per round: they stay in the cache, and most fit into 64 bits with all their fraction."""

FEW_MULTIPLES = 4
"""So few multiples are computed one by one: they may be far apart."""

FAR_STEPS = 2**60
"""Multiples that are so many steps apart are few."""

MOST_INTERVALS = 2**20
"""Intervals that are more aren't worth finding; ranges of so many steps are cut before."""

FEW_CYCLES = 16
"""Of so few cycles each is looked at, where they differ in where their steps are."""

STEPS_PER_LOOK = 2**11
"""So many steps are evaluated one by one in the time that it takes to look into a cycle."""

SHORTEST_INTERVAL_STEPS = 16
"""Intervals that are shorter on average aren't worth finding."""

Indices = npt.NDArray[np.int64]


def interval_bounds(piece: Piece, steps: range) -> Indices | None:
    """The indices in a range of steps at which intervals begin on which a piece is smooth, and its length.

    None if they can't be found quickly, or are so many that it doesn't help.
    """
    count = (steps[-1] - steps.start) // steps.step + 1
    most = min(count // SHORTEST_INTERVAL_STEPS + 2, MOST_INTERVALS)
    looks = _Looks(min(count // STEPS_PER_LOOK, MOST_INTERVALS) + FEW_CYCLES)
    found = _beginnings(piece, Window(steps.start, steps[-1] + 1, most, looks))
    if found is None:
        return None
    inner = np.sort(-(-(found - steps.start) // steps.step))
    # They are few, and in order but for those of sums and products: faster than np.unique.
    inner = inner[(inner > 0) & (inner < len(steps)) & (np.diff(inner, prepend=0) > 0)]
    return np.concatenate([[0], inner, [len(steps)]])


@dataclass
class _Looks:
    """How many cycles may be looked into: in cycles within cycles they are very many."""

    left: int


class Window(NamedTuple):
    """Where intervals are looked for, how many at most, and with how many looks into cycles."""

    start: int
    stop: int
    most: int
    looks: _Looks


_NONE = np.empty(0, np.int64)


def _beginnings(piece: Piece, window: Window) -> Indices | None:
    """The steps above the start of a window and below its stop at which an interval begins, perhaps with others.

    None if they can't be found quickly, or are so many that it doesn't help.
    """
    if piece.constant:
        return _NONE
    for index, time_map in enumerate(piece.time_maps):
        if time_map.known.jumps:
            cycles = time_map.known.cycles
            if cycles and not _is_curve(replace(piece, time_maps=piece.time_maps[index + 1 :])):
                return None
            return _multiples(piece, index, Fraction(0), time_map.parameter, cycles, window)
    return _OF_CURVE[piece.curve](piece.curve, piece, window)


def _is_curve(piece: Piece) -> bool:
    """Whether a piece is a formula of a smooth variable."""
    return piece.curve.formula is not None and is_smooth(piece)


def _united(found: Iterable[Indices | None]) -> Indices | None:
    known = [_NONE]
    for each in found:
        # Then the others needn't be looked for.
        if each is None:
            return None
        known.append(each)
    return np.concatenate(known)


def _of_node(curve: Node, piece: Piece, window: Window) -> Indices | None:
    if curve.every is None:
        return None
    return _multiples(piece, len(piece.time_maps), Fraction(0), curve.every, False, window)


def _of_bounded(piece: Piece, window: Window) -> Indices | None:
    """Where the intervals of a piece begin, of which the bounds count."""
    if piece.constant or not piece.bounded:
        return _beginnings(piece, window)
    if not is_smooth(piece):
        return None
    return np.array(
        [
            segment.start
            for segment in segments_between([replace(piece, end=NEVER)], window.start, window.stop)
        ][1:],
        np.int64,
    )


def _multiples(
    piece: Piece, index: int, place: Fraction, period: Fraction, behind: bool, window: Window
) -> Indices | None:
    """The first steps at, or behind, a place and all multiples of a period from there.

    Place and period are those of a variable, which some of the piece's first maps make of the step.
    """
    scale = scale_of(piece.time_maps[:index])
    if scale is None:
        return None
    origin, distance = scale.origin + scale.size * place, abs(scale.size) * period
    start, stop, most, _ = window
    first, last = math.floor((start - origin) / distance), math.floor((stop - origin) / distance)
    count = last - first + 1
    if count > most + 2:
        return None
    begin = origin + first * distance
    if behind != (scale.size < 0):
        # The next multiple of what all of them are multiples of.
        begin += Fraction(1, math.lcm(begin.denominator, distance.denominator))
    if count <= FEW_MULTIPLES:
        few = (math.ceil(begin + k * distance) for k in range(count))
        return np.array([step for step in few if start < step < stop], np.int64)
    steps = start + rounded_up(begin - start, distance, count)
    return steps[(steps > start) & (steps < stop)]


def _of_repeated(curve: Repeated, piece: Piece, window: Window) -> Indices | None:
    index = len(piece.time_maps)
    breakpoints = [inner.end for inner in curve.pieces if inner.end.position < curve.period]
    found = [_multiples(piece, index, Fraction(0), curve.period, False, window)]
    found += [
        _multiples(piece, index, Fraction(position), curve.period, after, window)
        for position, after in breakpoints
    ]
    if not all(each.constant or (is_smooth(each) and not each.bounded) for each in curve.pieces):
        found.append(_within_cycles(piece, curve, window))
    return _united(found)


def _within_cycles(piece: Piece, curve: Repeated, window: Window) -> Indices | None:
    """Where intervals begin inside of the pieces that repeat."""
    scale = scale_of(piece.time_maps)
    if scale is None or scale.size < 0:
        return None
    start, stop, most, _ = window
    segment = PeriodicSegment(start, stop, piece, scale.origin, scale.size * curve.period)
    cycles = range(segment.cycle(start), segment.cycle(stop - 1) + 1)
    count = cycles.stop - cycles.start
    if count <= (2 if segment.period.denominator == 1 else FEW_CYCLES):
        return _united(_of_cycle(segment, number, window) for number in cycles)
    if segment.period.denominator != 1 or count > most:
        return None
    # Cycles have their steps at the same places.
    first = segment.first_step(cycles.start)
    one = _of_cycle(replace(segment, start=first, stop=first + int(segment.period)), cycles.start, window)
    if one is None or max(len(one), 1) * count > most:
        return None
    steps = (one + np.arange(count)[:, np.newaxis] * int(segment.period)).ravel()
    return steps[(steps > start) & (steps < stop)]


def _of_cycle(segment: PeriodicSegment, number: int, window: Window) -> Indices | None:
    """Where intervals begin on the steps of one cycle that are steps of a segment."""
    window.looks.left -= 1
    if window.looks.left < 0:
        return None
    begin, end = (
        max(segment.start, segment.first_step(number)),
        min(segment.stop, segment.first_step(number + 1)),
    )
    found = []
    for piece in segment.pieces(number):
        stop = int(min(piece.end.first_step(), end))
        if begin < stop:
            found.append(_of_bounded(piece, window._replace(start=begin, stop=stop)))
            begin = stop
    return _united(found)


_OF_CURVE: Operation[Indices | None] = Operation(
    "where intervals begin on which it is smooth",
    Expression,
    {
        Kernel: lambda curve, piece, window: _NONE,
        Repeated: _of_repeated,
        Combined: lambda curve, piece, window: _united(_of_bounded(term, window) for term in piece.terms),
        Node: _of_node,
    },
)


def rounded_up(offset: Fraction, distance: Fraction, count: int) -> Indices:
    """``ceil(offset + k * distance)`` for ``k`` from 0 to below ``count``, exactly."""
    if distance >= FAR_STEPS or count <= FEW_MULTIPLES:
        return np.array([math.ceil(offset + k * distance) for k in range(count)], np.int64)
    if distance.denominator == 1:
        return math.ceil(offset) + np.arange(count) * int(distance)
    result = np.empty(count, np.int64)
    for first in range(0, count, NUMBERS_PER_ROUND):
        some = result[first : first + NUMBERS_PER_ROUND]
        some[:] = _few_rounded_up(offset + first * distance, distance, len(some))
    return result


def _few_rounded_up(offset: Fraction, distance: Fraction, count: int) -> Indices:
    base, whole = math.floor(offset), math.floor(distance)
    denominator = math.lcm(offset.denominator, distance.denominator)
    first, each = int((offset - base) * denominator), int((distance - whole) * denominator)
    numbers = np.arange(count)
    result = base + numbers * whole
    if first == each == 0:
        return result
    if max(first + each * count, denominator) < 2**63:
        shift = denominator.bit_length() - 1
        if denominator == 1 << shift:
            # Much faster than a division.
            return result - ((-first - each * numbers) >> shift)
        return result - (-first - each * numbers) // denominator
    estimate = first / denominator + numbers * (each / denominator)
    result += np.ceil(estimate).astype(np.int64)
    # Where the estimate is this close to a whole number, its rounding errors may have moved it past it.
    for k in np.flatnonzero(np.abs(estimate - np.rint(estimate)) < 2.0**-36).tolist():
        result[k] = base + k * whole - ((-first - each * k) // denominator)
    return result
