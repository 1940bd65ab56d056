"""How much is measured: the whole comparison, or a short one that shows that everything works."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from itertools import product

from lrdecay_native.schedules.decays.asymptotic import StepDecay

SCHEDULE = StepDecay(0.1, drop_rate=0.96, step_size=1000)
"""The tutorial's schedule."""

BACKENDS = ("tensorflow", "jax", "torch")
BATCHES = (32, 512)
PARTS = ("rates", "micro", "step-time", "seeds")
TIMED_PARTS = ("micro", "step-time")
"""The parts that are tracked against the stored results."""

VARIABLE = "LRDECAY_BENCH_PLAN"

BUILTIN, OURS, TABLE, NATIVE_CALL = "builtin", "KerasSchedule", "KerasTable", "rate.schedule(step)"
"""Whose own cost is measured."""

EAGER = "eager"
"""The way in which nothing is traced or compiled."""

CONTROL = "builtin, once more"
"""The builtin against itself in training: what its ratio is off from 1 is noise."""


@dataclass(frozen=True, order=True)
class Setting:
    """How a network is trained: compiled or not, and with how many images in a step."""

    jit_compile: bool
    batch_size: int

    def __str__(self) -> str:
        return f"jit_compile={self.jit_compile}, batch {self.batch_size}"


SETTINGS = tuple(Setting(*values) for values in product((True, False), BATCHES))
CURVES = ("step decay", "warm-up and cosine", "cosine restarts")


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes
    ----------
    settings : tuple of Setting
        How networks are trained for the step times.
    curves : tuple of str
        The curves whose own cost is measured; the first is the tutorial's.
    turns : int
        Timed turns of each setting.
    steps : dict
        Training steps of a turn, by backend and setting.
    run_steps : int
        The steps whose rates are compared, and the length of the table beside the builtin.
    seeds : int
        Networks trained under each learning rate.
    epochs : dict
        For each backend the epochs that they are trained.
    rounds : int
        Rounds of each micro figure.
    loop_steps : int
        Steps of a compiled loop.
    compilations : int
        Rounds of tracing and compiling.
    tables : tuple of int
        Lengths of the longer tables.
    """

    settings: tuple[Setting, ...]
    curves: tuple[str, ...]
    turns: int
    steps: dict[tuple[str, Setting], int]
    run_steps: int
    seeds: int
    epochs: dict[str, int]
    rounds: int
    loop_steps: int
    compilations: int
    tables: tuple[int, ...]


STEPS = {
    ("tensorflow", Setting(True, 32)): 150,
    ("tensorflow", Setting(True, 512)): 60,
    ("tensorflow", Setting(False, 32)): 150,
    ("tensorflow", Setting(False, 512)): 60,
    ("jax", Setting(True, 32)): 250,
    ("jax", Setting(True, 512)): 50,
    # Without jit JAX dispatches each operation by itself: some 30 times as long as with it.
    ("jax", Setting(False, 32)): 8,
    ("jax", Setting(False, 512)): 5,
    ("torch", Setting(True, 32)): 80,
    ("torch", Setting(True, 512)): 30,
    ("torch", Setting(False, 32)): 80,
    ("torch", Setting(False, 512)): 30,
}

SHORT = Plan(
    settings=SETTINGS,
    curves=CURVES,
    turns=7,
    steps=dict.fromkeys(STEPS, 2),
    run_steps=40,
    seeds=2,
    epochs=dict.fromkeys(BACKENDS, 1),
    rounds=6,
    loop_steps=10,
    compilations=6,
    tables=(2**10,),
)
"""Shows that everything works: its figures mean nothing."""

PLANS = {
    "full": Plan(
        settings=SETTINGS,
        curves=CURVES,
        turns=12,
        steps=STEPS,
        run_steps=28_126,
        seeds=5,
        epochs={"tensorflow": 2, "jax": 2, "torch": 1},
        rounds=21,
        loop_steps=10_000,
        compilations=12,
        tables=(2**16, 2**20, 2**24),
    ),
    "short": SHORT,
    "shortest": replace(SHORT, settings=(Setting(False, 32),), curves=CURVES[:1], tables=()),
}


def chosen_plan() -> Plan:
    """The plan that the environment names; the full one by default."""
    return PLANS[os.environ.get(VARIABLE, "full")]
