"""The rate of every step of the tutorial's run, as the training step computes it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.mnist.plan import SCHEDULE, Plan, chosen_plan
from bench.training.comparison import contenders
from lrdecay_native.command_line.training.data import Digits
from lrdecay_native.command_line.training.record import steps_per_epoch

BATCH = 32
NAMES = list(contenders(SCHEDULE, 1, 1))


@pytest.mark.parametrize("jit_compile", sorted({each.jit_compile for each in chosen_plan().settings}))
@pytest.mark.parametrize("name", NAMES)
def test_rates(benchmark: BenchmarkFixture, name: str, jit_compile: bool, digits: Digits, plan: Plan) -> None:
    contender = contenders(SCHEDULE, plan.run_steps, steps_per_epoch(digits, BATCH))[name]
    rates = benchmark.pedantic(  # type: ignore[no-untyped-call]
        contender.rates, (plan.run_steps, jit_compile), rounds=1
    )
    benchmark.extra_info |= {
        "name": name,
        "jit_compile": jit_compile,
        "stop": plan.run_steps,
        "runs": runs(rates),
    }


def runs(rates: npt.NDArray[np.float32]) -> list[tuple[int, float]]:
    """The first step of each run of equal rates, and its rate."""
    starts = np.flatnonzero(np.diff(rates, prepend=np.float32(np.nan)) != 0)
    return list(zip(starts.tolist(), rates[starts].tolist(), strict=True))
