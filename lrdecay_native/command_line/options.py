"""The options that commands share, and how they refuse bad input before any work."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click

from lrdecay_native.command_line.schedule_expression import EXAMPLE, schedule_from_text
from lrdecay_native.files import check_folder, write_whole
from lrdecay_native.schedules.base import Schedule


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


def _folder_given(context: click.Context, parameter: click.Parameter, folder: Path) -> Path:
    """Check before any work that files can be written into a folder; an error names the option."""
    try:
        check_folder(folder)
    except OSError as error:
        raise click.BadParameter(str(error)) from error
    return folder


schedule_option = click.option(
    "--schedule",
    callback=schedule_given,
    metavar="SCHEDULE",
    default=EXAMPLE,
    show_default=True,
    help="The learning rate: a schedule as Python writes it, or a .json made by its to_json(). "
    "The default one drops as often in an epoch of fewer images as in one of MNIST.",
)
epochs_option = click.option("--epochs", type=click.IntRange(1), default=15, show_default=True)
batch_size_option = click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True)
seed_option = click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="An mnist.npz. Without it: Keras's cache, a download, scikit-learn's digits.",
)
output_option = click.option(
    "--output",
    type=click.Path(path_type=Path),
    callback=_folder_given,
    metavar="FOLDER",
    default="lrdecay-run",
    show_default=True,
    help="The folder for the files of the run; earlier ones are replaced.",
)


def save(contents: dict[Path, bytes]) -> None:
    """Write the files and say where they are."""
    with refusing_bad_input():
        write_whole(contents)
    click.echo(f"Wrote {', '.join(str(path) for path in contents)}")
