"""What the numba engine's first call costs: compiled anew, and from the cache on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass

PROGRAM = """
import json, time
begin = time.perf_counter()
import lrdecay_native as lrd
imported = time.perf_counter()
schedule = lrd.StepDecay(0.1, 0.96, 10_000, staircase=False)
schedule.values(1_000_000)
first = time.perf_counter()
schedule.values(1_000_000)
second = time.perf_counter()
print(json.dumps([imported - begin, first - imported, second - first]))
"""


@dataclass(frozen=True)
class FirstCall:
    """Seconds in a new process: the import, the first grid of a million steps, the second."""

    imported: float
    first: float
    second: float


def first_calls() -> tuple[FirstCall, FirstCall]:
    """With an empty cache folder, and again with what the first process left there."""
    with tempfile.TemporaryDirectory() as folder:
        return _first_call(folder), _first_call(folder)


def _first_call(cache_folder: str) -> FirstCall:
    environment = os.environ | {"LRDECAY_BACKEND": "numba", "LRDECAY_CACHE_DIR": cache_folder}
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return FirstCall(*json.loads(finished.stdout))
