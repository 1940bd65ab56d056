"""The kernels for arbitrary steps: every formula after each of its time maps, traced in short arithmetic.

What depends on the parameters alone becomes constants, computed once for each set of parameters; what is left is a
few dozen operations a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from lrdecay_native import compensated, plain
from lrdecay_native.double_double import DoubleDouble
from lrdecay_native.formulas import FORMULAS, TIME_MAPS, Formula
from lrdecay_native.tracing import Number, Operation, Symbol, Trace

MOST_CONSTANTS = 16
"""Every set of parameters has this many constants, of which a kernel uses the first."""

WHOLE_PERIODS = "whole_periods"
"""The kernel that floors steps, before another stage."""

PERIOD = ("period", "period_low")
"""The first parameters of every kernel: a period of 106 bits, as products of two periods have."""

PRECISIONS: dict[str, ModuleType] = {"float64": compensated, "float32": plain}


@dataclass(frozen=True)
class StepKernel:
    """A traced kernel.

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
        return [operation for operation in self._needed(*outputs) if operation.result.varying]

    def invariant(self) -> list[Operation]:
        """The operations on the way to the constants."""
        return self._needed(*self.constants)

    def _needed(self, *outputs: Number) -> list[Operation]:
        needed = {number.name for number in outputs if isinstance(number, Symbol)}
        operations = []
        for operation in reversed(self.trace.operations):
            if operation.result.name in needed:
                operations.append(operation)
                needed |= {number.name for number in operation.operands if isinstance(number, Symbol)}
        return operations[::-1]


def kernel_name(formula: str, time_map: str, parameter: str | None = None, value: float = 0.0) -> str:
    """The name of a kernel, which may be that for a common value of a parameter."""
    common = f"_{parameter}_{value:g}".replace(".", "_") if parameter else ""
    return f"{formula}_{time_map}{common}"


def step_kernels() -> Iterator[StepKernel]:
    """Every kernel for arbitrary steps."""
    yield _whole_periods()
    for entry in FORMULAS.values():
        for time_map in entry.time_maps:
            yield _traced(entry, time_map, kernel_name(entry.name, time_map), {})
            for parameter, values in entry.common.items():
                for value in values:
                    name = kernel_name(entry.name, time_map, parameter, value)
                    yield _traced(entry, time_map, name, {parameter: value})


def _whole_periods() -> StepKernel:
    trace = Trace()
    step, period = _step_and_period(compensated, trace)
    whole = TIME_MAPS["staircase"].function(compensated, step, period)
    return _checked(StepKernel(WHOLE_PERIODS, PERIOD, trace, {"float64": whole.result()}))


def _traced(entry: Formula, time_map: str, name: str, known: dict[str, float]) -> StepKernel:
    trace = Trace()
    outputs = {}
    for dtype, xp in PRECISIONS.items():
        x = TIME_MAPS[time_map].function(xp, *_step_and_period(xp, trace))
        parameters = [
            xp.asarray(known[p] if p in known else trace.argument(p, varying=False)) for p in entry.parameters
        ]
        outputs[dtype] = entry.function(xp, x, *parameters).result()
    return _checked(StepKernel(name, (*PERIOD, *entry.parameters), trace, outputs))


def _step_and_period(xp: ModuleType, trace: Trace) -> tuple[Any, Any]:
    high, low = (trace.argument(name, varying=False) for name in PERIOD)
    return xp.step(trace.argument("step")), xp.asarray(DoubleDouble(high, low))


def _checked(kernel: StepKernel) -> StepKernel:
    if len(kernel.constants) > MOST_CONSTANTS:
        raise ValueError(f"{kernel.name} has {len(kernel.constants)} constants; the most are {MOST_CONSTANTS}")
    return kernel
