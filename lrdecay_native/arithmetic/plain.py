"""Arithmetic for float32 results: plain doubles, with series just long enough for 2**-36.

See :mod:`lrdecay_native.arithmetic.hoisted`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import factorial
from typing import Any

from lrdecay_native.arithmetic.double_double import LN2, LN2_EXACT, SQUARE_OF_SINE, DoubleDouble, constant
from lrdecay_native.arithmetic.hoisted import HIGHEST_EXPONENT, Scaled, economised, series
from lrdecay_native.arithmetic.recording import (
    Number,
    fused_multiply_add,
    is_zero,
    nearest_exponent,
    power_of_two,
    square_root,
    where_less,
)

# Of two; outside, a number is zero or infinite in float32.
_LOWEST_EXPONENT, _HIGHEST_EXPONENT = -1000.0, 1000.0
_ROUNDING = 1.5 * 2.0**52

_INVERSE_LN2 = constant(1 / LN2_EXACT)

# 2**x for |x| <= 1/2, exactly 1 at 0 and with the slope that it has there.
POWER_OF_TWO = [
    1.0,
    float(LN2_EXACT),
    *economised([LN2_EXACT**n / factorial(n) for n in range(2, 24)], -0.5, 0.5, 6),
]

# sin(pi * m / 2)**2 / m**2 in m**2.
SINE = economised(SQUARE_OF_SINE, 0.0, 0.25, 6)


@dataclass(frozen=True)
class Plain(Scaled):
    """A number with no low part."""

    def _sum(self, other: Plain) -> Plain:
        return Plain(self.high + other.high)

    def _product(self, other: Plain) -> Plain:
        return Plain(self.high * other.high)

    def _quotient(self, other: Plain) -> Plain:
        return Plain(self.high / other.high)

    def _square_root(self) -> Plain:
        return Plain(square_root(where_less(0.0, self.high, self.high, 0.0)))

    def _normalised(self) -> Plain:
        # After a difference there may be a low part.
        return replace(self, high=self.high + self.low, low=0.0)

    def _times(self, factor: DoubleDouble) -> Plain:
        return Plain(self.high * factor.high)

    def _square_of_sine(self) -> Plain:
        square = self.high * self.high
        return Plain(square * series(square, SINE))

    def _complement(self) -> Plain:
        return Plain(1.0 - self.high)

    def settled(self) -> Plain:
        return Plain(super().settled().high, bounds=self.bounds)

    def result(self) -> Number:
        if is_zero(self.exponent):
            return super().result()
        exponent = where_less(_LOWEST_EXPONENT, self.exponent, self.exponent, _LOWEST_EXPONENT)
        if self.highest > _HIGHEST_EXPONENT:
            exponent = where_less(exponent, _HIGHEST_EXPONENT, exponent, _HIGHEST_EXPONENT)
        return replace(self, exponent=0.0).result() * power_of_two(exponent)

    def exp(self) -> Plain:
        # In powers of two: the division by ln 2 is one of the invariants.
        a = self.__mul__(_INVERSE_LN2).settled()
        high = a.high
        if a.bounds.most > HIGHEST_EXPONENT:
            high = where_less(high, HIGHEST_EXPONENT, high, HIGHEST_EXPONENT)
        if not a.bounds.finite:
            high = where_less(_LOWEST_EXPONENT, high, high, _LOWEST_EXPONENT)
        doublings = (high + _ROUNDING) - _ROUNDING
        return Plain(
            series(high - doublings, POWER_OF_TWO),
            exponent=doublings,
            highest=min(a.bounds.most, HIGHEST_EXPONENT) + 1.0,
            bounds=self.bounds.exp(),
        )

    def log(self) -> Plain:
        a = self.settled()
        exponent = nearest_exponent(a.high)
        scale = power_of_two(-exponent)
        mantissa = a.high * scale
        # log(m) = 2 * (s + s**3 / 3 + ...) with s = (m - 1) / (m + 1).
        s = (mantissa - 1.0) / (mantissa + 1.0)
        square = s * s
        total = fused_multiply_add(s * square, series(square, [2.0 / n for n in range(3, 15, 2)]), s + s)
        return Plain(fused_multiply_add(exponent, LN2.high, total))


def asarray(value: Any) -> Plain:
    return Plain().of(value)


def exp(a: Plain) -> Plain:
    return a.exp()


def sqrt(a: Plain) -> Plain:
    return a.root()


def raised_cosine(a: Plain) -> Plain:
    return a.raised_cosine()


def floor(a: Plain) -> Plain:
    return a.floor()


def ceil(a: Plain) -> Plain:
    return -(-a).floor()


def minimum(a: Plain, b: Plain) -> Plain:
    return a.minimum(b)


def maximum(a: Plain, b: Plain) -> Plain:
    return a.maximum(b)


def step(number: Number) -> Plain:
    """A number that depends on the step, exactly."""
    return Plain(high=number)
