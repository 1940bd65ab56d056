"""Callbacks that show the learning rate of a run."""

from __future__ import annotations

from typing import Any

import keras

from lrdecay_native.keras.compiled_steps import StepRate, optimizers_of
from lrdecay_native.keras.optimizer_state import checked, steps_taken, value_of, warn_of_unknown
from lrdecay_native.monitoring.lines import line_of_epoch, rate_text


class PrintLR(keras.callbacks.Callback):  # type: ignore[misc]
    """Print the learning rate of each epoch's first step: ``Epoch 01: learning rate = 0.10000``.

    Works with any learning rate the optimizer can have: a number, a schedule, or a number set by
    ``keras.callbacks.LearningRateScheduler``, wherever that stands in the list of callbacks.  What it prints is
    `current_learning_rate`: no graph is run for it.  Of a ``MultiOptimizer`` it prints each optimizer's rate, with
    its name.

    The line comes before the first step; before a step that is to be compiled, after it: only then is it known
    which rate the compiled step holds.  If that is not the optimizer's, since this was replaced by
    ``optimizer.learning_rate = ...``, a warning says so, and the line has the rate that the step applies, or
    "unknown"; see `set_schedule`.

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
        self._reads: list[_Read] = []

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        # Not at the epoch's begin: a LearningRateScheduler listed later hasn't set the rate yet.
        if self._epoch is None:
            return
        if self._reads:
            self._print()
            return
        model = self.model
        self._reads = [_Read(StepRate.of(each, model)) for each in optimizers_of(model)]
        if all(read.step_rate.held is not None for read in self._reads):
            self._print()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._epoch is not None and self._reads:
            self._print()

    def _print(self) -> None:
        assert self._epoch is not None
        print(line_of_epoch(self._epoch, (read.text(named=len(self._reads) > 1) for read in self._reads)))
        self._epoch = None


class _Read:
    """An optimizer's rate before a step, to be told when it is known which one the step holds."""

    def __init__(self, step_rate: StepRate) -> None:
        self.step_rate = step_rate
        self._step = steps_taken(step_rate.optimizer)
        self._value = value_of(step_rate.rate, step_rate.optimizer, self._step)

    def text(self, named: bool) -> str:
        rate = self._rate()
        text = "unknown" if rate is None else rate_text(rate)
        return f"{text} ({self.step_rate.optimizer.name})" if named else text

    def _rate(self) -> float | None:
        if self.step_rate.held is None:
            warn_of_unknown(self.step_rate)
            return None
        held = checked(self.step_rate)
        if held is self.step_rate.rate:
            return self._value
        return value_of(held, self.step_rate.optimizer, self._step)
