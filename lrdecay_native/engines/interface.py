"""What an engine offers: the only functions that run compiled code."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Rates = npt.NDArray[Any]
"""Of float64 or float32."""
Pair = tuple[Doubles, Doubles]
PointPair = tuple[float, float]


class PointEvaluator(Protocol):
    """Kernels in short arithmetic at single steps, each applied to the result of the one before."""

    def at(self, step: Any) -> float | None:
        """The value at a step, or None for a step that needs more bits, isn't in range, or is no number."""


class Compiled(Protocol):
    """A function of pairs ``high + low`` that the engine runs by itself."""

    def on_arrays(self, pair: Pair, /) -> Pair:
        """The value at each element of a pair of contiguous arrays."""

    def on_point(self, pair: PointPair, /) -> PointPair:
        """The value at a pair of floats."""

    def at(self, step: Any, /) -> float | None:
        """The value at a step, rounded, or None for a step that isn't in range, or is no number."""


class Engine(Protocol):
    """A module with these functions; arrays are contiguous, and what is written doesn't overlap what is read."""

    def prepare(self, kernel: str, parameters: Doubles, out: Doubles, /) -> None:
        """Write what a kernel needs to know of sets of parameters; each has a column in both matrices."""

    def evaluate(self, kernel: str, steps: Rates, stride: int, constants: Doubles, out: Rates, /) -> None:
        """Write the values at rows of steps, each with a column of the constants.

        A row begins so many steps behind the one before; with a stride of 0 all have the same steps.  Steps and
        values are of float64, or the values, or both, of float32.
        """

    def Point(self, stages: list[tuple[str, list[float]]], limit: float, /) -> PointEvaluator:  # noqa: N802 - a class
        """Kernels with their constants, for steps below the limit."""

    def apply_to_arrays(self, kernel: str, variable: Pair, /, *others: Any) -> Pair:
        """The values of a kernel in 106 bits at a pair of arrays.

        A combination has another pair, whose two arrays are the first of the others; the rest of them are parameters.
        """

    def apply_to_point(self, kernel: str, variable: PointPair, /, *others: float) -> PointPair:
        """The value at a pair of floats; those of another pair, of a combination, are the first of the others."""

    def CompiledKernel(self, kernel: str, parameters: tuple[float, ...], /) -> Compiled:  # noqa: N802 - as all below
        """A kernel with its parameters."""

    def CompiledPipeline(self, links: tuple[Any, ...], /) -> Compiled:  # noqa: N802
        """Each applied to what the one before it gave."""

    def CompiledPiecewise(self, begins: list[PointPair], links: tuple[Any, ...], /) -> Compiled:  # noqa: N802
        """Each from one place to the next: the first up to the first place."""

    def CompiledPeriodic(  # noqa: N802
        self, cycle: Any, period: PointPair, gain: float, offset: PointPair, /
    ) -> Compiled:
        """One that begins again after each period, with a gain per period around an offset."""

    def CompiledCombination(self, kernel: str, first: Any, second: Any, /) -> Compiled:  # noqa: N802
        """A kernel of what two give."""

    def CompiledTable(self, rates: Doubles, linear: bool, /) -> Compiled:  # noqa: N802
        """Rates at 0, 1, 2, ..., and lines between them or the one before."""

    def CompiledCall(self, function: Any, /) -> Compiled:  # noqa: N802
        """What an object with ``on_arrays`` and ``on_point`` of its own, written in Python, gives."""

    def fill_blocks(
        self,
        link: Any,
        out: Rates,
        block_starts: Indices,
        block_lengths: Indices,
        first: int,
        step: int,
        buffer: Rates | None,
        /,
    ) -> list[tuple[int, int]]:
        """Fill blocks with what is compiled; give starts and lengths of those that the dtype has too few bits for."""

    def sample_steps(
        self,
        out_highs: Doubles,
        out_lows: Doubles,
        starts: Indices,
        lengths: Indices,
        nodes: Indices,
        first: int,
        step: int,
        /,
    ) -> None:
        """Write the steps at the nodes of blocks, as ``high + low``: all first nodes, then all second ones, ..."""

    def write_blocks(
        self,
        out: Rates,
        starts: Indices,
        lengths: Indices,
        highs: Doubles,
        lows: Doubles,
        coefficients: Doubles,
        expansions: Doubles,
        out_choices: Doubles,
        buffer: Rates | None,
        /,
    ) -> float:
        """Fill blocks from the values at their nodes, and give the least choice; those with a negative one are left.

        This and all functions below write past the processor's caches where there is a buffer.
        """

    def write_lines(
        self,
        out: Rates,
        starts: Indices,
        first_highs: Doubles,
        first_lows: Doubles,
        last_highs: Doubles,
        last_lows: Doubles,
        buffer: Rates | None,
        /,
    ) -> None:
        """Write straight lines, each from one of the starts to the one behind it."""

    def write_cycles(
        self,
        out: Rates,
        starts: Indices,
        gain_highs: Doubles,
        gain_lows: Doubles,
        highs: Doubles,
        lows: Doubles,
        least: float,
        offset_high: float,
        offset_low: float,
        buffer: Rates | None,
        /,
    ) -> None:
        """Write the distances of one cycle from an offset, times the gain of each cycle that begins at the starts."""

    def write_runs(self, out: Rates, values: Rates, starts: Indices, buffer: Rates | None, /) -> None:
        """Write runs of equal values, from the starts on; behind the last of these the last run ends."""

    def write_tiles(self, tiled: Rates, first: int, length: int, buffer: Rates | None, /) -> None:
        """Write copies of so many values from a first one on, up to the end."""


def check(module: ModuleType) -> None:
    """Raise an ImportError for a module that lacks a function."""
    functions = [name for name in vars(Engine) if not name.startswith("_")]
    missing = [name for name in functions if not hasattr(module, name)]
    if missing:
        raise ImportError(f"the engine {module.__name__} has no {', '.join(missing)}")
