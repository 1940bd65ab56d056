"""Values that depend on a whole number: exact while they are lines in it, and their floors exact.

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
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from lrdecay_native.arithmetic.double_double import PI_EXACT

Number = Fraction | float

INTEGERS = 2**63
"""Integers are below this."""

WIDE = 2**62
"""Denominators are below this."""

LARGE_POWER = 1024.0
"""From this exponent on a power near 1 is that of a number whose distance from 1 is known better than itself."""

ESTIMATE_BELOW = Fraction(1, 2**10)
"""How far below the quotient its estimate aims, which is off by less."""


class Machine(Protocol):
    """The operations of an array namespace that values here need."""

    def asarray(self, number: float | npt.NDArray[np.float64]) -> Any:
        """A number, or several, in float64."""

    def integers(self, numbers: npt.NDArray[np.int64]) -> Any:
        """Integers of 64 bits."""

    def real(self, whole: Any) -> Any:
        """Integers in float64."""

    def whole(self, real: Any) -> Any:
        """The integers of 64 bits that are next to float64 numbers in the direction of 0; of truths, 0 and 1."""

    def quotient(self, whole: Any, divisor: int) -> Any:
        """The floor of the quotient of integers that aren't negative; anything for others."""

    def clip(self, whole: Any, lowest: int, highest: int) -> Any:
        """The integer in a range that is next to an integer."""

    def take(self, table: Any, place: Any) -> Any:
        """The entries of a table at integers."""

    def passed(self, whole: Any, stops: Any) -> Any:
        """How many of the stops are up to each integer."""

    def where(self, condition: Any, one: Any, other: Any) -> Any:
        """One of two values."""

    def other(self, name: Any, function: Callable[..., Any], *arguments: Any) -> Any:
        """What ``function(xp, *arguments)`` gives in the namespace that the operations run in."""

    def exp(self, real: Any) -> Any:
        """The exponential."""

    def log1p(self, real: Any) -> Any:
        """The logarithm of 1 and a number."""

    def sin(self, real: Any) -> Any:
        """The sine."""

    def sqrt(self, real: Any) -> Any:
        """The root."""

    def floor(self, real: Any) -> Any:
        """The floor."""

    def fmod(self, one: Any, other: Any) -> Any:
        """The rest of a division, without an error."""

    def minimum(self, one: Any, other: Any) -> Any:
        """The smaller one."""

    def maximum(self, one: Any, other: Any) -> Any:
        """The larger one."""


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
            ("plus", number), lambda: Counter(self.xp, self.integer + _in_64_bits(number))
        )
        return made

    def below(self, number: int) -> Counter:
        """What is missing to an integer."""
        made: Counter = self.once(
            ("below", number), lambda: Counter(self.xp, _in_64_bits(number) - self.integer)
        )
        return made


def _in_64_bits(number: int) -> int:
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
        return _sum(self, _value(self.xp, other))

    def __radd__(self, other: float) -> Value:
        return _sum(_value(self.xp, other), self)

    def __neg__(self) -> Value:
        return _product(_value(self.xp, -1.0), self)

    def __sub__(self, other: Value | float) -> Value:
        return self + -_value(self.xp, other)

    def __rsub__(self, other: float) -> Value:
        return _value(self.xp, other) - self

    def __mul__(self, other: Value | float) -> Value:
        return _product(self, _value(self.xp, other))

    def __rmul__(self, other: float) -> Value:
        return _product(_value(self.xp, other), self)

    def __truediv__(self, other: Value | float) -> Value:
        return _quotient(self, _value(self.xp, other))

    def __rtruediv__(self, other: float) -> Value:
        return _quotient(_value(self.xp, other), self)

    def __pow__(self, exponent: Value | float) -> Value:
        return _power(self, _value(self.xp, exponent))

    def __rpow__(self, base: float) -> Value:
        return _power(_value(self.xp, base), self)


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


def _value(xp: Machine, number: Value | float | Fraction) -> Value:
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


