"""Training on several replicas, each in processes of its own: all replicas apply the schedule's rates."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")

from keras_adapter.replicas import SCHEDULE, STEPS  # noqa: E402

ROOT = Path(__file__).parents[2]
PATIENCE = 150
"""Seconds until processes that have not ended are taken to hang."""

BACKEND = keras.backend.backend()
on_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="tf.distribute is TensorFlow's")
on_jax = pytest.mark.skipif(BACKEND != "jax", reason="keras.distribution is JAX's")


def outputs(program: str, folder: Path, *environments: dict[str, str]) -> list[str]:
    """What processes that run at the same time print; if one fails or hangs, all of their output is shown."""
    files = [folder / f"{number}.txt" for number in range(len(environments))]
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    with ExitStack() as stack:
        processes = []
        for file, environment in zip(files, environments, strict=True):
            process = subprocess.Popen(
                [sys.executable, "-m", "keras_adapter.replicas", program],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": path, **environment},
                stdout=stack.enter_context(file.open("w")),
                stderr=subprocess.STDOUT,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            processes.append(process)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and any(process.poll() is None for process in processes):
            if any(process.poll() for process in processes):
                break
            time.sleep(0.1)
        codes = [process.poll() for process in processes]
    texts = [file.read_text() for file in files]
    assert codes == [0] * len(codes), f"exit codes {codes} (None: still running)\n" + "\n---\n".join(texts)
    return texts


def check_replicas(texts: list[str]) -> None:
    """Two replicas have applied the same rates: the native ones, or what float32 arithmetic makes of them."""
    printed = [json.loads(text.splitlines()[-1]) for text in texts]
    exact = SCHEDULE.values(STEPS).astype(np.float32)
    for way in ("KerasSchedule", "KerasTable"):
        first, second = (-np.array(copy, np.float32) for replicas in printed for copy in replicas[way])
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(first, exact, rtol=2e-6, atol=1e-8)
        if way == "KerasTable":
            np.testing.assert_array_equal(first, exact)


@on_tensorflow
def test_mirrored_strategy_on_two_devices(tmp_path: Path) -> None:
    check_replicas(outputs("mirrored", tmp_path, {}))


@on_tensorflow
def test_multi_worker_mirrored_strategy_with_two_processes(tmp_path: Path) -> None:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        cluster = {"worker": [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]}
    environments = (
        {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})}
        for index in range(2)
    )
    check_replicas(outputs("multi_worker", tmp_path, *environments))


@on_jax
def test_data_parallel_on_two_devices(tmp_path: Path) -> None:
    devices = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    check_replicas(outputs("data_parallel", tmp_path, devices))


@on_jax
def test_a_process_that_fails_shows_its_output(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="KeyError: 'no such program'"):
        outputs("no such program", tmp_path, {})
