"""Known recipes for a whole training: a rise, perhaps a rest, and a fall."""

from __future__ import annotations

import math
from dataclasses import field
from fractions import Fraction

from lrdecay_native import validation
from lrdecay_native.arithmetic.scalars import as_point
from lrdecay_native.evaluation.points.pairs import apply_to_point
from lrdecay_native.immutable import immutable, set_fields
from lrdecay_native.piecewise.operations import concatenated, delayed
from lrdecay_native.piecewise.pieces import NEVER, Breakpoint, Kernel, Piece, Piecewise
from lrdecay_native.piecewise.transitions import held, transition
from lrdecay_native.schedules.arguments import period_given, phase_given, shape_given
from lrdecay_native.schedules.base import Schedule

__all__ = ["NoamDecay", "OneCycle", "WarmupStableDecay"]


@immutable
class WarmupStableDecay(Schedule):
    """Warm up, stay, decay.

    From ``initial_learning_rate`` to ``learning_rate`` in ``warmup_steps`` steps, ``learning_rate`` for
    ``stable_steps``, down to ``end_learning_rate`` in ``decay_steps``, and that from there on.

    With lines on both sides this is the trapezoid; with no warm-up the knee: constant, then linear.

    Parameters
    ----------
    learning_rate : float
        The stable rate, from 1e-100 to 1e100.
    warmup_steps, stable_steps, decay_steps : int or float
        How many steps each phase takes, 0 or from 1 to 1e100.
    initial_learning_rate, end_learning_rate : float, default 0
        The rates before and after, 0 or from 1e-100 to 1e100.
    warmup_shape, decay_shape : str, default "linear"
        ``"linear"``, ``"cosine"``, ``"1-sqrt"``, ``"exponential"`` (the outer rate must not be 0) or ``"constant"``.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    Agrees with transformers' ``get_wsd_schedule``.  A phase of no steps is left out.  The ``"1-sqrt"`` of a rise is
    that of a fall run backwards.  S. Hu et al., "MiniCPM", 2024;
    A. Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations", 2024 (1-sqrt);
    N. Iyer et al., "Wide-minima Density Hypothesis and the Explore-Exploit Learning Rate Schedule", 2020 (the knee).

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.WarmupStableDecay(1.0, 2, 3, 4).values(10).tolist()
    [0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]
    """

    learning_rate: float
    warmup_steps: float
    stable_steps: float
    decay_steps: float
    initial_learning_rate: float = field(default=0.0, kw_only=True)
    end_learning_rate: float = field(default=0.0, kw_only=True)
    warmup_shape: str = field(default="linear", kw_only=True)
    decay_shape: str = field(default="linear", kw_only=True)

    def __post_init__(self) -> None:
        set_fields(
            self,
            learning_rate=validation.positive("learning_rate", self.learning_rate),
            warmup_steps=phase_given("warmup_steps", self.warmup_steps),
            stable_steps=phase_given("stable_steps", self.stable_steps),
            decay_steps=phase_given("decay_steps", self.decay_steps),
            initial_learning_rate=validation.not_negative(
                "initial_learning_rate", self.initial_learning_rate
            ),
            end_learning_rate=validation.not_negative("end_learning_rate", self.end_learning_rate),
        )
        set_fields(
            self,
            warmup_shape=shape_given(
                "warmup_shape", self.warmup_shape, lambda: (self.initial_learning_rate,)
            ),
            decay_shape=shape_given("decay_shape", self.decay_shape, lambda: (self.end_learning_rate,)),
        )

    def _described(self) -> Piecewise:
        before, stable, after = (
            (rate, 0.0) for rate in (self.initial_learning_rate, self.learning_rate, self.end_learning_rate)
        )
        return concatenated(
            transition(self.warmup_shape, Fraction(self.warmup_steps), before, stable),
            transition("constant", Fraction(self.stable_steps), stable, stable),
            transition(self.decay_shape, Fraction(self.decay_steps), stable, after),
            (held(after),),
        )


@immutable
class NoamDecay(Schedule):
    """The schedule of the Transformer: a linear rise, then the inverse square root of the step.

    ``factor * model_size ** -0.5 * min(step ** -0.5, step * warmup_steps ** -1.5)``, and 0 at step 0.

    Parameters
    ----------
    model_size : int or float
        The width of the model, from 1e-100 to 1e100.
    warmup_steps : int or float
        The step at which the rate is highest, from 1 to 1e100.
    factor : float, default 1
        What the rate is multiplied with, from 1e-100 to 1e100.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    A. Vaswani et al., "Attention Is All You Need", 2017.  Its steps count from 1; so do those of fairseq's
    ``inverse_sqrt``, which is this one with ``factor = lr * sqrt(warmup_steps * model_size)``.  T5's
    ``1 / sqrt(max(step, k))`` is the same from step ``k`` on, and constant before.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.NoamDecay(256, 100)([0, 50, 100, 400])
    array([0.      , 0.003125, 0.00625 , 0.003125])
    """

    model_size: float
    warmup_steps: float
    factor: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        validation.positive("warmup_steps", self.warmup_steps)
        set_fields(
            self,
            model_size=period_given("model_size", self.model_size),
            warmup_steps=phase_given("warmup_steps", self.warmup_steps),
            factor=validation.positive("factor", self.factor),
        )

    def _described(self) -> Piecewise:
        scale = Fraction(self.factor) * _power(self.model_size, -0.5)
        peak = as_point(scale * _power(self.warmup_steps, -0.5))
        rise = transition("linear", Fraction(self.warmup_steps), (0.0, 0.0), peak)
        return (*rise, Piece(NEVER, (), Kernel("powered", (-0.5, 0.0)), factor=scale))


