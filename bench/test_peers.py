"""The peers: vectors of steps, sweeps, single steps; and the yardsticks against themselves."""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.cases import (
    SWEEP_ROW,
    Case,
    peer_curve,
    peer_scalars,
    peer_sweeps,
    peer_vectors,
    yardstick_curve,
    yardstick_vectors,
)
from bench.measurement import measure_scalar, measure_vector, output
from bench.peers import SCALAR_PEERS, VECTOR_PEERS, numpy_sweep
from bench.subjects import (
    KERNELS_MEASURED,
    SCHEDULES_MEASURED,
    SWEEP_FACTORS,
    formula_of,
    swept_schedules,
)

FLOAT32_TOLERANCE = 1e-3
"""A peer must draw the same curve; its last digits are its own affair."""


@pytest.mark.parametrize("case", peer_vectors(), ids=str)
def test_vector(benchmark: BenchmarkFixture, case: Case) -> None:
    measure_peer(benchmark, case)


@pytest.mark.curve
@pytest.mark.parametrize("case", peer_curve(), ids=str)
def test_curve(benchmark: BenchmarkFixture, case: Case) -> None:
    measure_peer(benchmark, case)


def measure_peer(benchmark: BenchmarkFixture, case: Case) -> None:
    peer = VECTOR_PEERS[case.contender]
    pytest.importorskip(peer.package)
    schedule = SCHEDULES_MEASURED[case.schedule]
    steps = np.arange(case.size).astype(case.dtype)
    out = output(case.size, case.dtype)
    call = peer.prepare(schedule, steps, out)
    result = np.asarray(call())
    assert result.dtype == case.dtype
    np.testing.assert_allclose(result, schedule.values(case.size), rtol=FLOAT32_TOLERANCE)
    measure_vector(benchmark, case, call, out)


@pytest.mark.parametrize("case", peer_sweeps(), ids=str)
def test_sweep(benchmark: BenchmarkFixture, case: Case) -> None:
    schedules = swept_schedules(KERNELS_MEASURED[formula_of(case.schedule)])
    out = output((len(SWEEP_FACTORS), SWEEP_ROW), case.dtype)
    call = numpy_sweep(schedules, np.arange(SWEEP_ROW).astype(case.dtype), out)
    measure_vector(benchmark, case, call, out)


@pytest.mark.parametrize("case", peer_scalars(), ids=str)
def test_scalar(benchmark: BenchmarkFixture, case: Case) -> None:
    peer = SCALAR_PEERS[case.contender]
    pytest.importorskip(peer.package)
    schedule = SCHEDULES_MEASURED[case.schedule]
    function = peer.prepare(schedule)
    np.testing.assert_allclose(function(28_125), schedule(28_125), rtol=FLOAT32_TOLERANCE)
    measure_scalar(benchmark, case, function, 28_125)


@pytest.mark.parametrize("case", yardstick_vectors(), ids=str)
def test_yardstick(benchmark: BenchmarkFixture, case: Case) -> None:
    measure_yardstick(benchmark, case)


@pytest.mark.curve
@pytest.mark.parametrize("case", yardstick_curve(), ids=str)
def test_yardstick_curve(benchmark: BenchmarkFixture, case: Case) -> None:
    measure_yardstick(benchmark, case)


def measure_yardstick(benchmark: BenchmarkFixture, case: Case) -> None:
    out, source = output(case.size, case.dtype), np.ones(case.size, case.dtype)
    if case.contender == "ndarray.fill":
        measure_vector(benchmark, case, lambda: out.fill(0.1), out)
    else:
        measure_vector(benchmark, case, lambda: np.copyto(out, source), out)
