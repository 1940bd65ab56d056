"""The schedules that are one formula, and the formulas as functions of the step."""

from __future__ import annotations

import math
from dataclasses import Field, dataclass, field, fields, replace
from fractions import Fraction
from typing import Any, ClassVar

from lrdecay_native import validation
from lrdecay_native.evaluation.points.array_namespaces import mapped
from lrdecay_native.evaluation.points.closed_form import ClosedForm
from lrdecay_native.evaluation.points.decay_functions import kernel
from lrdecay_native.formulas import FORMULAS
from lrdecay_native.piecewise.pieces import NEVER, Breakpoint, Piece, Piecewise, TimeMap
from lrdecay_native.schedules.base import Schedule, period_given, set_fields

__all__ = [
    "Constant",
    "CosineDecay",
    "ExponentialDecay",
    "InverseSquareRootDecay",
    "InverseTimeDecay",
    "LinearCosineDecay",
    "LinearDecay",
    "OneMinusSquareRootDecay",
    "PolynomialDecay",
    "PowerLawDecay",
    "RexDecay",
    "StepDecay",
    "TanhDecay",
    "constant",
    "cosine_decay",
    "exponential_decay",
    "inverse_square_root_decay",
    "inverse_time_decay",
    "linear_cosine_decay",
    "linear_decay",
    "one_minus_square_root_decay",
    "polynomial_decay",
    "power_law_decay",
    "rex_decay",
    "step_decay",
    "tanh_decay",
]

constant = kernel("constant")
step_decay = kernel("step_decay")
exponential_decay = kernel("exponential_decay")
inverse_time_decay = kernel("inverse_time_decay")
polynomial_decay = kernel("polynomial_decay")
linear_decay = kernel("linear_decay")
cosine_decay = kernel("cosine_decay")
inverse_square_root_decay = kernel("inverse_square_root_decay")
power_law_decay = kernel("power_law_decay")
tanh_decay = kernel("tanh_decay")
rex_decay = kernel("rex_decay")
one_minus_square_root_decay = kernel("one_minus_square_root_decay")
linear_cosine_decay = kernel("linear_cosine_decay")


class _Decay(Schedule):
    """A schedule that is one formula of one time map of the step.

    Its fields are the arguments of the formula's kernel; what they may be stands beside the formula.
    """

    _formula: ClassVar[str]

    def __post_init__(self) -> None:
        set_fields(self, **{parameter.name: self._given(parameter) for parameter in fields(self)})  # type: ignore[arg-type]

    def _given(self, parameter: Field[Any]) -> Any:
        """A parameter, checked."""
        name, value = parameter.name, getattr(self, parameter.name)
        if isinstance(parameter.default, bool):
            return validation.flag(name, value)
        described = FORMULAS[self._formula].described_as(name)
        return (
            period_given(name, value) if described.steps else validation.within(name, value, described.range)
        )

    @property
    def _time_map(self) -> str:
        return FORMULAS[self._formula].time_maps[0]

    @property
    def _period(self) -> float:
        name = FORMULAS[self._formula].period
        period: float = 1.0 if name is None else getattr(self, name)
        return period

    def _parameters(self) -> list[float]:
        return [getattr(self, name) for name in FORMULAS[self._formula].parameters]

    def evaluate(self, xp: Any, step: Any, *, first: int = 0, stop: int | None = None) -> Any:
        x = mapped(xp, self._time_map, step, Fraction(self._period))
        parameters = [xp.asarray(value) for value in self._parameters()]
        return FORMULAS[self._formula].function(xp, x, *parameters)

    def _curve(self) -> ClosedForm | None:
        period = Fraction(self._period)
        parameters = tuple(self._parameters())
        if self._time_map == "staircase":
            return ClosedForm(self._formula, "continuous", Fraction(1), parameters, (period,))
        return ClosedForm(self._formula, self._time_map, period, parameters)

    def _described(self) -> Piecewise:
        period = Fraction(self._period)
        curve = self._formula, tuple(map(float, self._parameters()))
        piece = Piece(NEVER, (TimeMap(self._time_map, period),), curve)
        if self._time_map == "clamped":
            return replace(piece, end=Breakpoint(period)), replace(piece, constant=True)
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
    _positional: ClassVar[int] = 2
    _unit: ClassVar[str]

    @property
    def _time_map(self) -> str:
        return "staircase" if self.staircase else "continuous"

    @property
    def _period(self) -> float:
        unit: float = getattr(self, self._unit)
        return unit


