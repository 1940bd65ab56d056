"""Keras's own schedule classes, with this library's schedules in them.

A program moves over by one line: ``from keras.optimizers import schedules`` becomes
``from lrdecay_native.keras import schedules``, or ``from keras.optimizers.schedules import CosineDecay`` becomes
``from lrdecay_native.keras.schedules import CosineDecay``.  Each class takes what Keras's takes, but for rates
that grow or are out of this library's ranges (a ValueError), has its attributes and its configuration, and gives its
rates bit for bit where they are right (see `lrdecay_native.keras.KerasSchedule`).  It adds ``schedule``, the native
schedule: its values for plots and logs, its ``sum``, its compositions.

Rates are float32.  Keras's are float64 where the initial rate is, and whole numbers where it is an integer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras.optimizers.schedules import LearningRateSchedule, deserialize, serialize

from lrdecay_native.keras.conversion import from_keras
from lrdecay_native.keras.learning_rates import KerasSchedule
from lrdecay_native.keras.registration import registered

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

builtins = keras.optimizers.schedules


class _DropIn(KerasSchedule):
    """A schedule under the name, the arguments and the attributes of one of Keras's own classes."""

    _builtin: LearningRateSchedule | None = None

    def _become(self, builtin: LearningRateSchedule) -> None:
        super().__init__(from_keras(builtin))
        self.__dict__.update(vars(builtin), _builtin=builtin)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._builtin is not None and name in vars(self._builtin):
            raise AttributeError(
                f"{name}={value!r} would change no rate of {self!r}; make another {type(self).__name__}"
            )
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, as Keras's class does."""
        assert self._builtin is not None
        config: dict[str, Any] = self._builtin.get_config()
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> KerasSchedule:
        """Make the schedule anew from what `get_config` returned, here or of Keras's class."""
        return cls(**config)


