"""Floors and rests of values that depend on a whole number, exact where these are lines in it."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from lrdecay_native.integer_steps.values import INTEGERS, Counter, Line, Real, Value, as_float, in_64_bits

WIDE = 2**62
"""Denominators are below this."""

ESTIMATE_BELOW = Fraction(1, 2**10)
"""How far below the quotient its estimate aims, which is off by less."""


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
        product = counter.integer if self.factor == 1 else counter.integer * in_64_bits(self.factor)
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
