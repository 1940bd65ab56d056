"""Schedules in the arithmetic of Keras's backend: where Keras has them in its float32, others in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from fractions import Fraction
from functools import lru_cache
from itertools import takewhile
from typing import Any

import keras
import numpy as np
from keras import ops

from lrdecay_native.integer_steps.programs import (
    Formula,
    Program,
    begun_periods,
    cycle_and_part,
    growing_cycle_and_part,
    periods,
    rate_of,
)
from lrdecay_native.keras.conversion import to_keras
from lrdecay_native.keras.machines import machine_for
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.cycles import CosineRestarts
from lrdecay_native.schedules.decays import InverseTimeDecay, LinearDecay, PolynomialDecay, StepDecay
from lrdecay_native.schedules.phases import PiecewiseConstant
from lrdecay_native.validation import STEP_LIMIT

builtins = keras.optimizers.schedules

EXACT_FLOAT32_STEPS = 2**24
"""Float32 holds every integer up to here, and only every second one above."""

NEARLY_THE_PART = 2.0**-20
"""So far from the part of a cycle that is over Keras's may be."""

ALWAYS_NEARLY = 1.5
"""Where each cycle is longer than the one before by this factor or more, Keras's part is never further from it."""

Rate = Callable[[Any], Any]
"""The rate at a step, both tensors."""


def values_of(formula: Formula) -> Callable[[Any], list[Any]]:
    """The values of a formula at any step, computed in integers and float64 and rounded to float32."""
    programs: dict[int | None, Program] = {}
    constants: dict[Any, dict[int, Any]] = {}

    def values(step: Any) -> list[Any]:
        stop = _stop(step.dtype)
        if stop not in programs:
            programs[stop] = Program(formula, stop)
        xp = machine_for(step)
        with xp.context():
            steps = xp.real(step) if stop is None else xp.counter(step)
            kept = constants.setdefault((xp.place, stop), {}) if xp.place is not None else None
            return [xp.single(value) for value in programs[stop].run(xp, steps, kept)]

    return values


@lru_cache
def _stop(dtype: Any) -> int | None:
    """The integer behind the last step of a type of numbers, or None where they aren't integers."""
    name = keras.backend.standardize_dtype(dtype)
    if not keras.backend.is_int_dtype(name):
        return None
    return 2**31 if name == "int32" else STEP_LIMIT


def formula(schedule: Schedule) -> Rate:
    """The rate at any step, computed in integers and float64 and rounded to float32."""
    values = values_of(lambda xp, step: rate_of(schedule._pieces)(xp, step))
    return lambda step: values(step)[0]


def as_counter(step: Any) -> Any:
    """A step as a tensor, a whole one in one of the types of optimizers' counters: others don't hold 2**24."""
    counter = ops.convert_to_tensor(step)
    if isinstance(step, np.ndarray) and is_narrow(counter):
        largest = step.max(initial=0)
        if largest > np.iinfo(np.int32).max:
            raise ValueError(
                f"step={largest} must be up to 2**31 - 1 in an array on {keras.backend.backend()}, which has no "
                "wider integers; rate.schedule(steps) takes them natively"
            )
    dtype = keras.backend.standardize_dtype(counter.dtype)
    other = keras.backend.is_int_dtype(dtype) and dtype not in ("int32", "int64")
    return ops.cast(counter, "int64") if other else counter


def is_narrow(step: Any) -> bool:
    """Whether steps are integers that get negative behind 2**31 - 1."""
    return _stop(step.dtype) == 2**31


def is_whole(step: Any) -> bool:
    """Whether steps are integers."""
    return _stop(step.dtype) is not None


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


def _float32(number: Any) -> Any:
    """A number that Keras's operations take as it is."""
    return (
        ops.convert_to_tensor(number, "float32") if keras.backend.backend() == "torch" else np.float32(number)
    )


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
    initial, decay = builtin.initial_learning_rate, _float32(builtin.decay_rate)
    if isinstance(builtin, builtins.InverseTimeDecay):
        return lambda step: ops.divide(initial, 1.0 + ops.multiply(decay, *stair(step)))
    return lambda step: ops.multiply(initial, ops.power(decay, *stair(step)))


def _longer_and_longer(builtin: Any, period: Fraction) -> Rate:
    """A decay to the next multiple of its steps."""
    begun = values_of(begun_periods(period))

    def rate(step: Any) -> Any:
        # In the first period it is 1 at step 0 too.
        length = ops.multiply(
            ops.cast(builtin.decay_steps, "float32"), ops.maximum(*begun(step), _float32(1.0))
        )
        return _changed(builtin, decay_steps=length, cycle=False)(step)

    return rate


def _up_to_its_end(builtin: Any) -> Rate:
    """A decay to its end rate, which it has from there on.

    A compiler's quotient of equal numbers may be above 1: Keras's rate is below the end there, or NaN.
    """
    if builtin.power == 0.0:
        return builtin  # type: ignore[no-any-return]
    length, end = _float32(builtin.decay_steps), _float32(builtin.end_learning_rate)
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
            part = _as_one(lambda: _part_of_cycle(over, cycle, t_mul))
        else:
            cycle, true = exact(step)
            part = _as_one(lambda: _part_of_cycle(over, cycle, t_mul))
            part = ops.where(ops.abs(part - true) <= NEARLY_THE_PART, part, true)
        cosine = 1.0 + ops.cos(ops.multiply(_float32(math.pi), part))
        if m_mul != 1.0:
            cosine = ops.multiply(ops.power(_float32(m_mul), cycle), cosine)
        # Halves and operations that change no bit are left out: in a loop each operation counts.
        half = 0.5 * builtin.initial_learning_rate
        if alpha == 0.0:
            return ops.multiply(half, cosine)
        falling = ops.multiply(0.5 * (1.0 - _float32(alpha)), cosine)
        return ops.multiply(builtin.initial_learning_rate, ops.add(falling, _float32(alpha)))

    return rate


