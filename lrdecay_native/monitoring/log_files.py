"""Files of rates by step, which go on where they ended: CSV, and the events of TensorBoard."""

from __future__ import annotations

import io
import itertools
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lrdecay_native.files import check_folder, write_whole

Rows = Callable[[int, int], list[list[float]]]
"""The rates of the steps from one to below another, of each step one for each optimizer."""

_RUN_NUMBERS = itertools.count()
"""Tells event files apart that one process begins within one second."""


NAME = "learning_rate"
"""What a rate is called, as Keras does."""


def opened(
    csv: str | os.PathLike[str] | None, tensorboard: str | os.PathLike[str] | None
) -> list[CsvFile | TensorBoardFolder]:
    """The logs at these paths; one at least must be given."""
    logs: list[CsvFile | TensorBoardFolder] = []
    if csv is not None:
        logs.append(CsvFile(Path(csv)))
    if tensorboard is not None:
        logs.append(TensorBoardFolder(Path(tensorboard)))
    if not logs:
        raise ValueError("csv=None or tensorboard=None must be a path: there is nowhere to write to")
    return logs


class CsvFile:
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


class TensorBoardFolder:
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
