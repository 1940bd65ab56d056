"""Values that depend on a whole number: exact while they are lines in it.

A compiler may turn a division by a constant into a product with its rounded reciprocal, whose floor is late by one.
Here a step, delayed, stretched or reversed, stays the integer that it is, beside a slope and an offset in fractions.
Its quotients and rests are computed in integers, and it becomes a float64 only where a curve needs one.

The namespace ``xp`` of such values has 64-bit integers that wrap around and float64, both with Python's operators;
it offers what `Machine` lists.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from lrdecay_native.integer_steps.machine import Machine

INTEGERS = 2**63
"""Integers are below this."""

LARGE_POWER = 1024.0
"""From this exponent on a power near 1 is that of a number whose distance from 1 is known better than itself."""


class Counter:
    """An integer of a namespace, and what was made of it before."""

    def __init__(self, xp: Machine, integer: Any) -> None:
        self.xp = xp
        self.integer = integer
        self._made: dict[Any, Any] = {}

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """What is made for a key, the first time or now."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    @property
    def real(self) -> Any:
        """The integer in float64."""
        return self.once("real", lambda: self.xp.real(self.integer))

    def plus(self, number: int) -> Counter:
        """The sum with an integer."""
        if number == 0:
            return self
        made: Counter = self.once(
            ("plus", number), lambda: Counter(self.xp, self.integer + in_64_bits(number))
        )
        return made

    def below(self, number: int) -> Counter:
        """What is missing to an integer."""
        made: Counter = self.once(
            ("below", number), lambda: Counter(self.xp, in_64_bits(number) - self.integer)
        )
        return made


def in_64_bits(number: int) -> int:
    """What an integer is where 64 bits wrap around."""
    return (number + INTEGERS) % (2 * INTEGERS) - INTEGERS


class Value:
    """A number that formulas take."""

    xp: Machine

    @property
    def number(self) -> Any:
        """It as a float64 of the namespace, or a Python float where it is known."""
        raise NotImplementedError

    @property
    def array(self) -> Any:
        """It as a float64 of the namespace."""
        return self.xp.asarray(self.number) if isinstance(self.number, float) else self.number

    def __add__(self, other: Value | float) -> Value:
        return _sum(self, value_of(self.xp, other))

    def __radd__(self, other: float) -> Value:
        return _sum(value_of(self.xp, other), self)

    def __neg__(self) -> Value:
        return _product(value_of(self.xp, -1.0), self)

    def __sub__(self, other: Value | float) -> Value:
        return self + -value_of(self.xp, other)

    def __rsub__(self, other: float) -> Value:
        return value_of(self.xp, other) - self

    def __mul__(self, other: Value | float) -> Value:
        return _product(self, value_of(self.xp, other))

    def __rmul__(self, other: float) -> Value:
        return _product(value_of(self.xp, other), self)

    def __truediv__(self, other: Value | float) -> Value:
        return _quotient(self, value_of(self.xp, other))

    def __rtruediv__(self, other: float) -> Value:
        return _quotient(value_of(self.xp, other), self)

    def __pow__(self, exponent: Value | float) -> Value:
        return _power(self, value_of(self.xp, exponent))

    def __rpow__(self, base: float) -> Value:
        return _power(value_of(self.xp, base), self)


class Real(Value):
    """A float64 of the namespace, computed when it is needed.

    Attributes
    ----------
    rest : callable, optional
        What is missing to 1, where that is known better than by a subtraction.
    quotient : tuple of Value and Fraction, optional
        A dividend and a divisor whose quotient it is.
    """

    def __init__(
        self,
        xp: Machine,
        make: Callable[[], Any],
        rest: Callable[[], Value] | None = None,
        quotient: tuple[Value, Fraction] | None = None,
    ) -> None:
        self.xp = xp
        self._make = make
        self.rest = rest
        self.quotient = quotient

    @cached_property
    def number(self) -> Any:
        return self._make()

    def __rsub__(self, other: float) -> Value:
        return super().__rsub__(other) if self.rest is None or other != 1.0 else self.rest()


