"""All engines compute the same bits; and the door that chooses one of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from conftest import CYTHON_ENGINES, PACKAGE, RunPython, available_engine
from reference import KERNELS, SCHEDULES, some_period, some_steps, spread

import lrdecay_native as lrd
from lrdecay_native.formulas import FORMULAS, TIME_MAPS
from lrdecay_native.generation import Function, all_functions

Array = npt.NDArray[Any]
COUNT, BLOCKS = 1000, 5


@pytest.fixture
def another(engine: ModuleType) -> ModuleType:
    """The engine that all others are compared with."""
    for name in ("numba_engine", *CYTHON_ENGINES):
        module = available_engine(name)
        if module is not None and module is not engine:
            return module
    pytest.skip("there is only one engine on this machine")


def some_number(random: Random, function: Function, name: str) -> float:
    """A number that an argument of this name may have."""
    base = function.name.removesuffix("_point").removesuffix("_sweep")
    if name == "period":
        return some_period(random)
    if name.startswith("low"):
        return random.uniform(-1e-18, 1e-18)
    if base in FORMULAS and not name.startswith("high"):
        return KERNELS[base].arguments(random)[name]
    if base in FORMULAS:
        return random.choice([0.0, random.random(), 1.0 - spread(random, 1e-15, 1.0)])
    if base in TIME_MAPS:
        return random.choice([0.0, spread(random, 1.0, 2.0**63), float(random.randrange(10**6))])
    return random.uniform(0.1, 0.2)


def some_arguments(random: Random, function: Function) -> list[Any]:
    """Arguments for a function of an engine; arrays that it writes to hold NaN."""
    special = SPECIAL.get(function.name.rpartition("_")[0])
    return special(random, function) if special else [
        _argument(random, function, kind, name) for kind, name in function.arguments
    ]


def _argument(random: Random, function: Function, kind: str, name: str) -> Any:
    if name.startswith("out"):
        return np.full(COUNT, np.nan, function.dtype)
    number = name.removesuffix("_array")
    if kind == "scalar":
        return some_number(random, function, number)
    values = [some_number(random, function, number) for _ in range(COUNT)]
    if kind == "vector":
        return np.array(values, function.dtype)
    assert kind == "strided"
    strided = [np.repeat(values, 2)[::2], np.array(values)[::-1], np.broadcast_to(values[:1], COUNT)]
    return random.choice(strided)


def _fill_arguments(random: Random, function: Function) -> list[Any]:
    """Coefficients of a block polynomial, as large as the bounds on them allow."""
    length = 256
    (_, rows), *_ = [(k, n) for k, n in enumerate(function.variables) if n.startswith("coefficient")] or [(0, "")]
    names = [name for name in function.variables if name != "u" and not name.startswith("v") or "value" in name]
    names = [name for name in names if name.startswith(("value", "linear", "coefficient"))]
    size = {"value_high": 0.1, "value_low": 1e-18, "linear_high": 2.0**-8, "linear_low": 1e-19}
    coefficients = np.array(
        [[size.get(name, 1e-5) * random.uniform(0.5, 1.0) for _ in range(BLOCKS)] for name in names]
    )
    coefficients[names.index("linear_high")] = 2.0**-9
    out = np.full(length * BLOCKS, np.nan, function.dtype)
    return [out, np.linspace(-1, 1, length, endpoint=False, dtype=function.dtype), coefficients.astype(function.dtype)]


def _repeat_arguments(random: Random, function: Function) -> list[Any]:
    starts = np.cumsum([0, *(random.choice([0, 1, 50, 1000]) for _ in range(100))])
    values = np.array([random.random() for _ in range(100)], function.dtype)
    return [np.full(starts[-1], np.nan, function.dtype), values, starts]


SPECIAL = {"fill": _fill_arguments, "repeat": _repeat_arguments}


def run(engine: ModuleType, function: Function, arguments: list[Any]) -> list[Array]:
    """What a function returns, or writes."""
    copies = [a.copy() if isinstance(a, np.ndarray) and a.flags.writeable else a for a in arguments]
    returned = getattr(engine, function.name)(*copies)
    if function.results:
        return [np.array(returned)]
    return [
        array for (_, name), array in zip(function.arguments, copies, strict=True) if name.startswith("out")
    ]


@pytest.mark.parametrize("function", all_functions(), ids=lambda function: function.name)
def test_bit_for_bit(
    function: Function, engine: ModuleType, another: ModuleType, random: Random
) -> None:
    # Where a processor can't add and multiply in one rounding, the last bit may differ.
    one_ulp = any(" multiply_add(" in line for line in function.body)
    for _ in range(200 if function.results else 3):
        arguments = some_arguments(random, function)
        for ours, theirs in zip(
            run(engine, function, arguments), run(another, function, arguments), strict=True
        ):
            assert not np.isnan(ours).any()
            if one_ulp:
                np.testing.assert_array_max_ulp(ours, theirs, maxulp=1)
            else:
                np.testing.assert_array_equal(ours, theirs)
                np.testing.assert_array_equal(np.signbit(ours), np.signbit(theirs))


SAMPLE = """
import sys
import numpy as np, lrdecay_native as lrd
points, grids = [], []
for text, steps, (start, stop, step) in {cases!r}:
    schedule = eval(text, vars(lrd))
    points.append(schedule(np.array(steps)))
    points.append(np.array([schedule(step) for step in steps]))
    for dtype in (np.float64, np.float32):
        grids.append(schedule.values(start, stop, step, dtype=dtype).astype(float))