def _power(base: float, exponent: float) -> Fraction:
    """A power to about 2**-70."""
    high, low = apply_to_point("powered", (float(base), 0.0), exponent, 0.0)
    return Fraction(high) + Fraction(low)


@immutable
class OneCycle(Schedule):
    """One rise and one fall, for super-convergence.

    From ``max_learning_rate / div_factor`` up to ``max_learning_rate``, and down to
    ``max_learning_rate / div_factor / final_div_factor``, which stays; each along half a cosine or a line.

    Parameters
    ----------
    max_learning_rate : float
        The highest rate, from 1e-100 to 1e100.
    total_steps : int
        How many steps all phases take, at least 2.
    pct_start : float, default 0.3
        The part of them that the rise takes, from 0 to 1.
    anneal_strategy : str, default "cos"
        ``"cos"`` or ``"linear"``.
    three_phase : bool, default False
        Whether the fall first mirrors the rise, down to the first rate, and then takes what is left of the steps.
    div_factor : float, default 25
        The highest rate over the first one, from 1e-100 to 1e100.
    final_div_factor : float, default 1e4
        The first rate over the last one, from 1e-100 to 1e100.
    end_at_last_step : bool, default True
        Whether the last rate is reached at step ``total_steps - 1``, and each phase ends a step earlier than its part
        of all steps says (torch's rule); if not, it is reached at step ``total_steps``, and the rise takes a whole
        number of steps (optax's).

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    Agrees with ``torch.optim.lr_scheduler.OneCycleLR``, which rises again behind its last step, then raises an error,
    and raises one for a rise of one step, and with ``optax.cosine_onecycle_schedule``, which leaves the rise out
    where that takes all steps.  With a ``pct_start`` of 1 there is no fall: by torch's rule the last step has the
    highest rate, and the next one the end rate.  L. N. Smith and N. Topin, "Super-Convergence", 2018.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.OneCycle(1.0, 11, pct_start=0.5, anneal_strategy="linear", div_factor=10, end_at_last_step=False)
    >>> s(0), s(5), s(8), s(11)
    (0.1, 1.0, 0.500005, 1e-05)
    """

    max_learning_rate: float
    total_steps: int
    pct_start: float = field(default=0.3, kw_only=True)
    anneal_strategy: str = field(default="cos", kw_only=True)
    three_phase: bool = field(default=False, kw_only=True)
    div_factor: float = field(default=25.0, kw_only=True)
    final_div_factor: float = field(default=1e4, kw_only=True)
    end_at_last_step: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        set_fields(
            self,
            max_learning_rate=validation.positive("max_learning_rate", self.max_learning_rate),
            total_steps=validation.whole("total_steps", self.total_steps, lowest=2),
            pct_start=validation.real("pct_start", self.pct_start),
            anneal_strategy=validation.one_of("anneal_strategy", self.anneal_strategy, ("cos", "linear")),
            three_phase=validation.flag("three_phase", self.three_phase),
            div_factor=validation.positive("div_factor", self.div_factor),
            final_div_factor=validation.positive("final_div_factor", self.final_div_factor),
            end_at_last_step=validation.flag("end_at_last_step", self.end_at_last_step),
        )
        if not 0.0 <= self.pct_start <= (0.5 if self.three_phase else 1.0):
            highest = "0.5, as three_phase has the rise twice" if self.three_phase else "1"
            raise ValueError(f"pct_start={self.pct_start!r} must be from 0 to {highest}")

    def _described(self) -> Piecewise:
        shape = {"cos": "cosine", "linear": "linear"}[self.anneal_strategy]
        highest = Fraction(self.max_learning_rate)
        first = highest / Fraction(self.div_factor)
        start, peak, end = map(as_point, (first, highest, first / Fraction(self.final_div_factor)))
        rise, mirrored, last = self._ends()
        # Torch may have phases end before step 0, and then the fall that mirrors the rise before the rise.
        before = transition(shape, max(rise, Fraction(0)), start, peak)
        if self.three_phase:
            before = (
                *before,
                *delayed(transition(shape, max(mirrored - rise, Fraction(0)), peak, start), rise),
            )
        elif rise == last and self.end_at_last_step:
            # There is no fall, and the last of the steps has what the rise aims at.
            return (*before, held(peak, Breakpoint(rise, after=True)), held(end))
        fall = transition(shape, last - mirrored, start if self.three_phase else peak, end)
        return (*before, *delayed(concatenated(fall, (held(end),)), mirrored))

    def _ends(self) -> tuple[Fraction, Fraction, Fraction]:
        """The steps at which the rise, the fall that mirrors it, if any, and the last phase end."""
        total, part = Fraction(self.total_steps), Fraction(self.pct_start * self.total_steps)
        if self.end_at_last_step:
            return part - 1, 2 * part - 2 if self.three_phase else part - 1, total - 1
        rise = Fraction(math.floor(part))
        return rise, 2 * rise if self.three_phase else rise, total
