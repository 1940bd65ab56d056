"""``python -m bench training``: the tutorial's run under Keras's builtin, under ours and under callbacks."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import Progress

from lrdecay_native.command_line.options import (
    batch_size_option,
    data_option,
    epochs_option,
    output_option,
    refusing_bad_input,
    save,
    schedule_option,
    seed_option,
)
from lrdecay_native.command_line.training.data import Digits, load_digits
from lrdecay_native.command_line.training.tensorflow import import_tensorflow_quietly
from lrdecay_native.schedules.base import Schedule


@click.command()
@schedule_option
@epochs_option
@batch_size_option
@seed_option
@data_option
@output_option
@click.option(
    "--repeats", type=click.IntRange(1), default=3, show_default=True, help="Runs of each learning rate."
)
@click.pass_context
def training(
    context: click.Context,
    schedule: Schedule,
    epochs: int,
    batch_size: int,
    seed: int,
    data: Path | None,
    output: Path,
    repeats: int,
) -> None:
    """Compare a schedule with Keras's builtin in training: step time, rates, accuracy."""
    with refusing_bad_input():
        digits = load_digits(data)
    import_tensorflow_quietly()
    remark = ""
    if context.get_parameter_source("schedule") is ParameterSource.DEFAULT:
        from lrdecay_native.command_line.training.record import default_plan

        schedule, remark = default_plan(schedule, digits, batch_size)
    compare(schedule, remark, digits, epochs, batch_size, seed, repeats, output)


def compare(
    schedule: Schedule,
    remark: str,
    digits: Digits,
    epochs: int,
    batch_size: int,
    seed: int,
    repeats: int,
    output: Path,
) -> None:
    """Train in turns under the builtin, ours and what users do instead; print and write what differs."""
    from bench.training import comparison, report
    from lrdecay_native.command_line.training.record import steps_per_epoch

    steps = epochs * steps_per_epoch(digits, batch_size)
    with refusing_bad_input():
        comparison.check_turns(epochs, repeats)
        rates = comparison.contenders(schedule, steps, steps // epochs)
    if remark:
        click.echo(remark)
    click.echo(f"Data: {digits.source}")
    click.echo(
        f"{repeats} repeats of {epochs} epochs of {steps // epochs} steps for each learning rate, "
        "in turns; a step's time is that of an epoch of fit without validation, divided by its "
        "steps, the first epoch of each repeat left out"
    )
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("Training", total=len(rates) * epochs * repeats)
        measurements = comparison.measure(
            digits,
            rates,
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
            repeats=repeats,
            advance=lambda: progress.advance(task),
        )
    builtin = measurements[0]
    comparisons = [comparison.compare(measurement, builtin) for measurement in measurements]
    # Rich takes a pipe or a file for 80 columns wide, and the rates' digits need more.
    Console(width=None if sys.stdout.isatty() else 120).print(report.comparison_table(comparisons))
    for compared in comparisons[1:]:
        click.echo(compared.sentence())
    settings = {
        "schedule": schedule.to_dict(),
        "data": digits.source,
        "epochs": epochs,
        "batch_size": batch_size,
        "seed": seed,
        "repeats": repeats,
    }
    save({output / "comparison.json": report.comparison_json(comparisons, measurements, settings)})
