"""Which steps a table has entries for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from draws import examples
from hypothesis import given
from hypothesis import strategies as st

import lrdecay_native as lrd

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")

from keras import ops  # noqa: E402

from lrdecay_native.keras import KerasTable  # noqa: E402
from lrdecay_native.schedules.lookup_tables import SPARE_ENTRIES, entries  # noqa: E402

BACKEND = keras.backend.backend()
TUTORIAL = lrd.StepDecay(0.1, drop_rate=0.96, step_size=1000)

STAIRCASES = [
    (TUTORIAL, 1000),
    (lrd.InverseTimeDecay(0.1, 1.0, decay_steps=300, staircase=True), 300),
    (
        lrd.StepDecay(0.1, drop_rate=0.5, step_size=5).clipped(lowest=0.004).per_epoch(391, staircase=True),
        391,
    ),
    (lrd.CosineDecay(0.1, 30).per_epoch(391, staircase=True), 391),
    (lrd.Cyclic(0.01, 0.1, 4).per_epoch(100, staircase=True), 100),
    (lrd.MultiStepDecay(0.1, [30_000, 60_000, 80_000]), 10_000),
    (TUTORIAL.then(lrd.Constant(0.01), at=2500), 500),
    (lrd.StepDecay(0.1, 0.5, 10**9), 10**9),
]

NO_STAIRCASES = [
    lrd.ExponentialDecay(0.1, 1e-3),
    lrd.StepDecay(0.1, 0.5, 2.5),
    lrd.CosineRestarts(0.1, 100),
    TUTORIAL.warmup(1000),
    lrd.StepDecay(0.1, 0.5, 2**31 + 1),
]


def numbers(tensor: Any) -> Any:
    return ops.convert_to_numpy(tensor)


class TestRuns:
    @pytest.mark.parametrize(("schedule", "run"), STAIRCASES, ids=repr)
    def test_of_a_staircase_have_an_entry_each(self, schedule: lrd.Schedule, run: int) -> None:
        assert entries(schedule, 0, 10).run == run

    @pytest.mark.parametrize("schedule", NO_STAIRCASES, ids=repr)
    def test_others_have_one_a_step(self, schedule: lrd.Schedule) -> None:
        assert entries(schedule, 0, 10).run == 1

    @pytest.mark.parametrize("start", [0, 1999, 2000, 2001, 123_456])
    @pytest.mark.parametrize(("schedule", "run"), STAIRCASES, ids=repr)
    def test_give_the_native_rates(self, schedule: lrd.Schedule, run: int, start: int) -> None:
        table = KerasTable(schedule, start + 5000, start=start)
        ends = np.arange(0, 2**31 - 1, run)
        ends = np.concatenate([ends[:200], ends[-3:]])
        steps = np.unique(np.concatenate([ends, ends + 1, np.maximum(ends - 1, 0), [start + 4999]]))
        exact = schedule(steps).astype(np.float32)
        np.testing.assert_allclose(numbers(table(ops.convert_to_tensor(steps))), exact, rtol=1.2e-7)
        inside = (steps >= start) & (steps < start + 5000)
        rates = np.array([float(table(step)) for step in steps[inside].tolist()], np.float32)
        np.testing.assert_array_equal(rates, exact[inside])
        np.testing.assert_array_equal(numbers(table(ops.convert_to_tensor(steps[inside]))), exact[inside])

    def test_negative_counters_have_no_rate(self) -> None:
        table = KerasTable(TUTORIAL, 28_126)
        steps = ops.convert_to_tensor(np.array([-1, -999, -1000, -(2**31), 0], np.int32))
        assert np.isnan(numbers(table(steps))).tolist() == [True] * 4 + [False]

    def test_are_no_longer_than_the_longest_table(self) -> None:
        # 10**10 steps, 10**7 entries.
        assert len(entries(TUTORIAL, 0, 10**10).rates) == 10**7 + 2


class TestWholeTables:
    """No step is without an entry."""

    @pytest.mark.parametrize(
        ("schedule", "start", "stop"),
        [
            (TUTORIAL, 0, 1),
            (TUTORIAL, 123_456, 123_457),
            (lrd.Constant(0.1), 5, 10),
            (lrd.PolynomialDecay(0.1, 15_000), 0, 10),
            (lrd.ExponentialDecay(0.1, 0.01), 0, 10),
            (lrd.ExponentialDecay(0.1, 1e-3).clipped(lowest=1e-5), 0, 10),
            (lrd.CosineDecay(0.1, 30_000), 0, 20_000),
        ],
        ids=repr,
    )
    def test_get_so_by_some_more_entries(self, schedule: lrd.Schedule, start: int, stop: int) -> None:
        made = entries(schedule, start, stop)
        assert made.whole
        steps = [*range(0, 40_000, 7), 10**7, 2**40]
        rates = [made.at(step) for step in steps]
        np.testing.assert_array_equal(rates, schedule(np.array(steps)).astype(np.float32))

    @pytest.mark.parametrize(
        ("schedule", "start"),
        [
            (lrd.InverseTimeDecay(0.1, 1e-3), 0),
            (lrd.CosineRestarts(0.1, 100), 0),
            (lrd.PolynomialDecay(0.1, SPARE_ENTRIES + 12), 0),
            (lrd.PolynomialDecay(0.1, 100), SPARE_ENTRIES + 1),
        ],
        ids=repr,
    )
    def test_are_not_had_at_any_price(self, schedule: lrd.Schedule, start: int) -> None:
        made = entries(schedule, start, start + 10)
        assert not made.whole
        assert len(made.rates) == 12

    @examples(150)
    @given(
        drop_rate=st.floats(0.01, 0.999),
        # Of long runs all have entries, also those before the start.
        step_size=st.integers(1, 20) | st.integers(1, 5000),
        start=st.integers(0, 10**6),
        steps=st.integers(1, 10**5),
        at=st.lists(st.integers(0, 10**7), min_size=5, max_size=5),
    )
    def test_hold_the_schedules_rates(
        self, drop_rate: float, step_size: int, start: int, steps: int, at: list[int]
    ) -> None:
        schedule = lrd.StepDecay(0.1, drop_rate, step_size)
        made = entries(schedule, start, start + steps)
        for step in (0, start, start + steps - 1, *at):
            rate = made.at(step)
            outside = not (made.whole or start <= step < start + steps)
            assert rate == np.float32(schedule(step)) or (outside and np.isnan(rate))

    @pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow's graph")
    @pytest.mark.parametrize(
        ("table", "branches"),
        [(KerasTable(TUTORIAL, 28_126), 0), (KerasTable(lrd.InverseTimeDecay(0.1, 1e-3), 28_126), 1)],
        ids=["whole", "not whole"],
    )
    def test_need_no_branch(self, table: KerasTable, branches: int) -> None:
        import tensorflow as tf

        graph = tf.function(table.__call__).get_concrete_function(tf.TensorSpec((), tf.int64)).graph
        assert sum("If" in operation.type for operation in graph.get_operations()) == branches
