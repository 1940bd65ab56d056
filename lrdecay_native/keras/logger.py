"""The rate of every step of a run, as a CSV file and for TensorBoard."""

from __future__ import annotations

import io
import itertools
import os
import socket
import time
from pathlib import Path
from typing import Any

import keras

from lrdecay_native.files import check_folder, write_whole
from lrdecay_native.keras.optimizer_state import learning_rate_of, schedule_of, steps_taken
from lrdecay_native.schedules import Schedule

HEADER = b"step,learning_rate\n"

_RUN_NUMBERS = itertools.count()
"""Tells event files apart that one process begins within one second."""


class LearningRateLogger(keras.callbacks.Callback):  # type: ignore[misc]
    """Write the learning rate of every step to a CSV file, to TensorBoard, or to both.

    Nothing is done in a step.  At the end of each epoch the rates of its steps are computed in bulk by
    ``Schedule.values`` and written.

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
        Before the first step, if the rate isn't a schedule of this library or one of Keras's.
    OSError
        If a folder can't be written.
    ImportError
        If `tensorboard` is given and the package isn't installed.

    Notes
    -----
    **The value** is the native schedule's, in float64.  Rounded to float32 it is the rate that a `KerasTable`
    applies; `KerasSchedule` and Keras's builtins apply float32 arithmetic, which is some ulps off.  TensorBoard
    keeps float32.  **The step** is the number of batches that the optimizer had taken before, also under gradient
    accumulation.

    **Runs that go on.**  A file that exists is continued.  When a run goes on from a checkpoint, the rows from the
    checkpoint's step on are removed first.  Steps that were taken before and not written are
    filled in with the rates of the schedule as it is: in the CSV file each step has one row.  In TensorBoard's
    those that another process didn't write are left out.

    **Runs that are interrupted.**  Keras tells callbacks nothing of exceptions, such as Ctrl-C.  As a context
    manager the logger writes the steps of an epoch that was broken off, too::

        with LearningRateLogger(csv="rates.csv") as logger:
            model.fit(x, y, callbacks=[logger])

    **Files.**  The CSV file is replaced whole each time: who reads it never sees half a line, and no crash leaves
    one.  TensorBoard's own readers wait for the rest of a half-written event.  Its files are written by the
    ``tensorboard`` package without TensorFlow, in some tens of microseconds a step, where the CSV file takes
    about one.  Where several processes train one model, give a logger to one of them.

    **Callbacks that replace the rate** at an epoch's end, as `ReduceLROnPlateau` does, may stand before or after.

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
        self._schedule: Schedule | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        # Not when training begins: a BackupAndRestore listed later hasn't set the step yet.
        optimizer = self.model.optimizer
        # Kept, since a callback may replace the rate at the epoch's end, before this one writes.
        self._schedule = schedule_of(learning_rate_of(optimizer))
        step = steps_taken(optimizer)
        for log in self._logs:
            log.continue_at(step, self._schedule)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._write_steps_taken()

    def __enter__(self) -> LearningRateLogger:
        return self

    def __exit__(self, *exception: object) -> None:
        self._write_steps_taken()

    def _write_steps_taken(self) -> None:
        if self._schedule is not None:
            step = steps_taken(self.model.optimizer)
            for log in self._logs:
                log.write_until(step, self._schedule)


class _CsvFile:
    """A CSV file with a row for each step."""

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            raise IsADirectoryError(f"csv={str(path)!r} is a folder; a path for a file is expected")
        check_folder(path.parent)
        self._path = path
        self._next_step: int | None = None

    def continue_at(self, step: int, schedule: Schedule) -> None:
        """Make the file end with the row of the step before this one."""
        if step == self._next_step:
            return
        content = self._content()
        kept = content[: self._offset_of(step, content)]
        following = self._step_of(kept.rfind(b"\n", 0, -1) + 1, kept) + 1 if len(kept) > len(HEADER) else step
        self._replace(kept, following, step, schedule)

    def write_until(self, step: int, schedule: Schedule) -> None:
        """Append the rows of the steps before this one."""
        if self._next_step is not None and self._next_step < step:
            self._replace(self._path.read_bytes(), self._next_step, step, schedule)

    def _replace(self, kept: bytes, first: int, stop: int, schedule: Schedule) -> None:
        write_whole({self._path: kept + _rows(first, stop, schedule)})
        self._next_step = stop

    def _content(self) -> bytes:
        """The whole lines of the file, at least the header."""
        content = self._path.read_bytes() if self._path.exists() else b""
        if not (content.startswith(HEADER) or HEADER.startswith(content)):
            raise ValueError(
                f"csv={str(self._path)!r} holds something else: its first line must be "
                f"{HEADER.decode().strip()!r}; give another path"
            )
        return content[: content.rfind(b"\n") + 1] or HEADER

    def _offset_of(self, step: int, content: bytes) -> int:
        """Where the first row that is not before the step begins."""
        low, high = len(HEADER), len(content)
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


def _rows(first: int, stop: int, schedule: Schedule) -> bytes:
    rates = enumerate(schedule.values(first, stop).tolist(), first)
    return "".join([f"{step},{rate!r}\n" for step, rate in rates]).encode()


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
        self._next_step: int | None = None

    def continue_at(self, step: int, schedule: Schedule) -> None:
        """Have TensorBoard drop the steps of earlier runs from this one on."""
        self.write_until(step, schedule)
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

    def write_until(self, step: int, schedule: Schedule) -> None:
        """Append the steps before this one."""
        if self._next_step is None or self._next_step >= step:
            return
        rates = schedule.values(self._next_step, step).tolist()
        self._append([self._rate(*row) for row in enumerate(rates, self._next_step)])
        self._next_step = step

    def _rate(self, step: int, rate: float) -> Any:
        value = self._summaries.Summary.Value(tag="learning_rate", simple_value=rate)
        return self._event(step=step, summary=self._summaries.Summary(value=[value]))

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
