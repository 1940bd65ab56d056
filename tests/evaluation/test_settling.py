"""Where schedules end: `Schedule.length` against the rates of all steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from draws import draws
from reference import SINGLE_FORMULA_OF, ordinary

import lrdecay_native as lrd

Schedule = Any


@pytest.mark.parametrize(
    ("schedule", "length"),
    [
        (lrd.StepDecay(0.1, 0.5, 10).clipped(lowest=0.01), 40),
        (lrd.LinearDecay(0.1, 100).clipped(lowest=0.05), 50),
        (lrd.LinearDecay(0.02, 100, end_learning_rate=0.1).clipped(highest=0.06), 50),
        (lrd.LinearDecay(0.1, 100).clipped(highest=0.02), 100),
        (lrd.LinearDecay(0.1, 90).clipped(lowest=0.05).per_epoch(100), 4500),
        (lrd.LinearDecay(0.1, 100).clipped(lowest=0.05).warmup(7), 57),
        (lrd.LinearDecay(0.1, 100).clipped(lowest=0.05) * lrd.StepDecay(1.0, 0.5, 10).clipped(0.125), 50),
        (lrd.LinearDecay(0.1, 100) * lrd.StepDecay(1.0, 0.5, 10), 100),
        (lrd.StepDecay(1.0, 0.5, 10) * lrd.Constant(0.0), 0),
        (lrd.StepDecay(0.1, 0.5, 10).then(lrd.Constant(0.05), at=20), 10),
        (lrd.StepDecay(0.1, 0.5, 10).per_epoch(7, staircase=True).clipped(0.01), 280),
        (lrd.LinearDecay(0.1, 2.5), 2.5),
        (lrd.LinearDecay(0.1, 2.5).clipped(lowest=0.05), 2),
        (lrd.LinearDecay(0.1, 100).shifted(50), 150),
        (lrd.LinearDecay(0.1, 100).reversed(100), 100),
        (lrd.LinearDecay(0.1, 200).k_decay(2, 100), 200),
        (lrd.Tabulated([0.1, 0.2, 0.3, 0.3, 0.3], every=10), 20),
        (lrd.Tabulated([0.1, 0.2, 0.3, 0.3], every=10, interpolation="previous"), 20),
        (lrd.PiecewiseConstant([3, 9], [0.1, 0.2, 0.2]), 3),
        (lrd.LinearDecay(0.1, 10).restarted(10, factor=0.5).clipped(lowest=0.029), 15),
        (lrd.PolynomialDecay(0.1, 10, cycle=True).clipped(lowest=0.029), 22),
        (lrd.OneCycle(0.1, 50), 49),
        (lrd.OneCycle(0.1, 50, pct_start=1.0), 50),
        # Far out no rate is evaluated, and none is rounded to the one behind it.
        (lrd.LinearDecay(0.1, 2**60, end_learning_rate=0.05), 2**60),
        (lrd.LinearDecay(0.1, 2**70), 2**70),
        (lrd.CosineRestarts(0.1, 10, t_mul=1.0, m_mul=0.5, end_learning_rate=0.01, cycle_limit=60), 600),
        # One rate from the first step on.
        (lrd.Constant(0.1), 0),
        (lrd.Constant(0.1) + lrd.Constant(0.2), 0),
        (lrd.Constant(0.1).restarted(10), 0),
        (lrd.Constant(0.1).warmup(10, start=0.1), 0),
        (lrd.StepDecay(0.1, 1.0, 10), 0),
        (lrd.ExponentialDecay(0.1, 0.0), 0),
        (lrd.PolynomialDecay(0.1, 10, power=0.0), 0),
        (lrd.LinearDecay(0.3, 7, end_learning_rate=0.3), 0),
        (lrd.CosineAnnealing(0.1, 7).clipped(lowest=0.1), 0),
        # Nearer and nearer to a rate, or again and again.
        (lrd.StepDecay(0.1, 0.5, 10), None),
        (lrd.StepDecay(0.1, 0.5, 10) + lrd.Constant(0.1), None),
        (lrd.LinearDecay(0.1, 10).restarted(10), None),
        (lrd.LinearDecay(0.1, 10).restarted(10, factor=0.5), None),
        (lrd.CosineRestarts(0.1, 10), None),
        (lrd.CosineRestarts(0.1, 10, m_mul=0.5, end_learning_rate=0.01), None),
        (lrd.CosineRestarts(0.1, 10, t_mul=1.0, m_mul=0.5, end_learning_rate=0.01), None),
        (lrd.Cyclic(0.01, 0.1, 10).clipped(lowest=0.02), None),
    ],
)
def test_where_the_last_rate_begins(schedule: Schedule, length: float | None) -> None:
    assert schedule.length == length
    assert type(schedule.length) is type(length)


def some_part(random: Random) -> Schedule:
    rate, end = random.choice([0.1, 0.3]), random.choice([0.0, 0.02, 0.1, 0.3])
    steps = random.choice([1, 7, 20, 33, 12.5, 40.25])
    makers: list[Callable[[], Schedule]] = [
        lambda: ordinary(random.choice([*SINGLE_FORMULA_OF]), rate, steps, end),
        lambda: lrd.StepDecay(
            rate, random.choice([0.5, 0.8, 1.0]), max(steps, 7), staircase=random.random() < 0.7
        ),
        lambda: lrd.InverseTimeDecay(rate, 0.2, decay_steps=steps, staircase=random.random() < 0.5),
        lambda: lrd.LinearDecay(rate, steps, end_learning_rate=end),
        lambda: lrd.Constant(rate),
        lambda: lrd.PolynomialDecay(rate, steps, power=random.choice([0.0, 1.0, 2.0]), end_learning_rate=end),
        # Not of one step: on whole steps such cycles have one rate.
        lambda: lrd.PolynomialDecay(rate, steps + 3.5, end_learning_rate=end, cycle=True),
        lambda: lrd.MultiStepDecay(rate, [steps, 45], drop_rate=random.choice([0.5, 1.0])),
        lambda: lrd.PiecewiseInterpolation([2, steps + 2, 90], [rate, end, random.choice([rate, end])]),
        lambda: lrd.Tabulated(
            [random.choice([0.1, 0.2]) for _ in range(random.randint(1, 8))],
            every=random.choice([1, 5, 2.5]),
            interpolation=random.choice(["linear", "previous"]),
        ),
        lambda: lrd.Cyclic(0.02, 0.1, 9, mode=random.choice(["triangular", "triangular2"])),
        lambda: lrd.CosineRestarts(rate, 11, t_mul=1.0, cycle_limit=random.choice([None, 3])),
        lambda: lrd.OneCycle(rate, 40, pct_start=random.choice([0.25, 1.0])),
    ]
    return random.choice(makers)()


def some_composition(random: Random, depth: int) -> Schedule:
    s = some_part(random) if depth == 0 else some_composition(random, depth - 1)
    steps = random.choice([3, 10, 21.5, 30])
    changes: list[Callable[[], Schedule]] = [
        # No rate is next to one of these bounds, and rounded to it.
        lambda: s.clipped(lowest=random.choice([0.015, 0.05, 0.15]) * random.uniform(1.0, 1.1)),
        lambda: s.clipped(highest=random.choice([0.015, 0.05, 0.15]) * random.uniform(1.0, 1.1)),
        lambda: s.clipped(0.03123, 0.06321),
        lambda: s.scaled(0.5),
        lambda: s.shifted(random.choice([steps, -steps])),
        lambda: s.reversed(steps),
        lambda: s.per_epoch(random.choice([3, 2.5, 1]), staircase=random.random() < 0.5),
        lambda: s.restarted(*random.choice([(13, 1.0), (20, 0.7)])),
        lambda: s.warmup(steps, start=random.choice([0.0, 0.1])),
        lambda: s.stretched(to=30, of=20),
        lambda: s.then(some_part(random), at=steps),
        lambda: s.cooled_down(steps, random.choice([0, 12]), end=random.choice([0.0, 0.1])),
        lambda: s + some_part(random),
        lambda: s * some_part(random),
        lambda: s * lrd.Constant(random.choice([0.0, 2.0])),
    ]
    return random.choice(changes)()


def is_last(schedule: Schedule, steps: Any) -> Any:
    """Whether the rate at each step is that far out."""
    return schedule(steps) == schedule(2**50)


def test_lengths_are_those_of_all_rates(random: Random) -> None:
    count = draws(600)
    ends = early = missed = 0
    for _ in range(count):
        schedule = some_composition(random, random.randint(0, 2))
        length = schedule.length
        if length is None:
            exact = schedule._chain.on_point
            near = (start + k / 4 for start in (500, 10**4, 10**6) for k in range(400))
            missed += all(exact((step, 0.0)) == exact((2.0**50, 0.0)) for step in near)
            continue
        ends += 1
        steps = np.arange(max(1500, min(int(length) + 100, 10**5)))
        last = is_last(schedule, steps)
        assert 0 <= length < len(steps), schedule
        first = math.ceil(length)
        assert last[first:].all(), (schedule, length)
        assert is_last(schedule, np.array([2**31, 2**45 + 1, 2**62, 2**63 - 1])).all()
        assert is_last(schedule, length + np.array([0.0, 0.25, 1.5])).all() or type(length) is int
        # Before rounding to 53 bits: where a ramp gets from a rate to nearly the same one, they are alike.
        assert first == 0 or schedule._chain.at(first - 1) != schedule._chain.at(2**50), (schedule, length)
        early += first > 0 and last[first - 1]
    assert ends > count / 2
    assert early <= count / 100
    assert missed <= count / 200


def test_plans_without_an_own_length_say_so() -> None:
    with pytest.raises(
        ValueError, match=r"of: Constant\(0.1\) has one rate from its first step on; say of how"
    ):
        lrd.Constant(0.1).stretched(to=100)
    with pytest.raises(ValueError, match=r"continued: .* has one rate from its first step on"):
        lrd.StepDecay(0.1, 1.0, 10).continued(5, to=100)
    with pytest.raises(ValueError, match=r"of: .* never ends; say of how many"):
        lrd.StepDecay(0.1, 0.5, 10).stretched(to=100)


def test_plans_are_stretched_from_where_they_end() -> None:
    plan = lrd.LinearDecay(0.1, 100).clipped(lowest=0.05)
    assert plan.stretched(to=1000).length == 1000
    assert plan.stretched(to=1000)([500, 1000]).tolist() == plan([25, 50]).tolist()
    assert plan.continued(25, to=75)([25, 50, 75]).tolist() == pytest.approx([0.075, 0.0625, 0.05], rel=1e-15)


def test_what_is_not_found_is_none() -> None:
    """Where the search gives up: a length is asked for to stretch a plan, or to draw it."""
    plan = (lrd.CosineDecay(0.1, 1000) * lrd.Cyclic(0.1, 0.2, 3)).restarted(1000, 0.99).clipped(lowest=1e-5)
    assert plan.length in (None, 756034)
    assert plan.stretched(to=95, of=61).length is None
