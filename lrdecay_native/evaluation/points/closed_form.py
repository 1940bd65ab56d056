"""Formulas with their parameters at arbitrary steps, by the kernels in short arithmetic.

These kernels are for steps that a float64 holds, for floors below 2**51 and for up to 2**32 cycles; all other steps
are left to the kernels with 106 bits.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.arithmetic.moderate import moderate
from lrdecay_native.engines import engine
from lrdecay_native.evaluation.points.far_steps import MOST_PERIODS
from lrdecay_native.evaluation.points.pairs import DoubleDoubleArray, Doubles, as_pair
from lrdecay_native.formulas.catalogue import FORMULAS
from lrdecay_native.formulas.specialisations import MOST_CONSTANTS, WHOLE_PERIODS, variant
from lrdecay_native.immutable import immutable
from lrdecay_native.validation import STEP_LIMIT

PIECE = 32768
"""Steps that are converted, floored and evaluated together: they stay in the processor's cache."""

AT_ONCE = 2**20
"""Values per call of a kernel, which nothing interrupts: tens of milliseconds."""

FEWEST_FOR_A_THREAD = 16384
"""Fewer values than these take less time than a thread takes to start."""

Exact = Callable[[int, DoubleDoubleArray], DoubleDoubleArray]
"""``exact(k, steps)``: the values with the ``k``-th set of parameters, in 106 bits."""


def constants(kernel: str, parameters: Doubles) -> Doubles:
    """What a kernel needs to know of sets of parameters; a column for each set."""
    result = np.empty((MOST_CONSTANTS, parameters.shape[1]))
    engine.prepare(kernel, parameters, result)
    return result


@immutable
class ClosedForm:
    """A formula of a time map of the step, the step being floored to whole periods before.

    Attributes
    ----------
    formula, time_map : str
        Names in the registries.
    period : Fraction
        The period of the time map.
    parameters : tuple of float
        Those of the formula.
    floors : tuple of Fraction
        The step is divided by each of these and floored, one after the other.
    """

    formula: str
    time_map: str
    period: Fraction
    parameters: tuple[float, ...]
    floors: tuple[Fraction, ...] = ()

    def stretched(self, factor: Fraction) -> ClosedForm:
        """The curve at ``step / factor``."""
        if self.floors:
            return replace(self, floors=(self.floors[0] * factor, *self.floors[1:]))
        return replace(self, period=self.period * factor)

    def floored(self, period: Fraction) -> ClosedForm:
        """The curve at ``floor(step / period)``."""
        return replace(self, floors=(period, *self.floors))

    def stages(self) -> list[tuple[str, Doubles]]:
        """The kernels, each to be applied to the result of the one before, and their constants."""
        named = dict(zip(FORMULAS[self.formula].parameters, self.parameters, strict=True))
        kernel = variant(self.formula, named, self.time_map)
        return [
            *((WHOLE_PERIODS, constants(WHOLE_PERIODS, _column(period))) for period in self.floors),
            (kernel, constants(kernel, _column(self.period, *self.parameters))),
        ]

    def limit(self) -> float:
        """The step from which on the kernels of the stages aren't exact."""
        sizes = list(itertools.accumulate((*self.floors, self.period), operator.mul))
        named = dict(zip(FORMULAS[self.formula].parameters, self.parameters, strict=True))
        if not all(moderate(size, named) for size in (*self.floors, self.period, *sizes)):
            return 0.0
        # The steps are floored to these numbers of periods, the last ones within the time map, which leaves the less
        # of 1 - x, the more there are.
        floored = [size * 2**51 for size in sizes[:-1]]
        if self.time_map == "cyclic":
            floored.append(sizes[-1] * MOST_PERIODS)
        return float(min(STEP_LIMIT, *floored, STEP_LIMIT))


def _column(period: Fraction, *parameters: float) -> Doubles:
    high = float(period)
    return np.array([[high], [float(period - Fraction(high))], *([p] for p in parameters)])


