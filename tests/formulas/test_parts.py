"""What a formula lacks is said before any test is collected."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import RunPython
from formula_parts import missing_parts

import lrdecay_native as lrd
from lrdecay_native.formulas.catalogue import FORMULAS
from lrdecay_native.schedules import registry


def test_nothing_is_missing() -> None:
    assert missing_parts() == []


def test_each_part_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    formula = FORMULAS["rex_decay"]
    monkeypatch.setitem(FORMULAS, "logistic_decay", formula)
    function, schedule = missing_parts()
    assert (
        'write logistic_decay = kernel("logistic_decay"), and "logistic_decay" in __all__, in lrde'
        in function
    )
    assert 'write a class with _formula: ClassVar[str] = "logistic_decay" in lrdecay_native/' in schedule

    monkeypatch.setattr(lrd, "logistic_decay", lrd.rex_decay, raising=False)

    class LogisticDecay:
        _formula = "logistic_decay"

    made: Any = LogisticDecay
    monkeypatch.setitem(registry.all_schedules(), "LogisticDecay", made)
    (public,) = missing_parts()
    assert f'write "LogisticDecay" in __all__ of {__name__}' in public

    monkeypatch.setattr(lrd, "LogisticDecay", LogisticDecay, raising=False)
    assert missing_parts() == [
        "logistic_decay has no true value: write an entry of SINGLE_FORMULAS in tests/reference.py"
    ]


def test_a_name_that_nothing_has(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(_: str) -> None:
        raise AttributeError("module 'finite' has no attribute 'logistic_decay'")

    monkeypatch.setattr("formula_parts._missing_in_the_package", asked)
    assert missing_parts() == [
        "module 'finite' has no attribute 'logistic_decay', but it is in __all__: define it there"
    ]


def test_pytest_says_it(run_python: RunPython) -> None:
    finished = run_python(
        "from lrdecay_native.formulas.catalogue import FORMULAS\n"
        "FORMULAS['logistic_decay'] = FORMULAS['rex_decay']\n"
        f"import pytest\npytest.main(['-p', 'no:cacheprovider', {__file__!r}])"
    )
    told = finished.stdout + finished.stderr
    assert "ERROR: logistic_decay has no public function: write logistic_decay = kernel" in told
    assert "passed" not in told
