"""Checksums of what schedules and kernels give, by public name, case and aspect."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import lrdecay_native as lrd

from .cases import COMBINATIONS, KERNELS, LONG, combinations, expressions, schedule

STORED = Path(__file__).with_name("checksums.json")

Checksums = dict[str, dict[str, dict[str, str]]]
"""By public name, case and aspect."""

UNFUSED = " without fused multiply-add"
"""Behind the name of an aspect: what a processor gives that rounds the product too; a few grids differ in a last bit.

It is stored where it isn't the same.
"""

PROBE = "OneCycle", "OneCycle(0.1, 10_000)", "float64"
"""A grid that differs there, and so tells which way an engine goes."""

ENGINES = {
    "baseline": {"LRDECAY_BACKEND": "cython", "LRDECAY_PROCESSOR": "baseline"},
    "avx2": {"LRDECAY_BACKEND": "cython", "LRDECAY_PROCESSOR": "avx2"},
    "avx512": {"LRDECAY_BACKEND": "cython", "LRDECAY_PROCESSOR": "avx512"},
    "numba": {"LRDECAY_BACKEND": "numba"},
}
"""What chooses each engine."""

INTEGERS = sorted(
    {
        *range(12),
        *range(95, 1100, 41),
        *(1000 * k + d for k in range(1, 10) for d in (-1, 0, 1)),
        *(2**k * m // 4 + d for k in range(12, 62) for m in (5, 7) for d in (0, 1)),
        *(2**24 + 1, 2**53 - 1, 2**53, 2**53 + 1, 2**62 + 1, 2**63 - 1),
    }
)
FLOATS = [0.0, 0.25, 1.75, 7.5, 99.999, 700.125, 1234.5, 2999.9999, 1e5 + 1 / 3, 1e9 + 0.1, 2.0**60, 9e18]

STEPS = {
    "int64": np.array(INTEGERS, np.int64),
    "uint64": np.array(INTEGERS, np.uint64),
    "float64": np.array(FLOATS),
    "float32": np.array([*FLOATS, *INTEGERS[:60]], np.float32),
    "int16": np.arange(0, 30_000, 50, dtype=np.int16).reshape(2, -1)[:, ::2],
}

WITH_STRIDES = range(17, 40_000, 7)

GRIDS = (
    range(0),
    range(1),
    range(100),
    range(6000),
    WITH_STRIDES,
    range(9000, -1, -3),
    range(2**53 - 700, 2**53 + 700),
    range(2**63 - 1500, 2**63),
    range(5, 2**62, 2**62 // 3000),
)
"""Short ones, ones that blocks of polynomials fill, coarse ones, and where float64 doesn't hold every step."""

MORE_THAN_A_CACHE = 2**24
"""Bytes."""


def checksum(results: Iterable[Any]) -> str:
    """Of the bytes of arrays, and of the texts of what else there is."""
    digest = hashlib.sha256()
    for result in results:
        digest.update(result.tobytes() if isinstance(result, np.ndarray) else f"{result!r};".encode())
    return digest.hexdigest()[:12]


def _texts(s: Any) -> Iterator[Any]:
    yield repr(s)
    yield s.to_json()


def _points(s: Any) -> Iterator[Any]:
    yield np.array([s(step) for step in (*INTEGERS[::3], *FLOATS)])
    for steps in STEPS.values():
        yield s(steps)


def _grids(dtype: str, s: Any) -> Iterator[Any]:
    for steps in GRIDS:
        yield s.values(steps.start, steps.stop, steps.step, dtype=dtype)
    out = np.zeros(2 * len(WITH_STRIDES), dtype)
    s.values(WITH_STRIDES.start, WITH_STRIDES.stop, WITH_STRIDES.step, out=out[::2])
    yield out
    yield from s.chunks(3, 6000, 2500, dtype=dtype)


