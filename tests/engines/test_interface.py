"""What an engine must offer, and that one which doesn't, or is of other sources, is refused when it is loaded."""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from conftest import PACKAGE, RunPython, available_engine

from lrdecay_native.engines.interface import Engine, check

FUNCTIONS = [name for name in vars(Engine) if not name.startswith("_")]
needs_cython = pytest.mark.skipif(not available_engine("baseline"), reason="the Cython engine isn't built")


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name.islower()])
def test_every_engine_has_the_arguments(name: str, engine: ModuleType) -> None:
    _, *declared = inspect.signature(getattr(Engine, name)).parameters
    assert [*inspect.signature(getattr(engine, name)).parameters] == declared


def test_nothing_is_missing(engine: ModuleType) -> None:
    check(engine)
    incomplete = ModuleType("incomplete")
    vars(incomplete).update({name: None for name in FUNCTIONS if name not in ("prepare", "write_runs")})
    with pytest.raises(ImportError, match=r"^the engine incomplete has no prepare, write_runs$"):
        check(incomplete)


CALL = "import lrdecay_native as lrd; print(lrd.StepDecay(0.1, 0.5, 1)(1))"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the sources, with the engines that are built."""
    root = PACKAGE.parent
    if not (root / "src").exists():
        pytest.skip("the sources aren't here")
    folder = tmp_path / "checkout"
    shutil.copytree(
        PACKAGE, folder / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"), symlinks=True
    )
    shutil.copytree(root / "src", folder / "src", ignore=shutil.ignore_patterns("*.c", "generated"))
    return folder


@needs_cython
class TestStaleEngine:
    def test_of_these_sources(self, checkout: Path, run_python: RunPython) -> None:
        assert run_python(CALL, checkout).stdout == "0.05\n"

    @pytest.mark.parametrize("name", ["lrdecay_native/formulas/decays.py", "src/elementwise.pxi"])
    def test_of_other_sources(self, name: str, checkout: Path, run_python: RunPython) -> None:
        changed = checkout / name
        changed.write_text(changed.read_text() + "\n")
        finished = run_python(CALL, checkout)
        assert finished.returncode == 1
        assert finished.stderr.splitlines()[-1] == (
            "ImportError: the compiled engine is not of the formulas, the arithmetic and the code generator in "
            f"{checkout}: run 'make build' there"
        )

    def test_where_it_is_installed_there_are_no_sources(self, checkout: Path, run_python: RunPython) -> None:
        (checkout / "lrdecay_native" / "formulas" / "decays.py").open("a").write("\n")
        shutil.rmtree(checkout / "src")
        assert run_python(CALL, checkout).stdout == "0.05\n"

    def test_numba_needs_no_build(self, checkout: Path, run_python: RunPython) -> None:
        pytest.importorskip("numba")
        (checkout / "src" / "elementwise.pxi").open("a").write("\n")
        assert run_python(CALL, checkout, LRDECAY_BACKEND="numba").stdout == "0.05\n"


def test_a_program_that_evaluates_nothing_loads_no_engine(run_python: RunPython) -> None:
    code = """
import sys
import lrdecay_native as lrd
s = lrd.CosineDecay(0.1, 1000).warmup(10)
assert lrd.from_json(s.to_json()) == s
loaded = [name for name in sys.modules if name.startswith("lrdecay_native.engines.")]
assert loaded == ["lrdecay_native.engines.interface"], loaded
s(5)
assert len([name for name in sys.modules if name.startswith("lrdecay_native.engines.")]) > 1
"""
    finished = run_python(code)
    assert finished.returncode == 0, finished.stderr
