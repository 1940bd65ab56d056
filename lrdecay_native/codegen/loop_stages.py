"""Long computations in stages, each a loop of its own over a strip of steps."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from lrdecay_native.arithmetic.recording import Number, Operation, Symbol
from lrdecay_native.codegen.functions import indented, statements, temporaries
from lrdecay_native.codegen.tuning import LONGEST_STAGE_OPERATIONS, STRIP_STEPS


@dataclass(frozen=True)
class Stage:
    """A part of a computation with a loop of its own: what it takes from the stages before it, and its operations."""

    taken: tuple[Symbol, ...]
    operations: list[Operation]


def stages(operations: list[Operation], outputs: Iterable[Number]) -> list[Stage]:
    """Cut operations into loops of about equal length, where little has to be handed on."""
    count = max(-(-len(operations) // LONGEST_STAGE_OPERATIONS), 1)
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


def staged_loops(
    operations: list[Operation], outputs: Iterable[Number], loads: list[str], stores: list[str]
) -> tuple[list[str], tuple[str, ...]]:
    """Loops over ``length`` steps, of which the current one is ``strip + i``, and the local vectors that they use.

    The stages of a long computation hand on what they computed strip by strip; a short one is a single loop.
    """
    parts = stages(operations, outputs)
    if len(parts) == 1:
        body = ["for i in range(length):", *indented([*loads, *statements(operations), *stores])]
        return ["strip = 0", *body], ()
    handed_on = {symbol.name for part in parts for symbol in part.taken}
    lines = []
    for part in parts:
        lines += [
            "for i in range(strip_length):",
            *indented(loads),
            *indented(f"{symbol.name} = {symbol.name}_strip[i]" for symbol in part.taken),
            *indented(statements(part.operations)),
            *indented(
                f"{result}_strip[i] = {result}"
                for result in temporaries(part.operations)
                if result in handed_on
            ),
        ]
    lines += indented(stores)
    return [
        f"for strip in range(0, length, {STRIP_STEPS}):",
        f"    strip_length = min({STRIP_STEPS}, length - strip)",
        *indented(lines),
    ], tuple(f"{name}_strip" for name in sorted(handed_on))
