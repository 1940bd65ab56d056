"""The pieces of a schedule on whole steps: the segments that grids, sums and searches work on.

Bounds are gone here, but for those of segments that consist of many intervals: where a rate crosses one is found by
bisection, to the step.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from lrdecay_native.arithmetic.scalars import as_point
from lrdecay_native.evaluation.bisection import first_step_where
from lrdecay_native.evaluation.points.pairs import as_pair
from lrdecay_native.evaluation.points.pipelines import Pipeline
from lrdecay_native.evaluation.segments.segments import (
    ConstantSegment,
    CyclicSegment,
    IrregularSegment,
    PeriodicSegment,
    Segment,
    SmoothSegment,
    StaircaseSegment,
    VaryingSegment,
)
from lrdecay_native.piecewise.pieces import Piece, Repeated, TimeMap
from lrdecay_native.validation import STEP_LIMIT

FEW_SAMPLES = 128
"""Steps at which a smooth rate is looked at, evenly spread, for where it turns."""

NOISE = 2.0**-68
"""Relative changes up to here may be errors of the kernels."""


def segments_of(pieces: Iterable[Piece]) -> tuple[Segment, ...]:
    """The segments on the steps from 0 to below 2**63 of a schedule that consists of these pieces."""
    return segments_between(pieces, 0, STEP_LIMIT)


def segments_between(pieces: Iterable[Piece], start: int, end: int) -> tuple[Segment, ...]:
    """The segments on some steps of a schedule that consists of these pieces."""
    segments: list[Segment] = []
    for piece in pieces:
        stop = int(min(piece.end.first_step(), end))
        if stop > start:
            segments.extend(_segments_of_piece(piece, start, stop))
            start = stop
    return tuple(segments)


def run_length(segments: Iterable[Segment]) -> int:
    """How many steps the rate stays the same from each multiple of that number on; 0 if it always does."""
    return math.gcd(*(step for segment in segments for step in segment.steps_of_change))


def _segments_of_piece(piece: Piece, start: int, stop: int) -> Iterable[Segment]:
    if piece.constant or stop - start == 1:
        return [ConstantSegment(start, stop, _bounded_rate(piece, start))]
    if is_smooth(piece):
        turns = _turning_steps(piece, start, stop) if piece.curve.turning else []
        ends = itertools.pairwise([start, *turns, stop])
        return (
            segment
            for first, last in ends
            for segment in monotone_segments(piece, first, last, smooth_segment)
        )
    if _is_monotone(piece):
        return monotone_segments(piece, start, stop, _varying_segment)
    return [_varying_segment(piece, start, stop)]


def is_smooth(piece: Piece) -> bool:
    """Whether a piece has nothing inside that jumps or bends; without recursion, as sums may be long."""
    pending = [piece]
    while pending:
        each = pending.pop()
        if each is not piece and each.bounded and not each.constant:
            return False
        if any(time_map.known.jumps for time_map in each.time_maps):
            if not each.constant:
                return False
        elif not each.curve.smooth:
            return False
        else:
            pending += each.curve.terms
    return True


def _is_monotone(piece: Piece) -> bool:
    """Whether a piece is monotone: a staircase too, of a monotone curve."""
    cycles = any(time_map.known.cycles for time_map in piece.time_maps)
    return piece.curve.smooth and not piece.curve.turning and not cycles


def _bounded_rate(piece: Piece, step: int) -> float:
    return Pipeline(piece.bounded_stages).at(step)[0]


def _turning_steps(piece: Piece, start: int, stop: int) -> list[int]:
    """The steps at which a smooth rate turns, as far as it does so between samples that lie close at both ends."""
    pipeline = Pipeline(piece.stages)
    steps = _samples(start, stop)
    high, low = pipeline.on_arrays(as_pair(np.array(steps)))
    differences = np.diff(high) + np.diff(low)
    changes = np.where(np.abs(differences) > NOISE * high[1:], np.sign(differences), 0.0)
    turns: list[int] = []
    last = 0.0
    begin = start
    for k, change in enumerate(changes.tolist()):
        if change == 0.0:
            continue
        if last * change < 0.0:
            turns.append(_turn(pipeline, begin, steps[k + 1], rising=last > 0.0))
        last, begin = change, steps[k]
    return turns


def _samples(start: int, stop: int) -> list[int]:
    """Some hundred steps, close to each other at both ends, and evenly spread between."""
    count = stop - 1 - start
    if count <= FEW_SAMPLES:
        return list(range(start, stop))
    even = {start + count * k // FEW_SAMPLES for k in range(FEW_SAMPLES + 1)}
    near = {int(2.0 ** (k / 4)) for k in range(4 * 63)}
    return sorted(even | {step for n in near if n < count for step in (start + n, stop - 1 - n)})


def _turn(pipeline: Pipeline, start: int, stop: int, *, rising: bool) -> int:
    """The step at which a rate is highest, or lowest if it falls first."""

    def has_turned(step: int) -> bool:
        before, behind = pipeline.at(step), pipeline.at(step + 1)
        return behind < before if rising else behind > before

    return first_step_where(has_turned, start, stop)


def monotone_segments(
    piece: Piece, start: int, stop: int, varying: Callable[[Piece, int, int], Any]
) -> Iterator[Any]:
    """The segments of a piece on steps where it is monotone: between its bounds, ``varying`` makes them."""
    pipeline = Pipeline(piece.stages)
    first, last = pipeline.at(start), pipeline.at(stop - 1)
    # No rate is below zero: what vanishes far out is not searched for.
    lowest = as_point(piece.lowest) if piece.lowest > 0 else (-1.0, 0.0)
    highest = (math.inf, 0.0) if piece.highest == math.inf else as_point(piece.highest)
    if first == last:
        yield ConstantSegment(start, stop, _bounded_rate(piece, start))
        return
    if first < last:
        begin = first_step_where(lambda t: pipeline.at(t) > lowest, start, stop) if first <= lowest else start
        end = first_step_where(lambda t: pipeline.at(t) >= highest, begin, stop) if last >= highest else stop
    else:
        begin = (
            first_step_where(lambda t: pipeline.at(t) < highest, start, stop) if first >= highest else start
        )
        end = first_step_where(lambda t: pipeline.at(t) <= lowest, begin, stop) if last <= lowest else stop
    if start < begin:
        yield ConstantSegment(start, begin, _bounded_rate(piece, start))
    if begin < end:
        yield varying(piece.without_bounds(), begin, end)
    if end < stop:
        yield ConstantSegment(end, stop, _bounded_rate(piece, stop - 1))


def smooth_segment(piece: Piece, start: int, stop: int) -> SmoothSegment:
    """The segment of a piece that is smooth on these steps."""
    return SmoothSegment(start, stop, Pipeline(piece.stages))


def _varying_segment(piece: Piece, start: int, stop: int) -> VaryingSegment:
    pipeline = Pipeline(piece.bounded_stages)
    for index, time_map in enumerate(piece.time_maps):
        if not time_map.known.jumps:
            continue
        scale = scale_of(piece.time_maps[:index])
        cycles = time_map.known.cycles
        if scale is None or scale.size < 0 or (cycles and piece.curve.formula is None):
            return IrregularSegment(start, stop, piece)
        period = scale.size * time_map.parameter
        if cycles:
            return CyclicSegment(start, stop, pipeline, scale.origin, period, piece)
        rates = replace(piece, time_maps=piece.time_maps[index + 1 :])
        # Before the segment its rates may be others.
        first_run = max(math.floor((start - scale.origin) / period), 0)
        of_runs = _varying_segment(rates, first_run, STEP_LIMIT)
        if period < 1 and not of_runs.monotone:
            # Not every run has a step.
            return IrregularSegment(start, stop, piece)
        return StaircaseSegment(start, stop, pipeline, scale.origin, period, of_runs)
    if isinstance(piece.curve, Repeated):
        scale = scale_of(piece.time_maps)
        if scale is not None and scale.size > 0:
            return PeriodicSegment(start, stop, piece, scale.origin, scale.size * piece.curve.period)
    if is_smooth(piece) and not piece.bounded and not piece.curve.turning:
        return SmoothSegment(start, stop, pipeline)
    return IrregularSegment(start, stop, piece)


class Scale(NamedTuple):
    """Where a variable's whole numbers lie in steps: step = origin + size * variable."""

    origin: Fraction
    size: Fraction


def scale_of(time_maps: Iterable[TimeMap]) -> Scale | None:
    """The scale of what maps of the step make, where they only move, stretch and reflect it."""
    origin, size = Fraction(0), Fraction(1)
    for time_map in time_maps:
        line = time_map.line
        if line is None or time_map.known.floors:
            return None
        origin, size = origin + size * line.origin, size * line.size
    return Scale(origin, size)
