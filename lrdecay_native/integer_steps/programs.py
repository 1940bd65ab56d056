"""Values at steps that are whole numbers, as programs that an array namespace runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from lrdecay_native.integer_steps.division import ceiling, divided
from lrdecay_native.integer_steps.machine import Machine
from lrdecay_native.integer_steps.pieces import IntegerArithmetic
from lrdecay_native.integer_steps.recording import Recording
from lrdecay_native.integer_steps.values import Counter, Line, Real, Value
from lrdecay_native.piecewise.pieces import Breakpoint, Kernel, Piece, Piecewise, TimeMap
from lrdecay_native.piecewise.transitions import held

Formula = Callable[[Machine, Value], Sequence[Value]]
"""``formula(xp, step)`` gives values."""


class Program:
    """The operations that make values of steps; what they are is found out once.

    Parameters
    ----------
    formula : callable
        As `Formula`.
    stop : int or None
        Steps are integers of 64 bits, from 0 to below this; with None they are in float64.
    """

    def __init__(self, formula: Formula, stop: int | None) -> None:
        self._recording = recording = Recording()
        xp: Any = recording
        step = recording.start()
        variable = Real(xp, lambda: step) if stop is None else Line.of(Counter(xp, step), 0, stop - 1)
        self._results = [_integer_or_array(value) for value in formula(xp, variable)]

    def run(self, xp: Machine, steps: Any, constants: dict[int, Any] | None = None) -> list[Any]:
        """The values, in float64 or integers of 64 bits; anything at steps that the program isn't for.

        Parameters
        ----------
        xp : Machine
            The namespace.
        steps : value of that namespace
            The steps.
        constants : dict, optional
            Keeps what depends on no step from one run to the next.
        """
        results = self._recording.run(xp, steps, self._results, constants)
        return [
            value if result.variable or not len(steps.shape) else value + 0.0 * xp.real(steps)
            for value, result in zip(results, self._results, strict=True)
        ]


def _integer_or_array(value: Value) -> Any:
    whole = isinstance(value, Line) and value.counter is not None and value.slope == 1 and value.offset == 0
    return value.counter.integer if whole else value.array  # type: ignore[attr-defined]


def rate_of(pieces: Piecewise) -> Formula:
    """The rate of pieces."""
    return lambda xp, step: [IntegerArithmetic(xp).pieces(pieces, step)]


def periods(period: Fraction) -> Formula:
    """How many whole periods are over."""
    return lambda xp, step: [divided(step, period)[0]]


def begun_periods(period: Fraction) -> Formula:
    """How many periods have begun, the one that is about to begin not among them."""
    return lambda xp, step: [ceiling(step, period)]


def cycle_and_part(period: Fraction) -> Formula:
    """How many whole periods are over, and the part of the one after them that is."""

    def formula(xp: Machine, step: Value) -> Sequence[Value]:
        cycle, place = divided(step, period)
        return cycle, place() / Line(xp, period)

    return formula


def growing_cycle_and_part(begins: Sequence[Fraction]) -> Formula:
    """The same of periods that begin at some steps, in order, the last of which ends the last period."""
    spans = [(begin, Breakpoint(end), end - begin) for begin, end in pairwise(begins)]
    cycles = tuple(held((float(number), 0.0), end) for number, (_, end, _) in enumerate(spans))
    parts = tuple(
        Piece(end, (TimeMap("delayed", begin), TimeMap("continuous", length)), IDENTITY)
        for begin, end, length in spans
    )
    return lambda xp, step: [IntegerArithmetic(xp).pieces(pieces, step) for pieces in (cycles, parts)]


IDENTITY = Kernel("ramp", (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
"""The curve of a variable itself."""
