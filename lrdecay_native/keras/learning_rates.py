"""Schedules as Keras learning rates: computed in the training step, or looked up."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import keras
import numpy as np
from keras import ops

from lrdecay_native import validation
from lrdecay_native.keras.arithmetic import Rate, nan_where_negative, one_of, rounded_formula
from lrdecay_native.keras.backends import NAME, backend
from lrdecay_native.keras.builtin_arithmetic import as_keras_does
from lrdecay_native.keras.compiled_steps import NativeRate
from lrdecay_native.keras.counters import EXACT_FLOAT32_STEPS, as_counter, is_narrow
from lrdecay_native.keras.registration import registered
from lrdecay_native.own_formulas.array_namespace import UntraceableError
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.lookup_tables import entries
from lrdecay_native.schedules.serialisation import from_dict


@registered
class KerasSchedule(NativeRate):
    """A schedule as a Keras learning rate, computed in the operations of Keras's backend.

    Where Keras has the schedule (`to_keras` finds it), with Keras's own arithmetic: the rates are those of
    Keras's class to the last bit, in eager calls and compiled ones, and at Keras's cost. They differ where
    Keras's are wrong: which stair or cycle a step is in, and whether the end is reached, comes from integers,
    exactly at every step, where Keras's compiled classes may be late by a stair, begin a cycle late, or be NaN
    at the end (docs/keras_differences.md). Smooth curves are float32, which can't tell a step from 2**24 on
    from its neighbour: Keras's classes repeat rates there, and `KerasTable` has the true ones.

    Any other schedule is within 0.51 of float32's spacing at the true rate, and 2**-45 of the highest rate of
    the piece that the step is in, at every step that the counter holds, compiled or not, on each backend: steps
    stay integers up to the curve, which is computed in float64 and rounded once. Rates below 1.2e-38 may be 0.
    Outside of the bound are steps behind more than 2**63 stairs or cycles, own formulas, and `KDecay` of stairs
    and cycles, whose powers are rounded to float64 before anything is whole. Where a device of PyTorch has no
    float64 (Apple's), such a rate is computed on the CPU; on TPUs XLA emulates it.

    Optimizers on JAX and PyTorch count in int32: behind step 2**31 - 1 the counter is negative, and the
    rate NaN. A run that goes on with a counter from 0 takes ``schedule.shifted(by=-steps_so_far)``.

    Keras wants the rate of a step as a tensor, which takes hundreds of microseconds outside the compiled
    training step. A callback or logger gets the native rate, as a Python float, from
    ``rate.schedule(step)`` in one.

    Parameters
    ----------
    schedule : lrdecay_native.schedules.base.Schedule
        The rate as a function of the training step: `StepDecay`, `InverseTimeDecay`, ...

    Raises
    ------
    TypeError
        If `schedule` isn't one of this library's schedules.
    ValueError
        When called with a negative or NaN Python number; on JAX, with an array of integers that its int32
        doesn't hold. Tensors aren't looked into: at negative int64 steps the formula goes on.

    See Also
    --------
    KerasTable : the native values, looked up.

    Examples
    --------
    >>> import keras
    >>> from lrdecay_native import StepDecay
    >>> rate = KerasSchedule(StepDecay(0.1, drop_rate=0.96, step_size=1000))
    >>> optimizer = keras.optimizers.SGD(learning_rate=rate)
    >>> float(rate(28_125))
    0.031885575503110886
    """

    _made: tuple[str, ...] = ("_rate", "_formula", "_like_keras")

    def __init__(self, schedule: Schedule) -> None:
        if not isinstance(schedule, Schedule):
            raise TypeError(
                f"schedule={schedule!r} must be a schedule of lrdecay_native, such as StepDecay; "
                "from_keras makes one of Keras's own"
            )
        self.schedule = schedule
        self._prepare()

    def _prepare(self) -> None:
        rate = self._rate_of_tensor()
        self._rate = backend.as_written(lambda step: rate(self._counter(step)))

    def _rate_of_tensor(self) -> Rate:
        """What a call computes, of a step that is a tensor."""
        like_keras = as_keras_does(self.schedule)
        self._like_keras = like_keras is not None
        self._formula = formula = backend.as_written(like_keras or rounded_formula(self.schedule))
        return lambda step: nan_where_negative(step, formula(step)) if is_narrow(step) else formula(step)

    def _counter(self, step: Any) -> Any:
        return as_counter(step)

    def _at_number(self, step: Any) -> Any:
        validation.step("step", step)
        if step < EXACT_FLOAT32_STEPS:
            return self._formula(
                ops.convert_to_tensor(step, None if isinstance(step, Integral) else "float32")
            )
        if self._like_keras:
            # JAX has no wider integers.
            whole = isinstance(step, Integral) and (step < 2**31 or NAME != "jax")
            counter = np.float32(step) if not whole else np.int32(step) if step < 2**31 else np.int64(step)
            return self._formula(ops.convert_to_tensor(counter))
        return ops.convert_to_tensor(np.float32(self.schedule(step)))

    def __getstate__(self) -> dict[str, Any]:
        """Return what the object is made of."""
        return {name: value for name, value in vars(self).items() if name not in self._made}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make the object anew from what `__getstate__` returned."""
        self.__dict__.update(state)
        self._prepare()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.schedule!r})"

    def get_config(self) -> dict[str, Any]:
        """Return the arguments as JSON types, the schedule as its ``to_dict()``."""
        return {"schedule": self.schedule.to_dict()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> KerasSchedule:
        """Make the schedule anew from what `get_config` returned."""
        return cls(**{**config, "schedule": from_dict(config["schedule"])})


@registered
class KerasTable(KerasSchedule):
    """A schedule as a Keras learning rate, its native values looked up in a table.

    The rates of the steps `start` to ``stop - 1`` are computed when the object is made: those of
    ``schedule.values``, rounded to float32 (float32 arithmetic is off by several ulps). They are looked up by
    the integer step, which is never converted to float: steps past 2**24 and 2**31 have their own rates too.
    A staircase takes one entry a stair: the tutorial's, from step 0 to where float32 has only 0 for its
    rates, 2,491.

    Any other step is still answered with the schedule's value, never with the table's last. A table that
    gets whole by up to `SPARE_ENTRIES` more has these too: back to step 0, and on to where the rate stays the
    same. From a table that isn't whole such a step goes to the formula in float64, or, with a Python number,
    to the native one; where an own formula can't be traced, the rate is NaN. In a compiled TensorFlow loop
    that choice takes as long as a rate of Keras's. ``schedule.then(lrd.Constant(rate), at=stop)`` gives an end
    to a schedule that has none.

    Optimizers on JAX and PyTorch count in int32, and behind step 2**31 - 1 get negative: the rate of a
    negative step is NaN. Such a run goes on with a counter from 0 and
    ``KerasTable(schedule.shifted(by=-steps_so_far), steps_to_go)``.

    A model's file and a pickle hold the recipe, not the rates; a SavedModel of a training step holds the
    table. A whole table converts to TFLite; one that isn't has arithmetic in float64, which TFLite doesn't, as has
    a staircase whose table spans 2**31 steps or more.

    Parameters
    ----------
    schedule : lrdecay_native.schedules.base.Schedule
        The rate as a function of the training step.
    stop : int
        The step after the table's last: the number of training steps, for a run from step 0.
    start : int, default 0
        The table's first step: where a resumed run goes on.

    Raises
    ------
    TypeError
        If `schedule` isn't one of this library's schedules, or `start` or `stop` isn't an integer;
        when called with a step that isn't an integer.
    ValueError
        If `start` is negative, or the table would be empty or have more than `MAXIMUM_ENTRIES`;
        when called with a negative Python number.

    Examples
    --------
    >>> from lrdecay_native import StepDecay
    >>> rate = KerasTable(StepDecay(0.1, drop_rate=0.96, step_size=1000), 28_126)
    >>> float(rate(28_125))
    0.03188559412956238
    """

    _made = ("_rate", "_formula", "_entries")

    def __init__(self, schedule: Schedule, stop: int, *, start: int = 0) -> None:
        self.start, self.stop = validation.whole("start", start), validation.whole("stop", stop)
        if self.stop <= self.start:
            raise ValueError(f"stop={stop} must be above start={start}")
        super().__init__(schedule)

    def _rate_of_tensor(self) -> Rate:
        self._entries = made = entries(self.schedule, self.start, self.stop)
        self._formula = rounded_formula(self.schedule)
        table = ops.convert_to_tensor(made.rates)
        if made.whole:
            return lambda step: backend.entry(table, step, made.first, made.run)

        def rate(step: Any) -> Any:
            looked_up = backend.entry(table, step, made.first, made.run)
            # isnan of Keras is slower.
            return one_of(looked_up != looked_up, lambda: self._outside(step), lambda: looked_up)

        return rate

    def _outside(self, step: Any) -> Any:
        try:
            return nan_where_negative(step, self._formula(step))
        except UntraceableError:
            return ops.full(ops.shape(step), np.nan, "float32")

    def _counter(self, step: Any) -> Any:
        counter = as_counter(step)
        if not keras.backend.is_int_dtype(counter.dtype):
            raise _no_integer(step)
        return counter

    def _at_number(self, step: Any) -> Any:
        if not isinstance(step, Integral):
            raise _no_integer(step)
        validation.step("step", step)
        number = int(step)
        rate = self._entries.at(number)
        return ops.convert_to_tensor(np.float32(self.schedule(number)) if np.isnan(rate) else rate)

    def __repr__(self) -> str:
        return f"KerasTable({self.schedule!r}, {self.stop}, start={self.start})"

    def get_config(self) -> dict[str, Any]:
        """Return the arguments as JSON types: the recipe, not the table."""
        return {**super().get_config(), "stop": self.stop, "start": self.start}


def _no_integer(step: Any) -> TypeError:
    return TypeError(f"step={step!r} must be an integer, to be looked up in a table")
