"""Sums over the runs of a staircase, whose lengths differ by a step."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from lrdecay_native.evaluation.bisection import first_step_where
from lrdecay_native.evaluation.lattice_points import Line, word
from lrdecay_native.evaluation.points.pipelines import Pipeline
from lrdecay_native.evaluation.segments.segments import SmoothSegment, StaircaseSegment
from lrdecay_native.evaluation.sums.polynomials import discrete_means, exactly, sums_of_polynomials
from lrdecay_native.evaluation.sums.quadrature import Rule, Wide, blocks_of_polynomials, first_blocks
from lrdecay_native.evaluation.sums.rates import rates_from
from lrdecay_native.evaluation.sums.tuning import NEGLIGIBLE, NODES


def settled_at(segment: StaircaseSegment, pipeline: Pipeline, start: int, stop: int) -> int:
    """From which step, or run, on those up to a last one don't count in the sum, where rates fall."""
    rates = segment.rates
    while isinstance(rates, StaircaseSegment):
        rates = rates.rates
    if not isinstance(rates, SmoothSegment) or pipeline.at(stop - 1) > pipeline.at(start):
        return stop
    # Runs differ in their length by a step.
    least = NEGLIGIBLE / 2 * pipeline.at(start)[0]
    return first_step_where(lambda place: (stop - place) * pipeline.at(place)[0] <= least, start, stop)


def sum_of_smooth_runs(pipeline: Pipeline, line: Line, runs: range) -> Fraction:
    """The sum over the steps of runs, which begin where a line is at whole numbers, rounded up."""
    # Right below the next multiple of what all values of the line are multiples of: its floor is the line's ceiling.
    divisor = math.lcm(line.offset.denominator, line.slope.denominator)
    ends = Line(line.offset + 1 - Fraction(1, divisor) + runs.start * line.slope, line.slope)
    period = line.slope

    def length(run: int) -> int:
        return math.floor(ends.offset + (run + 1) * period) - math.floor(ends.offset + run * period)

    result = Fraction(0)
    rates = rates_from(pipeline, runs.start, 1)
    for found in blocks_of_polynomials(rates, *first_blocks(runs.stop - runs.start)):
        if isinstance(found, Rule):
            lengths = np.array([length(run) for run in found.whole.tolist()], np.longdouble)
            result += exactly(np.sum(found.samples * lengths))
            continue
        whole = period * found.rule.sum()
        result += whole
        for first, count, row in zip(
            found.firsts.tolist(), found.lengths.tolist(), found.coefficients, strict=True
        ):
            result += _excess_of_runs(ends, first, count, row, float(NEGLIGIBLE * result))
    return result


def _excess_of_runs(ends: Line, first: int, count: int, coefficients: Wide, negligible: float) -> Fraction:
    """How much more the sum over a block's steps is than if all runs were equally long."""
    sizes = np.abs(coefficients)
    # Polynomial ``j`` turns ``j - 1`` times, and the steps of runs from the first on differ by less than one from
    # what they would be: what it adds is less than this.
    most = np.cumsum((sizes * (2 * np.arange(NODES) + 2))[::-1])[::-1]
    degree = int(np.count_nonzero(most > negligible))
    if degree == 0:
        return Fraction(0)
    points = word(Line(ends.offset + first * ends.slope, ends.slope), count, degree=degree - 1, of_points=0)
    sums = sums_of_polynomials(points.seen_from_the_middle()[0], count)
    means = discrete_means(np.array([count]))[0]
    return sum(
        (
            exactly(coefficient) * (total - ends.slope * count * exactly(mean))
            for coefficient, total, mean in zip(coefficients, sums, means, strict=False)
        ),
        Fraction(0),
    )
