"""What a comparison leaves behind: its table, and all of its figures as JSON."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict

import keras
import tensorflow as tf
from rich.table import Table

from bench.training.comparison import Comparison, Measurement


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
