"""Where a schedule is constant, smooth or a staircase: its pieces, and what compositions do to them.

A schedule is a row of pieces.  On each of them its rate is one chain of kernels: maps of the step, a curve, a factor
and bounds.  Compositions delay, stretch, cut, scale and clip pieces: however deeply schedules are nested, a piece
stays one short chain.  Nothing here evaluates anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from lrdecay_native.evaluation import PointPair

Kernel = tuple[str, tuple[float, ...]]
"""The name of a kernel and its parameters."""

Pieces = tuple["Piece", ...]


class Cut(NamedTuple):
    """A place between steps: right before a position, or right after it.

    Attributes
    ----------
    position : Fraction or inf
        The position, in steps.
    after : bool
        Whether the position itself lies before the cut.
    """

    position: Fraction | float
    after: bool = False

    def first_step(self) -> int | float:
        """The first whole number behind the cut."""
        if self.position == math.inf:
            return math.inf
        return math.floor(self.position) + 1 if self.after else math.ceil(self.position)

    def first_pair(self) -> PointPair:
        """The first number behind the cut that two doubles ``high + low`` hold."""
        if self.position >= 2**64:
            return math.inf, 0.0
        high, low = as_point(self.position)
        held = Fraction(high) + Fraction(low)
        if held < self.position or (self.after and held == self.position):
            low = math.nextafter(low, math.inf)
        return high, low


NEVER = Cut(math.inf)
"""The end of the last piece."""


class TimeMap(NamedTuple):
    """A kernel on the step, with its exact parameter."""

    name: str
    parameter: Fraction


@dataclass(frozen=True)
class Piece:
    """A part of a schedule on which its rate is one chain of kernels.

    Without a cyclic time map it is monotone there.

    Attributes
    ----------
    end : Cut
        Where it ends; it begins where the one before it ends.
    time_maps : tuple of TimeMap
        The maps of the step, from the outermost to the one that makes the curve's variable.
    curve : Kernel
        The formula of that variable.
    constant : bool
        Whether the rate is the same all over the piece.
    factor : Fraction
        What the formula is multiplied with.
    lowest : Fraction
        The least rate; the formula's are raised to it.
    highest : Fraction or inf
        The largest rate.
    """

    end: Cut
    time_maps: tuple[TimeMap, ...]
    curve: Kernel
    constant: bool = False
    factor: Fraction = Fraction(1)
    lowest: Fraction = Fraction(0)
    highest: Fraction | float = math.inf

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The rate without its bounds, as kernels to be called in turn."""
        scale: tuple[Kernel, ...] = ()
        if self.factor != 1:
            scale = (("scaled", as_point(self.factor)),)
        return (*map(_time_kernel, self.time_maps), self.curve, *scale)

    @property
    def bounded_kernels(self) -> tuple[Kernel, ...]:
        """The rate, as kernels to be called in turn."""
        return (*self.kernels, *self.bounding_kernels)

    @property
    def bounding_kernels(self) -> tuple[Kernel, ...]:
        """The kernels that keep the bounds."""
        raising: tuple[Kernel, ...] = (("raised", as_point(self.lowest)),) if self.lowest > 0 else ()
        capping: tuple[Kernel, ...] = (("capped", as_point(self.highest)),) if self.highest < math.inf else ()
        return (*raising, *capping)


def _time_kernel(time_map: TimeMap) -> Kernel:
    name, parameter = time_map
    return name, as_point(parameter) if name == "delayed" else (float(parameter),)


def as_point(number: Fraction | float) -> PointPair:
    """A number as ``high + low``, to 2**-106."""
    high = float(number)
    return high, float(Fraction(number) - Fraction(high))


def delayed(pieces: Iterable[Piece], delay: Fraction) -> Pieces:
    """The pieces of ``schedule(t - delay)``."""
    if delay == 0:
        return tuple(pieces)
    return tuple(
        replace(
            piece,
            end=Cut(piece.end.position + delay, piece.end.after),
            time_maps=_delayed_maps(piece.time_maps, delay),
        )
        for piece in pieces
    )


def _delayed_maps(time_maps: tuple[TimeMap, ...], delay: Fraction) -> tuple[TimeMap, ...]:
    if time_maps and time_maps[0].name == "delayed":
        return (TimeMap("delayed", time_maps[0].parameter + delay), *time_maps[1:])
    return (TimeMap("delayed", delay), *time_maps)


def stretched(pieces: Iterable[Piece], factor: Fraction) -> Pieces:
    """The pieces of ``schedule(t / factor)``."""
    return tuple(
        replace(
            piece,
            end=Cut(piece.end.position * factor, piece.end.after),
            time_maps=(TimeMap("continuous", factor), *piece.time_maps),
        )
        for piece in pieces
    )


def stepped(pieces: Iterable[Piece], period: Fraction) -> Pieces:
    """The pieces of ``schedule(floor(t / period))``."""
    return tuple(
        replace(
            piece,
            end=Cut(piece.end.first_step() * period),
            time_maps=(TimeMap("staircase", period), *piece.time_maps),
        )
        for piece in pieces
    )


def scaled(pieces: Iterable[Piece], factor: Fraction) -> Pieces:
    """The pieces of ``factor * schedule(t)``."""
    return tuple(
        replace(
            piece,
            factor=piece.factor * factor,
            lowest=piece.lowest * factor,
            highest=piece.highest * factor,
        )
        for piece in pieces
    )


def clipped(pieces: Iterable[Piece], lowest: Fraction, highest: Fraction | float) -> Pieces:
    """The pieces of ``min(max(schedule(t), lowest), highest)``."""
    return tuple(
        replace(
            piece,
            lowest=Fraction(min(max(piece.lowest, lowest), highest)),
            highest=min(max(piece.highest, lowest), highest),
        )
        for piece in pieces
    )


def joined(before: Iterable[Piece], at: Fraction, after: Iterable[Piece]) -> Pieces:
    """The pieces of a schedule up to a step, followed by pieces that begin there."""
    cut = Cut(at)
    kept = []
    for piece in before:
        if piece.end >= cut:
            kept.append(replace(piece, end=cut))
            break
        kept.append(piece)
    return (*kept, *after) if at > 0 else tuple(after)