@immutable
class ElementwiseEvaluator:
    """Sets of parameters of one formula, ready for steps.

    Attributes
    ----------
    stages : list of (str, array)
        Kernels, applied one after the other, and their constants: a column for each set.
    limit : float
        Steps from here on are left to ``exact``.
    exact : callable
        As `Exact`.
    """

    stages: list[tuple[str, Doubles]]
    limit: float
    exact: Exact

    @classmethod
    def of(
        cls, curve: ClosedForm, exact: Callable[[DoubleDoubleArray], DoubleDoubleArray]
    ) -> ElementwiseEvaluator:
        """The evaluator of one curve."""
        return cls(curve.stages(), curve.limit(), lambda _, steps: exact(steps))

    @property
    def sets(self) -> int:
        """How many sets of parameters there are."""
        return len(self.stages[0][1][0])

    def evaluate(
        self, steps: npt.NDArray[Any], highest: float, out: npt.NDArray[Any], threads: int = 1
    ) -> None:
        """Write the values, a row for each set of parameters.

        Parameters
        ----------
        steps : ndarray
            Contiguous; a row for each set, or one row for all.
        highest : float
            The highest step.
        out : ndarray of float64 or float32
            Contiguous, of shape (sets, steps in a row), apart from the steps in memory.
        threads : int
            How many may work at a time.
        """
        count = min(threads, max(1, out.size // FEWEST_FOR_A_THREAD))
        run(self.tasks(steps, highest, out, count), count)

    def tasks(
        self, steps: npt.NDArray[Any], highest: float, out: npt.NDArray[Any], count: int = 1
    ) -> list[Iterator[None]]:
        """What `evaluate` has so many threads do; none where it was done at once."""
        rows, length = out.shape
        fast = highest < self.limit and (highest < 2.0**53 or _holds_only_doubles(steps.dtype))
        direct = fast and len(self.stages) == 1 and (steps.dtype.char, out.dtype.char) in _DIRECT
        if rows > 1 and fast and not direct:
            steps, direct = steps.astype(np.float64), len(self.stages) == 1
        if direct and count == 1 and out.size <= AT_ONCE:
            self._rows(steps, 0, rows, out)
            return []
        if direct and rows >= count and length <= AT_ONCE:
            return [self._some_rows(steps, first, last, out) for first, last in parts(rows, count)]
        return [
            self._pieces(k, steps[k if len(steps) > 1 else 0], first, last, out[k], fast, direct)
            for k in range(rows)
            for first, last in parts(length, count)
        ]

    def _some_rows(self, steps: Doubles, first: int, last: int, out: npt.NDArray[Any]) -> Iterator[None]:
        most = max(AT_ONCE // max(out.shape[1], 1), 1)
        for row in range(first, last, most):
            self._rows(steps, row, min(row + most, last), out)
            yield

    def _rows(self, steps: Doubles, first: int, last: int, out: npt.NDArray[Any]) -> None:
        kernel, columns = self.stages[0]
        some = steps[first:last] if len(steps) > 1 else steps
        stride = steps.shape[1] if len(steps) > 1 else 0
        if (first, last) != (0, columns.shape[1]):
            columns = np.ascontiguousarray(columns[:, first:last])
        engine.evaluate(kernel, some, stride, columns, out[first:last])

    def _pieces(
        self,
        k: int,
        steps: npt.NDArray[Any],
        first: int,
        last: int,
        out: npt.NDArray[Any],
        fast: bool,
        direct: bool,
    ) -> Iterator[None]:
        """A part of a row."""
        columns = [
            (kernel, all_columns if self.sets == 1 else np.ascontiguousarray(all_columns[:, k : k + 1]))
            for kernel, all_columns in self.stages
        ]
        if direct:
            for start in range(first, last, AT_ONCE):
                part = slice(start, min(start + AT_ONCE, last))
                self._apply(columns, steps[part], out[part], np.empty(0))
                yield
            return
        work = np.empty((2, min(PIECE, last - first)))
        for start in range(first, last, PIECE):
            some = steps[start : min(start + PIECE, last)]
            destination = out[start : start + len(some)]
            if fast:
                work[0, : len(some)] = some
                self._apply(columns, work[0, : len(some)], destination, work[1])
            else:
                high, low = as_pair(some)
                slow = (low != 0.0) | (high >= self.limit)
                self._apply(columns, np.where(slow, 0.0, high), destination, work[1])
                if slow.any():
                    destination[slow] = self.exact(k, (high[slow], low[slow]))[0]
            yield

    @staticmethod
    def _apply(
        stages: list[tuple[str, Doubles]], steps: Doubles, out: npt.NDArray[Any], work: Doubles
    ) -> None:
        # A kernel is fast where what it writes doesn't overlap what it reads.
        for kernel, columns in stages[:-1]:
            floored = work[: len(steps)]
            engine.evaluate(kernel, steps, 0, columns, floored)
            steps, work = floored, steps
        kernel, columns = stages[-1]
        engine.evaluate(kernel, steps, 0, columns, out)

    def point(self) -> Callable[[Any], float | None]:
        """A function of a single step that gives None where `exact` or a message is needed."""
        stages = [(kernel, columns[:, 0].tolist()) for kernel, columns in self.stages]
        return engine.Point(stages, self.limit).at


_DIRECT = {("d", "d"), ("d", "f"), ("f", "f")}
"""The kinds of steps and values that kernels have."""


def _holds_only_doubles(dtype: np.dtype[Any]) -> bool:
    return dtype.itemsize < 8 or (dtype.kind == "f" and dtype.itemsize == 8)


_END = object()


def run(tasks: Sequence[Iterator[None]], threads: int) -> None:
    """Run tasks, some at a time; where one fails, or Ctrl-C is pressed, each ends with the item it is at."""
    if threads == 1 or len(tasks) <= 1:
        for task in tasks:
            for _ in task:
                pass
        return
    # Few calls need it, and its import takes longer than that of this package.
    from concurrent.futures import ThreadPoolExecutor

    stopped = False

    def work(task: Iterator[None]) -> None:
        while not stopped and next(task, _END) is not _END:
            pass

    with ThreadPoolExecutor(threads) as pool:
        try:
            for done in [pool.submit(work, task) for task in tasks]:
                done.result()
        finally:
            stopped = True


def parts(length: int, count: int) -> list[tuple[int, int]]:
    """The first and the last (exclusive) index of parts of about equal length."""
    ends = [length * k // count for k in range(count + 1)]
    return list(itertools.pairwise(ends))
