"""Sums of a schedule over any number of steps, by quadrature for sums.

A smooth part is cut into blocks.  In each block its rates are sampled at Chebyshev's nodes; the polynomial through
the samples is summed over the block's steps exactly, by power sums.  Blocks whose highest coefficients are not
negligible are halved, all that need it at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lrdecay_native.evaluation import Pair, as_pair
from lrdecay_native.parts import (
    Broken,
    Chain,
    Constant,
    Cycles,
    Part,
    Repeats,
    Smooth,
    Stairs,
    first_step_where,
    rounded_power,
)
from lrdecay_native.stretches import rounded_up, stretch_bounds

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
"""Staircases and cycles whose period is a fraction with a larger denominator are added one by one."""

RUNS = 2**16
"""Runs per round where they are added one by one."""

SHORTEST_CYCLE = 2**13
"""Steps of shorter cycles are added one by one, where cycles differ."""

STEPS = 2**16
"""Steps per round where they are added one by one."""

SHORTEST_REPEAT = 2**12
"""Steps of shorter cycles are added one by one, where they are not too many."""

MOST_SINGLE_STEPS = 2**24

MOST_STEPS = 2**31
"""Steps that are added one by one at most; they take a minute."""

MOST_CYCLES = 2**18
"""Cycles that are added one by one at most, likewise."""

STEPS_OF_STRETCHES = 2**22
"""Steps per round where stretches are found first."""

Wide = npt.NDArray[np.longdouble]
Indices = npt.NDArray[np.int64]
Rates = Callable[[Indices, Wide], Wide]
"""``rates(whole, fraction)``: the rates at the indices ``whole + fraction``."""


def total(parts: Sequence[Part], steps: range) -> float:
    """The sum of the rates of these steps."""
    return float(_sum(parts, steps))


def mean(parts: Sequence[Part], steps: range) -> float:
    """The mean of the rates of these steps, of which there is one at least."""
    return float(_sum(parts, steps) / (steps.stop - steps.start))


def _sum(parts: Iterable[Part], steps: range) -> Fraction:
    result = Fraction(0)
    for part in parts:
        start, stop = max(part.start, steps.start), min(part.stop, steps.stop)
        if start < stop:
            result += _sum_of_part(replace(part, start=start, stop=stop))
    return result


def _sum_of_part(part: Part) -> Fraction:
    match part:
        case Constant():
            return Fraction(part.rate) * (part.stop - part.start)
        case Smooth():
            return _smooth_sum(part.chain, part.start, part.stop)
        case Stairs():
            return _sum_of_stairs(part)
        case Cycles():
            return _sum_of_cycles(part)
        case Repeats():
            return _sum_of_repeats(part)
        case Broken():
            return _sum_of_broken(part, part.start, part.stop)


def _smooth_sum(chain: Chain, start: int, stop: int, step: int = 1) -> Fraction:
    count = -((start - stop) // step)
    return quadrature(_rates_from(chain, start, step), *_first_blocks(count)).sum()


def _rates_from(chain: Chain, start: int, step: int) -> Rates:
    """The rates of a chain as a function of the index in a range of steps."""

    def rates(whole: Indices, fraction: Wide) -> Wide:
        high, low = as_pair(start + whole * step)
        # The fraction is less than a step: high stays the double nearest to the sum, or next to it.
        return _as_wide(chain.on_arrays(_normalised(high, low + (fraction * step).astype(np.float64))))

    return rates


def _normalised(high: npt.NDArray[np.float64], low: npt.NDArray[np.float64]) -> Pair:
    total = high + low
    from_low = total - high
    return total, (high - (total - from_low)) + (low - from_low)


def _as_wide(pair: Pair) -> Wide:
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


def quadrature(rates: Rates, firsts: Indices, lengths: Indices) -> Rule:
    """The rule for the sum of a function over blocks of indices on which it is smooth."""
    rules: list[Rule] = []
    done = np.longdouble(0)
    while len(firsts):
        short = lengths <= FEW_STEPS
        if short.any():
            rules.append(_one_by_one(rates, firsts[short], lengths[short]))
            done += np.sum(rules[-1].samples)
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
            rules.append(
                Rule(
                    whole[kept, inner].ravel(),
                    fraction[kept, inner].ravel(),
                    weights.ravel(),
                    samples[kept, inner].ravel(),
                )
            )
            done += np.sum(rules[-1].weights * rules[-1].samples)
        firsts, lengths = _halved(firsts[~kept], lengths[~kept])
    return Rule(
        *(
            np.concatenate([getattr(rule, name) for rule in rules])
            for name in ("whole", "fraction", "weights", "samples")
        )
    )


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
    chebyshev = [[1], [0, 1]]
    for _ in range(2, NODES):
        doubled = [0, *(2 * c for c in chebyshev[-1])]
        chebyshev.append([a - b for a, b in zip(doubled, [*chebyshev[-2], 0, 0], strict=True)])
    for degree in range(0, NODES, 2):
        for d in range(0, degree + 1, 2):
            for j in range(0, d + 1, 2):
                share = Fraction(math.comb(d + 1, j), d + 1) * (Fraction(2, 2**j) - 1) * bernoulli[j]
                series[j // 2][degree // 2] += chebyshev[degree][d] * share
    return np.array([[_widened(entry) for entry in row] for row in series]).astype(np.longdouble)


def _widened(number: Fraction) -> np.longdouble:
    high = float(number)
    return np.longdouble(high) + np.longdouble(float(number - Fraction(high)))


def _sum_of_single_steps(chain: Chain, start: int, stop: int, *, falling: bool = False) -> Fraction:
    """The sum over steps, one by one; of falling rates until those that are left don't count."""
    result = Fraction(0)
    while start < stop:
        count = min(STEPS, stop - start)
        rates = _as_wide(chain.on_arrays(as_pair(start + np.arange(count))))
        result += _exactly(np.sum(rates))
        start += count
        if falling and (stop - start) * float(rates[-1]) <= NEGLIGIBLE * float(result):
            break
    return result


