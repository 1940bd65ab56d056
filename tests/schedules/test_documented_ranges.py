"""What the docstring of each class says of the ranges of its parameters is what the class takes."""

from __future__ import annotations

import inspect
import math
import re
from dataclasses import fields
from typing import Any, NamedTuple

import pytest
from reference import SCHEDULES

import lrdecay_native as lrd

NUMBER = r"-?(?:\d+\.?\d*(?:e-?\d+)?)"
RANGES = {
    rf"\b(?P<zero>0|1),? or from (?P<lowest>{NUMBER}) to (?P<highest>{NUMBER})": False,
    rf"(?<!or )from (?P<lowest>{NUMBER}) to (?P<highest>{NUMBER})": False,
    r"in \((?P<lowest>0), (?P<highest>1)\]": True,
    rf"at least (?P<lowest>{NUMBER})": False,
    rf"[Uu]p to (?P<highest>{NUMBER}) in size": False,
}
"""How docstrings write ranges, and whether the lowest number is outside."""


class Documented(NamedTuple):
    """A range: what is just inside and just outside of it."""

    inside: list[float]
    outside: list[float]


def described(cls: type) -> dict[str, str]:
    """What a class's docstring says of each parameter."""
    section = re.search(
        r"^Parameters\n-+\n(.*?)\n\n(?=\w+\n-)", inspect.cleandoc(cls.__doc__ or ""), re.M | re.S
    )
    assert section is not None
    entries = re.findall(r"^(\w[\w, ]*) : .*\n((?: .*\n?)+)", section[1] + "\n", re.M)
    return {name: " ".join(text.split()) for names, text in entries for name in names.split(", ")}


def documented(text: str) -> Documented | None:
    """The first range in a text, if there is one."""
    for pattern, open_ in RANGES.items():
        found = re.search(pattern, text)
        if found:
            groups = found.groupdict()
            highest = float(groups.get("highest") or math.inf)
            lowest = float(groups.get("lowest") or -highest)
            inside = [number for number in (highest,) if number < math.inf]
            outside = [math.nextafter(highest, math.inf) * 1.01] if highest < math.inf else []
            inside += [] if open_ else [lowest]
            outside += [lowest] if open_ else [lowest - max(abs(lowest) * 0.01, 1e-101)]
            if groups.get("zero") is not None:
                inside.append(float(groups["zero"]))
                outside = [number for number in outside if number != float(groups["zero"])]
            return Documented(inside, outside)
    return None


def with_value(schedule: Any, name: str, value: float) -> Any:
    """A schedule with another value of a parameter, or of one of the numbers of a parameter."""
    arguments = {parameter.name: getattr(schedule, parameter.name) for parameter in fields(schedule)}
    before = arguments[name]
    # A number of a sequence in ascending order stays in order at one of its ends.
    changed = [*before[:-1], value] if isinstance(before, tuple) and value > 1.0 else None
    if changed is None and isinstance(before, tuple):
        changed = [value, *before[1:]]
    whole = isinstance(before, int) and float(value).is_integer() and abs(value) < 2.0**63
    arguments[name] = (int(value) if whole else value) if changed is None else changed
    return type(schedule)(**arguments)


RELATED = {("Clipped", "lowest"), ("Cyclic", "base_learning_rate")}
"""Parameters that another one must be above: not tried as large as they may be."""

PARAMETERS = [
    pytest.param(name, parameter.name, id=f"{name}-{parameter.name}")
    for name in SCHEDULES
    for parameter in fields(getattr(lrd, name))
    if documented(described(getattr(lrd, name)).get(parameter.name, ""))
]


def test_most_parameters_have_a_range() -> None:
    numbers = [
        parameter
        for name in SCHEDULES
        for parameter in fields(getattr(lrd, name))
        if "float" in str(parameter.type)
    ]
    assert len(PARAMETERS) >= 0.9 * len(numbers)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_parameter_is_described(name: str) -> None:
    assert list(described(getattr(lrd, name))) == [parameter.name for parameter in fields(getattr(lrd, name))]


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS)
def test_the_range_is_what_is_taken(name: str, parameter: str) -> None:
    schedule = SCHEDULES[name].example
    found = documented(described(type(schedule))[parameter])
    assert found is not None
    for value in found.inside:
        if value <= 1.0 or (name, parameter) not in RELATED:
            with_value(schedule, parameter, value)
    for value in found.outside:
        with pytest.raises((ValueError, TypeError), match=rf"^{parameter}\b"):
            with_value(schedule, parameter, value)
