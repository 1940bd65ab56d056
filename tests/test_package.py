"""What the package has before anything of it is used, and from which moment on it needs an engine."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from random import Random

import pytest
from conftest import RunPython
from draws import draws

import lrdecay_native as lrd
from lrdecay_native.schedules import catalogue, registry

PACKAGE = Path(lrd.__file__).parent

WITHOUT_ENGINE = """
import sys
for name in ("baseline", "avx2", "avx512", "numba_engine"):
    sys.modules[f"lrdecay_native.engines.{name}"] = None
sys.modules["numba"] = None
"""

PURE = ["formulas", "arithmetic", "piecewise"]
"""Folders of which every module is there without an engine."""


def modules(folder: str) -> list[str]:
    paths = sorted((PACKAGE / folder).rglob("*.py"))
    return [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in paths]


@pytest.mark.parametrize("folder", PURE)
def test_what_is_pure_needs_no_engine(run_python: RunPython, folder: str) -> None:
    imports = "\n".join(f"import {module.removesuffix('.__init__')}" for module in modules(folder))
    finished = run_python(WITHOUT_ENGINE + imports)
    assert finished.returncode == 0, finished.stderr


def test_the_rest_says_that_there_is_none(run_python: RunPython) -> None:
    finished = run_python(
        WITHOUT_ENGINE + "import lrdecay_native as lrd; print(1); lrd.StepDecay(0.1, 0.5, 3)(1)"
    )
    assert (finished.returncode, finished.stdout) == (1, "1\n")
    assert "Error" in finished.stderr


def test_the_names() -> None:
    """Those of the schedules' modules, each once, and nothing else."""
    assert sorted(lrd.__all__) == dir(lrd)
    assert len(set(lrd.__all__)) == len(lrd.__all__)
    assert set(catalogue.__all__) < set(lrd.__all__)
    assert {"fit", "own_formula", "backend", "ReduceOnPlateau", "__version__"} < set(lrd.__all__)
    for name in lrd.__all__:
        assert getattr(lrd, name) is not None


def test_all_of_them_with_a_star(run_python: RunPython) -> None:
    code = (
        "before = set(dir()) | {'before'}\nfrom lrdecay_native import *\nprint(sorted(set(dir()) - before))"
    )
    assert run_python(code).stdout.strip() == str(sorted(lrd.__all__))


def test_one_name_brings_all(run_python: RunPython) -> None:
    """So that a repr evaluates back with what the package has."""
    code = (
        "import lrdecay_native as lrd; s = lrd.Constant(0.1).warmup(3); print(eval(repr(s), vars(lrd)) == s)"
    )
    assert run_python(code).stdout == "True\n"


def test_what_is_no_name() -> None:
    with pytest.raises(AttributeError, match="module 'lrdecay_native' has no attribute 'StepDecays'"):
        lrd.StepDecays  # type: ignore[attr-defined]  # noqa: B018
    assert not hasattr(lrd, "__wrapped__")


def test_modules_are_no_reason_to_import_schedules(run_python: RunPython) -> None:
    code = (
        "import sys\nfrom lrdecay_native import validation\nprint('lrdecay_native.schedules' in sys.modules)"
    )
    assert run_python(code).stdout == "False\n"
    assert run_python("import lrdecay_native as lrd; print(lrd.schedules.__name__)").stdout.startswith(
        "lrdecay_native."
    )


def test_type_checkers_see_every_module_of_schedules() -> None:
    """They follow what is imported under TYPE_CHECKING, and no name through more than one package."""
    source = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    starred = {
        node.module
        for node in ast.walk(source)
        if isinstance(node, ast.ImportFrom) and [name.name for name in node.names] == ["*"]
    }
    with_names = {
        cls.__module__
        for cls in registry.all_schedules().values()
        if cls.__module__.startswith("lrdecay_native.")
    }
    assert starred == with_names
    assert all(importlib.util.find_spec(str(module)) for module in starred)


THREADS = """
import sys, threading
sys.setswitchinterval(1e-6)
statements = {statements}
together = threading.Barrier(len(statements))
problems = []
def run(statement):
    together.wait()
    try:
        exec(statement)
    except BaseException as error:
        problems.append(f"{{statement}}: {{error!r}}")
threads = [threading.Thread(target=run, args=(statement,)) for statement in statements]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("\\n".join(problems))
"""


@pytest.mark.parametrize("begun", [False, True])
def test_threads_may_begin_anywhere_at_once(run_python: RunPython, random: Random, begun: bool) -> None:
    """Where a package imports its own modules, two threads can each wait for what the other one imports."""
    used = [f"import lrdecay_native as lrd; lrd.{name}" for name in lrd.__all__]
    folders = (
        "formulas",
        "arithmetic",
        "piecewise",
        "evaluation",
        "integer_steps",
        "schedules",
        "fitting",
        "own_formulas",
    )
    imported = [f"import {name.removesuffix('.__init__')}" for folder in folders for name in modules(folder)]
    if begun:
        former = (path.stem for path in (PACKAGE / "former_paths").glob("[a-z]*.py"))
        imported += 5 * [f"from lrdecay_native.{name} import *" for name in former]
    for _ in range(draws(30)):
        statements = [random.choice(random.choice([used, imported])) for _ in range(8)]
        finished = run_python("import lrdecay_native\n" * begun + THREADS.format(statements=statements))
        assert (finished.returncode, finished.stdout.strip()) == (0, ""), (statements, finished.stdout)


def test_whoever_begins_with_one_module_has_all_classes(run_python: RunPython) -> None:
    finished = run_python(
        "from lrdecay_native.schedules.decays.asymptotic import StepDecay\n"
        "from lrdecay_native.schedules.registry import all_schedules\n"
        "print(StepDecay(0.1, 0.5, 10).warmup(4)(2))\n"
        "print(sorted(all_schedules()))"
    )
    rate, names = finished.stdout.splitlines()
    assert float(rate) == 0.05
    assert ast.literal_eval(names) == sorted(set(registry.all_schedules()) & set(lrd.__all__))
