"""A smooth schedule on a block of consecutive steps, as a polynomial.

The hot loop of bulk evaluation knows no formula: it fills a block from eleven exact values of the schedule in
that block.  With ``u`` from -1 to 1 over the block, :func:`interpolate` passes the polynomial of degree ten
through them, and :func:`polynomial` evaluates its terms up to the lowest degree that :data:`TAIL_BOUND` allows.

The error of that, relative to the value: the leading bits of the constant and of the linear coefficient are
whole multiples of quanta so large that ``constant + linear * u`` is exact.  So beside the last rounding there is
only that of the rest, less than ``1.5 * 2**-53 * REST_BOUND`` (float32: ``2**-24``), and the terms left out, at
most ``TAIL_BOUND``.  A block that breaks a bound is made shorter.
"""

from __future__ import annotations

from fractions import Fraction

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

LONGEST_BLOCK = 2048
SHORTEST_BLOCK = 128

NODES = (18, 34, 48, 58, 63)
"""Where the schedule is sampled: at 0 and at plus and minus these 64ths, close to Chebyshev's nodes."""

HIGHEST_DEGREE = 2 * len(NODES)
DEGREES = {"float64": (2, 4, 5, 6, 7, 8), "float32": (1, 2, 3, 4)}
"""The degrees that there is a loop for."""

BITS = {"float64": 53, "float32": 24}
TAIL_BOUND = {"float64": 2.0**-61, "float32": 2.0**-32}
REST_BOUND = 2.0**-8

SPLIT = 4
"""The constant and the linear coefficient take two rows each of a coefficient matrix."""


def interpolate(values: list[DoubleDouble], dtype: str) -> list[Number]:
    """The coefficients from the values at 0, -18, 18, -34, ... 64ths of half a block.

    The first four are the constant and the linear one, both split into leading bits and the rest.
    """
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
    quantum = power_of_two(binary_exponent(centre.high) + (2.0 - BITS[dtype]))
    high = _to_multiple(centre.high, quantum)
    linear_high = _to_multiple(linear.high, quantum * (LONGEST_BLOCK / 2.0))
    return [
        high,
        (centre.high - high) + centre.low,
        linear_high,
        (linear.high - linear_high) + linear.low,
        quadratic.high,
        *(c.high for pair in zip(odd_series, even_series, strict=True) for c in pair),
    ]


def _rough_sum(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    """``a + b`` with an error of about ``2**-105`` of the larger operand."""
    total = exact_sum(a.high, b.high)
    return exact_ordered_sum(total.high, total.low + (a.low + b.low))


def _to_multiple(a: Number, quantum: Number) -> Number:
    shift = quantum * (1.5 * 2.0**52)
    return (a + shift) - shift


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
    """The rows of a coefficient matrix that a degree needs, in order."""
    others = [f"coefficient{k}" for k in range(2, degree + 1)]
    return ["high", "low", "linear_high", "linear_low", *others]


def polynomial(u: Number, coefficients: list[Number]) -> Number:
    """The value at ``u`` from the coefficients as :func:`interpolate` gives them."""
    high, low, linear_high, linear_low, *others = coefficients
    ascending = [low, linear_low, *others]
    rest = ascending[-1]
    for coefficient in ascending[-2::-1]:
        rest = multiply_add(rest, u, coefficient)
    return multiply_add(linear_high, u, high) + rest
