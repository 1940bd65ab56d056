"""Calls of schedules with a step and with arrays agree, and what they keep with an instance is no part of it."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import pickle
from collections.abc import Iterator
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest
from draws import draws
from reference import SCHEDULES, mp, some_steps, true_rate, ulps

import lrdecay_native as lrd
from lrdecay_native.formulas.catalogue import FORMULAS
from lrdecay_native.schedules.decays.single_formula import _Decay


def some_schedules(name: str, random: Random) -> Iterator[Any]:
    for _ in range(draws(60)):
        yield SCHEDULES[name].make(random)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_step_and_an_array_give_the_same_bits(name: str, random: Random) -> None:
    for schedule in some_schedules(name, random):
        steps = some_steps(random, SCHEDULES[name].scale(schedule))
        steps += [random.randrange(2**53, 2**63) for _ in range(4)]
        alone = [schedule(step) for step in steps]
        assert schedule(np.array(steps)).tolist() == alone, schedule
        assert [schedule(np.array([step]))[0] for step in steps] == alone, schedule
        assert [schedule(np.int64(step)) for step in steps] == alone, schedule
        assert [schedule(np.uint64(step)) for step in steps] == alone, schedule
        small = [step for step in steps if step < 2**53]
        assert [schedule(float(s)) for s in small] == [schedule(s) for s in small], schedule


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_call_leaves_no_trace(name: str, random: Random) -> None:
    for schedule in some_schedules(name, random):
        fresh = copy.deepcopy(schedule)
        before = repr(schedule), hash(schedule), schedule.to_dict(), pickle.dumps(schedule)
        value = schedule(7)
        schedule(np.arange(3))
        assert (repr(schedule), hash(schedule), schedule.to_dict(), pickle.dumps(schedule)) == before
        assert schedule == fresh
        for made in (copy.copy(schedule), copy.deepcopy(schedule), pickle.loads(pickle.dumps(schedule))):
            assert made == schedule
            assert hash(made) == hash(schedule)
            assert made(7) == value


def changes(value: Any) -> list[Any]:
    """Other values for a parameter; it may be that it takes only some of them."""
    if isinstance(value, tuple):
        return [tuple(number * factor for number in value) for factor in (1.5, 0.5)]
    if type(value) is not float or not 1e-90 < value < 1e90:
        return []
    return [value * 1.5, value * 0.5]


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_replaced_parameter_is_seen(name: str, random: Random) -> None:
    tried, taken, seen = set(), set(), 0
    for schedule in some_schedules(name, random):
        steps = some_steps(random, SCHEDULES[name].scale(schedule))
        rates = [schedule(step) for step in steps]
        for parameter in (field.name for field in dataclasses.fields(schedule)):
            for value in changes(getattr(schedule, parameter)):
                tried.add(parameter)
                with contextlib.suppress(ValueError):
                    changed = dataclasses.replace(schedule, **{parameter: value})
                    fresh = eval(repr(changed), vars(lrd))
                    changed_rates = [changed(step) for step in steps]
                    assert changed_rates == [fresh(step) for step in steps]
                    taken.add(parameter)
                    seen += changed_rates != rates
    assert taken == tried
    assert seen or not tried


def test_every_schedule_of_one_formula_has_kernels_for_its_time_map(random: Random) -> None:
    for name, reference in SCHEDULES.items():
        for _ in range(draws(20)):
            schedule = reference.make(random)
            if isinstance(schedule, _Decay):
                assert schedule._time_map in (*FORMULAS[schedule._formula].time_maps, "staircase"), name


NESTED = lrd.StepDecay(0.1, drop_rate=0.9, step_size=3)
for _ in range(6):
    NESTED = NESTED.per_epoch(1.5, staircase=True)


def test_many_floors_one_after_the_other() -> None:
    steps = [*range(2000), 2**40 + 7, 2**53 + 1]
    values = NESTED(np.array(steps)).tolist()
    assert values == [NESTED(step) for step in steps]
    for step, value in zip(steps[::37], values[::37], strict=True):
        assert ulps(value, true_rate(NESTED, mp.mpf(step)), np.float64) <= 0.8


@pytest.mark.parametrize("period", [3, 7, 10**6, 0.1, 1 / 3, 12.7, 1e-3, 1e-20, 2.0**40 + 0.5])
@pytest.mark.parametrize("staircase", [True, False])
def test_floors_at_and_beside_multiples(period: float, staircase: bool) -> None:
    """Whole multiples of a period are where a rate changes, not a step before or behind."""
    schedule = lrd.InverseTimeDecay(1.0, 1.0).per_epoch(period, staircase=True)
    if staircase:
        schedule = lrd.InverseTimeDecay(1.0, 1.0, decay_steps=3, staircase=True).per_epoch(period)
    unit = Fraction(period) * (3 if staircase else 1)
    for count in (1, 2, 3, 10, 1000, 10**6 + 1, 2**31 + 1):
        near = float(count * unit)
        for step in (near, np.nextafter(near, 0), np.nextafter(near, 2.0**63)):
            if step >= 2.0**63:
                continue
            whole = Fraction(float(step)) // unit
            assert abs(schedule(float(step)) * (1 + whole) - 1) < 1e-15, (count, step)


def test_scaled_rates_that_underflow() -> None:
    """As far as there are numbers: to the smallest one, and then zero."""
    schedule = lrd.ExponentialDecay(0.1, decay_rate=1.0)
    steps = np.arange(600, 760)
    values = schedule(steps)
    for step, value in zip(steps.tolist(), values.tolist(), strict=True):
        assert ulps(value, true_rate(schedule, mp.mpf(step)), np.float64) <= 1.0
    assert values[-1] == 0.0
    assert schedule(2**62) == 0.0


@pytest.mark.parametrize(
    ("schedule", "step", "rate"),
    [
        (lrd.PolynomialDecay(1e100, 1e-96, power=3.0, end_learning_rate=1e-60), 0, 1e100),
        (lrd.PolynomialDecay(1.0, 1e30, power=3.0).per_epoch(1e100), 5, 1.0),
        (lrd.PolynomialDecay(1e-100, 3e64, power=1e100, cycle=True), 0, 1e-100),
        (lrd.PolynomialDecay(1.0, 1e10, power=2.0, end_learning_rate=1e63), 0, 1.0),
        (lrd.ExponentialDecay(1e-100, 1e-100, step_size=1e-100), 1, 1e-100 / np.e),
        (lrd.InverseTimeDecay(1e100, 1e100, decay_steps=1e-100), 10, 1e100 / 1e100 * 1e-101),
    ],
    ids=repr,
)
def test_extreme_parameters(schedule: Any, step: int, rate: float) -> None:
    """Products of them that leave the range of float64, and rates far apart, are left to 106 bits."""
    assert schedule(step) == pytest.approx(rate, rel=1e-14)
    assert schedule(np.full(3, step)).tolist() == [schedule(step)] * 3


def test_extreme_parameters_in_a_sweep() -> None:
    ends = np.array([[0.0], [1e63], [0.1], [1e-50], [1e100]])
    swept = lrd.polynomial_decay(np.arange(50), 1.0, 40, 2.0, ends)
    for row, (end,) in zip(swept, ends.tolist(), strict=True):
        np.testing.assert_array_equal(row, lrd.polynomial_decay(np.arange(50), 1.0, 40, 2.0, end))
        assert row[0] == 1.0
        assert row[-1] == end
