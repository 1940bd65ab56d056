"""The decay formulas as functions of the step, like NumPy's ufuncs.

Every function broadcasts its arguments against each other, releases the GIL in the compiled loops, and returns a
Python float when every argument is a scalar.

A float64 value is within 0.8 ulp of the true value, a float32 value within 0.51 ulp of it: each is computed for its
dtype, a few dozen operations a step.  Steps that no float64 holds, such as 2**53 + 1, and extreme parameters (such as
periods or rates outside of 1e-40 to 1e40, or rates more than 1e12 times apart) are computed in about 106 bits; their
values are within 0.51 ulp.  The stated accuracy is that for initial rates up to 1e20 and, near the end of a
polynomial, steps up to 2**50.

A value depends on its step, its parameters and the dtype of the result alone, to the last bit: not on the shape, the
memory layout or the dtype of the arrays, nor on ``threads``, nor on the engine.  So an array and single steps agree
bit for bit.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Collection, Iterator
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from lrdecay_native import validation
from lrdecay_native.arithmetic.moderate import moderate
from lrdecay_native.evaluation import memory
from lrdecay_native.evaluation.points.closed_form import (
    FEWEST_FOR_A_THREAD,
    ElementwiseEvaluator,
    constants,
    parts,
    run,
)
from lrdecay_native.evaluation.points.pairs import DoubleDoubleArray, Doubles, apply_to_arrays, contiguous
from lrdecay_native.formulas.catalogue import FORMULAS, Formula
from lrdecay_native.formulas.parameters import Range
from lrdecay_native.formulas.specialisations import variant, variants
from lrdecay_native.formulas.synonyms import refuse_surplus, refuse_unknown
from lrdecay_native.messages import shown

_BATCH_VALUES = 2**20
"""Values for which constants are prepared together."""

_BATCH_SETS = 2**14
"""Sets of parameters whose constants are prepared together."""


class DecayFunction:
    # What stands for its docstring is below: that of each object is the text of its formula.

    def __init__(self, formula: Formula) -> None:
        self.__name__ = self.__qualname__ = formula.name
        self.__module__ = "lrdecay_native"
        self._formula = formula
        self._names = tuple(formula.arguments)
        self._defaults = {key: value for key, value in formula.arguments.items() if value is not None}

    def __call__(
        self,
        step: npt.ArrayLike,
        *arguments: npt.ArrayLike,
        out: npt.NDArray[Any] | None = None,
        dtype: npt.DTypeLike | None = None,
        threads: int = 1,
        **named: npt.ArrayLike,
    ) -> Any:
        formula, names, defaults = self._formula, self._names, self._defaults
        given = {**dict(zip(names, arguments, strict=False)), **named}
        if len(given) != len(arguments) + len(named) or {**defaults, **given}.keys() != set(names):
            _refuse_arguments(formula.name, names, defaults, len(arguments), named)
        parameters = {
            key: _checked(key, given[key] if key in given else defaults[key], formula.described[key].range)
            for key in names
        }
        period = 1.0 if formula.period is None else parameters.pop(formula.period)
        return _evaluate(
            formula.name,
            formula.time_maps[0],
            step,
            period,
            {parameter: parameters[parameter] for parameter in formula.parameters},
            out,
            dtype,
            threads,
        )

    @property
    def __signature__(self) -> inspect.Signature:
        return _signature(self._formula)

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        return _documentation(self._formula)

    def __repr__(self) -> str:
        return f"<function {self.__module__}.{self.__name__}>"

    def __reduce__(self) -> str:
        # Pickles name it, as they do any function.
        return self.__name__


def _refuse_arguments(
    callee: str, names: tuple[str, ...], defaults: Collection[str], positional: int, named: Collection[str]
) -> NoReturn:
    """Say which arguments behind the step are unknown, too many, given twice or missing."""
    instead = f"its parameters are step, {', '.join(names)}"
    refuse_unknown(callee, named, names, instead)
    refuse_surplus(callee, positional + 1, len(names) + 1, instead)
    for name in names[:positional]:
        if name in named:
            raise TypeError(f"{callee} got multiple values for argument {name!r}; {instead}")
    (missing, *_) = (name for name in names[positional:] if name not in named and name not in defaults)
    raise TypeError(f"{callee} is missing the argument {missing!r}; {instead}")


def kernel(name: str) -> DecayFunction:
    """The public function of a formula in the registry."""
    return DecayFunction(FORMULAS[name])


def _signature(formula: Formula) -> inspect.Signature:
    given, named = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    return inspect.Signature(
        [
            inspect.Parameter("step", given, annotation="npt.ArrayLike"),
            *(
                inspect.Parameter(
                    name,
                    given,
                    default=inspect.Parameter.empty if default is None else default,
                    annotation="npt.ArrayLike",
                )
                for name, default in formula.arguments.items()
            ),
            inspect.Parameter("out", named, default=None, annotation="npt.NDArray[Any] | None"),
            inspect.Parameter("dtype", named, default=None, annotation="npt.DTypeLike | None"),
            inspect.Parameter("threads", named, default=1, annotation="int"),
        ],
        return_annotation="Any",
    )


_DOCUMENTATION = """\
{summary}

