"""Schedules in the arithmetic of Keras's backend: integers and float64, rounded once to float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from lrdecay_native.integer_steps.programs import Formula, Program, rate_of
from lrdecay_native.keras.backends import backend
from lrdecay_native.keras.counters import is_scalar, stop_of
from lrdecay_native.schedules.base import Schedule

Rate = Callable[[Any], Any]
"""The rate at a step, both tensors."""


def values_of(formula: Formula) -> Callable[[Any], list[Any]]:
    """The values of a formula at any step, computed in integers and float64 and rounded to float32."""
    programs: dict[int | None, Program] = {}
    constants: dict[Any, dict[int, Any]] = {}

    def values(step: Any) -> list[Any]:
        stop = stop_of(step.dtype)
        if stop not in programs:
            programs[stop] = Program(formula, stop)
        xp = backend.operations_for(step)
        with xp.context():
            steps = xp.real(step) if stop is None else xp.counter(step)
            kept = constants.setdefault((xp.place, stop), {}) if xp.place is not None else None
            return [xp.single(value) for value in programs[stop].run(xp, steps, kept)]

    return values


def rounded_formula(schedule: Schedule) -> Rate:
    """The rate at any step, computed in integers and float64 and rounded to float32."""
    values = values_of(lambda xp, step: rate_of(schedule._pieces)(xp, step))
    return lambda step: values(step)[0]


def nan_where_negative(step: Any, rate: Any) -> Any:
    """The rate, or NaN where a counter has got behind the last integer that it holds."""
    if is_scalar(step) and backend.is_known(step):
        return rate if step >= 0 else ops.full((), np.nan, "float32")
    return ops.where(step < 0, np.float32(np.nan), rate)


def one_of(condition: Any, one: Callable[[], Any], other: Callable[[], Any]) -> Any:
    """One of two tensors, of which only that one is computed if there is a single condition."""
    if not is_scalar(condition):
        return ops.where(condition, one(), other())
    if backend.is_known(condition):
        return one() if condition else other()
    return ops.cond(condition, one, other)