@registered
class ExponentialDecay(_DropIn):
    """A rate that is multiplied by a factor every so many steps; Keras's arguments.

    ``initial_learning_rate * decay_rate ** (step / decay_steps)``, with the floor of the quotient if ``staircase``.

    ``schedule`` holds a `lrdecay_native.StepDecay`.

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0, from 1e-100 to 1e100.
    decay_steps : int or float
        Steps per factor, from 1e-100 to 1e100.
    decay_rate : float
        The factor, in (0, 1].
    staircase : bool, default False
        Whether the rate changes only at whole multiples of ``decay_steps``.
    name : str, default "ExponentialDecay"
        A name for graphs and configurations.

    Raises
    ------
    ValueError
        Where Keras's class refuses a parameter, and where this library does: see that native schedule.
    TypeError
        For a parameter that isn't a number.

    Notes
    -----
    The formula of ``keras.optimizers.schedules.ExponentialDecay``.  `lrdecay_native.ExponentialDecay` is another one.

    Examples
    --------
    >>> from lrdecay_native.keras import schedules
    >>> rate = schedules.ExponentialDecay(0.1, decay_steps=1000, decay_rate=0.96, staircase=True)
    >>> float(rate(28_125)), rate.schedule(28_125)
    (0.031885575503110886, 0.031885594968609536)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self._become(
            builtins.ExponentialDecay(
                initial_learning_rate=initial_learning_rate,
                decay_steps=decay_steps,
                decay_rate=decay_rate,
                staircase=staircase,
                name=name,
            )
        )


@registered
class PiecewiseConstantDecay(_DropIn):
    """A row of constant rates; Keras's arguments.

    ``values[n]`` with ``n`` boundaries below ``step``: at a boundary the old rate still holds.

    ``schedule`` holds a `lrdecay_native.PiecewiseConstant`, whose whole boundaries are one higher.

    Parameters
    ----------
    boundaries : sequence of int or float
        Steps in strictly ascending order, from -1.
    values : sequence of float
        The rates, each 0 or from 1e-100 to 1e100; one more than there are boundaries.
    name : str, default "PiecewiseConstant"
        A name for graphs and configurations.

    Raises
    ------
    ValueError
        Where Keras's class refuses a parameter, and where this library does: see that native schedule.
    TypeError
        For a parameter that isn't a number.

    Notes
    -----
    The rates of ``keras.optimizers.schedules.PiecewiseConstantDecay``.

    Examples
    --------
    >>> from lrdecay_native.keras import schedules
    >>> rate = schedules.PiecewiseConstantDecay([100, 200], [0.5, 0.25, 0.125])
    >>> float(rate(100)), float(rate(101))
    (0.5, 0.25)
    """

    def __init__(
        self,
        boundaries: Sequence[float],
        values: Sequence[float],
        name: str = "PiecewiseConstant",
    ) -> None:
        self._become(builtins.PiecewiseConstantDecay(boundaries=boundaries, values=values, name=name))


@registered
class PolynomialDecay(_DropIn):
    """Polynomial decay to an end rate; Keras's arguments.

    ``(initial_learning_rate - end_learning_rate) * (1 - step / decay_steps) ** power + end_learning_rate`` up to
    ``decay_steps``; with ``cycle``, the first multiple of it that is not below ``step`` stands in its place.

    ``schedule`` holds a `lrdecay_native.PolynomialDecay`.

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0, from 1e-100 to 1e100.
    decay_steps : int or float
        The step at which the end rate is reached, from 1e-100 to 1e100.
    end_learning_rate : float, default 0.0001
        The rate there and, without ``cycle``, from there on; 0 or from 1e-100 to 1e100.
    power : float, default 1
        The exponent, 0 or from 1e-100 to 1e100.
    cycle : bool, default False
        Whether to begin again after the end.
    name : str, default "PolynomialDecay"
        A name for graphs and configurations.

    Raises
    ------
    ValueError
        Where Keras's class refuses a parameter, and where this library does: see that native schedule.
    TypeError
        For a parameter that isn't a number.

    Notes
    -----
    The formula of ``keras.optimizers.schedules.PolynomialDecay``, which on XLA may be NaN at ``decay_steps``
    where ``power`` is no whole number; this one isn't.

    Examples
    --------
    >>> from lrdecay_native.keras import schedules
    >>> rate = schedules.PolynomialDecay(0.5, 100, end_learning_rate=0.25)
    >>> float(rate(50)), float(rate(100)), float(rate(101))
    (0.375, 0.25, 0.25)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self._become(
            builtins.PolynomialDecay(
                initial_learning_rate=initial_learning_rate,
                decay_steps=decay_steps,
                end_learning_rate=end_learning_rate,
                power=power,
                cycle=cycle,
                name=name,
            )
        )


