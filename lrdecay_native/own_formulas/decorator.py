"""Schedules from a Python function of the step, compiled by numba."""

from __future__ import annotations

import builtins
import dis
import importlib
import importlib.util
import inspect
import math
import operator
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields, make_dataclass, replace
from functools import partial, reduce
from numbers import Real
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, ClassVar, Concatenate, NamedTuple, ParamSpec

import numpy as np
import numpy.typing as npt

from lrdecay_native import validation
from lrdecay_native.caching import cached
from lrdecay_native.piecewise.pieces import NEVER, Node, Piece, Piecewise
from lrdecay_native.schedules.base import SCHEDULES, Schedule, set_fields

__all__ = ["own_formula"]

P = ParamSpec("P")

ROUNDING = 2.0**-20
"""What float32 arithmetic may have below 0 where a rate is 0, as a part of large rates."""

MOST_DECISIONS, MOST_PATHS = 16, 64
"""Decisions on one way through a formula, and ways, that are computed in an array namespace."""


def own_formula(function: Callable[Concatenate[float, P], float]) -> Callable[P, Schedule]:
    """Make a schedule class of a Python function of the step.

    ``function(step, *parameters)``, compiled by numba at the first use.

    Parameters
    ----------
    function : function
        Takes the step, a float, and then parameters; returns the rate, a finite number of at least 0.  It can use
        what numba can compile: arithmetic, ``if`` and loops, ``math`` and NumPy functions, and functions decorated
        with ``numba.njit``.  Defaults of parameters are numbers.

    Returns
    -------
    subclass of Schedule
        A class of the function's name that takes the function's parameters: each a finite real number, kept as a
        float.  It is in the registry: schedules of it compose and are written to JSON and pickled by name.

    Raises
    ------
    ImportError
        If numba is not installed.
    TypeError
        If ``function`` is no plain Python function, or a default is no real number.
    ValueError
        If the name is that of another schedule class, or if a parameter's name or kind can't be used.

    Notes
    -----
    The rate is what the function gives in float64, for the step rounded to float64 (above 2**53 steps share
    values), without a promise of ulps.  A call with one step, one with an array and `Schedule.values` give the
    same bits.  Division by 0 gives infinity or NaN, as in NumPy.

    A rate that is negative, infinite or NaN is refused when it is computed: with a ValueError that has the formula,
    the step and the rate (an ``out`` array may be filled in part then).  A training step that is compiled can't raise
    errors: in `Schedule.evaluate`, and so in ``KerasSchedule``, such a rate is NaN, and the loss with it (but what is
    below 0 by no more than 2**-20 of the largest rates, float32's rounding, is 0).  Behind ``s.clipped(lowest=0.0)``,
    or a higher bound, negative values are 0 in all of these.

    The function must depend on its arguments alone.  Global and enclosing variables that it uses count as
    constants: they are read when it is decorated.  Defined again with the same code and constants, as in a notebook
    cell that is run twice, it is the class that there is; with other code or constants it is refused.

    Of an own formula nothing else is known: `Schedule.values` and `Schedule.sum` evaluate each step, and
    `Schedule.first_step_below` and `Schedule.last_step_above` search step by step, and give up with a ValueError
    after some ten million of them: join the schedule with another one, ``s.then(Constant(rate), at=...)``.

    ``from_json``, ``pickle.load`` and ``keras.models.load_model`` need the class: import the module that defines it
    before.  Pickling needs a function at the top level of a module.

    `Schedule.evaluate`, and so ``KerasSchedule``, run the Python function with the functions of that array
    namespace in place of those of ``math`` and NumPy.  What an ``if`` decides by the step is computed both ways, as
    with ``np.where(condition, a, b)``.  A ``while`` can't depend on the step, nor a Python integer: use
    ``KerasTable``, which takes any formula, and whose rate is NaN behind its last step then;
    ``s.then(Constant(rate), at=stop)`` gives it another one.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> @lrd.own_formula
    ... def sawtooth(step, peak, period=100.0):
    ...     return peak * (1.0 - step % period / period)
    >>> s = sawtooth(0.1, period=50)
    >>> s
    sawtooth(0.1, period=50.0)
    >>> s([0, 25, 50])
    array([0.1 , 0.05, 0.1 ])
    >>> s.warmup(10).scaled(0.5)([0, 5, 10, 35])
    array([0.   , 0.025, 0.05 , 0.025])
    >>> lrd.from_json(s.to_json()) == s
    True
    """
    if not inspect.isfunction(function):
        raise TypeError(f"own_formula takes a Python function, not {type(function).__name__} {function!r}")
    if importlib.util.find_spec("numba") is None:
        raise ImportError(
            f"own_formula needs numba to compile {function.__name__}; install it with: "
            'pip install "lrdecay_native[numba]"'
        )
    formula = PythonFormula.of(function)
    existing = SCHEDULES.get(formula.name)
    if existing is None:
        return _schedule_class(formula, function)
    if issubclass(existing, _OwnFormula) and existing._formula.identity == formula.identity:
        return existing
    what = (
        "an own formula with other code or constants" if issubclass(existing, _OwnFormula) else "a schedule"
    )
    raise ValueError(
        f"{formula.name} is the name of {what} of {existing.__module__} already; give the function another name"
        + (", or start Python anew" if issubclass(existing, _OwnFormula) else "")
    )


