"""The dictionary and JSON forms of schedules: round trips, and what is refused."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import CLASSES, SCHEDULES, SINGLE_FORMULAS

import lrdecay_native as lrd


def any_schedule() -> st.SearchStrategy[Any]:
    return st.builds(
        lambda name, random: SCHEDULES[name].make(random),
        st.sampled_from(sorted(SCHEDULES)),
        st.randoms(use_true_random=False),
    )


STEP: dict[Any, Any] = {
    "version": 1,
    "class": "StepDecay",
    "initial_learning_rate": 0.1,
    "drop_rate": 0.96,
    "step_size": 1000,
    "staircase": True,
}


@given(any_schedule())
def test_round_trips(schedule: Any) -> None:
    assert lrd.from_dict(schedule.to_dict()) == schedule
    assert lrd.from_json(schedule.to_json()) == schedule
    assert lrd.from_json(schedule.to_json().encode()) == schedule
    assert lrd.from_json(json.dumps(schedule.to_dict(), indent=4, sort_keys=True)) == schedule


@given(any_schedule())
def test_json_is_strict(schedule: Any) -> None:
    """The text is that of the dictionary, whose types JSON has."""
    text = schedule.to_json()
    assert json.loads(text, parse_constant=pytest.fail) == schedule.to_dict()


def test_the_dictionary_form() -> None:
    """What is stored today must be read tomorrow."""
    schedule = lrd.StepDecay(0.1, 0.96, 1000)
    assert schedule.to_dict() == STEP
    assert list(schedule.to_dict()) == list(STEP)
    assert type(schedule.to_dict()["step_size"]) is int


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (
            lrd.StepDecay(0.1, 0.5, 1.5, staircase=False),
            '{"version": 1, "class": "StepDecay", "initial_learning_rate": 0.1, "drop_rate": 0.5, '
            '"step_size": 1.5, "staircase": false}',
        ),
        (
            lrd.ExponentialDecay(0.1, 1e-4),
            '{"version": 1, "class": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_rate": 0.0001, '
            '"step_size": 1, "staircase": false}',
        ),
        (
            lrd.InverseTimeDecay(0.1, 0.5, decay_steps=3750, staircase=True),
            '{"version": 1, "class": "InverseTimeDecay", "initial_learning_rate": 0.1, "decay_rate": 0.5, '
            '"decay_steps": 3750, "staircase": true}',
        ),
        (
            lrd.PolynomialDecay(0.1, 10_000, power=2.0, end_learning_rate=0.01, cycle=True),
            '{"version": 1, "class": "PolynomialDecay", "initial_learning_rate": 0.1, "max_step": 10000, '
            '"power": 2.0, "end_learning_rate": 0.01, "cycle": true}',
        ),
        (
            lrd.ExponentialDecay(0.1, 1.0).per_epoch(1875, staircase=True),
            '{"version": 1, "class": "PerEpoch", "schedule": {"class": "ExponentialDecay", '
            '"initial_learning_rate": 0.1, '
            '"decay_rate": 1.0, "step_size": 1, "staircase": false}, "steps_per_epoch": 1875, "staircase": true}',
        ),
        (
            lrd.ExponentialDecay(0.1, 1.0).warmup(500, start=0.001),
            '{"version": 1, "class": "Warmup", "schedule": {"class": "ExponentialDecay", '
            '"initial_learning_rate": 0.1, '
            '"decay_rate": 1.0, "step_size": 1, "staircase": false}, "steps": 500, "start": 0.001, '
            '"shape": "linear"}',
        ),
        (
            lrd.ExponentialDecay(0.1, 1.0).then(lrd.ExponentialDecay(0.2, 2.0), at=7.5),
            '{"version": 1, "class": "Joined", "schedule": {"class": "ExponentialDecay", '
            '"initial_learning_rate": 0.1, "decay_rate": 1.0, "step_size": 1, "staircase": false}, '
            '"other": {"class": "ExponentialDecay", "initial_learning_rate": 0.2, "decay_rate": 2.0, '
            '"step_size": 1, "staircase": false}, "at": 7.5}',
        ),
        (
            lrd.ExponentialDecay(0.1, 1.0).scaled(0.5),
            '{"version": 1, "class": "Scaled", "schedule": {"class": "ExponentialDecay", '
            '"initial_learning_rate": 0.1, '
            '"decay_rate": 1.0, "step_size": 1, "staircase": false}, "factor": 0.5}',
        ),
        (
            lrd.ExponentialDecay(0.1, 1.0).clipped(0.01),
            '{"version": 1, "class": "Clipped", "schedule": {"class": "ExponentialDecay", '
            '"initial_learning_rate": 0.1, '
            '"decay_rate": 1.0, "step_size": 1, "staircase": false}, "lowest": 0.01, "highest": null}',
        ),
        *((entry.example, entry.stored) for entry in SINGLE_FORMULAS.values()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_stored_text(schedule: Any, text: str) -> None:
    assert lrd.from_json(text) == schedule
    assert schedule.to_json() == text


STORED: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("stored_schedules.json").read_text())
"""The examples of tests/reference.py as they were first stored; a line is never changed."""


@pytest.mark.parametrize("name", STORED)
def test_stored_example(name: str) -> None:
    assert lrd.from_dict(STORED[name]) == SCHEDULES[name].example
    assert SCHEDULES[name].example.to_dict() == STORED[name]


def test_a_warmup_from_before_it_had_a_shape() -> None:
    warm = lrd.ExponentialDecay(0.1, 1.0).warmup(500, start=0.001)
    description = warm.to_dict()
    del description["shape"]
    assert lrd.from_dict(description) == warm


def test_every_class_has_a_stored_text() -> None:
    marks = test_stored_text.pytestmark
    texts = {type(schedule).__name__ for schedule, _ in marks[0].args[1]}
    assert texts | set(STORED) == set(CLASSES)


def test_the_dictionary_is_a_copy() -> None:
    schedule = lrd.StepDecay(0.1, 0.96, 1000)
    schedule.to_dict()["drop_rate"] = 0.5
    assert schedule.drop_rate == 0.96
    description = schedule.to_dict()
    lrd.from_dict(description)
    assert description == schedule.to_dict()


def refused(error: type[Exception], text: str) -> Any:
    return pytest.raises(error, match=re.escape(text))


@pytest.mark.parametrize("version", [0, 2, -1, "1", None, 1.0, True, [1]])
def test_unknown_versions(version: Any) -> None:
    with refused(ValueError, f"version={version!r} is unknown; this release reads version 1"):
        lrd.from_dict({**STEP, "version": version})


def test_a_missing_version() -> None:
    with refused(ValueError, "version=None is unknown"):
        lrd.from_dict({k: v for k, v in STEP.items() if k != "version"})


@pytest.mark.parametrize(
    "name", ["Step", "stepdecay", "Schedule", "_Decay", "", None, 3, ["StepDecay"], "os.system"]
)
def test_unknown_classes(name: Any) -> None:
    with refused(ValueError, f"class={name!r} is unknown; it must be one of Clipped, "):
        lrd.from_dict({**STEP, "class": name})


def test_unknown_fields() -> None:
    with refused(ValueError, "unknown: ['comment', 'power'], missing: []"):
        lrd.from_dict({**STEP, "power": 2.0, "comment": ""})


def test_unknown_fields_that_are_no_text() -> None:
    description: Any = {**STEP, 3: 4, "power": 2.0}
    with refused(ValueError, "unknown: [3, 'power'], missing: []"):
        lrd.from_dict(description)


@pytest.mark.parametrize("schedule", [lrd.StepDecay(0.1, 0.5, 2), lrd.StepDecay(0.1, 0.5, 2).per_epoch(10)])
def test_missing_fields(schedule: Any) -> None:
    """Also those with a default: what is stored is whole."""
    for missing in (f.name for f in fields(schedule)):
        description = schedule.to_dict()
        del description[missing]
        with refused(ValueError, f"missing: ['{missing}']"):
            lrd.from_dict(description)


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("drop_rate", float("nan"), ValueError),
        ("drop_rate", 2, ValueError),
        ("initial_learning_rate", float("inf"), ValueError),
        ("initial_learning_rate", -0.1, ValueError),
        ("step_size", 0, ValueError),
        ("step_size", None, TypeError),
        ("step_size", "1000", TypeError),
        ("step_size", [1000], TypeError),
        ("staircase", 1, TypeError),
        ("staircase", None, TypeError),
    ],
)
def test_bad_values(field: str, value: Any, error: type[Exception]) -> None:
    with refused(error, f"{field}={value!r} must be"):
        lrd.from_dict({**STEP, field: value})


def test_a_schedule_where_a_number_belongs() -> None:
    with refused(TypeError, "step_size=StepDecay(0.1"):
        lrd.from_dict({**STEP, "step_size": {k: v for k, v in STEP.items() if k != "version"}})


def test_a_number_where_a_schedule_belongs() -> None:
    description = lrd.StepDecay(0.1, 0.5, 2).per_epoch(10).to_dict()
    with pytest.raises((TypeError, ValueError), match=re.escape("schedule=0.1 must be")):
        lrd.from_dict({**description, "schedule": 0.1})


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_json_constants_that_are_no_numbers(constant: str) -> None:
    text = json.dumps(STEP).replace("0.96", constant)
    with refused(ValueError, "drop_rate="):
        lrd.from_json(text)


@pytest.mark.parametrize(
    "text", ["", "{", "StepDecay(0.1, 0.5, 2)", b"\xff\xfe\xfd", "{'version': 1}", "[1, 2"]
)
def test_text_that_is_no_json(text: str | bytes) -> None:
    with refused(ValueError, "the text of a schedule must be JSON"):
        lrd.from_json(text)


@pytest.mark.parametrize("text", ["[]", "1", "null", '"StepDecay"', "true"])
def test_json_that_is_no_object(text: str) -> None:
    with refused(TypeError, "a schedule's description must be a dictionary, not "):
        lrd.from_json(text)


@pytest.mark.parametrize("description", [None, 1, "StepDecay", [("version", 1)], lrd.StepDecay])
def test_what_is_no_dictionary(description: Any) -> None:
    with refused(TypeError, "a schedule's description must be a dictionary, not "):
        lrd.from_dict(description)


def test_json_that_is_nested_too_deeply() -> None:
    text = '{"schedule": ' * 100_000 + "1" + "}" * 100_000
    with pytest.raises(ValueError, match="the text of a schedule must be JSON"):
        lrd.from_json(text)


def test_states_of_before_a_parameter_had_its_name() -> None:
    """As a pickle of an earlier version has them."""
    schedule = lrd.ExponentialDecay.__new__(lrd.ExponentialDecay)
    schedule.__setstate__(
        {"initial_learning_rate": 0.1, "decay_rate": 0.5, "decay_steps": 10, "staircase": True}
    )
    assert schedule == lrd.ExponentialDecay(0.1, 0.5, step_size=10, staircase=True)
