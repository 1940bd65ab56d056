"""A Python function of the step, run with arrays of any array namespace in place of numbers."""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from numbers import Real
from types import CellType, FunctionType, ModuleType
from typing import Any

import numpy as np

from lrdecay_native.own_formulas.identity import global_names

MOST_DECISIONS, MOST_PATHS = 16, 64
"""Decisions on one way through a formula, and ways, that are computed in an array namespace."""


class UntraceableError(TypeError):
    """A formula can't be run in an array namespace."""


def in_namespace(function: FunctionType, xp: Any, step: Any, parameters: tuple[float, ...]) -> Any:
    """The rate as an array namespace computes it."""
    paths = 0

    def decided(given: tuple[bool, ...]) -> Any:
        """The rate where the first decisions are these; the ones after them are taken both ways."""
        nonlocal paths
        paths += 1
        namespace = _Namespace(function.__name__, xp, step, [], given)
        if paths > MOST_PATHS:
            raise namespace.untraceable(f"it decides in more than {MOST_PATHS} ways")
        value = namespace.rebound(function)(_Value(namespace, step), *parameters)
        # A rate that doesn't depend on the step takes its shape.
        rate = namespace.number(value) if isinstance(value, _Value) else xp.asarray(float(value)) + 0.0 * step
        for number in reversed(range(len(given), len(namespace.conditions))):
            before = (True,) * (number - len(given))
            rate = xp.where(namespace.conditions[number], rate, decided((*given, *before, False)))
        return rate

    return decided(())


_SAME = {
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "fabs": "absolute",
    "pow": "power",
    "float_power": "power",
    "remainder": "mod",
}
"""Functions of ``math`` and NumPy under the names that all array namespaces have."""


@dataclass(frozen=True, eq=False)
class _Namespace:
    """An array namespace, in place of ``math``, NumPy and some builtins.

    Attributes
    ----------
    formula : str
        The name of the formula, for messages.
    xp : namespace
        As in `Schedule.evaluate`.
    step : value of that namespace
        The step.
    conditions : list
        What decisions were taken on so far, as values of the namespace.
    given : tuple of bool
        How the first ones are taken; the others are taken for true.
    """

    formula: str
    xp: Any
    step: Any
    conditions: list[Any]
    given: tuple[bool, ...]

    def decision(self, condition: Any) -> bool:
        """How a decision is taken."""
        number = len(self.conditions)
        if number == MOST_DECISIONS:
            raise self.untraceable(
                f"it needs the truth (if, while, and, or, not) of what depends on the step more than {number} times"
            )
        self.conditions.append(condition)
        return number >= len(self.given) or self.given[number]

    def rebound(self, function: FunctionType) -> Callable[..., Any]:
        """The function, its variables replaced."""
        code = function.__code__
        variables = {name: self._replaced(value) for name, value in _used_globals(function).items()}
        cells = [CellType(self._replaced(cell.cell_contents)) for cell in function.__closure__ or ()]
        return FunctionType(code, variables, function.__name__, function.__defaults__, tuple(cells))

    def number(self, value: Any) -> Any:
        """A value as a number of the namespace; Python numbers stay."""
        if isinstance(value, _Truth):
            return self.xp.where(value.value, self.xp.asarray(1.0), self.xp.asarray(0.0))
        return value.value if isinstance(value, _Value) else value

    def divisor(self, value: Any) -> Any:
        """A value as a divisor: compilers make of a division by a constant a product with its rounded reciprocal."""
        if isinstance(value, (_Value, _Truth)):
            return self.number(value)
        # The same number, as no step is negative; it depends on the step for all that a compiler knows.
        return self.xp.minimum(self.xp.asarray(float(value)), self.xp.asarray(float(value)) + self.step)

    def untraceable(self, what: str) -> UntraceableError:
        return UntraceableError(
            f"{self.formula} can't run in an array namespace such as Keras's: {what}; write it with NumPy "
            "functions that array namespaces have (np.where, np.minimum, np.floor, ...), or use KerasTable, which "
            "takes any formula"
        )

    def _replaced(self, value: Any) -> Any:
        if isinstance(value, ModuleType):
            return _Module(self, value)
        if value is min or value is max:
            return self._extreme(value)
        function = getattr(value, "py_func", None)
        if isinstance(function, FunctionType):
            return self.rebound(function)
        if callable(value) and any(
            getattr(module, getattr(value, "__name__", ""), None) is value for module in (math, np)
        ):
            return self.function(value)
        return value

    def _extreme(self, python: Callable[..., Any]) -> Callable[..., Any]:
        pair = self.function(np.minimum if python is min else np.maximum)

        def extreme(*values: Any) -> Any:
            return reduce(pair, values) if any(isinstance(v, _Value) for v in values) else python(*values)

        return extreme

    def function(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """The namespace's function for one of ``math`` or NumPy."""
        name = original.__name__
        kind = _Truth if {"d->?", "dd->?"} & set(getattr(original, "types", ())) else _Value

        def call(*arguments: Any, **keywords: Any) -> Any:
            if not any(isinstance(a, _Value) for a in (*arguments, *keywords.values())):
                return original(*arguments, **keywords)
            function = getattr(self.xp, _SAME.get(name, name), None)
            if function is None:
                raise self.untraceable(f"it has no function {name}")
            named = {key: self._argument(value) for key, value in keywords.items()}
            return kind(self, function(*map(self._argument, arguments), **named))

        return call

    def _argument(self, value: Any) -> Any:
        if isinstance(value, _Value):
            return value.value
        return self.xp.asarray(float(value)) if isinstance(value, Real) else value


def _used_globals(function: FunctionType) -> dict[str, Any]:
    """The global variables and builtins that a function uses."""
    names = global_names(function.__code__)
    return {name: function.__globals__.get(name, getattr(builtins, name, None)) for name in names}


@dataclass(frozen=True, eq=False)
class _Module:
    """The functions of an array namespace in place of those of a module."""

    namespace: _Namespace
    module: ModuleType

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.module, name)
        return self.namespace.function(value) if callable(value) else self.namespace._replaced(value)


