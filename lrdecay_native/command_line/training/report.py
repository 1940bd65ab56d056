"""What a run leaves behind: CSV files, pictures and the comparison's table.

Keras is imported only by what needs it, so that a schedule is drawn without it.
"""

from __future__ import annotations

import csv
import io
import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from rich.table import Table

from lrdecay_native.schedules.base import Schedule

if TYPE_CHECKING:
    from bench.training.comparison import Comparison, Measurement
    from lrdecay_native.command_line.training.run import TrainingRun


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


def comparison_table(comparisons: Sequence[Comparison]) -> Table:
    """The comparison as a table, one line per learning rate."""
    table = Table(title="Training with the builtin and with ours")
    table.add_column("learning rate")
    for heading in (
        "median step",
        "ratio to builtin [95% interval]",
        "final rate",
        "test accuracy",
        "rate first differs",
    ):
        table.add_column(heading, justify="right", overflow="fold")
    for comparison in comparisons:
        ratio, difference = comparison.ratio, comparison.difference.first
        table.add_row(
            comparison.name,
            f"{comparison.step_time * 1e6:,.0f} us",
            rf"{ratio.median:.3f} \[{ratio.interval[0]:.3f}, {ratio.interval[1]:.3f}]",
            repr(comparison.final_rate),
            _range(comparison.accuracies),
            "never" if difference is None else f"at step {difference:,}",
        )
    return table


def _range(accuracies: Sequence[float]) -> str:
    lowest, highest = min(accuracies), max(accuracies)
    return f"{lowest:.4f}" if lowest == highest else f"{lowest:.4f}-{highest:.4f}"


def comparison_json(
    comparisons: Sequence[Comparison],
    measurements: Sequence[Measurement],
    settings: dict[str, object],
) -> bytes:
    """The comparison, every step time behind it, and where it was measured."""
    import keras
    import tensorflow as tf

    content = {
        "settings": settings,
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "python": platform.python_version(),
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
        },
        "learning_rates": [
            {
                **asdict(comparison),
                "below_noise": comparison.ratio.below_noise,
                "step_times": measurement.step_times,
            }
            for comparison, measurement in zip(comparisons, measurements, strict=True)
        ],
    }
    return (json.dumps(content, indent=2) + "\n").encode()
