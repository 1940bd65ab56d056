"""What golden values are kept of: schedules as expressions, and sweeps of the kernels' parameters."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import math
import re
from functools import reduce
from random import Random
from typing import Any

import lrdecay_native as lrd

PARAMETERS: dict[str, tuple[Any, ...]] = {
    "learning_rate": (0.1, 0.0, 1e-30, 7e30),
    "initial_learning_rate": (0.1, 3e-4, 1e-20, 3e15, 1e-95),
    "end_learning_rate": (0.0, 1e-5, 0.25),
    "decay_rate": (0.001, 0.0, 1e-18, 3.7, 1e-90),
    "drop_rate": (0.5, 0.99993, 1e-30, 1.0),
    "step_size": (1000, 7.5, 1, 123_456.7, 10**15),
    "decay_steps": (1000, 100_000, 7.5, 2**55, 0.3),
    "max_step": (1000, 100_000, 7.5, 2**55, 0.3),
    "power": (1.0, 2.0, 0.5, 0.0, 3.0, 1.5, 1.7, 1e-6, 40.0),
    "exponent": (1.0, 2.0, 0.7),
    "lower": (-7.0, -3.3, 0.5),
    "upper": (3.0, 150.0, -9.0),
    "num_periods": (0.5, 3.0, 7.25),
    "alpha": (0.0, 0.3),
    "beta": (0.001, 0.0, 2.0),
    "staircase": (False, True),
    "cycle": (False, True),
}
"""Values of the parameters of single formulas and their kernels, by name; the first ones are what people write."""

COMBINATIONS = {"schedules": 10, "kernels": 40}
"""How many combinations of them are taken."""

SCHEDULES: dict[str, tuple[str, ...]] = {
    "PolynomialDecay": tuple(
        f"PolynomialDecay(0.1, {period}, power={power}, cycle={cycle})"
        for period, power, cycle in itertools.product(
            (2000, 7.5), (0.0, 0.5, 1.0, 1.5, 1.7, 2.0, 3.0), (False, True)
        )
    ),
    "MultiStepDecay": (
        "MultiStepDecay(0.1, [30, 1000, 1000, 2500.5], drop_rate=0.3)",
        "MultiStepDecay(1e-20, [1, 2**40, 2**62], drop_rate=0.7)",
    ),
    "NoamDecay": (
        "NoamDecay(512, 4000)",
        "NoamDecay(64, 1, factor=1e-9)",
        "NoamDecay(1000.5, 2**54, factor=3.0)",
    ),
    "OneCycle": (
        "OneCycle(0.1, 10_000)",
        "OneCycle(0.1, 3333, pct_start=0.17, anneal_strategy='linear', three_phase=True)",
        "OneCycle(7e-4, 2**40, div_factor=3.0, final_div_factor=1e9, end_at_last_step=False)",
    ),
    "PiecewiseConstant": (
        "PiecewiseConstant([100, 2000, 2**53 + 2], [0.1, 0.3, 0.0, 1e-9])",
        "PiecewiseConstant([1.5, 2.5, 777.25], [0.5, 0.4, 0.3, 0.2])",
    ),
    "PiecewiseInterpolation": (
        "PiecewiseInterpolation([0, 1000, 3000.5], [0.1, 0.3, 0.0])",
        "PiecewiseInterpolation([10, 500, 4000], [0.1, 1e-6, 0.2], shape='exponential')",
        "PiecewiseInterpolation([0, 700, 10**12], [0.1, 0.3, 1e-3], shape='cosine')",
        "PiecewiseInterpolation([3, 700, 20_000], [0.1, 0.3, 0.0], shape='1-sqrt')",
    ),
    "WarmupStableDecay": (
        "WarmupStableDecay(0.1, 500, 2000, 3000, decay_shape='1-sqrt')",
        "WarmupStableDecay(3e-4, 33.3, 0, 10**9, initial_learning_rate=1e-6, end_learning_rate=1e-5, "
        "warmup_shape='exponential', decay_shape='cosine')",
        "WarmupStableDecay(0.1, 0, 2000, 2000, end_learning_rate=0.01, decay_shape='exponential')",
    ),
    "CosineAnnealing": (
        "CosineAnnealing(0.1, 2000)",
        "CosineAnnealing(0.1, 333.3, end_learning_rate=0.01)",
        "CosineAnnealing(5e-5, 3, end_learning_rate=1e-7)",
        "CosineAnnealing(0.1, 2**40, end_learning_rate=0.3)",
    ),
    "CosineRestarts": (
        "CosineRestarts(0.1, 700)",
        "CosineRestarts(0.1, 1000, t_mul=1.0, m_mul=0.9, end_learning_rate=0.001)",
        "CosineRestarts(0.1, 4096, t_mul=1.0, m_mul=0.999)",
        "CosineRestarts(0.1, 77.7, t_mul=1.5, peak_mul=0.8, end_learning_rate=0.01, cycle_limit=6)",
        "CosineRestarts(0.1, 5, t_mul=1.0, m_mul=1.01, cycle_limit=50)",
        "CosineRestarts(2.0, 0.37, t_mul=2.5)",
    ),
    "Cyclic": (
        "Cyclic(0.01, 0.1, 2000)",
        "Cyclic(0.0, 0.1, 300, step_size_down=33.5, mode='triangular2')",
        "Cyclic(0.01, 0.1, 64, mode='exp_range', gamma=0.9999)",
        "Cyclic(1e-6, 3.0, 1.5, step_size_down=2)",
    ),
    "Tabulated": (
        "Tabulated([0.1, 0.3, 0.2], every=2.5)",
        "Tabulated([0.001 * (k * k % 101) for k in range(3000)])",
        "Tabulated([0.001 * (k * k % 101) for k in range(3000)], every=7, interpolation='previous')",
        "Tabulated([3e-4 / (1 + k) for k in range(50)], every=400.25)",
        "Tabulated([0.7], every=1e20)",
    ),
    "Clipped": (
        "CosineDecay(0.1, 3000).clipped(lowest=0.01, highest=0.08)",
        "Cyclic(0.01, 0.1, 300, mode='triangular2').clipped(0.02, 0.06)",
        "ExponentialDecay(0.1, 1e-3).restarted(1500, factor=0.9).clipped(lowest=0.03)",
    ),
    "CooledDown": (
        "Constant(0.1).cooled_down(3000, 1500)",
        "NoamDecay(512, 400).cooled_down(2000.5, 1000, end=1e-6, shape='exponential')",
        "CosineAnnealing(0.1, 40).cooled_down(1000, 10**9, end=1e-3, shape='1-sqrt')",
    ),
    "Joined": (
        "ExponentialDecay(0.1, 1e-3).then(StepDecay(0.2, 0.5, 100), at=2000)",
        "CosineDecay(0.1, 900.5).then(CosineDecay(0.05, 10**6), at=900.5).then(Constant(1e-9), at=2**60)",
        "LinearDecay(0.1, 4000).continued(1000, to=20_000)",
    ),
    "KDecay": (
        "PolynomialDecay(0.1, 5000).k_decay(2, 5000)",
        "CosineDecay(0.1, 3000, end_learning_rate=1e-4).k_decay(1.5, 3000)",
        "StepDecay(0.1, 0.5, 300).k_decay(0.7, 4000.5)",
    ),
    "PerEpoch": (
        "ExponentialDecay(0.1, 0.04).per_epoch(391)",
        "CosineDecay(0.1, 90).per_epoch(33.3, staircase=True)",
        "MultiStepDecay(0.1, [30, 60, 80]).per_epoch(50, staircase=True)",
        "TanhDecay(0.1, 500).accumulated(8)",
        "RexDecay(0.1, 9000).per_epoch(0.25, staircase=True)",
    ),
    "Product": (
        "CosineDecay(0.1, 3000) * LinearDecay(1.0, 4000)",
        "StepDecay(0.1, 0.5, 700) * Cyclic(0.5, 1.0, 150)",
        "PowerLawDecay(0.1, 0.5) * CosineAnnealing(1.0, 333.3) * InverseTimeDecay(1.0, 1e-5)",
    ),
    "Restarted": (
        "CosineDecay(0.1, 1000).restarted(1000)",
        "PolynomialDecay(0.1, 512, power=2.0).restarted(700, factor=0.9)",
        "CosineDecay(0.1, 8192, end_learning_rate=1e-3).restarted(8192, factor=0.97)",
        "StepDecay(0.1, 0.5, 3).restarted(17.25, factor=0.99)",
        "LinearDecay(0.1, 40).warmup(5).restarted(50).restarted(333, factor=0.5)",
        "InverseTimeDecay(0.1, 0.1).restarted(0.7)",
    ),
    "Reversed": (
        "CosineDecay(0.1, 3000).reversed(3000)",
        "StepDecay(0.1, 0.5, 100).reversed(1234.5)",
        "ExponentialDecay(1e-3, 1e-16).reversed(2**62)",
    ),
    "Scaled": (
        "0.3 * CosineDecay(0.1, 3000)",
        "Cyclic(0.01, 0.1, 50).scaled(1e-30)",
        "StepDecay(0.1, 0.9, 10).scaled(1 / 3)",
    ),
    "Shifted": (
        "CosineDecay(0.1, 3000).shifted(500)",
        "PolynomialDecay(0.1, 3000, power=1.7).shifted(-1234.5)",
        "StepDecay(0.1, 0.999, 7.5).shifted(2**60)",
        "CosineRestarts(0.1, 100).shifted(-10**9)",
    ),
    "Stretched": (
        "CosineDecay(0.1, 3000).warmup(100).stretched(to=10_000)",
        "StepDecay(0.1, 0.5, 10).stretched(to=1000, of=70)",
        "OneCycle(0.1, 1000).stretched(to=1e17)",
    ),
    "Sum": (
        "CosineDecay(0.1, 3000) + ExponentialDecay(0.01, 1e-4)",
        "StepDecay(0.1, 0.5, 700) + Cyclic(0.01, 0.02, 45)",
        "LinearDecay(0.1, 20).restarted(30) + LinearDecay(0.1, 70).restarted(77.5) + Constant(1e-3)",
    ),
    "Warmup": (
        "CosineDecay(3e-4, 90_000).warmup(2000)",
        "InverseSquareRootDecay(0.1, 100).warmup(333.5, start=1e-6, shape='exponential')",
        "LinearDecay(0.1, 5000).warmup(1000, start_factor=0.1, shape='cosine')",
        "StepDecay(0.1, 0.5, 1000).warmup(1000, shape='1-sqrt')",
        "Constant(0.1).warmup(700, start=0.01, shape='constant')",
        # Deep ones.
        "reduce(lambda s, k: s.warmup(k).scaled(0.9), range(1, 60), CosineDecay(0.1, 1000))",
        "reduce(lambda s, k: s.then(StepDecay(0.1, 0.9, k), at=100 * k), range(1, 40), Constant(0.2))",
        "reduce(lambda s, k: s + StepDecay(0.1, 0.9, 10 * k), range(1, 8), CosineDecay(0.1, 999))",
        "reduce(lambda s, k: s.restarted(7**k, factor=0.8), range(1, 5), LinearDecay(0.1, 5))",
    ),
    "own_formula": (
        "halved_root(0.1)",
        "halved_root(0.1, period=333.5).warmup(100).scaled(0.3).then(CosineDecay(0.01, 900), at=1500)",
    ),
}
"""Of every public class but those of single formulas, of which combinations of `PARAMETERS` are taken as well."""

LONG = {
    "Constant": "Constant(0.1)",
    "CosineDecay": "CosineDecay(0.1, 3_000_000)",
    "ExponentialDecay": "ExponentialDecay(0.1, 1e-5)",
    "StepDecay": "StepDecay(0.1, 0.9, 33.3)",
    "Cyclic": "Cyclic(0.01, 0.1, 50, mode='triangular2')",
    "Tabulated": "Tabulated([0.001 * (k * k % 101) for k in range(9000)], every=500.25)",
    "Restarted": "CosineDecay(0.1, 1000).restarted(1000, factor=1.0)",
    "CosineRestarts": "CosineRestarts(0.1, 2048, t_mul=1.0, m_mul=0.999, end_learning_rate=1e-4)",
    "OneCycle": "OneCycle(0.1, 4_000_000)",
}
"""What is evaluated on grids that don't stay in a processor's cache too: one of each way to fill them."""

NOT_EVALUATED = {
    "ReduceOnPlateau": "its rate is that of a schedule and a factor",
    "Schedule": "it is abstract",
    "__version__": "",
    "backend": "",
    "fit": "it searches with NumPy's functions, whose last bits depend on the processor",
    "from_dict": "",
    "from_json": "",
}
"""What is public and has no golden values, and why where one may ask."""


NOT_PARAMETERS = {"step", "out", "dtype", "threads"}
"""Of kernels."""


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


KERNELS = tuple(name for name in lrd.__all__ if name.islower() and name not in {*NOT_EVALUATED, *SCHEDULES})
"""The formulas as functions of the step."""


def combinations(name: str, count: int) -> list[dict[str, Any]]:
    """Arguments of a class or a kernel: the ordinary ones, and then drawn ones."""
    choices = {
        parameter.name: PARAMETERS.get(parameter.name, (parameter.default,))
        for parameter in inspect.signature(getattr(lrd, name)).parameters.values()
        if parameter.name not in NOT_PARAMETERS
    }
    missing = [parameter for parameter, values in choices.items() if values == (inspect.Parameter.empty,)]
    if missing:
        raise LookupError(
            f"give PARAMETERS of tests/golden/cases.py some values of {', '.join(missing)} of {name}, "
            "and run `make golden`"
        )
    random = Random(name)
    sets = [{parameter: values[0] for parameter, values in choices.items()}]
    while len(sets) < count:
        # Of what random draws, these numbers alone are promised to be the same in every version of Python.
        sets.append({p: values[int(len(values) * random.random())] for p, values in choices.items()})
    return sets


def expressions(name: str) -> tuple[str, ...]:
    """Schedules of a class."""
    explicit = SCHEDULES.get(name, ())
    if _snake_case(name) not in KERNELS:
        if not explicit:
            raise LookupError(
                f"give SCHEDULES of tests/golden/cases.py some schedules of the class {name}, and run `make golden`"
            )
        return explicit
    drawn = (
        ", ".join(f"{parameter}={value!r}" for parameter, value in arguments.items())
        for arguments in combinations(name, COMBINATIONS["schedules"])
    )
    return (*(f"{name}({arguments})" for arguments in drawn), *explicit)


def names() -> list[str]:
    """What is public and has golden values, where numba is there if it needs it."""
    left_out = set(NOT_EVALUATED)
    if importlib.util.find_spec("numba") is None:
        left_out.add("own_formula")
    return [name for name in lrd.__all__ if name not in left_out]


def schedule(expression: str) -> Any:
    """The schedule that an expression describes."""
    known = {**vars(lrd), "reduce": reduce}
    if halved_root.__name__ in expression:
        known[halved_root.__name__] = lrd.own_formula(halved_root)
    return eval(expression, known)


def halved_root(step: float, peak: float, period: float = 1000.0) -> float:
    """A formula with nothing but what is rounded right on every machine."""
    cycle = step // period
    return peak / (1.0 + cycle) * (1.0 - 0.5 * math.sqrt(step / period - cycle))
