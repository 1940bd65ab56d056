"""The command that prints a kernel: readable, in both languages, and without an engine."""

from __future__ import annotations

import re

import pytest
from conftest import RunPython

from lrdecay_native.codegen.__main__ import main
from lrdecay_native.codegen.catalogue import all_functions, groups
from lrdecay_native.codegen.explanations import explained
from lrdecay_native.formulas.catalogue import FORMULAS


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_is_its_value_at_a_step(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, name)
    time_map = FORMULAS[name].time_maps[0]
    assert re.findall(r"^cdef public \w+ (\w+)\(", text, flags=re.MULTILINE) == [
        f"{name}_{time_map}_prepare",
        f"{name}_{time_map}_value",
    ]


def test_statements_say_where_they_come_from(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "cosine_decay").splitlines()
    headings = [line.strip() for line in lines if line.lstrip().startswith("#")]
    assert "# return (initial_learning_rate - end_learning_rate) * shape + end_learning_rate" in headings
    assert "# shape = raised_cosine(xp, x) ** exponent" in headings
    assert "#     double_double: exact_sum" in [re.sub(r"^# +", "#     ", line) for line in headings]
    operations = [line for line in lines if re.match(r"\s+v\d+ = (?!\w+\[)", line)]
    assert len(operations) > 100
    assert all(re.search(r"  # \S", line) for line in operations)


def test_the_same_statements_in_python(capsys: pytest.CaptureFixture[str]) -> None:
    cython, python = (printed(capsys, "delayed", "--language", language) for language in ("cython", "python"))
    statements = [
        [line.strip() for line in text.splitlines() if re.match(r"\s+v\d+ = ", line)]
        for text in (cython, python)
    ]
    assert statements[0] == statements[1] != []
    assert python.startswith("@compiled\ndef delayed(")


def test_any_function_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("polynomial_decay_cyclic_power_2_float64", "whole_periods_value", "fill_blocks_float32"):
        assert f" {name}(" in printed(capsys, name)
    assert "def delayed_point(high, low, delay, delay_low):" in printed(
        capsys, "delayed_point", "--language", "python"
    )
    whole = printed(capsys, "cosine_decay", "--all")
    assert all(f" {f.name}(" in whole for f in groups()["cosine_decay"]() if len(f.results) < 2)


def test_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys).splitlines()
    assert {f"    {f.name}" for functions in all_functions().values() for f in functions} <= {*lines}


def test_a_name_that_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cosin_decay"]) == 2
    message = capsys.readouterr().err
    assert message.startswith("there is no kernel 'cosin_decay'; did you mean cosine_decay")
    assert all(name in message for name in FORMULAS)
    assert main(["12345"]) == 2
    assert capsys.readouterr().err.startswith("there is no kernel '12345'\n")


def test_explanations_change_no_statement() -> None:
    with explained():
        commented = all_functions()
    for name, functions in all_functions().items():
        for function, other in zip(functions, commented[name], strict=True):
            kept = [line.partition("  # ")[0] for line in other.body if not line.lstrip().startswith("#")]
            assert kept == function.body, function.name


def test_no_engine_and_no_numpy_is_needed(run_python: RunPython) -> None:
    """The package itself has them; codegen, and what it is made of, doesn't."""
    code = """
import sys, types
from pathlib import Path
[folder] = [Path(entry, "lrdecay_native") for entry in sys.path if Path(entry, "lrdecay_native").exists()][:1]
package = types.ModuleType("lrdecay_native")
package.__path__ = [str(folder)]
sys.modules["lrdecay_native"] = package
sys.modules["numpy"] = sys.modules["lrdecay_native.engines"] = None
from lrdecay_native.codegen.__main__ import main
sys.exit(main(["step_decay"]))
"""
    finished = run_python(code)
    assert finished.returncode == 0, finished.stderr
    assert "step_decay_continuous_value" in finished.stdout