class UntraceableError(TypeError):
    """A formula can't be run in an array namespace."""


class Compiled(NamedTuple):
    """A formula as compiled functions.

    Attributes
    ----------
    at : callable
        ``at(step, parameters)`` gives the rate.
    fill : callable
        ``fill(steps, parameters, raised, out)`` writes the rates up to the first one that is none, and gives its
        index, or the number of steps; if ``raised``, negative ones are 0.
    """

    at: Callable[[float, tuple[float, ...]], float]
    fill: Callable[[npt.NDArray[np.float64], tuple[float, ...], bool, npt.NDArray[np.float64]], int]


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

    @classmethod
    def of(cls, function: FunctionType) -> PythonFormula:
        """The formula of a function, which is checked."""
        name = function.__name__
        if not name.isidentifier() or name.startswith("_"):
            raise ValueError(
                f"{name} can't be the name of a schedule class; define the formula with def and a name"
            )
        _, *parameters = _checked_parameters(function)
        return cls(_with_own_variables(function), tuple(parameters))

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__

    @cached
    def identity(self) -> Any:
        """Equal for functions that compute the same in the same way."""
        return _identity(self.function), [(p.name, p.kind, repr(p.default)) for p in self.parameters]

    @cached
    def compiled(self) -> Compiled:
        """The compiled functions."""
        numba: Any = importlib.import_module("numba")
        compiler = numba.njit(nogil=True, error_model="numpy")
        formula = compiler(self.function)
        parameters_type, steps_type = (
            numba.typeof((0.0,) * len(self.parameters)),
            numba.float64[::1],
        )

        def at(step: float, parameters: tuple[float, ...]) -> float:
            return float(formula(step, *parameters) + 0.0)  # not -0.0

        def fill(steps: Any, parameters: tuple[float, ...], raised: bool, out: Any) -> int:
            for index in range(len(steps)):
                rate = compiled_at(steps[index], parameters)
                if raised and rate < 0.0:
                    rate = 0.0
                # Vectorized, functions such as exp may give other bits; a loop that can end early is not.
                if not 0.0 <= rate < math.inf:
                    return index
                out[index] = rate
            return len(steps)

        try:
            compiled_at = numba.njit(numba.float64(numba.float64, parameters_type), nogil=True)(at)
            fill_type = numba.int64(steps_type, parameters_type, numba.boolean, steps_type)
            compiled_fill = numba.njit(fill_type, nogil=True)(fill)
        except Exception as error:  # Not all that numba raises are its own.
            raise TypeError(
                f"numba can't compile {self.name}, or it returns no real number: {error}"
            ) from None
        return Compiled(compiled_at, compiled_fill)

    def in_namespace(self, xp: Any, step: Any, parameters: tuple[float, ...]) -> Any:
        """The rate as an array namespace computes it."""
        paths = 0

        def decided(given: tuple[bool, ...]) -> Any:
            """The rate where the first decisions are these; the ones after them are taken both ways."""
            nonlocal paths
            paths += 1
            namespace = _Namespace(self.name, xp, step, [], given)
            if paths > MOST_PATHS:
                raise namespace.untraceable(f"it decides in more than {MOST_PATHS} ways")
            value = namespace.rebound(self.function)(_Value(namespace, step), *parameters)
            # A rate that doesn't depend on the step takes its shape.
            rate = (
                namespace.number(value)
                if isinstance(value, _Value)
                else xp.asarray(float(value)) + 0.0 * step
            )
            for number in reversed(range(len(given), len(namespace.conditions))):
                before = (True,) * (number - len(given))
                rate = xp.where(namespace.conditions[number], rate, decided((*given, *before, False)))
            return rate

        return decided(())


