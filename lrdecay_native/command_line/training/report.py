"""What a run leaves behind: CSV files and pictures.

Keras is imported only by what needs it, so that a schedule is drawn without it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from lrdecay_native.schedules.base import Schedule

if TYPE_CHECKING:
    from lrdecay_native.command_line.training.record import TrainingRun


def history_csv(run: TrainingRun) -> bytes:
    """One line per epoch: its first step's rate, then Keras's losses and accuracies."""
    names = list(run.history)
    return _csv(
        ["epoch", "learning_rate", *names],
        (
            [epoch + 1, float(run.rates[epoch * run.steps_per_epoch]), *values]
            for epoch, values in enumerate(zip(*run.history.values(), strict=True))
        ),
    )


def rates_csv(run: TrainingRun) -> bytes:
    """One line per training step: the rate that the step used, in full digits."""
    return _csv(["step", "learning_rate"], enumerate(run.rates[:-1].tolist()))


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def run_picture(run: TrainingRun) -> bytes:
    """A PNG of the rate, the loss and the accuracy over the epochs of a run."""
    figure = Figure(figsize=(8, 8), layout="constrained")
    rate_axes, loss_axes, accuracy_axes = figure.subplots(3, sharex=True)
    rates = run.rates[:-1]
    rate_axes.plot(np.arange(len(rates)) / run.steps_per_epoch, rates)
    rate_axes.set_ylabel("learning rate")
    for axes, name in ((loss_axes, "loss"), (accuracy_axes, "accuracy")):
        values = run.history[name]
        epochs = np.arange(1, len(values) + 1)
        axes.plot(epochs, values, marker=".", label="training")
        axes.plot(epochs, run.history[f"val_{name}"], marker=".", label="validation")
        axes.set_ylabel(name)
        axes.legend()
    accuracy_axes.set_xlabel("epochs trained")
    return _rendered(figure, "png")


def format_of(path: Path) -> str:
    """The picture format that a path's ending names.

    Raises
    ------
    ValueError
        If matplotlib can't write it.
    """
    supported = Figure().canvas.get_supported_filetypes()
    file_format = path.suffix.removeprefix(".").lower()
    if file_format not in supported:
        raise ValueError(
            f"{path} ends in {path.suffix!r}; a picture ends in .{', .'.join(sorted(supported))}"
        )
    return file_format


def schedule_picture(schedule: Schedule, stop: int, file_format: str) -> bytes:
    """A picture of a schedule's rates from step 0 to ``stop - 1``.

    Parameters
    ----------
    schedule : Schedule
        What to draw.
    stop : int
        The number of steps.
    file_format : str
        What `format_of` returned.
    """
    figure = Figure(layout="constrained")
    schedule.plot(stop, ax=figure.subplots())
    return _rendered(figure, file_format)


def _rendered(figure: Figure, file_format: str) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=file_format, dpi=150)
    return buffer.getvalue()