def divided(value: Value, period: Fraction) -> tuple[Value, Callable[[], Value]]:
    """The floor of the quotient by a period, and the rest in the value's unit, for a value that isn't negative."""
    if not isinstance(value, Line):
        return _divided_real(value, period)
    if value.counter is None:
        whole = math.floor(value.offset / period)
        rest = value.offset - whole * period
        return Line(value.xp, Fraction(whole)), lambda: Line(value.xp, rest)
    line = value.rising().changed(1 / period, Fraction(0))
    assert line.counter is not None
    shift = math.floor(line.offset / line.slope)
    if line.high + shift >= INTEGERS:
        shift = 0
    counter = line.counter.plus(shift)
    low, high = max(line.low + shift, 0), line.high + shift
    slope, offset = line.slope, line.offset - line.slope * shift
    least, most = (math.floor(slope * end + offset) for end in (low, high))
    if least == most:
        return Line(value.xp, Fraction(least)), lambda: value.changed(Fraction(1), -least * period)
    division = _division(counter, high, slope, offset)
    if most < INTEGERS:
        quotient = division.quotient(counter)
    else:
        # Further than integers count it stays the last one that they hold.
        furthest = math.floor((INTEGERS - 1 - offset) / slope)
        held = counter.once(
            ("held", furthest), lambda: Counter(counter.xp, counter.xp.clip(counter.integer, 0, furthest))
        )
        quotient = _division(held, furthest, slope, offset).quotient(held)
    return Line.of(quotient, least, min(most, INTEGERS - 1)), lambda: division.rest(period)


def _division(counter: Counter, high: int, slope: Fraction, offset: Fraction) -> Division:
    made: Division = counter.once(
        ("divided", slope, offset, high), lambda: Division(counter, high, slope, offset)
    )
    return made


def ceiling(value: Value, period: Fraction) -> Value:
    """The next integer from the quotient by a period on, for a value that isn't negative."""
    whole, rest = divided(value, period)
    if not isinstance(value, Line):
        xp = value.xp
        return Real(xp, lambda: whole.array + xp.real(xp.whole(rest().array > 0.0)))
    # The quotient's floor, nearly one further: it has this denominator.
    denominator = math.lcm(*((number / period).denominator for number in (value.slope, value.offset)))
    return divided(value.changed(Fraction(1), period * (1 - Fraction(1, denominator))), period)[0]


def _divided_real(value: Value, period: Fraction) -> tuple[Value, Callable[[], Value]]:
    """The same of a number that was rounded: the floor and the rest belong together, whatever a compiler does."""
    xp = value.xp
    if isinstance(value, Real) and value.quotient is not None:
        dividend, divisor = value.quotient
        whole, place = divided(dividend, divisor * period)
        return whole, lambda: place() / Line(xp, divisor)
    length = as_float(period)
    rest = Real(xp, lambda: xp.fmod(value.array, xp.asarray(length)))
    return Real(xp, lambda: xp.floor((value.number - rest.number) / length + 0.5)), lambda: rest


class Division:
    """``floor(slope * counter + offset)`` and the rest, for a counter from 0 to a highest one.

    The quotient is ``factor * counter + summand`` and the floor of a fraction.  The rest is ``numerator /
    denominator`` and what an offset between two multiples of ``1 / denominator`` adds, which no floor sees.
    """

    def __init__(self, counter: Counter, high: int, slope: Fraction, offset: Fraction) -> None:
        self.xp = counter.xp
        self.factor, self.summand = math.floor(slope), math.floor(offset)
        slope, offset = slope - self.factor, offset - self.summand
        if slope.denominator >= WIDE:
            # With this slope, which is below, all floors are the same.
            slope = lower_approximation(slope, WIDE - 1)
        self.denominator = slope.denominator
        start = math.floor(offset * self.denominator)
        self.unseen = offset - Fraction(start, self.denominator)
        self.fraction: Counter | None = None
        self.numerator: Counter | None = None
        if slope != 0:
            fraction, numerator = _fraction(counter, high, slope.numerator, start, self.denominator)
            self.fraction, self.numerator = Counter(self.xp, fraction), Counter(self.xp, numerator)

    def quotient(self, counter: Counter) -> Counter:
        """The quotient."""
        made: Counter = counter.once(("quotient", self), lambda: self._quotient(counter))
        return made

    def _quotient(self, counter: Counter) -> Counter:
        if self.factor == 0 and self.fraction is not None:
            return self.fraction.plus(self.summand)
        product = counter.integer if self.factor == 1 else counter.integer * _in_64_bits(self.factor)
        if self.fraction is not None:
            product = product + self.fraction.integer
        return Counter(self.xp, product).plus(self.summand)

    def rest(self, period: Fraction) -> Value:
        """The rest, in a unit that makes the period its end."""
        if self.numerator is None:
            return Line(self.xp, self.unseen * period)
        unit = period / self.denominator
        return Line(self.xp, self.unseen * period, unit, self.numerator, 0, self.denominator - 1)


