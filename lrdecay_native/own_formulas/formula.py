"""A formula that a user writes in Python, and the piece of a schedule that is of it."""

from __future__ import annotations

import builtins
import inspect
import math
from contextlib import suppress
from dataclasses import dataclass, replace
from types import CellType, FunctionType
from typing import Any

import numpy as np

from lrdecay_native.arithmetic.scalars import DoubleDoubleScalar
from lrdecay_native.caching import cached
from lrdecay_native.evaluation.points.pairs import DoubleDoubleArray
from lrdecay_native.own_formulas.array_namespace import in_namespace
from lrdecay_native.own_formulas.compiled import Compiled, compiled
from lrdecay_native.own_formulas.identity import global_names, identity_of
from lrdecay_native.piecewise.pieces import Node

ROUNDING_PART = 2.0**-20
"""What float32 arithmetic may have below 0 where a rate is 0, as a part of large rates."""


@dataclass(frozen=True, eq=False)
class PythonFormula:
    """A Python function of the step and parameters.

    Attributes
    ----------
    function : function
        It takes all by position; its global and enclosing variables are its own.
    parameters : tuple of inspect.Parameter
        The parameters after the step.
    """

    function: FunctionType
    parameters: tuple[inspect.Parameter, ...]

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__

    @cached
    def identity(self) -> Any:
        """Equal for functions that compute the same in the same way."""
        return identity_of(self.function), [(p.name, p.kind, repr(p.default)) for p in self.parameters]

    @cached
    def compiled(self) -> Compiled:
        """The compiled functions."""
        return compiled(self.function, len(self.parameters))


@dataclass(frozen=True, eq=False)
class PythonCurve(Node):
    """A Python formula with its parameters; a negative rate is an error, or 0 if it is ``raised``."""

    python: PythonFormula
    parameters: tuple[float, ...]
    raised: bool = False

    def not_negative(self) -> PythonCurve:
        return replace(self, raised=True)

    def compiled_by(self, engine: Any) -> Any:
        return engine.CallLink(self)

    def on_point(self, pair: DoubleDoubleScalar) -> DoubleDoubleScalar:
        """The rate at a number."""
        step = pair[0] + pair[1]
        rate = self.python.compiled.at(step, self.parameters)
        return self._checked(step, 0.0 if self.raised and rate < 0.0 else rate), 0.0

    def on_arrays(self, pair: DoubleDoubleArray) -> DoubleDoubleArray:
        """The rate at each of some numbers."""
        steps = pair[0] + pair[1]
        at, fill = self.python.compiled
        rates = np.empty_like(steps)
        done = fill(steps, self.parameters, self.raised, rates)
        if done < len(steps):
            self._checked(float(steps[done]), at(steps[done], self.parameters))
        return rates, np.zeros_like(steps)

    def interpreted(self, arithmetic: Any, variable: Any) -> Any:
        return arithmetic.called(self, self._in_namespace, variable)

    def _in_namespace(self, xp: Any, variable: Any) -> Any:
        rate = in_namespace(self.python.function, xp, variable, self.parameters)
        zero, wrong = xp.asarray(0.0), xp.asarray(math.nan)
        # A compiled program raises no errors.
        finite = xp.where(rate < xp.asarray(math.inf), rate, wrong)
        not_negative = xp.where(finite < zero, zero, finite)
        if self.raised:
            return not_negative
        return xp.where(rate < xp.asarray(-ROUNDING_PART * self._scale()), wrong, not_negative)

    def _scale(self) -> float:
        """About how large rates get, those that are none left out."""
        sizes = [0.0]
        for step in (0.0, *(2.0**k for k in range(25))):
            # Where Python raises errors, the compiled function has no number either.
            with suppress(ArithmeticError, ValueError):
                sizes.append(float(self.python.function(step, *self.parameters)))
        return max(size for size in sizes if size < math.inf)

    def _checked(self, step: float, rate: float) -> float:
        if not 0.0 <= rate < math.inf:
            values = zip(self.python.parameters, self.parameters, strict=True)
            arguments = ", ".join([f"step={step!r}", *(f"{p.name}={value!r}" for p, value in values)])
            raise ValueError(
                f"{self.python.name}({arguments}) is {rate!r}; a rate must be finite and at least 0"
            )
        return rate


def with_own_variables(function: FunctionType) -> FunctionType:
    """The same function, with copies of the variables it uses, all of its arguments to be given by position."""
    code = function.__code__
    code = code.replace(co_argcount=code.co_argcount + code.co_kwonlyargcount, co_kwonlyargcount=0)
    variables, missing = {}, []
    for name in global_names(code):
        if name in function.__globals__:
            variables[name] = function.__globals__[name]
        elif not hasattr(builtins, name):
            missing.append(name)
    cells = []
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            cells.append(CellType(cell.cell_contents))
        except ValueError:
            missing.append(name)
    if missing:
        raise ValueError(
            f"{function.__name__} uses {', '.join(missing)}, which must be defined before it is decorated"
        )
    copy = FunctionType(code, variables, function.__name__, None, tuple(cells))
    copy.__module__, copy.__qualname__ = function.__module__, function.__qualname__
    return copy
