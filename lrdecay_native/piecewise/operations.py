"""What compositions do to the pieces of a schedule: they delay, stretch, cut, scale and clip them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

from lrdecay_native.piecewise.pieces import (
    NEVER,
    Breakpoint,
    Combined,
    Piece,
    Piecewise,
    TimeMap,
)
from lrdecay_native.piecewise.transitions import held


def concatenated(*functions: Piecewise) -> Piecewise:
    """Piecewise functions one after another: each begins where the last piece of the one before it ends."""
    result: Piecewise = ()
    for pieces in functions:
        if pieces:
            result = (*result, *delayed(pieces, Fraction(result[-1].end.position) if result else Fraction(0)))
    return result


def delayed(pieces: Iterable[Piece], delay: Fraction) -> Piecewise:
    """The pieces of ``schedule(t - delay)``; with a negative delay what lies before step 0 is gone."""
    if delay == 0:
        return tuple(pieces)
    return tuple(
        replace(
            piece,
            end=Breakpoint(piece.end.position + delay, piece.end.after),
            time_maps=_delayed_maps(piece.time_maps, delay),
        )
        for piece in pieces
        if piece.end.position + delay > 0 or (piece.end.after and piece.end.position + delay == 0)
    )


def _delayed_maps(time_maps: tuple[TimeMap, ...], delay: Fraction) -> tuple[TimeMap, ...]:
    # Two delays are one.
    if time_maps and time_maps[0].name == DELAY:
        delay, time_maps = time_maps[0].parameter + delay, time_maps[1:]
    return (TimeMap(DELAY, delay), *time_maps) if delay != 0 else time_maps


DELAY = "delayed"
"""The map of the step that `delayed` puts before the others."""


def _through(pieces: Iterable[Piece], factor: Fraction, time_maps: tuple[TimeMap, ...]) -> Piecewise:
    """The pieces of a schedule of a map of the step that makes it so many times longer."""
    return tuple(
        replace(
            piece,
            end=Breakpoint(piece.end.position * factor, piece.end.after),
            time_maps=(*time_maps, *piece.time_maps),
        )
        for piece in pieces
    )


def stretched(pieces: Iterable[Piece], factor: Fraction) -> Piecewise:
    """The pieces of ``schedule(t / factor)``."""
    return _through(pieces, factor, (TimeMap("continuous", factor),))


def stretched_to(pieces: Iterable[Piece], to: Fraction, of: Fraction) -> Piecewise:
    """The pieces of ``schedule(t * of / to)``."""
    # The product first: where the quotient is a whole number, it is exact.
    return _through(pieces, to / of, (TimeMap("scaled", of), TimeMap("continuous", to)))


def stepped(pieces: Iterable[Piece], period: Fraction) -> Piecewise:
    """The pieces of ``schedule(floor(t / period))``."""
    return tuple(
        replace(
            piece,
            end=Breakpoint(piece.end.first_step() * period),
            time_maps=(TimeMap("staircase", period), *piece.time_maps),
        )
        for piece in pieces
    )


def reversed_from(pieces: Piecewise, length: Fraction) -> Piecewise:
    """The pieces of ``schedule(length - t)``, up to ``length``, and then the rate at 0."""
    result = []
    begin = Breakpoint(Fraction(0))
    for piece in pieces:
        if piece.end <= begin:
            continue
        if begin > Breakpoint(length):
            break
        # From right behind the reflected end to right behind the reflected beginning.
        end = Breakpoint(length - begin.position, after=not begin.after)
        result.append(replace(piece, end=end, time_maps=(TimeMap("reflected", length), *piece.time_maps)))
        begin = piece.end
    first = result[0]
    return (
        *reversed(result[1:]),
        replace(first, end=Breakpoint(length)),
        replace(first, end=NEVER, constant=True),
    )


def scaled(pieces: Iterable[Piece], factor: Fraction) -> Piecewise:
    """The pieces of ``factor * schedule(t)``."""
    return tuple(
        replace(
            piece,
            factor=piece.factor * factor,
            offset=piece.offset * factor,
            lowest=piece.lowest * factor,
            highest=piece.highest * factor if piece.highest < math.inf else math.inf,
        )
        for piece in pieces
    )


def moved(pieces: Iterable[Piece], offset: Fraction) -> Piecewise:
    """The pieces of ``schedule(t) + offset``."""
    return tuple(
        replace(
            piece,
            offset=piece.offset + offset,
            lowest=piece.lowest + offset if piece.lowest > 0 else piece.lowest,
            highest=piece.highest + offset,
        )
        for piece in pieces
    )


def clipped(pieces: Iterable[Piece], lowest: Fraction, highest: Fraction | float) -> Piecewise:
    """The pieces of ``min(max(schedule(t), lowest), highest)``."""
    return tuple(
        replace(
            piece,
            lowest=Fraction(min(max(piece.lowest, lowest), highest)),
            highest=min(max(piece.highest, lowest), highest),
        )
        for piece in pieces
    )


def not_negative(pieces: Iterable[Piece]) -> Piecewise:
    """The pieces with 0 in place of the negative values of what no kernel knows."""
    return tuple(piece.not_negative() for piece in pieces)


def cut_off(pieces: Iterable[Piece], end: Breakpoint) -> Piecewise:
    """The pieces up to an end."""
    kept = []
    for piece in pieces:
        if piece.end >= end:
            kept.append(replace(piece, end=end))
            break
        kept.append(piece)
    return tuple(kept)


def between(pieces: Piecewise, first: int, stop: int | None) -> Piecewise:
    """The pieces that have a step from a first one to below a last one."""
    kept = []
    for piece in pieces:
        end = piece.end.first_step()
        if end > first:
            kept.append(piece)
        if stop is not None and end >= stop:
            break
    return tuple(kept)


def joined(before: Iterable[Piece], at: Fraction, after: Iterable[Piece]) -> Piecewise:
    """The pieces of a schedule up to a step, followed by pieces that begin there."""
    return (*cut_off(before, Breakpoint(at)), *after) if at > 0 else tuple(after)


def combined(name: str, first: Piecewise, second: Piecewise) -> Piecewise:
    """The pieces of the sum or the product of two schedules."""
    result = []
    i = j = 0
    while i < len(first) and j < len(second):
        one, other = first[i], second[j]
        end = min(one.end, other.end)
        result.append(_combined(name, one, other, end))
        i, j = i + (one.end == end), j + (other.end == end)
    return tuple(result)


def _combined(name: str, first: Piece, second: Piece, end: Breakpoint) -> Piece:
    change = scaled if name == "multiplied" else moved
    for piece, other in ((first, second), (second, first)):
        rate = _constant_rate(piece)
        if rate is not None and (rate > 0 or name == "added"):
            return replace(change([other], rate)[0], end=end)
        if rate is not None:
            return held((0.0, 0.0), end)
    return Piece(end, (), Combined(name, first, second), first.constant and second.constant)


def _constant_rate(piece: Piece) -> Fraction | None:
    """The rate of a piece whose expression has one rate."""
    rate = piece.curve.constant_rate
    return None if rate is None else piece.within(rate * piece.factor + piece.offset)
