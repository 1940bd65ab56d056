"""What an optimizer's next step uses: its schedule, its step, its rate; and another schedule for it."""

from __future__ import annotations

import warnings
from functools import lru_cache
from numbers import Real
from typing import Any, TypeVar

import keras
from keras import ops

from lrdecay_native.keras.backends import backend
from lrdecay_native.keras.compiled_steps import StepRate, asks_here, unwrapped
from lrdecay_native.keras.conversion import from_keras
from lrdecay_native.keras.learning_rates import KerasSchedule
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.decays.asymptotic import Constant

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
        float64 (rounded to float32 it is what a `KerasTable` applies; float32 arithmetic is some ulps off, and a
        builtin's compiled stairs and restarts may come a step late).  For a
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

    A training step that was compiled with a rate of this library goes on with it where the optimizer has got another
    one by ``optimizer.learning_rate = ...``: then a warning says so, and the rate is the one that the model's step
    applies.  `set_schedule` has it compiled anew.  What a training loop of one's own was compiled with isn't known,
    nor whether it was another rate than one of this library.

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
    step_rate = StepRate.of(single(optimizer))
    # What isn't known yet is in the step to come.
    return value_of(checked(step_rate), step_rate.optimizer)


def checked(step_rate: StepRate) -> Any:
    """The rate that a compiled step holds or is to hold, with a warning where it isn't the optimizer's."""
    held = step_rate.held
    if held is None or held is step_rate.rate:
        return step_rate.rate
    warnings.warn(
        f"learning_rate={step_rate.rate!r} was set after the training step had been compiled, which goes on with "
        f"{held!r}: {ADVICE}",
        stacklevel=3,
    )
    return held


def warn_of_unknown(step_rate: StepRate) -> None:
    """Say, after a step, that it was compiled with a rate that isn't known."""
    warnings.warn(
        f"learning_rate={step_rate.rate!r} was set after the training step had been compiled, which goes on with "
        f"another rate that isn't of this library: {ADVICE}",
        stacklevel=3,
    )


ADVICE = "give a rate by lrdecay_native.keras.set_schedule(model, schedule), which has it compiled anew"


def value_of(learning_rate: Any, optimizer: keras.optimizers.Optimizer, step: int | None = None) -> float:
    """The value of a rate at a step, by default at the optimizer's next."""
    if not isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        return _number(float, learning_rate() if callable(learning_rate) else learning_rate)
    if step is None:
        step = steps_taken(optimizer)
    try:
        schedule = schedule_of(learning_rate)
    except (TypeError, ValueError):
        return asked(learning_rate, optimizer, step)
    rate: float = schedule(step)
    return rate


def asked(learning_rate: Any, optimizer: keras.optimizers.Optimizer, step: int) -> float:
    """What a schedule that has no native one returns at a step of the optimizer's counter."""
    return _number(float, learning_rate(ops.convert_to_tensor(step, optimizer._iterations.dtype)))


def set_schedule(
    model: keras.Model, schedule: Any, *, optimizer: keras.optimizers.Optimizer | None = None
) -> None:
    """Give a model another learning rate, also in the midst of its training.

    After ``model.optimizer.learning_rate = ...`` alone, a training step that has been compiled goes on with the old
    rate on TensorFlow and JAX.  This has the step compiled anew; weights, the optimizer's state and step, and metrics
    stay.

    Parameters
    ----------
    model : keras.Model
        A compiled model.
    schedule : lrdecay_native.schedules.base.Schedule, LearningRateSchedule or float
        A schedule of this library, which becomes a `KerasSchedule`; a `KerasSchedule`, a `KerasTable` or any other
        schedule of Keras; or a number.  A schedule's step is the optimizer's, which goes on counting:
        ``plan.continued(steps_so_far, to=...)``.
    optimizer : keras.optimizers.Optimizer, optional
        Whose rate, where the model has a ``MultiOptimizer``: one of its ``optimizers``.

    Raises
    ------
    TypeError
        If `schedule` is none of these, and where `optimizer` is missing.
    ValueError
        If the model isn't compiled, `optimizer` isn't one of its optimizers, or the number is out of range.

    Notes
    -----
    A number stays one where the optimizer has a number, and becomes a `Constant` schedule where it has a schedule,
    for which Keras doesn't take numbers.

    In a callback, call it at the end or the beginning of an epoch or batch; the next step has the new rate.

    Examples
    --------
    >>> import keras, numpy as np
    >>> import lrdecay_native as lrd
    >>> from lrdecay_native.keras import KerasSchedule, current_learning_rate, set_schedule
    >>> plan = lrd.LinearDecay(0.1, 100)
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(KerasSchedule(plan)), loss="mse")
    >>> history = model.fit(np.ones((50, 1)), np.ones((50, 1)), batch_size=1, verbose=0)
    >>> set_schedule(model, plan.continued(50, to=250))
    >>> history = model.fit(np.ones((100, 1)), np.ones((100, 1)), batch_size=1, verbose=0)
    >>> current_learning_rate(model.optimizer)
    0.025
    """
    if not getattr(model, "compiled", False):
        raise ValueError(f"model={model!r} must be compiled: call model.compile(optimizer, loss) before")
    chosen = _one_of(model.optimizer, optimizer)
    chosen.learning_rate = _rate_given(schedule, chosen._learning_rate)
    if model.train_function is not None:
        backend.make_anew(model)


def _one_of(
    optimizer: keras.optimizers.Optimizer, chosen: keras.optimizers.Optimizer | None
) -> keras.optimizers.Optimizer:
    if chosen is None:
        return single(optimizer)
    # Also those that train no variable.
    among = getattr(unwrapped(optimizer), "optimizers", None) or [unwrapped(optimizer)]
    inner = unwrapped(chosen)
    if not any(inner is each for each in among):
        raise ValueError(
            f"optimizer={chosen!r} must be one of the model's: {', '.join(each.name for each in among)}"
        )
    return inner


def _rate_given(schedule: Any, before: Any) -> Any:
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        return schedule
    if isinstance(schedule, Real) and not isinstance(schedule, bool):
        constant = Constant(float(schedule))
        return constant.learning_rate if isinstance(before, keras.Variable) else KerasSchedule(constant)
    if isinstance(schedule, Schedule):
        return KerasSchedule(schedule)
    raise TypeError(
        f"schedule={schedule!r} must be a schedule of lrdecay_native, a LearningRateSchedule of Keras, such as "
        "KerasTable, or a number"
    )


def steps_taken(optimizer: keras.optimizers.Optimizer) -> int:
    """How many batches the optimizer has taken: the step that Keras calls a schedule with."""
    # The attribute without the underscore is divided under gradient accumulation.
    iterations = unwrapped(optimizer)._iterations
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


def single(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The one optimizer that has the rate: the given one, or the one inside of a ``LossScaleOptimizer``."""
    inner = unwrapped(optimizer)
    if hasattr(inner, "optimizers"):
        raise TypeError(
            f"optimizer={optimizer!r} has several rates; give one of its optimizers: optimizer.optimizers[0], ..."
        )
    return inner


def schedule_of(learning_rate: Any) -> Schedule:
    """The native schedule of a rate: of this library's, or of Keras's builtins.

    Raises
    ------
    TypeError, ValueError
        For any other rate, which may compute anything, and for a builtin that `from_keras` refuses.
    """
    if asks_here(learning_rate):
        schedule: Schedule = learning_rate.schedule
        return schedule
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
