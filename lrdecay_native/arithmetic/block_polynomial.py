"""A smooth schedule on a block of consecutive steps, as polynomials.

The hot loop of bulk evaluation knows no formula.  It fills a block of up to 32,768 steps from eleven exact values
of the schedule in that block:

- :func:`interpolate` passes the polynomial of degree ten through them, in ``u`` from -1 at the block's first step
  to 1 at the step behind its last;
- :func:`choose` bounds what each of the :data:`LOOPS` would leave out, and picks the first that may be taken;
- :func:`expand` expands the polynomial around the middle of each sub-block, up to the degree of that loop;
- :func:`mirrored` evaluates the expansion at two steps, equally far from the middle on either side, for little
  more than the price of one.

The error, relative to the value: a polynomial is an exact head and a rest. The head's coefficients, of the first
one to three terms, have so few bits that it needs no rounding; nor does its slope. So beside the last rounding
there are only those of the rest, less than ``2.5 * 2**-53`` of it, and the rest is at most
:data:`BLOCK_REST_BOUND` in the block, which is worked in float64, and :data:`REST_BOUND` in the sub-block; and
the terms left out: from degree eleven on in a block, in Chebyshev's polynomials, of which those of degree nine
and ten, at most :data:`INTERPOLATION_BOUND`, are many times as large, and at most :data:`TAIL_BOUND` in a
sub-block. A block that breaks a bound is made shorter. All bounds are relative to a lower bound of the block's
values.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import comb

from lrdecay_native.arithmetic.double_double import DoubleDouble, constant, exact_ordered_sum, exact_sum
from lrdecay_native.arithmetic.recording import (
    Number,
    absolute,
    binary_exponent,
    floor,
    fused_multiply_add,
    multiply_add,
    power_of_two,
    where_less,
)

LONGEST_BLOCK = 32768
SHORTEST_BLOCK = 128

BLOCKS_AT_ONCE = 256
"""So many that what is computed for them stays in the processor's cache."""

NODES = (20, 38, 52, 61, 64)
"""Where the schedule is sampled: at 0 and at plus and minus these 64ths, close to Chebyshev's points."""

HIGHEST_DEGREE = 2 * len(NODES)


@dataclass(frozen=True)
class Loop:
    """A loop over the steps of a sub-block.

    Attributes
    ----------
    size : int
        The steps of a sub-block.
    exact_terms : int
        The terms of the exact head: 1, the constant, or 2, the linear one too.
    degree : int
        The degree of the polynomial.
    """

    size: int
    exact_terms: int
    degree: int


LOOPS = {
    "float64": (Loop(256, 1, 4), Loop(256, 1, 5), Loop(256, 2, 6), Loop(64, 2, 8)),
    "float32": (Loop(512, 1, 2), Loop(512, 2, 4), Loop(64, 2, 5)),
}
"""The cheapest first."""

