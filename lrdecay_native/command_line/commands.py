"""The command ``lrdecay``: train under a schedule, compare with the builtin, generate, list, plot.

Frameworks are imported only inside the commands that need them, so that ``lrdecay --help`` is
quick.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from lrdecay_native.command_line.schedule_expression import EXAMPLE, schedule_from_text
from lrdecay_native.files import check_folder, write_whole
from lrdecay_native.messages import shortened
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.registry import SCHEDULES

if TYPE_CHECKING:
    from lrdecay_native.command_line.training.data import Digits

GENERATED_STEPS = 10_000_000
LOAD_MESSAGES = (b"WARNING: All log messages before absl", b"I0000 ")


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


@contextlib.contextmanager
def refusing_bad_input() -> Iterator[None]:
    """Turn what the library says about a bad value into a refusal of the command."""
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        raise click.ClickException(str(error)) from error


def schedule_given(context: click.Context, parameter: click.Parameter, text: str) -> Schedule:
    """Read a schedule; an error names the option or the argument."""
    try:
        return schedule_from_text(text)
    except (ValueError, TypeError) as error:
        raise click.BadParameter(str(error)) from error


def folder_given(context: click.Context, parameter: click.Parameter, folder: Path) -> Path:
    """Check before any work that files can be written into a folder; an error names the option."""
    try:
        check_folder(folder)
    except OSError as error:
        raise click.BadParameter(str(error)) from error
    return folder


@click.group(no_args_is_help=False)
@click.version_option(package_name="lrdecay_native")
def lrdecay() -> None:
    """Learning-rate schedules, computed natively: train, compare, generate, list and plot."""


@lrdecay.command()
@click.option(
    "--schedule",
    callback=schedule_given,
    metavar="SCHEDULE",
    default=EXAMPLE,
    show_default=True,
    help="The learning rate: a schedule as Python writes it, or a .json made by its to_json(). "
    "The default one drops as often in an epoch of fewer images as in one of MNIST.",
)
@click.option(
    "--arithmetic",
    type=click.Choice(["float32", "native"]),
    default="float32",
    show_default=True,
    help="float32: the formula in the training step, in Keras's own arithmetic. "
    "native: the exact values, computed beforehand.",
)
@click.option("--epochs", type=click.IntRange(1), default=15, show_default=True)
@click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="An mnist.npz. Without it: Keras's cache, a download, scikit-learn's digits.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    callback=folder_given,
    metavar="FOLDER",
    default="lrdecay-run",
    show_default=True,
    help="The folder for the CSV files and the picture; earlier ones are replaced.",
)
@click.option("--compare", is_flag=True, help="Compare the schedule with Keras's builtin.")
@click.option(
    "--repeats",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Runs of each learning rate in a comparison.",
)
@click.pass_context
def train(
    context: click.Context,
    schedule: Schedule,
    arithmetic: str,
    epochs: int,
    batch_size: int,
    seed: int,
    data: Path | None,
    output: Path,
    compare: bool,
    repeats: int,
) -> None:
    """Train the tutorial's network on handwritten digits."""
    from lrdecay_native.command_line.training.data import load_digits

    with refusing_bad_input():
        digits = load_digits(data)
    import_tensorflow_quietly()
    remark = ""
    if context.get_parameter_source("schedule") is ParameterSource.DEFAULT:
        schedule, remark = default_plan(schedule, digits, batch_size)
    if compare:
        comparison_run(schedule, remark, digits, epochs, batch_size, seed, repeats, output)
    else:
        training_run(schedule, remark, arithmetic, digits, epochs, batch_size, seed, output)


def default_plan(plan: Schedule, digits: Digits, batch_size: int) -> tuple[Schedule, str]:
    """The tutorial's plan for MNIST, in an epoch of fewer images with as many drops; and what is to be said of it."""
    from lrdecay_native.command_line.training.run import steps_per_epoch, with_as_many_drops
    from lrdecay_native.schedules.decays import StepDecay

    assert isinstance(plan, StepDecay)
    shorter = with_as_many_drops(plan, digits, batch_size)
    if shorter == plan:
        return plan, ""
    return shorter, (
        f"The default plan, {plan!r}, is one for MNIST: with {steps_per_epoch(digits, batch_size):,} steps an epoch "
        f"the rate drops every {shorter.step_size:,.6g} of them"
    )


def training_run(
    schedule: Schedule,
    remark: str,
    arithmetic: str,
    digits: Digits,
    epochs: int,
    batch_size: int,
    seed: int,
    output: Path,
) -> None:
    """Train once; print the accuracy and the rate, and write the history, the rates, a picture."""
    from lrdecay_native.command_line.training import report
    from lrdecay_native.command_line.training.run import steps_per_epoch, train
    from lrdecay_native.keras import KerasSchedule, KerasTable

    steps = epochs * steps_per_epoch(digits, batch_size)
    with refusing_bad_input():
        learning_rate = (
            KerasSchedule(schedule) if arithmetic == "float32" else KerasTable(schedule, steps + 1)
        )
    if remark:
        click.echo(remark)
    click.echo(f"Data: {digits.source}")
    click.echo(f"Learning rate: {learning_rate!r}")
    click.echo(f"{epochs} epochs of {steps // epochs} steps")
    run = train(digits, learning_rate, epochs=epochs, batch_size=batch_size, seed=seed)
    click.echo(f"Test accuracy: {run.test_accuracy:.4f}")
    click.echo(f"Current learning rate: {float(run.rates[-1])!r}")
    save(
        {
            output / "history.csv": report.history_csv(run),
            output / "rates.csv": report.rates_csv(run),
            output / "run.png": report.run_picture(run),
        }
    )


def comparison_run(
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
    from bench.training import comparison
    from lrdecay_native.command_line.training import report
    from lrdecay_native.command_line.training.run import steps_per_epoch

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


@lrdecay.command()
def generate() -> None:
    """Generate a schedule of ten million steps, and time it beside NumPy."""
    from lrdecay_native.command_line.training.generation_time import EXPRESSION, SCHEDULE, generation_time

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
    for name, schedule_class in SCHEDULES.items():
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


def save(contents: dict[Path, bytes]) -> None:
    """Write the files and say where they are."""
    with refusing_bad_input():
        write_whole(contents)
    click.echo(f"Wrote {', '.join(str(path) for path in contents)}")


def import_tensorflow_quietly() -> None:
    """Import Keras on TensorFlow without the log lines that TensorFlow writes as it loads."""
    # The training step is compiled and timed as TensorFlow does it, whatever else is configured.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # TensorFlow 2.21 writes past that setting, straight to the file descriptor.
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            import keras  # noqa: F401
            import tensorflow

            # Each network's first graph counts as a retracing of one and the same function.
            tensorflow.get_logger().setLevel("ERROR")
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            log.seek(0)
            kept = [line for line in log if not line.startswith(LOAD_MESSAGES)]
            os.write(2, b"".join(kept))
