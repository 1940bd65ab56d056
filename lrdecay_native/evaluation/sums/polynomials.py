"""Chebyshev's polynomials: through samples at their nodes, and summed over the steps of a block."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lrdecay_native.evaluation.sums.tuning import BITS, NODES

Wide = npt.NDArray[np.longdouble]
Indices = npt.NDArray[np.int64]


def _angles() -> Wide:
    pi = np.longdouble("3.14159265358979323846264338327950288")
    odd = (2 * np.arange(NODES) + 1).astype(np.longdouble)
    return (odd * pi / (2 * NODES)).astype(np.longdouble)


@lru_cache(maxsize=1)
def nodes() -> Wide:
    nodes: Wide = -np.cos(_angles())
    return nodes


@lru_cache(maxsize=1)
def chebyshev_matrix() -> Wide:
    """Samples at the nodes times it are the coefficients of Chebyshev's polynomials."""
    signs = (-1.0) ** np.arange(NODES)
    matrix: Wide = np.cos(_angles()[:, None] * np.arange(NODES)) * signs * 2 / NODES
    matrix[:, 0] /= 2
    return matrix


def discrete_means(lengths: Indices) -> Wide:
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
    chebyshev = chebyshev_coefficients()
    for degree in range(0, NODES, 2):
        for d in range(0, degree + 1, 2):
            for j in range(0, d + 1, 2):
                share = Fraction(math.comb(d + 1, j), d + 1) * (Fraction(2, 2**j) - 1) * bernoulli[j]
                series[j // 2][degree // 2] += chebyshev[degree][d] * share
    return np.array([[widened(entry) for entry in row] for row in series]).astype(np.longdouble)


def widened(number: Fraction) -> np.longdouble:
    high = float(number)
    return np.longdouble(high) + np.longdouble(float(number - Fraction(high)))


def exactly(number: np.longdouble) -> Fraction:
    return Fraction(*number.as_integer_ratio())


def sums_of_polynomials(powers: Sequence[int | Fraction], count: int) -> list[Fraction]:
    """The sums of Chebyshev's polynomials of ``w / count``, from those of powers of ``w``."""
    fixed = [round(Fraction(power * 2**BITS) / count**j) for j, power in enumerate(powers)]
    sums = (sum(map(int.__mul__, row, fixed)) for row in chebyshev_coefficients()[: len(powers)])
    return [Fraction(total, 2**BITS) for total in sums]


@lru_cache(maxsize=1)
def chebyshev_coefficients() -> list[list[int]]:
    """By degree: the coefficients of Chebyshev's polynomials."""
    rows = [[1], [0, 1]]
    for _ in range(2, NODES):
        doubled = [0, *(2 * c for c in rows[-1])]
        rows.append([a - b for a, b in zip(doubled, [*rows[-2], 0, 0], strict=True)])
    return rows
