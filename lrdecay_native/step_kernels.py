"""The kernels for arbitrary steps: every formula after each of its time maps, traced in short arithmetic.

What depends on the parameters alone becomes constants, computed once for each set of parameters; what is left is a
few dozen operations a step.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from lrdecay_native.arithmetic import compensated, plain
from lrdecay_native.arithmetic.double_double import DoubleDouble
from lrdecay_native.arithmetic.intervals import Interval
from lrdecay_native.arithmetic.moderate import MODERATE_PERIODS, moderate_bounds
from lrdecay_native.arithmetic.recording import Number, Operation, Symbol, Trace
from lrdecay_native.formulas import FORMULAS, TIME_MAPS, Formula
from lrdecay_native.formulas.specialisations import MOST_CONSTANTS, PERIOD, WHOLE_PERIODS, variants

PIECE = 256
"""Steps that go through one stage of a kernel together; what they hand on stays in the nearest cache."""

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
        return [operation for operation in self.trace.needed(*outputs) if operation.result.varying]

    def invariant(self) -> list[Operation]:
        """The operations on the way to the constants."""
        return self.trace.needed(*self.constants)


def step_kernels() -> Iterator[StepKernel]:
    """Every kernel for arbitrary steps."""
    yield _whole_periods()
    for entry in FORMULAS.values():
        for time_map in entry.time_maps:
            for name, known in variants(entry.name, time_map):
                yield _traced(entry, time_map, name, known)


def _whole_periods() -> StepKernel:
    trace = Trace()
    step, period = _step_and_period(compensated, trace)
    whole = TIME_MAPS["staircase"].function(compensated, step, period)
    return _checked(StepKernel(WHOLE_PERIODS, PERIOD, trace, {"float64": whole.result()}))


def _traced(entry: Formula, time_map: str, name: str, known: dict[str, float]) -> StepKernel:
    trace = Trace()
    outputs = {}
    for dtype, xp in _precisions(entry, time_map).items():
        x = TIME_MAPS[time_map].function(xp, *_step_and_period(xp, trace))
        parameters = [
            xp.asarray(known[p])
            if p in known
            else xp.asarray(trace.argument(p, varying=False)).within(
                moderate_bounds(p, entry.described_as(p).range)
            )
            for p in entry.parameters
        ]
        outputs[dtype] = entry.function(xp, x, *parameters).result()
    return _checked(StepKernel(name, (*PERIOD, *entry.parameters), trace, outputs))


def _precisions(entry: Formula, time_map: str) -> dict[str, ModuleType]:
    """Float32 results are those of the public kernels, which have the first time map."""
    return PRECISIONS if time_map == entry.time_maps[0] else {"float64": compensated}


def _step_and_period(xp: ModuleType, trace: Trace) -> tuple[Any, Any]:
    high, low = (trace.argument(name, varying=False) for name in PERIOD)
    step = xp.step(trace.argument("step")).within(Interval(0.0, 2.0**63))
    return step, xp.asarray(DoubleDouble(high, low)).within(MODERATE_PERIODS)


def _checked(kernel: StepKernel) -> StepKernel:
    if len(kernel.constants) > MOST_CONSTANTS:
        raise ValueError(
            f"{kernel.name} has {len(kernel.constants)} constants; the most are {MOST_CONSTANTS}"
        )
    return kernel


LONGEST_STAGE = 40
"""A loop with more operations has a chain of dependences too long for a processor to overlap its rounds."""


@dataclass(frozen=True)
class Stage:
    """A part of a kernel with a loop of its own: what it takes from the stages before it, and its operations."""

    taken: tuple[Symbol, ...]
    operations: list[Operation]


def stages(operations: list[Operation], outputs: Iterable[Number]) -> list[Stage]:
    """Cut operations into loops of about equal length, where little has to be handed on."""
    count = max(-(-len(operations) // LONGEST_STAGE), 1)
    size = len(operations) / count
    cuts = [0]
    for number in range(1, count):
        window = range(int((number - 0.25) * size), int((number + 0.25) * size) + 1)
        cuts.append(min(window, key=lambda cut: len(_handed_on(operations, cut, outputs))))
    return [
        Stage(_taken(operations, first, last, outputs), operations[first:last])
        for first, last in itertools.pairwise([*cuts, len(operations)])
    ]


def _handed_on(operations: list[Operation], cut: int, outputs: Iterable[Number]) -> tuple[Symbol, ...]:
    """What is computed before a cut and used behind it."""
    used = _names(number for operation in operations[cut:] for number in operation.operands) | _names(outputs)
    return tuple(operation.result for operation in operations[:cut] if operation.result.name in used)


def _taken(
    operations: list[Operation], first: int, last: int, outputs: Iterable[Number]
) -> tuple[Symbol, ...]:
    """What a stage takes from those before it; the last one is also where the outputs are written."""
    used = _names(number for operation in operations[first:last] for number in operation.operands)
    if last == len(operations):
        used |= _names(outputs)
    return tuple(operation.result for operation in operations[:first] if operation.result.name in used)


def _names(numbers: Iterable[Number]) -> set[str]:
    return {number.name for number in numbers if isinstance(number, Symbol)}
