"""What it costs to build, install, import, change and test two checkouts, measured side by side.

``python bench/house.py OLD NEW --work FOLDER`` prints the table of docs/house.md.  OLD and NEW are working trees; the
commit that each has checked out is measured, in clones, in turns of one and the other.  It needs git, make, a C
compiler and pip's index, and for `ci` what .ci/run needs; nothing else should run meanwhile.

It imports nothing of the package, so that it runs before either checkout is built.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

IMPORTS = 41
"""Interpreters that are started for each checkout."""

IMPORT = "import time, numpy; t = time.perf_counter(); import lrdecay_native; print(time.perf_counter() - t)"

LINE = "return (initial_learning_rate - end_learning_rate) * shape + end_learning_rate\n"
ANOTHER_LINE = "return shape * (initial_learning_rate - end_learning_rate) + end_learning_rate\n"
"""The same of `cosine_decay` with its factors exchanged: other text for every engine, and the same rates."""

TESTS = "CosineDecay or cosine_decay"
"""Those of that formula, as pytest's -k takes them."""


class Checkout:
    """A commit, and the figures that were measured of it."""

    def __init__(self, source: Path, work: Path) -> None:
        self.source = source
        self.commit = output("git", "rev-parse", "HEAD", folder=source)
        self.work = work / self.commit[:12]
        self.figures: dict[str, list[float]] = {}

    def clone(self, name: str) -> Path:
        """A fresh clone; what there was under that name must be gone."""
        folder = self.work / name
        run("git", "clone", "--quiet", "--no-checkout", str(self.source), str(folder), folder=self.source)
        run("git", "checkout", "--quiet", "--detach", self.commit, folder=folder)
        return folder

    def measured(self, row: str, figure: float) -> None:
        self.figures.setdefault(row, []).append(figure)
        print(f"{self.commit[:7]}: {row}: {figure:.4g}", file=sys.stderr, flush=True)


def run(*command: str, folder: Path, **variables: str) -> str:
    """What a command prints; an error with all that it said where it fails."""
    chosen = {"LRDECAY_BACKEND", "LRDECAY_PROCESSOR", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "MAKEFLAGS"}
    inherited = {name: value for name, value in os.environ.items() if name not in chosen}
    finished = subprocess.run(
        command, cwd=folder, env={**inherited, **variables}, capture_output=True, text=True
    )
    if finished.returncode:
        sys.exit(f"{' '.join(command)} in {folder} failed:\n{finished.stdout}\n{finished.stderr}")
    return finished.stdout


def output(*command: str, folder: Path) -> str:
    return run(*command, folder=folder).strip()


def seconds(*command: str, folder: Path, **variables: str) -> float:
    start = time.perf_counter()
    run(*command, folder=folder, **variables)
    return time.perf_counter() - start


def measure_wheels(checkouts: list[Checkout], rounds: int) -> None:
    for number in range(rounds):
        for checkout in checkouts:
            folder = checkout.clone(f"wheel-{number}")
            wheel = (
                sys.executable,
                "-m",
                "pip",
                "wheel",
                ".",
                "--no-deps",
                "--quiet",
                "--wheel-dir",
                "wheels",
            )
            checkout.measured("wheel_seconds", seconds(*wheel, folder=folder))
            (built,) = (folder / "wheels").iterdir()
            checkout.measured("wheel_bytes", built.stat().st_size)
            generated = output("git", "ls-files", "--others", "--", "*.c", folder=folder).splitlines()
            checkout.measured("generated_bytes", sum((folder / name).stat().st_size for name in generated))


def measure_imports(checkouts: list[Checkout], rounds: int) -> None:
    """Of the wheels of the first round, beyond NumPy's own time."""
    pythons = []
    for checkout in checkouts:
        folder = checkout.work / "import"
        run(sys.executable, "-m", "venv", str(folder), folder=checkout.work)
        (wheel,) = (checkout.work / "wheel-0" / "wheels").iterdir()
        pythons.append(str(folder / "bin" / "python"))
        numpy = f"numpy=={importlib.metadata.version('numpy')}"
        run(pythons[-1], "-m", "pip", "install", "--quiet", numpy, str(wheel), folder=checkout.work)
        # The first import reads what no cache has.
        run(pythons[-1], "-I", "-c", IMPORT, folder=checkout.work)
    for _ in range(IMPORTS):
        for checkout, python in zip(checkouts, pythons, strict=True):
            checkout.measured(
                "import_seconds", float(output(python, "-I", "-c", IMPORT, folder=checkout.work))
            )


