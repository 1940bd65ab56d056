"""The kernels for arbitrary steps: every formula after each of its time maps, recorded in short arithmetic.

What depends on the parameters alone becomes constants, computed once for each set of parameters; what is left is a
few dozen operations a step.  Each kernel becomes

``name_prepare``
    sets of parameters in, sets of constants out;
``name_float64``, ``name_float32``, ``name_float32_steps``
    rows of steps, a set of constants for each; the last one takes steps in float32 and gives rates in float32;
``name_value``
    one step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from lrdecay_native.arithmetic import compensated, plain
from lrdecay_native.arithmetic.array_namespace import Namespace
from lrdecay_native.arithmetic.double_double import DoubleDouble
from lrdecay_native.arithmetic.intervals import Interval
from lrdecay_native.arithmetic.moderate import MODERATE_PERIODS, moderate_bounds
from lrdecay_native.arithmetic.recording import Number, Operation, Symbol, Trace, text
from lrdecay_native.codegen.explanations import new_trace
from lrdecay_native.codegen.functions import Function, indented, statements, temporaries
from lrdecay_native.codegen.loop_stages import staged_loops
from lrdecay_native.formulas.catalogue import FORMULAS, TIME_MAPS, Formula
from lrdecay_native.formulas.specialisations import MOST_CONSTANTS, PERIOD, WHOLE_PERIODS, variants

PRECISIONS: dict[str, ModuleType] = {"float64": compensated, "float32": plain}


@dataclass(frozen=True)
class ElementwiseKernel:
    """A recorded kernel.

    Attributes
    ----------
    name : str
        Its functions are called ``name_...``.
    parameters : tuple of str
        What the constants are computed from.
    trace : Trace
        All operations.
    outputs : dict of str to number
        The value for each dtype.
    """

    name: str
    parameters: tuple[str, ...]
    trace: Trace
    outputs: dict[str, Number]

    @property
    def constants(self) -> list[Symbol]:
        """What the operations that depend on the step take from those that don't."""
        used: dict[str, Symbol] = {}
        for output in self.outputs.values():
            operations = self.varying(output)
            for number in (output, *(number for operation in operations for number in operation.operands)):
                if isinstance(number, Symbol) and not number.varying:
                    used.setdefault(number.name, number)
        return list(used.values())

    def varying(self, *outputs: Number) -> list[Operation]:
        """The operations on the way to these outputs that depend on the step."""
        return [operation for operation in self.trace.needed(*outputs) if operation.result.varying]

    def invariant(self) -> list[Operation]:
        """The operations on the way to the constants."""
        return self.trace.needed(*self.constants)


def whole_periods_kernel() -> ElementwiseKernel:
    """The kernel that floors steps, before another stage."""
    trace = new_trace()
    step, period = _step_and_period(compensated, trace)
    whole = TIME_MAPS["staircase"].function(compensated, step, period)
    return _checked(ElementwiseKernel(WHOLE_PERIODS, PERIOD, trace, {"float64": whole.result()}))


def elementwise_kernels(formula: str) -> Iterator[ElementwiseKernel]:
    """The kernels of a formula: for each time map, and for each common value of a parameter."""
    entry = FORMULAS[formula]
    for time_map in entry.time_maps:
        for name, known in variants(formula, time_map):
            yield recorded_kernel(entry, time_map, name, known)


def recorded_kernel(entry: Formula, time_map: str, name: str, known: dict[str, float]) -> ElementwiseKernel:
    """The kernel of a formula after a time map, with what is known of its parameters."""
    trace = new_trace()
    outputs = {}
    for dtype, xp in _precisions(entry, time_map).items():
        namespace = Namespace(xp)
        x = TIME_MAPS[time_map].function(namespace, *_step_and_period(xp, trace))
        parameters = [
            xp.asarray(known[p])
            if p in known
            else xp.asarray(trace.argument(p, varying=False)).within(
                moderate_bounds(p, entry.described_as(p).range)
            )
            for p in entry.parameters
        ]
        outputs[dtype] = entry.function(namespace, x, *parameters).result()
    return _checked(ElementwiseKernel(name, (*PERIOD, *entry.parameters), trace, outputs))