def _falls(part: Stairs) -> bool:
    rates = part.rates
    while isinstance(rates, Stairs):
        rates = rates.rates
    return isinstance(rates, Smooth) and part.chain.at(part.stop - 1) <= part.chain.at(part.start)


def _sum_of_stairs(part: Stairs) -> Fraction:
    if part.period < 1:
        return _sum_of_single_steps(part.chain, part.start, part.stop, falling=_falls(part))
    first, last = part.run(part.start), part.run(part.stop - 1)
    if first == last:
        return _sum([part.rates], range(first, first + 1)) * (part.stop - part.start)
    result = _sum([part.rates], range(first, first + 1)) * (part.first_step(first + 1) - part.start)
    result += _sum([part.rates], range(last, last + 1)) * (part.stop - part.first_step(last))
    return result + _sum_of_runs(part, range(first + 1, last))


def _sum_of_runs(part: Stairs, runs: range) -> Fraction:
    """The sum over the steps of whole runs."""
    denominator = part.period.denominator
    if denominator == 1:
        return part.period * _sum([part.rates], runs)
    if isinstance(part.rates, Smooth) and denominator <= LARGEST_DENOMINATOR:
        # Runs that are a multiple of the denominator apart are equally long.
        return sum(
            (
                (part.first_step(run + 1) - part.first_step(run))
                * _smooth_sum(part.rates.chain, run, runs.stop, denominator)
                for run in runs[:denominator]
            ),
            Fraction(0),
        )
    falling = _falls(part)
    result = Fraction(0)
    for first in range(runs.start, runs.stop, RUNS):
        count = min(RUNS, runs.stop - first)
        ends = rounded_up(part.origin + first * part.period, part.period, count + 1)
        rates = _as_wide(part.rates.chain.on_arrays(as_pair(first + np.arange(count))))
        result += _exactly(np.sum(rates * np.diff(ends)))
        rest = part.stop - part.first_step(first + count)
        if falling and rest * float(rates[-1]) <= NEGLIGIBLE * float(result):
            break
    return result


def _sum_of_cycles(part: Cycles) -> Fraction:
    first, last = part.cycle(part.start), part.cycle(part.stop - 1)
    distance = part.period.denominator
    if last - first <= 2 * distance or distance > LARGEST_DENOMINATOR:
        return _sum_of_single_cycles(part, part.start, part.stop)
    if part.bounded:
        return _sum_of_bounded_cycles(part, range(first + 1, last))
    begin, end = part.stop_of(first), part.stop_of(last - 1)
    result = _sum_of_single_cycles(part, part.start, begin) + _sum_of_single_cycles(part, end, part.stop)
    # Cycles that are a multiple of the denominator apart have their steps at the same places.
    for number in range(first + 1, first + 1 + distance):
        result += _sum_of_similar_cycles(part, range(number, last, distance))
    return result


def _sum_of_bounded_cycles(part: Cycles, whole: range) -> Fraction:
    """The sum over cycles with bounds.

    From cycle to cycle the rates get nearer to the end rate: once a whole cycle lies within the bounds, or beyond one
    of them, so do those after it.
    """

    def parts_of_cycle(number: int) -> list[Constant | Smooth]:
        return list(part.parts(part.stop_of(number - 1), part.stop_of(number)))

    if part.period < 1:
        return _sum_of_single_cycles(part, part.start, part.stop)
    settled = first_step_where(lambda number: len(parts_of_cycle(number)) == 1, whole.start, whole.stop)
    begin, end = part.stop_of(settled - 1), part.stop_of(whole.stop - 1)
    result = _sum_of_single_cycles(part, part.start, begin) + _sum_of_single_cycles(part, end, part.stop)
    if begin < end:
        match parts_of_cycle(settled):
            case [Constant(rate=rate)]:
                result += Fraction(rate) * (end - begin)
            case _:
                result += _sum_of_cycles(part.unbounded(begin, end))
    return result


