"""The error bound of block polynomials: kept by the loops as they are, broken by loops of one degree less."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import lrdecay_native as lrd
from lrdecay_native.arithmetic.block_polynomial import (
    COEFFICIENT_ROWS,
    EXPANSION_ROWS,
    LONGEST_BLOCK,
    LONGEST_SUB_BLOCK,
    LOOPS,
    MOST_SUB_BLOCKS,
    PLACES,
    SHORTEST_BLOCK,
)
from lrdecay_native.codegen.block_kernels import block_functions
from lrdecay_native.codegen.python_source import python_source
from lrdecay_native.engines import engine, python_chains
from lrdecay_native.evaluation.grids import blocks
from lrdecay_native.evaluation.memory import aligned

BOUND = 0.51
EVERY_LOOP = [(dtype, index) for dtype, loops in LOOPS.items() for index in range(len(loops))]
WAYS = {"fill": blocks.CACHE_BYTES, "stream": 0}


def steepest(dtype: str, index: int, length: int) -> Any:
    """The steepest exponential decay for which the choice for a block is this loop."""
    for scale in np.geomspace(30, 1e7, 800).tolist():
        schedule = lrd.ExponentialDecay(0.1, decay_rate=1.0, step_size=scale)
        if fill_block(engine, "fill", schedule, np.empty(length, dtype)) == index:
            return schedule
    raise AssertionError(f"no exponential decay needs the loop {LOOPS[dtype][index]}")


def fill_block(functions: Any, way: str, schedule: lrd.Schedule, out: Any) -> float:
    """Fill the array as one block; return the choice."""
    starts, lengths, choices = np.array([0]), np.array([len(out)]), np.empty(1)
    nodes = np.array(PLACES) * (len(out) >> 7)
    values = schedule._chain.on_arrays(blocks.grid_pair(range(len(out) + 1), nodes))
    coefficients, expansions = np.empty(COEFFICIENT_ROWS), np.empty(EXPANSION_ROWS * MOST_SUB_BLOCKS)
    buffer = aligned((2 * LONGEST_SUB_BLOCK,), out.dtype) if way == "stream" else None
    functions.write_blocks(out, starts, lengths, *values, coefficients, expansions, choices, buffer)
    return float(choices[0])


def worst_ulps(functions: Any, way: str, schedules: list[Any], out: Any, index: int) -> float:
    """The largest error where that loop is taken."""
    worst = 0.0
    steps = np.arange(len(out), dtype=np.float64)
    for schedule in schedules:
        if fill_block(functions, way, schedule, out) == index:
            high, low = schedule._chain.on_arrays((steps, np.zeros(len(out))))
            errors = np.abs((out - high) - low) / np.spacing(high.astype(out.dtype))
            worst = max(worst, float(errors.max()))
    assert worst > 0.0
    return worst


@pytest.fixture(scope="module")
def lowered() -> Callable[[str], Any]:
    """The functions that fill blocks, compiled from loops of one degree less."""
    load = pytest.importorskip("lrdecay_native.engines.numba_engine").load
    compiled: dict[str, Any] = {}

    def functions(dtype: str) -> Any:
        if dtype not in compiled:
            loops = [replace(loop, degree=loop.degree - 1) for loop in LOOPS[dtype]]
            compiled[dtype] = load(python_source(block_functions(dtype, loops)))

        def write_blocks(*arguments: Any) -> None:
            *others, buffer = arguments
            buffers = [] if buffer is None else [buffer]
            way = "fill" if buffer is None else "stream"
            compiled[dtype][f"{way}_blocks_{dtype}"](*others, *buffers)

        return SimpleNamespace(write_blocks=write_blocks)

    return functions


@pytest.mark.parametrize(("dtype", "index"), EVERY_LOOP)
def test_bound(dtype: str, index: int, lowered: Callable[[str], Any]) -> None:
    """At the limit of a loop, where its bound is used up."""
    length = max(SHORTEST_BLOCK, LOOPS[dtype][index].size)
    steep = steepest(dtype, index, length)
    # Each rate has its own roundings.
    rates = [replace(steep, initial_learning_rate=0.1 + 0.001 * k) for k in range(100)]
    for way in WAYS:
        assert worst_ulps(engine, way, rates, np.empty(length, dtype), index) <= BOUND
        assert worst_ulps(lowered(dtype), way, rates, np.empty(length, dtype), index) > BOUND


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", LOOPS)
def test_every_step_is_written_once_and_no_other(
    dtype: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Grids that are no whole number of blocks, in an array with something on either side."""
    monkeypatch.setattr(blocks, "CACHE_BYTES", WAYS[way])
    schedule = lrd.PolynomialDecay(0.1, 10**6, power=1.5)
    for count in (1024, 1025, 4097, 5000, LONGEST_BLOCK, 2 * LONGEST_BLOCK + 7, 100_003):
        surroundings = np.full(count + 20, -1.0, dtype)
        schedule.values(count, out=surroundings[10:-10])
        assert (surroundings[:10] == -1.0).all()
        assert (surroundings[-10:] == -1.0).all()
        expected = schedule(np.arange(count)).astype(dtype)
        np.testing.assert_array_max_ulp(surroundings[10:-10], expected, maxulp=1)


