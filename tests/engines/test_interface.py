"""What an engine must offer, and that one which doesn't, or is of other sources, is refused when it is loaded."""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
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


class TestArrays:
    """The compiled engine takes memory as it is: of arrays of other kinds it must not take any."""

    @pytest.mark.parametrize("dtype", ["<f8", "=f8", "f8", "d"])
    def test_names_of_the_same_dtype(self, engine: ModuleType, dtype: str) -> None:
        pair = np.array([1.0, 2.5], dtype), np.zeros(2, dtype)
        high, low = engine.apply_to_arrays("staircase", pair, 1.0, 0.0)
        assert (high.tolist(), low.tolist()) == ([1.0, 2.0], [0.0, 0.0])

    @needs_cython
    @pytest.mark.parametrize("wrong", [np.zeros(3, ">f8"), np.zeros(3, "i8"), np.zeros(3, "f4"), [0.0] * 3])
    def test_another_kind(self, wrong: Any) -> None:
        baseline = available_engine("baseline")
        assert baseline is not None
        with pytest.raises(TypeError, match=r"must be of float64|a bytes-like object is required"):
            baseline.apply_to_arrays("staircase", (wrong, np.zeros(3)), 1.0, 0.0)

    @needs_cython
    def test_other_lengths_and_parts(self) -> None:
        baseline = available_engine("baseline")
        assert baseline is not None
        with pytest.raises(ValueError, match="the arrays of staircase must have the same length"):
            baseline.apply_to_arrays("staircase", (np.zeros(3), np.zeros(2)), 1.0, 0.0)
        with pytest.raises(ValueError, match="not C-contiguous"):
            baseline.apply_to_arrays("staircase", (np.zeros(6)[::2], np.zeros(3)), 1.0, 0.0)
        with pytest.raises(ValueError, match="staircase must have 2 parameters, not 1"):
            baseline.apply_to_arrays("staircase", (np.zeros(3), np.zeros(3)), 1.0)
        with pytest.raises(ValueError, match="2 rows of 3 steps do not have 8 values"):
            baseline.evaluate("constant_continuous", np.zeros(3), 0, np.zeros((16, 2)), np.zeros(8))
        with pytest.raises(KeyError, match="steep"):
            baseline.apply_to_point("steep", (0.0, 0.0))
        fixed = np.zeros(3)
        fixed.flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            baseline.write_runs(fixed, np.zeros(1), np.array([0, 3]), None)
