"""What a schedule itself costs, beside Keras's builtin of the same curve in each round."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any

import keras
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.mnist.plan import BUILTIN, EAGER, NATIVE_CALL, OURS, TABLE, Plan, chosen_plan
from bench.mnist.subjects import (
    CURVES,
    LONG_CURVE,
    WAYS,
    as_float,
    loop,
    operations,
    table_makers,
)
from lrdecay_native.command_line.training.data import Digits
from lrdecay_native.command_line.training.run import tutorial_model

CLOCK = time.process_time
"""Processor time: what else runs on the machine doesn't count, and every thread does."""

STEP = 1234
SECONDS_OF_A_ROUND = 0.01
"""How long a round of short calls takes, roughly."""

MOST_CALLS = 1000
BACKEND = keras.backend.backend()
PLAN = chosen_plan()
LONG_TABLES = table_makers(PLAN.tables)
CONTENDERS = [BUILTIN, OURS, TABLE]
each_curve = pytest.mark.parametrize("curve", PLAN.curves)
each_contender = pytest.mark.parametrize("contender", CONTENDERS)


@dataclass(frozen=True)
class Repeated:
    """A call that is timed as one of many, or a call that does something many times by itself.

    Attributes
    ----------
    call : callable
        What is called once.
    count : int
        How many it does.
    """

    call: Callable[[], object]
    count: int = 1

    @classmethod
    def short(cls, call: Callable[[], object]) -> Repeated:
        """A call repeated until it takes about `SECONDS_OF_A_ROUND`."""
        call()
        count = min(max(int(SECONDS_OF_A_ROUND / seconds(call)), 1), MOST_CALLS)

        def calls() -> None:
            for _ in repeat(None, count):
                call()

        return cls(calls, count)

    def seconds(self) -> float:
        """The time of one."""
        return seconds(self.call) / self.count


def seconds(call: Callable[[], object]) -> float:
    begin = CLOCK()
    call()
    return CLOCK() - begin


def measure(
    benchmark: BenchmarkFixture,
    case: dict[str, str],
    measured: Repeated,
    yardsticks: dict[str, Repeated],
    rounds: int,
) -> None:
    """Time a call, and in each round before it the yardsticks: the builtin, for a loop also the empty one."""
    times: dict[str, list[float]] = {name: [] for name in yardsticks}

    def time_yardsticks() -> None:
        for name, yardstick in yardsticks.items():
            times[name].append(yardstick.seconds())

    for each in (measured, *yardsticks.values()):
        each.call()
    gc.collect()
    benchmark.pedantic(measured.call, setup=time_yardsticks, rounds=rounds)  # type: ignore[no-untyped-call]
    benchmark.extra_info |= {"case": case, "count": measured.count, "yardsticks": times}


@each_curve
@pytest.mark.parametrize("contender", [*CONTENDERS, NATIVE_CALL])
def test_eager_call(benchmark: BenchmarkFixture, curve: str, contender: str, plan: Plan) -> None:
    makers = CURVES[curve].makers(plan.run_steps)
    makers[NATIVE_CALL] = lambda: makers[OURS]().schedule
    rate, builtin = makers[contender](), makers[BUILTIN]()
    case = {"operation": "eager call", "way": "", "curve": curve, "contender": contender}
    yardsticks = {BUILTIN: Repeated.short(partial(builtin, STEP))}
    measure(benchmark, case, Repeated.short(partial(rate, STEP)), yardsticks, plan.rounds)


@each_curve
@each_contender
def test_building(benchmark: BenchmarkFixture, curve: str, contender: str, plan: Plan) -> None:
    makers = CURVES[curve].makers(plan.run_steps)
    case = {"operation": "building", "way": "", "curve": curve, "contender": contender}
    yardsticks = {BUILTIN: Repeated.short(makers[BUILTIN])}
    measure(benchmark, case, Repeated.short(makers[contender]), yardsticks, plan.rounds)


@pytest.mark.parametrize("contender", LONG_TABLES)
def test_building_long_tables(benchmark: BenchmarkFixture, contender: str, plan: Plan) -> None:
    case = {"operation": "building", "way": "", "curve": LONG_CURVE, "contender": contender}
    measure(benchmark, case, Repeated(LONG_TABLES[contender]), {}, plan.rounds)


@each_curve
@pytest.mark.parametrize("way", WAYS[BACKEND])
@each_contender
def test_loop(benchmark: BenchmarkFixture, curve: str, contender: str, way: str, plan: Plan) -> None:
    jit_compile = WAYS[BACKEND][way]
    steps = max(plan.loop_steps // 100, 1) if way == EAGER else plan.loop_steps
    makers = CURVES[curve].makers(plan.run_steps)
    case = {"operation": "loop", "way": way, "curve": curve, "contender": contender}
    measured, builtin, empty = (
        Repeated(loop(rate, steps, jit_compile), steps)
        for rate in (makers[contender](), makers[BUILTIN](), as_float)
    )
    measure(benchmark, case, measured, {BUILTIN: builtin, "empty": empty}, plan.rounds)


@pytest.mark.parametrize("way", WAYS[BACKEND])
@pytest.mark.parametrize(
    ("curve", "contender"),
    [
        (PLAN.curves[0], BUILTIN),
        *((curve, contender) for curve in PLAN.curves for contender in (OURS, TABLE)),
        *((LONG_CURVE, contender) for contender in LONG_TABLES),
    ],
)
def test_compilation(
    benchmark: BenchmarkFixture, curve: str, contender: str, way: str, digits: Digits, plan: Plan
) -> None:
    makers = CURVES[curve].makers(plan.run_steps) | LONG_TABLES
    case = {"operation": "first step", "way": way, "curve": curve, "contender": contender}
    x, y = digits.x_train[:32], digits.y_train[:32]
    builtin_times: list[float] = []

    def first_step(maker: Callable[[], Any]) -> Callable[[], object]:
        model = tutorial_model(x.shape[1:], maker(), jit_compile=WAYS[BACKEND][way])
        return partial(model.train_on_batch, x, y)

    def setup() -> tuple[tuple[Callable[[], object]], dict[str, Any]]:
        gc.collect()
        builtin_times.append(seconds(first_step(makers[BUILTIN])))
        return (first_step(makers[contender]),), {}

    first_step(makers[contender])()
    benchmark.pedantic(lambda call: call(), setup=setup, rounds=plan.compilations)  # type: ignore[no-untyped-call]
    benchmark.extra_info |= {"case": case, "count": 1, "yardsticks": {BUILTIN: builtin_times}}


@each_curve
@each_contender
def test_operations(benchmark: BenchmarkFixture, curve: str, contender: str, plan: Plan) -> None:
    makers = CURVES[curve].makers(plan.run_steps)
    counted = benchmark.pedantic(operations, (makers[contender](),), rounds=1)  # type: ignore[no-untyped-call]
    benchmark.extra_info |= {
        "case": {"operation": "operations", "way": "", "curve": curve, "contender": contender},
        "counted": counted,
        "builtin": operations(makers[BUILTIN]()),
    }
