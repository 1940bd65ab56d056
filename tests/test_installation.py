"""The package as a user gets it: built, installed in an empty environment, used outside of the source tree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1]
VERSIONS = ("3.10", "3.13")
"""The oldest and the newest Python that is promised."""

QUICKLY_COMPILED = "-O0"
"""How fast a wheel is isn't tested."""

pytestmark = pytest.mark.slow

SMOKE = """
import json, pathlib, sys
import numpy as np
import lrdecay_native as lrd

s = lrd.StepDecay(0.1, drop_rate=0.96, step_size=1000)
assert s(28_125) == 0.031885594968609536
assert lrd.from_json(s.to_json()) == s
assert lrd.step_decay([0, 500, 1000], 0.1, 0.25, 1000).tolist() == [0.1, 0.05, 0.025]
for dtype in (np.float64, np.float32):
    smooth = lrd.StepDecay(0.1, 0.96, 1000, staircase=False).values(1_000_000, dtype=dtype)
    np.testing.assert_allclose(smooth[::999], 0.1 * 0.96 ** (np.arange(1_000_000)[::999] / 1000), rtol=1e-6)
print(json.dumps([lrd.backend(), sys.version_info[:2], str(pathlib.Path(lrd.__file__).parents[1])]))
"""


def interpreter(version: str) -> Path | None:
    """A Python of that version on this machine, from the PATH or of pyenv."""
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return Path(sys.executable)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for candidate in (shutil.which(f"python{version}"), *pyenv.glob(f"{version}*/bin/python")):
        if candidate and _works(candidate):
            return Path(candidate)
    return None


def _works(python: str | Path) -> bool:
    """A pyenv shim exists for versions that aren't active."""
    return subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0


def sources(folder: Path, *, translated: bool = False) -> Path:
    """A copy without anything built, unless it may have the C that Cython has made: building writes into the tree."""
    built = ("build", "dist", "*.so", "*.pyd", "*.egg-info", "__pycache__")
    ignored = shutil.ignore_patterns(".*", *built, *(() if translated else ("*.c", "generated")))
    return Path(shutil.copytree(SOURCE, folder / "source", ignore=ignored))


def run(*command: str | Path, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command that must succeed, without this environment's settings."""
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith(("LRDECAY_", "PYTHONPATH", "VIRTUAL_ENV"))
    }
    finished = subprocess.run(
        command, cwd=folder, env={**inherited, **variables}, capture_output=True, text=True
    )
    assert finished.returncode == 0, f"{finished.stdout}\n{finished.stderr}"
    return finished


def new_environment(python: Path, folder: Path) -> Path:
    """The Python of a new, empty virtual environment."""
    run(python, "-m", "venv", folder, folder=folder.parent)
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


def smoke(python: Path, folder: Path, **variables: str) -> tuple[str, list[int], Path]:
    backend, version, location = json.loads(run(python, "-c", SMOKE, folder=folder, **variables).stdout)
    return backend, version, Path(location)


@pytest.mark.parametrize("version", VERSIONS)
def test_wheel(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} isn't on this machine")
    # The C is the same for all of them.
    source = sources(tmp_path, translated=version != VERSIONS[0])
    new = new_environment(python, tmp_path / "environment")
    run(
        new, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", tmp_path / "dist", source,
        folder=tmp_path, CFLAGS=QUICKLY_COMPILED,
    )  # fmt: skip
    (wheel,) = (tmp_path / "dist").iterdir()
    run(new, "-m", "pip", "install", wheel, folder=tmp_path)
    shutil.rmtree(source)
    backend, found, location = smoke(new, tmp_path)
    assert backend == "cython"
    assert found == [int(part) for part in version.split(".")]
    assert location.is_relative_to(tmp_path / "environment")
    assert f"cp{version.replace('.', '')}" in wheel.name
    run(new, "-m", "pip", "check", folder=tmp_path)


def test_without_a_compiler(tmp_path: Path) -> None:
    """The numba engine takes over; installing says so."""
    source = sources(tmp_path)
    new = new_environment(Path(sys.executable), tmp_path / "environment")
    installed = run(
        new, "-m", "pip", "install", "--verbose", source,
        folder=tmp_path, PATH=str(new.parent), CC="/nonexistent/cc", CXX="/nonexistent/c++",
    )  # fmt: skip
    assert "no working C compiler; installing without the Cython engine" in installed.stderr
    shutil.rmtree(source)
    backend, _, location = smoke(new, tmp_path, LRDECAY_CACHE_DIR=str(tmp_path / "cache"))
    assert backend == "numba"
    assert location.is_relative_to(tmp_path / "environment")
    assert not [*location.rglob("lrdecay_native/**/*.so")]
