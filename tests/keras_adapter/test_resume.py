"""A run that was stopped in the middle of an epoch goes on as if it had not been: the same rates, the same bits."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrdecay_native as lrd

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")

from keras_adapter.applied import (  # noqa: E402
    a_weight_for_each_step,
    one_hot_rows,
    plain_adam,
    weights,
)

from lrdecay_native.keras import KerasSchedule, KerasTable  # noqa: E402

STEPS_PER_EPOCH, EPOCHS, BATCH = 8, 2, 3
STEPS = EPOCHS * STEPS_PER_EPOCH
PLAN = lrd.CosineDecay(0.01, STEPS - 6).warmup(6)
STOPS = (3, 11)
"""In the warm-up, which ends in the first epoch, and in the midst of the second epoch."""

RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.normal(size=(STEPS_PER_EPOCH * BATCH, 4)).astype(np.float32)
LABELS = np.tanh(INPUTS).sum(axis=1, keepdims=True)


def network(learning_rate: Any, optimizer: Any = keras.optimizers.Adam) -> Any:
    keras.utils.set_random_seed(0)
    layers = [keras.Input((4,)), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(optimizer(learning_rate), loss="mse")
    return model


def train(model: Any, first: int, stop: int, **fit_options: Any) -> None:
    """The steps from `first` to ``stop - 1``, each on the batch that it has in the whole run."""
    batches = np.arange(first, stop) % STEPS_PER_EPOCH
    rows = (batches[:, np.newaxis] * BATCH + np.arange(BATCH)).ravel()
    model.fit(INPUTS[rows], LABELS[rows], batch_size=BATCH, shuffle=False, verbose=0, **fit_options)


def formula(start: int = 0) -> Any:
    return KerasSchedule(PLAN)


def table(start: int = 0) -> Any:
    return KerasTable(PLAN, STEPS, start=start)


each_way = pytest.mark.parametrize("way", [formula, table])


@functools.cache
def uninterrupted(way: Callable[..., Any], optimizer: Any = keras.optimizers.Adam) -> list[Any]:
    model = network(way(), optimizer)
    model.fit(INPUTS, LABELS, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0)
    return state(model)


def state(model: Any) -> list[Any]:
    return [variable.numpy() for variable in (*model.variables, *model.optimizer.variables)]


def check_same_bits(states: list[Any], others: list[Any]) -> None:
    for one, other in zip(states, others, strict=True):
        np.testing.assert_array_equal(one, other)


RESUME = """
import sys
import numpy, keras, lrdecay_native.keras
data = numpy.load(sys.argv[1])
for file in sys.argv[2:]:
    model = keras.models.load_model(file)
    model.fit(data["x"], data["y"], batch_size=1, shuffle=False, verbose=0)
    model.save(file)
"""


def test_the_rates_go_on_in_another_process(tmp_path: Path) -> None:
    stop, data = STOPS[0], tmp_path / "data.npz"
    files = {way: str(tmp_path / f"{way.__name__}.keras") for way in (formula, table)}
    # So far above, that the gradient of each weight is -1.
    x, y = one_hot_rows(STEPS), np.full((STEPS, 1), 9.0, np.float32)
    for way, file in files.items():
        model = a_weight_for_each_step(STEPS)
        model.compile(plain_adam(way()), loss="mean_absolute_error")
        model.fit(x[:stop], y[:stop], batch_size=1, shuffle=False, verbose=0)
        model.save(file)
    np.savez(data, x=x[stop:], y=y[stop:])
    subprocess.run([sys.executable, "-c", RESUME, data, *files.values()], check=True, timeout=300)
    rates, exact_rates = (weights(keras.models.load_model(file)) for file in files.values())
    exact = PLAN.values(STEPS).astype(np.float32)
    np.testing.assert_array_equal(exact_rates, exact)
    np.testing.assert_allclose(rates, exact, rtol=2e-6, atol=1e-9)


@each_way
@pytest.mark.parametrize("stop", STOPS)
def test_model_file(stop: int, way: Callable[..., Any], tmp_path: Path) -> None:
    stopped = network(way())
    train(stopped, 0, stop)
    stopped.save(tmp_path / "model.keras")
    resumed = keras.models.load_model(tmp_path / "model.keras")
    train(resumed, stop, STEPS)
    check_same_bits(state(resumed), uninterrupted(way))


class StopAfter(keras.callbacks.Callback):  # type: ignore[misc]
    """As a machine that is taken away."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch + 1 == self.steps:
            raise InterruptedError


@each_way
def test_backup_and_restore(way: Callable[..., Any], tmp_path: Path) -> None:
    def backup() -> Any:
        return keras.callbacks.BackupAndRestore(tmp_path / "backup", save_freq=4)

    with pytest.raises(InterruptedError):
        train(network(way()), 0, STEPS, callbacks=[backup(), StopAfter(11)])
    resumed = network(way())
    # Keras begins the epoch anew: the batches that the backup has seen are left out by who feeds it.
    train(resumed, 8, STEPS, callbacks=[backup()])
    check_same_bits(state(resumed), uninterrupted(way))


class TestWithoutAModelFile:
    @each_way
    def test_from_all_variables(self, way: Callable[..., Any]) -> None:
        """A new rate, a table that begins where the run goes on."""
        stop = STOPS[1]
        stopped, resumed = network(way()), network(way(start=stop))
        train(stopped, 0, stop)
        resumed.optimizer.build(resumed.trainable_variables)
        variables = (*resumed.variables, *resumed.optimizer.variables)
        for variable, value in zip(variables, state(stopped), strict=True):
            variable.assign(value)
        train(resumed, stop, STEPS)
        check_same_bits(state(resumed), uninterrupted(way))

    @each_way
    def test_from_weights_and_iterations(self, way: Callable[..., Any]) -> None:
        """All that an optimizer without moments needs."""
        stop = STOPS[1]
        stopped, resumed = network(way(), keras.optimizers.SGD), network(way(), keras.optimizers.SGD)
        train(stopped, 0, stop)
        resumed.set_weights(stopped.get_weights())
        resumed.optimizer.iterations.assign(stop)
        train(resumed, stop, STEPS)
        check_same_bits(state(resumed), uninterrupted(way, keras.optimizers.SGD))

    @each_way
    def test_from_a_weights_file(self, way: Callable[..., Any], tmp_path: Path) -> None:
        """Keras writes the optimizer's variables to it too, and wants an optimizer that is built to read them."""
        stop, file = STOPS[0], tmp_path / "state.weights.h5"
        stopped, resumed = network(way()), network(way(start=stop))
        train(stopped, 0, stop)
        stopped.save_weights(file)
        resumed.optimizer.build(resumed.trainable_variables)
        resumed.load_weights(file)
        train(resumed, stop, STEPS)
        check_same_bits(state(resumed), uninterrupted(way))


def test_a_run_that_forgets_its_iterations_is_noticed() -> None:
    """These tests would see a rate that begins anew."""
    stopped, resumed = network(formula()), network(formula())
    train(stopped, 0, STOPS[1])
    resumed.set_weights(stopped.get_weights())
    train(resumed, STOPS[1], STEPS)
    with pytest.raises(AssertionError):
        check_same_bits(state(resumed), uninterrupted(formula))
