"""That `.ci/run` runs as machines call it, stops at what fails, and has steps that its page describes."""

from __future__ import annotations

import ast
import subprocess

import pytest
from pages import ROOT

CALLS = {"itself": [ROOT / ".ci/run"], "sh": ["sh", ROOT / ".ci/run"], "bash": ["bash", ROOT / ".ci/run"]}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_runs_however_it_is_called(call: list[str]) -> None:
    finished = subprocess.run([*call, "make --version", "true"], capture_output=True, text=True, check=True)
    assert "GNU Make" in finished.stdout
    *_, make, true, whole = finished.stdout.split("\n\n")[-2].splitlines()
    assert (make.split()[2:], true.split()[2:], whole.split()[2:]) == (
        ["make", "--version"],
        ["true"],
        ["in", "all"],
    )


def test_stops_at_what_fails() -> None:
    finished = subprocess.run(
        ["sh", ROOT / ".ci/run", "false", "echo unreached"], capture_output=True, text=True
    )
    assert finished.returncode == 1
    assert "false FAILED" in finished.stdout
    assert "unreached" not in finished.stdout


def test_each_step_is_described() -> None:
    tree = ast.parse((ROOT / ".ci/steps.py").read_text(encoding="utf-8"))
    (steps,) = (
        ast.literal_eval(each.value)
        for each in tree.body
        if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "STEPS"
    )
    page = (ROOT / "docs/testing.md").read_text(encoding="utf-8")
    assert [step for step in steps if f"| `{step}` |" not in page] == []
