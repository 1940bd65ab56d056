"""What a build does again: what was made of other content, whatever the dates of the files say."""

from __future__ import annotations

import os
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pages import ROOT

pytest.importorskip("Cython")

KERNEL = """\
include "arithmetic.pxi"
cdef public double kernel(double value) noexcept nogil:
    return square_root(value)
"""
BUILT = ("*.c", "generated", "__pycache__")


@pytest.fixture
def translate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """The C of a kernel, translated where that must be, in a copy of the sources."""
    shutil.copy(ROOT / "setup.py", tmp_path)
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns(*BUILT))
    monkeypatch.chdir(tmp_path)
    build = runpy.run_path("setup.py")
    build["GENERATED"].mkdir()
    path = build["GENERATED"] / "kernel.pyx"
    path.write_text(KERNEL)

    def translated() -> str:
        build["translate"]([path])
        return str(path.with_suffix(".c").read_text())

    return translated


def test_c_is_that_of_its_sources(translate: Callable[[], str]) -> None:
    """Also where a source comes back with the date that it had."""
    source = Path("src/arithmetic.pxi")
    text, status = source.read_text(), source.stat()
    first = translate()
    source.write_text(text.replace("double square_root(", 'double square_root "absolute" ('))
    assert "absolute(" in translate()
    source.write_text(text)
    os.utime(source, (status.st_atime, status.st_mtime))
    assert translate() == first


def test_nothing_is_translated_twice(translate: Callable[[], str]) -> None:
    translate()
    made = Path("src/generated/kernel.c").stat().st_mtime_ns
    translate()
    assert Path("src/generated/kernel.c").stat().st_mtime_ns == made
