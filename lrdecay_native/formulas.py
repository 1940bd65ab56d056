"""The one definition of every decay formula, and of every map from steps to the formula's variable.

A formula is one line of mathematics in an array namespace ``xp`` (NumPy's, Keras's, JAX's, torch's, mpmath's,
or this library's own double-double arithmetic).  Everything that evaluates it - the compiled kernels, the
numba kernels, the adapters - is derived from the functions here by calling them.

Nothing but the standard library is imported here: the build reads this module before NumPy is there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Value = Any
"""A value of the array namespace in use; it takes ``+ - * / **``."""


@dataclass(frozen=True)
class Formula:
    """A decay formula.

    Attributes
    ----------
    name : str
        The name of the kernel, for example ``"step_decay"``.
    function : callable
        ``function(xp, x, *parameters)``, the formula itself.
    parameters : tuple of str
        The names of the parameters after ``x``, in order.
    equation : str
        The formula as documentation prints it.
    time_maps : tuple of str
        The smooth maps from steps to ``x`` that schedules use with it, that of the public kernel first.  Steps
        are floored before these.
    common : dict of str to tuple of float
        Values of parameters for which the kernels are worth writing once more.
    """

    name: str
    function: Callable[..., Value]
    parameters: tuple[str, ...]
    equation: str
    time_maps: tuple[str, ...] = ("continuous",)
    common: dict[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class TimeMap:
    """A map from the step ``t`` to the variable ``x`` of a formula."""

    name: str
    function: Callable[..., Value]
    equation: str


FORMULAS: dict[str, Formula] = {}
TIME_MAPS: dict[str, TimeMap] = {}
COMPOSITION_MAPS: dict[str, Formula] = {}
"""Maps of the step or of the rate that compositions of schedules consist of."""
COMBINATIONS: dict[str, Formula] = {}
"""Functions of two variables that compositions of schedules consist of."""


def formula(
    equation: str, time_maps: tuple[str, ...] = ("continuous",), **common: tuple[float, ...]
) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Enter a function ``(xp, x, *parameters)`` into the registry of formulas."""

    def register(function: Callable[..., Value]) -> Callable[..., Value]:
        code = function.__code__
        parameters = code.co_varnames[2 : code.co_argcount]
        FORMULAS[function.__name__] = Formula(
            function.__name__, function, parameters, equation, time_maps, common
        )
        return function

    return register


def time_map(equation: str) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Enter a function ``(xp, t, period)`` into the registry of time maps."""

    def register(function: Callable[..., Value]) -> Callable[..., Value]:
        TIME_MAPS[function.__name__] = TimeMap(function.__name__, function, equation)
        return function

    return register


def composition_map(equation: str) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Enter a function ``(xp, step or rate, *parameters)`` into the registry of composition maps."""

    def register(function: Callable[..., Value]) -> Callable[..., Value]:
        code = function.__code__
        parameters = code.co_varnames[2 : code.co_argcount]
        COMPOSITION_MAPS[function.__name__] = Formula(function.__name__, function, parameters, equation)
        return function

    return register


def combination(equation: str) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Enter a function ``(xp, variable, other variable, *parameters)`` into the registry of combinations."""

    def register(function: Callable[..., Value]) -> Callable[..., Value]:
        code = function.__code__
        parameters = code.co_varnames[3 : code.co_argcount]
        COMBINATIONS[function.__name__] = Formula(function.__name__, function, parameters, equation)
        return function

    return register


@time_map("t / period")
def continuous(xp: Any, t: Value, period: Value) -> Value:
    return t / period


@time_map("floor(t / period)")
def staircase(xp: Any, t: Value, period: Value) -> Value:
    return xp.floor(t / period)


@time_map("min(t / period, 1)")
def clamped(xp: Any, t: Value, period: Value) -> Value:
    return xp.minimum(t / period, xp.asarray(1.0))


@time_map("t / (period * max(ceil(t / period), 1))")
def cyclic(xp: Any, t: Value, period: Value) -> Value:
    return t / (period * xp.maximum(xp.ceil(t / period), xp.asarray(1.0)))


def raised_cosine(xp: Any, x: Value) -> Value:
    """``(1 + cos(pi * x)) / 2``, by the namespace's own function where it has one that is exact near 0."""
    own = getattr(xp, "raised_cosine", None)
    return 0.5 * (1.0 + xp.cos(math.pi * x)) if own is None else own(x)


