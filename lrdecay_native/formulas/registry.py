"""The registry of formulas, time maps and operators, and the decorators that enter them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lrdecay_native.formulas.parameters import PARAMETERS, Parameter

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
    arguments : dict of str to (float or None)
        The parameters of the public kernel in order, the period among them, with their defaults.
    described : dict of str to Parameter
        What the arguments may be.
    time_maps : tuple of str
        The smooth maps from steps to ``x`` that schedules use with it, that of the public kernel first.  Steps
        are floored before these.
    common : dict of str to tuple of float
        Values of parameters for which the kernels are worth writing once more.
    power_of_rest : bool
        Whether the rate is proportional to a power of ``1 - x``, seen from that at ``x = 1``.
    """

    name: str
    function: Callable[..., Value]
    parameters: tuple[str, ...]
    equation: str
    arguments: dict[str, float | None] = field(default_factory=dict)
    described: dict[str, Parameter] = field(default_factory=dict)
    time_maps: tuple[str, ...] = ("continuous",)
    common: dict[str, tuple[float, ...]] = field(default_factory=dict)
    power_of_rest: bool = False

    @property
    def period(self) -> str | None:
        """The argument that is the period of the time map, or None where it is always 1."""
        return next((name for name in self.arguments if name not in self.parameters), None)

    @property
    def equation_of_step(self) -> str:
        """The formula of the public kernel as documentation prints it."""
        x = "step"
        if self.period is not None:
            x = re.sub(r"\bt\b", "step", TIME_MAPS[self.time_maps[0]].equation).replace("period", self.period)
        if len(re.findall(r"\bx\b", self.equation)) > 1:
            return f"``{self.equation}`` with ``x = {x}``."
        inside = f"({x})" if self.time_maps[0] == "continuous" and " " in x else x
        return "``" + re.sub(r"\bx\b", inside, self.equation) + "``"

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return _docstring(self.function).partition("\n")[0]

    @property
    def source(self) -> str:
        """Where the formula comes from, or with what it agrees: the text of the docstring."""
        return _docstring(self.function).partition("\n")[2].partition(">>>")[0].strip()

    @property
    def example(self) -> str:
        """The example at the end of the docstring."""
        return "".join(_docstring(self.function).partition(">>>")[1:])

    def described_as(self, name: str) -> Parameter:
        """What a parameter of this formula, or of a schedule with it, may be."""
        return self.described[name] if name in self.described else PARAMETERS[name]


@dataclass(frozen=True)
class TimeMap:
    """A map from the step ``t`` to the variable ``x`` of a formula."""

    name: str
    function: Callable[..., Value]
    equation: str


def _docstring(function: Callable[..., Value]) -> str:
    # Python can be told to leave docstrings out.
    return inspect.getdoc(function) or ""


FORMULAS: dict[str, Formula] = {}
TIME_MAPS: dict[str, TimeMap] = {}
COMPOSITION_MAPS: dict[str, Formula] = {}
"""Maps of the step or of the rate that compositions of schedules consist of."""
COMBINATIONS: dict[str, Formula] = {}
"""Functions of two variables that compositions of schedules consist of."""


def formula(
    equation: str,
    arguments: str,
    *,
    time_maps: tuple[str, ...] = ("continuous",),
    common: Mapping[str, tuple[float, ...]] = {},
    power_of_rest: bool = False,
    **described: Parameter,
) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Enter a function ``(xp, x, *parameters)`` into the registry of formulas.

    Parameters
    ----------
    equation : str
        As in `Formula`.
    arguments : str
        What the public kernel takes after the step, such as ``"initial_learning_rate, max_step, power=1"``: the
        function's parameters and, where there is one, the period.
    time_maps, common, power_of_rest
        As in `Formula`.
    **described
        The arguments of which `lrdecay_native.formulas.parameters.PARAMETERS` doesn't know enough.
    """

    def register(function: Callable[..., Value]) -> Callable[..., Value]:
        code = function.__code__
        parameters = code.co_varnames[2 : code.co_argcount]
        defaults = dict(_argument(argument) for argument in arguments.split(", "))
        FORMULAS[function.__name__] = Formula(
            function.__name__,
            function,
            parameters,
            equation,
            defaults,
            {name: described[name] if name in described else PARAMETERS[name] for name in defaults},
            time_maps,
            dict(common),
            power_of_rest,
        )
        return function

    return register


def _argument(text: str) -> tuple[str, float | None]:
    """``"name"`` or ``"name=default"``."""
    name, _, default = text.partition("=")
    return name, float(default) if default else None


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
