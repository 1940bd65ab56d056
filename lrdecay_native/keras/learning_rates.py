"""Schedules as Keras learning rates: computed in the training step, or looked up."""

from __future__ import annotations

from numbers import Real
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from lrdecay_native import validation
from lrdecay_native.own_formulas import UntraceableError
from lrdecay_native.schedules import Schedule, from_dict

MAXIMUM_TABLE_STEPS = 2**26
"""Longest table a `KerasTable` makes: 256 MiB of float32."""

EXACT_FLOAT32_STEPS = 2**24
"""Float32 holds every integer up to here, and only every second one above."""

# Keras computes in float64 on TensorFlow only: on JAX and PyTorch it makes float32 of two float64.
WIDEST_FLOAT: str = keras.backend.result_type("float64", "float64")


class _Operations:
    """Keras's operations as the array namespace of `Schedule.evaluate`, in one precision."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def asarray(self, number: float | npt.NDArray[np.float64]) -> Any:
        return ops.convert_to_tensor(number, self.dtype)

    def astype(self, value: Any, dtype: str) -> Any:
        return ops.cast(value, dtype)

    def __getattr__(self, name: str) -> Any:
        return getattr(ops, name)


def _formula(schedule: Schedule, step: Any, dtype: str) -> Any:
    """Evaluate the schedule's formula in `dtype`; the rate is a float32 tensor."""
    return ops.cast(schedule.evaluate(_Operations(dtype), ops.cast(step, dtype)), "float32")


def _step_tensor(step: Any) -> Any:
    if isinstance(step, Real):
        step = validation.steps("step", step).item()
    return ops.convert_to_tensor(step)


@keras.saving.register_keras_serializable(package="lrdecay_native")
class KerasSchedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A schedule as a Keras learning rate, computed in Keras operations in float32.

    Up to step 2**24 each operation is the one Keras's own schedule does, in the same order, so
    the rates are Keras's to the last bit. Beyond, where float32 can't tell a step from its
    neighbour and Keras's schedules repeat rates, the formula is computed in float64 and rounded.
    (Keras has float64 on TensorFlow only; beyond 2**24 on JAX and PyTorch use `KerasTable`.)

    Keras wants the rate of a step as a tensor, which takes hundreds of microseconds outside the
    compiled training step. A callback or logger gets the native rate, as a Python float, from
    ``rate.schedule(step)``.

    Parameters
    ----------
    schedule : lrdecay_native.schedules.Schedule
        The rate as a function of the training step: `StepDecay`, `InverseTimeDecay`, ...

    Raises
    ------
    TypeError
        If `schedule` isn't one of this library's schedules.
    ValueError
        When called with a negative or NaN Python number.

    See Also
    --------
    KerasTable : the native values instead of float32 arithmetic.

    Examples
    --------
    >>> import keras
    >>> from lrdecay_native import StepDecay
    >>> rate = KerasSchedule(StepDecay(0.1, drop_rate=0.96, step_size=1000))
    >>> optimizer = keras.optimizers.SGD(learning_rate=rate)
    >>> float(rate(28_125))
    0.031885575503110886
    """

    def __init__(self, schedule: Schedule) -> None:
        if not isinstance(schedule, Schedule):
            raise TypeError(
                f"schedule={schedule!r} must be a schedule of lrdecay_native, such as StepDecay; "
                "from_keras makes one of Keras's own"
            )
        self.schedule = schedule

    def __call__(self, step: Any) -> Any:
        step = _step_tensor(step)
        return ops.where(
            ops.cast(step, "float32") < EXACT_FLOAT32_STEPS,
            _formula(self.schedule, step, "float32"),
            _formula(self.schedule, step, WIDEST_FLOAT),
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.schedule!r})"

    def get_config(self) -> dict[str, Any]:
        """Return the arguments as JSON types, the schedule as its ``to_dict()``."""
        return {"schedule": self.schedule.to_dict()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> KerasSchedule:
        """Make the schedule anew from what `get_config` returned."""
        return cls(**{**config, "schedule": from_dict(config["schedule"])})


@keras.saving.register_keras_serializable(package="lrdecay_native")
class KerasTable(KerasSchedule):
    """A schedule as a Keras learning rate, its native values looked up in a table.

    The rates of the steps `start` to ``stop - 1`` are computed when the object is made, by
    ``schedule.values`` in float32 (within 0.51 ulp of the true value, where float32 arithmetic is
    off by several), and are looked up by the integer step, which is never converted to float.
    Any other step is still answered with the schedule's value and never with the table's last:
    its formula is computed in float64 (on JAX and PyTorch in float32, the widest Keras has there); where
    an own formula can't be, with NaN.

    Parameters
    ----------
    schedule : lrdecay_native.schedules.Schedule
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
        If `start` is negative, or the table would be empty or longer than `MAXIMUM_TABLE_STEPS`;
        when called with a negative Python number.

    Examples
    --------
    >>> from lrdecay_native import StepDecay
    >>> rate = KerasTable(StepDecay(0.1, drop_rate=0.96, step_size=1000), 28_126)
    >>> float(rate(28_125))
    0.03188559412956238
    """

    def __init__(self, schedule: Schedule, stop: int, *, start: int = 0) -> None:
        super().__init__(schedule)
        self.start, self.stop = validation.whole("start", start), validation.whole("stop", stop)
        if self.stop <= self.start:
            raise ValueError(f"stop={stop} must be above start={start}")
        if self.stop - self.start > MAXIMUM_TABLE_STEPS:
            raise ValueError(
                f"start={start} to stop={stop} is more than the {MAXIMUM_TABLE_STEPS} steps of the "
                "longest table; name this run's steps only, or use KerasSchedule, which needs none"
            )
        rates = schedule.values(self.start, self.stop, dtype=np.float32)
        self._table = ops.convert_to_tensor(rates)

    def __call__(self, step: Any) -> Any:
        step = _step_tensor(step)
        if not keras.backend.is_int_dtype(step.dtype):
            raise TypeError(f"step={step!r} must be an integer, to be looked up in a table")
        index = step - self.start
        nearest = ops.clip(index, 0, self.stop - self.start - 1)
        try:
            beyond = _formula(self.schedule, step, WIDEST_FLOAT)
        except UntraceableError:
            beyond = ops.convert_to_tensor(np.nan, "float32")
        return ops.where(index == nearest, ops.take(self._table, nearest), beyond)

    def __repr__(self) -> str:
        return f"KerasTable({self.schedule!r}, {self.stop}, start={self.start})"

    def get_config(self) -> dict[str, Any]:
        """Return the arguments as JSON types: the recipe, not the table."""
        return {**super().get_config(), "stop": self.stop, "start": self.start}
