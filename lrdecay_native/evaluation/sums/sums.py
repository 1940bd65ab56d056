"""Sums of a schedule over any number of steps, by quadrature for sums.

A smooth segment is cut into blocks.  In each block its rates are sampled at Chebyshev's nodes; the polynomial through
the samples is summed over the block's steps exactly, by power sums.  Blocks whose highest coefficients are not
negligible are halved, all that need it at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.evaluation.bisection import first_step_where
from lrdecay_native.evaluation.lattice_points import Line, word
from lrdecay_native.evaluation.points.chains import Pipeline
from lrdecay_native.evaluation.points.pairs import DoubleDoubleArray, as_pair
from lrdecay_native.evaluation.segments.breakpoints import rounded_up, stretch_bounds
from lrdecay_native.evaluation.segments.cycles import segments_of_cycle, segments_within_cycle
from lrdecay_native.evaluation.segments.segments import (
    ConstantSegment,
    CyclicSegment,
    IrregularSegment,
    PeriodicSegment,
    Segment,
    SmoothSegment,
    StaircaseSegment,
    rounded_power,
)
from lrdecay_native.formulas import FORMULAS
from lrdecay_native.validation import STEP_LIMIT

NODES = 24
"""Samples per block."""

FEW_STEPS = 64
"""So many steps are added one by one."""

TOLERANCE = max(2.0**-56, float(16 * np.finfo(np.longdouble).eps))
"""How large the last coefficients of a block may be, relative to its rates."""

NEGLIGIBLE = 2.0**-62
"""The part of the sum that doesn't count."""

DENORMAL = 1e-318
"""Errors up to here are those of denormal numbers."""

LARGEST_DENOMINATOR = 64
"""Cycles whose period is a fraction with a larger denominator have their steps at too many different places."""

RUNS = 2**16
"""Runs per round where they are added one by one."""

SHORTEST_CYCLE = 2**13
"""Steps of shorter cycles are added one by one, where cycles differ."""

STEPS = 2**16
"""Steps per round where they are added one by one."""

SHORTEST_REPEAT = 2**12
"""Steps of shorter cycles are added one by one, where they differ."""

MOST_STEPS = 2**31
"""Steps that are added one by one at most; they take some minutes."""

MOST_CYCLES = 2**17
"""Cycles that are added one by one at most, likewise."""

STEPS_OF_STRETCHES = 2**22
"""Steps per round where stretches are found first."""

FEW_STRETCHES = 2**10
"""Where a round has fewer, the next one is longer."""

MOST_STRETCHES = 2**25
"""Stretches that are added one by one at most, likewise."""

BITS = 200
"""Bits behind the point of what is a sum of products of exact numbers."""

Wide = npt.NDArray[np.longdouble]
Indices = npt.NDArray[np.int64]
Rates = Callable[[Indices, Wide], Wide]
"""``rates(whole, fraction)``: the rates at the indices ``whole + fraction``."""


def total(segments: Sequence[Segment], steps: range) -> float:
    """The sum of the rates of these steps."""
    return float(_sum(segments, steps))


def mean(segments: Sequence[Segment], steps: range) -> float:
    """The mean of the rates of these steps, of which there is one at least."""
    return float(_sum(segments, steps) / (steps.stop - steps.start))


def _sum(segments: Sequence[Segment], steps: range) -> Fraction:
    counted = _Sums(only_counted=True)
    result = counted.of_segments(segments, steps)
    if counted.singly > MOST_STEPS:
        raise ValueError(
            f"{counted.singly} rates would have to be added one by one; sum up to {MOST_STEPS} steps at a time"
        )
    return _Sums(only_counted=False).of_segments(segments, steps) if counted.singly else result


