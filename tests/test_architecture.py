"""The package's folders import one another in one direction, and what is pure needs neither NumPy nor an engine.

All imports of all modules are read from their text, also those inside of functions.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from conftest import RunPython

import lrdecay_native

PACKAGE = "lrdecay_native"
ROOT = Path(lrdecay_native.__file__).parent

FLOORS = (
    {"_version", "caching", "files", "immutable", "kinds", "messages"},
    {"formulas"},
    {"arithmetic"},
    {"codegen"},
    {"engines"},
    {"piecewise"},
    {"validation"},
    {"evaluation"},
    {"integer_steps"},
    {"schedules"},
    {"fitting", "plateau", "own_formulas", "former_paths", "monitoring"},
    {"keras", "torch", "transformers"},
    {"command_line"},
    {"__init__", "__main__"},
)
"""Folders and modules of the package from the lowest on: each imports of lower floors and of itself only."""

PURE = ("formulas", "arithmetic", "codegen", "piecewise")
"""They import the standard library, each other and this:"""
PURE_TOO = ("caching", "immutable", "kinds")

HEAVY = {
    "click", "jax", "keras", "matplotlib", "numba", "rich", "sklearn", "tensorboard", "tensorflow", "torch",
}  # fmt: skip
"""Packages that may be missing or take long to import: a function that needs one may import it."""

LATE = {
    "lrdecay_native.command_line.commands": "click and rich may be missing, which is said in one line",
    "lrdecay_native.command_line.training": "Keras, TensorFlow and matplotlib take seconds, --help does not",
    "lrdecay_native.evaluation": "a schedule is to be there at once: its methods import what only they need",
    "lrdecay_native.keras": "Keras takes seconds",
    "lrdecay_native.torch": "so does PyTorch",
    "lrdecay_native.schedules.plotting": "as evaluation",
    "lrdecay_native.schedules.serialisation": "pickles name functions of it in its package, which imports nothing",
    **dict.fromkeys(
        ("concurrent.futures", "csv", "difflib", "json", "re"),
        "few calls need it, and importing takes a while",
    ),
    "importlib": "where the package looks for a name, which has no other names than the public ones",
}
"""Modules, and packages with all that is in them, that functions import for the same reason."""


@dataclass(frozen=True)
class Import:
    """An import statement's module, where it stands, and whether only a type checker or a function runs it."""

    module: str
    where: str
    for_types: bool
    in_function: bool


@cache
def modules() -> dict[str, Path]:
    """The package's modules; a folder's is its ``__init__``."""
    named = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


@cache
def imports(module: str) -> tuple[Import, ...]:
    path = modules()[module]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return tuple(_imports(module, tree, for_types=False, in_function=False))


def _imports(module: str, node: ast.AST, for_types: bool, in_function: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        where = f"{module}, line {getattr(child, 'lineno', 0)}"
        if isinstance(child, ast.Import):
            for name in child.names:
                yield Import(name.name, where, for_types, in_function)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{where}: imports are written out, from {PACKAGE} on"
            for name in child.names:
                submodule = f"{child.module}.{name.name}"
                imported = submodule if submodule in modules() else str(child.module)
                yield Import(imported, where, for_types, in_function)
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            yield from _imports(module, ast.Module(child.body, []), True, in_function)
            yield from _imports(module, ast.Module(child.orelse, []), for_types, in_function)
        else:
            function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from _imports(module, child, for_types, in_function or function)


def is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def floor_of(module: str) -> int:
    name = module.removeprefix(PACKAGE).removeprefix(".").partition(".")[0] or "__init__"
    found = [number for number, names in enumerate(FLOORS) if name in names]
    assert found, f"{module} is on no floor: write where {name} belongs in FLOORS"
    return found[0]


def unit_of(module: str) -> str:
    """The folder or the module of the package that it is, or is in."""
    return ".".join(module.split(".")[:2])


def in_package(module: str) -> list[Import]:
    """What it imports of the rest of the package."""
    return [each for each in imports(module) if is_within(each.module, PACKAGE) and each.module != module]


def test_folders_import_downwards() -> None:
    wrong = [
        f"{each.where}, imports {each.module}"
        for module in modules()
        for each in in_package(module)
        if not each.for_types
        and unit_of(each.module) != unit_of(module)
        and floor_of(each.module) >= floor_of(module)
    ]
    assert wrong == [], "each folder imports of lower floors only, see docs/architecture.md"


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module: {e.module for e in in_package(module) if not e.for_types} for module in modules()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other in a circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("folder", PURE)
def test_what_is_pure_imports_the_standard_library_and_what_is_pure(folder: str) -> None:
    allowed = [f"{PACKAGE}.{name}" for name in (*PURE, *PURE_TOO)]
    wrong = [
        f"{each.where}, imports {each.module}"
        for module in modules()
        if is_within(module, f"{PACKAGE}.{folder}")
        for each in imports(module)
        if each.module.partition(".")[0] not in sys.stdlib_module_names
        and not any(is_within(each.module, name) for name in allowed)
    ]
    assert wrong == []


@pytest.mark.parametrize("folder", PURE)
def test_what_is_pure_is_imported_without_numpy_and_engines(folder: str, run_python: RunPython) -> None:
    names = [
        name
        for name in modules()
        if is_within(name, f"{PACKAGE}.{folder}") and not name.endswith(".__main__")
    ]
    assert names
    result = run_python(f"""
import importlib, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        for blocked in ("numpy", "numba", "{PACKAGE}.engines", "{PACKAGE}.evaluation"):
            if name == blocked or name.startswith(blocked + "."):
                raise ImportError(name + " is blocked")

sys.meta_path.insert(0, Blocked())
for name in {names}:
    importlib.import_module(name)
""")
    assert result.returncode == 0, result.stderr


def test_functions_import_only_what_is_heavy() -> None:
    wrong = [
        f"{each.where}, imports {each.module}"
        for module in modules()
        for each in imports(module)
        if each.in_function
        and each.module != module
        and each.module.partition(".")[0] not in HEAVY
        and not any(is_within(each.module, late) for late in LATE)
    ]
    assert wrong == [], "imports stand at the top of a module"


IMPORT_THEIR_OWN = {
    PACKAGE, f"{PACKAGE}.engines", f"{PACKAGE}.keras", f"{PACKAGE}.keras.backends", f"{PACKAGE}.torch",
}  # fmt: skip
"""Packages whose modules nobody imports before them."""


def test_packages_import_none_of_their_own_modules() -> None:
    """Else a thread that imports one of these waits for the package, and a thread with the package waits for it."""
    wrong = [
        f"{each.where}, imports {each.module}"
        for module, path in modules().items()
        if path.name == "__init__.py" and module not in IMPORT_THEIR_OWN
        for each in imports(module)
        if is_within(each.module, module) and not each.in_function
    ]
    assert wrong == []


def test_nothing_but_the_package_is_in_the_package() -> None:
    """What only the repository has isn't there in an installed package."""
    wrong = [
        f"{each.where}, imports {each.module}"
        for module in modules()
        for each in imports(module)
        if each.module.partition(".")[0] in {"bench", "docs", "tests", "conftest"}
    ]
    assert wrong == []


def test_every_module_says_what_it_is() -> None:
    silent = [
        module
        for module, path in modules().items()
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        and module != f"{PACKAGE}._version"
    ]
    assert silent == []
    folders = {path.parent for path in modules().values()}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []
