"""Keras's own schedule objects as schedules of this library, and back."""

from __future__ import annotations

import math
from typing import Any

import keras

from lrdecay_native import validation
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.compositions.in_sequence import Warmup
from lrdecay_native.schedules.cycles import CosineRestarts
from lrdecay_native.schedules.decays.asymptotic import Constant, ExponentialDecay, InverseTimeDecay, StepDecay
from lrdecay_native.schedules.decays.finite import CosineDecay, LinearDecay, PolynomialDecay
from lrdecay_native.schedules.phases.boundaries import MultiStepDecay, PiecewiseConstant

builtins = keras.optimizers.schedules


def from_keras(builtin: keras.optimizers.schedules.LearningRateSchedule) -> Schedule:
    """Turn a Keras schedule object into the same schedule of this library.

    Parameters
    ----------
    builtin : keras.optimizers.schedules.LearningRateSchedule
        An object of one of Keras's six classes, with any of its options. Its ``name`` is dropped, and so is the
        dtype of its rates: they are float64 here.

        ========================== ===============================================================
        Keras                      here
        ========================== ===============================================================
        ``ExponentialDecay``       `StepDecay`
        ``InverseTimeDecay``       `InverseTimeDecay`
        ``PolynomialDecay``        `PolynomialDecay`
        ``CosineDecay``            `CosineDecay`; with a ``warmup_target`` its `warmup`
        ``CosineDecayRestarts``    `CosineRestarts`
        ``PiecewiseConstantDecay`` `PiecewiseConstant`, whose rates begin *at* its boundaries: each
                                   whole number among them is one higher
        ========================== ===============================================================

    Returns
    -------
    Schedule
        The schedule, equal in real numbers at each whole step: Keras rounds to float32.

    Raises
    ------
    TypeError
        If `builtin` is anything else, including a subclass, which may compute something else.
    ValueError
        If Keras accepts the parameters and this library doesn't, such as a rate that grows without end.

    See Also
    --------
    to_keras : the way back.

    Examples
    --------
    >>> import keras
    >>> from_keras(keras.optimizers.schedules.ExponentialDecay(0.1, 1000, 0.96, staircase=True))
    StepDecay(0.1, drop_rate=0.96, step_size=1000, staircase=True)
    >>> from_keras(keras.optimizers.schedules.CosineDecay(0.0, 9000, warmup_target=0.1, warmup_steps=1000))
    Warmup(CosineDecay(0.1, decay_steps=9000, end_learning_rate=0.0, exponent=1.0), steps=1000, ...)
    """
    try:
        return _from_keras(builtin)
    except ValueError as error:
        raise ValueError(
            f"{type(builtin).__name__} with {builtin.get_config()!r} is no schedule here: {error}"
        ) from None


def _from_keras(builtin: Any) -> Schedule:
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
    if type(builtin) is builtins.PiecewiseConstantDecay:
        return PiecewiseConstant([_one_later(boundary) for boundary in builtin.boundaries], builtin.values)
    if type(builtin) is builtins.CosineDecay:
        return _cosine_decay_from_keras(builtin)
    if type(builtin) is builtins.CosineDecayRestarts:
        config = builtin.get_config()
        return CosineRestarts(
            builtin.initial_learning_rate,
            builtin.first_decay_steps,
            t_mul=config["t_mul"],
            m_mul=config["m_mul"],
            end_learning_rate=_share("initial_learning_rate", builtin.initial_learning_rate, builtin.alpha),
        )
    raise TypeError(
        f"builtin={builtin!r} must be an object of one of the six classes of keras.optimizers.schedules, "
        "such as ExponentialDecay"
    )


def _cosine_decay_from_keras(builtin: Any) -> Schedule:
    if builtin.warmup_target is None:
        return CosineDecay(
            builtin.initial_learning_rate,
            builtin.decay_steps,
            end_learning_rate=_share("initial_learning_rate", builtin.initial_learning_rate, builtin.alpha),
        )
    decay = CosineDecay(
        builtin.warmup_target,
        builtin.decay_steps,
        end_learning_rate=_share("warmup_target", builtin.warmup_target, builtin.alpha),
    )
    return decay.warmup(builtin.warmup_steps, builtin.initial_learning_rate)


def _share(name: str, rate: Any, alpha: Any) -> float:
    """A fraction of a rate."""
    return validation.real(name, rate) * validation.real("alpha", alpha)


def _one_later(boundary: Any) -> Any:
    """Keras changes the rate behind a boundary, `PiecewiseConstant` at it: one whole step later."""
    return boundary + 1 if validation.real("boundaries", boundary).is_integer() else boundary


