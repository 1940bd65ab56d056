"""The files of the compiled engine, and which text they were made from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import PACKAGE

from lrdecay_native.codegen.checksum import source_checksum
from lrdecay_native.codegen.units import units
from lrdecay_native.formulas.catalogue import FORMULAS
from lrdecay_native.formulas.registry import formula

ROOT = PACKAGE.parent
in_a_checkout = pytest.mark.skipif(not (ROOT / "src").exists(), reason="the sources aren't here")


def test_a_formula_changes_its_own_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a new one that of the tables."""
    before = units(1)

    def step_decay(xp: object, x: float, initial_learning_rate: float, drop_rate: float) -> float:
        return 2.0 * (initial_learning_rate * drop_rate**x)

    entry = FORMULAS["step_decay"]
    monkeypatch.setitem(FORMULAS, "step_decay", type(entry)(**{**vars(entry), "function": step_decay}))
    assert changed(before, units(1)) == {"step_decay.pyx"}
    assert changed(before, units(2)) == {"step_decay.pyx", "checksum.pyx"}
    monkeypatch.setitem(FORMULAS, "newcomer", None)

    def newcomer(xp: object, x: float, learning_rate: float) -> float:
        return learning_rate * x

    formula("", "learning_rate")(newcomer)
    assert changed(before, units(1)) == {"step_decay.pyx", "newcomer.pyx", "catalogue.pxi"}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before | after if before.get(name) != after.get(name)}


@in_a_checkout
@pytest.mark.parametrize(
    "changed_file",
    [
        "lrdecay_native/formulas/decays.py",
        "lrdecay_native/arithmetic/compensated.py",
        "lrdecay_native/codegen/loop_stages.py",
        "src/grids.pxi",
        "src/arithmetic.h",
    ],
)
def test_checksum(changed_file: str, tmp_path: Path) -> None:
    for folder in ("lrdecay_native", "src"):
        ignored = shutil.ignore_patterns("*.so", "*.c", "generated", "__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    assert source_checksum(tmp_path) == source_checksum(ROOT)
    file = tmp_path / changed_file
    file.write_bytes(file.read_bytes() + b"\n")
    assert source_checksum(tmp_path) != source_checksum(ROOT)
    (tmp_path / "lrdecay_native" / "validation.py").write_text("")
    assert source_checksum(tmp_path / "lrdecay_native") is None