def _smooth_sum(chain: Pipeline, start: int, stop: int, step: int = 1) -> Fraction:
    count = -((start - stop) // step)
    return quadrature(_rates_from(chain, start, step), *_first_blocks(count)).sum()


def _rates_from(chain: Pipeline, start: int, step: int) -> Rates:
    """The rates of a chain as a function of the index in a range of steps."""
    begin_high = float(start)
    begin_low = float(start - int(begin_high))

    def rates(whole: Indices, fraction: Wide) -> Wide:
        # Numbers of runs may be above 2**63: not a sum of integers.
        high, low = as_pair(whole * step)
        total = high + begin_high
        rounded = total - high
        low = low + begin_low + ((high - (total - rounded)) + (begin_high - rounded))
        return _as_wide(chain.on_arrays(_normalised(total, low + (fraction * step).astype(np.float64))))

    return rates


def _normalised(high: npt.NDArray[np.float64], low: npt.NDArray[np.float64]) -> DoubleDoubleArray:
    total = high + low
    from_low = total - high
    return total, (high - (total - from_low)) + (low - from_low)


def _as_wide(pair: DoubleDoubleArray) -> Wide:
    return pair[0].astype(np.longdouble) + pair[1]


def _exactly(number: np.longdouble) -> Fraction:
    return Fraction(*number.as_integer_ratio())


@dataclass(frozen=True)
class Rule:
    """A sum as a weighted sum of samples.

    Attributes
    ----------
    whole, fraction : ndarray
        The indices at which to sample.
    weights, samples : ndarray
        The weights, and the samples that it was made for.
    """

    whole: Indices
    fraction: Wide
    weights: Wide
    samples: Wide

    def sum(self) -> Fraction:
        """The sum of the function that the rule was made for."""
        return _exactly(np.sum(self.weights * self.samples))


@dataclass(frozen=True)
class Blocks:
    """Blocks of indices on each of which a polynomial is as good as a function.

    Attributes
    ----------
    firsts, lengths : ndarray
        The first index of each, and how many it has.
    rule : Rule
        The rule for the function's sum over all of them.
    coefficients : ndarray
        Those of Chebyshev's polynomials, on each block from -1 to 1.
    """

    firsts: Indices
    lengths: Indices
    rule: Rule
    coefficients: Wide


def quadrature(rates: Rates, firsts: Indices, lengths: Indices) -> Rule:
    """The rule for the sum of a function over blocks of indices on which it is smooth."""
    rules = [
        found.rule if isinstance(found, Blocks) else found
        for found in blocks_of_polynomials(rates, firsts, lengths)
    ]
    return Rule(
        *(
            np.concatenate([getattr(rule, name) for rule in rules])
            for name in ("whole", "fraction", "weights", "samples")
        )
    )


def blocks_of_polynomials(rates: Rates, firsts: Indices, lengths: Indices) -> Iterator[Rule | Blocks]:
    """The blocks, cut until a polynomial is as good as the function; for the shortest, a rule of all indices."""
    done = np.longdouble(0)
    while len(firsts):
        short = lengths <= FEW_STEPS
        if short.any():
            rule = _one_by_one(rates, firsts[short], lengths[short])
            yield rule
            done += np.sum(rule.samples)
            firsts, lengths = firsts[~short], lengths[~short]
            continue
        whole, fraction = _node_indices(firsts, lengths)
        samples = rates(whole.ravel(), fraction.ravel()).reshape(whole.shape)
        edges = samples[:, NODES:]
        coefficients = samples[:, :NODES] @ _chebyshev_matrix()
        errors = _estimated_errors(coefficients, edges, lengths)
        least = done + np.sum(lengths * edges.min(axis=1))
        kept = errors <= TOLERANCE * np.abs(samples).max(axis=1)
        kept |= lengths * errors <= NEGLIGIBLE * least
        kept |= lengths * samples.max(axis=1) <= NEGLIGIBLE * least
        kept |= errors <= DENORMAL
        if kept.any():
            weights = lengths[kept, None] * (_discrete_means(lengths[kept]) @ _chebyshev_matrix().T)
            inner = slice(None, NODES)
            rule = Rule(
                whole[kept, inner].ravel(),
                fraction[kept, inner].ravel(),
                weights.ravel(),
                samples[kept, inner].ravel(),
            )
            yield Blocks(firsts[kept], lengths[kept], rule, coefficients[kept])
            done += np.sum(rule.weights * rule.samples)
        firsts, lengths = _halved(firsts[~kept], lengths[~kept])


def _first_blocks(count: int) -> tuple[Indices, Indices]:
    """Blocks that grow with their distance from both ends: there a schedule is steepest."""
    lengths = []
    length, left = FEW_STEPS, count
    while left > 4 * length:
        lengths.append(length)
        left -= 2 * length
        length = count - left >> 1
    all_lengths = np.array([*lengths, left - left // 2, left // 2, *reversed(lengths)], np.int64)
    all_lengths = all_lengths[all_lengths > 0]
    return np.cumsum(all_lengths) - all_lengths, all_lengths


def _growing_blocks(first: int, count: int) -> tuple[Indices, Indices]:
    """Blocks of indices, seen from a first one, as long as the index that they begin with is large."""
    lengths: list[int] = []
    done = 0
    while done < count:
        lengths.append(min(max(first + done, FEW_STEPS), count - done))
        done += lengths[-1]
    all_lengths = np.array(lengths, np.int64)
    return np.cumsum(all_lengths) - all_lengths, all_lengths


def _halved(firsts: Indices, lengths: Indices) -> tuple[Indices, Indices]:
    halves = lengths // 2
    return np.concatenate([firsts, firsts + halves]), np.concatenate([halves, lengths - halves])


def _one_by_one(rates: Rates, firsts: Indices, lengths: Indices) -> Rule:
    whole = np.concatenate([first + np.arange(length) for first, length in zip(firsts, lengths, strict=True)])
    fraction = np.zeros(len(whole), np.longdouble)
    return Rule(whole, fraction, np.ones(len(whole), np.longdouble), rates(whole, fraction))


def _node_indices(firsts: Indices, lengths: Indices) -> tuple[Indices, Wide]:
    """For each block the indices of its nodes, of its first step and of its last."""
    half = lengths[:, None].astype(np.longdouble) / 2
    offsets = half * (1 + _nodes()) - np.longdouble(0.5)
    whole = np.floor(offsets).astype(np.int64)
    fraction = offsets - whole
    none = np.zeros((len(firsts), 1), np.longdouble)
    whole = np.hstack([whole, np.zeros((len(firsts), 1), np.int64), lengths[:, None] - 1])
    return firsts[:, None] + whole, np.hstack([fraction, none, none])


def _estimated_errors(coefficients: Wide, edges: Wide, lengths: Indices) -> Wide:
    """The larger of the last coefficients, and the polynomial's errors at the first and at the last step."""
    angle = np.arccos(1 - 1 / lengths.astype(np.longdouble))
    at_edge = coefficients * np.cos(angle[:, None] * np.arange(NODES))
    even, odd = at_edge[:, ::2].sum(axis=1), at_edge[:, 1::2].sum(axis=1)
    last_two = np.abs(coefficients[:, -2:]).sum(axis=1)
    errors: Wide = np.maximum.reduce(
        [last_two, np.abs(even - odd - edges[:, 0]), np.abs(even + odd - edges[:, 1])]
    )
    return errors


def _angles() -> Wide:
    pi = np.longdouble("3.14159265358979323846264338327950288")
    odd = (2 * np.arange(NODES) + 1).astype(np.longdouble)
    return (odd * pi / (2 * NODES)).astype(np.longdouble)


@lru_cache(maxsize=1)
def _nodes() -> Wide:
    nodes: Wide = -np.cos(_angles())
    return nodes


@lru_cache(maxsize=1)
def _chebyshev_matrix() -> Wide:
    """Samples at the nodes times it are the coefficients of Chebyshev's polynomials."""
    signs = (-1.0) ** np.arange(NODES)
    matrix: Wide = np.cos(_angles()[:, None] * np.arange(NODES)) * signs * 2 / NODES
    matrix[:, 0] /= 2
    return matrix


def _discrete_means(lengths: Indices) -> Wide:
    """The mean of each Chebyshev polynomial over the steps of a block."""
    powers = (2 / lengths.astype(np.longdouble)[:, None]) ** np.arange(0, NODES, 2)
    means = np.zeros((len(lengths), NODES), np.longdouble)
    means[:, ::2] = powers @ _mean_series()
    return means


@lru_cache(maxsize=1)
def _mean_series() -> Wide:
    """By the even powers of ``2 / length``: the means of the Chebyshev polynomials of even degree.

    The mean of ``u**d`` over ``u = (2 k + 1 - length) / length``, for ``k`` below the length, is the sum of
    ``comb(d + 1, j) * (2**(1 - j) - 1) * Bernoulli(j) / (d + 1) * (2 / length)**j``.
    """
    half = NODES // 2
    bernoulli = [Fraction(1)]
    for n in range(1, NODES):
        bernoulli.append(
            -sum((math.comb(n + 1, k) * b for k, b in enumerate(bernoulli)), Fraction(0)) / (n + 1)
        )
    series = [[Fraction(0)] * half for _ in range(half)]
    chebyshev = _chebyshev_coefficients()
    for degree in range(0, NODES, 2):
        for d in range(0, degree + 1, 2):
            for j in range(0, d + 1, 2):
                share = Fraction(math.comb(d + 1, j), d + 1) * (Fraction(2, 2**j) - 1) * bernoulli[j]
                series[j // 2][degree // 2] += chebyshev[degree][d] * share
    return np.array([[_widened(entry) for entry in row] for row in series]).astype(np.longdouble)


def _widened(number: Fraction) -> np.longdouble:
    high = float(number)
    return np.longdouble(high) + np.longdouble(float(number - Fraction(high)))


@dataclass
class _Sums:
    """Sums of the rates of segments.

    Attributes
    ----------
    only_counted : bool
        Whether steps that would have to be added one by one are counted instead.
    singly : int
        How many they are.
    known : dict
        The sums of what repeats, for each curve and range of its own steps: in cycles within cycles the same ones
        come again and again.
    """

    only_counted: bool
    singly: int = 0
    known: dict[Any, Fraction] = field(default_factory=dict)

    def of_segments(self, segments: Iterable[Segment], steps: range) -> Fraction:
        """The sum over those of the steps that are in some segments."""
        result = Fraction(0)
        for segment in segments:
            start, stop = max(segment.start, steps.start), min(segment.stop, steps.stop)
            if start < stop:
                result += self.of_part(replace(segment, start=start, stop=stop))
        return result

    def of_part(self, segment: Segment) -> Fraction:
        match segment:
            case ConstantSegment():
                return Fraction(segment.rate) * (segment.stop - segment.start)
            case SmoothSegment():
                return _smooth_sum(segment.chain, segment.start, segment.stop)
            case StaircaseSegment():
                return self.of_staircase(segment)
            case CyclicSegment():
                return self.of_cyclic(segment)
            case PeriodicSegment():
                return self.of_periodic(segment)
            case IrregularSegment():
                return self.of_irregular(segment)

    def of_single_steps(self, chain: Pipeline, start: int, stop: int) -> Fraction:
        """The sum over steps, one by one."""
        self.singly += stop - start
        result = Fraction(0)
        if self.only_counted:
            return result
        for first in range(start, stop, STEPS):
            result += _exactly(np.sum(_rates_of_steps(chain, first, min(STEPS, stop - first))))
        return result

    def of_staircase(self, segment: StaircaseSegment) -> Fraction:
        rates = segment.rates
        if isinstance(rates, StaircaseSegment) and rates.origin.denominator == rates.period.denominator == 1:
            # So many runs together are one.
            origin, period = segment.origin + rates.origin * segment.period, segment.period * rates.period
            return self.of_staircase(replace(segment, origin=origin, period=period, rates=rates.rates))
        if segment.period < 1:
            return self.of_single_steps(
                segment.chain, segment.start, _settled(segment, segment.chain, segment.start, segment.stop)
            )
        first, last = segment.run(segment.start), segment.run(segment.stop - 1)
        if first == last:
            return self.of_runs(rates, range(first, first + 1)) * (segment.stop - segment.start)
        result = self.of_runs(rates, range(first, first + 1)) * (
            segment.first_step(first + 1) - segment.start
        )
        result += self.of_runs(rates, range(last, last + 1)) * (segment.stop - segment.first_step(last))
        return result + self.of_whole_runs(segment, range(first + 1, last))

    def of_runs(self, rates: Segment, runs: range) -> Fraction:
        """The sum of the rates of runs, each taken once."""
        return self.of_segments([replace(rates, start=runs.start, stop=runs.stop)], runs)

    def of_whole_runs(self, segment: StaircaseSegment, runs: range) -> Fraction:
        """The sum over the steps of whole runs."""
        if runs.start == runs.stop:
            return Fraction(0)
        if segment.period.denominator == 1:
            return segment.period * self.of_runs(segment.rates, runs)
        denominator = segment.period.denominator
        if isinstance(segment.rates, SmoothSegment) and denominator <= LARGEST_DENOMINATOR:
            # Runs that are a multiple of the denominator apart are equally long.
            sums = (
                _smooth_sum(segment.rates.chain, run, runs.stop, denominator) for run in runs[:denominator]
            )
            lengths = (segment.first_step(run + 1) - segment.first_step(run) for run in runs[:denominator])
            return sum(map(Fraction.__mul__, sums, map(Fraction, lengths)), Fraction(0))
        if isinstance(segment.rates, SmoothSegment):
            return _sum_of_smooth_runs(segment.rates.chain, Line(segment.origin, segment.period), runs)
        settled = _settled(segment, segment.rates.chain, runs.start, runs.stop)
        self.singly += settled - runs.start
        result = Fraction(0)
        if self.only_counted:
            return result
        for first in range(runs.start, settled, RUNS):
            count = min(RUNS, settled - first)
            ends = rounded_up(segment.origin + first * segment.period, segment.period, count + 1)
            result += _exactly(np.sum(_rates_of_steps(segment.rates.chain, first, count) * np.diff(ends)))
        return result

    def of_cyclic(self, segment: CyclicSegment) -> Fraction:
        first, last = segment.cycle(segment.start), segment.cycle(segment.stop - 1)
        distance = segment.period.denominator
        if (
            last - first <= 2 * min(distance, LARGEST_DENOMINATOR)
            or segment.period < 1 < distance > LARGEST_DENOMINATOR
        ):
            return self.of_single_cycles(segment, segment.start, segment.stop)
        if segment.bounded:
            return self.of_bounded_cycles(segment, range(first + 1, last))
        if distance > LARGEST_DENOMINATOR and not _is_line(segment):
            return self.of_single_cycles(segment, segment.start, segment.stop)
        begin, end = segment.stop_of(first), segment.stop_of(last - 1)
        result = self.of_single_cycles(segment, segment.start, begin) + self.of_single_cycles(
            segment, end, segment.stop
        )
        if distance > LARGEST_DENOMINATOR:
            return result + _sum_of_cycles_of_lines(segment, range(first + 1, last))
        # Cycles that are a multiple of the denominator apart have their steps at the same places.
        for number in range(first + 1, first + 1 + distance):
            result += _sum_of_similar_cycles(segment, range(number, last, distance))
        return result

    def of_bounded_cycles(self, segment: CyclicSegment, whole: range) -> Fraction:
        """The sum over cycles with bounds.

        From cycle to cycle the rates get nearer to the end rate: once a whole cycle lies within the bounds, or beyond
        one of them, so do those after it.
        """
        if segment.period < 1:
            return self.of_single_cycles(segment, segment.start, segment.stop)
        unbounded = segment.unbounded(segment.start, segment.stop)
        rate = unbounded.rates_by_distance()
        lowest, highest = segment.piece.lowest, segment.piece.highest
        last_rate = _as_fraction(rate(Fraction(0)))

        def is_settled(number: int) -> bool:
            rates = last_rate, _as_fraction(rate(Fraction(1, number)))
            return (
                lowest <= min(rates) <= max(rates) <= highest or max(rates) <= lowest or min(rates) >= highest
            )

        settled = first_step_where(is_settled, whole.start, whole.stop)
        begin, end = segment.stop_of(settled - 1), segment.stop_of(whole.stop - 1)
        result = self.of_single_cycles(segment, segment.start, begin) + self.of_single_cycles(
            segment, end, segment.stop
        )
        if begin == end:
            return result
        if lowest <= last_rate <= highest:
            return result + self.of_cyclic(segment.unbounded(begin, end))
        return result + Fraction(min(max(last_rate, lowest), highest)) * (end - begin)

    def of_single_cycles(self, segment: CyclicSegment, start: int, stop: int) -> Fraction:
        """The sum over steps, one cycle after another."""
        if start == stop:
            return Fraction(0)
        if segment.period < SHORTEST_CYCLE:
            return self.of_single_steps(segment.chain, start, stop)
        _refuse_many_cycles(segment.cycle(stop - 1) - segment.cycle(start) + 1)
        result = Fraction(0)
        if self.only_counted:
            self.singly += segment.cycle(stop - 1) - segment.cycle(start) + 1
            return result
        while start < stop:
            end = min(segment.stop_of(segment.cycle(start)), stop)
            if segment.bounded:
                result += self.of_segments(segments_within_cycle(segment, start, end), range(start, end))
            else:
                result += _smooth_sum(segment.chain, start, end)
            start = end
        return result

    def of_periodic(self, segment: PeriodicSegment) -> Fraction:
        """A sum that is known up to a factor and an offset, or a new one."""
        piece = segment.piece
        factor, offset = Fraction(1), Fraction(0)
        if not piece.bounding_kernels:
            factor, offset = piece.factor, piece.offset
            segment = replace(segment, piece=replace(piece, factor=Fraction(1), offset=Fraction(0)))
        bounds = segment.piece.factor, segment.piece.offset, segment.piece.lowest, segment.piece.highest
        key = (
            id(segment.curve),
            segment.period,
            segment.start - segment.origin,
            segment.stop - segment.origin,
            *bounds,
        )
        if key not in self.known:
            self.known[key] = self.of_new_periodic(segment)
        return self.known[key] * factor + offset * (segment.stop - segment.start)

    def of_new_periodic(self, segment: PeriodicSegment) -> Fraction:
        first, last = segment.cycle(segment.start), segment.cycle(segment.stop - 1)
        distance, gain = segment.period.denominator, segment.curve.gain
        whole = range(first + 1, last)
        if (
            # Not len, which ends at 2**63 - 1.
            whole.stop - whole.start <= 2 * min(distance, LARGEST_DENOMINATOR)
            or distance > LARGEST_DENOMINATOR
            or (gain != 1.0 and segment.piece.bounding_kernels)
        ):
            return self.of_different_cycles(segment, first, last)
        result = self.of_segments(segments_of_cycle(segment, first), range(segment.start, segment.stop))
        result += self.of_segments(segments_of_cycle(segment, last), range(segment.start, segment.stop))
        # Cycles that are a multiple of the denominator apart have their steps at the same places.
        for number in whole[:distance]:
            begin, end = segment.first_step(number), segment.first_step(number + 1)
            if begin < end:
                rest = segment.offset * (end - begin) if gain != 1.0 else Fraction(0)
                cycles = -((number - last) // distance)
                excess = self.of_segments(segments_of_cycle(segment, number), range(begin, end)) - rest
                result += excess * _geometric_sum(Fraction(gain), distance, cycles) + rest * cycles
        return result

    def of_different_cycles(self, segment: PeriodicSegment, first: int, last: int) -> Fraction:
        """The sum over cycles, one after another, until they no longer differ from their end."""
        settled = last + 1
        if segment.curve.gain < 1.0:
            settled = min(settled, first + math.ceil(2 * math.log(NEGLIGIBLE) / math.log(segment.curve.gain)))
        end = min(max(segment.first_step(settled), segment.start), segment.stop)
        rate = Fraction(min(max(segment.offset, segment.piece.lowest), segment.piece.highest))
        result = rate * (segment.stop - end)
        if segment.period < SHORTEST_REPEAT:
            return result + self.of_single_steps(segment.chain, segment.start, end)
        _refuse_many_cycles(settled - first)
        if self.only_counted and settled - first > 2 * LARGEST_DENOMINATOR:
            before = self.singly
            self.of_segments(segments_of_cycle(segment, first + 1), range(segment.start, segment.stop))
            self.singly += 1 + (self.singly - before) * (settled - first)
            return result
        steps = range(segment.start, end)
        return result + sum(
            (self.of_segments(segments_of_cycle(segment, number), steps) for number in range(first, settled)),
            Fraction(0),
        )

    def of_irregular(self, segment: IrregularSegment) -> Fraction:
        """The sum over stretches, found for some steps at a time."""
        result = Fraction(0)
        start, count = segment.start, STEPS_OF_STRETCHES
        while start < segment.stop:
            end = min(start + count, segment.stop)
            bounds = (
                None if segment.piece.bounding_kernels else stretch_bounds(segment.piece, range(start, end))
            )
            if bounds is None and count > STEPS_OF_STRETCHES:
                count = STEPS_OF_STRETCHES
                continue
            if bounds is None and segment.stop - start > MOST_STEPS:
                self.singly += segment.stop - start
                return result
            if bounds is None:
                result += self.of_single_steps(segment.chain, start, end)
            else:
                stretches = (len(bounds) - 1) * (segment.stop - start) // (end - start)
                if stretches > MOST_STRETCHES:
                    raise ValueError(
                        f"about {stretches} stretches of rates would have to be added one by one; "
                        f"sum up to {MOST_STRETCHES} at a time"
                    )
                if self.only_counted:
                    self.singly += len(bounds)
                    if segment.stop - start > MOST_STEPS:
                        return result
                else:
                    rule = quadrature(_rates_from(segment.chain, start, 1), bounds[:-1], np.diff(bounds))
                    result += rule.sum()
                if len(bounds) < FEW_STRETCHES:
                    count *= 4
            start = end
        return result


def _rates_of_steps(chain: Pipeline, first: int, count: int) -> Wide:
    if first + count <= STEP_LIMIT:
        return _as_wide(chain.on_arrays(as_pair(first + np.arange(count))))
    return _rates_from(chain, first, 1)(np.arange(count), np.zeros(count, np.longdouble))


def _as_fraction(pair: tuple[float, float]) -> Fraction:
    return Fraction(pair[0]) + Fraction(pair[1])


def _refuse_many_cycles(count: int) -> None:
    if count > MOST_CYCLES:
        raise ValueError(
            f"{count} cycles differ and would have to be added one by one; sum up to {MOST_CYCLES} at a time"
        )


def _settled(segment: StaircaseSegment, chain: Pipeline, start: int, stop: int) -> int:
    """From which step, or run, on those up to a last one don't count in the sum, where rates fall."""
    rates = segment.rates
    while isinstance(rates, StaircaseSegment):
        rates = rates.rates
    if not isinstance(rates, SmoothSegment) or chain.at(stop - 1) > chain.at(start):
        return stop
    # Runs differ in their length by a step.
    least = NEGLIGIBLE / 2 * chain.at(start)[0]
    return first_step_where(lambda place: (stop - place) * chain.at(place)[0] <= least, start, stop)


def _sum_of_smooth_runs(chain: Pipeline, line: Line, runs: range) -> Fraction:
    """The sum over the steps of runs, which begin where a line is at whole numbers, rounded up."""
    # Right below the next multiple of what all values of the line are multiples of: its floor is the line's ceiling.
    divisor = math.lcm(line.offset.denominator, line.slope.denominator)
    ends = Line(line.offset + 1 - Fraction(1, divisor) + runs.start * line.slope, line.slope)
    period = line.slope

    def length(run: int) -> int:
        return math.floor(ends.offset + (run + 1) * period) - math.floor(ends.offset + run * period)

    result = Fraction(0)
    rates = _rates_from(chain, runs.start, 1)
    for found in blocks_of_polynomials(rates, *_first_blocks(runs.stop - runs.start)):
        if isinstance(found, Rule):
            lengths = np.array([length(run) for run in found.whole.tolist()], np.longdouble)
            result += _exactly(np.sum(found.samples * lengths))
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
    sums = _sums_of_polynomials(points.seen_from_the_middle()[0], count)
    means = _discrete_means(np.array([count]))[0]
    return sum(
        (
            _exactly(coefficient) * (total - ends.slope * count * _exactly(mean))
            for coefficient, total, mean in zip(coefficients, sums, means, strict=False)
        ),
        Fraction(0),
    )


def _sums_of_polynomials(powers: Sequence[int | Fraction], count: int) -> list[Fraction]:
    """The sums of Chebyshev's polynomials of ``w / count``, from those of powers of ``w``."""
    fixed = [round(Fraction(power * 2**BITS) / count**j) for j, power in enumerate(powers)]
    sums = (sum(map(int.__mul__, row, fixed)) for row in _chebyshev_coefficients()[: len(powers)])
    return [Fraction(total, 2**BITS) for total in sums]


@lru_cache(maxsize=1)
def _chebyshev_coefficients() -> list[list[int]]:
    """By degree: the coefficients of Chebyshev's polynomials."""
    rows = [[1], [0, 1]]
    for _ in range(2, NODES):
        doubled = [0, *(2 * c for c in rows[-1])]
        rows.append([a - b for a, b in zip(doubled, [*rows[-2], 0, 0], strict=True)])
    return rows


def _is_line(segment: CyclicSegment) -> bool:
    """Whether the rate of a cycle is a straight line."""
    match segment.piece.time_maps[-1].name, segment.piece.curve:
        case "cyclic", (str(formula), parameters):
            named = dict(zip(FORMULAS[formula].parameters, parameters, strict=True))
            return formula == "polynomial_decay" and named["power"] == 1.0
    return False


def _sum_of_cycles_of_lines(segment: CyclicSegment, numbers: range) -> Fraction:
    """The sum over whole cycles in each of which the rate is a line.

    In cycle ``n`` it is the end rate and a share of the whole change: the distance from the cycle's end, divided by
    where that is, from the origin.
    """
    rate = segment.rates_by_distance()
    end_rate = _as_fraction(rate(Fraction(0)))
    change = _as_fraction(rate(Fraction(1))) - end_rate
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
    for found in blocks_of_polynomials(inverse, *_growing_blocks(first_number, numbers.stop - numbers.start)):
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
            sums = _sums_of_polynomials(powers, count)
            result += sum((_exactly(c) * total for c, total in zip(row, sums, strict=False)), Fraction(0))
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


def _sum_of_similar_cycles(segment: CyclicSegment, numbers: range) -> Fraction:
    """The sum over cycles whose steps are at the same places.

    At a fixed place in the cycle the rate is a smooth function of the cycle's number: one rule for the sum over the
    steps of a cycle serves all of them.
    """
    first_step = segment.stop_of(numbers.start - 1)
    count = segment.stop_of(numbers.start) - first_step
    if count == 0:
        return Fraction(0)
    period = _widened(segment.period)
    to_the_end = _widened(segment.origin + numbers.start * segment.period - first_step)
    curve = segment.curve

    def rates_at(left: Wide, number: Wide) -> Wide:
        """So many steps before the end of a cycle, where the variable is ``1 - left / (number * period)``."""
        rest = left / period / number
        high = (1 - rest).astype(np.float64)
        low = ((1 - high.astype(np.longdouble)) - rest).astype(np.float64)
        return _as_wide(curve.on_arrays((high, low)))

    def in_the_first(whole: Indices, fraction: Wide) -> Wide:
        return rates_at((to_the_end - whole) - fraction, np.full(len(whole), numbers.start, np.longdouble))

    rule = quadrature(in_the_first, *_first_blocks(count))
    left = (to_the_end - rule.whole) - rule.fraction

    def sums(whole: Indices, fraction: Wide) -> Wide:
        cycles = numbers.start + numbers.step * (whole + fraction)
        rates = rates_at(np.tile(left, len(cycles)), np.repeat(cycles, len(left)))
        total: Wide = rates.reshape(len(cycles), len(left)) @ rule.weights
        return total

    # Not len, which ends at 2**63 - 1.
    return quadrature(sums, *_first_blocks(-((numbers.start - numbers.stop) // numbers.step))).sum()


def _geometric_sum(gain: Fraction, distance: int, count: int) -> Fraction:
    """The sum of ``gain ** (distance * k)`` for ``k`` from 0 to below a count."""
    ratio = gain**distance
    return Fraction(count) if ratio == 1 else (1 - rounded_power(ratio, count)) / (1 - ratio)