def _long_grid(dtype: str, s: Any) -> Iterator[Any]:
    yield s.values(11, 1011 + MORE_THAN_A_CACHE // np.dtype(dtype).itemsize, dtype=dtype)


def _plans(s: Any) -> Iterator[Any]:
    yield s.length
    for rate in (0.05, 1e-3, 1e-12):
        yield _answer(s.first_step_below, rate)
        yield _answer(s.last_step_above, rate)


def _sums(s: Any) -> Iterator[Any]:
    for steps in ((1,), (777,), (3, 20_001)):
        yield _answer(s.sum, *steps)
        yield _answer(s.mean, *steps)


def _answer(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a method finds, or why it finds nothing."""
    try:
        return function(*arguments)
    except ValueError as error:
        return str(error)


def _sweeps(dtype: str, kernel: Any) -> Iterator[Any]:
    """Many sets of parameters with all steps, and each with a step of its own."""
    sets = combinations(kernel.__name__, COMBINATIONS["kernels"])
    columns = {name: np.array([[given[name]] for given in sets], float) for name in sets[0]}
    for steps in STEPS.values():
        yield kernel(steps.reshape(1, -1), **columns, dtype=dtype)
    yield kernel(np.arange(len(sets)).reshape(-1, 1), **columns, dtype=dtype)
    yield kernel(np.arange(40_000), **sets[0], dtype=dtype, threads=2)
    out = np.zeros((len(sets), 2 * len(FLOATS)), dtype)
    kernel(STEPS["float64"], **columns, out=out[:, ::2])
    yield out
    yield np.array([kernel(step, **given) for given in sets for step in (7, 1e6 + 0.1, 2**63 - 1)])


Aspects = dict[str, Callable[[Any], Iterator[Any]]]

SCHEDULE_ASPECTS: Aspects = {
    "text": _texts,
    "points": _points,
    "float64": partial(_grids, "float64"),
    "float32": partial(_grids, "float32"),
    "plan": _plans,
}
# Sums are made in numbers of 64 bits, and of cosines of the C library.
if np.finfo(np.longdouble).nmant == 63 and platform.libc_ver()[0] == "glibc":
    SCHEDULE_ASPECTS["sum"] = _sums
LONG_ASPECTS: Aspects = {"float64": partial(_long_grid, "float64"), "float32": partial(_long_grid, "float32")}
KERNEL_ASPECTS: Aspects = {"float64": partial(_sweeps, "float64"), "float32": partial(_sweeps, "float32")}


def cases(name: str) -> dict[str, Aspects]:
    """What golden values are kept of, of what has this public name."""
    if name in KERNELS:
        return {name: KERNEL_ASPECTS}
    long = {LONG[name]: LONG_ASPECTS} if name in LONG else {}
    return {**dict.fromkeys(expressions(name), SCHEDULE_ASPECTS), **long}


def results(name: str, case: str, aspect: str) -> Iterator[Any]:
    """Arrays and answers."""
    return cases(name)[case][aspect](getattr(lrd, case) if name in KERNELS else schedule(case))


def checksums(chosen: Iterable[str]) -> Checksums:
    """With the engine of this process."""
    return {
        name: {
            case: {aspect: checksum(results(name, case, aspect)) for aspect in aspects}
            for case, aspects in cases(name).items()
        }
        for name in chosen
    }


def checksums_of_engine(engine: str, chosen: Iterable[str]) -> Checksums:
    """In a process of its own; nothing if the engine isn't built, or this machine can't run it."""
    here = Path(__file__).parent
    chooses = {"LRDECAY_BACKEND", "LRDECAY_PROCESSOR"}
    inherited = {name: value for name, value in os.environ.items() if name not in chooses}
    finished = subprocess.run(
        [sys.executable, "-m", here.name, "print", *chosen],
        cwd=here.parent,
        env={**inherited, "PYTHONPATH": str(Path(lrd.__file__).parents[1]), **ENGINES[engine]},
        capture_output=True,
        text=True,
    )
    if finished.returncode == 0:
        found: Checksums = json.loads(finished.stdout)
        return found
    if any(reason in finished.stderr for reason in NOT_OFFERED):
        return {}
    raise RuntimeError(f"the golden values of the engine {engine}: {finished.stderr}")


NOT_OFFERED = ("is unknown; it must be one of", "was not built", "is not installed")
"""What the import of the package says of an engine that isn't there."""


def stored_checksums() -> Checksums:
    checksums: Checksums = json.loads(STORED.read_text(encoding="utf-8"))
    return checksums


def is_fused(probe: str, stored: Checksums) -> bool:
    """Whether an engine that gives this checksum of the `PROBE` multiplies and adds in one rounding."""
    name, case, aspect = PROBE
    return probe != stored[name][case][aspect + UNFUSED]


def differences(found: Checksums, stored: Checksums, *, fused: bool) -> list[str]:
    """Cases and aspects, of the public names that are looked at, whose checksums aren't those that are stored."""
    problems = []
    for name, found_cases in found.items():
        stored_cases = stored.get(name, {})
        for case, aspects in found_cases.items():
            known = stored_cases.get(case)
            if known is None:
                problems.append(f"{case}: nothing is stored")
                continue
            for aspect, value in aspects.items():
                expected = known.get(aspect if fused else aspect + UNFUSED, known.get(aspect))
                if value != expected:
                    problems.append(f"{case}: {aspect}")
        problems += [
            f"{case}: it is stored, and no case any more" for case in stored_cases.keys() - found_cases
        ]
    return problems
