"""The Keras adapter against Keras: its own schedules, its `fit`, its files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from draws import examples
from hypothesis import given
from hypothesis import strategies as st
from reference import SCHEDULES

import lrdecay_native as lrd

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")

from lrdecay_native.keras import KerasSchedule, KerasTable, from_keras  # noqa: E402
from lrdecay_native.keras.counters import EXACT_FLOAT32_STEPS  # noqa: E402
from lrdecay_native.schedules.lookup_tables import MAXIMUM_ENTRIES  # noqa: E402

builtins = keras.optimizers.schedules

BUILTINS = [
    builtins.ExponentialDecay(0.1, decay_steps=1000, decay_rate=0.96, staircase=True),
    builtins.ExponentialDecay(0.1, decay_steps=1000, decay_rate=0.96),
    builtins.ExponentialDecay(0.3, decay_steps=7, decay_rate=0.999, staircase=True),
    builtins.InverseTimeDecay(0.1, decay_steps=1, decay_rate=1e-3),
    builtins.InverseTimeDecay(0.1, decay_steps=300, decay_rate=0.5, staircase=True),
    builtins.PolynomialDecay(0.1, decay_steps=3000),
    builtins.PolynomialDecay(0.1, decay_steps=3000, power=2.0, end_learning_rate=0.0),
    builtins.PolynomialDecay(0.1, decay_steps=777, power=0.5, end_learning_rate=0.01, cycle=True),
    builtins.PolynomialDecay(0.1, decay_steps=50_000, power=1.5, end_learning_rate=1e-3),
]


each_compiler = pytest.mark.parametrize(
    "jit_compile",
    # A minute a model; test_training.py has one.
    [False] if keras.backend.backend() == "torch" else [False, True],
)

FLOAT32_EPSILON = float(np.finfo(np.float32).eps)

BEYOND = EXACT_FLOAT32_STEPS
NEAR_ITS_END_BEYOND = lrd.PolynomialDecay(1.0, BEYOND + 8)
"""Its rate falls to zero over the eight steps after 2**24: no two steps share a rate."""


def numbers(tensor: Any) -> Any:
    return keras.ops.convert_to_numpy(tensor)


def applied_rates(
    learning_rate: Any, steps: int, *, first_step: int = 0, jit_compile: bool = False
) -> list[float]:
    """Train in `fit` and return the rate that each step really used.

    The model is one weight whose gradient is 1, put back to 0 after each step, so that every step
    leaves minus its rate in the weight.
    """
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    optimizer = keras.optimizers.SGD(learning_rate=learning_rate)
    model.compile(optimizer, loss=lambda _, output: output, jit_compile=jit_compile)
    optimizer.build(model.trainable_variables)
    optimizer.iterations.assign(first_step)
    rates = []
    record = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: model.set_weights([np.zeros((1, 1), np.float32)]),
        on_epoch_end=lambda epoch, logs: rates.append(-float(model.get_weights()[0][0, 0])),
    )
    # One step an epoch: Keras's JAX trainer lets callbacks see weights only between epochs.
    one = np.ones((1, 1), np.float32)
    model.fit(one, one, batch_size=1, epochs=steps, verbose=0, callbacks=[record])
    return rates


class TestAgainstTheBuiltin:
    @examples(25)
    @given(
        initial=st.floats(1e-6, 10.0),
        decay_steps=st.integers(1, 10**6) | st.floats(0.5, 1e6),
        decay_rate=st.floats(1e-3, 1.0),
        end=st.floats(1e-6, 1.0),
        power=st.sampled_from([0.0, 0.5, 1.0, 2.0]) | st.floats(0.1, 5.0),
        option=st.booleans(),
        first=st.integers(0, EXACT_FLOAT32_STEPS - 1000),
    )
    def test_same_bits_for_any_parameters(
        self,
        initial: float,
        decay_steps: float,
        decay_rate: float,
        end: float,
        power: float,
        option: bool,
        first: int,
    ) -> None:
        steps = np.concatenate([np.arange(50), np.arange(first, first + 1000)])
        for builtin in (
            builtins.ExponentialDecay(initial, decay_steps, decay_rate, staircase=option),
            builtins.InverseTimeDecay(initial, decay_steps, decay_rate, staircase=option),
            builtins.PolynomialDecay(initial, decay_steps, end, power=power, cycle=option),
        ):
            ours, theirs = numbers(KerasSchedule(from_keras(builtin))(steps)), numbers(builtin(steps))
            # Keras's stairs may be late or early, and its ends NaN or above the end.
            true = from_keras(builtin)(steps)
            nearer = np.isnan(theirs) | (np.abs(ours - true) < np.abs(theirs - true))
            stair = np.array([step // Fraction(decay_steps) for step in steps.tolist()])
            another = np.floor(np.float32(steps) / np.float32(decay_steps)) != stair
            assert np.all((ours == theirs) | nearer | (another & option)), builtin.get_config()

    @each_compiler
    def test_same_bits_in_fit(self, jit_compile: bool) -> None:
        for builtin in (
            builtins.ExponentialDecay(0.1, decay_steps=3, decay_rate=0.96, staircase=True),
            builtins.PolynomialDecay(0.1, decay_steps=4, power=1.5, cycle=True),
        ):
            expected = applied_rates(builtin, 10, jit_compile=jit_compile)
            ours = KerasSchedule(from_keras(builtin))
            assert applied_rates(ours, 10, jit_compile=jit_compile) == expected
            assert len(set(expected)) > 3

    def test_the_tutorials_last_line(self) -> None:
        optimizer = keras.optimizers.SGD(KerasSchedule(lrd.StepDecay(0.1, 0.96, 1000)))
        optimizer.iterations.assign(28_125)
        assert float(numbers(optimizer.learning_rate)) == 0.031885575503110886


class TestTable:
    def test_exact_value_of_the_tutorials_last_line(self) -> None:
        optimizer = keras.optimizers.SGD(KerasTable(lrd.StepDecay(0.1, 0.96, 1000), 28_126))
        optimizer.iterations.assign(28_125)
        assert float(numbers(optimizer.learning_rate)) == 0.03188559412956238


class TestBeyondTheIntegersOfFloat32:
    steps = np.arange(BEYOND, BEYOND + 9)
    exact = NEAR_ITS_END_BEYOND.values(BEYOND, BEYOND + 9).astype(np.float32)

    def test_where_the_builtin_repeats_rates(self) -> None:
        builtin = builtins.PolynomialDecay(1.0, BEYOND + 8, end_learning_rate=0.0)
        assert len(set(numbers(builtin(self.steps)).tolist())) < 9
        assert len(set(self.exact.tolist())) == 9

    def test_table_is_exact_in_fit(self) -> None:
        table = KerasTable(NEAR_ITS_END_BEYOND, BEYOND + 9, start=BEYOND)
        assert applied_rates(table, 9, first_step=BEYOND) == self.exact.tolist()

    def test_formula_is_that_of_keras_in_fit(self) -> None:
        builtin = builtins.PolynomialDecay(1.0, BEYOND + 8, end_learning_rate=0.0)
        ours, theirs = (
            applied_rates(rate, 9, first_step=BEYOND)
            for rate in (KerasSchedule(NEAR_ITS_END_BEYOND), builtin)
        )
        assert ours == theirs

    @pytest.mark.parametrize(
        "make",
        [
            lambda schedule: KerasSchedule(schedule.clipped(highest=0.5)),
            lambda schedule: KerasTable(schedule, 10),
        ],
        ids=["formula", "table"],
    )
    def test_tells_steps_apart_in_fit(self, make: Callable[..., Any]) -> None:
        rates = applied_rates(make(NEAR_ITS_END_BEYOND), 9, first_step=BEYOND)
        np.testing.assert_allclose(rates, self.exact, rtol=FLOAT32_EPSILON)


@pytest.fixture(scope="module")
def trained() -> Any:
    """A model, compiled once."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.25), loss="mse")
    return model


