"""Real training runs: the rates that were used, and the files."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from draws import draws

from lrdecay_native.schedules.decays.asymptotic import ExponentialDecay, StepDecay
from lrdecay_native.schedules.decays.finite import PolynomialDecay

for module in ("click", "keras", "tensorflow", "matplotlib", "rich"):
    pytest.importorskip(module, reason="needs: pip install 'lrdecay_native[training]'")

import keras  # noqa: E402

from lrdecay_native.command_line.commands import run  # noqa: E402
from lrdecay_native.command_line.training import report  # noqa: E402
from lrdecay_native.command_line.training.data import Digits, read_mnist  # noqa: E402
from lrdecay_native.command_line.training.record import TrainingRun  # noqa: E402
from lrdecay_native.command_line.training.run import rates_by_step, train  # noqa: E402
from lrdecay_native.keras import KerasSchedule, KerasTable  # noqa: E402

SCHEDULE = StepDecay(0.1, drop_rate=0.96, step_size=7)
STEPS_PER_EPOCH = 10


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory, write_digits: Callable[..., Path]) -> Digits:
    return read_mnist(write_digits(tmp_path_factory.mktemp("digits") / "mnist.npz"))


@pytest.fixture(scope="module")
def short_run(digits: Digits) -> TrainingRun:
    return train(digits, KerasSchedule(SCHEDULE), epochs=3, batch_size=32, seed=0)


class RecordingSGD(keras.optimizers.SGD):  # type: ignore[misc]
    """SGD that keeps the rate it is given inside the training step."""

    def build(self, variables: Any) -> None:
        super().build(variables)
        self.used_rate = self.add_variable((), name="used_rate")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        super().update_step(gradient, variable, learning_rate)
        self.used_rate.assign(learning_rate)


class RateRecorder(keras.callbacks.Callback):  # type: ignore[misc]
    def on_train_begin(self, logs: Any = None) -> None:
        self.rates: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.rates.append(float(self.model.optimizer.used_rate))


@pytest.mark.parametrize(
    "learning_rate",
    [
        KerasSchedule(SCHEDULE),
        KerasSchedule(ExponentialDecay(0.1, 0.01)),
        KerasSchedule(PolynomialDecay(0.1, 500, power=0.5, end_learning_rate=0.01)),
        KerasTable(SCHEDULE, 320),
        keras.optimizers.schedules.ExponentialDecay(0.1, 100, 0.96),
        0.1,
    ],
    ids=["step", "exponential", "polynomial", "table", "builtin", "number"],
)
def test_the_reported_rates_are_those_the_training_step_used(learning_rate: Any, digits: Digits) -> None:
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10)])
    model.compile(RecordingSGD(learning_rate), keras.losses.SparseCategoricalCrossentropy(True))
    recorder = RateRecorder()
    model.fit(digits.x_train, digits.y_train, batch_size=1, verbose=0, callbacks=[recorder])
    used = np.array(recorder.rates, np.float32)
    np.testing.assert_array_equal(rates_by_step(learning_rate, 320, model.jit_compile), used)


def test_a_short_run_learns(short_run: TrainingRun) -> None:
    assert short_run.test_accuracy > 0.9
    assert short_run.test_loss == pytest.approx(short_run.history["val_loss"][-1])
    assert len(short_run.rates) == 3 * STEPS_PER_EPOCH + 1
    assert short_run.steps_per_epoch == STEPS_PER_EPOCH


def test_a_run_repeats_under_its_seed(digits: Digits, short_run: TrainingRun) -> None:
    again = train(digits, KerasSchedule(SCHEDULE), epochs=3, batch_size=32, seed=0)
    other = train(digits, KerasSchedule(SCHEDULE), epochs=3, batch_size=32, seed=1)
    assert again.history["loss"] == pytest.approx(short_run.history["loss"], rel=1e-4)
    assert other.history["loss"] != pytest.approx(short_run.history["loss"], rel=1e-4)


def test_a_run_prints_each_epoch_s_rate(digits: Digits, capfd: pytest.CaptureFixture[str]) -> None:
    train(digits, KerasTable(SCHEDULE, 21), epochs=2, batch_size=32, seed=0)
    printed = capfd.readouterr().out
    assert "Epoch 01: learning rate = 0.10000\n" in printed
    assert "Epoch 02: learning rate = 0.09600\n" in printed
    assert printed.count("val_accuracy") == 2


def test_the_history_has_a_line_for_each_epoch(short_run: TrainingRun) -> None:
    rows = list(csv.DictReader(io.StringIO(report.history_csv(short_run).decode())))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert set(rows[0]) == {
        "epoch", "learning_rate", "loss", "accuracy", "val_loss", "val_accuracy"
    }  # fmt: skip
    assert [float(row["learning_rate"]) for row in rows] == short_run.rates[[0, 10, 20]].tolist()
    assert [float(row["val_loss"]) for row in rows] == short_run.history["val_loss"]


def test_the_rates_have_a_line_for_each_step(short_run: TrainingRun) -> None:
    rows = list(csv.DictReader(io.StringIO(report.rates_csv(short_run).decode())))
    assert [int(row["step"]) for row in rows] == list(range(30))
    assert [float(row["learning_rate"]) for row in rows] == short_run.rates[:30].tolist()


def test_a_run_and_a_schedule_are_drawn(short_run: TrainingRun) -> None:
    png = b"\x89PNG\r\n"
    assert report.run_picture(short_run).startswith(png)
    assert report.schedule_picture(SCHEDULE, 100, "png").startswith(png)
    assert b"<svg" in report.schedule_picture(SCHEDULE, 100, "svg")


@pytest.mark.slow
def test_the_run_on_the_real_mnist(
    real_mnist: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its first epochs; all of them in `make thorough`, as in `make demo`."""
    epochs = draws(15, ci=3)
    arguments = ["--data", str(real_mnist), "--output", str(tmp_path), "--epochs", str(epochs)]
    assert run(["train", *arguments]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert sum("learning rate = " in line for line in lines) == epochs
    rate = float(KerasSchedule(StepDecay(0.1, 0.96, 1000))(1875 * epochs))
    assert lines[-2] == f"Current learning rate: {rate}"
    least, most, rate_then = {15: (0.977, 0.982, 0.031885575503110886), 3: (0.96, 0.977, rate)}[epochs]
    assert rate == rate_then
    assert least <= float(lines[-3].removeprefix("Test accuracy: ")) <= most
