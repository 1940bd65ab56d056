"""The rates that an optimizer really applied, read off the weights that it trained."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

Rates = npt.NDArray[np.float32]


def one_hot_rows(steps: int) -> Rates:
    """A row for each step, with 1 in a place of its own."""
    return np.eye(steps, dtype=np.float32)


def a_weight_for_each_step(steps: int) -> Any:
    """A model whose weights are 0; in training on `one_hot_rows`, step ``i`` changes weight ``i`` alone.

    With the output as the loss, the gradient of that weight is 1: plain SGD leaves minus the step's rate there.
    """
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    return keras.Sequential([keras.Input((steps,)), dense])


def output_as_loss(_: Any, output: Any) -> Any:
    return output


def weights(model: Any) -> Rates:
    return np.array(model.get_weights()[0][:, 0])


def fit_rows(optimizer: Any, rows: Rates, *, first_step: int = 0, **compile_options: Any) -> Any:
    """A model after one epoch of one step for each row, in order."""
    model = a_weight_for_each_step(rows.shape[1])
    model.compile(optimizer, loss=output_as_loss, **compile_options)
    if first_step:
        optimizer.build(model.trainable_variables)
        optimizer.iterations.assign(first_step)
    labels = np.zeros((len(rows), 1), np.float32)
    model.fit(rows, labels, batch_size=1, shuffle=False, verbose=0)
    return model


def applied_rates(optimizer: Any, steps: int, *, first_step: int = 0, **compile_options: Any) -> Rates:
    """The rate of each of the first steps in ``fit``, with an optimizer that moves weights by rate times gradient."""
    return -weights(fit_rows(optimizer, one_hot_rows(steps), first_step=first_step, **compile_options))


def plain_adam(learning_rate: Any, **options: Any) -> Any:
    """Adam whose moments forget at once: it moves a weight by the rate times the sign of its gradient."""
    return keras.optimizers.Adam(learning_rate, beta_1=0.0, beta_2=0.0, epsilon=1e-30, **options)


def fit_steps(model: Any, first: int, stop: int, *callbacks: Any) -> None:
    """Take the steps from one to below another of a model of `a_weight_for_each_step`."""
    rows = one_hot_rows(model.input_shape[1])[first:stop]
    labels = np.zeros((len(rows), 1), np.float32)
    model.fit(rows, labels, batch_size=1, shuffle=False, verbose=0, callbacks=list(callbacks))
