"""Loss and accuracy on the test images after training, for several seeds."""

from __future__ import annotations

import keras
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.mnist.plan import SCHEDULE, Plan, chosen_plan
from bench.training.comparison import Network, contenders
from lrdecay_native.command_line.training.data import Digits
from lrdecay_native.command_line.training.record import steps_per_epoch

BATCH = 32
NAMES = list(contenders(SCHEDULE, 1, 1))


@pytest.mark.parametrize("seed", range(chosen_plan().seeds))
@pytest.mark.parametrize("name", NAMES)
def test_training(benchmark: BenchmarkFixture, name: str, seed: int, digits: Digits, plan: Plan) -> None:
    epochs, steps = plan.epochs[keras.backend.backend()], steps_per_epoch(digits, BATCH)
    contender = contenders(SCHEDULE, epochs * steps, steps)[name]
    network = Network(digits, contender, batch_size=BATCH, seed=seed)
    benchmark.pedantic(network.train_epoch, rounds=epochs)  # type: ignore[no-untyped-call]
    loss, accuracy = network.evaluate()
    benchmark.extra_info |= {
        "name": name,
        "seed": seed,
        "epochs": epochs,
        "steps": epochs * steps,
        "loss": loss,
        "accuracy": accuracy,
    }