@pytest.mark.parametrize("name", SCHEDULES)
class TestEverySchedule:
    def test_both_ways_of_computing(self, name: str) -> None:
        schedule = SCHEDULES[name].example
        steps = np.arange(12)
        exact = schedule.values(12).astype(np.float32)
        np.testing.assert_allclose(numbers(KerasSchedule(schedule)(steps)), exact, rtol=1e-6)
        np.testing.assert_array_equal(numbers(KerasTable(schedule, 12)(steps)), exact)
        steps = np.arange(0, 1000, 7)
        exact = schedule(steps)
        # In float32 the place in a late cycle has lost bits.
        rates = numbers(KerasSchedule(schedule)(steps))
        np.testing.assert_allclose(rates, exact, rtol=1e-5, atol=1e-4 * exact.max())

    def test_config(self, name: str) -> None:
        ours = KerasSchedule(SCHEDULES[name].example)
        again = builtins.deserialize(builtins.serialize(ours))
        assert again.schedule == ours.schedule
        assert repr(again) == repr(ours)

    def test_with_kerass_learning_rate_scheduler(self, name: str, trained: Any) -> None:
        schedule = SCHEDULES[name].example
        trained.optimizer.learning_rate = 0.25
        one = np.ones((1, 1), np.float32)
        callback = keras.callbacks.LearningRateScheduler(schedule)
        history = trained.fit(one, one, epochs=3, verbose=0, callbacks=[callback]).history
        assert history["learning_rate"] == schedule.values(3).astype(np.float32).tolist()
        assert (len(set(history["learning_rate"])) > 1) == (name != "Constant")


