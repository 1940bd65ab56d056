"""The step from which on the rate of a schedule stays the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from lrdecay_native.arithmetic.scalars import as_point
from lrdecay_native.evaluation.points.pipelines import Pipeline
from lrdecay_native.evaluation.searches import NotFoundError, Rate, last_step_with_another
from lrdecay_native.evaluation.segments.enclosures import ZERO, Enclosure, enclosure
from lrdecay_native.evaluation.segments.segmentation import NOISE, segments_between
from lrdecay_native.evaluation.segments.segments import (
    ConstantSegment,
    CyclicSegment,
    IrregularSegment,
    Segment,
    SmoothSegment,
    StaircaseSegment,
)
from lrdecay_native.kinds import Operation
from lrdecay_native.piecewise.pieces import Piece, Piecewise
from lrdecay_native.validation import STEP_LIMIT

LAST_STEP = STEP_LIMIT - 1

FAR_STEP = STEP_LIMIT // 2
"""What doesn't stay the same from here on, isn't known to."""


def settled(pieces: Piecewise, pipeline: Pipeline, rate_at: Rate) -> Fraction | None:
    """The step from which on the rate of a schedule stays the same, if there is one.

    That is the end of a piece, or the first whole step at which the rate is what it is from there on.

    Parameters
    ----------
    pieces : tuple of Piece
        The schedule's pieces, which cover all steps.
    pipeline : Pipeline
        The rate at a step, in 106 bits.
    rate_at : callable
        The rate at a step.
    """
    begins = [0, *(piece.end.first_step() for piece in pieces[:-1])]
    if begins[-1] > LAST_STEP and pieces[-1].constant:
        # So far out nothing is evaluated.
        return Fraction(pieces[-2].end.position)
    pieces = tuple(piece for piece, begin in zip(pieces, begins, strict=True) if begin <= LAST_STEP)
    begins = begins[: len(pieces)]
    if not _settles(pieces[-1], int(begins[-1])):
        return None
    try:
        step = _first_alike(pieces, begins, pipeline, rate_at)
    except NotFoundError:
        return None
    ends = (piece.end for piece in pieces[-2::-1])
    end = next((end for end in ends if end.first_step() == step), None)
    # The rate may be the same from the end of a piece on, right before a whole step.
    return Fraction(step if end is None or end.after else end.position)


def _settles(piece: Piece, begin: int) -> bool:
    """Whether a piece that lasts for ever stays the same from some step on."""
    if piece.constant:
        return True
    far = _between(replace(piece, lowest=Fraction(0), highest=math.inf), FAR_STEP)
    if piece.lowest > 0 and far.highest <= as_point(piece.lowest):
        return True
    if piece.highest < math.inf and far.lowest >= as_point(piece.highest):
        return True
    settle = [_settles(term, begin) for term in piece.terms]
    if settle and all(settle):
        return True
    if piece.curve.zero_of_either and any(
        known and _between(term, FAR_STEP).highest == ZERO
        for known, term in zip(settle, piece.terms, strict=True)
    ):
        return True
    # Not from far out on: what only gets nearer and nearer to a rate is rounded to it there.
    lowest, highest = _between(piece, begin)
    return lowest == highest


def _between(piece: Piece, first: int) -> Enclosure:
    """Bounds of the rates of a piece from a step on."""
    return enclosure(piece, as_point(Fraction(first)), as_point(Fraction(LAST_STEP)))


def _first_alike(pieces: Piecewise, begins: list[int | float], pipeline: Pipeline, rate_at: Rate) -> int:
    """The first step from which on the rate is the last one."""
    for segment in _segments_backwards(pieces, begins):
        other = _last_other(segment, pipeline, rate_at)
        if other is not None:
            return other + 1
    return 0


def _segments_backwards(pieces: Piecewise, begins: list[int | float]) -> Iterator[Segment]:
    """The segments of pieces, the last one first; each piece is taken apart when it is needed."""
    stop = STEP_LIMIT
    for piece, begin in zip(reversed(pieces), reversed(begins), strict=True):
        if begin < stop:
            yield from reversed(segments_between([piece], int(begin), stop))
            stop = int(begin)


def _last_other(segment: Segment, pipeline: Pipeline, rate_at: Rate) -> int | None:
    """The last step of a segment at which the rate isn't what it is at last."""
    return _LAST_OTHER(segment, pipeline, rate_at)


def _in_smooth(segment: SmoothSegment, pipeline: Pipeline, rate_at: Rate) -> int:
    end = segment.stop - 1
    # In 106 bits: right before the end of a decay both may be rounded to one.  The next piece may begin right behind
    # its first step.
    return end - 1 if pipeline.at(end) == pipeline.at(LAST_STEP) else end


def _in_constant(segment: ConstantSegment, pipeline: Pipeline, rate_at: Rate) -> int | None:
    end = segment.stop - 1
    return end if _differs(pipeline, end) else None


def _in_others(segment: Segment, pipeline: Pipeline, rate_at: Rate) -> int | None:
    end = segment.stop - 1
    return end if _differs(pipeline, end) else last_step_with_another([segment], rate_at, rate_at(LAST_STEP))


def _differs(pipeline: Pipeline, step: int) -> bool:
    """Whether the rate at a step isn't the last one, in 106 bits but for the kernels' errors."""
    last, there = (sum(map(Fraction, pipeline.at(each)), Fraction(0)) for each in (LAST_STEP, step))
    return abs(last - there) > Fraction(NOISE) * last


_LAST_OTHER: Operation[int | None] = Operation(
    "the last step with another rate",
    Segment,
    {
        ConstantSegment: _in_constant,
        SmoothSegment: _in_smooth,
        StaircaseSegment: _in_others,
        CyclicSegment: _in_others,
        IrregularSegment: _in_others,
    },
)
