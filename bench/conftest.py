"""One thread for every contender, and a shuffled order."""

from __future__ import annotations

import os
import random

import pytest

# Read by the libraries when they are imported, so set before any of them is.
os.environ.update(
    OMP_NUM_THREADS="1",
    NUMEXPR_NUM_THREADS="1",
    TF_NUM_INTRAOP_THREADS="1",
    TF_NUM_INTEROP_THREADS="1",
    TF_CPP_MIN_LOG_LEVEL="3",
    KERAS_BACKEND="tensorflow",
    JAX_PLATFORMS="cpu",
    XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Shuffle, so that a slow minute of the machine doesn't hit one kind of case."""
    random.shuffle(items)
