"""What is measured: one case is one contender at one task."""

from __future__ import annotations

from dataclasses import dataclass, replace

import lrdecay_native as lrd
from bench.peers import SCALAR_PEERS, VECTOR_PEERS
from bench.subjects import KERNELS_MEASURED, SCHEDULES_MEASURED

ENGINES = ("cython", "numba")
DTYPES = ("float64", "float32")
GRID_SIZES = (1_000_000, 10_000_000)
VECTOR_SIZE = 1_000_000
SIZES = tuple(10**exponent for exponent in range(1, 8))
PICTURED = "StepDecay"
"""The sizes and the schedule of the picture."""

SWEEP_ROW = 10_000
"""Steps for each parameter set of a sweep; there are 100 sets."""

YARDSTICKS = {"grid": "fill", "shifted grid": "fill", "array": "copy", "sweep": "fill", "scalar": "fill"}
"""The operations, and the yardstick of each: filling an ndarray or copying one."""


@dataclass(frozen=True, order=True)
class Case:
    """One contender at one task.

    Attributes
    ----------
    operation : str
        ``grid`` (evenly spaced steps), ``shifted grid`` (the same, into an array that begins 16 bytes behind
        a line of the processor's cache, as large ones from `numpy.empty` do), ``array`` (arbitrary steps),
        ``sweep`` (many parameter sets), ``scalar`` (a single step).
    schedule : str
        A name in `SCHEDULES_MEASURED`, or "yardstick".
    dtype : str
        Of the result; for a scalar, of the step.
    size : int
        How many values.
    contender : str
        An engine of this library or the name of a peer.
    """

    operation: str
    schedule: str
    dtype: str
    size: int
    contender: str

    def __str__(self) -> str:
        return f"{self.operation} | {self.schedule} | {self.dtype} | {self.size} | {self.contender}"

    @property
    def native(self) -> bool:
        """Whether the contender is this library."""
        return self.contender in ENGINES


def native_grids() -> list[Case]:
    """The library's grids: every schedule."""
    return [
        Case("grid", schedule, dtype, size, lrd.backend())
        for schedule in SCHEDULES_MEASURED
        for dtype in DTYPES
        for size in GRID_SIZES
    ]


def native_shifted_grids() -> list[Case]:
    """The library's grids in arrays as NumPy allocates them."""
    return [
        Case("shifted grid", PICTURED, dtype, size, lrd.backend()) for dtype in DTYPES for size in GRID_SIZES
    ]


def native_curve() -> list[Case]:
    """The library's points of the picture that aren't among its grids."""
    return [
        Case("grid", PICTURED, dtype, size, lrd.backend())
        for dtype in DTYPES
        for size in SIZES
        if size not in GRID_SIZES
    ]


def native_kernels(operation: str) -> list[Case]:
    """The library's arrays or sweeps: every formula."""
    return [
        Case(operation, call.schedule, dtype, VECTOR_SIZE, lrd.backend())
        for call in KERNELS_MEASURED.values()
        for dtype in DTYPES
    ]


def native_scalars() -> list[Case]:
    """The library's calls with a single step: every schedule."""
    return [
        Case("scalar", schedule, step, 1, lrd.backend())
        for schedule in SCHEDULES_MEASURED
        for step in ("int", "int64")
    ]


def peer_vectors() -> list[Case]:
    """The peers at a million steps: every formula that they have."""
    return [
        Case("grid", schedule, dtype, VECTOR_SIZE, name)
        for name, peer in VECTOR_PEERS.items()
        for schedule in peer.schedules
        for dtype in peer.dtypes
    ]


def peer_curve() -> list[Case]:
    """The peers' points of the picture that aren't among `peer_vectors`."""
    return [
        replace(case, size=size)
        for case in peer_vectors()
        if case.schedule == PICTURED
        for size in SIZES
        if size != VECTOR_SIZE
    ]


def peer_sweeps() -> list[Case]:
    """NumPy at the sweeps of the formulas that it is measured with."""
    peer = "NumPy in place"
    return [
        replace(case, contender=peer)
        for case in native_kernels("sweep")
        if case.schedule in VECTOR_PEERS[peer].schedules
    ]


def peer_scalars() -> list[Case]:
    """The peers at a single step."""
    return [
        Case("scalar", schedule, "int", 1, name)
        for name, peer in SCALAR_PEERS.items()
        for schedule in peer.schedules
    ]


def yardstick_vectors() -> list[Case]:
    """The yardsticks against themselves: how far from 1 these ratios are is the noise."""
    return [
        Case("grid", "yardstick", dtype, size, name)
        for name in ("ndarray.fill", "ndarray.copy")
        for dtype in DTYPES
        for size in GRID_SIZES
    ]


def yardstick_curve() -> list[Case]:
    """The yardsticks' points of the picture that aren't among `yardstick_vectors`."""
    return [
        replace(case, size=size)
        for case in yardstick_vectors()
        if case.size == VECTOR_SIZE
        for size in SIZES
        if size not in GRID_SIZES
    ]
