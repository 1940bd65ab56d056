"""A smooth schedule on a block of consecutive steps, as a polynomial.

The hot loop of bulk evaluation knows no formula: it fills a block from nine exact values of the schedule in
that block.  With ``u`` from -1 to 1 over the block, :func:`interpolate` passes the polynomial of degree eight
through them and :func:`polynomial` evaluates its terms up to degree six (float64) or three (float32).

Which error that makes: ``value(0)`` is kept as ``high + low``; the product of ``u`` (at most 12 bits) and the
leading bits of the linear coefficient is exact and added without error; so the only rounding beside the last
one is that of the rest, whose size :data:`REST_BOUND` bounds relative to the value, and the terms left out,
which :data:`TAIL_BOUND` bounds in the same way.  A block that breaks a bound is made shorter.
"""

from __future__ import annotations

from fractions import Fraction

from lrdecay_native.double_double import DoubleDouble, constant, exact_ordered_sum
from lrdecay_native.tracing import Number, multiply_add

LONGEST_BLOCK = 2048
SHORTEST_BLOCK = 128

NODES = (22, 41, 55, 63)
"""Where the schedule is sampled: at 0 and at plus and minus these 64ths, close to Chebyshev's nodes."""

DEGREE = {"float64": 6, "float32": 3}
BITS = {"float64": 53, "float32": 24}
TAIL_BOUND = {"float64": 2.0**-61, "float32": 2.0**-32}
LINEAR_BOUND = 2.0**-4
REST_BOUND = 2.0**-8


def interpolate(values: list[DoubleDouble]) -> list[Number]:
    """Coefficients 0 to 8 (the first two as high and low) from the values at 0, -22, 22, -41, ... 64ths."""
    centre = values[0]
    pairs = list(zip(values[1::2], values[2::2], strict=True))
    odd = [
        (right - left) * constant(Fraction(32, node))
        for node, (left, right) in zip(NODES, pairs, strict=True)
    ]
    even = [
        ((right + left) * 0.5 - centre) * constant(Fraction(4096, node**2))
        for node, (left, right) in zip(NODES, pairs, strict=True)
    ]
    squares = [Fraction(node**2, 4096) for node in NODES]
    odd_coefficients = _newton_to_monomial(squares, odd)
    even_coefficients = _newton_to_monomial(squares, even)
    linear = odd_coefficients[0]
    others = [
        coefficient.high
        for pair in zip(even_coefficients, odd_coefficients[1:] + [None], strict=True)
        for coefficient in pair
        if coefficient is not None
    ]
    return [centre.high, centre.low, linear.high, linear.low, *others]


def _newton_to_monomial(at: list[Fraction], values: list[DoubleDouble]) -> list[DoubleDouble]:
    """The coefficients of the polynomial with these values at these points."""
    differences = list(values)
    for order in range(1, len(at)):
        for k in range(len(at) - 1, order - 1, -1):
            gap = constant(1 / (at[k] - at[k - order]))
            differences[k] = (differences[k] - differences[k - 1]) * gap
    coefficients = [differences[-1]]
    for k in range(len(at) - 2, -1, -1):
        shifted = [DoubleDouble(0.0), *coefficients]
        scaled = [c * -constant(at[k]) for c in coefficients] + [DoubleDouble(0.0)]
        coefficients = [a + b for a, b in zip(shifted, scaled, strict=True)]
        coefficients[0] = coefficients[0] + differences[k]
    return coefficients


def coefficient_names(dtype: str) -> list[str]:
    """The rows of a coefficient matrix, in order."""
    others = [f"coefficient{k}" for k in range(2, DEGREE[dtype] + 1)]
    return ["value_high", "value_low", "linear_high", "linear_low", *others]


def polynomial(u: Number, coefficients: list[Number]) -> Number:
    """The value at ``u`` from (value high, low, linear high, low, and the others in order)."""
    high, low, linear_high, linear_low, *others = coefficients
    rest = others[-1]
    for coefficient in (*others[-2::-1], linear_low, low):
        rest = multiply_add(rest, u, coefficient)
    leading = exact_ordered_sum(high, linear_high * u)
    return leading.high + (leading.low + rest)
