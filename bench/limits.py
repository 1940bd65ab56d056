"""What must be reached, as data, and the judgement of measurements against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.cases import ENGINES, GRID_SIZES, VECTOR_SIZE, Case
from bench.measurement import Measurement
from bench.subjects import KERNELS_MEASURED

COMPOSITION = "warm-up, decay, floor"
"""The name of that composition among the schedules measured."""

FORMULA_SCHEDULES = tuple(call.schedule for call in KERNELS_MEASURED.values())


@dataclass(frozen=True)
class Limit:
    """One row of the requirements.

    Attributes
    ----------
    requirement : str
        The row in words.
    figure : callable
        ``figure(measurement, all measurements)``, or None where it doesn't apply.
    bound : float
        The limit.
    at_least : bool
        Whether the figure must be at least the bound, rather than at most.
    unit : str
        Of the figure.
    """

    requirement: str
    figure: Callable[[Measurement, Sequence[Measurement]], float | None]
    bound: float
    at_least: bool = False
    unit: str = "x"

    def passes(self, value: float) -> bool:
        """Whether a figure keeps the limit."""
        return value >= self.bound if self.at_least else value <= self.bound

    def shortfall(self, value: float) -> float:
        """How far a figure is from the bound: the larger, the worse."""
        return self.bound / value if self.at_least else value / self.bound


@dataclass(frozen=True)
class Judgement:
    """A figure against a limit."""

    limit: Limit
    measurement: Measurement
    figure: float

    @property
    def passed(self) -> bool:
        """Whether the limit is kept."""
        return self.limit.passes(self.figure)


def _ratio(
    operation: str, belongs: Callable[[Case], bool] = lambda case: True
) -> Callable[[Measurement, Sequence[Measurement]], float | None]:
    def figure(measurement: Measurement, measurements: Sequence[Measurement]) -> float | None:
        case = measurement.case
        if case.operation != operation or case.contender != ENGINES[0] or not belongs(case):
            return None
        return measurement.ratio.median

    return figure


def _against(
    peer: str, *, operation: str = "grid", schedules: tuple[str, ...] = FORMULA_SCHEDULES
) -> Callable[[Measurement, Sequence[Measurement]], float | None]:
    def figure(measurement: Measurement, measurements: Sequence[Measurement]) -> float | None:
        case = measurement.case
        if (case.operation, case.contender, case.size) != (operation, ENGINES[0], VECTOR_SIZE):
            return None
        if case.schedule not in schedules:
            return None
        opponent = find(measurements, replace(case, operation="grid", contender=peer))
        return None if opponent is None else measurement.times_faster_than(opponent)

    return figure


def _scalar_time(measurement: Measurement, measurements: Sequence[Measurement]) -> float | None:
    case = measurement.case
    measured = case.operation == "scalar" and case.contender == ENGINES[0]
    return measurement.nanoseconds.median if measured else None


def _worst_ulp(dtype: str) -> Callable[[Measurement, Sequence[Measurement]], float | None]:
    def figure(measurement: Measurement, measurements: Sequence[Measurement]) -> float | None:
        return measurement.worst_ulp if measurement.case.dtype == dtype else None

    return figure


def _numba_against_cython(measurement: Measurement, measurements: Sequence[Measurement]) -> float | None:
    case = measurement.case
    if case.operation != "grid" or case.contender != "numba" or case.size not in GRID_SIZES:
        return None
    cython = find(measurements, replace(case, contender="cython"))
    return None if cython is None else measurement.ratio.median / cython.ratio.median


LIMITS = (
    Limit(
        "grid, any schedule, float64 and float32, 1M and 10M steps, to fill",
        _ratio("grid", lambda case: case.size in GRID_SIZES and case.schedule != COMPOSITION),
        1.1,
    ),
    Limit(
        f"composition of three ({COMPOSITION}), to fill",
        _ratio("grid", lambda case: case.size in GRID_SIZES and case.schedule == COMPOSITION),
        1.2,
    ),
    Limit(
        "lr0*r**(t/s) against the NumPy expression",
        _against("NumPy expression", schedules=("StepDecay",)),
        40,
        at_least=True,
    ),
    Limit("against TensorFlow's builtin under XLA", _against("TensorFlow XLA"), 20, at_least=True),
    Limit("against optax jit+vmap", _against("optax jit+vmap"), 10, at_least=True),
    Limit("against the torch expression", _against("torch expression"), 5, at_least=True),
    Limit("error of a float64 grid, 500 steps sampled", _worst_ulp("float64"), 0.51, unit=" ulp"),
    Limit("error of a float32 grid, 500 steps sampled", _worst_ulp("float32"), 0.51, unit=" ulp"),
    Limit("array of arbitrary steps, to copy", _ratio("array"), 1.5),
    Limit(
        "array of arbitrary steps against NumPy in place",
        _against("NumPy in place", operation="array"),
        1,
        at_least=True,
    ),
    Limit("a call with one step", _scalar_time, 150, unit=" ns"),
    Limit("numba's grid against Cython's", _numba_against_cython, 1.5),
)
"""The table of what must be reached."""


def find(measurements: Sequence[Measurement], case: Case) -> Measurement | None:
    """The measurement of a case, if there is one."""
    return next((measurement for measurement in measurements if measurement.case == case), None)


def judgements(limit: Limit, measurements: Sequence[Measurement]) -> list[Judgement]:
    """Every figure that a limit speaks of, the worst first."""
    judged = [
        Judgement(limit, measurement, figure)
        for measurement in measurements
        if (figure := limit.figure(measurement, measurements)) is not None
    ]
    return sorted(judged, key=lambda judgement: limit.shortfall(judgement.figure), reverse=True)


def shortcomings(measurement: Measurement, measurements: Sequence[Measurement]) -> list[Limit] | None:
    """The limits that a measurement misses; None if no limit speaks of it."""
    figures = [(limit, limit.figure(measurement, measurements)) for limit in LIMITS]
    judged = [(limit, figure) for limit, figure in figures if figure is not None]
    return [limit for limit, figure in judged if not limit.passes(figure)] if judged else None


def opponents(
    measurement: Measurement, measurements: Sequence[Measurement]
) -> list[tuple[Measurement, float]]:
    """The peers at the same task, and how many times faster than each the measured case is."""
    case = measurement.case
    # A vector of steps costs a peer the same, evenly spaced or not, and a step the same, of any type.
    operation = "grid" if case.operation == "array" else case.operation
    dtype = "int" if case.operation == "scalar" else case.dtype
    task = (operation, case.schedule, dtype, case.size)
    return [
        (other, measurement.times_faster_than(other))
        for other in measurements
        if not other.case.native
        and (other.case.operation, other.case.schedule, other.case.dtype, other.case.size) == task
    ]


def losses(
    measurements: Sequence[Measurement],
) -> list[tuple[Measurement, Measurement, float]]:
    """Where a peer is faster: the case, the peer, and the factor below 1."""
    return [
        (measurement, peer, factor)
        for measurement in measurements
        if measurement.case.native
        for peer, factor in opponents(measurement, measurements)
        if factor < 1
    ]
