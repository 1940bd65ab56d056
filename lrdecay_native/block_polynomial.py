"""A smooth schedule on a block of consecutive steps, as polynomials.

The hot loop of bulk evaluation knows no formula.  It fills a block of up to 16,384 steps from eleven exact values
of the schedule in that block:

- :func:`interpolate` passes the polynomial of degree ten through them, in ``u`` from -1 to 1 over the block;
- :func:`shift` expands that polynomial around the middle of each sub-block of 128 steps (float32: 256);
- :func:`polynomial` evaluates the expansion up to the lowest degree that :data:`TAIL_BOUND` allows.

The error, relative to the value: the leading bits of the constant and of the linear coefficient are whole
multiples of quanta so large that ``constant + linear * u`` is exact.  So beside the last rounding there are only
those of the rest of a block, less than ``1.5 * 2**-53 * REST_BOUND``, and the terms left out: from degree eleven on
in a block, of which those of degree nine and ten, at most :data:`INTERPOLATION_BOUND`, are many times as large, and
at most :data:`TAIL_BOUND` in a sub-block.  :func:`bounds` computes them; a block that breaks one is made shorter.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb

from lrdecay_native.double_double import (
    DoubleDouble,
    constant,
    exact_ordered_sum,
    exact_sum,
)
from lrdecay_native.tracing import (
    Number,
    binary_exponent,
    fused_multiply_add,
    multiply_add,
    power_of_two,
)

LONGEST_BLOCK = 16384
SHORTEST_BLOCK = 256
SUB_BLOCK = {"float64": 128, "float32": 256}

NODES = (18, 34, 48, 58, 63)
"""Where the schedule is sampled: at 0 and at plus and minus these 64ths, close to Chebyshev's nodes."""

HIGHEST_DEGREE = 2 * len(NODES)
DEGREES = {"float64": (2, 3, 4, 5, 6, 8), "float32": (1, 2, 3, 5)}
"""The degrees that there is a loop for."""

BITS = {"float64": 53, "float32": 24}
TAIL_BOUND = {"float64": 2.0**-61, "float32": 2.0**-32}
REST_BOUND = 2.0**-8
INTERPOLATION_BOUND = 2.0**-57

COEFFICIENTS = ("high", "low", "linear_high", "linear_low")
"""The constant and the linear coefficient, split in two; those of higher degrees follow."""


def interpolate(values: list[DoubleDouble]) -> list[Number]:
    """The coefficients of a block from its values at 0, -18, 18, -34, ... 64ths of half its length."""
    centre, *others = values
    # Neighbouring values are within a factor of two of each other, so that these differences are exact.
    changes = [exact_ordered_sum(v.high - centre.high, v.low - centre.low) for v in others]
    odd = [
        _rough_sum(right, -left) * constant(Fraction(32, node))
        for node, left, right in zip(NODES, changes[::2], changes[1::2], strict=True)
    ]
    even = [
        _rough_sum(right, left) * constant(Fraction(2048, node**2))
        for node, left, right in zip(NODES, changes[::2], changes[1::2], strict=True)
    ]
    linear, *odd_series = _monomial(odd)
    quadratic, *even_series = _monomial(even)
    others_high = [c.high for pair in zip(odd_series, even_series, strict=True) for c in pair]
    return [*_split(centre, linear, "float64"), quadratic.high, *others_high]


def shift(u: Number, coefficients: list[Number], dtype: str, degree: int) -> list[Number]:
    """The coefficients of the same polynomial around ``u``."""
    high, low, linear_high, linear_low, *others = coefficients
    # High + linear_high * u is exact, see _split.
    value = exact_sum(fused_multiply_add(linear_high, u, high), _horner(u, [low, linear_low, *others]))
    ascending = [value.high, linear_high + linear_low, *others]
    derivatives = [
        _horner(u, [float(comb(m, k)) * ascending[m] for m in range(k, len(ascending))])
        for k in range(1, degree + 1)
    ]
    linear = DoubleDouble(derivatives[0])
    return [*_split(value, linear, dtype), *derivatives[1:]]


