"""All engines compute the same bits; and the door that chooses one of them."""

from __future__ import annotations

import itertools
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from conftest import CYTHON_ENGINES, ENGINES, PACKAGE, RunPython, available_engine
from draws import draws
from reference import KERNELS, SCHEDULES, some_steps, spread

import lrdecay_native as lrd
from lrdecay_native import engines, validation
from lrdecay_native.codegen.catalogue import all_functions
from lrdecay_native.engines.python_chains import (
    Chains,
    CompiledCall,
    CompiledPiecewise,
    CompiledPipeline,
    Kernels,
)
from lrdecay_native.evaluation.grids import blocks, grids
from lrdecay_native.evaluation.points import closed_form as curves
from lrdecay_native.evaluation.points import pairs as evaluation
from lrdecay_native.evaluation.points import pipelines
from lrdecay_native.formulas.catalogue import FORMULAS
from lrdecay_native.formulas.specialisations import variants

Array = npt.NDArray[Any]
Calls = dict[str, list[tuple[str, list[Any]]]]
"""By the name of a generated function: that of the engine's function that it was called by, and the arguments."""
KEPT = 30
KEPT_POINTS = 300
"""A point has any formula."""
FUNCTIONS = [
    function.name
    for group in all_functions().values()
    for function in group
    # Single steps have a test of their own.
    if not function.private and not function.name.endswith("_value")
]
ENDS = {"dd": "float64", "df": "float32", "ff": "float32_steps"}
WRITTEN = {
    "prepare": [2],
    "evaluate": [4],
    "apply_to_arrays": [],
    "apply_to_point": [],
    "sample_steps": [0, 1],
    "write_blocks": [0, 7],
}
"""The arguments that a function writes to, where these aren't the first one alone."""


def generated(entry: str, arguments: tuple[Any, ...]) -> str:
    """The generated function that the engine's function calls."""
    first, last = arguments[0], arguments[-1]
    match entry:
        case "prepare":
            return f"{first}_prepare"
        case "evaluate":
            return f"{first}_{ENDS[arguments[1].dtype.char + last.dtype.char]}"
        case "apply_to_arrays":
            return str(first)
        case "apply_to_point":
            return f"{first}_point"
        case "sample_steps":
            return "sample_nodes"
    way = "fill" if last is None else "stream"
    return f"{way}_{entry.removeprefix('write_')}_{first.dtype.name}" if entry.startswith("write_") else entry


@pytest.fixture
def another(engine: ModuleType) -> ModuleType:
    """The engine that all others are compared with."""
    for name in ("numba_engine", *CYTHON_ENGINES):
        module = available_engine(name)
        if module is not None and module is not engine:
            return module
    pytest.skip("there is only one engine on this machine")


class Recorder:
    """The engine in use, which keeps a sample of the arguments that its functions are called with."""

    def __init__(self, engine: Any, random: Random) -> None:
        self.engine = engine
        self.random = random
        self.seen: Counter[str] = Counter()
        self.calls: Calls = defaultdict(list)

    def __getattr__(self, name: str) -> Any:
        function = getattr(self.engine, name)

        def call(*arguments: Any) -> Any:
            called = generated(name, arguments)
            self.seen[called] += 1
            kept, most = self.calls[called], KEPT_POINTS if name == "Point" else KEPT
            if len(kept) < most:
                kept.append((name, copies(arguments)))
            elif self.random.random() < most / self.seen[called]:
                kept[self.random.randrange(most)] = name, copies(arguments)
            return function(*arguments)

        return call


def copies(arguments: Iterable[Any]) -> list[Any]:
    return [a.copy() if isinstance(a, np.ndarray) and a.flags.writeable else a for a in arguments]


@pytest.fixture(scope="module")
def calls() -> Calls:
    """What the package calls the functions of its engine with, function by function."""
    random = Random(1)
    # What is called doesn't depend on what is kept.
    recorder = Recorder(engines.engine, Random(2))
    with pytest.MonkeyPatch.context() as patch, np.errstate(over="ignore"):
        for module in (evaluation, curves, grids):
            patch.setattr(module, "engine", recorder)
        # Else the kernels of chains aren't called from here.
        for module in (blocks, pipelines):
            patch.setattr(module, "engine", InPython(recorder))
        for name, kernel in KERNELS.items():
            for (_, known), _ in itertools.product(variants(name), range(KEPT)):
                arguments = kernel.arguments(random) | known
                steps = some_steps(random, kernel.scale(**arguments))
                for dtype in ("float64", "float32"):
                    for given in (np.array(steps), np.array(steps, np.float32) / 2):
                        getattr(lrd, name)(given, **arguments, dtype=dtype)
        for reference in SCHEDULES.values():
            for _ in range(50):
                schedule = reference.make(random)
                scale = reference.scale(schedule)
                steps = some_steps(random, scale)
                schedule(np.array(steps))
                schedule(2**53 + 1)
                for length in (100, 5000):
                    step = max(1, int(min(scale * spread(random, 1e-4, 1.0) / length, 2.0**40)))
                    for dtype, cache in itertools.product(("float64", "float32"), (0, blocks.CACHE_BYTES)):
                        patch.setattr(blocks, "CACHE_BYTES", cache)
                        schedule.values(0, step * length, step, dtype=dtype)
        for (_, known), cycle in itertools.product(variants("polynomial_decay"), (False, True)):
            lrd.PolynomialDecay(0.1, 1000, end_learning_rate=0.001, cycle=cycle, **known)(np.arange(3000))
        for (first, end), dtype in itertools.product(
            ((0.1, 0.0), (0.1, 0.003), (0.003, 0.1)), ("float64", "float32")
        ):
            restarts = lrd.CosineRestarts(first, 100, t_mul=1.0, m_mul=0.9, end_learning_rate=end)
            restarts.values(33, 2000, dtype=dtype)
    return recorder.calls


