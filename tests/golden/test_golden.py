"""The bits of every schedule and kernel are those that are stored: what moves code moves no rate."""

from __future__ import annotations

from functools import lru_cache

import pytest

from .cases import names
from .checksums import (
    ENGINES,
    PROBE,
    Checksums,
    checksum,
    checksums,
    checksums_of_engine,
    differences,
    is_fused,
    results,
    stored_checksums,
)

STORED = stored_checksums()


@lru_cache
def fused_here() -> bool:
    return is_fused(checksum(results(*PROBE)), STORED)


def compare(found: Checksums, *, fused: bool) -> None:
    new = [name for name in found if name not in STORED]
    if new:
        pytest.fail(
            f"{', '.join(new)}: no golden values yet; run `make golden`, and commit them", pytrace=False
        )
    problems = differences(found, STORED, fused=fused)
    if problems:
        told = "not the golden values; `python -m tests.golden --help` says how to look, and when to store new ones"
        pytest.fail("\n  ".join([told, *problems]), pytrace=False)


@pytest.mark.parametrize("name", names())
def test_golden_values(name: str) -> None:
    """Each public name, in this process: what one works on is seen alone."""
    compare(checksums([name]), fused=fused_here())


@pytest.mark.parametrize("engine", ENGINES)
def test_golden_values_of_each_engine(engine: str) -> None:
    # Numba compiles these whatever the engine is, which takes a while.
    found = checksums_of_engine(engine, [name for name in names() if name != "own_formula"])
    if not found:
        pytest.skip(f"the engine {engine} isn't available on this machine")
    name, case, aspect = PROBE
    compare(found, fused=is_fused(found[name][case][aspect], STORED))


def test_nothing_is_stored_of_what_is_gone() -> None:
    gone = STORED.keys() - {*names(), "own_formula"}
    assert not gone, f"{', '.join(sorted(gone))}: not public any more; run `make golden`"
