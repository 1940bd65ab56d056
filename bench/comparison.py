"""The stored baseline of ratios, and what became slower or faster than it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.measurement import Measurement, Spread

BASELINE = Path(__file__).parent / "baseline.json"
TOLERANCE = 1.2
"""A ratio this many times the baseline's is slower; one this many times less is faster."""


@dataclass(frozen=True)
class Change:
    """A case's ratio beside its baseline; None where it wasn't measured."""

    case: str
    baseline: Spread | None
    measured: Spread | None

    @property
    def factor(self) -> float | None:
        """How many times the baseline's ratio."""
        if self.baseline is None or self.measured is None:
            return None
        return self.measured.median / self.baseline.median

    @property
    def verdict(self) -> str:
        """``slower``, ``faster``, ``same``, ``new`` or ``not measured``."""
        if self.measured is None:
            return "not measured"
        if self.factor is None:
            return "new"
        if self.factor > TOLERANCE:
            return "slower"
        return "faster" if self.factor < 1 / TOLERANCE else "same"


def tracked(measurements: Sequence[Measurement]) -> dict[str, Spread]:
    """The ratios that a baseline holds, by case: this library's."""
    return {
        str(measurement.case): measurement.ratio
        for measurement in sorted(measurements, key=lambda measurement: measurement.case)
        if measurement.case.native
    }


def kept(first: Sequence[Measurement], again: Sequence[Measurement]) -> list[Measurement]:
    """Each case of a run, and of those measured again the lower ratio.

    Only what is slower both times is slower; a single time may be the machine's fault.
    """
    second = {measurement.case: measurement for measurement in again}
    return [
        min(measurement, second.get(measurement.case, measurement), key=lambda m: m.ratio.median)
        for measurement in first
    ]


def compare(baseline: Mapping[str, Spread], measured: Mapping[str, Spread]) -> list[Change]:
    """Every case of either side."""
    cases = {**baseline, **measured}
    return [Change(case, baseline.get(case), measured.get(case)) for case in sorted(cases)]


def slower(changes: Sequence[Change]) -> list[Change]:
    """The cases that became slower."""
    return [change for change in changes if change.verdict == "slower"]


def baseline_json(measurements: Sequence[Measurement], machine: Mapping[str, Any]) -> bytes:
    """The content of a baseline file: one line per case."""
    lines = [
        f"    {json.dumps(case)}: {json.dumps(_rounded(spread))}"
        for case, spread in tracked(measurements).items()
    ]
    ratios = ",\n".join(lines)
    text = f'{{\n  "machine": {json.dumps(machine)},\n  "ratios": {{\n{ratios}\n  }}\n}}\n'
    return text.encode()


def _rounded(spread: Spread) -> dict[str, float]:
    return {name: float(f"{value:.4g}") for name, value in asdict(spread).items()}


def read_baseline(content: bytes) -> tuple[dict[str, Any], dict[str, Spread]]:
    """The machine and the ratios of a baseline file."""
    stored = json.loads(content)
    return stored["machine"], {case: Spread(**spread) for case, spread in stored["ratios"].items()}