def run(engine: ModuleType, entry: str, arguments: list[Any]) -> list[Array]:
    """What a function returns or writes."""
    given = copies(arguments)
    written = [given[number] for number in WRITTEN.get(entry, [0])]
    if entry != "write_tiles":
        for array in written:
            array.fill(np.nan)
    returned = getattr(engine, entry)(*given)
    return written if returned is None else [np.array(returned), *written]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_bit_for_bit(function: str, engine: ModuleType, another: ModuleType, calls: Calls) -> None:
    compared = False
    # Where a processor can't multiply and add in one rounding, the last bit may differ.
    one_ulp = function.startswith(("fill_", "stream_"))
    for entry, arguments in calls[function]:
        for ours, theirs in zip(run(engine, entry, arguments), run(another, entry, arguments), strict=True):
            compared |= bool(np.isfinite(ours).any())
            np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
            if one_ulp:
                np.testing.assert_array_max_ulp(np.nan_to_num(ours), np.nan_to_num(theirs), maxulp=1)
            else:
                np.testing.assert_array_equal(ours, theirs)
    assert compared, f"nothing calls {function}"


def test_single_steps(engine: ModuleType, another: ModuleType, calls: Calls, random: Random) -> None:
    """Points bit for bit, and which steps are left to the kernels with 106 bits."""
    compared = Counter[bool]()
    for _, (stages, limit) in calls["Point"]:
        ours, theirs = engine.Point(stages, limit), another.Point(stages, limit)
        inside = [random.uniform(0.0, min(limit, 1e6)) for _ in range(5)]
        for step in (*(int(s) for s in inside), *inside, *STEPS_OF_ALL_KINDS, limit, int(limit)):
            value = ours.at(step)
            assert (value, type(value)) == (theirs.at(step), type(theirs.at(step))), (stages, limit, step)
            compared[value is None] += 1
    assert min(compared[True], compared[False]) > 100
    names = {name for _, (stages, _) in calls["Point"] for name, _ in stages}
    assert all(any(name.startswith(formula) for name in names) for formula in FORMULAS)


class InPython:
    """An engine whose chains are run kernel by kernel, in Python."""

    CompiledCall, CompiledPipeline, CompiledPiecewise = CompiledCall, CompiledPipeline, CompiledPiecewise

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.chains = chains = Chains(
            Kernels(evaluation.apply_to_arrays, evaluation.apply_to_point),
            lambda *arguments: engine.sample_steps(*arguments),
            lambda out, *arguments: blocks.write(out, "blocks", *arguments[:-1]),
        )
        self.CompiledKernel, self.CompiledPeriodic = chains.kernel_link, chains.repeated_link
        self.CompiledCombination, self.CompiledTable = chains.combined_link, chains.table_link
        self.fill_blocks = chains.fill_blocks

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)