@dataclass(frozen=True, eq=False)
class PythonCurve(Node):
    """A Python formula with its parameters; a negative rate is an error, or 0 if it is ``raised``."""

    formula: PythonFormula
    parameters: tuple[float, ...]
    raised: bool = False

    def not_negative(self) -> Node:
        return replace(self, raised=True)

    def on(self, apply: Any, variable: Any) -> Any:
        high, low = variable
        step = high + low
        at, fill = self.formula.compiled
        if isinstance(step, float):
            rate = at(step, self.parameters)
            return self._checked(step, 0.0 if self.raised and rate < 0.0 else rate), 0.0
        rates = np.empty_like(step)
        done = fill(step, self.parameters, self.raised, rates)
        if done < len(step):
            self._checked(float(step[done]), at(step[done], self.parameters))
        return rates, np.zeros_like(step)

    def evaluate(self, xp: Any, variable: Any) -> Any:
        rate = self.formula.in_namespace(xp, variable, self.parameters)
        zero, wrong = xp.asarray(0.0), xp.asarray(math.nan)
        # A compiled program raises no errors.
        finite = xp.where(rate < xp.asarray(math.inf), rate, wrong)
        not_negative = xp.where(finite < zero, zero, finite)
        if self.raised:
            return not_negative
        return xp.where(rate < xp.asarray(-ROUNDING * self._scale()), wrong, not_negative)

    def _scale(self) -> float:
        """About how large rates get, those that are none left out."""
        sizes = [0.0]
        for step in (0.0, *(2.0**k for k in range(25))):
            # Where Python raises errors, the compiled function has no number either.
            with suppress(ArithmeticError, ValueError):
                sizes.append(float(self.formula.function(step, *self.parameters)))
        return max(size for size in sizes if size < math.inf)

    def _checked(self, step: float, rate: float) -> float:
        if not 0.0 <= rate < math.inf:
            values = zip(self.formula.parameters, self.parameters, strict=True)
            arguments = ", ".join([f"step={step!r}", *(f"{p.name}={value!r}" for p, value in values)])
            raise ValueError(
                f"{self.formula.name}({arguments}) is {rate!r}; a rate must be finite and at least 0"
            )
        return rate


class _OwnFormula(Schedule):
    """The base of the classes that `own_formula` makes."""

    _formula: ClassVar[PythonFormula]

    def __post_init__(self) -> None:
        for parameter in fields(self):  # type: ignore[arg-type]
            number = validation.real(parameter.name, getattr(self, parameter.name))
            set_fields(self, **{parameter.name: number + 0.0})  # not -0.0

    def _described(self) -> Piecewise:
        parameters = tuple(getattr(self, parameter.name) for parameter in fields(self))  # type: ignore[arg-type]
        return (Piece(NEVER, (), PythonCurve(self._formula, parameters)),)

    def __repr__(self) -> str:
        # There may be no parameter, or only ones that can't be given by position.
        return (
            super().__repr__() if self._positional else f"{type(self).__name__}({', '.join(self._named())})"
        )

    def _named(self) -> Iterator[str]:
        return (f"{p.name}={getattr(self, p.name)!r}" for p in fields(self))  # type: ignore[arg-type]


