"""Arithmetic for float64 results: one rounding, and errors that are small beside it.

As :mod:`lrdecay_native.arithmetic.double_double`, but ``low`` is a plain double and the sum isn't normalised.  See
:mod:`lrdecay_native.arithmetic.hoisted`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import factorial, log
from typing import Any

from lrdecay_native.arithmetic import double_double
from lrdecay_native.arithmetic.double_double import (
    LN2,
    LN2_EXACT,
    SQUARE_OF_SINE,
    DoubleDouble,
    exact_ordered_sum,
    exact_product,
    exact_sum,
)
from lrdecay_native.arithmetic.hoisted import Scaled, economised, series
from lrdecay_native.arithmetic.recording import (
    Number,
    fused_multiply_add,
    is_zero,
    nearest_exponent,
    power_of_two,
    square_root,
    where_less,
)

# Whole multiples (up to 2**11) of the first part of ln 2 are exact doubles.
_LN2_FIRST = float(Fraction(int(LN2_EXACT * 2**42), 2**42))
_LN2_SECOND = float(LN2_EXACT - Fraction(_LN2_FIRST))

# Adding and subtracting it rounds a double below 2**51 to a whole number.
_ROUNDING = 1.5 * 2.0**52

# The exponential of this is infinite, whatever a learning rate multiplies it with.
_HIGHEST = 1300.0


# (exp(x) - 1 - x) / x**2 for |x| < ln(2) / 2, and (atanh(s) / s - 1 - s**2 / 3) / s**4 in s**2.
EXPONENTIAL = economised([Fraction(1, factorial(n)) for n in range(2, 24)], -0.347, 0.347, 11)
LOGARITHM = economised([Fraction(1, n) for n in range(5, 45, 2)], 0.0, 0.0295, 8)

# sin(pi * m / 2)**2 / m**2 in m**2: its first coefficients, and the rest from the next power on.  A power of it
# needs more bits than the sine itself.
SINE = [double_double.constant(coefficient) for coefficient in SQUARE_OF_SINE[:4]]
REST_OF_SINE = economised(SQUARE_OF_SINE[4:], 0.0, 0.25, 6)


@dataclass(frozen=True)
class Compensated(Scaled):
    """A number whose high and low part together are good to about 2**-60."""

    def _sum(self, other: Compensated) -> Compensated:
        total = exact_sum(self.high, other.high)
        return Compensated(total.high, total.low + (self.low + other.low))

    def _product(self, other: Compensated) -> Compensated:
        product = exact_product(self.high, other.high)
        low = fused_multiply_add(self.high, other.low, product.low)
        return Compensated(product.high, fused_multiply_add(self.low, other.high, low))

    def _quotient(self, other: Compensated) -> Compensated:
        quotient = self.high / other.high
        rest = fused_multiply_add(-quotient, other.high, self.high) + self.low
        rest = fused_multiply_add(-quotient, other.low, rest)
        # Of an invariant the high part is 1, and the quotient itself is the inverse.
        return Compensated(quotient, rest * quotient if self.invariant else rest / other.high)

    def _square_root(self) -> Compensated:
        root = square_root(where_less(0.0, self.high, self.high, 0.0))
        rest = fused_multiply_add(-root, root, self.high) + self.low
        return Compensated(root, where_less(0.0, root, rest / (root + root), 0.0))

    def _normalised(self) -> Compensated:
        total = exact_ordered_sum(self.high, self.low)
        return replace(self, high=total.high, low=total.low)

    def _times(self, factor: DoubleDouble) -> Compensated:
        return self._product(Compensated(factor.high, factor.low))

    def _square_of_sine(self) -> Compensated:
        square = self._product(self)
        total = Compensated(series(square.high, REST_OF_SINE))
        for coefficient in SINE[::-1]:
            term = total._product(square)
            rough = exact_ordered_sum(coefficient.high, term.high)
            total = Compensated(rough.high, rough.low + (term.low + coefficient.low))
        return square._product(total)

    def _complement(self) -> Compensated:
        total = exact_ordered_sum(1.0, -self.high)
        return Compensated(total.high, total.low - self.low)

    def exp(self) -> Compensated:
        a = self.settled()
        if self.bounds.most > _HIGHEST:
            a = Compensated(
                where_less(_HIGHEST, a.high, _HIGHEST, a.high),
                0.0 if is_zero(a.low) else where_less(_HIGHEST, a.high, 0.0, a.low),
            )
        doublings = fused_multiply_add(a.high, 1.0 / LN2.high, _ROUNDING) - _ROUNDING
        high = fused_multiply_add(-doublings, _LN2_FIRST, a.high)
        low = fused_multiply_add(-doublings, _LN2_SECOND, a.low)
        # exp(x) = 1 + x + x**2 * (1/2 + x/6 + ...), of which 1 + high is known exactly.
        x = high + low
        one = exact_ordered_sum(1.0, high)
        tail = series(x, EXPONENTIAL)
        return Compensated(
            one.high,
            fused_multiply_add(x * x, tail, one.low + low),
            exponent=doublings,
            highest=min(self.bounds.most, _HIGHEST) / log(2.0) + 1.0,
            bounds=self.bounds.exp(),
        )

    def log(self) -> Compensated:
        a = self.settled()
        exponent = nearest_exponent(a.high)
        scale = power_of_two(-exponent)
        mantissa, mantissa_low = a.high * scale, a.low * scale
        # log(m) = 2 * (s + s**3 / 3 + ...) with s = (m - 1) / (m + 1).
        numerator = mantissa - 1.0
        denominator = exact_ordered_sum(1.0, mantissa)
        inverse = 1.0 / denominator.high
        ratio = numerator * inverse
        rest = fused_multiply_add(-ratio, denominator.high, numerator)
        rest = fused_multiply_add(-ratio, denominator.low + mantissa_low, rest + mantissa_low)
        s = Compensated(ratio, rest * inverse)
        square = s._product(s)
        tail = series(square.high, LOGARITHM)
        third = double_double.constant(Fraction(1, 3))
        first = exact_ordered_sum(third.high, square.high * tail)
        cube = s._product(square._product(Compensated(first.high, first.low + third.low)))
        total = exact_ordered_sum(s.high, cube.high)
        low = total.low + (s.low + cube.low)
        whole = exponent * _LN2_FIRST
        result = exact_ordered_sum(whole, 2.0 * total.high)
        return Compensated(
            result.high, fused_multiply_add(exponent, _LN2_SECOND, fused_multiply_add(2.0, low, result.low))
        )


def asarray(value: Any) -> Compensated:
    return Compensated().of(value)


def exp(a: Compensated) -> Compensated:
    return a.exp()


def sqrt(a: Compensated) -> Compensated:
    return a.root()


def raised_cosine(a: Compensated) -> Compensated:
    return a.raised_cosine()


def floor(a: Compensated) -> Compensated:
    return a.floor()


def ceil(a: Compensated) -> Compensated:
    return -(-a).floor()


def minimum(a: Compensated, b: Compensated) -> Compensated:
    return a.minimum(b)


def maximum(a: Compensated, b: Compensated) -> Compensated:
    return a.maximum(b)


def step(number: Number) -> Compensated:
    """A number that depends on the step, exactly."""
    return Compensated(high=number)
