"""Schedules read from text: what is taken, and that nothing else is ever run."""

from __future__ import annotations

from pathlib import Path

import pytest
from reference import SCHEDULES

from lrdecay_native.command_line.schedule_expression import EXAMPLE, schedule_from_text
from lrdecay_native.schedules.decays.asymptotic import Constant, InverseTimeDecay, StepDecay
from lrdecay_native.schedules.decays.finite import CosineDecay
from lrdecay_native.schedules.phases.boundaries import MultiStepDecay


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        (EXAMPLE, StepDecay(0.1, 0.96, 1000)),
        (
            " StepDecay(0.1,0.96,1000,staircase=False)\n",
            StepDecay(0.1, 0.96, 1000, staircase=False),
        ),
        (
            "InverseTimeDecay(initial_learning_rate=1e-1, decay_rate=+1)",
            InverseTimeDecay(0.1, decay_rate=1),
        ),
        ("StepDecay(0.1, 0.5, 10).per_epoch(1875)", StepDecay(0.1, 0.5, 10).per_epoch(1875)),
        (
            "CosineDecay(0.1, 100).cooled_down(50, 10, end=1e-3, shape='cosine').restarted(80)",
            CosineDecay(0.1, 100).cooled_down(50, 10, end=1e-3, shape="cosine").restarted(80),
        ),
        ("MultiStepDecay(0.1, [3, 5])", MultiStepDecay(0.1, (3, 5))),
        ("Sum(Constant(0.1), StepDecay(0.1, 0.5, 10))", Constant(0.1) + StepDecay(0.1, 0.5, 10)),
        (
            "StepDecay(0.1, 0.5, 10).per_epoch(steps_per_epoch=1875, staircase=True)",
            StepDecay(0.1, 0.5, 10).per_epoch(1875, staircase=True),
        ),
    ],
)
def test_an_expression_gives_its_schedule(text: str, schedule: object) -> None:
    assert schedule_from_text(text) == schedule


@pytest.mark.parametrize("name", SCHEDULES)
def test_what_repr_prints_and_what_to_json_writes_is_read(name: str, tmp_path: Path) -> None:
    schedule = SCHEDULES[name].example
    assert schedule_from_text(repr(schedule)) == schedule
    file = tmp_path / "schedule.json"
    file.write_text(schedule.to_json())
    assert schedule_from_text(str(file)) == schedule


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "isn't a schedule; write it as StepDecay"),
        ("StepDecay(0.1,", "isn't a schedule; write it as StepDecay"),
        ("\0", "isn't a schedule; write it as StepDecay"),
        ("(" * 500 + ")" * 500, "isn't a schedule; write it as StepDecay"),
        ("0.1", "0.1 isn't a schedule; .*the schedules are .*StepDecay"),
        ("StepDecay", "StepDecay isn't a schedule"),
        ("CosineDecoy(0.1, 10)", r"CosineDecoy\(0.1, 10\) isn't a schedule"),
        ("__import__('os').system('true')", r"__import__\('os'\) isn't a schedule"),
        ("StepDecay(0.1, 0.96, 10 ** 3)", r"10 \*\* 3 isn't a number"),
        ("StepDecay(0.1, 0.96, step_size=size)", "size isn't a number"),
        ("StepDecay(0.1, 0.96, open('x'))", r"open\('x'\) isn't a schedule"),
        ("StepDecay(*[0.1, 0.96, 1000])", r"\*\[0.1, 0.96, 1000\] isn't a number"),
        ("StepDecay(0.1, **{'drop_rate': 0.9})", "write each parameter out"),
        ("StepDecay(0.1, 0.96, 9).values(9)", "has no method values .*the methods are .*per_epoch"),
        ("StepDecay(0.1, 0.96, 9).__class__(1)", "has no method __class__"),
        ("missing.json", "missing.json: No such file .*to_json"),
    ],
)
def test_other_text_is_refused(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        schedule_from_text(text)


def test_wrong_parameters_are_refused_in_the_schedule_s_own_words() -> None:
    with pytest.raises(ValueError, match="initial_learning_rate"):
        schedule_from_text("StepDecay(-0.1, 0.96, 1000)")
    with pytest.raises(TypeError, match="step_size"):
        schedule_from_text("StepDecay(0.1, 0.96)")
    with pytest.raises(TypeError, match="stepsize"):
        schedule_from_text("StepDecay(0.1, 0.96, stepsize=1000)")


def test_a_json_file_that_is_no_schedule_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "schedule.json"
    for content in (b"{", b"[]", b"{}", b"\xff\xfe"):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=r"schedule\.json: "):
            schedule_from_text(str(file))


def test_parameters_given_twice() -> None:
    with pytest.raises(ValueError, match="learning_rate is given twice"):
        schedule_from_text("Constant(learning_rate=0.1, learning_rate=0.2)")
