"""The command line of the benchmarks: ``python -m bench``."""

from __future__ import annotations

import sys

import click
from rich.console import Console

from bench import report, torch_steps
from bench.comparison import (
    BASELINE,
    baseline_json,
    compare,
    kept,
    read_baseline,
    slower,
    tracked,
)
from bench.first_call import first_calls
from bench.mnist.command_line import mnist
from bench.session import ROOT, SessionError, measure_again, measure_everything, measure_native
from bench.training.command_line import training
from lrdecay_native.files import write_whole

DOCUMENT = ROOT / "docs" / "benchmarks.md"
PICTURE = ROOT / "docs" / "benchmarks.png"

# A pipe has no width of its own.
console = Console(width=None if sys.stdout.isatty() else 160)


@click.group()
def bench() -> None:
    """Measure this library beside memory's speed and its peers."""


@bench.command()
def run() -> None:
    """Measure everything and print the tables."""
    results = measure_everything()
    for sheet in report.sheets(results.measurements):
        console.print(sheet.rich())
    console.print(report.first_call_sheet(*first_calls()).rich())
    console.print(report.machine_sentence(results.machine))


@bench.command("compare")
def compare_with_baseline() -> None:
    """Say what became slower or faster than the baseline; exit status 1 if something is slower."""
    if not BASELINE.exists():
        raise click.ClickException(f"{BASELINE} is missing; 'python -m bench store-baseline' makes it")
    machine, baseline = read_baseline(BASELINE.read_bytes())
    results = measure_native()
    suspects = {change.case for change in slower(compare(baseline, tracked(results.measurements)))}
    again = measure_again([m for m in results.measurements if str(m.case) in suspects])
    changes = compare(baseline, tracked(kept(results.measurements, again)))
    console.print(report.changes_sheet(changes).rich())
    console.print(f"Baseline: {report.machine_sentence(machine)}")
    console.print(f"Now: {report.machine_sentence(results.machine)}")
    for verdict in ("slower", "faster", "new", "not measured"):
        cases = [change.case for change in changes if change.verdict == verdict]
        console.print(f"{verdict}: {len(cases)}")
        for case in cases:
            console.print(f"    {case}", highlight=False)
    if slower(changes):
        sys.exit(1)


@bench.command("store-baseline")
def store_baseline() -> None:
    """Measure this library and store its ratios as the new baseline."""
    results = measure_native()
    write_whole({BASELINE: baseline_json(results.measurements, results.machine)})
    console.print(f"wrote {BASELINE}")


@bench.command()
def document() -> None:
    """Measure everything, the picture's sizes too, and write docs/benchmarks.md and its picture."""
    results = measure_everything(selection=())
    measured = [*report.sheets(results.measurements), report.first_call_sheet(*first_calls())]
    page = report.document(measured, results.machine, PICTURE.name, "python -m bench document")
    write_whole({DOCUMENT: page, PICTURE: report.picture(results.measurements)})
    console.print(f"wrote {DOCUMENT} and {PICTURE}")


@bench.command("torch")
def torch_steps_measured() -> None:
    """Measure steps of schedulers beside torch's, and write the table of docs/pytorch.md; 1 if a bound is missed."""
    if not torch_steps.run(ROOT / "docs" / "pytorch.md"):
        sys.exit(1)


bench.add_command(mnist)
bench.add_command(training)


def main() -> None:
    """Run; what goes wrong is one line on stderr and the exit status 2."""
    try:
        bench.main(standalone_mode=False)
    except (click.ClickException, SessionError) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else error
        print(f"bench: {message}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
