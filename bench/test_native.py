"""The library: grids, arrays, sweeps and single steps of every schedule and formula."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.accuracy import worst_ulp
from bench.cases import (
    SWEEP_ROW,
    Case,
    native_curve,
    native_grids,
    native_kernels,
    native_scalars,
    native_shifted_grids,
)
from bench.measurement import measure_scalar, measure_vector, output
from bench.subjects import (
    KERNELS_MEASURED,
    SCHEDULES_MEASURED,
    SWEEP_FACTORS,
    formula_of,
    kernel,
    swept_arguments,
)


@pytest.mark.parametrize("case", native_grids(), ids=str)
def test_grid(benchmark: BenchmarkFixture, case: Case) -> None:
    measure_grid(benchmark, case)


@pytest.mark.curve
@pytest.mark.parametrize("case", native_curve(), ids=str)
def test_curve(benchmark: BenchmarkFixture, case: Case) -> None:
    measure_grid(benchmark, case)


@pytest.mark.parametrize("case", native_shifted_grids(), ids=str)
def test_shifted_grid(benchmark: BenchmarkFixture, case: Case) -> None:
    measure_grid(benchmark, case, ahead=16)


def measure_grid(benchmark: BenchmarkFixture, case: Case, *, ahead: int = 0) -> None:
    schedule = SCHEDULES_MEASURED[case.schedule]
    out = output(case.size, case.dtype, ahead=ahead)
    measure_vector(benchmark, case, partial(schedule.values, case.size, out=out), out)
    benchmark.extra_info["worst_ulp"] = worst_ulp(schedule, schedule.values(case.size, out=out))


@pytest.mark.parametrize("case", native_kernels("array"), ids=str)
def test_array(benchmark: BenchmarkFixture, case: Case) -> None:
    formula = formula_of(case.schedule)
    steps = np.random.default_rng(0).integers(0, case.size, case.size).astype(case.dtype)
    out = output(case.size, case.dtype)
    call = partial(kernel(formula), steps, **KERNELS_MEASURED[formula].arguments, out=out)
    measure_vector(benchmark, case, call, out)


@pytest.mark.parametrize("case", native_kernels("sweep"), ids=str)
def test_sweep(benchmark: BenchmarkFixture, case: Case) -> None:
    formula = formula_of(case.schedule)
    steps = np.arange(SWEEP_ROW)
    out = output((len(SWEEP_FACTORS), SWEEP_ROW), case.dtype)
    arguments = swept_arguments(KERNELS_MEASURED[formula])
    measure_vector(benchmark, case, partial(kernel(formula), steps, **arguments, out=out), out)


@pytest.mark.parametrize("case", native_scalars(), ids=str)
def test_scalar(benchmark: BenchmarkFixture, case: Case) -> None:
    step = {"int": int, "int64": np.int64}[case.dtype](28_125)
    measure_scalar(benchmark, case, SCHEDULES_MEASURED[case.schedule], step)
