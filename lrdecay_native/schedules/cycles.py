"""Schedules that rise and fall again and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace
from fractions import Fraction
from typing import NamedTuple

from lrdecay_native import validation
from lrdecay_native.arithmetic.scalars import as_point
from lrdecay_native.formulas.parameters import LARGEST
from lrdecay_native.immutable import immutable, set_fields
from lrdecay_native.piecewise import operations
from lrdecay_native.piecewise.operations import concatenated
from lrdecay_native.piecewise.pieces import NEVER, Breakpoint, Piece, Piecewise, Repeated
from lrdecay_native.piecewise.transitions import held, transition
from lrdecay_native.schedules.arguments import period_given
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.decays.asymptotic import StepDecay

__all__ = ["CosineAnnealing", "CosineRestarts", "Cyclic"]

FURTHEST_STEP = 2**80
"""Cycles that grow are known up to this step; only a plan that is stretched or shifted gets behind 2**63."""

MOST_HIGHER_CYCLES = 2**13
"""Cycles of which each is higher than the one before: none is like another, and each has its own piece."""


@immutable
class CosineAnnealing(Schedule):
    """A cosine that swings for ever.

    ``end_learning_rate + (initial_learning_rate - end_learning_rate) * (1 + cos(pi * step / half_period)) / 2``

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0 and every ``2 * half_period`` steps, from 1e-100 to 1e100.
    half_period : int or float
        How many steps a swing takes, from 1e-100 to 1e100.
    end_learning_rate : float, default 0
        The rate at the other end of the swing, 0 or from 1e-100 to 1e100.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    Agrees with ``torch.optim.lr_scheduler.CosineAnnealingLR(T_max=half_period, eta_min=end_learning_rate)``, which
    rises again after ``T_max``, and with transformers' ``get_cosine_schedule_with_warmup`` for
    ``half_period = steps / (2 * num_cycles)``; `CosineDecay` stays at its end.
    I. Loshchilov and F. Hutter, "SGDR", 2017.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.CosineAnnealing(1.0, 4)([0, 2, 4, 6, 8])
    array([1. , 0.5, 0. , 0.5, 1. ])
    """

    initial_learning_rate: float
    half_period: float
    end_learning_rate: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        set_fields(
            self,
            initial_learning_rate=validation.positive("initial_learning_rate", self.initial_learning_rate),
            half_period=period_given("half_period", self.half_period),
            end_learning_rate=validation.not_negative("end_learning_rate", self.end_learning_rate),
        )

    def _described(self) -> Piecewise:
        half = Fraction(self.half_period)
        start, end = (self.initial_learning_rate, 0.0), (self.end_learning_rate, 0.0)
        swing = concatenated(transition("cosine", half, start, end), transition("cosine", half, end, start))
        return (Piece(NEVER, (), Repeated(2 * half, swing)),)


@immutable
class CosineRestarts(Schedule):
    """A cosine decay that begins again and again, each time longer.

    ``end_learning_rate + amplitude * (1 + cos(pi * x)) / 2`` where ``x`` goes from 0 to 1 in each cycle. Cycle ``i``,
    from 0, takes ``first_decay_steps * t_mul ** i`` steps; its amplitude is
    ``(initial_learning_rate * peak_mul ** i - end_learning_rate) * m_mul ** i``.

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0, from 1e-100 to 1e100.
    first_decay_steps : int or float
        How many steps the first cycle takes, from 1e-100 to 1e100.
    t_mul : float, default 2
        How many times longer than the one before a cycle is: 1, or from 1.01 to 1e100.
    m_mul : float, default 1
        What the amplitude of a cycle is multiplied with, compared with the one before, from 1e-100; above 1 only
        where no cycle gets above a rate of 1e100 or, falling, below 0, which may need a ``cycle_limit``.
    peak_mul : float, default 1
        What the highest rate of a cycle is multiplied with, from 1e-100 and as ``m_mul``; not both.
    end_learning_rate : float, default 0
        The rate that each cycle ends with, 0 or from 1e-100 to 1e100.
    cycle_limit : int or None, default None
        How many cycles there are; after them the end rate stays.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    Agrees with ``keras.optimizers.schedules.CosineDecayRestarts`` (``alpha = end_learning_rate /
    initial_learning_rate``), torch's ``CosineAnnealingWarmRestarts`` (``m_mul=1``), transformers' hard restarts
    (``t_mul=1``) and timm's ``CosineLRScheduler`` (``t_mul=cycle_mul, peak_mul=cycle_decay``).  At exactly the end of
    a cycle the next one has begun.  Cycles that grow are known up to step 2**80, where only a plan that is shifted
    or stretched gets; the end rate follows.  I. Loshchilov and F. Hutter, "SGDR", 2017.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.CosineRestarts(1.0, 2, m_mul=0.5)
    >>> s([0, 1, 2, 4, 6])
    array([1.  , 0.5 , 0.5 , 0.25, 0.25])
    """

    initial_learning_rate: float
    first_decay_steps: float
    t_mul: float = field(default=2.0, kw_only=True)
    m_mul: float = field(default=1.0, kw_only=True)
    peak_mul: float = field(default=1.0, kw_only=True)
    end_learning_rate: float = field(default=0.0, kw_only=True)
    cycle_limit: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        set_fields(
            self,
            initial_learning_rate=validation.positive("initial_learning_rate", self.initial_learning_rate),
            first_decay_steps=period_given("first_decay_steps", self.first_decay_steps),
            t_mul=validation.positive("t_mul", self.t_mul),
            m_mul=validation.positive("m_mul", self.m_mul),
            peak_mul=validation.positive("peak_mul", self.peak_mul),
            end_learning_rate=validation.not_negative("end_learning_rate", self.end_learning_rate),
            cycle_limit=None
            if self.cycle_limit is None
            else validation.whole("cycle_limit", self.cycle_limit, lowest=1),
        )
        if self.t_mul != 1.0 and self.t_mul < 1.01:
            raise ValueError(f"t_mul={self.t_mul!r} must be 1, or from 1.01")
        if self.m_mul != 1.0 and self.peak_mul != 1.0:
            raise ValueError(f"m_mul={self.m_mul!r} and peak_mul={self.peak_mul!r}: one of them must be 1")
        if self._gets_higher:
            self._refuse_endless_growth()

    @property
    def _gets_higher(self) -> bool:
        return self.m_mul > 1.0 or self.peak_mul > 1.0

    def _refuse_endless_growth(self) -> None:
        name = "m_mul" if self.m_mul > 1.0 else "peak_mul"
        given = f"{name}={getattr(self, name)!r}"
        for number, cycle in enumerate(self._each_cycle()):
            if number == MOST_HIGHER_CYCLES:
                raise ValueError(
                    f"{given} must be up to 1 where there are more than {MOST_HIGHER_CYCLES} cycles; "
                    f"give a cycle_limit of at most {MOST_HIGHER_CYCLES}, or a larger t_mul"
                )
            if not 0 <= cycle.start <= Fraction(LARGEST):
                raise ValueError(
                    f"{given} must be so small that rates stay from 0 to {LARGEST:g}: the cycle from "
                    f"step {float(cycle.begin):g} on would leave them; give a cycle_limit of at most {number}"
                )

    def _described(self) -> Piecewise:
        alike = self.t_mul == 1.0 and not self._gets_higher
        cycles = self._cycles() if alike else self._different_cycles()
        if self.cycle_limit is None or not self._gets_to_the_limit:
            return cycles
        count, growth = self.cycle_limit, Fraction(self.t_mul)
        lengths = count if growth == 1 else (growth**count - 1) / (growth - 1)
        end = Breakpoint(Fraction(self.first_decay_steps) * lengths)
        return (*operations.cut_off(cycles, end), held((self.end_learning_rate, 0.0)))

    @property
    def _gets_to_the_limit(self) -> bool:
        """Whether longer and longer cycles come to their limit before what is further than any plan gets."""
        return self.t_mul == 1.0 or sum(1 for _ in self._each_cycle()) == self.cycle_limit

    def _cycles(self) -> Piecewise:
        """Cycles of one length."""
        length = Fraction(self.first_decay_steps)
        start, end = (self.initial_learning_rate, 0.0), (self.end_learning_rate, 0.0)
        if self.peak_mul == 1.0 or self.end_learning_rate == 0.0:
            fall = transition("cosine", length, start, end)
            gain = self.m_mul * self.peak_mul
            return (Piece(NEVER, (), Repeated(length, fall, gain, Fraction(self.end_learning_rate))),)
        peak = Piece(
            NEVER, (), Repeated(length, transition("cosine", length, start, (0.0, 0.0)), self.peak_mul)
        )
        bottom = Piece(NEVER, (), Repeated(length, transition("cosine", length, (0.0, 0.0), end)))
        return operations.combined("added", (peak,), (bottom,))

    def _each_cycle(self) -> Iterator[_Cycle]:
        """Cycle after cycle, up to where even a stretched plan hardly gets."""
        begin, length = Fraction(0), Fraction(self.first_decay_steps)
        initial, end = Fraction(self.initial_learning_rate), Fraction(self.end_learning_rate)
        peak, gain = Fraction(1), Fraction(1)
        number = 0
        while begin < FURTHEST_STEP and number != self.cycle_limit:
            yield _Cycle(begin, length, end + (initial * peak - end) * gain)
            begin, length = begin + length, _shortened(length * Fraction(self.t_mul))
            peak, gain = _shortened(peak * Fraction(self.peak_mul)), _shortened(gain * Fraction(self.m_mul))
            number += 1

    def _different_cycles(self) -> Piecewise:
        end = as_point(Fraction(self.end_learning_rate))
        falls = (
            operations.delayed(transition("cosine", cycle.length, as_point(cycle.start), end), cycle.begin)
            for cycle in self._each_cycle()
        )
        # Nothing ends there: it is further than any plan gets.
        return (*(piece for fall in falls for piece in fall), replace(held(end), constant=False))


class _Cycle(NamedTuple):
    """A cycle: its first step, how many it has, and its first rate."""

    begin: Fraction
    length: Fraction
    start: Fraction


def _shortened(number: Fraction) -> Fraction:
    """A number to 1024 bits: products of many factors would grow without end."""
    if number.denominator.bit_length() < 1024:
        return number
    return Fraction(round(number * 2**1024), 2**1024)


@immutable
class Cyclic(Schedule):
    """A triangle wave between two rates.

    ``base_learning_rate + (max_learning_rate - base_learning_rate) * height * scale``: the height rises from 0 to 1
    in ``step_size_up`` steps and falls to 0 in ``step_size_down``, again and again. The scale is 1 with mode
    ``"triangular"``, ``0.5 ** cycle`` with ``"triangular2"`` (cycles count from 0) and ``gamma ** step`` with
    ``"exp_range"``.

    Parameters
    ----------
    base_learning_rate : float
        The lowest rate, 0 or from 1e-100 to 1e100.
    max_learning_rate : float
        The highest rate, above it, up to 1e100.
    step_size_up : int or float
        Steps of a rise, from 1e-100 to 1e100.
    step_size_down : int or float, optional
        Steps of a fall, from 1e-100 to 1e100; those of a rise if not given.
    mode : str, default "triangular"
        ``"triangular"``, ``"triangular2"`` or ``"exp_range"``.
    gamma : float, default 1
        The factor per step of ``"exp_range"``, in (0, 1].

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    Agrees with ``torch.optim.lr_scheduler.CyclicLR``.  L. N. Smith, "Cyclical Learning Rates for Training Neural
    Networks", 2017.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.Cyclic(0.0, 1.0, 2, mode="triangular2").values(9).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.25, 0.5, 0.25, 0.0]
    """

    base_learning_rate: float
    max_learning_rate: float
    step_size_up: float
    step_size_down: float | None = field(default=None, kw_only=True)
    mode: str = field(default="triangular", kw_only=True)
    gamma: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        down = self.step_size_down
        set_fields(
            self,
            base_learning_rate=validation.not_negative("base_learning_rate", self.base_learning_rate),
            max_learning_rate=validation.positive("max_learning_rate", self.max_learning_rate),
            step_size_up=period_given("step_size_up", self.step_size_up),
            step_size_down=None if down is None else period_given("step_size_down", down),
            mode=validation.one_of("mode", self.mode, ("triangular", "triangular2", "exp_range")),
            gamma=validation.positive("gamma", self.gamma),
        )
        if self.max_learning_rate <= self.base_learning_rate:
            raise ValueError(
                f"max_learning_rate={self.max_learning_rate!r} must be above "
                f"base_learning_rate={self.base_learning_rate!r}"
            )
        if self.gamma > 1.0 or (self.gamma != 1.0 and self.mode != "exp_range"):
            raise ValueError(
                f"gamma={self.gamma!r} must be a factor in (0, 1], and 1 unless mode is 'exp_range'"
            )

    def _described(self) -> Piecewise:
        base, highest = Fraction(self.base_learning_rate), Fraction(self.max_learning_rate)
        if self.mode == "exp_range":
            decay = StepDecay(1.0, self.gamma, 1, staircase=False)
            wave = self._wave(Fraction(0), highest - base, 1.0)
            return operations.moved(operations.combined("multiplied", wave, decay._pieces), base)
        return self._wave(base, highest, 0.5 if self.mode == "triangular2" else 1.0)

    def _wave(self, base: Fraction, highest: Fraction, gain: float) -> Piecewise:
        up = Fraction(self.step_size_up)
        down = up if self.step_size_down is None else Fraction(self.step_size_down)
        low, high = as_point(base), as_point(highest)
        cycle = concatenated(transition("linear", up, low, high), transition("linear", down, high, low))
        return (Piece(NEVER, (), Repeated(up + down, cycle, gain, base)),)