class _Value:
    """A number that depends on the step: arithmetic, functions and decisions take it."""

    def __init__(self, namespace: _Namespace, value: Any) -> None:
        self.namespace = namespace
        self.value = value

    def __bool__(self) -> bool:
        return self.namespace.decision(self.value != self.namespace.xp.asarray(0.0))


class _Truth(_Value):
    """Whether something holds, depending on the step."""

    def __bool__(self) -> bool:
        return self.namespace.decision(self.value)


def _operated(kind: type[_Value], operation: Callable[..., Any]) -> Callable[..., Any]:
    def operate(value: _Value, *others: Any) -> Any:
        return kind(value.namespace, operation(*map(value.namespace.number, (value, *others))))

    return operate


def _divided(operation: Callable[..., Any]) -> Callable[..., Any]:
    def operate(value: _Value, divisor: Any) -> Any:
        namespace = value.namespace
        return _Value(namespace, operation(value.value, namespace.divisor(divisor)))

    return operate


def _swapped(operation: Callable[..., Any]) -> Callable[..., Any]:
    return lambda value, other: operation(other, value)


def _combined(operation: Callable[..., Any]) -> Callable[..., Any]:
    def combine(value: _Truth, other: Any) -> Any:
        return _Truth(
            value.namespace, operation(value.value, other.value if isinstance(other, _Truth) else other)
        )

    return combine


def _refused(what: str) -> Callable[..., Any]:
    def refuse(value: _Value, *arguments: Any) -> Any:
        raise value.namespace.untraceable(f"it needs {what} of what depends on the step")

    return refuse


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    _operation = getattr(operator, _name)
    _makes = _divided if _name in ("truediv", "floordiv", "mod") else partial(_operated, _Value)
    setattr(_Value, f"__{_name}__", _makes(_operation))
    setattr(_Value, f"__r{_name}__", _operated(_Value, _swapped(_operation)))
for _name in ("neg", "pos", "abs"):
    setattr(_Value, f"__{_name}__", _operated(_Value, getattr(operator, _name)))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(_Value, f"__{_name}__", _operated(_Truth, getattr(operator, _name)))
for _name in ("and", "or", "xor"):
    _operation = getattr(operator, f"__{_name}__")
    setattr(_Truth, f"__{_name}__", _combined(_operation))
    setattr(_Truth, f"__r{_name}__", _combined(_swapped(_operation)))
for _name, _what in (
    ("float", "a Python float"),
    ("int", "a Python integer"),
    ("index", "a Python integer"),
    ("round", "a Python integer"),
    ("trunc", "a Python integer"),
    ("iter", "the items"),
    ("array", "a NumPy array"),
):
    setattr(_Value, f"__{_name}__", _refused(_what))
