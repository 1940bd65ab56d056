"""Single formulas that get to an end, from which on the rate stays."""

from __future__ import annotations

import math
from dataclasses import field, replace
from fractions import Fraction
from typing import ClassVar

from lrdecay_native.evaluation.points.decay_functions import kernel
from lrdecay_native.immutable import immutable
from lrdecay_native.piecewise.pieces import Breakpoint, Kernel, Piece, Piecewise
from lrdecay_native.schedules.decays.single_formula import _Decay

__all__ = [
    "CosineDecay",
    "LinearCosineDecay",
    "LinearDecay",
    "OneMinusSquareRootDecay",
    "PolynomialDecay",
    "RexDecay",
    "TanhDecay",
    "cosine_decay",
    "linear_cosine_decay",
    "linear_decay",
    "one_minus_square_root_decay",
    "polynomial_decay",
    "rex_decay",
    "tanh_decay",
]

polynomial_decay = kernel("polynomial_decay")
linear_decay = kernel("linear_decay")
cosine_decay = kernel("cosine_decay")
tanh_decay = kernel("tanh_decay")
rex_decay = kernel("rex_decay")
one_minus_square_root_decay = kernel("one_minus_square_root_decay")
linear_cosine_decay = kernel("linear_cosine_decay")


@immutable
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
    _remark: ClassVar[str] = (
        "; the third of Keras's PolynomialDecay(initial, decay_steps, end_learning_rate, power, cycle) is not the "
        "power, so name them"
    )

    @property
    def _time_map(self) -> str:
        return "cyclic" if self.cycle else "clamped"


@immutable
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

    def _described(self) -> Piecewise:
        described = super()._described()
        if self.initial_learning_rate == self.end_learning_rate:
            return (replace(described[-1], constant=True),)
        if self.initial_learning_rate > 0.0:
            return described
        # Bulk evaluation can't have a zero inside a block.
        return (replace(described[0], end=Breakpoint(Fraction(0), after=True), constant=True), *described)


@immutable
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


@immutable
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


@immutable
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


@immutable
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


@immutable
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

    def _described(self) -> Piecewise:
        line, after = super()._described()
        curve = line.curve
        assert isinstance(curve, Kernel)
        halves = 2 * Fraction(self.num_periods)
        described: list[Piece] = []
        for number in range(1, max(math.ceil(halves), 1) + 1):
            turn = Fraction(self.decay_steps) * (number / halves if number < halves else 1)
            # The wave falls first; where it rises, it is multiplied with a line that falls.
            described.append(
                replace(line, end=Breakpoint(turn), curve=replace(curve, turning=number % 2 == 0))
            )
            if number % 2 == 1 and number < halves and self.beta == 0.0:
                # The wave is 0 here; bulk evaluation can't have a zero inside a block.
                described.append(replace(line, end=Breakpoint(turn, after=True), constant=True))
        return (*described, after)
