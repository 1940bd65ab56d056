"""Arithmetic with about 106 bits: a number is the unevaluated sum ``high + low`` of two doubles.

The class works on recorded operations (:mod:`lrdecay_native.arithmetic.recording`), so that this one text becomes
code for Cython and for numba.  Its functions (`exp`, `floor`, ...) are the array namespace ``xp`` in which
:mod:`lrdecay_native.formulas` is traced.

Accuracy: `exp` to 2**-73 and `log` to 2**-80 relative, the others to 2**-100, while ``high * 2**-106`` is a
normal double.  What an exponential is too large for is infinite, and so is what comes of it: see `DoubleDouble`.
The algorithms are Dekker's and Knuth's exact sum and product; T. J. Dekker, "A floating-point
technique for extending the available precision", Numerische Mathematik 18 (1971).
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import reduce
from math import factorial

from lrdecay_native.arithmetic.recording import (
    Number,
    absolute,
    binary_exponent,
    fused_multiply_add,
    is_zero,
    low_of_finite,
    power_of_two,
    square_root,
    where_less,
)
from lrdecay_native.arithmetic.recording import floor as floor_of_double


def exact_sum(a: Number, b: Number) -> DoubleDouble:
    """``a + b`` without error."""
    if is_zero(a):
        return DoubleDouble(b)
    if is_zero(b):
        return DoubleDouble(a)
    total = a + b
    from_b = total - a
    return DoubleDouble(total, (a - (total - from_b)) + (b - from_b))


def exact_ordered_sum(large: Number, small: Number) -> DoubleDouble:
    """``large + small`` without error, where ``|large| >= |small|`` or ``large == 0``."""
    if is_zero(small):
        return DoubleDouble(large)
    total = large + small
    return DoubleDouble(total, small - (total - large))


def exact_product(a: Number, b: Number) -> DoubleDouble:
    """``a * b`` without error."""
    product = a * b
    return DoubleDouble(product, fused_multiply_add(a, b, -product))


@dataclass(frozen=True)
class DoubleDouble:
    """The number ``high + low``, with ``high`` the double nearest to it.

    Attributes
    ----------
    high, low : number
        The two parts.
    unbounded : bool
        Whether it may be infinite, as exponentials may, and what is computed from them.  The exact operations make
        NaN of an infinity, so such numbers have a few operations more.
    """

    high: Number
    low: Number = 0.0
    unbounded: bool = False

    def __add__(self, other: DoubleDouble | Number) -> DoubleDouble:
        other = asarray(other)
        high = exact_sum(self.high, other.high)
        low = exact_sum(self.low, other.low)
        partial = exact_ordered_sum(high.high, high.low + low.high)
        total = exact_ordered_sum(partial.high, partial.low + low.low)
        return total._or(high.high) if self.unbounded or other.unbounded else total

    __radd__ = __add__

    def __neg__(self) -> DoubleDouble:
        return DoubleDouble(-self.high, -self.low, self.unbounded)

    def __sub__(self, other: DoubleDouble | Number) -> DoubleDouble:
        return self + -asarray(other)

    def __rsub__(self, other: float) -> DoubleDouble:
        return -self + other

    def __mul__(self, other: DoubleDouble | Number) -> DoubleDouble:
        other = asarray(other)
        product = exact_product(self.high, other.high)
        low = fused_multiply_add(self.high, other.low, product.low)
        total = exact_ordered_sum(product.high, fused_multiply_add(self.low, other.high, low))
        return total._or(product.high) if self.unbounded or other.unbounded else total

    __rmul__ = __mul__

    def __truediv__(self, other: DoubleDouble | Number) -> DoubleDouble:
        other = asarray(other)
        quotient = self.high / other.high
        remainder = fused_multiply_add(-quotient, other.high, self.high)
        remainder = fused_multiply_add(-quotient, other.low, remainder + self.low)
        total = exact_ordered_sum(quotient, remainder / other.high)
        if other.unbounded:
            # A finite number divided by an infinite one is 0, which has no rest.
            total = total._or(quotient, where=other.high)
        # And an exponential may be 0.
        return total._or(quotient) if self.unbounded or other.unbounded else total

    def __rtruediv__(self, other: float) -> DoubleDouble:
        return asarray(other) / self

    def _or(self, rough: Number, *, where: Number | None = None) -> DoubleDouble:
        """The number itself, or the rough one where that (or another number) is infinite."""
        size = absolute(rough if where is None else where)
        return DoubleDouble(
            where_less(size, math.inf, self.high, rough), where_less(size, math.inf, self.low, 0.0), True
        )

    def __pow__(self, exponent: DoubleDouble | float) -> DoubleDouble:
        exponent = asarray(exponent)
        if isinstance(exponent.high, float) and 2.0 * exponent.high in range(1, 17):
            return _short_power(self, exponent.high)
        logarithm = _log_of_unbounded(self) if self.unbounded else log(self)
        return _select(DoubleDouble(0.0), self, exp(exponent * logarithm), _power_of_zero(exponent))


def constant(value: Decimal | Fraction) -> DoubleDouble:
    exact = Fraction(value)
    high = float(exact)
    return DoubleDouble(high, float(exact - Fraction(high)))


with localcontext() as _precise:
    _precise.prec = 60
    _LN2 = Decimal(2).ln()
LN2_EXACT = Fraction(_LN2)
LN2 = constant(LN2_EXACT)

# Whole multiples (up to 2**12) of the first two parts of ln 2 are exact doubles.
_LN2_FIRST = float(Fraction(int(_LN2 * 2**40), 2**40))
_LN2_SECOND = float(Fraction(int(Fraction(_LN2) * 2**80) - int(_LN2_FIRST * 2**80), 2**80))
_LN2_THIRD = float(Fraction(_LN2) - Fraction(_LN2_FIRST) - Fraction(_LN2_SECOND))

# Adding and subtracting it rounds a double below 2**51 to a whole number.
_ROUNDING = 1.5 * 2.0**52

# Adding and subtracting it rounds a double below 2**52 to an even whole number.
ROUNDING_TO_EVEN = 1.5 * 2.0**53

# Outside, the exponential is zero or infinite in double precision, whatever a learning rate multiplies it with.
_LOWEST_EXPONENT, _HIGHEST_EXPONENT = -1100.0, 1100.0

# Times the least power, 1e-100, still far above the logarithm of the largest number.
_LOGARITHM_OF_INFINITY = 1e110

_SQUARE_ROOT_OF_TWO = 2.0**0.5

PI_EXACT = Fraction("3.14159265358979323846264338327950288419716939937510582097494459")

# sin(pi * m / 2)**2 / m**2 as a series in m**2.
SQUARE_OF_SINE = [(-1) ** (n + 1) * PI_EXACT ** (2 * n) / (2 * factorial(2 * n)) for n in range(1, 24)]


def asarray(value: DoubleDouble | Number) -> DoubleDouble:
    return value if isinstance(value, DoubleDouble) else DoubleDouble(value)


def _select(a: DoubleDouble, b: DoubleDouble, then: DoubleDouble, otherwise: DoubleDouble) -> DoubleDouble:
    difference = (a - b).high
    return DoubleDouble(
        where_less(difference, 0.0, then.high, otherwise.high),
        where_less(difference, 0.0, then.low, otherwise.low),
        then.unbounded or otherwise.unbounded,
    )


def minimum(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    return _select(a, b, a, b)


def maximum(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    return _select(b, a, a, b)


def floor(a: DoubleDouble) -> DoubleDouble:
    whole = floor_of_double(a.high)
    return exact_ordered_sum(whole, where_less(whole, a.high, 0.0, floor_of_double(a.low)))


def ceil(a: DoubleDouble) -> DoubleDouble:
    return -floor(-a)


def sqrt(a: DoubleDouble) -> DoubleDouble:
    """The square root, and 0 of what is not positive."""
    root = square_root(where_less(0.0, a.high, a.high, 0.0))
    rest = fused_multiply_add(-root, root, a.high) + a.low
    total = exact_ordered_sum(root, where_less(0.0, root, rest / (root + root), 0.0))
    return total._or(root) if a.unbounded else total


def exp(a: DoubleDouble) -> DoubleDouble:
    """The exponential: 0 or infinity where it leaves the range of doubles."""
    a = _between(_LOWEST_EXPONENT, a, _HIGHEST_EXPONENT)
    doublings = (a.high * (1.0 / LN2.high) + _ROUNDING) - _ROUNDING
    first = a.high - doublings * _LN2_FIRST
    remainder = exact_sum(first, -(doublings * _LN2_SECOND))
    remainder = exact_ordered_sum(
        remainder.high, remainder.low + fused_multiply_add(-doublings, _LN2_THIRD, a.low)
    )
    result = _exponential_minus_one(remainder, precise_terms=6) + 1.0
    # Two factors, since 2**doublings itself may be no normal double.
    half = floor_of_double(doublings * 0.5)
    scales = power_of_two(half), power_of_two(doublings - half)
    high, low = (part * scales[0] * scales[1] for part in (result.high, result.low))
    return DoubleDouble(high, low_of_finite(high, low, negative=False), True)


def _between(lowest: float, a: DoubleDouble, highest: float) -> DoubleDouble:
    """The number, or the nearest of two bounds where its high part is outside of them."""
    above = DoubleDouble(where_less(a.high, lowest, lowest, a.high), where_less(a.high, lowest, 0.0, a.low))
    return DoubleDouble(
        where_less(highest, a.high, highest, above.high), where_less(highest, a.high, 0.0, above.low)
    )


def log(a: DoubleDouble) -> DoubleDouble:
    exponent: Number = binary_exponent(a.high)
    scale: Number = power_of_two(-exponent)
    above = where_less(_SQUARE_ROOT_OF_TWO, a.high * scale, 1.0, 0.0)
    scale = where_less(0.0, above, scale * 0.5, scale)
    exponent = exponent + above
    mantissa = DoubleDouble(a.high * scale, a.low * scale)
    offset = mantissa - 1.0
    estimate = _logarithm_estimate(mantissa.high, offset.high)
    # log(m) = estimate + log(1 + error) with error = m * exp(-estimate) - 1.
    error = offset + mantissa * _exponential_minus_one(DoubleDouble(-estimate), precise_terms=8)
    correction = error * (1.0 - 0.5 * error.high)
    return LN2 * DoubleDouble(exponent) + (correction + estimate)


def _log_of_unbounded(a: DoubleDouble) -> DoubleDouble:
    """As `log`, for numbers that the inverse of a power of two may be no normal double of, or infinite."""
    total = log(DoubleDouble(a.high * 0.25, a.low * 0.25)) + LN2 * DoubleDouble(2.0)
    return DoubleDouble(
        where_less(a.high, math.inf, total.high, _LOGARITHM_OF_INFINITY), low_of_finite(a.high, total.low)
    )


def raised_cosine(a: DoubleDouble) -> DoubleDouble:
    """``(1 + cos(pi * a)) / 2``, accurate where it vanishes too; for numbers below 2**52."""
    even = (a.high + ROUNDING_TO_EVEN) - ROUNDING_TO_EVEN
    offset = exact_sum(a.high - even, a.low)
    distance = DoubleDouble(absolute(offset.high), where_less(offset.high, 0.0, -offset.low, offset.low))
    opposite = 1.0 - distance
    square = _square_of_sine(minimum(distance, opposite))
    return _select(distance, opposite, 1.0 - square, square)


def _square_of_sine(a: DoubleDouble) -> DoubleDouble:
    """``sin(pi * a / 2)**2`` for ``0 <= a <= 1/2``, its first terms in double-double."""
    square = a * a
    tail: Number = float(SQUARE_OF_SINE[16])
    for coefficient in SQUARE_OF_SINE[15:8:-1]:
        tail = fused_multiply_add(tail, square.high, float(coefficient))
    total = DoubleDouble(tail)
    for exact_coefficient in map(constant, SQUARE_OF_SINE[8::-1]):
        term = total * square
        rough = exact_ordered_sum(exact_coefficient.high, term.high)
        total = exact_ordered_sum(rough.high, rough.low + (exact_coefficient.low + term.low))
    return total * square


def _logarithm_estimate(mantissa: Number, offset: Number) -> Number:
    """``log(mantissa)`` to 2**-35 relative, from ``offset = mantissa - 1``, near 1."""
    ratio = offset / (mantissa + 1.0)
    square = ratio * ratio
    series: Number = 1.0 / 13.0
    for power in (11, 9, 7, 5, 3, 1):
        series = fused_multiply_add(series, square, 1.0 / power)
    return 2.0 * ratio * series


def _exponential_minus_one(a: DoubleDouble, *, precise_terms: int) -> DoubleDouble:
    """``exp(a) - 1`` for ``|a| < 0.36`` by Taylor's series, its first terms in double-double."""
    factorial = [1]
    for n in range(1, 19):
        factorial.append(factorial[-1] * n)
    tail: Number = 1.0 / factorial[18]
    for n in range(17, precise_terms, -1):
        tail = fused_multiply_add(tail, a.high, 1.0 / factorial[n])
    total = DoubleDouble(tail)
    for n in range(precise_terms, 0, -1):
        term = total * a
        coefficient = constant(Fraction(1, factorial[n]))
        rough = exact_ordered_sum(coefficient.high, term.high)
        total = exact_ordered_sum(rough.high, rough.low + (coefficient.low + term.low))
    return total * a


def _short_power(a: DoubleDouble, exponent: float) -> DoubleDouble:
    """A power of which twice is a small whole number."""
    whole = int(exponent)
    factors = [a] * whole
    if exponent != whole:
        factors.append(sqrt(a))
    return reduce(operator.mul, factors)


def _power_of_zero(exponent: DoubleDouble) -> DoubleDouble:
    if isinstance(exponent.high, float):
        return DoubleDouble(
            0.0 if exponent.high > 0.0 else math.inf if exponent.high else 1.0, unbounded=True
        )
    not_positive = where_less(exponent.high, 0.0, math.inf, 1.0)
    return DoubleDouble(where_less(0.0, exponent.high, 0.0, not_positive), unbounded=True)
