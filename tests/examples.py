"""Schedules of every class that tests go through, and other values of their parameters."""

from __future__ import annotations

from typing import Any

from reference import SCHEDULES

import lrdecay_native as lrd

EXAMPLES: list[Any] = [
    lrd.StepDecay(0.1, 0.96, 1000),
    lrd.StepDecay(0.1, 0.5, 7, staircase=False),
    lrd.ExponentialDecay(0.1, 1e-3),
    lrd.ExponentialDecay(0.3, 0.25, step_size=12.5, staircase=True),
    lrd.InverseTimeDecay(0.1, 1e-2),
    lrd.InverseTimeDecay(0.1, 0.5, decay_steps=300, staircase=True),
    lrd.PolynomialDecay(0.1, 5000),
    lrd.PolynomialDecay(0.1, 5000.5, power=0.5, end_learning_rate=0.01),
    lrd.PolynomialDecay(0.1, 700, power=2.0, end_learning_rate=0.01, cycle=True),
    lrd.StepDecay(0.1, 0.5, 2).per_epoch(100),
    lrd.InverseTimeDecay(0.1, 1.0).per_epoch(1875, staircase=True),
    lrd.PolynomialDecay(0.1, 3.0, power=0.7).per_epoch(100.25).per_epoch(8),
    lrd.StepDecay(0.1, 0.5, 700, staircase=False).clipped(0.03, 0.09).warmup(250),
    lrd.PolynomialDecay(0.1, 500, power=0.5).then(lrd.InverseTimeDecay(0.2, 1e-2), at=300.5),
    lrd.PolynomialDecay(0.1, 700, end_learning_rate=0.01, cycle=True).scaled(0.3),
    lrd.ExponentialDecay(0.1, 1e-3).warmup(3000, start=0.2).clipped(0.05, None),
    *(
        entry.example
        for name, entry in SCHEDULES.items()
        if name not in ("StepDecay", "PolynomialDecay", "PerEpoch", "Warmup", "Joined", "Clipped", "Scaled")
    ),
]

CHOICES: dict[str, str] = {
    "shape": "cosine",
    "warmup_shape": "cosine",
    "decay_shape": "cosine",
    "mode": "triangular",
    "anneal_strategy": "linear",
    "interpolation": "previous",
}
"""Parameters that are one of some words, and a word."""

CHANGED: dict[str, Any] = {
    **CHOICES,
    "boundaries": (1.25, 7.5, 8, 9),
    "learning_rates": (0.7, 0.6, 0.5, 0.4),
    "total_steps": 7,
    "cycle_limit": 3,
    "t_mul": 3.0,
    "pct_start": 0.7,
}
"""Other values of parameters that not every number fits."""
