"""What an optimizer's next step uses: its schedule, its step, its rate."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

import keras
from keras import ops

from lrdecay_native.keras.conversion import from_keras
from lrdecay_native.keras.learning_rates import KerasSchedule
from lrdecay_native.schedules import Schedule

_Number = TypeVar("_Number", int, float)


def current_learning_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """The learning rate that the optimizer's next step uses, without running a framework's graph.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        An optimizer with any rate; of a ``LossScaleOptimizer`` the rate is that of the one inside.

    Returns
    -------
    float
        For a `KerasSchedule`, a `KerasTable` or one of Keras's own schedules the native schedule's value in
        float64 (rounded to float32 it is what a `KerasTable` applies; float32 arithmetic is some ulps off).  For a
        number the number as the optimizer holds it, in float32.  For any other schedule or callable what that
        returns, in its precision and at its speed.

    Raises
    ------
    TypeError
        If `optimizer` is no Keras optimizer, or a ``MultiOptimizer``, which has several rates.
    RuntimeError
        On JAX within an epoch, where Keras's trainer keeps the step outside of the optimizer: call
        ``model.jax_state_sync()`` before (in a callback ``self.model`` does).  Where the optimizer's counter is an
        int32 that has passed 2**31 - 1.

    Notes
    -----
    The step is the number of batches that the optimizer has taken, which is what Keras calls schedules with.  Under
    gradient accumulation ``optimizer.iterations`` is a fraction of it.

    Nearly all of the time goes into reading the step from the framework's variable.

    Examples
    --------
    >>> import keras
    >>> import lrdecay_native as lrd
    >>> from lrdecay_native.keras import KerasSchedule, current_learning_rate
    >>> optimizer = keras.optimizers.Adam(KerasSchedule(lrd.CosineDecay(0.1, 1000).warmup(100)))
    >>> _ = optimizer.iterations.assign(50)
    >>> current_learning_rate(optimizer)
    0.05
    """
    learning_rate = learning_rate_of(optimizer)
    if not isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        return _number(float, learning_rate() if callable(learning_rate) else learning_rate)
    step = steps_taken(optimizer)
    try:
        schedule = schedule_of(learning_rate)
    except (TypeError, ValueError):
        return _number(float, learning_rate(step))
    rate: float = schedule(step)
    return rate


def learning_rate_of(optimizer: keras.optimizers.Optimizer) -> Any:
    """The schedule, variable or callable that the optimizer has as its rate."""
    # The attribute without the underscore calls a schedule, which runs the framework.
    return innermost(optimizer)._learning_rate


def steps_taken(optimizer: keras.optimizers.Optimizer) -> int:
    """How many batches the optimizer has taken: the step that Keras calls a schedule with."""
    # The attribute without the underscore is divided under gradient accumulation.
    iterations = innermost(optimizer)._iterations
    if getattr(iterations, "_value", iterations) is None:
        raise RuntimeError(
            "within an epoch Keras's JAX trainer keeps the step outside of the optimizer: "
            "call model.jax_state_sync() before"
        )
    step = _number(int, iterations)
    if step < 0:
        raise RuntimeError(
            f"iterations={step}: the optimizer's int32 counter has passed 2**31 - 1, and its rate is NaN; go on with "
            "a new optimizer and the rate KerasSchedule(schedule.shifted(by=-steps_so_far))"
        )
    return step


def innermost(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The optimizer itself, or the one inside of a ``LossScaleOptimizer``."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise TypeError(f"optimizer={optimizer!r} must be a Keras optimizer")
    if hasattr(optimizer, "optimizers"):
        raise TypeError(
            f"optimizer={optimizer!r} has several rates; give one of its optimizers: optimizer.optimizers[0], ..."
        )
    return optimizer


def schedule_of(learning_rate: Any) -> Schedule:
    """The native schedule of a rate: of this library's, or of Keras's builtins.

    Raises
    ------
    TypeError, ValueError
        For any other rate, and for a builtin that `from_keras` refuses.
    """
    if isinstance(learning_rate, KerasSchedule):
        return learning_rate.schedule
    if isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        return _first_equal(from_keras(learning_rate))
    raise TypeError(
        f"learning_rate={learning_rate!r} must be a schedule: give the optimizer a KerasSchedule, for a constant "
        "rate KerasSchedule(lrdecay_native.Constant(0.1))"
    )


@lru_cache(maxsize=16)
def _first_equal(schedule: Schedule) -> Schedule:
    """The first equal schedule that came here: it keeps what its calls need, which takes long to prepare."""
    return schedule


def _number(kind: type[_Number], value: Any) -> _Number:
    """The value of a variable or tensor."""
    try:
        return kind(ops.convert_to_tensor(value))
    except TypeError:
        # What a distribution strategy of TensorFlow mirrors converts to an array only.
        return kind(ops.convert_to_numpy(value))
