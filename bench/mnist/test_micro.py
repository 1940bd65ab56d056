"""What a schedule itself costs, beside Keras's builtin of the same curve in each round."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from functools import partial
from itertools import repeat
from typing import Any

import keras
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.mnist.plan import BUILTIN, EAGER, NATIVE_CALL, OURS, TABLE, Plan, chosen_plan
from bench.mnist.subjects import (
    CURVES,
    WAYS,
    as_float,
    loop,
    operations,
    table_makers,
)
from lrdecay_native.training.data import Digits
from lrdecay_native.training.run import tutorial_model

CLOCK = time.process_time
"""Processor time: what else runs on the machine doesn't count, and every thread does."""

STEP = 1234
SECONDS = 0.01
"""How long a round of short calls takes, roughly."""

MOST_CALLS = 1000
BACKEND = keras.backend.backend()
PLAN = chosen_plan()
LONG_TABLES = table_makers(PLAN.tables)
CONTENDERS = [BUILTIN, OURS, TABLE]
each_curve = pytest.mark.parametrize("curve", PLAN.curves)
each_contender = pytest.mark.parametrize("contender", CONTENDERS)


def seconds(call: Callable[[], object]) -> float:
    begin = CLOCK()
    call()
    return CLOCK() - begin


def measure(
    benchmark: BenchmarkFixture,
    case: dict[str, str],
    call: Callable[[], object],
    yardsticks: dict[str, Callable[[], object]],
    *,
    rounds: int,
    count: int,
) -> None:
    """Time a call, and in each round before it the yardsticks: the builtin, for a loop also the empty one."""
    times: dict[str, list[float]] = {name: [] for name in yardsticks}

    def time_yardsticks() -> None:
        for name, yardstick in yardsticks.items():
            times[name].append(seconds(yardstick))

    for each in (call, *yardsticks.values()):
        each()
    gc.collect()
    benchmark.pedantic(call, setup=time_yardsticks, rounds=rounds)  # type: ignore[no-untyped-call]
    benchmark.extra_info |= {"case": case, "count": count, "yardsticks": times}


def measure_calls(
    benchmark: BenchmarkFixture,
    case: dict[str, str],
    call: Callable[[], object],
    builtin: Callable[[], object],
    plan: Plan,
) -> None:
    """Time short calls, as many in a round as the builtin's take about `SECONDS`."""
    builtin()
    count = min(max(int(SECONDS / seconds(builtin)), 1), MOST_CALLS)
    yardsticks = {BUILTIN: repeated(builtin, count)}
    measure(benchmark, case, repeated(call, count), yardsticks, rounds=plan.rounds, count=count)


def repeated(call: Callable[[], object], count: int) -> Callable[[], object]:
    def calls() -> None:
        for _ in repeat(None, count):
            call()

    return calls


@each_curve
@pytest.mark.parametrize("contender", [*CONTENDERS, NATIVE_CALL])
def test_eager_call(benchmark: BenchmarkFixture, curve: str, contender: str, plan: Plan) -> None:
    makers = CURVES[curve].makers(plan.run_steps)
    makers[NATIVE_CALL] = lambda: makers[OURS]().schedule
    rate, builtin = makers[contender](), makers[BUILTIN]()
    case = {"operation": "eager call", "way": "", "curve": curve, "contender": contender}
    measure_calls(benchmark, case, partial(rate, STEP), partial(builtin, STEP), plan)


@each_curve
@each_contender
def test_building(benchmark: BenchmarkFixture, curve: str, contender: str, plan: Plan) -> None:
    makers = CURVES[curve].makers(plan.run_steps)
    case = {"operation": "building", "way": "", "curve": curve, "contender": contender}
    measure_calls(benchmark, case, makers[contender], makers[BUILTIN], plan)


@pytest.mark.parametrize("contender", LONG_TABLES)
def test_building_long_tables(benchmark: BenchmarkFixture, contender: str, plan: Plan) -> None:
    case = {"operation": "building", "way": "", "curve": "step decay", "contender": contender}
    measure(benchmark, case, LONG_TABLES[contender], {}, rounds=plan.rounds, count=1)


@each_curve
@pytest.mark.parametrize("way", WAYS[BACKEND])
@each_contender
def test_loop(benchmark: BenchmarkFixture, curve: str, contender: str, way: str, plan: Plan) -> None:
    jit_compile = WAYS[BACKEND][way]
    steps = max(plan.loop_steps // 100, 1) if way == EAGER else plan.loop_steps
    makers = CURVES[curve].makers(plan.run_steps)
    case = {"operation": "loop", "way": way, "curve": curve, "contender": contender}
    measure(
        benchmark,
        case,
        loop(makers[contender](), steps, jit_compile),
        {
            BUILTIN: loop(makers[BUILTIN](), steps, jit_compile),
            "empty": loop(as_float, steps, jit_compile),
        },
        rounds=plan.rounds,
        count=steps,
    )


@pytest.mark.parametrize("way", WAYS[BACKEND])
@pytest.mark.parametrize(
    ("curve", "contender"),
    [
        *((PLAN.curves[0], contender) for contender in [*CONTENDERS, *LONG_TABLES]),
        *((curve, contender) for curve in PLAN.curves[1:2] for contender in (OURS, TABLE)),
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