class RatesOfEverySchedule(keras.layers.Layer):  # type: ignore[misc]
    """The rates of the examples of all classes, a column each."""

    def call(self, steps: Any) -> Any:
        columns = [KerasSchedule(reference.example)(steps) for reference in SCHEDULES.values()]
        return keras.ops.concatenate(columns, axis=-1)


@each_compiler
def test_every_schedule_in_a_compiled_function(jit_compile: bool) -> None:
    steps = keras.Input((1,), dtype="int32")
    model = keras.Model(steps, RatesOfEverySchedule()(steps))
    model.compile(jit_compile=jit_compile)
    rates = model.predict(np.arange(12, dtype=np.int32)[:, np.newaxis], batch_size=12, verbose=0)
    for name, column in zip(SCHEDULES, rates.T, strict=True):
        expected = SCHEDULES[name].example.values(12).astype(np.float32)
        # Keras's PolynomialDecay on XLA ends 2e-17 above its end.
        np.testing.assert_allclose(column, expected, rtol=2e-6, atol=1e-9, err_msg=name)


def test_without_a_warm_up_it_is_the_schedule() -> None:
    plain = lrd.InverseTimeDecay(0.1, 0.5)
    np.testing.assert_array_equal(
        numbers(KerasSchedule(plain.warmup(0))(np.arange(9))), numbers(KerasSchedule(plain)(np.arange(9)))
    )


def table_of_ten(schedule: lrd.schedules.Schedule) -> KerasTable:
    return KerasTable(schedule, 10, start=2)


class TestSavingAndReloading:
    @pytest.mark.parametrize("make", [KerasSchedule, table_of_ten])
    @pytest.mark.parametrize("builtin", BUILTINS[::3])
    def test_config(self, make: Callable[..., Any], builtin: Any) -> None:
        ours = make(from_keras(builtin))
        again = builtins.deserialize(builtins.serialize(ours))
        assert type(again) is type(ours)
        assert repr(again) == repr(ours)
        assert again.get_config() == ours.get_config()
        assert float(again(5)) == float(ours(5))

    def test_config_is_readable(self) -> None:
        schedule = lrd.StepDecay(0.1, 0.96, 1000)
        assert KerasSchedule(schedule).get_config() == {"schedule": schedule.to_dict()}
        assert KerasTable(schedule, 10, start=2).get_config() == {
            "schedule": schedule.to_dict(),
            "stop": 10,
            "start": 2,
        }


class TestBadInput:
    schedule = lrd.StepDecay(0.1, 0.96, 1000)

    @pytest.mark.parametrize("schedule", [0.1, None, "StepDecay", BUILTINS[0]])
    def test_not_a_schedule(self, schedule: Any) -> None:
        with pytest.raises(TypeError, match="must be a schedule of lrdecay_native"):
            KerasSchedule(schedule)
        with pytest.raises(TypeError, match="must be a schedule of lrdecay_native"):
            KerasTable(schedule, 10)

    @pytest.mark.parametrize("step", [-1, -0.5, float("nan"), np.int64(-1)])
    def test_step(self, step: Any) -> None:
        with pytest.raises(ValueError, match="must be a step from 0"):
            KerasSchedule(self.schedule)(step)

    @pytest.mark.parametrize("step", [-1, np.int64(-1)])
    def test_step_of_a_table(self, step: Any) -> None:
        with pytest.raises(ValueError, match="must be a step from 0"):
            KerasTable(self.schedule, 10)(step)

    def test_float_step_of_a_table(self) -> None:
        with pytest.raises(TypeError, match="must be an integer, to be looked up"):
            KerasTable(self.schedule, 10)(2.0)

    @pytest.mark.parametrize(("start", "stop"), [(0, 0), (5, 5), (6, 5), (-1, 5), (0, -5)])
    def test_table_range(self, start: int, stop: int) -> None:
        with pytest.raises(ValueError, match=f"(stop={stop}|start={start}) must be"):
            KerasTable(self.schedule, stop, start=start)

    def test_table_range_of_floats(self) -> None:
        with pytest.raises(TypeError, match="integer"):
            KerasTable(self.schedule, 10.0)  # type: ignore[arg-type]

    def test_huge_table(self) -> None:
        endless = lrd.InverseTimeDecay(0.1, 1e-3)
        with pytest.raises(
            ValueError, match=r"start=3 to stop=16777220 takes 16777217 entries.*use KerasSchedule"
        ):
            KerasTable(endless, MAXIMUM_ENTRIES + 4, start=3)

    def test_unknown_field_in_a_config(self) -> None:
        config = KerasSchedule(self.schedule).get_config()
        with pytest.raises(TypeError, match="colour"):
            KerasSchedule.from_config({**config, "colour": "red"})

    def test_without_keras_the_extra_is_named(self) -> None:
        program = "import sys; sys.modules['keras'] = None; import lrdecay_native.keras"
        finished = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False
        )
        assert 'pip install "lrdecay_native[keras]"' in finished.stderr.splitlines()[-1]