@pytest.mark.parametrize("name", SCHEDULES)
def test_chains(name: str, random: Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's chains give the bits of kernels called one by one: on arrays, on pairs, and at single steps."""
    for _ in range(draws(20)):
        schedule = SCHEDULES[name].make(random)
        pipeline = schedule._chain
        ours = pipeline.link
        steps = [int(step) for step in some_steps(random, SCHEDULES[name].scale(schedule))]
        pair = evaluation.as_pair(np.array([*steps, 2**53 + 1, 2**63 - 1]))
        with monkeypatch.context() as patch:
            patch.setattr(pipelines, "engine", InPython(engines.engine))
            theirs = pipelines.compiled(pipeline.stages)
        expected = theirs.on_arrays(pair)
        np.testing.assert_array_equal(ours.on_arrays(pair), expected)
        for step, high, low in zip(steps, *expected, strict=False):
            # Behind very many cycles a place is taken of exact fractions instead.
            assert step >= pipeline.limit or pipeline.at(step) == (high, low)
            assert ours.at(step) == theirs.at(step) == high


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_rounds_of_grids(name: str, dtype: str, random: Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's rounds of blocks write what those in Python do, but where blocks overlap."""
    for _ in range(draws(10)):
        schedule = SCHEDULES[name].make(random)
        step = max(1, int(min(SCHEDULES[name].scale(schedule) * spread(random, 1e-5, 1e-3), 2.0**40)))
        ours = schedule.values(0, 5000 * step, step, dtype=dtype)
        with monkeypatch.context() as patch, np.errstate(over="ignore"):
            for module in (blocks, pipelines):
                patch.setattr(module, "engine", InPython(engines.engine))
            theirs = lrd.from_json(schedule.to_json()).values(0, 5000 * step, step, dtype=dtype)
        np.testing.assert_array_max_ulp(ours, theirs, maxulp=1, dtype=dtype)
        assert (ours == theirs).mean() > 0.99


def test_steps_of_all_kinds_in_chains() -> None:
    pipeline = (lrd.PolynomialDecay(0.1, 10**20) * lrd.ExponentialDecay(0.1, 1e-20))._chain
    taken = [step for step in STEPS_OF_ALL_KINDS if pipeline.link.at(step) is not None]
    assert [(type(step), step) for step in taken] == [
        (type(step), step)
        for step in STEPS_OF_ALL_KINDS
        if type(step) in (int, float, np.int8, np.int64, np.uint64, np.float64) and 0 <= step < 2**63
    ]
    for step in taken:
        assert pipeline.link.at(step) == pipeline.on_point(validation.step("step", step))[0]


STEPS_OF_ALL_KINDS: tuple[Any, ...] = (
    *(0, 2**53, 2**53 + 1, 2**62, 2**63 - 1, 2**63, 2**64, 10**400, -1, True, None, "3", 1j),
    *(0.5, -0.0, -0.5, 2.0**63, float("nan"), float("inf"), -float("inf")),
    *(np.int8(3), np.uint64(2**63), np.int64(2**53 + 1), np.int64(-1), np.float64(3.5), np.bool_(True)),
    *(np.float16(3), np.float32(3), np.longdouble(3), np.array(3), [3]),
)


SAMPLE = """
import json, numpy as np, lrdecay_native as lrd
points, grids = [], []
names = {name: getattr(lrd, name) for name in lrd.__all__}
for text, steps, (start, stop, step) in json.load(open("cases.json")):
    schedule = eval(text, names)
    points.append(schedule(np.array(steps)))
    points.append(np.array([schedule(step) for step in steps]))
    assert (points[-1] == points[-2]).all(), text
    for dtype in (np.float64, np.float32):
        grids.append(schedule.values(start, stop, step, dtype=dtype).astype(float))
np.savez("sample.npz", points=np.concatenate(points),
         grids=np.concatenate(grids))
print(lrd.backend())
"""


def some_cases(random: Random) -> Iterator[tuple[str, list[int], tuple[int, int, int]]]:
    for reference in SCHEDULES.values():
        for _ in range(draws(20)):
            schedule = reference.make(random)
            scale = reference.scale(schedule)
            first = int(min(scale * random.random(), 2.0**60))
            step = random.randint(1, 9)
            yield repr(schedule), some_steps(random, scale), (first, first + 5000 * step, step)


def test_every_engine_and_processor_gives_the_same_values(
    run_python: RunPython, tmp_path: Path, random: Random
) -> None:
    """Through the public functions: points bit for bit, grids within the last bit."""
    (tmp_path / "cases.json").write_text(json.dumps(list(some_cases(random))))
    available = [name for name in ENGINES if available_engine(name)]
    if len(available) < 2:
        pytest.skip("there is only one engine on this machine")
    results = {}
    for name in available:
        chosen = (
            {"LRDECAY_BACKEND": "numba"}
            if name == "numba_engine"
            else {"LRDECAY_BACKEND": "cython", "LRDECAY_PROCESSOR": name}
        )
        finished = run_python(SAMPLE, **chosen)
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
        assert "pip install numba" in message
        assert "C compiler" in message


FRAMEWORKS = {
    *("keras", "tensorflow", "torch", "jax", "optax", "flax"),
    *("matplotlib", "sklearn", "pandas", "rich", "click"),
}


def test_import_imports_no_framework(run_python: RunPython) -> None:
    code = (
        "import sys, json, lrdecay_native as lrd; lrd.StepDecay(0.1, 0.5, 1).warmup(5).values(9)\n"
        "print(json.dumps([*sys.modules]))"
    )
    finished = run_python(code, LRDECAY_BACKEND=lrd.backend())
    modules = {name.partition(".")[0] for name in json.loads(finished.stdout)}
    assert "lrdecay_native" in modules
    forbidden = FRAMEWORKS | ({"numba"} if lrd.backend() == "cython" else set())
    assert not forbidden & modules
