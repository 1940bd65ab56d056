"""The images, and the versions that were measured."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.mnist.plan import Plan, chosen_plan
from lrdecay_native.command_line.training.data import Digits, load_digits


@pytest.fixture(scope="session")
def digits() -> Digits:
    path = os.environ.get("LRDECAY_MNIST")
    return load_digits(Path(path) if path else None)


@pytest.fixture(scope="session")
def plan() -> Plan:
    return chosen_plan()


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    import keras

    backend = keras.backend.backend()
    machine_info["keras"] = keras.__version__
    machine_info["backend"] = f"{backend} {sys.modules[backend].__version__}"