UNIT = {dtype: loops[0].size // 2 for dtype, loops in LOOPS.items()}
"""How many steps from the middle of a sub-block ``w`` is 1: half of the longest sub-block's."""


def offsets(dtype: str) -> list[float]:
    """The ``w`` of each step of the longest sub-block; shorter ones take a part from the middle."""
    unit = UNIT[dtype]
    return [(k + 0.5) / unit for k in range(-unit, unit)]


def squares(dtype: str) -> list[float]:
    """The squares of the offsets, exact in that dtype."""
    return [w * w for w in offsets(dtype)]


BITS = {"float64": 53, "float32": 24}
TAIL_BOUND = {"float64": 2.0**-61, "float32": 2.0**-32}
BLOCK_REST_BOUND = {"float64": 2.0**-10, "float32": 2.0**-2}
REST_BOUND = {"float64": 2.0**-10, "float32": 2.0**-9}
INTERPOLATION_BOUND = {"float64": 2.0**-57, "float32": 2.0**-34}

LEAST_VALUE = {"float64": 1e-280, "float32": 1e-28}
"""Below, a rest might be a denormal number."""

GREATEST_VALUE = {"float64": 1e300, "float32": 1e38}

TOO_SMALL = -64.0
"""The choice for a block that the dtype has too few bits for.

Its values are below the least value, or far below others, or beyond the greatest.
"""

COEFFICIENTS = ("high", "low", "linear_high", "linear_low", "quadratic_high", "quadratic_low")
"""The first three coefficients of a block, split in two; those of higher degrees follow."""


def coefficient_names() -> list[str]:
    """The coefficients of a block, in order."""
    return [*COEFFICIENTS, *(f"coefficient{k}" for k in range(3, HIGHEST_DEGREE + 1))]


def expansion_names(loop: Loop) -> list[str]:
    """The coefficients of a sub-block, in order: of the exact head, then of the rest."""
    return [*(f"head{k}" for k in range(loop.exact_terms)), *(f"rest{k}" for k in range(loop.degree + 1))]


COEFFICIENT_ROWS = len(coefficient_names()) + 1
"""What is kept of a block: the coefficients and the inverse length."""

EXPANSION_ROWS = max(len(expansion_names(loop)) for loops in LOOPS.values() for loop in loops)

LONGEST_SUB_BLOCK = max(loop.size for loops in LOOPS.values() for loop in loops)

MOST_SUB_BLOCKS = LONGEST_BLOCK // min(loop.size for loops in LOOPS.values() for loop in loops) + 8
"""Longer by a line than a power of two, so that rows don't compete for the same place in the cache."""

PLACES = (64, *(64 + sign * node for node in NODES for sign in (-1, 1)))
"""The nodes in 128ths of a block from its start: the middle, then outwards; the last one is the step behind it."""


def interpolate(values: list[DoubleDouble]) -> list[Number]:
    """The coefficients of a block from its values at 0, -20, 20, -38, ... 64ths of half its length."""
    centre, *others = values
    changes = [_rough_sum(value, -centre) for value in others]
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
    # The middles of sub-blocks are multiples of 1 / LONGEST_BLOCK.
    quantum = _quantum(centre, "float64")
    return [
        *_split(centre, quantum),
        *_split(linear, quantum * LONGEST_BLOCK),
        *_split(quadratic, quantum * LONGEST_BLOCK**2),
        *others_high,
    ]


def choose(inverse_length: Number, coefficients: list[Number], dtype: str) -> Number:
    """The index of the first of LOOPS that keeps the bounds.

    Where none does, or the block itself is too long, minus the number of times that halving it may help.
    """
    high, low, linear_high, linear_low, quadratic_high, quadratic_low, *others = coefficients
    terms = [linear_high + linear_low, quadratic_high + quadratic_low, *others]
    sizes = [absolute(term) for term in terms]
    spread = _sum(sizes)
    least = high - spread
    # What the coefficients of an exact head of two terms leave to the rest, in any sub-block.
    left = (high + spread) * (2.0 ** (2 - BITS[dtype]) * (UNIT[dtype] + 1.0))
    # Bounds of the coefficients around any point of the block.
    anywhere = [
        _sum([float(comb(m, k)) * size for m, size in enumerate(sizes[k - 1 :], start=k)])
        for k in range(1, HIGHEST_DEGREE + 1)
    ]
    choice: Number = -2.0
    if dtype == "float32":
        choice = where_less(least, left * (1.0 / REST_BOUND[dtype]), TOO_SMALL, -2.0)
    # The slope's own rest.
    slope = _sum([float(m) * size for m, size in enumerate(sizes[2:], start=3)])
    for index, loop in reversed(list(enumerate(LOOPS[dtype]))):
        width = loop.size * inverse_length
        added = 0.0 if loop.exact_terms == 1 else slope * width + left
        breach = _maximum(*_breaches(loop, width, added, anywhere, dtype))
        choice = where_less(least, breach, choice, where_less(1.0, width, choice, float(index)))
    rest = _sum([absolute(low), absolute(linear_low), absolute(quadratic_low), *sizes[2:]])
    breaches = (
        rest * (1.0 / BLOCK_REST_BOUND[dtype]),
        _last_terms(sizes) * (1.0 / INTERPOLATION_BOUND[dtype]),
    )
    choice = where_less(least, _maximum(*breaches), -_halvings(least, anywhere, dtype), choice)
    small = where_less(high + spread, LEAST_VALUE[dtype], TOO_SMALL, -2.0)
    # A constant is exact, whatever its value.
    small = where_less(0.0, spread, small, choice)
    choice = where_less(least, LEAST_VALUE[dtype], small, choice)
    return where_less(GREATEST_VALUE[dtype], high + spread, TOO_SMALL, choice)


def _breaches(
    loop: Loop, width: Number, added: Number, anywhere: list[Number], dtype: str
) -> tuple[Number, Number]:
    """What the block's least value must not be below, for the rest, with what is added to it, and the tail."""
    power: Number = 1.0
    terms = []
    for coefficient in anywhere:
        power = power * width
        terms.append(coefficient * power)
    rest, tail = _sum([added, *terms[loop.exact_terms - 1 :]]), _sum(terms[loop.degree :])
    return rest * (1.0 / REST_BOUND[dtype]), tail * (1.0 / TAIL_BOUND[dtype])


def _halvings(least: Number, anywhere: list[Number], dtype: str) -> Number:
    """How often to halve a block until it keeps the bounds."""
    # Halving once halves each term after the first of a series once more than the one before it.
    rest = _sum([size * 0.5**k for k, size in enumerate(anywhere[2:])]) * (1.0 / BLOCK_REST_BOUND[dtype])
    last = _last_terms(anywhere) * (1.0 / INTERPOLATION_BOUND[dtype])
    exponent = binary_exponent(least)
    needed = _maximum(
        floor((binary_exponent(rest) - exponent) * (1.0 / 3.0)) + 1.0,
        floor((binary_exponent(last) - exponent) * (1.0 / (HIGHEST_DEGREE - 1))) + 1.0,
    )
    needed = where_less(needed, 1.0, 1.0, where_less(8.0, needed, 8.0, needed))
    return where_less(0.0, least, needed, 3.0)


def _last_terms(sizes: list[Number]) -> Number:
    """The terms of the two highest degrees as multiples of Chebyshev's polynomials."""
    return sizes[-2] * 2.0 ** (2 - HIGHEST_DEGREE) + sizes[-1] * 2.0 ** (1 - HIGHEST_DEGREE)


def expand(
    u: Number, inverse_length: Number, coefficients: list[Number], loop: Loop, dtype: str
) -> list[Number]:
    """The coefficients of the same polynomial in ``w`` around ``u``."""
    high, low, linear_high, linear_low, quadratic_high, quadratic_low, *others = coefficients
    # These heads are exact, see interpolate.
    head = fused_multiply_add(quadratic_high, u * u, fused_multiply_add(linear_high, u, high))
    value = exact_sum(head, _horner(u, [low, linear_low, quadratic_low, *others]))
    ascending = [0.0, linear_high + linear_low, quadratic_high + quadratic_low, *others]
    scales = [2.0 * UNIT[dtype] * inverse_length]
    derivatives = []
    for k in range(1, loop.degree + 1):
        scaled = [(float(comb(m, k)) * ascending[m]) * scales[-1] for m in range(k, len(ascending))]
        derivatives.append(_horner(u, scaled))
        scales.append(scales[-1] * scales[0])
    if loop.exact_terms == 1 and dtype == "float64":
        return [value.high, value.low, *derivatives]
    quantum = _quantum(value, dtype)
    constant_parts = _split(value, quantum)
    if loop.exact_terms == 1:
        return [*constant_parts, *derivatives]
    linear_head = fused_multiply_add(2.0 * quadratic_high, u, linear_high)
    slope = [float(m) * coefficient for m, coefficient in enumerate(others, start=3)]
    linear = exact_sum(linear_head, _horner(u, [linear_low, 2.0 * quadratic_low, *slope]))
    scaled_linear = DoubleDouble(linear.high * scales[0], linear.low * scales[0])
    # The offsets are multiples of 1 / (2 * UNIT).
    linear_parts = _split(scaled_linear, quantum * (2.0 * UNIT[dtype]))
    heads, rests = zip(constant_parts, linear_parts, strict=True)
    return [*heads, *rests, *derivatives[1:]]


def mirrored(w: Number, square: Number, coefficients: list[Number], loop: Loop) -> tuple[Number, Number]:
    """The values at ``w`` and at ``-w``, from ``w`` and its square."""
    heads, rests = coefficients[: loop.exact_terms], coefficients[loop.exact_terms :]
    even = _horner(square, rests[::2])
    odd = w * _horner(square, rests[1::2])
    right = left = heads[0]
    if loop.exact_terms == 2:
        right, left = multiply_add(heads[1], w, heads[0]), multiply_add(-heads[1], w, heads[0])
    return right + (even + odd), left + (even - odd)


def _quantum(value: DoubleDouble, dtype: str) -> Number:
    """A power of two; sums of two multiples of it that are close to the value need no rounding in that dtype."""
    normal = where_less(value.high, LEAST_VALUE["float64"], LEAST_VALUE["float64"], value.high)
    return power_of_two(binary_exponent(normal) + (2.0 - BITS[dtype]))


def _split(value: DoubleDouble, quantum: Number) -> tuple[Number, Number]:
    """A multiple of the quantum, and the rest."""
    high = _to_multiple(value.high, quantum)
    return high, (value.high - high) + value.low


def _maximum(a: Number, b: Number) -> Number:
    return where_less(a, b, b, a)


def _sum(numbers: list[Number]) -> Number:
    total: Number = 0.0
    for number in reversed(numbers):
        total = total + number
    return total


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
