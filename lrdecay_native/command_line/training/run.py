"""The tutorial's network in Keras, trained on handwritten digits under a learning rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt

from lrdecay_native.command_line.training.data import Digits
from lrdecay_native.command_line.training.record import TrainingRun, steps_per_epoch
from lrdecay_native.keras import PrintLR

LearningRate: TypeAlias = "float | keras.optimizers.schedules.LearningRateSchedule"


def tutorial_model(
    image_shape: Sequence[int], learning_rate: LearningRate, *, jit_compile: bool | str = "auto"
) -> Any:
    """Flatten, Dense 128 relu, Dense 10 softmax; SGD on the sparse categorical cross-entropy.

    Parameters
    ----------
    image_shape : sequence of int
        Height and width of the images, in pixels.
    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule
        What SGD uses.
    jit_compile : bool or "auto", default "auto"
        As ``Model.compile`` takes it.

    Returns
    -------
    keras.Model
        Compiled, with random weights.
    """
    model = keras.Sequential(
        [
            keras.Input(image_shape),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=jit_compile,
    )
    return model


def train(
    digits: Digits, learning_rate: LearningRate, *, epochs: int, batch_size: int, seed: int
) -> TrainingRun:
    """Train the tutorial's network, printing each epoch's rate, loss and accuracy.

    Parameters
    ----------
    digits : Digits
        The images; the test images also validate each epoch, as in the tutorial.
    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule
        What SGD uses.
    epochs : int
        Passes over the training images, at least 1.
    batch_size : int
        Images in a training step, at least 1.
    seed : int
        Seeds the weights and the order of the images; 0 to 2**32 - 1.

    Returns
    -------
    TrainingRun
    """
    keras.utils.set_random_seed(seed)
    model = tutorial_model(digits.x_train.shape[1:], learning_rate)
    history = model.fit(
        digits.x_train,
        digits.y_train,
        batch_size=batch_size,
        epochs=epochs,
        validation_data=(digits.x_test, digits.y_test),
        callbacks=[PrintLR()],
        verbose=2,
    )
    test_loss, test_accuracy = model.evaluate(digits.x_test, digits.y_test, verbose=0)
    steps = steps_per_epoch(digits, batch_size)
    return TrainingRun(
        history.history,
        rates_by_step(learning_rate, epochs * steps + 1, model.jit_compile),
        steps,
        float(test_loss),
        float(test_accuracy),
    )


def rates_by_step(learning_rate: LearningRate, stop: int, jit_compile: bool) -> npt.NDArray[np.float32]:
    """The rates of the steps 0 to ``stop - 1`` as the training step of Keras's backend computes them.

    Parameters
    ----------
    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule
        A constant rate or a schedule.
    stop : int
        The number of steps.
    jit_compile : bool
        Whether the training step is compiled (XLA, on PyTorch ``torch.compile``); the model's own
        `jit_compile`.

    Returns
    -------
    ndarray of float32

    Notes
    -----
    A schedule in float32 operations has several last bits: a framework's power and exponential
    round differently over a vector, eagerly, in a graph and compiled. So the steps are taken one
    at a time, as integers, in what is compiled as the training step is.
    """
    if isinstance(learning_rate, float):
        return np.full(stop, learning_rate, np.float32)
    return _RATES_BY_STEP[keras.backend.backend()](learning_rate, stop, jit_compile)


def _rates_on_tensorflow(learning_rate: Any, stop: int, jit_compile: bool) -> npt.NDArray[np.float32]:
    import tensorflow as tf

    @tf.function(jit_compile=jit_compile)  # type: ignore[untyped-decorator]
    def step_by_step(steps: Any) -> Any:
        return tf.map_fn(learning_rate, steps, fn_output_signature=tf.float32)

    rates: npt.NDArray[np.float32] = step_by_step(tf.range(stop, dtype=tf.int64)).numpy()
    return rates


def _rates_on_jax(learning_rate: Any, stop: int, jit_compile: bool) -> npt.NDArray[np.float32]:
    import jax

    steps = jax.numpy.arange(stop)
    if jit_compile:
        return np.asarray(jax.jit(partial(jax.lax.map, learning_rate))(steps))
    return np.array([learning_rate(step) for step in steps], np.float32)


def _rates_on_torch(learning_rate: Any, stop: int, jit_compile: bool) -> npt.NDArray[np.float32]:
    import torch

    rate = torch.compile(learning_rate.__call__) if jit_compile else learning_rate
    return np.array([float(rate(step)) for step in torch.arange(stop)], np.float32)


_RATES_BY_STEP: dict[str, Callable[[Any, int, bool], npt.NDArray[np.float32]]] = {
    "tensorflow": _rates_on_tensorflow,
    "jax": _rates_on_jax,
    "torch": _rates_on_torch,
}
