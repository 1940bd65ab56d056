"""The schedules that are measured, and the same curves as calls of the kernels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

import lrdecay_native as lrd
from lrdecay_native.formulas.catalogue import FORMULAS, Formula
from lrdecay_native.schedules.registry import all_schedules

# The rates stay normal numbers of float32 over the longest grid: denormal ones would measure the
# processor's trap, not the contenders.
SCHEDULES_MEASURED: dict[str, lrd.Schedule] = {
    "StepDecay": lrd.StepDecay(0.1, 0.96, 10_000, staircase=False),
    "StepDecay, staircase": lrd.StepDecay(0.1, 0.96, 10_000),
    "ExponentialDecay": lrd.ExponentialDecay(0.1, 0.04, step_size=10_000),
    "InverseTimeDecay": lrd.InverseTimeDecay(0.1, 0.5, decay_steps=10_000),
    "PolynomialDecay": lrd.PolynomialDecay(0.1, 10_000_000, power=2.0, end_learning_rate=0.001),
    "PolynomialDecay, power 0.5": lrd.PolynomialDecay(0.1, 1_000_000, power=0.5),
    "PolynomialDecay, cycle": lrd.PolynomialDecay(
        0.1, 100_000, power=1.5, end_learning_rate=0.001, cycle=True
    ),
    "PerEpoch": lrd.StepDecay(0.1, 0.96, 10, staircase=False).per_epoch(1875),
    "Joined": lrd.StepDecay(0.1, 0.96, 10_000, staircase=False).then(
        lrd.InverseTimeDecay(0.05, 0.5, decay_steps=10_000), at=300_000
    ),
    "Scaled": lrd.StepDecay(0.1, 0.96, 10_000, staircase=False).scaled(0.3),
    "Clipped": lrd.StepDecay(0.1, 0.96, 10_000, staircase=False).clipped(0.01, 0.09),
    "MultiStepDecay": lrd.MultiStepDecay(0.1, [300_000, 600_000], drop_rate=0.1),
    "PiecewiseConstant": lrd.PiecewiseConstant([300_000, 600_000], [0.1, 0.02, 0.001]),
    "PiecewiseInterpolation": lrd.PiecewiseInterpolation([0, 300_000, 900_000], [0.01, 0.1, 0.001]),
    "WarmupStableDecay": lrd.WarmupStableDecay(0.1, 10_000, 700_000, 250_000, end_learning_rate=0.001),
    "NoamDecay": lrd.NoamDecay(512, 4000),
    "OneCycle": lrd.OneCycle(0.1, 1_000_000),
    "CosineAnnealing": lrd.CosineAnnealing(0.1, 100_000, end_learning_rate=0.001),
    "CosineRestarts": lrd.CosineRestarts(0.1, 10_000, end_learning_rate=0.001),
    "CosineRestarts, m_mul": lrd.CosineRestarts(0.1, 10_000, t_mul=1.0, m_mul=0.99, end_learning_rate=0.001),
    "Cyclic": lrd.Cyclic(0.001, 0.1, 2000),
    "Tabulated": lrd.Tabulated(np.geomspace(0.1, 0.001, 1000), every=1000),
    "Restarted": lrd.PolynomialDecay(0.1, 100_000, end_learning_rate=0.001).restarted(90_000),
    "Shifted": lrd.StepDecay(0.1, 0.96, 10_000, staircase=False).shifted(1000),
    "Reversed": lrd.PolynomialDecay(0.1, 1_000_000, end_learning_rate=0.001).reversed(1_000_000),
    "Stretched": lrd.StepDecay(0.1, 0.96, 10_000, staircase=False).stretched(to=3, of=2),
    "KDecay": lrd.PolynomialDecay(0.1, 1_000_000, end_learning_rate=0.001).k_decay(1.5, 1_000_000),
    "CooledDown": lrd.StepDecay(0.1, 0.96, 10_000, staircase=False).cooled_down(700_000, 200_000, end=1e-4),
    "Sum": lrd.StepDecay(0.1, 0.96, 10_000, staircase=False) + lrd.CosineDecay(0.05, 500_000),
    "Product": lrd.CosineAnnealing(1.0, 50_000, end_learning_rate=0.1)
    * lrd.StepDecay(0.1, 0.96, 10_000, staircase=False),
    "warm-up, decay, floor": lrd.StepDecay(0.1, 0.96, 10_000, staircase=False)
    .clipped(0.001, None)
    .warmup(5000),
}
"""Schedules by the name under which their figures are kept; those of the other formulas are added below."""


@dataclass(frozen=True)
class KernelCall:
    """A formula's kernel with arguments that make it the curve of a schedule.

    Attributes
    ----------
    schedule : str
        The name in `SCHEDULES_MEASURED` of the schedule with the same curve.
    arguments : dict of str to float
        The arguments after ``step``.
    swept : str
        Which of them a sweep varies.
    """

    schedule: str
    arguments: dict[str, float]
    swept: str


KERNELS_MEASURED: dict[str, KernelCall] = {
    "step_decay": KernelCall(
        "StepDecay",
        {"initial_learning_rate": 0.1, "drop_rate": 0.96, "step_size": 10_000},
        "drop_rate",
    ),
    "exponential_decay": KernelCall(
        "ExponentialDecay", {"initial_learning_rate": 0.1, "decay_rate": 4e-6}, "decay_rate"
    ),
    "inverse_time_decay": KernelCall(
        "InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_rate": 5e-5}, "decay_rate"
    ),
    "polynomial_decay": KernelCall(
        "PolynomialDecay",
        {
            "initial_learning_rate": 0.1,
            "max_step": 10_000_000,
            "power": 2.0,
            "end_learning_rate": 0.001,
        },
        "power",
    ),
}
"""Formulas by the name of the kernel; the others are added below."""


def _measured_arguments(formula: Formula) -> dict[str, float]:
    """Arguments of a formula that needs no others: what has no default is a rate, the period or a number."""
    arguments: dict[str, float] = {}
    for name, default in formula.arguments.items():
        if name.endswith("learning_rate") and not default:
            arguments[name] = 0.001 if name == "end_learning_rate" else 0.1
        elif formula.described[name].steps:
            arguments[name] = 10_000_000
        else:
            arguments[name] = 0.5 if default is None else default
    return arguments


for _name, _cls in all_schedules().items():
    _formula = FORMULAS.get(getattr(_cls, "_formula", ""))
    if _formula is not None and _formula.name not in KERNELS_MEASURED:
        _arguments = _measured_arguments(_formula)
        SCHEDULES_MEASURED[_name] = _cls(**_arguments)
        KERNELS_MEASURED[_formula.name] = KernelCall(_name, _arguments, next(iter(_arguments)))

SWEEP_FACTORS: npt.NDArray[np.float64] = np.linspace(0.9, 1.0, 100)
"""What the swept argument of each parameter set is multiplied with."""


def kernel(name: str) -> Callable[..., Any]:
    """The public kernel of a formula in the registry."""
    function: Callable[..., Any] = getattr(lrd, FORMULAS[name].name)
    return function


def formula_of(schedule: str) -> str:
    """The formula with the curve of a schedule in `KERNELS_MEASURED`."""
    return next(name for name, call in KERNELS_MEASURED.items() if call.schedule == schedule)


def swept_arguments(call: KernelCall) -> dict[str, Any]:
    """The arguments of a sweep: a column of the swept one, scalars for the others."""
    column = call.arguments[call.swept] * SWEEP_FACTORS[:, np.newaxis]
    return call.arguments | {call.swept: column}


def swept_schedules(call: KernelCall) -> list[lrd.Schedule]:
    """The schedules of a sweep, one for each parameter set."""
    schedule: Any = SCHEDULES_MEASURED[call.schedule]
    value = getattr(schedule, call.swept)
    return [replace(schedule, **{call.swept: value * factor}) for factor in SWEEP_FACTORS.tolist()]
