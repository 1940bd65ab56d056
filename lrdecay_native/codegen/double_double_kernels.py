"""Kernels in 106 bits: formulas in terms of their variable, time maps, composition maps and combinations.

Each becomes two functions: ``name`` for contiguous arrays, and ``name_point`` for numbers, which only the numba
engine needs: to the compiled one a number is an array of length 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lrdecay_native.arithmetic import double_double
from lrdecay_native.arithmetic.array_namespace import Namespace
from lrdecay_native.arithmetic.double_double import DoubleDouble
from lrdecay_native.arithmetic.recording import Number, Trace, text
from lrdecay_native.codegen.explanations import new_trace
from lrdecay_native.codegen.functions import Function, statements, temporaries
from lrdecay_native.codegen.loop_stages import staged_loops
from lrdecay_native.formulas.catalogue import COMBINATIONS, COMPOSITION_MAPS, FORMULAS, TIME_MAPS
from lrdecay_native.formulas.specialisations import variants


@dataclass(frozen=True)
class DoubleDoubleKernel:
    """A recorded function of numbers ``high + low``.

    Attributes
    ----------
    name : str
        What it is called.
    arrays : tuple of str
        Its variables, each in two parts.
    parameters : tuple of str
        What is the same at all steps.
    trace : Trace
        All operations.
    outputs : tuple of number
        The two parts of the result.
    """

    name: str
    arrays: tuple[str, ...]
    parameters: tuple[str, ...]
    trace: Trace
    outputs: tuple[Number, ...]

    @property
    def assignments(self) -> dict[str, Number]:
        """The arguments that the outputs are written to."""
        return {f"out{k}": output for k, output in enumerate(self.outputs)}


def formula_kernels(name: str) -> Iterator[DoubleDoubleKernel]:
    """The kernels of a formula in the registry, in terms of its variable ``x``."""
    entry = FORMULAS[name]
    for kernel, known in variants(name):
        yield _formula_kernel(kernel, entry.function, entry.parameters, known)


def _formula_kernel(
    name: str, function: Callable[..., Any], parameters: tuple[str, ...], known: Mapping[str, float]
) -> DoubleDoubleKernel:
    trace = new_trace()
    variable = DoubleDouble(trace.argument("high"), trace.argument("low"))
    values = [DoubleDouble(known[p] if p in known else trace.argument(p, varying=False)) for p in parameters]
    result = function(Namespace(double_double), variable, *values)
    return DoubleDoubleKernel(name, ("high", "low"), parameters, trace, (result.high, result.low))


def map_kernels() -> Iterator[DoubleDoubleKernel]:
    """The kernels of time maps, composition maps and combinations, whose parameters have two parts too."""
    for name, time_map in TIME_MAPS.items():
        yield _map_kernel(name, time_map.function, ("",), ("period",))
    for name, composition_map in COMPOSITION_MAPS.items():
        yield _map_kernel(name, composition_map.function, ("",), composition_map.parameters)
    for name, combination in COMBINATIONS.items():
        yield _map_kernel(name, combination.function, ("", "other_"), combination.parameters)


def _map_kernel(
    name: str, function: Callable[..., Any], variables: tuple[str, ...], parameters: tuple[str, ...]
) -> DoubleDoubleKernel:
    trace = new_trace()
    arrays = tuple(f"{variable}{part}" for variable in variables for part in ("high", "low"))
    names = tuple(f"{parameter}{part}" for parameter in parameters for part in ("", "_low"))
    highs_and_lows = [trace.argument(name) for name in arrays]
    highs_and_lows += [trace.argument(name, varying=False) for name in names]
    result = function(Namespace(double_double), *map(DoubleDouble, highs_and_lows[::2], highs_and_lows[1::2]))
    return DoubleDoubleKernel(name, arrays, names, trace, (result.high, result.low))


def functions_of(kernel: DoubleDoubleKernel) -> Iterator[Function]:
    """The two functions that a recorded kernel becomes."""
    yield _on_numbers(kernel)
    yield _on_arrays(kernel)


def _on_numbers(kernel: DoubleDoubleKernel) -> Function:
    operations = kernel.trace.needed(*kernel.outputs)
    return Function(
        f"{kernel.name}_point",
        "float64",
        tuple(("scalar", name) for name in (*kernel.arrays, *kernel.parameters)),
        (*temporaries(operations), *kernel.assignments),
        [
            *statements(operations),
            *(f"{result} = {text(value)}" for result, value in kernel.assignments.items()),
        ],
        results=tuple(kernel.assignments),
    )


def _on_arrays(kernel: DoubleDoubleKernel) -> Function:
    """Contiguous arrays, through loops of a length that processors overlap the rounds of."""
    operations = kernel.trace.needed(*kernel.outputs)
    body, strips = staged_loops(
        [operation for operation in operations if operation.result.varying],
        kernel.outputs,
        [f"{array} = {array}_array[as_index(strip + i)]" for array in kernel.arrays],
        [f"{result}[as_index(strip + i)] = {text(value)}" for result, value in kernel.assignments.items()],
    )
    return Function(
        kernel.name,
        "float64",
        (
            *(("vector", f"{array}_array") for array in kernel.arrays),
            *(("scalar", parameter) for parameter in kernel.parameters),
            *(("written vector", result) for result in kernel.assignments),
        ),
        (*kernel.arrays, *temporaries(operations)),
        [
            *statements(operation for operation in operations if not operation.result.varying),
            *body,
        ],
        strips=strips,
        chained=True,
    )
