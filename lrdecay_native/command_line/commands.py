"""The command ``lrdecay``: train under a schedule, generate, list, plot.

Frameworks are imported only inside the commands that need them, so that ``lrdecay --help`` is
quick.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lrdecay_native.command_line.generation_time import EXPRESSION, SCHEDULE, generation_time
from lrdecay_native.command_line.options import (
    batch_size_option,
    data_option,
    epochs_option,
    output_option,
    refusing_bad_input,
    save,
    schedule_given,
    schedule_option,
    seed_option,
)
from lrdecay_native.files import check_folder
from lrdecay_native.messages import shortened
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.registry import all_schedules

if TYPE_CHECKING:
    from lrdecay_native.command_line.training.record import TrainingRun

GENERATED_STEPS = 10_000_000


def run(arguments: Sequence[str]) -> int:
    """Run the command line; anything refused is one line on stderr and the exit status 2."""
    try:
        return lrdecay.main(arguments, prog_name="lrdecay", standalone_mode=False) or 0
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "lrdecay"
        print(f"lrdecay: {one_line(error)} See {command} --help", file=sys.stderr)
        return 2
    except click.ClickException as error:
        print(f"lrdecay: {one_line(error)}", file=sys.stderr)
        return 2
    except click.Abort:
        print("lrdecay: interrupted", file=sys.stderr)
        return 130


def one_line(error: click.ClickException) -> str:
    """An error's message without its line breaks, its midst left out where it is long."""
    return shortened(" ".join(error.format_message().split()))


@click.group(no_args_is_help=False)
@click.version_option(package_name="lrdecay_native")
def lrdecay() -> None:
    """Learning-rate schedules, computed natively: train, generate, list and plot."""