def test_values_do_not_depend_on_where_an_array_begins() -> None:
    schedule = lrd.StepDecay(0.1, 0.96, 1000, staircase=False)
    raw = np.empty(50_000 + 8)
    first = schedule.values(50_000)
    for offset in range(8):
        out = raw[offset : offset + 50_000]
        schedule.values(50_000, out=out)
        np.testing.assert_array_equal(out, first)


@pytest.mark.parametrize("dtype", LOOPS)
@pytest.mark.parametrize(
    "schedule",
    [
        lrd.InverseTimeDecay(0.1, 0.5, decay_steps=1000),
        lrd.Cyclic(0.001, 0.1, 3),
        lrd.Cyclic(0.001, 0.1, 977),
        lrd.CosineAnnealing(0.1, 9_001, end_learning_rate=0.001).shifted(17),
        lrd.CosineRestarts(0.1, 500, t_mul=1.0, m_mul=0.99, end_learning_rate=0.001),
        lrd.Tabulated(np.geomspace(0.1, 0.001, 90), every=331),
        lrd.Tabulated([0.1, 1e-9, 0.1], every=10_000),
    ],
    ids=repr,
)
def test_past_the_cache_the_values_are_the_same(
    schedule: lrd.Schedule, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for start, count in ((0, 30_001), (5, 20_000), (1_001, 65)):
        expected = schedule.values(start, start + count, dtype=dtype)
        each = schedule(np.arange(start, start + count)).astype(dtype)
        np.testing.assert_array_max_ulp(expected, each, maxulp=1)
        monkeypatch.setattr(blocks, "CACHE_BYTES", 0)
        for ahead in (0, 1, 7):
            surroundings = np.full(count + 20, -1.0, dtype)
            out = surroundings[ahead : ahead + count]
            schedule.values(start, start + count, out=out)
            np.testing.assert_array_equal(out, expected)
            assert (surroundings[:ahead] == -1.0).all()
            assert (surroundings[ahead + count :] == -1.0).all()
        monkeypatch.undo()


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize(
    "schedule",
    [
        lrd.Tabulated([1e50, 1.0001e50], every=10_003),
        lrd.Tabulated([3.4028235e38, 3.4029e38], every=10_003),
        lrd.Tabulated([1e-38, 1.001e-38], every=10_003),
        lrd.Tabulated([1e-36, 1.001e-36], every=10_003),
        lrd.ExponentialDecay(1e50, 0.1, step_size=1000),
        lrd.ExponentialDecay(3.41e38, 0.001, step_size=1000),
    ],
    ids=repr,
)
def test_float32_has_the_nearest_rates_at_its_limits(schedule: lrd.Schedule) -> None:
    """Past the largest one infinity, next to the smallest ones no rest of a rest that is too small."""
    values = schedule.values(10_000, dtype="float32")
    expected = schedule(np.arange(10_000)).astype(np.float32)
    np.testing.assert_array_equal(values, expected)


def test_parts_of_a_block_that_the_one_before_covers_are_dropped() -> None:
    starts, lengths = np.array([1000, 3000, 3500, 4000]), np.array([2048, 1024, 512, 128])
    covered = python_chains._covered(starts, lengths)
    assert covered.tolist() == [0, 48, 512, 12]
    halved = python_chains._halved(starts, lengths, covered, np.ones(4, np.int64))
    assert [part.tolist() for part in halved] == [[1000, 2024, 3000, 3512, 4000], [1024, 1024, 512, 512, 128]]
