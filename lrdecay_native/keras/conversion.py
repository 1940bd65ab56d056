"""Keras's own schedule objects as schedules of this library."""

from __future__ import annotations

import keras

from lrdecay_native.decays import InverseTimeDecay, PolynomialDecay, StepDecay
from lrdecay_native.schedules import Schedule


def from_keras(builtin: keras.optimizers.schedules.LearningRateSchedule) -> Schedule:
    """Turn a Keras schedule object into the same schedule of this library.

    Parameters
    ----------
    builtin : keras.optimizers.schedules.LearningRateSchedule
        An ``ExponentialDecay`` (which becomes a `StepDecay`), ``InverseTimeDecay`` or
        ``PolynomialDecay`` with any of its options. Its ``name`` is dropped.

    Raises
    ------
    TypeError
        If `builtin` is anything else, including a subclass, which may compute something else.
    ValueError
        If Keras accepts the parameters and this library doesn't, such as a growing rate.

    Examples
    --------
    >>> import keras
    >>> from_keras(keras.optimizers.schedules.ExponentialDecay(0.1, 1000, 0.96, staircase=True))
    StepDecay(0.1, drop_rate=0.96, step_size=1000, staircase=True)
    """
    builtins = keras.optimizers.schedules
    if type(builtin) is builtins.ExponentialDecay:
        return StepDecay(
            builtin.initial_learning_rate,
            builtin.decay_rate,
            builtin.decay_steps,
            staircase=builtin.staircase,
        )
    if type(builtin) is builtins.InverseTimeDecay:
        return InverseTimeDecay(
            builtin.initial_learning_rate,
            builtin.decay_rate,
            decay_steps=builtin.decay_steps,
            staircase=builtin.staircase,
        )
    if type(builtin) is builtins.PolynomialDecay:
        return PolynomialDecay(
            builtin.initial_learning_rate,
            builtin.decay_steps,
            power=builtin.power,
            end_learning_rate=builtin.end_learning_rate,
            cycle=builtin.cycle,
        )
    raise TypeError(
        f"builtin={builtin!r} must be an ExponentialDecay, InverseTimeDecay or PolynomialDecay "
        "object of keras.optimizers.schedules"
    )
