"""Real training runs: the rates that were used, the files, the comparison."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrdecay_native.schedules.decays import ExponentialDecay, PolynomialDecay, StepDecay

for module in ("click", "keras", "tensorflow", "matplotlib", "rich"):
    pytest.importorskip(module, reason="needs: pip install 'lrdecay_native[training]'")

import keras  # noqa: E402
from rich.console import Console  # noqa: E402

from bench.training import comparison  # noqa: E402
from bench.training.comparison import Measurement  # noqa: E402
from bench.training.statistics import RateDifference, Ratio  # noqa: E402
from lrdecay_native.command_line.commands import run  # noqa: E402
from lrdecay_native.command_line.training import report  # noqa: E402
from lrdecay_native.command_line.training.data import Digits, read_mnist  # noqa: E402
from lrdecay_native.command_line.training.run import TrainingRun, rates_by_step, train  # noqa: E402
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


def test_the_comparison_trains_each_learning_rate_alike(digits: Digits) -> None:
    rates = comparison.contenders(StepDecay(1.0, drop_rate=1.0, step_size=7), 20, 10)
    turns: list[None] = []
    # What is learnt from labels dealt at random depends on the order of the images.
    dealt = np.random.default_rng(0).permutation(digits.y_train)
    measurements = comparison.measure(
        replace(digits, y_train=dealt),
        rates,
        epochs=2,
        batch_size=32,
        seed=0,
        repeats=2,
        advance=lambda: turns.append(None),
    )
    assert [measurement.name for measurement in measurements] == list(rates)
    assert len(turns) == len(rates) * 2 * 2
    builtin = measurements[0]
    for measurement in measurements:
        assert len(measurement.step_times) == 2 * (2 - 1)
        assert min(measurement.step_times) > 0
        # A drop of 1 makes all of them the same constant, so the same seed gives the same network.
        np.testing.assert_array_equal(measurement.rates, np.full(21, 1.0, np.float32))
        assert measurement.accuracies == builtin.accuracies


def measured(name: str, step_times: list[float], rates: list[float]) -> Measurement:
    return Measurement(name, tuple(step_times), (0.5, 0.75), np.array(rates, np.float32))


BUILTIN = measured("builtin", [1e-3, 2e-3] * 4, [0.1, 0.1, 0.05])


def test_ratios_are_taken_turn_by_turn() -> None:
    doubled = measured("ours", [2e-3, 4e-3] * 4, [0.1, 0.1, 0.05])
    compared = comparison.compare(doubled, BUILTIN)
    assert compared.step_time == 3e-3
    assert compared.ratio == Ratio(2, 2, 2, (2, 2))
    assert not compared.ratio.below_noise
    assert "100.0% slower" in compared.sentence()
    assert compared.difference == RateDifference(None, 0, 0)
    assert compared.final_rate == np.float32(0.05)


def test_a_difference_below_the_noise_is_called_so() -> None:
    noisy = measured("ours", [0.9e-3, 2.2e-3, 1.02e-3, 1.9e-3] * 2, [0.1, 0.09, 0.05])
    compared = comparison.compare(noisy, BUILTIN)
    assert compared.ratio.lower < 1 < compared.ratio.upper
    assert compared.ratio.below_noise
    assert "below the noise" in compared.sentence()
    assert (compared.difference.first, compared.difference.steps) == (1, 1)


def test_the_rates_of_ours_in_float32_are_the_builtin_s() -> None:
    rates = comparison.contenders(StepDecay(0.1, drop_rate=0.96, step_size=1000), 28_125, 1875)
    by_name = {name: contender.rates(28_126, False) for name, contender in rates.items()}
    np.testing.assert_array_equal(by_name["ours, float32"], by_name["builtin"])
    assert float(by_name["builtin"][-1]) == 0.031885575503110886
    assert float(by_name["ours, native"][-1]) == 0.03188559412956238
    assert (by_name["constant"] == np.float32(0.1)).all()


def test_a_comparison_without_a_builtin_or_a_spread_is_refused() -> None:
    with pytest.raises(TypeError, match=r"needs a StepDecay.*got ExponentialDecay\("):
        comparison.contenders(ExponentialDecay(0.1, 0.01), 30, 10)
    with pytest.raises(ValueError, match=r"epochs=1 with repeats=9 leaves 0 timed .*at least 8"):
        comparison.check_turns(1, 9)
    comparison.check_turns(5, 2)


def test_the_comparison_is_reported() -> None:
    noisy = measured("ours", [0.9e-3, 2.2e-3, 1.02e-3, 1.9e-3] * 2, [0.1, 0.09, 0.031885575503110886])
    comparisons = [comparison.compare(each, BUILTIN) for each in (BUILTIN, noisy)]
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(report.comparison_table(comparisons))
    ours = next(line for line in console.export_text().splitlines() if "│ ours" in line)
    for cell in ("1,460 us", "0.985 [0.900, 1.100]", "0.031885575503110886", "0.5000-0.7500"):
        assert cell in ours
    assert "at step 1" in ours
    content = json.loads(report.comparison_json(comparisons, [BUILTIN, noisy], {"seed": 0}))
    assert content["settings"] == {"seed": 0}
    assert content["learning_rates"][1]["step_times"] == list(noisy.step_times)
    assert content["learning_rates"][1]["below_noise"] is True


@pytest.mark.slow
def test_the_tutorial_s_run_on_the_real_mnist(
    real_mnist: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "--data", str(real_mnist), "--output", str(tmp_path)]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert sum("learning rate = " in line for line in lines) == 15
    assert lines[-2] == "Current learning rate: 0.031885575503110886"
    assert 0.977 <= float(lines[-3].removeprefix("Test accuracy: ")) <= 0.982
