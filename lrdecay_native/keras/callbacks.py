"""Callbacks that show the learning rate of a run."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class PrintLR(keras.callbacks.Callback):  # type: ignore[misc]
    """Print the learning rate at the start of each epoch: ``Epoch 01: learning rate = 0.10000``.

    Works with any learning rate the optimizer can have: a number, a schedule, or a number set by
    ``keras.callbacks.LearningRateScheduler``, wherever that stands in the list of callbacks.
    """

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch: int | None = epoch

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        # Not at the epoch's begin: a LearningRateScheduler listed later hasn't set the rate yet.
        if self._epoch is not None:
            rate = float(ops.convert_to_numpy(self.model.optimizer.learning_rate))
            print(f"Epoch {self._epoch + 1:02d}: learning rate = {rate:.5f}")
            self._epoch = None