def measure_changes(checkouts: list[Checkout], rounds: int) -> None:
    """From the change of a line of one formula, in a tree that is built, to the verdict of its tests."""
    folders = [checkout.clone("change") for checkout in checkouts]
    for folder in folders:
        run(*build_command(folder), folder=folder)
    for number in range(rounds):
        for checkout, folder in zip(checkouts, folders, strict=True):
            exchange_factors(folder)
            # A change that was never made before is compiled by numba too.
            cache = str(checkout.work / f"change-cache-{number}")
            built = seconds(*build_command(folder), folder=folder)
            checkout.measured("change_build_seconds", built)
            tests = (".venv/bin/python", "-m", "pytest", "-q", "-n", "auto", "-m", "not slow", "-k", TESTS)
            tested = seconds(*tests, folder=folder, LRDECAY_CACHE_DIR=cache)
            checkout.measured("change_tests_seconds", tested)
            checkout.measured("change_seconds", built + tested)


def build_command(folder: Path) -> tuple[str, ...]:
    targets = (folder / "Makefile").read_text(encoding="utf-8").splitlines()
    return ("make", "build" if any(line.startswith("build:") for line in targets) else ".venv/installed")


def exchange_factors(folder: Path) -> None:
    """Write the formula's line the other way."""
    found = [
        (path, text, lines)
        for path in sorted((folder / "lrdecay_native").rglob("*.py"))
        for text in [path.read_text(encoding="utf-8")]
        for lines in ((LINE, ANOTHER_LINE), (ANOTHER_LINE, LINE))
        if lines[0] in text
    ]
    if len(found) != 1:
        sys.exit(f"{folder}: {LINE!r} must be in one module, not in {len(found)}")
    path, text, (line, another) = found[0]
    path.write_text(text.replace(line, another), encoding="utf-8")


def measure_ci(checkouts: list[Checkout], rounds: int) -> None:
    for checkout in checkouts:
        folder = checkout.clone("ci")
        cache = str(checkout.work / "ci-cache")
        checkout.measured("ci_seconds", seconds("bash", ".ci/run", folder=folder, LRDECAY_CACHE_DIR=cache))


MEASURES: dict[str, Callable[[list[Checkout], int], None]] = {
    "wheel": measure_wheels,
    "import": measure_imports,
    "change": measure_changes,
    "ci": measure_ci,
}

ROWS: dict[str, tuple[str, float, str, str]] = {
    "wheel_seconds": ("`pip wheel . --no-deps`", 1.0, "s", "60 s"),
    "wheel_bytes": ("the wheel", 1e-6, "MB", "2.5 MB"),
    "generated_bytes": ("generated C, all builds together", 1e-6, "MB", "12 MB"),
    "import_seconds": ("`import lrdecay_native` beyond NumPy's own time", 1e3, "ms", "20 ms"),
    "change_seconds": ("one formula's change to its tests' verdict", 1.0, "s", "90 s"),
    "change_build_seconds": ("of that the build", 1.0, "s", ""),
    "change_tests_seconds": ("of that the tests", 1.0, "s", ""),
    "ci_seconds": ("`.ci/run` on a fresh clone", 1 / 60, "min", "15 min"),
}
"""What a figure is called, in which unit it is shown, and what it may be at most."""


def table(checkouts: list[Checkout]) -> str:
    """Medians, in markdown."""
    head = ["what", *(checkout.commit[:7] for checkout in checkouts), "at most"]
    lines = [head, ["---"] * len(head)]
    for row, (what, scale, unit, limit) in ROWS.items():
        if all(row in checkout.figures for checkout in checkouts):
            medians = (scale * statistics.median(checkout.figures[row]) for checkout in checkouts)
            lines.append([what, *(f"{median:.3g} {unit}" for median in medians), limit])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("checkouts", nargs=2, type=Path, metavar=("OLD", "NEW"))
    parser.add_argument(
        "--work", type=Path, required=True, help="a folder for clones and wheels, not there yet"
    )
    parser.add_argument("--rows", nargs="+", choices=MEASURES, default=["wheel", "import", "change"])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if "import" in arguments.rows and "wheel" not in arguments.rows:
        parser.error("import measures the wheels that were built: --rows wheel import")
    arguments.work.mkdir(parents=True)
    checkouts = [Checkout(path.resolve(), arguments.work.resolve()) for path in arguments.checkouts]
    for checkout in checkouts:
        checkout.work.mkdir()
    for row, measure in MEASURES.items():
        if row in arguments.rows:
            measure(checkouts, arguments.rounds)
    print(table(checkouts))


if __name__ == "__main__":
    main()
