"""What must hold before a change lands: the steps below, or those that are given, until one fails.

docs/testing.md says what each step catches.  At the end, whether a step failed or not, stands how long each took and
which tests took longest.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
SLOWEST = 15
"""Tests that are shown at the end."""

STEPS = [
    "make .venv/installed",
    "make lint",
    "make test",
    "make test-numba",
    "make slow-test",
    "make .venv/peers",
    "make backends",
    "make parity",
]


CHOICES = ("LRDECAY_BACKEND", "LRDECAY_PROCESSOR", "LRDECAY_DRAWS", "KERAS_BACKEND")
"""Variables that would choose something else than all."""


class Step(NamedTuple):
    """A step that ended."""

    command: str
    status: int
    seconds: float
    processor_seconds: float


def environment(reports: Path) -> dict[str, str]:
    """Without what would choose something else; pytest writes down how long each test takes."""
    kept = {name: value for name, value in os.environ.items() if name not in CHOICES}
    # What is imported is compiled once, and not by each of hundreds of processes.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {
        # A step may run pytest once for each backend.
        "PYTEST_ADDOPTS": f"--junit-xml={reports}/report-$KERAS_BACKEND.xml",
        # Most modules of what is installed are never imported.
        "PIP_NO_COMPILE": "1",
    }


def run(command: str, reports: Path) -> Step:
    print(f"=== {command}", flush=True)
    begin, before = time.monotonic(), processor_seconds()
    finished = subprocess.run(command, shell=True, cwd=ROOT, env=environment(reports))
    return Step(command, finished.returncode, time.monotonic() - begin, processor_seconds() - before)


def processor_seconds() -> float:
    """What all processes that this one has waited for have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tests_of(report: Path) -> Iterator[tuple[float, str]]:
    """The seconds and the name of each test."""
    for case in ElementTree.parse(report).iter("testcase"):
        yield float(case.get("time", 0)), f"{case.get('classname')}::{case.get('name')}"


def table(steps: list[Step], tests: list[tuple[float, str, str]]) -> str:
    whole = Step("in all", 0, *(sum(each) for each in zip(*(step[2:] for step in steps), strict=True)))
    lines = [f"{'seconds':>8} {'of processors':>14}  step"]
    lines += [
        f"{step.seconds:8.0f} {step.processor_seconds:14.0f}  {step.command}{' FAILED' * bool(step.status)}"
        for step in (*steps, whole)
    ]
    lines += ["", f"{'seconds':>8}  the slowest tests"]
    lines += [f"{seconds:8.1f}  {name[:120]}  ({command})" for seconds, name, command in tests[:SLOWEST]]
    return "\n".join(lines)


def main() -> int:
    steps: list[Step] = []
    tests: list[tuple[float, str, str]] = []
    for command in sys.argv[1:] or STEPS:
        with tempfile.TemporaryDirectory() as folder:
            steps.append(run(command, Path(folder)))
            for report in Path(folder).glob("*.xml"):
                tests += [(*test, command) for test in tests_of(report)]
        if steps[-1].status:
            break
    print(f"\n{table(steps, sorted(tests, reverse=True))}", flush=True)
    return steps[-1].status


if __name__ == "__main__":
    sys.exit(main())
