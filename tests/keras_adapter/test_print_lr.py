"""`PrintLR` in real runs, with every kind of learning rate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lrdecay_native as lrd

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")

from lrdecay_native.keras import KerasSchedule, KerasTable, PrintLR  # noqa: E402

SCHEDULE = lrd.StepDecay(0.1, drop_rate=0.5, step_size=4)


def train(learning_rate: Any, callbacks: list[Any], **fit_options: Any) -> Any:
    """Train four steps an epoch."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(learning_rate), loss="mse")
    data = np.ones((4, 1), np.float32)
    options = {"epochs": 3, "batch_size": 1, "verbose": 0, **fit_options}
    return model.fit(data, data, callbacks=callbacks, **options)


THREE_EPOCHS = (
    "Epoch 01: learning rate = 0.10000\n"
    "Epoch 02: learning rate = 0.05000\n"
    "Epoch 03: learning rate = 0.02500\n"
)


@pytest.mark.parametrize("rate", [KerasSchedule(SCHEDULE), KerasTable(SCHEDULE, 12)], ids=repr)
def test_print_lr_with_a_schedule(rate: Any, capsys: pytest.CaptureFixture[str]) -> None:
    train(rate, [PrintLR()])
    assert capsys.readouterr().out == THREE_EPOCHS


def test_print_lr_with_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    train(0.25, [PrintLR()], epochs=12, initial_epoch=10)
    assert capsys.readouterr().out == (
        "Epoch 11: learning rate = 0.25000\nEpoch 12: learning rate = 0.25000\n"
    )


@pytest.mark.parametrize("print_first", [True, False])
def test_print_lr_with_learning_rate_scheduler(print_first: bool, capsys: pytest.CaptureFixture[str]) -> None:
    per_epoch = lrd.StepDecay(0.1, drop_rate=0.5, step_size=1)
    callbacks = [PrintLR(), keras.callbacks.LearningRateScheduler(per_epoch)]
    train(0.25, callbacks if print_first else callbacks[::-1])
    assert capsys.readouterr().out == THREE_EPOCHS


def test_print_lr_twice(capsys: pytest.CaptureFixture[str]) -> None:
    callback = PrintLR()
    train(0.25, [callback], epochs=1)
    train(0.5, [callback], epochs=1)
    assert capsys.readouterr().out == (
        "Epoch 01: learning rate = 0.25000\nEpoch 01: learning rate = 0.50000\n"
    )
