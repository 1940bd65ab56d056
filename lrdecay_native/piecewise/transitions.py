"""Pieces from one rate to another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial

from lrdecay_native.arithmetic.scalars import DoubleDoubleScalar, as_point
from lrdecay_native.piecewise.pieces import NEVER, Breakpoint, Kernel, Piece, Piecewise, TimeMap


def held(rate: DoubleDoubleScalar, end: Breakpoint = NEVER) -> Piece:
    """A piece with one rate."""
    return Piece(end, (), Kernel("held", rate), constant=True)


def transition(shape: str, steps: Fraction, start: DoubleDoubleScalar, rate: DoubleDoubleScalar) -> Piecewise:
    """From a start at step 0 to a rate that is reached after some steps, where the pieces end."""
    if steps == 0:
        return ()
    end = Breakpoint(steps)
    if start == rate:
        return (held(start, end),)
    change = SHAPES[shape](end, start, rate)
    # Bulk evaluation can't have a zero inside a block.
    origin = (
        (held(start, Breakpoint(Fraction(0), after=True)),) if start[0] == 0.0 and not change.constant else ()
    )
    return (*origin, change)


def _ramp(kernel: str, end: Breakpoint, start: DoubleDoubleScalar, rate: DoubleDoubleScalar) -> Piece:
    return Piece(end, (), Kernel(kernel, (*as_point(end.position), *start, *rate)))


def _fall(kernel: str, end: Breakpoint, start: DoubleDoubleScalar, rate: DoubleDoubleScalar) -> Piece:
    """A fall; a rise is one that runs backwards: next to the larger rate nothing is lost where numbers cancel."""
    if rate < start:
        return _ramp(kernel, end, start, rate)
    backwards = TimeMap("reflected", Fraction(end.position))
    return replace(_ramp(kernel, end, rate, start), time_maps=(backwards,))


def _exponential(end: Breakpoint, start: DoubleDoubleScalar, rate: DoubleDoubleScalar) -> Piece:
    first, last = (sum(map(Fraction, pair), Fraction(0)) for pair in (start, rate))
    maps = (TimeMap("continuous", Fraction(end.position)),)
    return Piece(end, maps, Kernel("exponential", as_point(last / first)), factor=first)


def _constant(end: Breakpoint, start: DoubleDoubleScalar, rate: DoubleDoubleScalar) -> Piece:
    return held(start, end)


SHAPES: dict[str, Callable[[Breakpoint, DoubleDoubleScalar, DoubleDoubleScalar], Piece]] = {
    "linear": partial(_ramp, "ramp"),
    "cosine": partial(_fall, "cosine_ramp"),
    "1-sqrt": partial(_fall, "square_root_ramp"),
    "exponential": _exponential,
    "constant": _constant,
}
"""The pieces of transitions, from a start to a rate at their end."""