def _sum_of_single_cycles(part: Cycles, start: int, stop: int) -> Fraction:
    """The sum over steps, one cycle after another."""
    if part.period < SHORTEST_CYCLE:
        return _sum_of_single_steps(part.chain, start, stop)
    result = Fraction(0)
    while start < stop:
        end = min(part.stop_of(part.cycle(start)), stop)
        if part.bounded:
            result += _sum(part.parts(start, end), range(start, end))
        else:
            result += _smooth_sum(part.chain, start, end)
        start = end
    return result


def _sum_of_similar_cycles(part: Cycles, numbers: range) -> Fraction:
    """The sum over cycles whose steps are at the same places.

    At a fixed place in the cycle the rate is a smooth function of the cycle's number: one rule for the sum over the
    steps of a cycle serves all of them.
    """
    first_step = part.stop_of(numbers.start - 1)
    count = part.stop_of(numbers.start) - first_step
    if count == 0:
        return Fraction(0)
    period = _widened(part.period)
    to_the_end = _widened(part.origin + numbers.start * part.period - first_step)
    index = [time_map.name for time_map in part.piece.time_maps].index("cyclic")
    curve = Chain(part.chain.stages[index + 1 :])

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


def _sum_of_repeats(part: Repeats) -> Fraction:
    first, last = part.cycle(part.start), part.cycle(part.stop - 1)
    distance, gain = part.period.denominator, part.curve.gain
    whole = range(first + 1, last)
    if (
        # Not len, which ends at 2**63 - 1.
        whole.stop - whole.start <= 2 * distance
        or distance > LARGEST_DENOMINATOR
        or (gain != 1.0 and part.piece.bounding_kernels)
    ):
        return _sum_of_single_cycles_of(part, first, last)
    result = _sum(part.parts(first), range(part.start, part.stop))
    result += _sum(part.parts(last), range(part.start, part.stop))
    # Cycles that are a multiple of the denominator apart have their steps at the same places.
    for number in whole[:distance]:
        begin, end = part.first_step(number), part.first_step(number + 1)
        if begin < end:
            rest = _end_rate(part) * (end - begin) if gain != 1.0 else Fraction(0)
            cycles = -((number - last) // distance)
            excess = _sum(part.parts(number), range(begin, end)) - rest
            result += excess * _geometric_sum(Fraction(gain), distance, cycles) + rest * cycles
    return result


def _end_rate(part: Repeats) -> Fraction:
    """The rate that later cycles get nearer to."""
    return part.curve.offset * part.piece.factor + part.piece.offset


def _geometric_sum(gain: Fraction, distance: int, count: int) -> Fraction:
    """The sum of ``gain ** (distance * k)`` for ``k`` from 0 to below a count."""
    ratio = gain**distance
    return Fraction(count) if ratio == 1 else (1 - rounded_power(ratio, count)) / (1 - ratio)


def _sum_of_single_cycles_of(part: Repeats, first: int, last: int) -> Fraction:
    """The sum over cycles, one after another, until they no longer differ from their end."""
    if part.period < SHORTEST_REPEAT and part.stop - part.start < MOST_SINGLE_STEPS:
        return _sum_of_single_steps(part.chain, part.start, part.stop)
    settled = last + 1
    if part.curve.gain < 1.0:
        settled = min(settled, first + math.ceil(2 * math.log(NEGLIGIBLE) / math.log(part.curve.gain)))
    if settled - first > MOST_CYCLES:
        raise ValueError(
            f"{settled - first} cycles differ and would have to be added one by one; "
            f"sum up to {MOST_CYCLES} at a time"
        )
    steps = range(part.start, part.stop)
    result = sum((_sum(part.parts(number), steps) for number in range(first, settled)), Fraction(0))
    rate = Fraction(min(max(_end_rate(part), part.piece.lowest), part.piece.highest))
    return result + rate * max(part.stop - max(part.first_step(settled), part.start), 0)


def _sum_of_broken(part: Broken, start: int, stop: int) -> Fraction:
    """The sum over stretches, found for some steps at a time."""
    result = Fraction(0)
    while start < stop:
        end = min(start + STEPS_OF_STRETCHES, stop)
        bounds = None if part.piece.bounding_kernels else stretch_bounds(part.piece, range(start, end))
        if bounds is None and stop - start > MOST_STEPS:
            raise ValueError(
                f"{stop - start} rates would have to be added one by one; sum up to {MOST_STEPS} steps at a time"
            )
        if bounds is None:
            result += _sum_of_single_steps(part.chain, start, end)
        else:
            result += quadrature(_rates_from(part.chain, start, 1), bounds[:-1], np.diff(bounds)).sum()
        start = end
    return result
