"""The schedules that are one formula."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, ClassVar

from lrdecay_native import validation
from lrdecay_native.curves import Curve
from lrdecay_native.formulas import FORMULAS, TIME_MAPS
from lrdecay_native.pieces import NEVER, Cut, Piece, Pieces, TimeMap
from lrdecay_native.schedules import Schedule, period_given, set_fields


class _Decay(Schedule):
    """A schedule that is one formula of one time map of the step."""

    _formula: ClassVar[str]
    initial_learning_rate: float

    @property
    def _time_map(self) -> str:
        raise NotImplementedError

    @property
    def _period(self) -> float:
        raise NotImplementedError

    def _parameters(self) -> list[float]:
        return [getattr(self, name) for name in FORMULAS[self._formula].parameters]

    def evaluate(self, xp: Any, step: Any) -> Any:
        x = TIME_MAPS[self._time_map].function(xp, step, xp.asarray(self._period))
        parameters = [xp.asarray(value) for value in self._parameters()]
        return FORMULAS[self._formula].function(xp, x, *parameters)

    def _curve(self) -> Curve | None:
        period = Fraction(self._period)
        parameters = tuple(self._parameters())
        if self._time_map == "staircase":
            return Curve(self._formula, "continuous", Fraction(1), parameters, (period,))
        return Curve(self._formula, self._time_map, period, parameters)

    def _described(self) -> Pieces:
        period = Fraction(self._period)
        curve = self._formula, tuple(map(float, self._parameters()))
        piece = Piece(NEVER, (TimeMap(self._time_map, period),), curve)
        if self._time_map == "clamped":
            return replace(piece, end=Cut(period)), replace(piece, constant=True)
        return (piece,)


@dataclass(frozen=True, repr=False)
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
    _positional: ClassVar[int] = 3
    _instead: ClassVar[str] = (
        "write StepDecay(initial_learning_rate, drop_rate, step_size, staircase=True); Keras's "
        "ExponentialDecay(initial, decay_steps, decay_rate, staircase) is StepDecay(initial, decay_rate, "
        "decay_steps, staircase=staircase)"
    )

    def __post_init__(self) -> None:
        rate = validation.real("drop_rate", self.drop_rate)
        if rate > 1.0:
            raise ValueError(
                f"drop_rate={self.drop_rate!r} must be a factor in (0, 1]; the order is StepDecay("
                "initial_learning_rate, drop_rate, step_size), so Keras's ExponentialDecay(0.1, 1000, 0.96) is "
                "StepDecay(0.1, 0.96, 1000)"
            )
        set_fields(
            self,
            initial_learning_rate=validation.positive("initial_learning_rate", self.initial_learning_rate),
            drop_rate=validation.positive("drop_rate", self.drop_rate),
            step_size=period_given("step_size", self.step_size),
            staircase=validation.flag("staircase", self.staircase),
        )

    @property
    def _time_map(self) -> str:
        return "staircase" if self.staircase else "continuous"

    @property
    def _period(self) -> float:
        return self.step_size


class _RateDecay(_Decay):
    """A formula with a ``decay_rate`` per ``decay_steps`` steps."""

    decay_rate: float
    decay_steps: float
    staircase: bool
    _positional: ClassVar[int] = 2

    def __post_init__(self) -> None:
        set_fields(
            self,
            initial_learning_rate=validation.positive("initial_learning_rate", self.initial_learning_rate),
            decay_rate=validation.not_negative("decay_rate", self.decay_rate),
            decay_steps=period_given("decay_steps", self.decay_steps),
            staircase=validation.flag("staircase", self.staircase),
        )

    @property
    def _time_map(self) -> str:
        return "staircase" if self.staircase else "continuous"

    @property
    def _period(self) -> float:
        return self.decay_steps


@dataclass(frozen=True, repr=False)
class ExponentialDecay(_RateDecay):
    """Natural exponential decay.

    ``initial_learning_rate * exp(-decay_rate * step / decay_steps)``, with ``floor(step / decay_steps)`` if
    ``staircase``.

    This is not Keras's class of the same name, which is ``initial * decay_rate ** (step / decay_steps)``: that
    is `StepDecay`.

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0, from 1e-100 to 1e100.
    decay_rate : float
        The relative decay per ``decay_steps`` steps, 0 or from 1e-100 to 1e100.
    decay_steps : int or float, default 1
        The unit of time in steps, from 1e-100 to 1e100.
    staircase : bool, default False
        Whether the rate changes only at whole multiples of ``decay_steps``.

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
    ExponentialDecay(0.1, decay_rate=0.001, decay_steps=1, staircase=False)
    >>> s(0), s(1000)
    (0.1, 0.036787944117144235)
    """

    initial_learning_rate: float
    decay_rate: float
    decay_steps: float = field(default=1, kw_only=True)
    staircase: bool = field(default=False, kw_only=True)

    _formula: ClassVar[str] = "exponential_decay"
    _instead: ClassVar[str] = (
        "write ExponentialDecay(initial_learning_rate, decay_rate, decay_steps=..., staircase=...), which is "
        "initial * exp(-decay_rate * step / decay_steps); Keras's ExponentialDecay(initial, decay_steps, "
        "decay_rate, staircase) is StepDecay(initial, decay_rate, decay_steps, staircase=staircase)"
    )


@dataclass(frozen=True, repr=False)
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
    _instead: ClassVar[str] = (
        "write InverseTimeDecay(initial_learning_rate, decay_rate, decay_steps=..., staircase=...); Keras's "
        "InverseTimeDecay(initial, decay_steps, decay_rate, staircase) is InverseTimeDecay(initial, "
        "decay_rate, decay_steps=decay_steps, staircase=staircase)"
    )


@dataclass(frozen=True, repr=False)
class PolynomialDecay(_Decay):
    """Polynomial decay from the initial rate to an end rate.

    ``(initial_learning_rate - end_learning_rate) * (1 - x) ** power + end_learning_rate`` with
    ``x = min(step / max_step, 1)``; with ``cycle``, the first multiple of ``max_step`` that is not below
    ``step`` (at least ``max_step``) stands in its place, so that the rate reaches the end rate at every multiple
    and rises again after it.

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0, from 1e-100 to 1e100.
    max_step : int or float
        The step at which the end rate is reached, from 1e-100 to 1e100.
    power : float, default 1
        The exponent, 0 or from 1e-100 to 1e100; 0 keeps the initial rate.
    end_learning_rate : float, default 0
        The rate at ``max_step`` and, without ``cycle``, from there on; 0 or from 1e-100 to 1e100.
    cycle : bool, default False
        Whether to begin again after the end.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    Agrees with ``keras.optimizers.schedules.PolynomialDecay``, which rounds to float32 and whose default end
    rate is 0.0001.  Values are within 0.8 ulp (`values`: 0.51 ulp) of the true ones.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.PolynomialDecay(0.1, max_step=100, power=2.0)
    >>> s
    PolynomialDecay(0.1, max_step=100, power=2.0, end_learning_rate=0.0, cycle=False)
    >>> s([0, 50, 99, 100, 101])
    array([1.0e-01, 2.5e-02, 1.0e-05, 0.0e+00, 0.0e+00])
    """

    initial_learning_rate: float
    max_step: float
    power: float = field(default=1.0, kw_only=True)
    end_learning_rate: float = field(default=0.0, kw_only=True)
    cycle: bool = field(default=False, kw_only=True)

    _formula: ClassVar[str] = "polynomial_decay"
    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = (
        "write PolynomialDecay(initial_learning_rate, max_step, power=..., end_learning_rate=..., cycle=...); "
        "the third of Keras's PolynomialDecay(initial, decay_steps, end_learning_rate, power, cycle) is not "
        "the power, so name them"
    )

    def __post_init__(self) -> None:
        set_fields(
            self,
            initial_learning_rate=validation.positive("initial_learning_rate", self.initial_learning_rate),
            max_step=period_given("max_step", self.max_step),
            power=validation.not_negative("power", self.power),
            end_learning_rate=validation.not_negative("end_learning_rate", self.end_learning_rate),
            cycle=validation.flag("cycle", self.cycle),
        )

    @property
    def _time_map(self) -> str:
        return "cyclic" if self.cycle else "clamped"

    @property
    def _period(self) -> float:
        return self.max_step
