"""Callbacks that show the learning rate of a run."""

from __future__ import annotations

from typing import Any

import keras

from lrdecay_native.keras.optimizer_state import current_learning_rate


class PrintLR(keras.callbacks.Callback):  # type: ignore[misc]
    """Print the learning rate of each epoch's first step: ``Epoch 01: learning rate = 0.10000``.

    Works with any learning rate the optimizer can have: a number, a schedule, or a number set by
    ``keras.callbacks.LearningRateScheduler``, wherever that stands in the list of callbacks.  What it prints is
    `current_learning_rate`: no graph is run for it.

    Examples
    --------
    >>> import keras, numpy as np
    >>> import lrdecay_native as lrd
    >>> from lrdecay_native.keras import KerasSchedule, PrintLR
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(KerasSchedule(lrd.StepDecay(0.1, 0.5, 4))), loss="mse")
    >>> x = np.ones((4, 1))
    >>> history = model.fit(x, x, batch_size=1, epochs=2, verbose=0, callbacks=[PrintLR()])
    Epoch 01: learning rate = 0.10000
    Epoch 02: learning rate = 0.05000
    """

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch: int | None = epoch

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        # Not at the epoch's begin: a LearningRateScheduler listed later hasn't set the rate yet.
        if self._epoch is not None:
            rate = current_learning_rate(self.model.optimizer)
            print(f"Epoch {self._epoch + 1:02d}: learning rate = {_printed(rate)}")
            self._epoch = None


def _printed(rate: float) -> str:
    """Five digits, of a small rate as well."""
    return f"{rate:.5f}" if rate == 0 or rate >= 0.001 else f"{rate:.5g}"