@registered
class InverseTimeDecay(_DropIn):
    """Decay with the inverse of time; Keras's arguments.

    ``initial_learning_rate / (1 + decay_rate * step / decay_steps)``, with ``floor(step / decay_steps)`` if
    ``staircase``.

    ``schedule`` holds a `lrdecay_native.InverseTimeDecay`.

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0, from 1e-100 to 1e100.
    decay_steps : int or float
        The unit of time in steps, from 1e-100 to 1e100.
    decay_rate : float
        The growth of the divisor per ``decay_steps`` steps, 0 or from 1e-100 to 1e100.
    staircase : bool, default False
        Whether the rate changes only at whole multiples of ``decay_steps``.
    name : str, default "InverseTimeDecay"
        A name for graphs and configurations.

    Raises
    ------
    ValueError
        Where Keras's class refuses a parameter, and where this library does: see that native schedule.
    TypeError
        For a parameter that isn't a number.

    Notes
    -----
    The formula of ``keras.optimizers.schedules.InverseTimeDecay``.

    Examples
    --------
    >>> from lrdecay_native.keras import schedules
    >>> rate = schedules.InverseTimeDecay(0.5, decay_steps=10, decay_rate=1.0)
    >>> float(rate(10)), float(rate(30))
    (0.25, 0.125)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self._become(
            builtins.InverseTimeDecay(
                initial_learning_rate=initial_learning_rate,
                decay_steps=decay_steps,
                decay_rate=decay_rate,
                staircase=staircase,
                name=name,
            )
        )


@registered
class CosineDecay(_DropIn):
    """Half a wave of the cosine, perhaps after a linear warm-up; Keras's arguments.

    ``initial_learning_rate * ((1 - alpha) * (1 + cos(pi * x)) / 2 + alpha)`` with ``x = min(step / decay_steps, 1)``.
    With a ``warmup_target`` the rate first rises to it on a line, in ``warmup_steps`` steps, and decays from it.

    ``schedule`` holds a `lrdecay_native.CosineDecay`, or its ``warmup``.

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0, from 1e-100 to 1e100; with a ``warmup_target`` also 0.
    decay_steps : int or float
        How many steps the decay takes, from 1e-100 to 1e100.
    alpha : float, default 0
        The end rate as a fraction of the rate that the decay begins with.
    name : str, default "CosineDecay"
        A name for graphs and configurations.
    warmup_target : float, optional
        The rate that the warm-up ends with, from 1e-100 to 1e100.
    warmup_steps : int or float, default 0
        How many steps the warm-up takes, 0 or from 1e-100 to 1e100.

    Raises
    ------
    ValueError
        Where Keras's class refuses a parameter, and where this library does: see that native schedule.
    TypeError
        For a parameter that isn't a number.

    Notes
    -----
    The formula of ``keras.optimizers.schedules.CosineDecay``.

    Examples
    --------
    >>> from lrdecay_native.keras import schedules
    >>> rate = schedules.CosineDecay(0.0, 900, alpha=0.25, warmup_target=0.5, warmup_steps=100)
    >>> float(rate(50)), float(rate(100)), float(rate(1000))
    (0.25, 0.5, 0.125)
    >>> rate.schedule
    Warmup(CosineDecay(0.5, decay_steps=900, end_learning_rate=0.125, exponent=1.0), steps=100, ...)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self._become(
            builtins.CosineDecay(
                initial_learning_rate=initial_learning_rate,
                decay_steps=decay_steps,
                alpha=alpha,
                name=name,
                warmup_target=warmup_target,
                warmup_steps=warmup_steps,
            )
        )


@registered
class CosineDecayRestarts(_DropIn):
    """A cosine decay that begins again and again; Keras's arguments.

    ``initial_learning_rate * ((1 - alpha) * m_mul ** i * (1 + cos(pi * x)) / 2 + alpha)`` where ``x`` goes from 0 to
    1 in each cycle; cycle ``i``, from 0, takes ``first_decay_steps * t_mul ** i`` steps.

    ``schedule`` holds a `lrdecay_native.CosineRestarts`.

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0, from 1e-100 to 1e100.
    first_decay_steps : int or float
        How many steps the first cycle takes, from 1e-100 to 1e100.
    t_mul : float, default 2
        How many times longer than the one before a cycle is: 1, or from 1.01 to 1e100.
    m_mul : float, default 1
        How many times higher than the one before a cycle is; above 1 only where no rate gets above 1e100.
    alpha : float, default 0
        The end rate as a fraction of the initial one.
    name : str, default "SGDRDecay"
        A name for graphs and configurations.

    Raises
    ------
    ValueError
        Where Keras's class refuses a parameter, and where this library does: see that native schedule.
    TypeError
        For a parameter that isn't a number.

    Notes
    -----
    The formula of ``keras.optimizers.schedules.CosineDecayRestarts``, which finds the cycle by float32 logarithms: a
    cycle may begin a step late there, and the place in a late one is coarse.  Here both are right.

    Examples
    --------
    >>> from lrdecay_native.keras import schedules
    >>> rate = schedules.CosineDecayRestarts(0.5, 100, m_mul=0.5)
    >>> float(rate(0)), float(rate(50)), rate.schedule(50)
    (0.5, 0.2499999850988388, 0.25)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self._become(
            builtins.CosineDecayRestarts(
                initial_learning_rate=initial_learning_rate,
                first_decay_steps=first_decay_steps,
                t_mul=t_mul,
                m_mul=m_mul,
                alpha=alpha,
                name=name,
            )
        )
