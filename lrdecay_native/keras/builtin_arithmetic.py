"""Schedules in the float32 arithmetic of Keras's own classes, where Keras has them."""

from __future__ import annotations

import math
from copy import copy
from fractions import Fraction
from itertools import takewhile
from typing import Any

import keras
import numpy as np
from keras import ops

from lrdecay_native.integer_steps.programs import (
    Formula,
    begun_periods,
    cycle_and_part,
    growing_cycle_and_part,
    periods,
)
from lrdecay_native.keras.arithmetic import Rate, values_of
from lrdecay_native.keras.backends import NAME, backend
from lrdecay_native.keras.conversion import to_keras
from lrdecay_native.keras.counters import is_narrow, is_scalar, is_whole
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.cycles import CosineRestarts
from lrdecay_native.schedules.decays.asymptotic import InverseTimeDecay, StepDecay
from lrdecay_native.schedules.decays.finite import LinearDecay, PolynomialDecay
from lrdecay_native.schedules.phases.boundaries import PiecewiseConstant
from lrdecay_native.validation import STEP_LIMIT

builtins = keras.optimizers.schedules

NEARLY_THE_PART = 2.0**-20
"""So far from the part of a cycle that is over Keras's may be."""

ALWAYS_NEARLY = 1.5
"""Where each cycle is longer than the one before by this factor or more, Keras's part is never further from it."""


def as_keras_does(schedule: Schedule) -> Rate | None:
    """The rate at any step in the arithmetic of Keras's own class; None where Keras has none.

    Which stair or cycle a step is in, and where in the cycle, comes from whole numbers.
    """
    builtin = _builtin(schedule)
    if builtin is None:
        return None
    match schedule, builtin:
        case ((StepDecay() | InverseTimeDecay()), _) if schedule.staircase:
            return _stairs(builtin, _period_of(schedule))
        case PolynomialDecay(cycle=True), _:
            return _longer_and_longer(builtin, _period_of(schedule))
        case ((PolynomialDecay() | LinearDecay()), _):
            return _up_to_its_end(builtin)
        case CosineRestarts(), builtins.CosineDecayRestarts():
            return _restarts(builtin, schedule)
        case _, builtins.CosineDecay() if builtin.warmup_target is not None:
            return lambda step: builtin(step) if is_scalar(step) else _one_by_one(builtin, step)
    return builtin  # type: ignore[no-any-return]


def _period_of(schedule: Any) -> Fraction:
    return Fraction(schedule._period)


def _changed(builtin: Any, **attributes: Any) -> Any:
    """Keras's object with other attributes."""
    changed = copy(builtin)
    vars(changed).update(attributes)
    return changed


def _stairs(builtin: Any, period: Fraction) -> Rate:
    """A staircase: Keras's curve of the number of the stair."""
    stair = values_of(periods(period))
    initial, decay = builtin.initial_learning_rate, backend.float32(builtin.decay_rate)
    if isinstance(builtin, builtins.InverseTimeDecay):
        return lambda step: ops.divide(initial, 1.0 + ops.multiply(decay, *stair(step)))
    return lambda step: ops.multiply(initial, ops.power(decay, *stair(step)))


def _longer_and_longer(builtin: Any, period: Fraction) -> Rate:
    """A decay to the next multiple of its steps."""
    begun = values_of(begun_periods(period))

    def rate(step: Any) -> Any:
        # In the first period it is 1 at step 0 too.
        length = ops.multiply(
            ops.cast(builtin.decay_steps, "float32"), ops.maximum(*begun(step), backend.float32(1.0))
        )
        return _changed(builtin, decay_steps=length, cycle=False)(step)

    return rate


def _up_to_its_end(builtin: Any) -> Rate:
    """A decay to its end rate, which it has from there on.

    A compiler's quotient of equal numbers may be above 1: Keras's rate is below the end there, or NaN.
    """
    if builtin.power == 0.0:
        return builtin  # type: ignore[no-any-return]
    length, end = backend.float32(builtin.decay_steps), backend.float32(builtin.end_learning_rate)
    return lambda step: ops.where(ops.cast(step, "float32") >= length, end, builtin(step))


