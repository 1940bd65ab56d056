"""What compositions of schedules do to the step and to the rate, and what combines two rates."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from lrdecay_native.formulas.registry import Line, Value, combination, composition_map, step_map


def raised_cosine(xp: Any, x: Value) -> Value:
    """``(1 + cos(pi * x)) / 2``, by the namespace's own function where it has one that is exact near 0."""
    own = getattr(xp, "raised_cosine", None)
    return 0.5 * (1.0 + xp.cos(math.pi * x)) if own is None else own(x)


# Every parameter of a composition may be the result of a computation: it comes in two parts, high + low.


@step_map(line=lambda delay: Line(delay, 1), moves=True, bounded=True, floors=False, cycles=False)
@composition_map("max(t - delay, 0)")
def delayed(xp: Any, t: Value, delay: Value) -> Value:
    return xp.maximum(t - delay, xp.asarray(0.0))


@step_map(line=lambda total: Line(total, -1), moves=True, bounded=True, floors=False, cycles=False)
@composition_map("max(total - t, 0)")
def reflected(xp: Any, t: Value, total: Value) -> Value:
    return xp.maximum(total - t, xp.asarray(0.0))


@composition_map("t - period * floor(t / period)")
def repeated(xp: Any, t: Value, period: Value) -> Value:
    return t - period * xp.floor(t / period)


# By its logarithm: the root of a large number may be larger than any float.
@step_map(
    line=None,
    moves=False,
    bounded=False,
    floors=False,
    cycles=False,
    inverse=lambda x, exponent: math.exp(min(math.log(x) / exponent, 700.0)) if x else 0.0,
)
@composition_map("x ** exponent")
def powered(xp: Any, x: Value, exponent: Value) -> Value:
    return x**exponent


@composition_map("rate")
def held(xp: Any, t: Value, rate: Value) -> Value:
    return rate + 0.0 * t


@composition_map("(start * (steps - t) + rate * t) / steps")
def ramp(xp: Any, t: Value, steps: Value, start: Value, rate: Value) -> Value:
    return (start * (steps - t) + rate * t) / steps


@composition_map("rate + (start - rate) * (1 + cos(pi * t / steps)) / 2")
def cosine_ramp(xp: Any, t: Value, steps: Value, start: Value, rate: Value) -> Value:
    return rate + (start - rate) * raised_cosine(xp, t / steps)


@composition_map("start * (1 - sqrt(t / steps)) + rate * sqrt(t / steps)")
def square_root_ramp(xp: Any, t: Value, steps: Value, start: Value, rate: Value) -> Value:
    root = xp.sqrt(t / steps)
    return start * ((steps - t) / steps) / (1.0 + root) + rate * root


@composition_map("base ** x")
def exponential(xp: Any, x: Value, base: Value) -> Value:
    return base**x


@step_map(
    line=lambda factor: Line(0, 1 / Fraction(factor)), moves=False, bounded=False, floors=False, cycles=False
)
@composition_map("factor * rate")
def scaled(xp: Any, rate: Value, factor: Value) -> Value:
    return factor * rate


@composition_map("rate + offset")
def moved(xp: Any, rate: Value, offset: Value) -> Value:
    return rate + offset


@composition_map("max(rate, lowest)")
def raised(xp: Any, rate: Value, lowest: Value) -> Value:
    return xp.maximum(rate, lowest)


@composition_map("min(rate, highest)")
def capped(xp: Any, rate: Value, highest: Value) -> Value:
    return xp.minimum(rate, highest)


@combination("first + second")
def added(xp: Any, first: Value, second: Value) -> Value:
    return first + second


@combination("first * second", zero_of_either=True)
def multiplied(xp: Any, first: Value, second: Value) -> Value:
    return first * second


@combination("offset + gain * (rate - offset)")
def eased(xp: Any, rate: Value, gain: Value, offset: Value) -> Value:
    return offset + gain * (rate - offset)
