"""Runs of the parts, each in a process of its own for each backend, and the file of their results."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import Progress

from bench.mnist.plan import VARIABLE
from bench.session import ROOT, SessionError, machine

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"
DIGITS = 9
"""What is stored of a figure: as many digits as tell one float32 from another."""

COLLECTED = re.compile(r"^collecting \.\.\. collected (\d+) item")
FINISHED = re.compile(r"^\S+::.* (PASSED|SKIPPED|FAILED|ERROR)\b")


@dataclass(frozen=True)
class PartResults:
    """What was measured of one part on one backend.

    Attributes
    ----------
    part, backend : str
        Which.
    plan : str
        The plan's name.
    data : str
        The images, in words.
    date : str
        When it was measured, in UTC.
    seconds : float
        How long that took.
    machine : dict
        Processor and versions.
    records : list of dict
        For each test its name, the seconds of its rounds, and what else it recorded.
    left_out, failed : dict of str to str
        The reasons, by test.
    """

    part: str
    backend: str
    plan: str
    data: str
    date: str
    seconds: float
    machine: dict[str, Any]
    records: list[dict[str, Any]]
    left_out: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others in the same file."""
        return self.part, self.backend


def measure(
    part: str, backend: str, plan: str, data: Path | None, source: str, progress: Progress
) -> PartResults:
    """Run the suite of a part on a backend.

    Parameters
    ----------
    part, backend, plan : str
        Which, and how much.
    data : Path or None
        An mnist.npz; see `load_digits`.
    source : str
        The images, in words.
    progress : rich.progress.Progress
        Gets a task with a step for each test.

    Raises
    ------
    SessionError
        If pytest didn't run to its end.
    """
    begin, date = time.perf_counter(), time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    module = f"bench/mnist/test_{part.replace('-', '_')}.py"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [
            *(sys.executable, "-m", "pytest", "-v", "--color=no", "--tb=short", "--benchmark-quiet"),
            # Not bench/conftest.py, which allows one thread.
            f"--confcutdir={FOLDER}",
            *(f"--benchmark-json={folder / 'report.json'}", f"--junitxml={folder / 'tests.xml'}"),
            module,
        ]
        environment = os.environ | {
            **{"KERAS_BACKEND": backend, VARIABLE: plan, "LRDECAY_MNIST": str(data or "")},
            **{"PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"},
        }
        status, output = _run(command, environment, f"{part}, {backend}", progress)
        if status not in (0, 1):
            raise SessionError(f"{module} on {backend}: pytest ended with exit status {status}:\n{output}")
        report = json.loads((folder / "report.json").read_text() or "{}")
        skipped, failed = _outcomes((folder / "tests.xml").read_text())
    if not report:
        raise SessionError(f"{module} on {backend} measured nothing:\n{output}")
    versions = {name: report["machine_info"][name] for name in ("keras", "backend")}
    return PartResults(
        *(part, backend, plan, source, date, round(time.perf_counter() - begin, 1)),
        machine(report["machine_info"]) | versions,
        [_record(benchmark) for benchmark in report["benchmarks"]],
        skipped,
        failed,
    )


def _run(
    command: Sequence[str], environment: Mapping[str, str], description: str, progress: Progress
) -> tuple[int, str]:
    """Run pytest; its exit status and its output."""
    task = progress.add_task(description, total=None)
    lines = []
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if collected := COLLECTED.match(line):
                progress.update(task, total=int(collected[1]))
            elif FINISHED.match(line):
                progress.advance(task)
    return process.returncode, "".join(lines)


def _outcomes(junit_xml: str) -> tuple[dict[str, str], dict[str, str]]:
    """The reasons of the tests that were skipped, and of those that failed."""
    skipped: dict[str, str] = {}
    failed: dict[str, str] = {}
    for case in ElementTree.fromstring(junit_xml).iter("testcase"):
        for outcome in case:
            reasons = {"skipped": skipped, "failure": failed, "error": failed}.get(outcome.tag)
            if reasons is not None:
                reasons[case.get("name", "")] = outcome.get("message", "").splitlines()[0]
    return skipped, failed


def _record(benchmark: Mapping[str, Any]) -> dict[str, Any]:
    return {"test": benchmark["name"], "times": benchmark["stats"]["data"], **benchmark["extra_info"]}


def results_json(results: Sequence[PartResults]) -> bytes:
    """The content of a file of results: one line for each record."""
    parts = []
    for result in results:
        content = _rounded(asdict(result))
        records = ",\n".join(f"    {json.dumps(record)}" for record in content.pop("records"))
        head = json.dumps(content).removesuffix("}")
        parts.append(f'  {head}, "records": [\n{records}\n  ]}}')
    return ("[\n" + ",\n".join(parts) + "\n]\n").encode()


def _rounded(content: dict[str, Any]) -> dict[str, Any]:
    def rounded(number: str) -> float:
        return float(f"{float(number):.{DIGITS}g}")

    parsed: dict[str, Any] = json.loads(json.dumps(content), parse_float=rounded)
    return parsed


def read_results(content: bytes) -> list[PartResults]:
    """What `results_json` made."""
    return [PartResults(**result) for result in json.loads(content)]


def results_of(path: Path) -> list[PartResults]:
    """The results in a file.

    Raises
    ------
    SessionError
        If it isn't there.
    """
    if not path.exists():
        raise SessionError(f"{path} is missing; 'python -m bench mnist measure' makes it")
    return read_results(path.read_bytes())


def replaced(old: Sequence[PartResults], new: Sequence[PartResults]) -> list[PartResults]:
    """All results, the new ones in the place of the old ones of the same part and backend."""
    by_key = {result.key: result for result in [*old, *new]}
    return [by_key[key] for key in sorted(by_key)]
