"""The rates of a torch training, printed and written to files."""

from __future__ import annotations

import os
import weakref
from typing import Any

from torch.optim import Optimizer

from lrdecay_native import validation
from lrdecay_native.formulas.synonyms import known_by_name
from lrdecay_native.monitoring.lines import line_of_epoch, rate_text
from lrdecay_native.monitoring.log_files import NAME, opened
from lrdecay_native.torch.arguments import optimizer_given

WRITTEN_TOGETHER = 4096
"""Updates that are written at once: the CSV file is replaced whole each time."""


def print_learning_rate(optimizer: Optimizer, epoch: int) -> None:
    """Print the rate of an optimizer's next update: ``Epoch 01: learning rate = 0.10000``.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Whose rates are printed, of each parameter group where they differ.
    epoch : int
        The epoch that begins, from 0.

    Raises
    ------
    ValueError, TypeError
        For an epoch that is no number from 0, and what is no optimizer.

    Examples
    --------
    >>> import torch
    >>> from lrdecay_native.torch import print_learning_rate
    >>> print_learning_rate(torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1), epoch=0)
    Epoch 01: learning rate = 0.10000
    """
    validation.whole("epoch", epoch)
    rates = dict.fromkeys(_rates_of(optimizer_given(optimizer)))
    print(line_of_epoch(epoch, map(rate_text, rates)))


class LearningRateLogger:
    """Write the rate of each update of an optimizer to a CSV file, to TensorBoard, or to both.

    A context manager around a training loop: it notes the rates as each update begins, whichever scheduler has set
    them, and writes what it has noted every few thousand updates, on `flush`, and at the end, also of a loop that an
    exception breaks off.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Whose rates are written; groups have a column each where there are several, by their names or numbers.
    csv : path, optional
        The file: a row for each update, ``step,learning_rate``, in full digits.
    tensorboard : path, optional
        The folder for event files.
    first_step : int, default 0
        The number of the first update: where a run goes on, such as ``scheduler.last_epoch``.  Rows from there on
        that an earlier run has left are removed.

    Raises
    ------
    ValueError, TypeError
        For no path, a file that holds something else, and a parameter of a wrong kind.
    ImportError
        If ``tensorboard`` is given and that package isn't installed.

    Notes
    -----
    A rate that is a tensor on another device is read with each update, which waits for the device.

    Examples
    --------
    >>> import torch
    >>> import lrdecay_native as lrd
    >>> from lrdecay_native.torch import LearningRateLogger, TorchSchedule
    >>> weight, folder = torch.nn.Parameter(torch.ones(1)), getfixture("tmp_path")
    >>> optimizer = torch.optim.SGD([weight])
    >>> scheduler = TorchSchedule(optimizer, lrd.StepDecay(0.1, 0.5, 2))
    >>> with LearningRateLogger(optimizer, csv=folder / "rates.csv"):
    ...     for batch in range(4):
    ...         weight.square().sum().backward()
    ...         loss = optimizer.step()
    ...         scheduler.step()
    >>> print((folder / "rates.csv").read_text())
    step,learning_rate
    0,0.1
    1,0.1
    2,0.05
    3,0.05
    """

    @known_by_name
    def __init__(
        self,
        optimizer: Optimizer,
        *,
        csv: str | os.PathLike[str] | None = None,
        tensorboard: str | os.PathLike[str] | None = None,
        first_step: int = 0,
    ) -> None:
        self._optimizer = optimizer_given(optimizer)
        self._first = validation.whole("first_step", first_step)
        self._logs = opened(csv, tensorboard)
        self._rows: list[list[float]] = []
        self._names: list[str] = []

    def __enter__(self) -> LearningRateLogger:
        self._names = _names_of(self._optimizer)
        for log in self._logs:
            log.continue_at(self._first, self._names, _unknown(len(self._names)))
        own = weakref.ref(self)

        def note(optimizer: Optimizer, *_: object) -> None:
            logger = own()
            if logger is not None:
                logger._note(optimizer)

        self._handle = self._optimizer.register_step_pre_hook(note)
        return self

    def __exit__(self, *exception: object) -> None:
        self._handle.remove()
        self.flush()

    def _note(self, optimizer: Optimizer) -> None:
        rates = _rates_of(optimizer)
        if len(rates) != len(self._names):
            raise ValueError(
                f"the optimizer has {len(rates)} groups now, and the files have columns for {len(self._names)}: "
                "begin another LearningRateLogger, with other files"
            )
        self._rows.append(rates)
        if len(self._rows) >= WRITTEN_TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Write what was noted."""
        first, rows = self._first, self._rows
        for log in self._logs:
            log.write_until(first + len(rows), lambda start, stop: rows[start - first : stop - first])
        self._first, self._rows = first + len(rows), []


def _unknown(columns: int) -> Any:
    """Steps that were taken before the logger, and not written."""
    return lambda start, stop: [[float("nan")] * columns for _ in range(start, stop)]


def _names_of(optimizer: Optimizer) -> list[str]:
    groups = optimizer.param_groups
    if len(groups) == 1:
        return [NAME]
    return [f"{NAME}_{group.get('name', number)}" for number, group in enumerate(groups)]


def _rates_of(optimizer: Optimizer) -> list[float]:
    return [float(group["lr"]) for group in optimizer.param_groups]
