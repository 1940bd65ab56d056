"""``lrdecay train --framework torch`` trains the tutorial's network under the very plan that Keras has there."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from digits import small_digits, write_digits  # noqa: F401 - fixtures
from peers import peer

import lrdecay_native as lrd

peer("torch")
pytest.importorskip("keras")
from lrdecay_native.command_line.commands import run  # noqa: E402

EXPRESSION = "CosineDecay(0.1, 40).warmup(5, start=0.001)"
PLAN = lrd.CosineDecay(0.1, 40).warmup(5, start=0.001)


def trained(folder: Path, digits: Path, *options: str) -> list[float]:
    """The rates that a run has written."""
    command = [
        "train",
        "--schedule",
        EXPRESSION,
        "--epochs",
        "2",
        "--data",
        str(digits),
        "--output",
        str(folder),
    ]
    assert run([*command, *options]) == 0
    with (folder / "rates.csv").open() as file:
        return [float(row["learning_rate"]) for row in csv.DictReader(file)]


def test_rates_are_those_of_the_plan_in_both_frameworks(
    tmp_path: Path,
    write_digits: Callable[..., Path],  # noqa: F811
    capfd: pytest.CaptureFixture[str],
) -> None:
    digits = write_digits(tmp_path / "mnist.npz")
    rates = trained(tmp_path / "torch", digits, "--framework", "torch")
    printed = capfd.readouterr().out
    assert rates == [PLAN(step) for step in range(len(rates))]
    assert "Epoch 01: learning rate = 0.00100" in printed
    assert f"Learning rate: {PLAN!r}" in printed
    assert f"Current learning rate: {PLAN(len(rates))!r}" in printed
    assert {path.name for path in (tmp_path / "torch").iterdir()} == {"history.csv", "rates.csv", "run.png"}
    with (tmp_path / "torch" / "history.csv").open() as file:
        epochs = list(csv.DictReader(file))
    assert [float(row["learning_rate"]) for row in epochs] == [PLAN(0), PLAN(len(rates) // 2)]
    assert float(epochs[1]["loss"]) < float(epochs[0]["loss"])
    in_keras = trained(tmp_path / "keras", digits, "--arithmetic", "native")
    assert in_keras == np.array(rates, np.float32).tolist()


def test_a_run_repeats_under_its_seed(tmp_path: Path, write_digits: Callable[..., Path]) -> None:  # noqa: F811
    digits = write_digits(tmp_path / "mnist.npz")
    for folder, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        trained(tmp_path / folder, digits, "--framework", "torch", "--seed", seed)
    histories = [(tmp_path / folder / "history.csv").read_text() for folder in "abc"]
    assert histories[0] == histories[1] != histories[2]


def test_the_arithmetic_of_keras_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--framework", "torch", "--arithmetic", "float32"]) == 2
    assert "--arithmetic float32 is for --framework keras" in capsys.readouterr().err
