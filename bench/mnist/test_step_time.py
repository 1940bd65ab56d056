"""The time of a training step under each learning rate, in every setting."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import count

import keras
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.mnist.plan import CONTROL, SCHEDULE, Plan, Setting, chosen_plan
from bench.training.comparison import BUILTIN, Contender, Network, contenders, take_turn
from lrdecay_native.command_line.training.data import Digits

SEED = 0

if keras.backend.backend() == "torch":
    import torch._dynamo

    # At its limit of 8 it would run the later networks uncompiled.
    torch._dynamo.config.recompile_limit = 64


@pytest.mark.parametrize("setting", chosen_plan().settings, ids=str)
def test_step_time(benchmark: BenchmarkFixture, setting: Setting, digits: Digits, plan: Plan) -> None:
    steps = plan.steps[keras.backend.backend(), setting]
    images = steps * setting.batch_size
    epoch = replace(digits, x_train=digits.x_train[:images], y_train=digits.y_train[:images])
    rates = contenders(SCHEDULE, steps * (plan.turns + 1), steps)
    rates[CONTROL] = contenders(SCHEDULE, 1, 1)[BUILTIN]
    networks, first_epochs, failures = warmed_up(epoch, rates, setting)
    if BUILTIN not in networks:
        pytest.skip(f"the builtin does not train here: {failures[BUILTIN]}")
    step_times: dict[str, list[float]] = {name: [] for name in networks}
    turns = count(1)

    def turn() -> None:
        for name, seconds in take_turn(networks, next(turns)):
            step_times[name].append(seconds)

    with frozen_heap():
        benchmark.pedantic(turn, rounds=plan.turns)  # type: ignore[no-untyped-call]
    benchmark.extra_info |= {
        "setting": asdict(setting),
        "steps": steps,
        "step_times": step_times,
        "first_epochs": first_epochs,
        "failures": failures,
    }


@contextmanager
def frozen_heap() -> Iterator[None]:
    """Have the collections between the epochs look at what these have left, not at all of the framework."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def warmed_up(
    epoch: Digits, rates: dict[str, Contender], setting: Setting
) -> tuple[dict[str, Network], dict[str, float], dict[str, str]]:
    """The networks after their first epoch, its seconds, and what failed in it."""
    networks, first_epochs, failures = {}, {}, {}
    for name, contender in rates.items():
        network = Network(
            epoch,
            contender,
            batch_size=setting.batch_size,
            seed=SEED,
            jit_compile=setting.jit_compile,
        )
        # Whatever a framework's compiler raises belongs in the report; the other networks go on.
        try:
            first_epochs[name] = network.train_epoch() * len(epoch.x_train) / setting.batch_size
        except Exception as error:
            failures[name] = f"{type(error).__name__}: {error}".splitlines()[0]
        else:
            networks[name] = network
    return networks, first_epochs, failures