{equation}

Parameters
----------
step : array_like of int or float
    Steps from 0 to below 2**63, of any integer or floating dtype; integers are exact.
{parameters}
out : ndarray of float64 or float32, optional
    Where to write, of the broadcast shape, any strides.
dtype : float64 or float32, optional
    The dtype of the result; float64 if neither ``out`` nor ``dtype`` is given.
threads : int, default 1
    How many threads may share the work, at least 1; the values are the same whatever it is.

Returns
-------
float or ndarray
    A Python float if all arguments are scalars and ``out`` is not given.

Raises
------
ValueError, TypeError
    For an argument outside its range or of a wrong kind, before anything is written.

Notes
-----
Within 0.8 ulp (float32: 0.51 ulp) of the true value where that is above 1e-285 (1e-28).
{source}

Examples
--------
{example}
"""


def _documentation(formula: Formula) -> str:
    parameters = []
    for name, default in formula.arguments.items():
        kind = "array_like of float" if default is None else f"array_like of float, default {default:g}"
        parameters += [f"{name} : {kind}", f"    {formula.described[name].description}"]
    return _DOCUMENTATION.format(
        summary=formula.summary,
        equation=formula.equation_of_step,
        parameters="\n".join(parameters),
        source=formula.source,
        example=formula.example,
    )


def _checked(name: str, value: npt.ArrayLike, values: Range) -> npt.NDArray[np.float64] | float:
    """A parameter as a float or an array of float64, within its range."""
    if type(value) in (float, int) and value in values:  # type: ignore[operator]
        return float(value)  # type: ignore[arg-type]
    array = validation.as_array(name, value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name}={shown(value)} must be a real number or an array of real numbers")
    numbers = array.astype(np.float64)
    right = (numbers >= values.lowest) & (numbers <= values.highest)
    if values.zero:
        right |= numbers == 0.0
    if not right.all():
        raise ValueError(f"{name}={array[~right].flat[0].item()!r} must be {values}")
    return numbers if numbers.ndim else float(numbers)


def _evaluate(
    formula: str,
    time_map: str,
    step: npt.ArrayLike,
    period: npt.NDArray[np.float64] | float,
    parameters: dict[str, npt.NDArray[np.float64] | float],
    out: npt.NDArray[Any] | None,
    dtype: npt.DTypeLike | None,
    threads: int,
) -> Any:
    steps, highest = validation.steps_and_highest("step", step)
    threads = validation.threads("threads", threads)
    if isinstance(period, float) and all(isinstance(p, float) for p in parameters.values()):
        result = memory.destination(out, steps.shape, dtype)
        if result.size:
            evaluator = _evaluator(
                formula,
                time_map,
                variant(formula, parameters, time_map),  # type: ignore[arg-type]
                np.array([[period], [0.0], *([p] for p in parameters.values())]),
                _limit(moderate(period, parameters)),
            )
            rows = contiguous(steps).reshape(1, -1)
            if _fits(result, rows):
                evaluator.evaluate(rows, highest, result.reshape(1, -1), threads)
            else:
                values = np.empty((1, result.size), result.dtype.newbyteorder("="))
                evaluator.evaluate(rows, highest, values, threads)
                result[...] = values.reshape(result.shape)
    else:
        result = _sweep(formula, time_map, steps, highest, period, parameters, out, dtype, threads)
    return float(result) if result.ndim == 0 and out is None else result


def _sweep(
    formula: str,
    time_map: str,
    steps: npt.NDArray[Any],
    highest: float,
    period: npt.NDArray[np.float64] | float,
    parameters: dict[str, npt.NDArray[np.float64] | float],
    out: npt.NDArray[Any] | None,
    dtype: npt.DTypeLike | None,
    threads: int,
) -> npt.NDArray[Any]:
    """Several sets of parameters."""
    arguments = {"period": period, **parameters}
    try:
        shape = np.broadcast_shapes(steps.shape, *(np.shape(a) for a in arguments.values()))
    except ValueError:
        shapes = ", ".join(f"{n} {np.shape(p)}" for n, p in parameters.items() if np.ndim(p))
        raise ValueError(
            f"step {steps.shape} and the parameters ({shapes}, period {np.shape(period)}) "
            "don't broadcast to one shape"
        ) from None
    result = memory.destination(out, shape, dtype)
    # The axes along which parameters vary come first: each set of parameters has a row of steps.
    padded = {name: _padded(a, len(shape)) for name, a in arguments.items()}
    varying = [axis for axis in range(len(shape)) if any(a.shape[axis] != 1 for a in padded.values())]
    order = [*varying, *(axis for axis in range(len(shape)) if axis not in varying)]
    sets = [shape[axis] for axis in varying]
    columns = {
        name: np.broadcast_to(a.reshape([a.shape[axis] for axis in varying]), sets).reshape(-1)
        for name, a in padded.items()
    }
    if result.size:
        rows = _as_rows(_padded(steps, len(shape)), shape, order, varying)
        _write(formula, time_map, columns, rows, highest, result.transpose(order), threads)
    return result


def _padded(array: npt.ArrayLike, ndim: int) -> npt.NDArray[Any]:
    array = np.asarray(array)
    return array.reshape((1,) * (ndim - array.ndim) + array.shape)


def _as_rows(
    steps: npt.NDArray[Any], shape: tuple[int, ...], order: list[int], varying: list[int]
) -> npt.NDArray[Any]:
    """The steps as contiguous rows, one for each set of parameters, or one row for all sets."""
    alike = all(steps.shape[axis] == 1 for axis in varying)
    full = tuple(1 if alike and axis in varying else size for axis, size in enumerate(shape))
    rows = np.broadcast_to(steps, full).transpose(order)
    count = 1 if alike else math.prod(shape[axis] for axis in varying)
    return contiguous(rows).reshape(count, -1)


def _write(
    formula: str,
    time_map: str,
    columns: dict[str, Doubles],
    steps: npt.NDArray[Any],
    highest: float,
    out: npt.NDArray[Any],
    threads: int,
) -> None:
    """The values, sets of parameters first, into an array with any strides that may overlap the steps."""
    count = len(columns["period"])
    fits = _fits(out, steps)
    rows = out if fits else np.empty(out.shape, out.dtype.newbyteorder("="))
    values = rows.reshape(count, -1)
    if count > 1 and len(steps) == 1 and highest < 2.0**53:
        steps = steps.astype(np.float64, copy=False)
    if count >= threads:
        shares = parts(count, min(threads, max(1, out.size // FEWEST_FOR_A_THREAD)))
        run(
            [_rows(formula, time_map, columns, steps, highest, values, slice(*part)) for part in shares],
            threads,
        )
    else:
        run([_rows(formula, time_map, columns, steps, highest, values, slice(0, count), threads)], 1)
    if not fits:
        out[...] = values.reshape(out.shape)


def _fits(out: npt.NDArray[Any], steps: npt.NDArray[Any]) -> bool:
    """Whether kernels can write to an array."""
    plain = out.flags.c_contiguous and out.flags.aligned and out.dtype.isnative
    return plain and not np.may_share_memory(steps, out)


def _rows(
    formula: str,
    time_map: str,
    columns: dict[str, Doubles],
    steps: npt.NDArray[Any],
    highest: float,
    out: npt.NDArray[Any],
    rows: slice,
    threads: int = 1,
) -> Iterator[None]:
    """Some rows of values, each set of parameters by the kernel that is for it."""
    length = out.shape[1]
    batch = min(max(_BATCH_VALUES // length, 1), _BATCH_SETS)
    for first in range(rows.start, rows.stop, batch):
        part = slice(first, min(first + batch, rows.stop))
        some = {name: column[part] for name, column in columns.items()}
        some_steps, destination = steps[part] if len(steps) > 1 else steps, out[part]
        named = {name: column for name, column in some.items() if name != "period"}
        left = moderate(some["period"], named)
        groups = [("", ~left)]
        for kernel, known in variants(formula, time_map):
            chosen = left.copy()
            for name, value in known.items():
                chosen &= some[name] == value
            left &= ~chosen
            groups.append((kernel, chosen))
        for kernel, chosen in groups:
            limit = _limit(bool(kernel))
            # What is left to 106 bits needs no kernel of its own.
            kernel = kernel or groups[-1][0]
            if chosen.all():
                evaluator = _evaluator(formula, time_map, kernel, _stacked(some), limit)
                yield from _evaluated(evaluator, some_steps, highest, destination, threads)
            elif chosen.any():
                values = np.empty((np.count_nonzero(chosen), length), out.dtype)
                columns_of_these = np.ascontiguousarray(_stacked(some)[:, chosen])
                evaluator = _evaluator(formula, time_map, kernel, columns_of_these, limit)
                its_steps = some_steps[chosen] if len(some_steps) > 1 else some_steps
                yield from _evaluated(evaluator, its_steps, highest, values, threads)
                destination[chosen] = values


def _evaluated(
    evaluator: ElementwiseEvaluator,
    steps: npt.NDArray[Any],
    highest: float,
    out: npt.NDArray[Any],
    threads: int,
) -> Iterator[None]:
    """Evaluate, with one thread item by item."""
    if threads > 1:
        evaluator.evaluate(steps, highest, out, threads)
    else:
        for task in evaluator.tasks(steps, highest, out):
            yield from task
    yield


def _limit(moderate: bool) -> float:
    """The step from which on 106 bits are needed."""
    return float(validation.STEP_LIMIT) if moderate else 0.0


def _stacked(columns: dict[str, Doubles]) -> Doubles:
    """The parameters of a kernel: the period in two parts, then the others."""
    period, *parameters = columns.values()
    return np.array([period, np.zeros(len(period)), *parameters])


def _evaluator(
    formula: str, time_map: str, kernel: str, columns: Doubles, limit: float
) -> ElementwiseEvaluator:
    def exact(k: int, step: DoubleDoubleArray) -> DoubleDoubleArray:
        period, _, *parameters = columns[:, k].tolist()
        named = dict(zip(FORMULAS[formula].parameters, parameters, strict=True))
        x = apply_to_arrays(time_map, step, period, 0.0)
        return apply_to_arrays(variant(formula, named), x, *parameters)

    return ElementwiseEvaluator([(kernel, constants(kernel, columns))], limit, exact)