def _restarts(builtin: Any, schedule: CosineRestarts) -> Rate:
    """Cosines in Keras's arithmetic; which of them comes from whole numbers.

    The part of the cycle that is over is Keras's while that is right to a few bits of float32: where cycles are
    about as long as the ones before, it isn't in late ones.
    """
    config = builtin.get_config()
    t_mul, m_mul, alpha = config["t_mul"], config["m_mul"], config["alpha"]
    exact = values_of(_cycles(schedule))
    number = None if t_mul < ALWAYS_NEARLY else _number_of_cycle(schedule)

    def rate(step: Any) -> Any:
        over = ops.cast(step, "float32") / builtin.first_decay_steps
        if number is not None and is_whole(step):
            cycle = number(step)
            part = backend.as_one(lambda: _part_of_cycle(over, cycle, t_mul))
        else:
            cycle, true = exact(step)
            part = backend.as_one(lambda: _part_of_cycle(over, cycle, t_mul))
            part = ops.where(ops.abs(part - true) <= NEARLY_THE_PART, part, true)
        cosine = 1.0 + ops.cos(ops.multiply(backend.float32(math.pi), part))
        if m_mul != 1.0:
            cosine = ops.multiply(ops.power(backend.float32(m_mul), cycle), cosine)
        # Halves and operations that change no bit are left out: in a loop each operation counts.
        half = 0.5 * builtin.initial_learning_rate
        if alpha == 0.0:
            return ops.multiply(half, cosine)
        falling = ops.multiply(0.5 * (1.0 - backend.float32(alpha)), cosine)
        return ops.multiply(builtin.initial_learning_rate, ops.add(falling, backend.float32(alpha)))

    return rate


def _part_of_cycle(over: Any, cycle: Any, t_mul: float) -> Any:
    """How much of a cycle is over, in Keras's arithmetic, from the number of first cycles that are over."""
    if t_mul == 1.0:
        return over - cycle
    longer = ops.power(backend.float32(t_mul), cycle)
    begun = longer - 1.0 if t_mul == 2.0 else (1.0 - longer) / (1.0 - backend.float32(t_mul))
    return (over - begun) / longer


def _cycles(schedule: CosineRestarts) -> Formula:
    if schedule.t_mul == 1.0:
        return cycle_and_part(Fraction(schedule.first_decay_steps))
    return growing_cycle_and_part(_begins(schedule))


def _begins(schedule: CosineRestarts) -> list[Fraction]:
    """Where each cycle begins, up to the first one that no step gets to."""
    cycles = list(takewhile(lambda cycle: cycle.begin < STEP_LIMIT, schedule._each_cycle()))
    return [*(cycle.begin for cycle in cycles), cycles[-1].begin + cycles[-1].length]


def _number_of_cycle(schedule: CosineRestarts) -> Rate:
    """The number of the cycle that a step is in: how many cycles have begun behind the first one."""
    begins = np.array([min(math.ceil(begin), STEP_LIMIT - 1) for begin in _begins(schedule)[1:-1]], np.int64)

    def number(step: Any) -> Any:
        xp = backend.operations_for(step)
        with xp.context():
            seen = begins[begins < 2**31] if is_narrow(step) else begins
            return xp.single(xp.passed(xp.counter(step), xp.integers(seen)))

    return number


def _builtin(schedule: Schedule) -> Any:
    """Keras's own object, its arithmetic in float32 whatever ``floatx`` is; None where there is none."""
    # Constant rates have no arithmetic, and Keras's object takes one step only on PyTorch.
    if isinstance(schedule, PiecewiseConstant):
        return None
    try:
        builtin = to_keras(schedule)
    except ValueError:
        return None
    # JAX refuses integers that int32 doesn't hold.
    for name, value in vars(builtin).items():
        if type(value) is int:
            setattr(builtin, name, float(value))
    builtin.initial_learning_rate = np.float32(builtin.initial_learning_rate)
    if NAME == "torch":
        # Keras makes tensors of these in each call, which takes half of its time.
        for name in ("initial_learning_rate", "decay_rate", "decay_steps", "first_decay_steps"):
            if hasattr(builtin, name):
                setattr(builtin, name, ops.convert_to_tensor(getattr(builtin, name), "float32"))
    return builtin


def _one_by_one(builtin: Any, steps: Any) -> Any:
    """The rates of an object that takes one step only."""
    flat = ops.reshape(steps, (-1,))
    return ops.reshape(backend.one_by_one(builtin, flat), ops.shape(steps))
