"""`LearningRateLogger` in real runs: its files, resumed and interrupted runs, and TensorBoard's own reader."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

import lrdecay_native as lrd

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")

from lrdecay_native.keras import (  # noqa: E402
    KerasSchedule,
    KerasTable,
    LearningRateLogger,
    ReduceLROnPlateau,
    from_keras,
)

builtins = keras.optimizers.schedules
BACKEND = keras.backend.backend()
SCHEDULE = lrd.CosineDecay(0.1, 30).warmup(7)
ONES = np.ones((4, 1), np.float32)


def model_with(rate: Any, *, step: int = 0, accumulate: int | None = None, **compile_options: Any) -> Any:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    optimizer = keras.optimizers.SGD(rate, gradient_accumulation_steps=accumulate)
    optimizer._iterations.assign(step)
    model.compile(optimizer, loss=lambda _, output: output, **{"run_eagerly": True, **compile_options})
    return model


def fit(model: Any, *callbacks: Any, epochs: int = 2) -> None:
    """Train four steps an epoch."""
    model.fit(ONES, ONES, batch_size=1, epochs=epochs, verbose=0, callbacks=list(callbacks))


def text_of(first: int, stop: int, schedule: lrd.Schedule = SCHEDULE) -> str:
    rows = [f"{step},{schedule(step)!r}\n" for step in range(first, stop)]
    return "step,learning_rate\n" + "".join(rows)


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "rates.csv"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"run_eagerly": False},
        {"run_eagerly": False, "steps_per_execution": 1 if BACKEND == "torch" else 3},
        {"accumulate": 2},
    ],
    ids=str,
)
def test_each_step_has_its_rate(csv: Path, options: dict[str, Any]) -> None:
    fit(model_with(KerasSchedule(SCHEDULE), **options), LearningRateLogger(csv=csv), epochs=3)
    assert csv.read_text() == text_of(0, 12)
    assert [path.name for path in csv.parent.iterdir()] == ["rates.csv"]


def test_rounded_they_are_the_rates_that_a_table_applies(csv: Path) -> None:
    model = model_with(KerasTable(SCHEDULE, 15))
    applied = []
    record = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: model.set_weights([np.zeros((1, 1), np.float32)]),
        on_epoch_end=lambda epoch, logs: applied.append(-model.get_weights()[0][0, 0]),
    )
    one = ONES[:1]
    model.fit(one, one, epochs=15, verbose=0, callbacks=[LearningRateLogger(csv), record])
    logged = np.loadtxt(csv, delimiter=",", skiprows=1)
    assert logged[:, 0].tolist() == list(range(15))
    assert logged[:, 1].astype(np.float32).tolist() == applied


def test_a_builtin_of_keras(csv: Path) -> None:
    builtin = builtins.PolynomialDecay(0.1, 6, power=2.0)
    fit(model_with(builtin), LearningRateLogger(csv=csv))
    assert csv.read_text() == text_of(0, 8, from_keras(builtin))


def test_a_run_that_begins_later_begins_its_file_there(csv: Path) -> None:
    fit(model_with(KerasSchedule(SCHEDULE), step=5), LearningRateLogger(csv=csv))
    assert csv.read_text() == text_of(5, 13)


@pytest.mark.parametrize("step", [0, 1, 5, 11, 12])
def test_a_resumed_run_replaces_the_rows_from_its_step_on(csv: Path, step: int) -> None:
    fit(model_with(KerasSchedule(SCHEDULE.scaled(2.0))), LearningRateLogger(csv=csv), epochs=3)
    fit(model_with(KerasSchedule(SCHEDULE), step=step), LearningRateLogger(csv=csv))
    before = text_of(0, step, SCHEDULE.scaled(2.0)).splitlines()
    assert csv.read_text().splitlines() == before + text_of(step, step + 8).splitlines()[1:]


def test_rows_beyond_the_step_are_gone_before_the_first_step(csv: Path) -> None:
    fit(model_with(KerasSchedule(SCHEDULE)), LearningRateLogger(csv=csv), epochs=3)
    seen = []
    look = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: seen.append(csv.read_text())
    )
    fit(model_with(KerasSchedule(SCHEDULE), step=6), LearningRateLogger(csv=csv), look, epochs=1)
    assert seen == [text_of(0, 6)] * 4


def test_steps_that_were_never_written_are_filled_in(csv: Path) -> None:
    fit(model_with(KerasSchedule(SCHEDULE)), LearningRateLogger(csv=csv), epochs=1)
    fit(model_with(KerasSchedule(SCHEDULE), step=6), LearningRateLogger(csv=csv), epochs=1)
    assert csv.read_text() == text_of(0, 10)


@pytest.mark.parametrize("removed", [1, 5, 25, len(text_of(0, 8)) - 10])
def test_a_half_line_is_completed(csv: Path, removed: int) -> None:
    fit(model_with(KerasSchedule(SCHEDULE)), LearningRateLogger(csv=csv))
    csv.write_text(csv.read_text()[:-removed])
    fit(model_with(KerasSchedule(SCHEDULE), step=8), LearningRateLogger(csv=csv), epochs=1)
    expected = text_of(8, 12) if removed > 100 else text_of(0, 12)
    assert csv.read_text() == expected


def test_backup_and_restore_sets_the_step_after_this_callback_began(csv: Path, tmp_path: Path) -> None:
    def backup(**options: Any) -> Any:
        return keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False, **options)

    fit(model_with(KerasSchedule(SCHEDULE)), LearningRateLogger(csv=csv), backup())
    fit(model_with(KerasSchedule(SCHEDULE)), LearningRateLogger(csv=csv), backup(), epochs=3)
    assert csv.read_text() == text_of(0, 12)


def test_an_epoch_that_is_broken_off(csv: Path) -> None:
    def interrupt(batch: int, logs: Any) -> None:
        if batch == 2:
            raise KeyboardInterrupt

    breaking = keras.callbacks.LambdaCallback(on_train_batch_end=interrupt)
    model = model_with(KerasSchedule(SCHEDULE), step=4)
    with pytest.raises(KeyboardInterrupt), LearningRateLogger(csv=csv) as logger:
        fit(model, logger, breaking)
    assert csv.read_text() == text_of(4, 7)


def test_stopping_within_an_epoch(csv: Path) -> None:
    model = model_with(KerasSchedule(SCHEDULE))

    def stop(batch: int, logs: Any) -> None:
        model.stop_training = batch == 1

    fit(model, LearningRateLogger(csv=csv), keras.callbacks.LambdaCallback(on_train_batch_end=stop))
    assert csv.read_text() == text_of(0, 2)


@pytest.mark.parametrize("logger_first", [True, False])
def test_rates_replaced_at_the_end_of_an_epoch(csv: Path, logger_first: bool) -> None:
    reduce = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e3)
    callbacks = [LearningRateLogger(csv=csv), reduce]
    fit(model_with(KerasSchedule(SCHEDULE)), *(callbacks if logger_first else callbacks[::-1]), epochs=3)
    reduced = text_of(8, 12, SCHEDULE.scaled(0.5)).partition("\n")[2]
    assert csv.read_text() == text_of(0, 8) + reduced


def test_refuses_a_rate_that_is_no_schedule(csv: Path) -> None:
    model = model_with(lambda: 0.1)
    with pytest.raises(TypeError, match="must be a schedule: give the optimizer a KerasSchedule"):
        fit(model, LearningRateLogger(csv=csv))
    assert not csv.exists()
    assert int(model.optimizer.iterations) == 0


class PerBatch(keras.callbacks.Callback):
    """Sets a number before or after each batch."""

    def __init__(self, numbers: list[float], when: str) -> None:
        super().__init__()
        self._numbers, self._step, self._when = numbers, 0, when

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self._when == "begin":
            self._set()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self._when == "end":
            self._set()

    def _set(self) -> None:
        # The attribute of a callback brings JAX's state back into the model's variables.
        self.model.optimizer.learning_rate = self._numbers[self._step]
        self._step += 1


@pytest.mark.parametrize("options", [{}, {"run_eagerly": False}], ids=str)
@pytest.mark.parametrize("setter", ["none", "epoch", "plateau", "begin", "end"])
def test_numbers_are_logged_as_they_are_applied(
    csv: Path, random: Random, setter: str, options: dict[str, Any]
) -> None:
    model = model_with(0.3, **options)
    model.set_weights([np.zeros((1, 1), np.float32)])
    numbers = [random.uniform(0.01, 1.0) for _ in range(13)]
    callbacks: dict[str, list[Any]] = {
        "none": [],
        "epoch": [keras.callbacks.LearningRateScheduler(lambda epoch: numbers[epoch])],
        "plateau": [keras.callbacks.ReduceLROnPlateau("loss", factor=0.3, patience=1, mode="max")],
        "begin": [PerBatch(numbers, "begin")],
        "end": [PerBatch(numbers, "end")],
    }
    logger = LearningRateLogger(csv=csv)
    once_an_epoch = [logger, *callbacks[setter]] if setter in ("epoch", "plateau") else None
    weights = [0.0]
    record = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: weights.append(float(record.model.get_weights()[0][0, 0]))
    )
    fit(model, *(once_an_epoch or [*callbacks[setter], logger]), record, epochs=3)
    rows = np.loadtxt(csv, delimiter=",", skiprows=1)
    assert rows[:, 0].tolist() == list(range(12))
    np.testing.assert_allclose(rows[:, 1], -np.diff(weights), rtol=1e-4)
    assert len(set(rows[:, 1])) == {"none": 1, "epoch": 3, "plateau": 2, "begin": 12, "end": 12}[setter]


def test_steps_with_unknown_numbers_are_filled_in_as_such(csv: Path) -> None:
    model = model_with(0.25)
    fit(model, LearningRateLogger(csv=csv), epochs=1)
    fit(model, epochs=1)
    fit(model, LearningRateLogger(csv=csv), epochs=1)
    assert csv.read_text().splitlines()[1:] == [
        f"{step},{'nan' if 4 <= step < 8 else '0.25'}" for step in range(12)
    ]


def test_a_schedule_of_ones_own_is_asked(csv: Path) -> None:
    class Own(builtins.LearningRateSchedule):
        def __call__(self, step: Any) -> Any:
            return 0.5 / (1.0 + keras.ops.cast(step, "float32"))

    class Half(KerasSchedule):
        def __call__(self, step: Any) -> Any:
            return super().__call__(step) / 2

    for rate, expected in (
        (Own(), [0.5 / (1 + step) for step in range(8)]),
        (Half(SCHEDULE), [SCHEDULE(step) / 2 for step in range(8)]),
    ):
        csv.unlink(missing_ok=True)
        fit(model_with(rate, run_eagerly=False), LearningRateLogger(csv=csv))
        np.testing.assert_allclose(np.loadtxt(csv, delimiter=",", skiprows=1)[:, 1], expected, rtol=1e-6)


@pytest.mark.parametrize("content", ["epoch,loss\n0,1.0\n", "step,learning_rate\nzero,0.1\n"])
def test_refuses_a_file_of_something_else(csv: Path, content: str) -> None:
    csv.parent.mkdir()
    csv.write_text(content)
    with pytest.raises(ValueError, match=r"rates.csv' holds something else"):
        fit(model_with(KerasSchedule(SCHEDULE)), LearningRateLogger(csv=csv))
    assert csv.read_text() == content


def test_refuses_places_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="csv=None or tensorboard=None must be a path"):
        LearningRateLogger()
    with pytest.raises(IsADirectoryError, match="is a folder; a path for a file is expected"):
        LearningRateLogger(csv=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        LearningRateLogger(csv=tmp_path / "file" / "rates.csv")
    pytest.importorskip("tensorboard")
    with pytest.raises(NotADirectoryError):
        LearningRateLogger(tensorboard=tmp_path / "file")


def read_events(folder: Path) -> list[tuple[int, float]]:
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    accumulator = module.EventAccumulator(str(folder), size_guidance={module.SCALARS: 0}).Reload()
    return [(event.step, event.value) for event in accumulator.Scalars("learning_rate")]


def events_of(first: int, stop: int, schedule: lrd.Schedule = SCHEDULE) -> list[tuple[int, float]]:
    return [(step, float(np.float32(schedule(step)))) for step in range(first, stop)]


def test_tensorboard_reads_each_step(tmp_path: Path, csv: Path) -> None:
    pytest.importorskip("tensorboard")
    folder = tmp_path / "rates"
    fit(model_with(KerasSchedule(SCHEDULE)), LearningRateLogger(csv, folder), epochs=3)
    assert read_events(folder) == events_of(0, 12)
    assert csv.read_text() == text_of(0, 12)


def test_steps_between_two_runs_of_one_logger_are_filled_in(tmp_path: Path, csv: Path) -> None:
    pytest.importorskip("tensorboard")
    model = model_with(KerasSchedule(SCHEDULE))
    logger = LearningRateLogger(csv=csv, tensorboard=tmp_path / "events")
    fit(model, logger, epochs=1)
    model.train_on_batch(ONES[:1], ONES[:1])
    fit(model, logger, epochs=1)
    assert csv.read_text() == text_of(0, 9)
    assert [step for step, _ in read_events(tmp_path / "events")] == list(range(9))


def test_tensorboard_drops_what_a_resumed_run_does_again(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    fit(model_with(KerasSchedule(SCHEDULE)), LearningRateLogger(tensorboard=tmp_path), epochs=3)
    other = SCHEDULE.scaled(0.5)
    fit(model_with(KerasSchedule(other), step=6), LearningRateLogger(tensorboard=tmp_path), epochs=1)
    assert read_events(tmp_path) == events_of(0, 6) + events_of(6, 10, other)


PROGRAM = """
import sys
import keras, numpy as np, lrdecay_native as lrd
from lrdecay_native.keras import KerasSchedule, LearningRateLogger
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(KerasSchedule(lrd.StepDecay(0.1, 0.5, 2))), loss="mse")
ones = np.ones((4, 1))
model.fit(ones, ones, batch_size=1, verbose=0, callbacks=[LearningRateLogger(tensorboard="rates")])
print("tensorflow" in sys.modules)
"""

RunPython = Callable[..., Any]


@pytest.mark.skipif(BACKEND == "tensorflow", reason="this backend imports TensorFlow")
def test_tensorboard_needs_no_tensorflow(run_python: RunPython, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    ran = run_python(PROGRAM)
    assert (ran.returncode, ran.stdout) == (0, "False\n"), ran.stderr
    assert [step for step, _ in read_events(tmp_path / "rates")] == [0, 1, 2, 3]


def test_says_which_extra_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ImportError, match=r'pip install "lrdecay_native\[tensorboard\]"'):
        LearningRateLogger(tensorboard=tmp_path)
