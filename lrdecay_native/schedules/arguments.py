"""What the parameters of schedules may be, beyond what `lrdecay_native.validation` checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import MISSING, fields
from numbers import Integral
from typing import Any

from lrdecay_native import validation
from lrdecay_native.formulas.synonyms import refuse_surplus, refuse_unknown
from lrdecay_native.messages import shown
from lrdecay_native.piecewise import transitions

_READING: ContextVar[bool] = ContextVar("_READING", default=False)
"""Whether what is made was stored: plans in epochs may have parts of an epoch, from before these were refused."""


@contextmanager
def what_was_stored() -> Iterator[None]:
    """Take values that new schedules may not have any more."""
    reading = _READING.set(True)
    try:
        yield
    finally:
        _READING.reset(reading)


def refuse_call(cls: Any, positional: int, keywords: Iterable[str]) -> None:
    """Refuse too many arguments by position, and keywords that are no parameters, with the right call."""
    refuse_surplus(cls.__name__, positional, len(cls.__match_args__), _right_call(cls))
    refuse_unknown(cls.__name__, keywords, [parameter.name for parameter in fields(cls)], _right_call(cls))


def _right_call(cls: Any) -> str:
    arguments = (
        f"{parameter.name}=..." if parameter.kw_only or parameter.default is not MISSING else parameter.name
        for parameter in fields(cls)
    )
    return f"write {cls.__name__}({', '.join(arguments)}){cls._remark}"


def period_given(name: str, value: Any) -> int | float:
    """A positive number of steps; an integer stays one."""
    return _same_type(name, value, validation.positive(name, value))


def duration_given(name: str, value: Any) -> int | float:
    """A number of steps, perhaps none; an integer stays one."""
    return _same_type(name, value, validation.not_negative(name, value))


def phase_given(name: str, value: Any) -> int | float:
    """A number of steps of a phase of training, perhaps none; a share of the training is none."""
    steps = duration_given(name, value)
    if 0.0 < steps < 1.0 and not _READING.get():
        raise ValueError(
            f"{name}={value!r} must be 0 or at least 1, in steps: write a share of the training as "
            f"{value!r} * total_steps, and a part of an epoch, after .per_epoch(steps_per_epoch), as "
            f"{value!r} * steps_per_epoch"
        )
    return steps


def _same_type(name: str, value: Any, number: float) -> int | float:
    if not isinstance(value, Integral):
        return number
    # As Python's integers: NumPy's are rounded to be compared with a float.
    if int(number) != int(value):
        raise ValueError(f"{name}={shown(value)} must be an integer that float64 holds, such as {number:.0f}")
    return int(value)


def shape_given(name: str, value: Any, rates: Callable[[], Iterable[float]]) -> str:
    """The shape of a transition between rates, which are asked for where they matter."""
    shape = validation.one_of(name, value, transitions.SHAPES)
    if shape == "exponential":
        wrong = [rate for rate in rates() if rate <= 0.0]
        if wrong:
            raise ValueError(
                f"{name}={value!r} needs rates above 0 at both ends, not {wrong[0]!r}; "
                "give another start or end, or another shape"
            )
    return shape
