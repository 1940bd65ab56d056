"""``python -m bench mnist``: measure, report, compare."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.comparison import compare as compare_ratios
from bench.comparison import slower
from bench.measurement import Spread
from bench.mnist import report
from bench.mnist.figures import failures, tracked
from bench.mnist.plan import BACKENDS, PARTS, PLANS, TIMED_PARTS
from bench.mnist.session import (
    RESULTS,
    PartResults,
    measure,
    read_results,
    replaced,
    results_json,
    results_of,
)
from bench.report import changes_sheet
from bench.session import ROOT
from lrdecay_native.command_line.training.data import load_digits
from lrdecay_native.files import write_whole

DOCS = ROOT / "docs"

console = Console(width=None if sys.stdout.isatty() else 160)

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="An mnist.npz. Without it: Keras's cache, a download, scikit-learn's digits.",
)
results_option = click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=RESULTS,
    show_default=True,
    help="The file of results.",
)
docs_option = click.option(
    "--docs", type=click.Path(path_type=Path), default=DOCS, show_default=True, help="The page's folder."
)
plan_option = click.option(
    "--plan", type=click.Choice(list(PLANS)), default="full", show_default=True, help="How much is measured."
)


def installed(
    context: click.Context, parameter: click.Parameter, backends: tuple[str, ...]
) -> tuple[str, ...]:
    """Check before any work that each backend is there."""
    for backend in backends:
        if importlib.util.find_spec(backend) is None:
            raise click.BadParameter(f"{backend} isn't installed; --backend names those to measure")
    return backends


backends_option = click.option(
    "--backend",
    "backends",
    type=click.Choice(BACKENDS),
    multiple=True,
    default=BACKENDS,
    callback=installed,
    help="Only this one.",
)


@click.group()
def mnist() -> None:
    """Compare with Keras's builtin during MNIST training."""


@mnist.command("measure")
@click.option(
    "--part", "parts", type=click.Choice(PARTS), multiple=True, default=PARTS, help="Only this one."
)
@backends_option
@plan_option
@data_option
@results_option
@docs_option
def measure_parts(
    parts: tuple[str, ...], backends: tuple[str, ...], plan: str, data: Path | None, results: Path, docs: Path
) -> None:
    """Measure the parts, store the results, and write the page and its pictures."""
    stored = read_results(results.read_bytes()) if results.exists() else []
    for result in measured(product(parts, backends), plan, data):
        # Stored one by one: half an hour's figures aren't lost with the last one.
        stored = replaced(stored, [result])
        write_whole({results: results_json(stored)})
    # Of what is stored, with as many digits.
    files = report.contents(results_of(results), docs)
    write_whole(files)
    console.print(f"Wrote {results}, {', '.join(map(str, files))}")
    for failure in failures(stored):
        console.print(f"failed: {failure.where}: {failure.reason}", markup=False, style="red")
    if failures(stored):
        sys.exit(1)


def measured(suites: Iterable[tuple[str, str]], plan: str, data: Path | None) -> Iterator[PartResults]:
    """Measure suites, each a part and a backend, with a bar of progress for each."""
    source = load_digits(data).source
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        for part, backend in suites:
            result = measure(part, backend, plan, data, source, progress)
            progress.console.print(
                f"{part}, {backend}: {len(result.records)} figures in {result.seconds:,.0f} s, "
                f"{len(result.left_out)} left out, {len(result.failed)} failed"
            )
            yield result


@mnist.command("report")
@results_option
@docs_option
def write_report(results: Path, docs: Path) -> None:
    """Write the page and its pictures anew from the stored results."""
    files = report.contents(results_of(results), docs)
    write_whole(files)
    console.print(f"Wrote {', '.join(map(str, files))}")


@mnist.command("compare")
@backends_option
@plan_option
@data_option
@results_option
def compare_with_stored(backends: tuple[str, ...], plan: str, data: Path | None, results: Path) -> None:
    """Measure the times again and say what became slower than in the stored results."""
    baseline = tracked([result for result in results_of(results) if result.backend in backends])
    suites = list(product(TIMED_PARTS, backends))
    first = list(measured(suites, plan, data))
    suspects = {change.case for change in slower(compare_ratios(baseline, tracked(first)))}
    # Only what is slower both times is slower; a single time may be the machine's fault.
    suspected = [result.key for result in first if suspects & set(tracked([result]))]
    again = list(measured(suspected, plan, data))
    changes = compare_ratios(baseline, lower_ratios(tracked(first), tracked(again)))
    console.print(changes_sheet(changes).rich())
    for change in slower(changes):
        console.print(f"slower: {change.case}", highlight=False)
    if slower(changes):
        sys.exit(1)


def lower_ratios(first: Mapping[str, Spread], again: Mapping[str, Spread]) -> dict[str, Spread]:
    """Each case's ratio, and of those measured again the lower one."""
    return {
        case: min(spread, again.get(case, spread), key=lambda s: s.median) for case, spread in first.items()
    }