def polynomial(u: Number, coefficients: list[Number]) -> Number:
    """The value at ``u``."""
    high, low, linear_high, linear_low, *others = coefficients
    return multiply_add(linear_high, u, high) + _horner(u, [low, linear_low, *others])


def _split(value: DoubleDouble, linear: DoubleDouble, dtype: str) -> list[Number]:
    """Value and linear coefficient in two parts each.

    The first parts have so few bits that the first of the value plus the first of the linear coefficient times
    a multiple of ``2 / LONGEST_BLOCK`` below 1 needs no rounding in that dtype.
    """
    quantum = power_of_two(binary_exponent(value.high) + (2.0 - BITS[dtype]))
    high = _to_multiple(value.high, quantum)
    linear_high = _to_multiple(linear.high, quantum * (LONGEST_BLOCK / 2))
    return [
        high,
        (value.high - high) + value.low,
        linear_high,
        (linear.high - linear_high) + linear.low,
    ]


def _to_multiple(a: Number, quantum: Number) -> Number:
    ruler = quantum * (1.5 * 2.0**52)
    return (a + ruler) - ruler


def _horner(u: Number, ascending: list[Number]) -> Number:
    total = ascending[-1]
    for coefficient in ascending[-2::-1]:
        total = multiply_add(total, u, coefficient)
    return total


def _rough_sum(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    """``a + b`` with an error of about ``2**-105`` of the larger operand."""
    total = exact_sum(a.high, b.high)
    return exact_ordered_sum(total.high, total.low + (a.low + b.low))


def _monomial(values: list[DoubleDouble]) -> list[DoubleDouble]:
    """The coefficients of the polynomial with these values at the squares of the nodes."""
    squares = [Fraction(node**2, 4096) for node in NODES]
    differences = list(values)
    for order in range(1, len(NODES)):
        for k in range(len(NODES) - 1, order - 1, -1):
            change = _rough_sum(differences[k], -differences[k - 1])
            differences[k] = change * constant(1 / (squares[k] - squares[k - order]))
    # The first difference is the largest by far: what is added to it needs no second double.
    coefficients: list[Number] = [differences[-1].high]
    for k in range(len(NODES) - 2, -1, -1):
        added = differences[k].high if k else 0.0
        scaled = [c * -float(squares[k]) for c in coefficients]
        coefficients = [a + b for a, b in zip([added, *coefficients], [*scaled, 0.0], strict=True)]
    first, *others = coefficients
    return [_rough_sum(differences[0], DoubleDouble(first)), *map(DoubleDouble, others)]


def coefficient_names(degree: int) -> list[str]:
    """The coefficients that a polynomial of this degree has, in order."""
    return [*COEFFICIENTS, *(f"coefficient{k}" for k in range(2, degree + 1))]


def bounds(length: int, dtype: str) -> tuple[list[list[float]], list[float], list[int]]:
    """The bounds that a block must keep, as linear functions of its coefficients' sizes.

    Returns
    -------
    weights : list of list of float
        A row for each bound and a column for each degree from two on: the row times the absolute values of the
        coefficients is what the bound limits.
    limits : list of float
        The limits, relative to the value: on the rest, on the interpolation, and on the tail of a sub-block for
        each of DEGREES.
    orders : list of int
        By how many powers of two halving the block makes the first, the second and the last of them smaller
        (the last by nothing, in fact: sub-blocks have a fixed length).
    """
    degrees = range(2, HIGHEST_DEGREE + 1)
    width = SUB_BLOCK[dtype] / length
    rest = [1.0 for _ in degrees]
    interpolation = [float(m >= HIGHEST_DEGREE - 1) for m in degrees]
    tails = [
        [sum(comb(m, k) * width**k for k in range(degree + 1, m + 1)) for m in degrees]
        for degree in DEGREES[dtype]
    ]
    limits = [REST_BOUND, INTERPOLATION_BOUND, *(TAIL_BOUND[dtype] for _ in tails)]
    return [rest, interpolation, *tails], limits, [2, HIGHEST_DEGREE - 1, DEGREES[dtype][-1] + 1]
