"""The decorator `own_formula`: a schedule class from a Python function of the step."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, field, fields
from types import FunctionType
from typing import ClassVar, Concatenate, ParamSpec

from lrdecay_native import validation
from lrdecay_native.immutable import immutable, set_fields
from lrdecay_native.own_formulas.formula import PythonCurve, PythonFormula, with_own_variables
from lrdecay_native.piecewise.pieces import NEVER, Piece, Piecewise
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.registry import all_schedules

P = ParamSpec("P")


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
    formula = _formula_of(function)
    existing = all_schedules().get(formula.name)
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


def _formula_of(function: FunctionType) -> PythonFormula:
    """The formula of a function, which is checked."""
    name = function.__name__
    if not name.isidentifier() or name.startswith("_"):
        raise ValueError(
            f"{name} can't be the name of a schedule class; define the formula with def and a name"
        )
    _, *parameters = _checked_parameters(function)
    return PythonFormula(with_own_variables(function), tuple(parameters))


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
        if parameter.name.startswith("_") or parameter.name == "version" or hasattr(Schedule, parameter.name):
            raise ValueError(
                f"{name} has a parameter {parameter.name}, which is a name that all schedules have or keep for "
                f"themselves; call it otherwise, such as {name}_{parameter.name.strip('_')}"
            )
        if parameter.default is not parameter.empty:
            validation.real(f"the default of {name}, {parameter.name}", parameter.default)
    return parameters


class _OwnFormula(Schedule):
    """The base of the classes that `own_formula` makes."""

    _formula: ClassVar[PythonFormula]

    def __post_init__(self) -> None:
        for parameter in fields(self):
            number = validation.real(parameter.name, getattr(self, parameter.name))
            set_fields(self, **{parameter.name: number + 0.0})  # not -0.0

    def _described(self) -> Piecewise:
        parameters = tuple(getattr(self, parameter.name) for parameter in fields(self))
        return (Piece(NEVER, (), PythonCurve(self._formula, parameters)),)

    def __repr__(self) -> str:
        # There may be no parameter, or only ones that can't be given by position.
        return (
            super().__repr__()
            if self.__match_args__
            else f"{type(self).__name__}({', '.join(self._named())})"
        )

    def _named(self) -> Iterator[str]:
        return (f"{p.name}={getattr(self, p.name)!r}" for p in fields(self))


def _schedule_class(formula: PythonFormula, function: FunctionType) -> type[_OwnFormula]:
    given = {
        parameter.name: field(
            kw_only=parameter.kind is parameter.KEYWORD_ONLY,
            default=MISSING if parameter.default is parameter.empty else parameter.default,
        )
        for parameter in formula.parameters
    }
    namespace = {
        "__doc__": function.__doc__ or f"The schedule of the formula ``{formula.name}``.",
        "__module__": function.__module__,
        "__qualname__": function.__qualname__,
        "__annotations__": dict.fromkeys(given, float),
        "_formula": formula,
    }
    return immutable(type(formula.name, (_OwnFormula,), {**namespace, **given}))
