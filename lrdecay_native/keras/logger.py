"""The rate of every step of a run, as a CSV file and for TensorBoard."""

from __future__ import annotations

import io
import itertools
import math
import os
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras

from lrdecay_native.files import check_folder, write_whole
from lrdecay_native.keras.compiled_steps import StepRate, optimizers_of
from lrdecay_native.keras.optimizer_state import (
    asked,
    checked,
    schedule_of,
    steps_taken,
    value_of,
    warn_of_unknown,
)

NAME = "learning_rate"

Rows = Callable[[int, int], list[list[float]]]
"""The rates of the steps from one to below another, of each step one for each optimizer."""

_RUN_NUMBERS = itertools.count()
"""Tells event files apart that one process begins within one second."""


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
        self._logs: list[_CsvFile | _TensorBoardFolder] = []
        if csv is not None:
            self._logs.append(_CsvFile(Path(csv)))
        if tensorboard is not None:
            self._logs.append(_TensorBoardFolder(Path(tensorboard)))
        if not self._logs:
            raise ValueError("csv=None or tensorboard=None must be a path: there is nowhere to write to")
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


class _CsvFile:
    """A CSV file with a row for each step."""

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            raise IsADirectoryError(f"csv={str(path)!r} is a folder; a path for a file is expected")
        check_folder(path.parent)
        self._path = path
        self._header = b""
        self._next_step: int | None = None

    def continue_at(self, step: int, names: list[str], rows: Rows) -> None:
        """Make the file end with the row of the step before this one."""
        self._header = f"{','.join(['step', *names])}\n".encode()
        if step == self._next_step:
            return
        content = self._content()
        kept = content[: self._offset_of(step, content)]
        following = step
        if len(kept) > len(self._header):
            following = self._step_of(kept.rfind(b"\n", 0, -1) + 1, kept) + 1
        self._replace(kept, following, step, rows)

    def write_until(self, step: int, rows: Rows) -> None:
        """Append the rows of the steps before this one."""
        if self._next_step is not None and self._next_step < step:
            self._replace(self._path.read_bytes(), self._next_step, step, rows)

    def _replace(self, kept: bytes, first: int, stop: int, rows: Rows) -> None:
        write_whole({self._path: kept + _lines(first, stop, rows)})
        self._next_step = stop

    def _content(self) -> bytes:
        """The whole lines of the file, at least the header."""
        content = self._path.read_bytes() if self._path.exists() else b""
        if not (content.startswith(self._header) or self._header.startswith(content)):
            raise ValueError(
                f"csv={str(self._path)!r} holds something else: its first line must be "
                f"{self._header.decode().strip()!r}; give another path"
            )
        return content[: content.rfind(b"\n") + 1] or self._header

    def _offset_of(self, step: int, content: bytes) -> int:
        """Where the first row that is not before the step begins."""
        low, high = len(self._header), len(content)
        while low < high:
            middle = content.rfind(b"\n", low, (low + high) // 2) + 1 or low
            if self._step_of(middle, content) < step:
                low = content.index(b"\n", middle) + 1
            else:
                high = middle
        return low

    def _step_of(self, offset: int, content: bytes) -> int:
        row = content[offset : content.index(b"\n", offset)]
        try:
            return int(row.partition(b",")[0])
        except ValueError:
            raise ValueError(
                f"csv={str(self._path)!r} holds something else: the row {row.decode(errors='replace')!r} "
                "must begin with a step; give another path"
            ) from None


def _lines(first: int, stop: int, rows: Rows) -> bytes:
    numbered = enumerate(rows(first, stop) if first < stop else [], first)
    return "".join([f"{step},{','.join(map(repr, rates))}\n" for step, rates in numbered]).encode()


class _TensorBoardFolder:
    """A folder of event files, of which a run writes one."""

    def __init__(self, folder: Path) -> None:
        try:
            # The package's Writer and EventFileWriter would import TensorFlow where that is installed.
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError as error:
            raise ImportError(
                f"tensorboard={str(folder)!r} needs the package tensorboard ({error}): "
                'install it with: pip install "lrdecay_native[tensorboard]"'
            ) from error
        check_folder(folder)
        self._events, self._summaries, self._record_writer = event_pb2, summary_pb2, RecordWriter
        self._folder = folder
        self._path: Path | None = None
        self._names: list[str] = []
        self._next_step: int | None = None

    def continue_at(self, step: int, names: list[str], rows: Rows) -> None:
        """Have TensorBoard drop the steps of earlier runs from this one on."""
        if self._names == names:
            self.write_until(step, rows)
        self._names = names
        if step == self._next_step:
            return
        events = []
        if self._path is None:
            self._path = self._folder / (
                f"events.out.tfevents.{int(time.time()):010}.{socket.gethostname()}.{os.getpid()}.{next(_RUN_NUMBERS)}"
            )
            events.append(self._event(file_version="brain.Event:2"))
        start = self._events.SessionLog(status=self._events.SessionLog.START)
        self._append([*events, self._event(step=step, session_log=start)])
        self._next_step = step

    def write_until(self, step: int, rows: Rows) -> None:
        """Append the steps before this one."""
        if self._next_step is None or self._next_step >= step:
            return
        numbered = enumerate(rows(self._next_step, step), self._next_step)
        self._append([self._rates(*row) for row in numbered])
        self._next_step = step

    def _rates(self, step: int, rates: list[float]) -> Any:
        values = [
            self._summaries.Summary.Value(tag=name, simple_value=rate)
            for name, rate in zip(self._names, rates, strict=True)
        ]
        return self._event(step=step, summary=self._summaries.Summary(value=values))

    def _event(self, **content: Any) -> Any:
        return self._events.Event(wall_time=time.time(), **content)

    def _append(self, events: list[Any]) -> None:
        records = io.BytesIO()
        writer = self._record_writer(records)
        for event in events:
            writer.write(event.SerializeToString())
        assert self._path is not None
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(records.getvalue())