def _precisions(entry: Formula, time_map: str) -> dict[str, ModuleType]:
    """Float32 results are those of the public kernels, which have the first time map."""
    return PRECISIONS if time_map == entry.time_maps[0] else {"float64": compensated}


def _step_and_period(xp: ModuleType, trace: Trace) -> tuple[Any, Any]:
    high, low = (trace.argument(name, varying=False) for name in PERIOD)
    step = xp.step(trace.argument("step")).within(Interval(0.0, 2.0**63))
    return step, xp.asarray(DoubleDouble(high, low)).within(MODERATE_PERIODS)


def _checked(kernel: ElementwiseKernel) -> ElementwiseKernel:
    if len(kernel.constants) > MOST_CONSTANTS:
        raise ValueError(
            f"{kernel.name} has {len(kernel.constants)} constants; the most are {MOST_CONSTANTS}"
        )
    return kernel


def functions_of(kernel: ElementwiseKernel) -> Iterator[Function]:
    """The functions that a kernel for arbitrary steps becomes."""
    yield _prepare(kernel)
    yield _value(kernel)
    for dtype in kernel.outputs:
        yield _rows(kernel, dtype, f"{kernel.name}_{dtype}", "doubles")
    if "float32" in kernel.outputs:
        yield _rows(kernel, "float32", f"{kernel.name}_float32_steps", "floats")


def _prepare(kernel: ElementwiseKernel) -> Function:
    """From sets of parameters, in columns, to sets of constants."""
    operations = kernel.invariant()
    return Function(
        f"{kernel.name}_prepare",
        "float64",
        (("matrix", "parameters"), ("written matrix", "out")),
        (*kernel.parameters, *temporaries(operations)),
        [
            "for i in range(out.shape[1]):",
            *indented(f"{name} = parameters[{row}, i]" for row, name in enumerate(kernel.parameters)),
            *indented(statements(operations)),
            *indented(f"out[{row}, i] = {text(number)}" for row, number in enumerate(kernel.constants)),
        ],
    )


def _value(kernel: ElementwiseKernel) -> Function:
    """The value at one step."""
    output = kernel.outputs["float64"]
    operations = kernel.varying(output)
    return Function(
        f"{kernel.name}_value",
        "float64",
        (("scalar", "step"), ("double values", "constants")),
        (*(constant.name for constant in kernel.constants), *temporaries(operations)),
        [
            *(f"{constant.name} = constants[{row}]" for row, constant in enumerate(kernel.constants)),
            *statements(operations),
        ],
        results=(text(output),),
    )


def _rows(kernel: ElementwiseKernel, dtype: str, name: str, kind: str) -> Function:
    """The values at rows of steps, each row with constants of its own; the rows may have the same steps."""
    output = kernel.outputs[dtype]
    operations = kernel.varying(output)
    body, strips = staged_loops(
        operations,
        [output],
        ["step = float64(steps[as_index(origin + strip + i)])"],
        [f"out[as_index(first + strip + i)] = {dtype}({text(output)})"],
    )
    return Function(
        name,
        "float64",
        (
            (kind, "steps"),
            ("index", "stride"),
            ("matrix", "constants"),
            (f"written {dtype}", "out"),
        ),
        ("step", *(constant.name for constant in kernel.constants), *temporaries(operations)),
        [
            "count = constants.shape[1]",
            "length = out.shape[0] // count",
            "for row in range(count):",
            *indented(
                f"{constant.name} = constants[{number}, row]"
                for number, constant in enumerate(kernel.constants)
            ),
            "    first = row * length",
            "    origin = row * stride",
            *indented(body),
        ],
        strips=strips,
    )
