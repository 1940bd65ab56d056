"""Quadrature for sums: rules that make a sum of many terms one of a few samples.

In each block of indices a function is sampled at Chebyshev's nodes; the polynomial through the samples is summed
over the block exactly, by power sums.  Blocks whose highest coefficients are not negligible are halved, all that need
it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from lrdecay_native.evaluation.sums.polynomials import chebyshev_matrix, discrete_means, exactly, nodes
from lrdecay_native.evaluation.sums.tuning import DENORMAL, FEW_STEPS, NEGLIGIBLE, NODES, TOLERANCE
from lrdecay_native.immutable import immutable

Wide = npt.NDArray[np.longdouble]
Indices = npt.NDArray[np.int64]
Rates = Callable[[Indices, Wide], Wide]
"""``rates(whole, fraction)``: the rates at the indices ``whole + fraction``."""


@immutable
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
        return exactly(np.sum(self.weights * self.samples))


@immutable
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
        coefficients = samples[:, :NODES] @ chebyshev_matrix()
        errors = _estimated_errors(coefficients, edges, lengths)
        least = done + np.sum(lengths * edges.min(axis=1))
        kept = errors <= TOLERANCE * np.abs(samples).max(axis=1)
        kept |= lengths * errors <= NEGLIGIBLE * least
        kept |= lengths * samples.max(axis=1) <= NEGLIGIBLE * least
        kept |= errors <= DENORMAL
        if kept.any():
            weights = lengths[kept, None] * (discrete_means(lengths[kept]) @ chebyshev_matrix().T)
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


def first_blocks(count: int) -> tuple[Indices, Indices]:
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


def growing_blocks(first: int, count: int) -> tuple[Indices, Indices]:
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
    offsets = half * (1 + nodes()) - np.longdouble(0.5)
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