class Line(Value):
    """``slope * counter + offset``, exactly.

    Attributes
    ----------
    counter : Counter or None
        None where the slope is 0.
    low, high : int
        Which values the counter has where the line matters.
    slope, offset : Fraction
        As in the formula.
    """

    def __init__(
        self,
        xp: Machine,
        offset: Fraction,
        slope: Fraction = Fraction(0),
        counter: Counter | None = None,
        low: int = 0,
        high: int = 0,
    ) -> None:
        self.xp = xp
        self.slope = slope
        self.offset = offset
        self.counter = counter if slope != 0 else None
        self.low = low
        self.high = high

    @classmethod
    def of(cls, counter: Counter, low: int, high: int) -> Line:
        """A counter itself."""
        return cls(counter.xp, Fraction(0), Fraction(1), counter, low, high)

    def within(self, low: int, high: int) -> Line:
        """The line where the counter is in a range."""
        return Line(self.xp, self.offset, self.slope, self.counter, low, high)

    def changed(self, factor: Fraction, summand: Fraction) -> Line:
        """The line times a factor, and a summand."""
        slope, offset = self.slope * factor, self.offset * factor + summand
        return Line(self.xp, offset, slope, self.counter, self.low, self.high)

    def at(self, integer: int) -> Fraction:
        """The value where the counter is an integer."""
        return self.slope * integer + self.offset

    @property
    def number(self) -> Any:
        if self.counter is None:
            return as_float(self.offset)
        return self.lever.on(self.counter)

    @property
    def lever(self) -> Lever:
        """The line as float64 has it without a loss: from the counter next to its zero, or at an end."""
        zero = min(max(round(-self.offset / self.slope), self.low), self.high)
        return Lever(zero, as_float(self.slope), as_float(self.at(zero)), self.high < 2**53)

    def rising(self) -> Line:
        """The line with a slope above 0."""
        assert self.counter is not None
        if self.slope > 0:
            return self
        return Line(
            self.xp,
            self.at(self.high),
            -self.slope,
            self.counter.below(self.high),
            0,
            self.high - self.low,
        )


class Lever(NamedTuple):
    """``slope * (counter - origin) + height``."""

    origin: int
    slope: float
    height: float
    small: bool

    def on(self, counter: Counter) -> Any:
        """The value in float64."""
        if self.small:
            distance = counter.real - float(self.origin) if self.origin else counter.real
        else:
            distance = counter.plus(-self.origin).real
        product = distance if self.slope == 1.0 else distance * self.slope
        return product + self.height if self.height else product


def as_float(number: Fraction) -> float:
    """The nearest float64, which is finite."""
    try:
        return float(number)
    except OverflowError:
        return math.copysign(1e308, number)


def value_of(xp: Machine, number: Value | float | Fraction) -> Value:
    """A number as a value."""
    return number if isinstance(number, Value) else Line(xp, Fraction(number))


def known(value: Value) -> Fraction | None:
    """The value, where it depends on nothing."""
    return value.offset if isinstance(value, Line) and value.counter is None else None


def _sum(one: Value, other: Value) -> Value:
    if isinstance(one, Line) and isinstance(other, Line):
        if other.counter is None:
            return one.changed(Fraction(1), other.offset)
        if one.counter is None:
            return other.changed(Fraction(1), one.offset)
        if one.counter is other.counter:
            slope, offset = one.slope + other.slope, one.offset + other.offset
            return Line(one.xp, offset, slope, one.counter, one.low, one.high)
    return Real(one.xp, lambda: one.number + other.number)


def _product(one: Value, other: Value) -> Value:
    for factor, line in ((one, other), (other, one)):
        number = known(factor)
        if number is not None and isinstance(line, Line):
            return line.changed(number, Fraction(0))
        if number == 1:
            return line
    return Real(one.xp, lambda: one.number * other.number)


def _quotient(one: Value, other: Value) -> Value:
    divisor = known(other)
    if divisor is not None and isinstance(one, Line):
        return one.changed(1 / divisor, Fraction(0))
    if divisor is not None:
        return Real(one.xp, lambda: one.number / as_float(divisor), quotient=(one, divisor))
    return Real(one.xp, lambda: one.number / other.number)


def _power(base: Value, exponent: Value) -> Value:
    known_base, known_exponent = known(base), known(exponent)
    if known_base is not None and known_exponent is None:
        return exponential(exponent * Line(base.xp, logarithm(known_base)))
    if known_exponent is None:
        return Real(base.xp, lambda: base.number**exponent.number)
    power = float(known_exponent)
    if abs(power) >= LARGE_POWER:
        return exponential(exponent * Real(base.xp, lambda: base.xp.log1p((-(1.0 - base)).array)))
    if known_base is not None:
        return Line(base.xp, Fraction(float(known_base) ** power))
    if power in (0.0, 1.0):
        return base if power else Line(base.xp, Fraction(1))
    if power == 2.0:
        return base * base
    if abs(power) == 0.5:
        return square_root(base) if power > 0.0 else 1.0 / square_root(base)
    return Real(base.xp, lambda: base.number**power)


@lru_cache(1024)
def logarithm(number: Fraction) -> Fraction:
    """The natural logarithm to 50 digits."""
    with localcontext() as context:
        context.prec = 60
        quotient = Decimal(number.numerator) / Decimal(number.denominator)
        context.prec = 50
        return Fraction(quotient.ln())


def exponential(value: Value) -> Value:
    """The exponential."""
    return Real(value.xp, lambda: value.xp.exp(value.array))


def square_root(value: Value) -> Value:
    """The root."""
    return Real(value.xp, lambda: value.xp.sqrt(value.array))
