"""Fixtures for all tests, and the table of the worst errors at the end of a run."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import hypothesis
import pytest
from draws import LEVEL, draws
from formula_parts import missing_parts
from peers import is_absent

import lrdecay_native as lrd
from lrdecay_native.schedules.registry import all_schedules

PACKAGE = Path(lrd.__file__).parent
CYTHON_ENGINES = ("baseline", "avx2", "avx512")
ENGINES = (*CYTHON_ENGINES, "numba_engine")

# The first call of a kernel of the numba engine compiles it, which takes seconds: no deadline.  A change is judged by
# the same examples each time; a thorough run looks for new ones.
hypothesis.settings.register_profile(
    LEVEL, deadline=None, max_examples=draws(60), derandomize=LEVEL == "ci", print_blob=True
)
hypothesis.settings.load_profile(LEVEL)

Worst = dict[tuple[str, str], float]
_WORST = pytest.StashKey[Worst]()


def pytest_collection_finish() -> None:
    """What was collected and imported stays until the end: garbage isn't looked for among it time and again."""
    gc.collect()
    gc.freeze()


def pytest_configure(config: pytest.Config) -> None:
    missing = missing_parts()
    if missing:
        raise pytest.UsageError("\n".join(missing))
    config.stash[_WORST] = {}
    config.pluginmanager.register(_Everywhere())
    if config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(_Workers())


@pytest.fixture
def record_ulps(request: pytest.FixtureRequest) -> Callable[[str, str, float], None]:
    """``record_ulps(formula, how, ulps)`` keeps the worst for the table at the end of the run."""
    worst = request.config.stash[_WORST]

    def record(formula: str, how: str, ulps: float) -> None:
        worst[formula, how] = max(worst.get((formula, how), 0.0), ulps)

    return record


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist hands its worst errors over."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["worst"] = [
            [*key, ulps] for key, ulps in session.config.stash[_WORST].items()
        ]


class _Everywhere:
    """As a plugin, since doctests have no conftest.py of tests/ above them."""

    @pytest.fixture(autouse=True)
    def _known_schedules(self) -> Iterator[None]:
        """What a test or an example defines is gone after it: another may take the name."""
        registry = all_schedules()
        before = dict(registry)
        yield
        registry.clear()
        registry.update(before)

    @staticmethod
    def pytest_ignore_collect(collection_path: Path) -> bool | None:
        """The examples of an adapter whose framework isn't there; where all are required, they fail."""
        needs_it = (PACKAGE / "torch", PACKAGE / "command_line" / "training" / "torch_run.py")
        return (is_absent("torch") and any(map(collection_path.is_relative_to, needs_it))) or None


class _Workers:
    """What pytest-xdist tells the process that reports."""

    @staticmethod
    def pytest_testnodedown(node: Any) -> None:
        worst = node.config.stash[_WORST]
        for formula, how, ulps in node.workeroutput.get("worst", []):
            worst[formula, how] = max(worst.get((formula, how), 0.0), ulps)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    worst = config.stash[_WORST]
    if worst:
        terminalreporter.section(f"worst error in ulp, engine of this run: {lrd.backend()}")
    for formula in sorted({formula for formula, _ in worst}):
        columns = [f"{how} {ulps:.4f}" for (name, how), ulps in worst.items() if name == formula]
        terminalreporter.write_line(f"{formula:20} {'   '.join(columns)}")


@pytest.fixture
def as_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder and no window."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")


@pytest.fixture
def random(request: pytest.FixtureRequest) -> Random:
    """Random numbers that are the same in every run of a test."""
    return Random(request.node.name)


def available_engine(name: str) -> ModuleType | None:
    """An engine module, if it was built and this machine can run it."""
    if name == "numba_engine":
        return _engine(name) if importlib.util.find_spec("numba") else None
    if not importlib.util.find_spec("lrdecay_native.engines.baseline"):
        return None
    built = importlib.util.find_spec(f"lrdecay_native.engines.{name}")
    return _engine(name) if built and name in _engine("baseline").processor_features() else None


def _engine(name: str) -> ModuleType:
    return importlib.import_module(f"lrdecay_native.engines.{name}")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> ModuleType:
    """Each engine in turn, whichever the public functions use."""
    module = available_engine(request.param)
    if module is None:
        pytest.skip(f"the engine {request.param} isn't available on this machine")
    return module


RunPython = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_python(tmp_path: Path) -> RunPython:
    """``run_python(code, package_folder, VARIABLE=value)`` in a new process, outside of the source tree."""

    def run(code: str, folder: Path = PACKAGE.parent, **variables: str) -> subprocess.CompletedProcess[str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("LRDECAY_")}
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={**inherited, "PYTHONPATH": str(folder), **variables},
            capture_output=True,
            text=True,
        )

    return run