def _as_one(function: Callable[[], Any]) -> Any:
    """What a function gives; on JAX compiled as a whole, as Keras's branches are also in eager calls."""
    if keras.backend.backend() != "jax":
        return function()
    return ops.cond(ops.equal(_float32(1.0), 1.0), function, function)


def _part_of_cycle(over: Any, cycle: Any, t_mul: float) -> Any:
    """How much of a cycle is over, in Keras's arithmetic, from the number of first cycles that are over."""
    if t_mul == 1.0:
        return over - cycle
    longer = ops.power(_float32(t_mul), cycle)
    begun = longer - 1.0 if t_mul == 2.0 else (1.0 - longer) / (1.0 - _float32(t_mul))
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
        xp = machine_for(step)
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
    if keras.backend.backend() == "torch":
        # Keras makes tensors of these in each call, which takes half of its time.
        for name in ("initial_learning_rate", "decay_rate", "decay_steps", "first_decay_steps"):
            if hasattr(builtin, name):
                setattr(builtin, name, ops.convert_to_tensor(getattr(builtin, name), "float32"))
    return builtin


def _one_by_one(builtin: Any, steps: Any) -> Any:
    """The rates of an object that takes one step only."""
    flat = ops.reshape(steps, (-1,))
    if keras.backend.backend() == "torch":
        rates = ops.stack([builtin(step) for step in flat])
    else:
        rates = ops.vectorized_map(builtin, flat)
    return ops.reshape(rates, ops.shape(steps))


def is_scalar(step: Any) -> bool:
    """Whether it is a single step."""
    return len(step.shape) == 0


def entry(table: Any, step: Any, first: int, run: int) -> Any:
    """A table's entry for a step, the second being that of the first run; the nearest where there is none."""
    if keras.backend.backend() == "tensorflow":
        return _entry_on_tensorflow(table, step, first - 1, run)
    limit = 2**31 - 1 if is_narrow(step) else 2**63 - 1
    lowest, highest = min(first - 1, limit), min(first + len(table) - 2, limit)
    return _ENTRY[keras.backend.backend()](table, step if run == 1 else step // run, lowest, highest)


def _entry_on_tensorflow(table: Any, step: Any, lowest: int, run: int) -> Any:
    import tensorflow as tf

    # Keras's clip and take are eight operations, of which each counts in a loop.  TFLite has no ClipByValue and, for
    # int64, no FloorDiv.
    last = len(table) - 1
    limit = 2**31 - 1 if is_narrow(step) else 2**63 - 1

    def between(number: Any, least: int, largest: int) -> Any:
        bounds = [tf.constant(min(bound, limit), number.dtype) for bound in (least, largest)]
        return tf.raw_ops.Minimum(x=tf.raw_ops.Maximum(x=number, y=bounds[0]), y=bounds[1]) - min(
            least, limit
        )

    if run > 1 and not is_narrow(step) and last * run < 2**31:
        return tf.gather(table, tf.cast(between(step, lowest * run, (lowest + last) * run), "int32") // run)
    return tf.gather(table, between(step if run == 1 else step // run, lowest, lowest + last))


def _entry_on_jax(table: Any, number: Any, lowest: int, highest: int) -> Any:
    import jax.numpy

    return jax.numpy.take(table, jax.numpy.clip(number, lowest, highest) - lowest, mode="clip")


def _entry_on_torch(table: Any, number: Any, lowest: int, highest: int) -> Any:
    import torch

    return torch.take(table, (torch.clamp(number, lowest, highest) - lowest).long())


_ENTRY = {"jax": _entry_on_jax, "torch": _entry_on_torch}


def nan_where_negative(step: Any, rate: Any) -> Any:
    """The rate, or NaN where a counter has got behind the last integer that it holds."""
    if is_scalar(step) and _is_known(step):
        return rate if step >= 0 else ops.full((), np.nan, "float32")
    return ops.where(step < 0, np.float32(np.nan), rate)


def one_of(condition: Any, one: Callable[[], Any], other: Callable[[], Any]) -> Any:
    """One of two tensors, of which only that one is computed if there is a single condition."""
    if not is_scalar(condition):
        return ops.where(condition, one(), other())
    if _is_known(condition):
        return one() if condition else other()
    return ops.cond(condition, one, other)


def _is_known(value: Any) -> bool:
    """Whether Python can decide, with no program to be compiled: that has other roundings on JAX."""
    match keras.backend.backend():
        case "jax":
            import jax

            return not isinstance(value, jax.core.Tracer)
        case "torch":
            return True
    return False


def as_written(function: Rate) -> Rate:
    """A function that compilers of Python code leave alone.

    AutoGraph takes seconds to rewrite all that it calls; torch.compile gives up at each thing that it doesn't
    know, and leaves a hundred graphs, each with a check at every step.
    """
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            function = tf.autograph.experimental.do_not_convert(function)
        case "torch":
            import torch

            function = torch.compiler.disable(function)
    return function
