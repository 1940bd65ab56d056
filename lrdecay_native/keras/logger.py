"""The rate of every step of a run, as a CSV file and for TensorBoard."""

from __future__ import annotations

import math
import os
from functools import partial
from typing import Any

import keras

from lrdecay_native.keras.compiled_steps import StepRate, optimizers_of
from lrdecay_native.keras.optimizer_state import (
    asked,
    checked,
    schedule_of,
    steps_taken,
    value_of,
    warn_of_unknown,
)
from lrdecay_native.monitoring.log_files import NAME, Rows, opened


class LearningRateLogger(keras.callbacks.Callback):  # type: ignore[misc]
    """Write the learning rate of every step to a CSV file, to TensorBoard, or to both.

    At the end of each epoch the rates of its steps are computed in bulk by ``Schedule.values`` and written.  Nothing
    is done in a step, but for reading a rate that is a number, which other callbacks may set.

    Parameters
    ----------
    csv : str or Path, optional
        The CSV file: the line ``step,learning_rate``, and a line for each step with its rate in all its digits.
    tensorboard : str or Path, optional
        A folder for TensorBoard, which shows the rates as ``learning_rate``.  Give it a folder of its own: where a
        run begins anew at a lower step, TensorBoard drops what the folder's other files have from that step on.

    Raises
    ------
    ValueError
        If neither is given; before the first step, if the CSV file holds something else.
    TypeError
        Before the first step, if the rate is a callable without arguments: what that returns in a step isn't known.
    OSError
        If a folder can't be written.
    ImportError
        If `tensorboard` is given and the package isn't installed.

    Notes
    -----
    **The value** of a schedule of this library or of Keras is the native schedule's, in float64.  Rounded to float32
    it is the rate that a `KerasTable` applies; `KerasSchedule` and Keras's builtins apply float32 arithmetic, which
    is some ulps off (a builtin's compiled stairs and restarts may come a step late besides).  Any other
    ``LearningRateSchedule`` is called for each step, which takes some tenths of a millisecond.  TensorBoard keeps
    float32.  **The step** is the number of batches that the optimizer had taken before, also under gradient
    accumulation.

    **A number** is read before each step.  Callbacks that set it once an epoch may stand anywhere in the list; those
    that set it for each batch stand before this one.

    **Of a** ``MultiOptimizer`` each optimizer has a column, and a curve: ``learning_rate_`` and its name.

    **A rate that was replaced** by ``optimizer.learning_rate = ...`` after the training step had been compiled isn't
    applied on TensorFlow and JAX.  Then a warning says so, and the rates written are those that the step applies, or
    NaN where it was compiled with one that isn't of this library.  `set_schedule` has it compiled anew.

    **Runs that go on.**  A file that exists is continued.  When a run goes on from a checkpoint, the rows from the
    checkpoint's step on are removed first.  Steps that were taken before and not written are
    filled in with the rates of the schedule as it is (NaN, where it is a number): in the CSV file each step has one
    row.  In TensorBoard's those that another process didn't write are left out.

    **Runs that are interrupted.**  Keras tells callbacks nothing of exceptions, such as Ctrl-C.  As a context
    manager the logger writes the steps of an epoch that was broken off, too::

        with LearningRateLogger(csv="rates.csv") as logger:
            model.fit(x, y, callbacks=[logger])

    **Files.**  The CSV file is replaced whole each time: who reads it never sees half a line, and no crash leaves
    one.  TensorBoard's own readers wait for the rest of a half-written event.  Its files are written by the
    ``tensorboard`` package without TensorFlow, in some tens of microseconds a step, where the CSV file takes
    about one.  Where several processes train one model, give a logger to one of them.

    **Callbacks that replace the rate** by `set_schedule`, or as `ReduceLROnPlateau` does, may stand before or after.

    Examples
    --------
    >>> import keras, numpy as np
    >>> import lrdecay_native as lrd
    >>> from lrdecay_native.keras import KerasSchedule, LearningRateLogger
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(KerasSchedule(lrd.StepDecay(0.1, 0.5, 2))), loss="mse")
    >>> x, folder = np.ones((4, 1)), getfixture("tmp_path")
    >>> logger = LearningRateLogger(csv=folder / "rates.csv")
    >>> history = model.fit(x, x, batch_size=1, verbose=0, callbacks=[logger])
    >>> print((folder / "rates.csv").read_text())
    step,learning_rate
    0,0.1
    1,0.1
    2,0.05
    3,0.05
    """

    def __init__(
        self,
        csv: str | os.PathLike[str] | None = None,
        tensorboard: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__()
        self._logs = opened(csv, tensorboard)
        self._stretches: list[_Stretch] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        # Not when training begins: a BackupAndRestore listed later hasn't set the step yet.
        stretch = _Stretch(self.model)
        self._stretches = [stretch]
        for log in self._logs:
            log.continue_at(stretch.first, stretch.names, stretch.before)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        # On JAX `self.model` would copy the whole state.
        if self._stretches and not self._stretches[-1].goes_on(self._model):
            self._begin_stretch()

    def _begin_stretch(self) -> None:
        """Go on with other rates from the next step on."""
        stretch = _Stretch(self.model)
        if stretch.first == self._stretches[-1].first:
            self._stretches.pop()
        self._stretches.append(stretch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._write_steps_taken()

    def __enter__(self) -> LearningRateLogger:
        return self

    def __exit__(self, *exception: object) -> None:
        self._write_steps_taken()

    def _write_steps_taken(self) -> None:
        if self._stretches:
            step = steps_taken(self.model.optimizer)
            rows = _joined(self._stretches, step)
            for log in self._logs:
                log.write_until(step, rows)
            self._stretches = []


class _Stretch:
    """Steps with the same optimizers, rates and training step."""

    def __init__(self, model: keras.Model) -> None:
        self.first = steps_taken(model.optimizer)
        self._rates = [StepRate.of(each, model) for each in optimizers_of(model)]
        for each in self._rates:
            if not isinstance(each.rate, (keras.Variable, keras.optimizers.schedules.LearningRateSchedule)):
                # Which says what it must be.
                schedule_of(each.rate)
        self._numbers = [_number_of(each.rate, each.optimizer) for each in self._rates]
        # An optimizer may have taken steps before it became one of several.
        self._ahead = [steps_taken(each.optimizer) - self.first for each in self._rates]

    @property
    def names(self) -> list[str]:
        """What the rates are called, as Keras does."""
        if len(self._rates) == 1:
            return [NAME]
        return [f"{NAME}_{each.optimizer.name}" for each in self._rates]

    def goes_on(self, model: keras.Model) -> bool:
        """Whether the next step has the same rates, as far as numbers and replaced objects tell."""
        now = [StepRate.of(each.optimizer, model) for each in self._rates]
        return all(map(StepRate.is_that_of, now, self._rates)) and all(
            number is None or _number_of(each.rate, each.optimizer, number) == number
            for each, number in zip(now, self._numbers, strict=True)
        )

    def before(self, start: int, stop: int) -> list[list[float]]:
        """What steps before these would have had: numbers that were set then aren't known."""
        held = [(each.held, each.rate) for each in self._rates]
        return self._rows(start, stop, [own if rate is None else rate for rate, own in held], math.nan)

    def rates(self, stop: int) -> Rows:
        """What these steps had; it is known once they have been taken."""
        taken = stop > self.first
        return partial(self._rows, rates=[_applied(each) if taken else each.rate for each in self._rates])

    def _rows(
        self, start: int, stop: int, rates: list[Any], number: float | None = None
    ) -> list[list[float]]:
        columns = [
            _values(rate, each.optimizer, (start + ahead, stop + ahead), own if number is None else number)
            for rate, each, own, ahead in zip(rates, self._rates, self._numbers, self._ahead, strict=True)
        ]
        return [list(row) for row in zip(*columns, strict=True)]


def _joined(stretches: list[_Stretch], stop: int) -> Rows:
    """The rates of stretches that follow one another."""
    stops = [*(stretch.first for stretch in stretches[1:]), stop]
    each = [(stretch.first, end, stretch.rates(end)) for stretch, end in zip(stretches, stops, strict=True)]

    def rows(start: int, stop: int) -> list[list[float]]:
        parts = [(max(first, start), min(end, stop), part) for first, end, part in each]
        return [row for first, end, part in parts if first < end for row in part(first, end)]

    return rows


def _number_of(rate: Any, optimizer: keras.optimizers.Optimizer, before: float | None = None) -> float | None:
    """A rate that is a number; within an epoch on JAX the one before, if no callback has set it."""
    if not isinstance(rate, keras.Variable):
        return None
    if before is not None and getattr(rate, "_value", rate) is None:
        return before
    return value_of(rate, optimizer)


def _applied(step_rate: StepRate) -> Any:
    if step_rate.held is None:
        warn_of_unknown(step_rate)
        return None
    return checked(step_rate)


def _values(
    rate: Any, optimizer: keras.optimizers.Optimizer, steps: tuple[int, int], number: float | None
) -> list[float]:
    """The values of a rate at a range of steps, of which those below 0 have none."""
    start, stop = steps
    missing = [math.nan] * (min(stop, 0) - min(start, 0))
    start = max(start, 0)
    if rate is None or isinstance(rate, keras.Variable):
        return missing + [math.nan if rate is None or number is None else number] * (stop - start)
    try:
        values: list[float] = schedule_of(rate).values(start, stop).tolist()
    except (TypeError, ValueError):
        if not isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            raise
        values = [asked(rate, optimizer, step) for step in range(start, stop)]
    return missing + values