def _one_earlier(boundary: float) -> float:
    return boundary - 1 if float(boundary).is_integer() else boundary


def to_keras(schedule: Schedule) -> keras.optimizers.schedules.LearningRateSchedule:
    """Turn a schedule of this library into the Keras object that is the same schedule.

    Parameters
    ----------
    schedule : lrdecay_native.schedules.base.Schedule
        A `StepDecay`, `InverseTimeDecay`, `PolynomialDecay`, `LinearDecay`, `CosineDecay` (also after a linear
        warm-up), `CosineRestarts` or `PiecewiseConstant`, with the options that Keras has.

    Returns
    -------
    keras.optimizers.schedules.LearningRateSchedule
        The schedule in Keras's float32 arithmetic. What `from_keras` made comes back with the parameters that it was
        made of; ``alpha`` is the shortest number whose product with the initial rate is the end rate.

    Raises
    ------
    TypeError
        If `schedule` isn't a schedule of this library.
    ValueError
        If Keras has no such schedule; `KerasSchedule` makes a learning rate of every one.

    See Also
    --------
    from_keras : the way back.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> to_keras(lrd.CosineDecay(0.3, 1000, end_learning_rate=0.03).warmup(100)).get_config()["alpha"]
    0.1
    """
    if not isinstance(schedule, Schedule):
        raise TypeError(f"schedule={schedule!r} must be a schedule of lrdecay_native, such as StepDecay")
    match schedule:
        case StepDecay():
            return builtins.ExponentialDecay(
                schedule.initial_learning_rate,
                schedule.step_size,
                schedule.drop_rate,
                staircase=schedule.staircase,
            )
        case InverseTimeDecay():
            return builtins.InverseTimeDecay(
                schedule.initial_learning_rate,
                schedule.decay_steps,
                schedule.decay_rate,
                staircase=schedule.staircase,
            )
        case PolynomialDecay():
            return builtins.PolynomialDecay(
                schedule.initial_learning_rate,
                schedule.max_step,
                schedule.end_learning_rate,
                power=schedule.power,
                cycle=schedule.cycle,
            )
        case LinearDecay():
            return builtins.PolynomialDecay(
                schedule.initial_learning_rate, schedule.decay_steps, schedule.end_learning_rate
            )
        case PiecewiseConstant():
            return builtins.PiecewiseConstantDecay(
                [_one_earlier(boundary) for boundary in schedule.boundaries], list(schedule.learning_rates)
            )
        case CosineDecay(exponent=1.0):
            return builtins.CosineDecay(
                schedule.initial_learning_rate, schedule.decay_steps, _alpha_of(schedule)
            )
        case Warmup(schedule=CosineDecay(exponent=1.0) as decay, shape="linear"):
            return builtins.CosineDecay(
                schedule.start,
                decay.decay_steps,
                _alpha_of(decay),
                warmup_target=decay.initial_learning_rate,
                warmup_steps=schedule.steps,
            )
        case CosineRestarts(cycle_limit=None) if (
            schedule.peak_mul == 1.0 or schedule.end_learning_rate == 0.0
        ):
            return builtins.CosineDecayRestarts(
                schedule.initial_learning_rate,
                schedule.first_decay_steps,
                schedule.t_mul,
                schedule.m_mul * schedule.peak_mul,
                _alpha_of(schedule),
            )
    reason = _REASONS.get(type(schedule), "Keras has no such class")
    raise ValueError(
        f"schedule={schedule!r} has no builtin: {reason}; KerasSchedule(schedule) is a learning rate"
    )


_REASONS: dict[type[Schedule], str] = {
    Constant: "a constant rate is a plain number to Keras",
    CosineDecay: "Keras's CosineDecay has no exponent",
    CosineRestarts: "Keras's CosineDecayRestarts has no cycle_limit, and a peak_mul only where the end rate is 0",
    ExponentialDecay: (
        "Keras's ExponentialDecay is a power of a decay_rate, which is "
        "StepDecay(initial, exp(-decay_rate), step_size)"
    ),
    MultiStepDecay: "Keras's PiecewiseConstantDecay has rates where this has factors",
    Warmup: "Keras's only warm-up is a line before a CosineDecay",
}


def _alpha_of(schedule: CosineDecay | CosineRestarts) -> float:
    """The shortest number whose product with the initial rate is the end rate; the quotient where none is."""
    initial, end = schedule.initial_learning_rate, schedule.end_learning_rate
    quotient = end / initial
    shorter = (float(f"{quotient:.{digits}g}") for digits in range(1, 18))
    beside = (math.nextafter(quotient, toward) for toward in (0.0, math.inf))
    return next((alpha for alpha in (*shorter, *beside) if initial * alpha == end), quotient)
