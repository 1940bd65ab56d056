"""The segments within the cycles of a segment."""

from __future__ import annotations

from collections.abc import Iterator

from lrdecay_native.caching import computed_once
from lrdecay_native.evaluation.segments.segmentation import (
    monotone_segments,
    segments_between,
    smooth_segment,
)
from lrdecay_native.evaluation.segments.segments import (
    ConstantSegment,
    CyclicSegment,
    PeriodicSegment,
    Segment,
    SmoothSegment,
)


def segments_within_cycle(
    cyclic: CyclicSegment, start: int, stop: int
) -> Iterator[ConstantSegment | SmoothSegment]:
    """The segments of steps that lie in one cycle."""
    return monotone_segments(cyclic.piece, start, stop, smooth_segment)


def segments_of_cycle(periodic: PeriodicSegment, cycle: int) -> tuple[Segment, ...]:
    """The segments of one cycle, on the steps of the segment that it is a cycle of."""
    start = max(periodic.first_step(cycle), periodic.start)
    stop = min(periodic.first_step(cycle + 1), periodic.stop)
    return segments_between(periodic.pieces(cycle), start, stop)


@computed_once
def whole_cycle(periodic: PeriodicSegment) -> tuple[Segment, ...]:
    """The segments of the first cycle that is whole on the steps of a segment."""
    return segments_of_cycle(periodic, periodic.cycle(periodic.start - 1) + 1)
