"""Single formulas that have no end: the rate falls for ever, or stays."""

from __future__ import annotations

from dataclasses import field, replace
from typing import ClassVar

from lrdecay_native import validation
from lrdecay_native.evaluation.points.decay_functions import kernel
from lrdecay_native.immutable import immutable
from lrdecay_native.piecewise.pieces import Piecewise
from lrdecay_native.schedules.decays.single_formula import _Decay

__all__ = [
    "Constant",
    "ExponentialDecay",
    "InverseSquareRootDecay",
    "InverseTimeDecay",
    "PowerLawDecay",
    "StepDecay",
    "constant",
    "exponential_decay",
    "inverse_square_root_decay",
    "inverse_time_decay",
    "power_law_decay",
    "step_decay",
]

step_decay = kernel("step_decay")
exponential_decay = kernel("exponential_decay")
inverse_time_decay = kernel("inverse_time_decay")
inverse_square_root_decay = kernel("inverse_square_root_decay")
power_law_decay = kernel("power_law_decay")
constant = kernel("constant")


@immutable
class StepDecay(_Decay):
    """Multiply the rate by ``drop_rate`` every ``step_size`` steps.

    ``initial_learning_rate * drop_rate ** floor(step / step_size)``, or without the floor if not ``staircase``.

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0, from 1e-100 to 1e100.
    drop_rate : float
        The factor, in (0, 1].
    step_size : int or float
        Steps per factor, from 1e-100 to 1e100.
    staircase : bool, default True
        Whether the rate changes only at whole multiples of ``step_size``.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    Agrees with ``keras.optimizers.schedules.ExponentialDecay(initial_learning_rate, step_size, drop_rate,
    staircase)``, which rounds to float32.  Values are within 0.8 ulp (`values`: 0.51 ulp) of the true ones.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.StepDecay(0.1, drop_rate=0.96, step_size=1000)
    >>> s
    StepDecay(0.1, drop_rate=0.96, step_size=1000, staircase=True)
    >>> s(0), s(999), s(1000)
    (0.1, 0.1, 0.096)
    >>> s(28_125)
    0.031885594968609536
    """

    initial_learning_rate: float
    drop_rate: float
    step_size: float
    staircase: bool = field(default=True, kw_only=True)

    _formula: ClassVar[str] = "step_decay"
    _remark: ClassVar[str] = (
        "; Keras's ExponentialDecay(initial, decay_steps, decay_rate, staircase) is StepDecay(initial, decay_rate, "
        "decay_steps, staircase=staircase)"
    )

    def __post_init__(self) -> None:
        if validation.real("drop_rate", self.drop_rate) > 1.0:
            raise ValueError(
                f"drop_rate={self.drop_rate!r} must be a factor in (0, 1]; the order is StepDecay("
                "initial_learning_rate, drop_rate, step_size), so Keras's ExponentialDecay(0.1, 1000, 0.96) is "
                "StepDecay(0.1, 0.96, 1000)"
            )
        super().__post_init__()

    @property
    def _time_map(self) -> str:
        return "staircase" if self.staircase else "continuous"


class _RateDecay(_Decay):
    """A formula with a ``decay_rate`` per unit of time."""

    decay_rate: float
    staircase: bool
    _unit: ClassVar[str]

    @property
    def _time_map(self) -> str:
        return "staircase" if self.staircase else "continuous"

    @property
    def _period(self) -> float:
        unit: float = getattr(self, self._unit)
        return unit


@immutable
class ExponentialDecay(_RateDecay):
    """Natural exponential decay.

    ``initial_learning_rate * exp(-decay_rate * step / step_size)``, with ``floor(step / step_size)`` if
    ``staircase``.

    This is not Keras's class of the same name, which is ``initial * decay_rate ** (step / decay_steps)``: that
    is `StepDecay`, and ``decay_steps`` is refused here.

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0, from 1e-100 to 1e100.
    decay_rate : float
        The relative decay per ``step_size`` steps, 0 or from 1e-100 to 1e100.
    step_size : int or float, default 1
        Steps per factor of ``exp(-decay_rate)``, from 1e-100 to 1e100.
    staircase : bool, default False
        Whether the rate changes only at whole multiples of ``step_size``.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    The formula of ``tf.compat.v1.train.natural_exp_decay``.  Values are within 0.8 ulp (`values`: 0.51 ulp) of
    the true ones.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.ExponentialDecay(0.1, decay_rate=1e-3)
    >>> s
    ExponentialDecay(0.1, decay_rate=0.001, step_size=1, staircase=False)
    >>> s(0), s(1000)
    (0.1, 0.036787944117144235)
    """

    initial_learning_rate: float
    decay_rate: float
    step_size: float = field(default=1, kw_only=True, metadata={"formerly": "decay_steps"})
    staircase: bool = field(default=False, kw_only=True)

    _formula: ClassVar[str] = "exponential_decay"
    _unit: ClassVar[str] = "step_size"
    _remark: ClassVar[str] = (
        ", which is initial * exp(-decay_rate * step / step_size); Keras's ExponentialDecay(initial, decay_steps, "
        "decay_rate, staircase) is StepDecay(initial, decay_rate, decay_steps, staircase=staircase)"
    )