np.savez(sys.argv[1] if len(sys.argv) > 1 else "sample.npz", points=np.concatenate(points),
         grids=np.concatenate(grids))
print(lrd.backend())
"""


def some_cases(random: Random) -> Iterator[tuple[str, list[int], tuple[int, int, int]]]:
    for name, reference in SCHEDULES.items():
        for _ in range(20):
            schedule = reference.make(random)
            scale = reference.scale(schedule)
            first = int(min(scale * random.random(), 2.0**60))
            step = random.randint(1, 9)
            yield repr(schedule), some_steps(random, scale), (first, first + 5000 * step, step)


def test_every_engine_and_processor_gives_the_same_values(
    run_python: RunPython, tmp_path: Path
) -> None:
    """Through the public functions: points bit for bit, grids within the last bit."""
    code = SAMPLE.format(cases=list(some_cases(Random(4))))
    available = [name for name in (*CYTHON_ENGINES, "numba_engine") if available_engine(name)]
    if len(available) < 2:
        pytest.skip("there is only one engine on this machine")
    results = {}
    for name in available:
        chosen = (
            {"LRDECAY_BACKEND": "numba"}
            if name == "numba_engine"
            else {"LRDECAY_BACKEND": "cython", "LRDECAY_PROCESSOR": name}
        )
        finished = run_python(code, **chosen)
        assert finished.stdout.strip() == chosen["LRDECAY_BACKEND"], finished.stderr
        results[name] = dict(np.load(tmp_path / "sample.npz"))
    first, *others = results.values()
    for other in others:
        np.testing.assert_array_equal(other["points"], first["points"])
        grids, expected = other["grids"], first["grids"]
        # Half are float32, written as float64.
        assert (np.abs(grids - expected) <= 2.0**-23 * expected).all()
        assert (grids == expected).mean() > 0.999


@pytest.fixture
def tree_without_extension(tmp_path: Path) -> Path:
    """A copy of the package in which the Cython engine was never built."""
    folder = tmp_path / "tree"
    shutil.copytree(
        PACKAGE,
        folder / PACKAGE.name,
        ignore=shutil.ignore_patterns("*.so", "*.pyd", "*.dylib", "__pycache__"),
    )
    return folder


IMPORT = "import lrdecay_native as lrd; print(lrd.backend(), lrd.StepDecay(0.1, 0.5, 1)(1))"
WITHOUT_NUMBA = "import sys; sys.modules['numba'] = None; "
needs_cython = pytest.mark.skipif(not available_engine("baseline"), reason="the Cython engine isn't built")
needs_numba = pytest.mark.skipif(not available_engine("numba_engine"), reason="numba isn't installed")


class TestDoor:
    """Which engine is chosen, and how loudly it fails."""

    @pytest.mark.parametrize(
        "backend",
        [pytest.param("cython", marks=needs_cython), pytest.param("numba", marks=needs_numba)],
    )
    def test_the_variable_chooses(self, run_python: RunPython, backend: str) -> None:
        assert run_python(IMPORT, LRDECAY_BACKEND=backend).stdout == f"{backend} 0.05\n"

    @needs_cython
    def test_cython_is_the_default(self, run_python: RunPython) -> None:
        assert run_python(IMPORT).stdout == "cython 0.05\n"

    @needs_numba
    def test_numba_takes_over(self, run_python: RunPython, tree_without_extension: Path) -> None:
        assert run_python(IMPORT, tree_without_extension).stdout == "numba 0.05\n"

    @needs_cython
    def test_cython_needs_no_numba(self, run_python: RunPython) -> None:
        assert run_python(WITHOUT_NUMBA + IMPORT).stdout == "cython 0.05\n"

    @pytest.mark.parametrize("value", ["fortran", "Cython", "", " numba"])
    def test_unknown_backend(self, run_python: RunPython, value: str) -> None:
        finished = run_python(IMPORT, LRDECAY_BACKEND=value)
        assert finished.returncode == 1
        assert f"ValueError: LRDECAY_BACKEND={value!r} is unknown" in finished.stderr
        assert "cython, numba" in finished.stderr

    @needs_cython
    @pytest.mark.parametrize("value", ["mmx", "AVX2", ""])
    def test_unknown_processor(self, run_python: RunPython, value: str) -> None:
        finished = run_python(IMPORT, LRDECAY_BACKEND="cython", LRDECAY_PROCESSOR=value)
        assert finished.returncode == 1
        assert f"ValueError: LRDECAY_PROCESSOR={value!r} is unknown" in finished.stderr
        assert "baseline" in finished.stderr

    def test_cython_that_was_not_built(self, run_python: RunPython, tree_without_extension: Path) -> None:
        finished = run_python(IMPORT, tree_without_extension, LRDECAY_BACKEND="cython")
        assert finished.returncode == 1
        assert "ImportError: LRDECAY_BACKEND=cython, but the Cython engine was not built" in finished.stderr

    def test_numba_that_is_not_installed(self, run_python: RunPython) -> None:
        finished = run_python(WITHOUT_NUMBA + IMPORT, LRDECAY_BACKEND="numba")
        assert finished.returncode == 1
        assert "ImportError: LRDECAY_BACKEND=numba, but numba is not installed" in finished.stderr
        assert "pip install numba" in finished.stderr

    def test_no_engine_at_all(self, run_python: RunPython, tree_without_extension: Path) -> None:
        finished = run_python(WITHOUT_NUMBA + IMPORT, tree_without_extension)
        assert finished.returncode == 1
        message = finished.stderr.strip().splitlines()[-1]
        assert message.startswith("ImportError: lrdecay_native has no engine")
        assert "pip install numba" in message and "C compiler" in message


FRAMEWORKS = {
    "keras", "tensorflow", "torch", "jax", "optax", "flax", "matplotlib", "sklearn", "scipy", "pandas", "rich", "click",
}  # fmt: skip


def test_import_imports_no_framework(run_python: RunPython) -> None:
    code = "import sys, json, lrdecay_native; print(json.dumps([*sys.modules]))"
    finished = run_python(code, LRDECAY_BACKEND=lrd.backend())
    modules = {name.partition(".")[0] for name in json.loads(finished.stdout)}
    assert "lrdecay_native" in modules
    forbidden = FRAMEWORKS | ({"numba"} if lrd.backend() == "cython" else set())
    assert not forbidden & modules