def comparison_moved(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Say where the comparison is, which was an option of ``train``."""
    if value:
        raise click.ClickException(
            "the comparison with Keras's builtin is no part of the installed package: run 'python -m bench training' "
            "in a copy of the repository, with the same options"
        )


@lrdecay.command()
@schedule_option
@click.option(
    "--framework",
    type=click.Choice(["keras", "torch"]),
    default="keras",
    show_default=True,
    help="keras: Keras on TensorFlow. torch: PyTorch, with the exact values.",
)
@click.option(
    "--arithmetic",
    type=click.Choice(["float32", "native"]),
    default="float32",
    show_default=True,
    help="In Keras, float32: the formula in the training step, in Keras's own arithmetic. "
    "native: the exact values, computed beforehand.",
)
@epochs_option
@batch_size_option
@seed_option
@data_option
@output_option
@click.option("--compare", is_flag=True, hidden=True, expose_value=False, callback=comparison_moved)
@click.option("--repeats", hidden=True, expose_value=False, callback=comparison_moved)
@click.pass_context
def train(
    context: click.Context,
    schedule: Schedule,
    framework: str,
    arithmetic: str,
    epochs: int,
    batch_size: int,
    seed: int,
    data: Path | None,
    output: Path,
) -> None:
    """Train the tutorial's network on handwritten digits."""
    from lrdecay_native.command_line.training import report
    from lrdecay_native.command_line.training.data import load_digits
    from lrdecay_native.command_line.training.record import default_plan, steps_per_epoch

    chosen = context.get_parameter_source("arithmetic") is not ParameterSource.DEFAULT
    if framework == "torch" and chosen and arithmetic == "float32":
        raise click.ClickException(
            "--arithmetic float32 is for --framework keras: PyTorch's rates are the exact values"
        )
    with refusing_bad_input():
        digits = load_digits(data)
        prepare = {"keras": in_keras, "torch": in_torch}[framework]
        remark = ""
        if context.get_parameter_source("schedule") is ParameterSource.DEFAULT:
            schedule, remark = default_plan(schedule, digits, batch_size)
        steps = epochs * steps_per_epoch(digits, batch_size)
        learning_rate, train_under = prepare(schedule, arithmetic, steps)
    if remark:
        click.echo(remark)
    click.echo(f"Data: {digits.source}")
    click.echo(f"Learning rate: {learning_rate!r}")
    click.echo(f"{epochs} epochs of {steps // epochs} steps")
    run = train_under(digits, learning_rate, epochs=epochs, batch_size=batch_size, seed=seed)
    click.echo(f"Test accuracy: {run.test_accuracy:.4f}")
    click.echo(f"Current learning rate: {float(run.rates[-1])!r}")
    save(
        {
            output / "history.csv": report.history_csv(run),
            output / "rates.csv": report.rates_csv(run),
            output / "run.png": report.run_picture(run),
        }
    )


def in_keras(schedule: Schedule, arithmetic: str, steps: int) -> tuple[Any, Callable[..., TrainingRun]]:
    """What the optimizer uses, and what trains under it."""
    from lrdecay_native.command_line.training.tensorflow import import_tensorflow_quietly

    import_tensorflow_quietly()
    from lrdecay_native.command_line.training.run import train
    from lrdecay_native.keras import KerasSchedule, KerasTable

    return KerasSchedule(schedule) if arithmetic == "float32" else KerasTable(schedule, steps + 1), train


def in_torch(schedule: Schedule, arithmetic: str, steps: int) -> tuple[Any, Callable[..., TrainingRun]]:
    """The same in PyTorch."""
    try:
        import lrdecay_native.torch  # noqa: F401 - it says what is missing
    except ImportError as error:
        raise click.ClickException(str(error)) from None
    from lrdecay_native.command_line.training.torch_run import train

    return schedule, train


@lrdecay.command()
def generate() -> None:
    """Generate a schedule of ten million steps, and time it beside NumPy."""
    times = generation_time(GENERATED_STEPS)
    click.echo(f"Generating a schedule of {GENERATED_STEPS:,} steps (median of five calls):")
    click.echo(f"  {times.native * 1e3:7.1f} ms  {SCHEDULE!r}.values({GENERATED_STEPS})")
    click.echo(f"  {times.numpy * 1e3:7.1f} ms  NumPy: {EXPRESSION}")
    click.echo(
        f"  {times.numpy / times.native:.1f} times as fast; "
        f"largest relative difference {times.largest_difference:.1e}"
    )


@lrdecay.command(name="list")
def list_schedules() -> None:
    """List the schedules with their formulas and parameters."""
    table = Table("schedule", "learning rate at a step", "parameters", show_lines=True)
    for name, schedule_class in all_schedules().items():
        table.add_row(name, formula_of(schedule_class), parameters_of(schedule_class))
    Console().print(table)


def formula_of(schedule_class: type[Schedule]) -> str:
    """What the second paragraph of a schedule's description says: its formula."""
    paragraphs = (inspect.getdoc(schedule_class) or "").split("\n\n")
    return escape(" ".join(paragraphs[1].split()).replace("``", "")) if len(paragraphs) > 1 else ""


def parameters_of(schedule_class: type[Schedule]) -> str:
    """A schedule's parameters, with the defaults of those that have one."""
    return ", ".join(
        field.name if field.default is MISSING else f"{field.name}={field.default!r}"
        for field in fields(schedule_class)
    )


@lrdecay.command()
@click.argument("schedule", callback=schedule_given)
@click.option("--stop", type=click.IntRange(1), required=True, help="The number of steps.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The picture's file; its ending names the format: .png, .svg, .pdf.",
)
def plot(schedule: Schedule, stop: int, output: Path) -> None:
    """Draw SCHEDULE before a run: its rates from step 0 to stop - 1."""
    from lrdecay_native.command_line.training.report import format_of, schedule_picture

    with refusing_bad_input():
        check_folder(output.parent)
        picture_format = format_of(output)
        picture = schedule_picture(schedule, stop, picture_format)
    save({output: picture})