def _fraction(counter: Counter, high: int, growth: int, start: int, denominator: int) -> tuple[Any, Any]:
    """The floor of ``(growth * counter + start) / denominator`` and the rest; the growth is below the denominator."""
    if growth * high + start >= INTEGERS:
        return _by_estimate(counter, high, growth, start, denominator)
    product = counter if growth == 1 else Counter(counter.xp, counter.integer * growth)
    numerator = product.plus(start).integer
    quotient = counter.xp.quotient(numerator, denominator)
    return quotient, numerator - quotient * denominator


def _by_estimate(counter: Counter, high: int, growth: int, start: int, denominator: int) -> tuple[Any, Any]:
    """The floor of ``(growth * counter + start) / denominator`` and the rest, where that product is too large.

    The quotient is estimated in float64, either right or one too low; which it is says the rest, which 64 bits hold
    whatever the terms that it is the difference of have lost.
    """
    xp = counter.xp
    factor, upper, whole = 0, None, counter
    if high >= 2**32:
        upper = Counter(xp, xp.quotient(counter.integer, 2**32))
        whole = Counter(xp, counter.integer - upper.integer * 2**32)
        factor, upper_growth = divmod(growth * 2**32, denominator)
    estimate = whole.real * (growth / denominator)
    rest = whole.integer * growth
    if upper is not None:
        estimate = estimate + upper.real * (upper_growth / denominator)
        rest = rest + upper.integer * upper_growth
    estimate = estimate + float(Fraction(start, denominator) - ESTIMATE_BELOW)
    quotient = xp.whole(estimate)
    rest = rest - quotient * denominator + (start - denominator)
    late = rest >= 0
    quotient = quotient + xp.whole(late)
    if upper is not None:
        quotient = quotient + upper.integer * factor
    return quotient, xp.where(late, rest, rest + denominator)


def lower_approximation(number: Fraction, largest: int) -> Fraction:
    """The largest fraction up to a number whose denominator is up to a largest one."""
    before, last = (0, 1), (1, 0)
    numerator, denominator = number.numerator, number.denominator
    while True:
        whole = numerator // denominator
        after = before[0] + whole * last[0], before[1] + whole * last[1]
        if after[1] > largest:
            break
        before, last = last, after
        numerator, denominator = denominator, numerator - whole * denominator
        if denominator == 0:
            return number
    steps = (largest - before[1]) // last[1]
    between = Fraction(before[0] + steps * last[0], before[1] + steps * last[1])
    return max(fraction for fraction in (between, Fraction(*last)) if fraction <= number)


class Formulas:
    """The namespace in which formulas are called with values."""

    def __init__(self, xp: Machine) -> None:
        self.xp = xp

    def asarray(self, number: Fraction | float) -> Value:
        """A number as a value."""
        return _value(self.xp, number)

    def exp(self, value: Value) -> Value:
        """The exponential."""
        return exponential(value)

    def sqrt(self, value: Value) -> Value:
        """The root."""
        return square_root(value)

    def raised_cosine(self, value: Value) -> Value:
        """``(1 + cos(pi * x)) / 2`` for a number that isn't negative."""
        if isinstance(value, Line) and max(abs(value.at(value.low)), abs(value.at(value.high))) > 2:
            value = divided(value, Fraction(2))[1]()
        falling, rising = self._square_of_sine(1.0 - value), self._square_of_sine(value)
        return Real(self.xp, lambda: falling.number, lambda: rising)

    def _square_of_sine(self, value: Value) -> Value:
        """``sin(pi * x / 2) ** 2``."""
        sine = Real(self.xp, lambda: self.xp.sin((value * _value(self.xp, PI_EXACT / 2)).array))
        return sine * sine

    def minimum(self, one: Value, other: Value) -> Value:
        """The smaller one."""
        return self._extreme(min, self.xp.minimum, one, other)

    def maximum(self, one: Value, other: Value) -> Value:
        """The larger one."""
        return self._extreme(max, self.xp.maximum, one, other)

    def _extreme(self, extreme: Any, function: Callable[[Any, Any], Any], one: Value, other: Value) -> Value:
        first, second = known(one), known(other)
        if first is not None and second is not None:
            return Line(self.xp, extreme(first, second))
        return Real(self.xp, lambda: function(one.array, other.array))
