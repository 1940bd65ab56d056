"""Sums over cycles, of which each is smooth."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from lrdecay_native.evaluation.lattice_points import Line, word
from lrdecay_native.evaluation.segments.segments import CyclicSegment, rounded_power
from lrdecay_native.evaluation.sums.polynomials import exactly, sums_of_polynomials, widened
from lrdecay_native.evaluation.sums.quadrature import (
    Indices,
    Rule,
    Wide,
    blocks_of_polynomials,
    first_blocks,
    growing_blocks,
    quadrature,
)
from lrdecay_native.evaluation.sums.rates import as_fraction, as_wide
from lrdecay_native.evaluation.sums.tuning import TOLERANCE


def sum_of_cycles_of_lines(segment: CyclicSegment, numbers: range) -> Fraction:
    """The sum over whole cycles in each of which the rate is a line.

    In cycle ``n`` it is the end rate and a share of the whole change: the distance from the cycle's end, divided by
    where that is, from the origin.
    """
    rate = segment.rates_by_distance()
    end_rate = as_fraction(rate(Fraction(0)))
    change = as_fraction(rate(Fraction(1))) - end_rate
    begin, end = segment.stop_of(numbers.start - 1), segment.stop_of(numbers.stop - 1)
    distances = _sum_of_distances(Line(segment.origin, segment.period), numbers)
    return end_rate * (end - begin) + change * distances / segment.period


def _sum_of_distances(ends: Line, numbers: range) -> Fraction:
    """The sum over the steps of cycles of how far the cycle's end is, divided by the cycle's number."""
    first_number = numbers.start

    def inverse(whole: Indices, fraction: Wide) -> Wide:
        places: Wide = (first_number + whole).astype(np.longdouble) + fraction
        return np.longdouble(1) / places

    result = Fraction(0)
    for found in blocks_of_polynomials(inverse, *growing_blocks(first_number, numbers.stop - numbers.start)):
        if isinstance(found, Rule):
            for index in found.whole.tolist():
                result += _distances_in_cycle(ends, first_number + index) / (first_number + index)
            continue
        for first, count, row in zip(
            found.firsts.tolist(), found.lengths.tolist(), found.coefficients, strict=True
        ):
            sizes = np.abs(row)
            degree = int(np.count_nonzero(np.cumsum(sizes[::-1])[::-1] > TOLERANCE / 16 * sizes[0]))
            powers = _distances_times_powers(ends, first_number + first, count, degree)
            sums = sums_of_polynomials(powers, count)
            result += sum((exactly(c) * total for c, total in zip(row, sums, strict=False)), Fraction(0))
    return result


def _distances_in_cycle(ends: Line, number: int) -> Fraction:
    end = ends.offset + number * ends.slope
    last, before = math.floor(end), math.floor(end - ends.slope)
    count = last - before
    return count * (end - last) + Fraction(count * (count - 1), 2)


def _distances_times_powers(ends: Line, first: int, count: int, degree: int) -> list[Fraction]:
    """By power: the sum over the steps of cycles of the distance from the end times a power.

    It is that of twice the cycle's number, seen from the middle of the cycles.
    """
    begin = ends.offset + (first - 1) * ends.slope
    points = word(Line(begin, ends.slope), count, degree=degree, of_points=1)
    ones, places = points.seen_from_the_middle()
    # The step behind the last one of the cycle before, and the cycle that lies around the middle.
    middle = begin + ends.slope * Fraction(count + 1, 2) - (math.floor(begin) + 1)
    half = ends.slope / 2
    return [middle * ones[j] + half * ones[j + 1] - places[j] for j in range(degree)]


def sum_of_similar_cycles(segment: CyclicSegment, numbers: range) -> Fraction:
    """The sum over cycles whose steps are at the same places.

    At a fixed place in the cycle the rate is a smooth function of the cycle's number: one rule for the sum over the
    steps of a cycle serves all of them.
    """
    first_step = segment.stop_of(numbers.start - 1)
    count = segment.stop_of(numbers.start) - first_step
    if count == 0:
        return Fraction(0)
    period = widened(segment.period)
    to_the_end = widened(segment.origin + numbers.start * segment.period - first_step)
    curve = segment.curve

    def rates_at(left: Wide, number: Wide) -> Wide:
        """So many steps before the end of a cycle, where the variable is ``1 - left / (number * period)``."""
        rest = left / period / number
        high = (1 - rest).astype(np.float64)
        low = ((1 - high.astype(np.longdouble)) - rest).astype(np.float64)
        return as_wide(curve.on_arrays((high, low)))

    def in_the_first(whole: Indices, fraction: Wide) -> Wide:
        return rates_at((to_the_end - whole) - fraction, np.full(len(whole), numbers.start, np.longdouble))

    rule = quadrature(in_the_first, *first_blocks(count))
    left = (to_the_end - rule.whole) - rule.fraction

    def sums(whole: Indices, fraction: Wide) -> Wide:
        cycles = numbers.start + numbers.step * (whole + fraction)
        rates = rates_at(np.tile(left, len(cycles)), np.repeat(cycles, len(left)))
        total: Wide = rates.reshape(len(cycles), len(left)) @ rule.weights
        return total

    # Not len, which ends at 2**63 - 1.
    return quadrature(sums, *first_blocks(-((numbers.start - numbers.stop) // numbers.step))).sum()


def geometric_sum(gain: Fraction, distance: int, count: int) -> Fraction:
    """The sum of ``gain ** (distance * k)`` for ``k`` from 0 to below a count."""
    ratio = gain**distance
    return Fraction(count) if ratio == 1 else (1 - rounded_power(ratio, count)) / (1 - ratio)
