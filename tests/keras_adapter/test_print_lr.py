"""`PrintLR` in real runs, with every kind of learning rate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lrdecay_native as lrd

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")

from lrdecay_native.keras import KerasSchedule, KerasTable, PrintLR, current_learning_rate  # noqa: E402

SCHEDULE = lrd.StepDecay(0.1, drop_rate=0.5, step_size=4)

builtins = keras.optimizers.schedules
BACKEND = keras.backend.backend()


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


class RatesOfKeras(keras.callbacks.Callback):
    """The rate at the beginning of each epoch, as Keras computes it."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        print(f"Epoch {epoch + 1:02d}: learning rate = {rate:.5f}")


def loss_scaled(rate: Any) -> Any:
    return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(rate))


@pytest.mark.parametrize(
    ("optimizer", "compile_options"),
    [
        (keras.optimizers.SGD, {}),
        (lambda rate: keras.optimizers.SGD(rate, gradient_accumulation_steps=3), {}),
        (loss_scaled, {}),
        (keras.optimizers.AdamW, {"jit_compile": BACKEND != "torch"}),
        (keras.optimizers.SGD, {"steps_per_execution": 1 if BACKEND == "torch" else 3}),
    ],
    ids=["SGD", "accumulation", "loss scale", "jit", "steps per execution"],
)
def test_print_lr_prints_what_keras_computes(
    optimizer: Any, compile_options: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    rate = KerasSchedule(lrd.CosineDecay(0.1, 40).warmup(5))
    model.compile(optimizer(rate), loss="mse", **compile_options)
    data = np.ones((4, 1), np.float32)
    options = {"epochs": 5, "batch_size": 1, "verbose": 0}
    model.fit(data, data, callbacks=[RatesOfKeras(), PrintLR()], **options)
    # An optimizer that goes on.
    model.fit(data, data, callbacks=[RatesOfKeras(), PrintLR()], **{**options, "initial_epoch": 3})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 14
    assert lines[::2] == lines[1::2]
    assert len(set(lines)) == 7


def at_step(optimizer: Any, step: int) -> Any:
    optimizer._iterations.assign(step)
    return optimizer


class NeverCalled(KerasSchedule):
    def _rate_of_tensor(self) -> Any:
        def refuse(step: Any) -> Any:
            raise AssertionError("the framework was asked")

        return refuse

    def _at_number(self, step: Any) -> Any:
        raise AssertionError("the framework was asked")


class HalfOfOurs(KerasSchedule):
    """One of this library that applies something else than its schedule."""

    def __call__(self, step: Any) -> Any:
        return super().__call__(step) / 2


@pytest.mark.parametrize("step", [0, 3, 50, 2**24 + 1])
def test_current_learning_rate_is_the_native_value(step: int) -> None:
    schedule = lrd.CosineDecay(0.1, 2**25).warmup(10)
    assert current_learning_rate(at_step(keras.optimizers.SGD(NeverCalled(schedule)), step)) == schedule(step)
    table = KerasTable(schedule, 20)
    assert current_learning_rate(at_step(keras.optimizers.SGD(table), step)) == schedule(step)
    accumulating = keras.optimizers.SGD(NeverCalled(schedule), gradient_accumulation_steps=4)
    assert current_learning_rate(at_step(accumulating, step)) == schedule(step)
    scaled = loss_scaled(NeverCalled(schedule))
    at_step(scaled.inner_optimizer, step)
    assert current_learning_rate(scaled) == schedule(step)


class Halved(builtins.ExponentialDecay):
    def __call__(self, step: Any) -> Any:
        return super().__call__(step) / 2


@pytest.mark.parametrize(
    "rate",
    [
        0.3,
        builtins.ExponentialDecay(0.1, 1000, 0.5, staircase=True),
        builtins.PolynomialDecay(0.1, 3000),
        builtins.CosineDecayRestarts(0.1, 700),
        Halved(0.1, 1000, 0.5),
        HalfOfOurs(lrd.StepDecay(0.1, 0.5, 1000)),
        lambda: 0.25,
    ],
    ids=lambda rate: type(rate).__name__,
)
def test_current_learning_rate_of_other_rates_is_that_of_keras(rate: Any) -> None:
    optimizer = at_step(keras.optimizers.SGD(rate), 2500)
    expected = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
    assert current_learning_rate(optimizer) == pytest.approx(expected, rel=1e-6)


def test_current_learning_rate_sees_what_was_changed() -> None:
    builtin = builtins.ExponentialDecay(0.1, 1000, 0.5)
    optimizer = keras.optimizers.SGD(builtin)
    assert current_learning_rate(optimizer) == 0.1
    builtin.initial_learning_rate = 0.2
    assert current_learning_rate(optimizer) == 0.2


def test_current_learning_rate_refuses_what_has_not_one() -> None:
    with pytest.raises(TypeError, match=r"optimizer=0\.1 must be a Keras optimizer"):
        current_learning_rate(0.1)
    if hasattr(keras.optimizers, "MultiOptimizer"):
        several = keras.optimizers.MultiOptimizer(lambda variable: keras.optimizers.SGD(0.1))
        with pytest.raises(TypeError, match="has several rates"):
            current_learning_rate(several)


@pytest.mark.skipif(BACKEND != "jax", reason="only JAX's trainer keeps the step outside of the optimizer")
def test_current_learning_rate_within_an_epoch_on_jax() -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(KerasSchedule(SCHEDULE)), loss="mse")

    def on_batch_end(batch: int, logs: Any) -> None:
        with pytest.raises(RuntimeError, match="jax_state_sync"):
            current_learning_rate(model.optimizer)
        assert current_learning_rate(callback.model.optimizer) == SCHEDULE(batch + 1)

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=on_batch_end)
    data = np.ones((8, 1), np.float32)
    model.fit(data, data, batch_size=1, verbose=0, callbacks=[callback])


def test_small_rates_keep_their_digits(capsys: pytest.CaptureFixture[str]) -> None:
    train(KerasSchedule(lrd.StepDecay(2.3456e-3, drop_rate=0.01, step_size=4)), [PrintLR()])
    assert capsys.readouterr().out == (
        "Epoch 01: learning rate = 0.00235\n"
        "Epoch 02: learning rate = 2.3456e-05\n"
        "Epoch 03: learning rate = 2.3456e-07\n"
    )


def test_a_counter_that_got_negative_is_named() -> None:
    optimizer = keras.optimizers.SGD(KerasSchedule(SCHEDULE))
    optimizer._iterations.assign(-(2**31))
    with pytest.raises(RuntimeError, match=r"iterations=-2147483648: .* has passed 2\*\*31 - 1.*shifted"):
        current_learning_rate(optimizer)