@dataclass(frozen=True, repr=False)
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
    _instead: ClassVar[str] = (
        "write ExponentialDecay(initial_learning_rate, decay_rate, step_size=..., staircase=...), which is "
        "initial * exp(-decay_rate * step / step_size); Keras's ExponentialDecay(initial, decay_steps, "
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
    _unit: ClassVar[str] = "decay_steps"
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

    @property
    def _time_map(self) -> str:
        return "cyclic" if self.cycle else "clamped"


@dataclass(frozen=True, repr=False)
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
    _positional: ClassVar[int] = 1
    _instead: ClassVar[str] = "write Constant(learning_rate)"

    def _described(self) -> Piecewise:
        return (replace(super()._described()[0], constant=True),)


@dataclass(frozen=True, repr=False)
class LinearDecay(_Decay):
    """A line from one rate to another.

    ``initial_learning_rate * (1 - x) + end_learning_rate * x`` with ``x = min(step / decay_steps, 1)``; the rate may
    fall or rise.

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0, 0 or from 1e-100 to 1e100.
    decay_steps : int or float
        The step at which the end rate is reached, from 1e-100 to 1e100.
    end_learning_rate : float, default 0
        The rate at ``decay_steps`` and from there on, 0 or from 1e-100 to 1e100.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    Agrees with ``optax.linear_schedule`` and, with the products of the rate and its factors, with
    ``torch.optim.lr_scheduler.LinearLR``; ``decay_steps`` is the first step with the end rate in all of them.
    Values are within 0.8 ulp (`values`: 0.51 ulp) of the true ones.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.LinearDecay(0.1, 100, end_learning_rate=0.02)
    >>> s([0, 50, 100, 101])
    array([0.1 , 0.06, 0.02, 0.02])
    """

    initial_learning_rate: float
    decay_steps: float
    end_learning_rate: float = field(default=0.0, kw_only=True)

    _formula: ClassVar[str] = "linear_decay"
    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = "write LinearDecay(initial_learning_rate, decay_steps, end_learning_rate=...)"

    def _described(self) -> Piecewise:
        described = super()._described()
        if self.initial_learning_rate == self.end_learning_rate:
            return (replace(described[-1], constant=True),)
        if self.initial_learning_rate > 0.0:
            return described
        # Bulk evaluation can't have a zero inside a block.
        return (replace(described[0], end=Breakpoint(Fraction(0), after=True), constant=True), *described)


@dataclass(frozen=True, repr=False)
class CosineDecay(_Decay):
    """Half a wave of the cosine from one rate to another.

    ``(initial_learning_rate - end_learning_rate) * ((1 + cos(pi * x)) / 2) ** exponent + end_learning_rate`` with
    ``x = min(step / decay_steps, 1)``.

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0, from 1e-100 to 1e100.
    decay_steps : int or float
        The step at which the end rate is reached, from 1e-100 to 1e100.
    end_learning_rate : float, default 0
        The rate at ``decay_steps`` and from there on, 0 or from 1e-100 to 1e100.
    exponent : float, default 1
        The exponent of half a wave, 0 or from 1e-100 to 1e100; with 0 the rate never changes.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts" (2017).  Agrees with
    ``keras.optimizers.schedules.CosineDecay`` and with ``optax.cosine_decay_schedule``, whose ``alpha`` is
    ``end_learning_rate / initial_learning_rate``, and with the first descent of
    ``torch.optim.lr_scheduler.CosineAnnealingLR``; as in the first two the end rate is kept from ``decay_steps`` on.
    Values are within 0.8 ulp (`values`: 0.51 ulp) of the true ones.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.CosineDecay(0.1, 100, end_learning_rate=0.02)
    >>> s([0, 50, 100, 101])
    array([0.1 , 0.06, 0.02, 0.02])
    """

    initial_learning_rate: float
    decay_steps: float
    end_learning_rate: float = field(default=0.0, kw_only=True)
    exponent: float = field(default=1.0, kw_only=True)

    _formula: ClassVar[str] = "cosine_decay"
    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = (
        "write CosineDecay(initial_learning_rate, decay_steps, end_learning_rate=..., exponent=...)"
    )


@dataclass(frozen=True, repr=False)
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
    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = "write InverseSquareRootDecay(initial_learning_rate, decay_steps)"


@dataclass(frozen=True, repr=False)
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
    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = "write PowerLawDecay(initial_learning_rate, power, decay_steps=...)"


@dataclass(frozen=True, repr=False)
class TanhDecay(_Decay):
    """A part of the hyperbolic tangent, from near one rate to near another.

    ``(initial_learning_rate - end_learning_rate) * (1 - tanh(lower * (1 - x) + upper * x)) / 2 +
    end_learning_rate`` with ``x = min(step / decay_steps, 1)``.

    Parameters
    ----------
    initial_learning_rate : float
        The rate that the decay comes from, from 1e-100 to 1e100; with ``lower`` far below 0 that at step 0.
    decay_steps : int or float
        The step at which the decay ends, from 1e-100 to 1e100.
    lower : float, default -7
        The argument of the hyperbolic tangent at step 0, from -300 to 300.
    upper : float, default 3
        Its argument at ``decay_steps`` and from there on, from -300 to 300.
    end_learning_rate : float, default 0
        The rate that the decay tends to, 0 or from 1e-100 to 1e100.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    B.-Y. Hsueh et al., "Stochastic gradient descent with hyperbolic-tangent decay on classification" (2019).  Agrees
    with ``timm.scheduler.TanhLRScheduler``, whose ``lb``, ``ub`` and ``lr_min`` are ``lower``, ``upper`` and
    ``end_learning_rate``, before ``decay_steps``; from there on that has ``lr_min``, while this keeps its last value.
    Values are within 0.8 ulp (`values`: 0.51 ulp) of the true ones.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.TanhDecay(0.1, 100)
    >>> s(0), s(70), s(100), s(101)
    (0.09999991684719724, 0.05, 0.00024726231566347745, 0.00024726231566347745)
    """

    initial_learning_rate: float
    decay_steps: float
    lower: float = field(default=-7.0, kw_only=True)
    upper: float = field(default=3.0, kw_only=True)
    end_learning_rate: float = field(default=0.0, kw_only=True)

    _formula: ClassVar[str] = "tanh_decay"
    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = (
        "write TanhDecay(initial_learning_rate, decay_steps, lower=..., upper=..., end_learning_rate=...)"
    )


@dataclass(frozen=True, repr=False)
class RexDecay(_Decay):
    """Reflected exponential decay: slow at first, and faster the nearer the end.

    ``(initial_learning_rate - end_learning_rate) * (1 - x) / (1 - x / 2) + end_learning_rate`` with ``x = min(step /
    decay_steps, 1)``.

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0, from 1e-100 to 1e100.
    decay_steps : int or float
        The step at which the end rate is reached, from 1e-100 to 1e100.
    end_learning_rate : float, default 0
        The rate at ``decay_steps`` and from there on, 0 or from 1e-100 to 1e100.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    J. Chen, C. Wolfe and A. Kyrillidis, "REX: Revisiting budgeted training with an improved schedule" (2022).
    Values are within 0.8 ulp (`values`: 0.51 ulp) of the true ones.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.RexDecay(0.3, 100)
    >>> s([0, 50, 100, 101])
    array([0.3, 0.2, 0. , 0. ])
    """

    initial_learning_rate: float
    decay_steps: float
    end_learning_rate: float = field(default=0.0, kw_only=True)

    _formula: ClassVar[str] = "rex_decay"
    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = "write RexDecay(initial_learning_rate, decay_steps, end_learning_rate=...)"


@dataclass(frozen=True, repr=False)
class OneMinusSquareRootDecay(_Decay):
    """Decay with the square root of time, steep at first.

    ``(initial_learning_rate - end_learning_rate) * (1 - sqrt(x)) + end_learning_rate`` with ``x = min(step /
    decay_steps, 1)``.

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0, from 1e-100 to 1e100.
    decay_steps : int or float
        The step at which the end rate is reached, from 1e-100 to 1e100.
    end_learning_rate : float, default 0
        The rate at ``decay_steps`` and from there on, 0 or from 1e-100 to 1e100.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    A. Hägele et al., "Scaling laws and compute-optimal training beyond fixed training durations" (2024), where it
    is the decay after a constant rate; so it is in ``transformers.get_wsd_schedule(decay_type="1-sqrt")``.
    Values are within 0.8 ulp (`values`: 0.51 ulp) of the true ones.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.OneMinusSquareRootDecay(0.1, 100)
    >>> s([0, 25, 64, 100, 101])
    array([0.1 , 0.05, 0.02, 0.  , 0.  ])
    """

    initial_learning_rate: float
    decay_steps: float
    end_learning_rate: float = field(default=0.0, kw_only=True)

    _formula: ClassVar[str] = "one_minus_square_root_decay"
    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = (
        "write OneMinusSquareRootDecay(initial_learning_rate, decay_steps, end_learning_rate=...)"
    )


@dataclass(frozen=True, repr=False)
class LinearCosineDecay(_Decay):
    """A falling line times waves of the cosine.

    ``initial_learning_rate * ((alpha + 1 - x) * (1 + cos(2 * pi * num_periods * x)) / 2 + beta)`` with ``x = min(step
    / decay_steps, 1)``.

    Parameters
    ----------
    initial_learning_rate : float
        The rate that everything is multiplied with, from 1e-100 to 1e100.
    decay_steps : int or float
        The step from which on the rate stays the same, from 1e-100 to 1e100.
    num_periods : float, default 0.5
        How many waves there are in ``decay_steps``, 0 or from 0.001 to 1000.
    alpha : float, default 0
        What is added to the falling line, 0 or from 1e-100 to 1e100.
    beta : float, default 0.001
        What is added to line times wave, 0 or from 1e-100 to 1e100.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    I. Bello et al., "Neural optimizer search with reinforcement learning" (2017).  Agrees with
    ``tf.compat.v1.train.linear_cosine_decay``.  Values are within 0.8 ulp
    (`values`: 0.51 ulp) of the true ones.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.LinearCosineDecay(0.1, 1000)
    >>> s([0, 500, 1000, 2000])
    array([1.001e-01, 2.510e-02, 1.000e-04, 1.000e-04])
    """

    initial_learning_rate: float
    decay_steps: float
    num_periods: float = field(default=0.5, kw_only=True)
    alpha: float = field(default=0.0, kw_only=True)
    beta: float = field(default=0.001, kw_only=True)

    _formula: ClassVar[str] = "linear_cosine_decay"
    _positional: ClassVar[int] = 2
    _instead: ClassVar[str] = (
        "write LinearCosineDecay(initial_learning_rate, decay_steps, num_periods=..., alpha=..., beta=...)"
    )

    def _described(self) -> Piecewise:
        line, after = super()._described()
        halves = 2 * Fraction(self.num_periods)
        described: list[Piece] = []
        for number in range(1, max(math.ceil(halves), 1) + 1):
            turn = Fraction(self.decay_steps) * (number / halves if number < halves else 1)
            # The wave falls first; where it rises, it is multiplied with a line that falls.
            described.append(replace(line, end=Breakpoint(turn), turning=number % 2 == 0))
            if number % 2 == 1 and number < halves and self.beta == 0.0:
                # The wave is 0 here; bulk evaluation can't have a zero inside a block.
                described.append(replace(line, end=Breakpoint(turn, after=True), constant=True))
        return (*described, after)