@immutable
class InverseTimeDecay(_RateDecay):
    """Decay with the inverse of time.

    ``initial_learning_rate / (1 + decay_rate * step / decay_steps)``, with ``floor(step / decay_steps)`` if
    ``staircase``.

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0, from 1e-100 to 1e100.
    decay_rate : float
        The growth of the divisor per ``decay_steps`` steps, 0 or from 1e-100 to 1e100.
    decay_steps : int or float, default 1
        The unit of time in steps, from 1e-100 to 1e100; ``n * steps_per_epoch`` with ``staircase`` applies the
        decay every ``n`` epochs.
    staircase : bool, default False
        Whether the rate changes only at whole multiples of ``decay_steps``.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    Agrees with ``keras.optimizers.schedules.InverseTimeDecay``, which rounds to float32.  Values are within 0.8
    ulp (`values`: 0.51 ulp) of the true ones.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.InverseTimeDecay(0.1, decay_rate=1.0, decay_steps=10)
    >>> s
    InverseTimeDecay(0.1, decay_rate=1.0, decay_steps=10, staircase=False)
    >>> s([0, 10, 30])
    array([0.1  , 0.05 , 0.025])
    """

    initial_learning_rate: float
    decay_rate: float
    decay_steps: float = field(default=1, kw_only=True)
    staircase: bool = field(default=False, kw_only=True)

    _formula: ClassVar[str] = "inverse_time_decay"
    _unit: ClassVar[str] = "decay_steps"
    _remark: ClassVar[str] = (
        "; Keras's InverseTimeDecay(initial, decay_steps, decay_rate, staircase) is InverseTimeDecay(initial, "
        "decay_rate, decay_steps=decay_steps, staircase=staircase)"
    )


@immutable
class InverseSquareRootDecay(_Decay):
    """Decay with the inverse square root of time.

    ``initial_learning_rate / sqrt(1 + step / decay_steps)``

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0, from 1e-100 to 1e100.
    decay_steps : int or float
        The step at which the rate is ``1 / sqrt(2)`` of the initial one, from 1e-100 to 1e100.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    The decay of A. Vaswani et al., "Attention is all you need" (2017), counted from its first step.  Agrees with
    ``transformers.get_inverse_sqrt_schedule`` after its warm-up, with ``decay_steps`` as its ``timescale``.
    Values are within 0.8 ulp (`values`: 0.51 ulp) of the true ones.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.InverseSquareRootDecay(0.1, 100)
    >>> s([0, 300, 9900])
    array([0.1 , 0.05, 0.01])
    """

    initial_learning_rate: float
    decay_steps: float

    _formula: ClassVar[str] = "inverse_square_root_decay"


@immutable
class PowerLawDecay(_Decay):
    """Decay with a power of time.

    ``initial_learning_rate * (1 + step / decay_steps) ** -power``

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0, from 1e-100 to 1e100.
    power : float
        The exponent, 0 or from 1e-100 to 1e100; 0 keeps the initial rate.
    decay_steps : int or float, default 1
        The unit of time in steps, from 1e-100 to 1e100.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    Agrees with ``learning_rate="invscaling"`` of ``sklearn``, which counts from step 1.
    Values are within 0.8 ulp (`values`: 0.51 ulp) of the true ones.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.PowerLawDecay(0.1, 2.0, decay_steps=10)
    >>> s([0, 10, 30])
    array([0.1    , 0.025  , 0.00625])
    """

    initial_learning_rate: float
    power: float
    decay_steps: float = field(default=1, kw_only=True)

    _formula: ClassVar[str] = "power_law_decay"


@immutable
class Constant(_Decay):
    """The same rate at every step.

    ``learning_rate``

    Parameters
    ----------
    learning_rate : float
        The rate, 0 or from 1e-100 to 1e100.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    The rate itself, without rounding (`values` in float32: rounded once).  Agrees with ``optax.constant_schedule``.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.Constant(0.1)
    >>> s(0), s(10**9)
    (0.1, 0.1)
    """

    learning_rate: float

    _formula: ClassVar[str] = "constant"

    def _described(self) -> Piecewise:
        return (replace(super()._described()[0], constant=True),)