def _schedule_class(formula: PythonFormula, function: FunctionType) -> type[_OwnFormula]:
    given, positional = [], 0
    for parameter in formula.parameters:
        keyword_only = parameter.kind is parameter.KEYWORD_ONLY
        positional += not keyword_only
        has_default = parameter.default is not parameter.empty
        options = {"default": parameter.default} if has_default else {}
        given.append((parameter.name, float, field(kw_only=keyword_only, **options)))
    example = ", ".join(
        parameter.name
        if parameter.default is parameter.empty and parameter.kind is not parameter.KEYWORD_ONLY
        else f"{parameter.name}=..."
        for parameter in formula.parameters
    )
    namespace = {
        "__doc__": function.__doc__ or f"The schedule of the formula ``{formula.name}``.",
        "__module__": function.__module__,
        "__qualname__": function.__qualname__,
        "_formula": formula,
        "_positional": positional,
        "_instead": f"write {formula.name}({example})",
    }
    made: type[_OwnFormula] = make_dataclass(
        formula.name, given, bases=(_OwnFormula,), namespace=namespace, frozen=True, repr=False
    )
    # From Python 3.12 on it is that of the caller of make_dataclass.
    made.__module__ = function.__module__
    return made


def _checked_parameters(function: FunctionType) -> list[inspect.Parameter]:
    """The step and the parameters."""
    name = function.__name__
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or parameters[0].kind not in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        raise ValueError(f"{name} must take the step as its first argument: def {name}(step, ...)")
    for parameter in parameters[1:]:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ValueError(
                f"{name} has the {parameter.kind.description} parameter {parameter}; each parameter must have a name "
                "to be given by"
            )
        if (
            parameter.name.startswith("_")
            or parameter.name == "version"
            or hasattr(_OwnFormula, parameter.name)
        ):
            raise ValueError(
                f"{name} has a parameter {parameter.name}, which is a name that all schedules have or keep for "
                f"themselves; call it otherwise, such as {name}_{parameter.name.strip('_')}"
            )
        if parameter.default is not parameter.empty:
            validation.real(f"the default of {name}, {parameter.name}", parameter.default)
    return parameters


def _with_own_variables(function: FunctionType) -> FunctionType:
    """The same function, with copies of the variables it uses, all of its arguments to be given by position."""
    code = function.__code__
    code = code.replace(co_argcount=code.co_argcount + code.co_kwonlyargcount, co_kwonlyargcount=0)
    variables, missing = {}, []
    for name in _global_names(code):
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


def _global_names(code: CodeType) -> list[str]:
    """The names of global variables and builtins that code uses."""
    names = {
        instruction.argval
        for instruction in dis.get_instructions(code)
        if instruction.opname == "LOAD_GLOBAL"
    }
    return sorted(names.union(*map(_global_names, _inner(code))))


def _inner(code: CodeType) -> Iterator[CodeType]:
    return (constant for constant in code.co_consts if isinstance(constant, CodeType))


def _identity(function: FunctionType, seen: tuple[CodeType, ...] = ()) -> Any:
    """What a function computes: its code and the values of the variables it uses."""
    code = function.__code__
    used = {name: function.__globals__.get(name) for name in _global_names(code)}
    used |= {
        name: cell.cell_contents
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True)
    }
    return _identity_of_code(code, function.__doc__), {
        name: _identity_of_value(used[name], (*seen, code)) for name in used
    }


def _identity_of_code(code: CodeType, documentation: str | None = None) -> Any:
    # As text: equal numbers may differ in type or sign.
    constants = [
        repr(None if constant == documentation else constant)
        for constant in code.co_consts
        if not isinstance(constant, CodeType)
    ]
    inner = [_identity_of_code(constant) for constant in _inner(code)]
    return code.co_code, code.co_names, code.co_varnames, code.co_freevars, constants, inner


def _identity_of_value(value: Any, seen: tuple[CodeType, ...]) -> Any:
    # Functions compiled by numba keep their Python function there.
    function = getattr(value, "py_func", value)
    if isinstance(function, FunctionType):
        code = function.__code__
        return _identity_of_code(code) if code in seen else _identity(function, seen)
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, tuple):
        return tuple(_identity_of_value(element, seen) for element in value)
    return repr(value) if isinstance(value, (Real, str, type(None))) else id(value)


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
        """Likewise a divisor: compilers make of a division by a constant a product with its rounded reciprocal."""
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
    names = _global_names(function.__code__)
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
