"""Timing by pytest-benchmark, each round beside the yardsticks, and reading its JSON."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
from pytest_benchmark.fixture import BenchmarkFixture

from bench.cases import YARDSTICKS, Case

CLOCK = time.process_time
"""Processor time, as in pytest.ini: what else runs on the machine doesn't count, and every thread does.

No library here can be held to one thread for certain: XLA's pools ignore their flags.
"""

SECONDS_OF_A_CASE = 0.25
"""How long a case is measured, roughly, without its yardsticks."""

FEWEST_ROUNDS = 15
MOST_ROUNDS = 301
SCALAR_CALLS = 1000
CACHE_LINE_BYTES = 64
FEWEST_VALUES = 10_000
"""Shorter calls are timed many at once: one is too short for the clock."""


@dataclass(frozen=True)
class Spread:
    """The median of many rounds and their quartiles."""

    median: float
    lower: float
    upper: float

    @classmethod
    def of(cls, values: Sequence[float] | npt.NDArray[np.float64]) -> Spread:
        """The spread of these values."""
        lower, median, upper = np.percentile(values, [25, 50, 75]).tolist()
        return cls(median, lower, upper)


@dataclass(frozen=True)
class Measurement:
    """What was measured of a case.

    Attributes
    ----------
    case : Case
        The case.
    nanoseconds : Spread
        Processor time per value.
    ratios : dict of str to Spread
        Time against each yardstick, round by round.
    test : str
        The pytest node that measured it.
    worst_ulp : float or None
        The worst error at a sample of its steps.
    """

    case: Case
    nanoseconds: Spread
    ratios: Mapping[str, Spread]
    test: str = ""
    worst_ulp: float | None = None

    @property
    def ratio(self) -> Spread:
        """Time against the yardstick of the operation: the tracked figure."""
        return self.ratios[YARDSTICKS[self.case.operation]]

    def times_faster_than(self, peer: Measurement) -> float:
        """How many times less time than a peer's; below 1 the peer is faster."""
        return peer.nanoseconds.median / self.nanoseconds.median


def output(shape: int | tuple[int, ...], dtype: str, *, ahead: int = 0) -> npt.NDArray[Any]:
    """An array that begins so many bytes behind the begin of a line of the processor's cache."""
    size = int(np.prod(shape))
    raw = np.empty(size + 2 * CACHE_LINE_BYTES // np.dtype(dtype).itemsize, dtype)
    first = ((ahead - raw.ctypes.data) % CACHE_LINE_BYTES) // raw.itemsize
    return raw[first : first + size].reshape(shape)


def paired_ratios(times: Sequence[float], yardstick: Sequence[float]) -> Spread:
    """The spread of the ratios of each round's time to the yardstick's in the same round."""
    return Spread.of(np.asarray(times) / np.asarray(yardstick))


def _seconds(call: Callable[[], object]) -> float:
    begin = CLOCK()
    call()
    return CLOCK() - begin


def _measure(
    benchmark: BenchmarkFixture,
    case: Case,
    call: Callable[[], object],
    yardsticks: dict[str, Callable[[], object]],
    values: int,
) -> None:
    yardstick_times: dict[str, list[float]] = {name: [] for name in yardsticks}

    def time_yardsticks() -> None:
        for name, yardstick in yardsticks.items():
            yardstick_times[name].append(_seconds(yardstick))

    benchmark.group = f"{case.operation} | {case.dtype} | {case.size}"
    benchmark.extra_info["case"] = asdict(case)
    call()
    rounds = min(max(int(SECONDS_OF_A_CASE / _seconds(call)), FEWEST_ROUNDS), MOST_ROUNDS)
    benchmark.pedantic(call, setup=time_yardsticks, rounds=rounds)  # type: ignore[no-untyped-call]
    if benchmark.stats is not None:
        times = benchmark.stats.stats.data
        benchmark.extra_info["values"] = values
        benchmark.extra_info["ratios"] = {
            name: asdict(paired_ratios(times, yardstick)) for name, yardstick in yardstick_times.items()
        }


def measure_vector(
    benchmark: BenchmarkFixture, case: Case, call: Callable[[], object], out: npt.NDArray[Any]
) -> None:
    """Measure a call that makes ``out.size`` values; the yardsticks write into ``out`` itself."""
    source = np.ones_like(out)
    count = max(FEWEST_VALUES // out.size, 1)
    yardsticks = {
        "copy": _repeated(partial(np.copyto, out, source), count),
        "fill": _repeated(partial(out.fill, 0.1), count),
    }
    _measure(benchmark, case, _repeated(call, count), yardsticks, count * out.size)


def _repeated(call: Callable[[], object], count: int) -> Callable[[], object]:
    def repeated() -> None:
        for _ in repeat(None, count):
            call()

    return call if count == 1 else repeated


def measure_scalar(
    benchmark: BenchmarkFixture, case: Case, function: Callable[[Any], object], step: object
) -> None:
    """Measure calls of a function with one step; the yardsticks are calls on arrays of one element."""
    out, source = np.empty(1), np.ones(1)
    yardsticks: dict[str, Callable[[], object]] = {
        "copy": lambda: _calls(source.copy, "C"),
        "fill": lambda: _calls(out.fill, 0.1),
    }
    _measure(benchmark, case, lambda: _calls(function, step), yardsticks, SCALAR_CALLS)


def _calls(function: Callable[[Any], object], argument: object) -> None:
    for _ in repeat(None, SCALAR_CALLS):
        function(argument)


def measurements(report: Mapping[str, Any]) -> list[Measurement]:
    """What pytest-benchmark's JSON says."""
    return [_measurement(benchmark) for benchmark in report["benchmarks"]]


def _measurement(benchmark: Mapping[str, Any]) -> Measurement:
    stats, extra = benchmark["stats"], benchmark["extra_info"]
    nanoseconds = [stats[name] / extra["values"] * 1e9 for name in ("median", "q1", "q3")]
    return Measurement(
        Case(**extra["case"]),
        Spread(*nanoseconds),
        {name: Spread(**ratio) for name, ratio in extra["ratios"].items()},
        benchmark["fullname"],
        extra.get("worst_ulp"),
    )
