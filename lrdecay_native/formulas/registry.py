"""The registry of formulas, time maps and operators, and the decorators that enter them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

from lrdecay_native.formulas.parameters import PARAMETERS, Parameter
from lrdecay_native.immutable import immutable

Value = Any
"""A value of the array namespace in use; it takes ``+ - * / **``."""


@immutable
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
    zero_of_either : bool
        Of a combination: whether it is 0 where either of its variables is.
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
    zero_of_either: bool = False

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


class Line(NamedTuple):
    """``t = origin + size * x``, exactly."""

    origin: Fraction | int
    size: Fraction | int


@dataclass(frozen=True, kw_only=True)
class StepMap:
    """What is known of a map ``x(t, parameter)`` of the step.

    Attributes
    ----------
    name : str
        The map.
    function : callable
        ``function(xp, t, parameter)``, the map itself.
    line : callable or None
        ``line(parameter)`` is the line that ``t`` follows as a function of ``x``, inside of the map's bounds and
        before it is floored; None where it follows none.
    moves : bool
        Whether ``t`` is only moved, and perhaps reflected, by the parameter.
    bounded : bool
        Whether ``x`` stays where it is beyond a bound, which a piece of a schedule ends at.
    floors : bool
        Whether ``x`` is a whole number: that of the multiples of the line's size up to ``t``.
    cycles : bool
        Whether ``x`` goes from next to 0 up to 1 between multiples of the parameter, which it jumps behind, each time
        from higher up: ``x = t / (n * parameter)`` in cycle ``n``, from 1.  The others are monotone.
    inverse : callable or None
        ``inverse(x, parameter)``: about where ``t`` is, for a map without a line that has no cycles.
    """

    name: str
    function: Callable[..., Value]
    line: Callable[[Any], Line] | None
    moves: bool
    bounded: bool
    floors: bool
    cycles: bool
    inverse: Callable[[float, float], float] | None = None

    def __post_init__(self) -> None:
        ways = [self.line is not None, self.cycles, self.inverse is not None]
        if sum(ways) != 1 or (self.line is None and (self.moves or self.floors)):
            raise ValueError(f"{self.name} must have a line, or cycles, or an inverse, and one of them alone")

    @property
    def jumps(self) -> bool:
        """Whether ``x`` is not a continuous function of ``t``."""
        return self.floors or self.cycles


@immutable
class TimeMap:
    """A map from the step ``t`` to the variable ``x`` of a formula."""

    name: str
    function: Callable[..., Value]
    equation: str


@cache
def _docstring(function: Callable[..., Value]) -> str:
    # Python can be told to leave docstrings out.
    return inspect.getdoc(function) or ""


FORMULAS: dict[str, Formula] = {}
TIME_MAPS: dict[str, TimeMap] = {}
STEP_MAPS: dict[str, StepMap] = {}
"""What is known of each map of the step: of the time maps, and of what compositions do to the step."""
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


def time_map(
    equation: str,
    *,
    line: Callable[[Any], Line] | None,
    moves: bool,
    bounded: bool,
    floors: bool,
    cycles: bool,
) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Enter a function ``(xp, t, period)`` into the registry of time maps; the rest is as in `StepMap`."""

    def register(function: Callable[..., Value]) -> Callable[..., Value]:
        step_map(line=line, moves=moves, bounded=bounded, floors=floors, cycles=cycles)(function)
        TIME_MAPS[function.__name__] = TimeMap(function.__name__, function, equation)
        return function

    return register


def step_map(
    *,
    line: Callable[[Any], Line] | None,
    moves: bool,
    bounded: bool,
    floors: bool,
    cycles: bool,
    inverse: Callable[[float, float], float] | None = None,
) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Say what is known of a function ``(xp, t, parameter)`` that maps the step, as in `StepMap`."""

    def register(function: Callable[..., Value]) -> Callable[..., Value]:
        STEP_MAPS[function.__name__] = StepMap(
            name=function.__name__,
            function=function,
            line=line,
            moves=moves,
            bounded=bounded,
            floors=floors,
            cycles=cycles,
            inverse=inverse,
        )
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


def combination(
    equation: str, *, zero_of_either: bool = False
) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Enter a function ``(xp, variable, other variable, *parameters)`` into the registry of combinations.

    It is 0 where either variable is, if ``zero_of_either`` says so.
    """

    def register(function: Callable[..., Value]) -> Callable[..., Value]:
        code = function.__code__
        parameters = code.co_varnames[3 : code.co_argcount]
        COMBINATIONS[function.__name__] = Formula(
            function.__name__, function, parameters, equation, zero_of_either=zero_of_either
        )
        return function

    return register
