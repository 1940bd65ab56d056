"""Runs of the suites: one process for each engine, the peers in the default engine's."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lrdecay_native as lrd
from bench.measurement import Measurement, measurements

ROOT = Path(__file__).parents[1]
NATIVE = "bench/test_native.py"
PEERS = "bench/test_peers.py"
VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2"}
"""Processors' names of vector instructions that the engine is built for, the widest first."""

WITHOUT_CURVE = ("-m", "not curve")


class SessionError(Exception):
    """A suite did not pass, so its figures mean nothing."""


@dataclass(frozen=True)
class Results:
    """What was measured, and where."""

    measurements: list[Measurement]
    machine: dict[str, Any]


def engines() -> Iterator[str]:
    """The engines that are there, the default first."""
    yield lrd.backend()
    if lrd.backend() != "numba" and importlib.util.find_spec("numba"):
        yield "numba"


def measure_everything(selection: Sequence[str] = WITHOUT_CURVE) -> Results:
    """The library on each engine, and the peers."""
    default, *others = engines()
    return joined(
        measure(default, [NATIVE, PEERS, *selection]),
        *(measure(engine, [NATIVE, *selection]) for engine in others),
    )


def measure_native() -> Results:
    """The library on each engine."""
    return joined(*(measure(engine, [NATIVE, *WITHOUT_CURVE]) for engine in engines()))


def measure_again(chosen: Sequence[Measurement]) -> list[Measurement]:
    """The same cases once more."""
    return [
        measurement
        for engine in engines()
        if (tests := [f"bench/{m.test}" for m in chosen if m.case.contender == engine])
        for measurement in measure(engine, tests).measurements
    ]


def joined(*results: Results) -> Results:
    """The measurements of several runs on one machine."""
    return Results([m for result in results for m in result.measurements], results[0].machine)


def measure(engine: str, selection: Sequence[str]) -> Results:
    """Run pytest in a process of its own, with its progress on the terminal.

    Raises
    ------
    SessionError
        If a test failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        finished = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-rs", "--benchmark-quiet"),
                *(f"--benchmark-json={report}", *selection),
            ],
            cwd=ROOT,
            env=os.environ | {"LRDECAY_BACKEND": engine},
            check=False,
        )
        if finished.returncode != 0:
            raise SessionError(f"pytest ended with exit status {finished.returncode}")
        content = json.loads(report.read_text())
    return Results(measurements(content), machine(content["machine_info"]))


def machine(machine_info: Mapping[str, Any]) -> dict[str, Any]:
    """What a reader must know about the machine, from pytest-benchmark's description of it."""
    import numpy as np

    brand = machine_info["cpu"].get("brand_raw", machine_info["machine"])
    flags = machine_info["cpu"].get("flags", [])
    # One brand has processors with and without.
    vectors = next((f" with {name}" for flag, name in VECTORS.items() if flag in flags), "")
    return {
        "processor": brand + vectors,
        "cores": os.cpu_count(),
        "system": machine_info["system"],
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