@formula("initial_learning_rate * drop_rate ** x")
def step_decay(xp: Any, x: Value, initial_learning_rate: Value, drop_rate: Value) -> Value:
    return initial_learning_rate * drop_rate**x


@formula("initial_learning_rate * exp(-decay_rate * x)")
def exponential_decay(xp: Any, x: Value, initial_learning_rate: Value, decay_rate: Value) -> Value:
    return initial_learning_rate * xp.exp(-decay_rate * x)


@formula("initial_learning_rate / (1 + decay_rate * x)")
def inverse_time_decay(xp: Any, x: Value, initial_learning_rate: Value, decay_rate: Value) -> Value:
    return initial_learning_rate / (1.0 + decay_rate * x)


@formula(
    "(initial_learning_rate - end_learning_rate) * (1 - x) ** power + end_learning_rate",
    time_maps=("clamped", "cyclic"),
    power=(0.5, 1.0, 1.5, 2.0, 3.0),
)
def polynomial_decay(
    xp: Any, x: Value, initial_learning_rate: Value, power: Value, end_learning_rate: Value
) -> Value:
    return (initial_learning_rate - end_learning_rate) * (1.0 - x) ** power + end_learning_rate


# Every parameter of a composition may be the result of a computation: it comes in two parts, high + low.


@composition_map("max(t - delay, 0)")
def delayed(xp: Any, t: Value, delay: Value) -> Value:
    return xp.maximum(t - delay, xp.asarray(0.0))


@composition_map("max(total - t, 0)")
def reflected(xp: Any, t: Value, total: Value) -> Value:
    return xp.maximum(total - t, xp.asarray(0.0))


@composition_map("t - period * floor(t / period)")
def repeated(xp: Any, t: Value, period: Value) -> Value:
    return t - period * xp.floor(t / period)


@composition_map("x ** exponent")
def powered(xp: Any, x: Value, exponent: Value) -> Value:
    return x**exponent


@composition_map("rate")
def held(xp: Any, t: Value, rate: Value) -> Value:
    return rate + 0.0 * t


@composition_map("(start * (steps - t) + rate * t) / steps")
def ramp(xp: Any, t: Value, steps: Value, start: Value, rate: Value) -> Value:
    return (start * (steps - t) + rate * t) / steps


@composition_map("start * (1 + cos(pi * t / steps)) / 2 + rate * (1 - cos(pi * t / steps)) / 2")
def cosine_ramp(xp: Any, t: Value, steps: Value, start: Value, rate: Value) -> Value:
    return start * raised_cosine(xp, t / steps) + rate * raised_cosine(xp, (steps - t) / steps)


@composition_map("start * (1 - sqrt(t / steps)) + rate * sqrt(t / steps)")
def square_root_ramp(xp: Any, t: Value, steps: Value, start: Value, rate: Value) -> Value:
    root = xp.sqrt(t / steps)
    return start * ((steps - t) / steps) / (1.0 + root) + rate * root


@composition_map("start * (rate / start) ** (t / steps)")
def exponential_ramp(xp: Any, t: Value, steps: Value, start: Value, rate: Value) -> Value:
    return start * (rate / start) ** (t / steps)


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


@combination("first * second")
def multiplied(xp: Any, first: Value, second: Value) -> Value:
    return first * second


@combination("offset + gain ** cycle * (rate - offset)")
def decayed(xp: Any, rate: Value, cycle: Value, gain: Value, offset: Value) -> Value:
    return offset + gain**cycle * (rate - offset)
