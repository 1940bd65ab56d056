"""Rates at given steps: constant between them, or along a curve from one to the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from lrdecay_native import validation
from lrdecay_native.arithmetic.scalars import as_point
from lrdecay_native.immutable import immutable, set_fields
from lrdecay_native.messages import shown
from lrdecay_native.piecewise.operations import concatenated
from lrdecay_native.piecewise.pieces import NEVER, Breakpoint, Piecewise
from lrdecay_native.piecewise.transitions import held, transition
from lrdecay_native.schedules.arguments import phase_given, shape_given
from lrdecay_native.schedules.base import Schedule

__all__ = ["MultiStepDecay", "PiecewiseConstant", "PiecewiseInterpolation"]


@immutable
class MultiStepDecay(Schedule):
    """Multiply the rate by a factor at each of some steps.

    ``initial_learning_rate * drop_rate ** n`` with ``n`` boundaries up to ``step``, itself among them.

    Parameters
    ----------
    initial_learning_rate : float
        The rate before the first boundary, from 1e-100 to 1e100.
    boundaries : sequence of int or float
        Steps in ascending order, each 0 or from 1 to 1e100; at one that is there twice the rate drops twice.
    drop_rate : float, default 0.1
        The factor, in (0, 1].

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind, and for boundaries that are not in order.

    Notes
    -----
    Agrees with ``torch.optim.lr_scheduler.MultiStepLR(milestones, gamma)``; timm's ``MultiStepLRScheduler`` drops one
    step earlier.  Rates are the true ones, rounded once.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.MultiStepDecay(0.5, [2, 4], drop_rate=0.5).values(6).tolist()
    [0.5, 0.5, 0.25, 0.25, 0.125, 0.125]
    """

    initial_learning_rate: float
    boundaries: Sequence[float]
    drop_rate: float = field(default=0.1, kw_only=True)

    def __post_init__(self) -> None:
        set_fields(
            self,
            initial_learning_rate=validation.positive("initial_learning_rate", self.initial_learning_rate),
            boundaries=_boundaries(self.boundaries, strictly=False),
            drop_rate=validation.positive("drop_rate", self.drop_rate),
        )
        if self.drop_rate > 1.0:
            raise ValueError(f"drop_rate={self.drop_rate!r} must be a factor in (0, 1]")

    def _described(self) -> Piecewise:
        rate, factor = Fraction(self.initial_learning_rate), Fraction(self.drop_rate)
        ends = [*(Breakpoint(Fraction(boundary)) for boundary in self.boundaries), NEVER]
        return tuple(
            held(as_point(rate * factor**k), end) for k, end in enumerate(ends) if k == 0 or ends[k - 1] < end
        )


@immutable
class PiecewiseConstant(Schedule):
    """A row of constant rates.

    ``learning_rates[n]`` with ``n`` boundaries up to ``step``, itself among them.

    Parameters
    ----------
    boundaries : sequence of int or float
        Steps in strictly ascending order, each 0 or from 1 to 1e100.
    learning_rates : sequence of float
        The rates, each 0 or from 1e-100 to 1e100; one more than there are boundaries.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range, of a wrong kind or of a wrong length, and for boundaries not in order.

    Notes
    -----
    At a boundary the new rate holds, as with torch, optax and fvcore.  Keras's ``PiecewiseConstantDecay`` keeps the
    old one there: its equal for whole steps has each boundary one step later.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.PiecewiseConstant([2, 4], [0.5, 0.25, 0.1]).values(6).tolist()
    [0.5, 0.5, 0.25, 0.25, 0.1, 0.1]
    """

    boundaries: Sequence[float]
    learning_rates: Sequence[float]

    def __post_init__(self) -> None:
        set_fields(
            self,
            boundaries=_boundaries(self.boundaries, strictly=True),
            learning_rates=_rates(self.learning_rates),
        )
        if len(self.learning_rates) != len(self.boundaries) + 1:
            raise ValueError(
                f"learning_rates={self.learning_rates!r} must be {len(self.boundaries) + 1} rates, "
                f"one more than boundaries={self.boundaries!r}"
            )

    def _described(self) -> Piecewise:
        ends = [*(Breakpoint(Fraction(boundary)) for boundary in self.boundaries), NEVER]
        return tuple(held((rate, 0.0), end) for rate, end in zip(self.learning_rates, ends, strict=True))


@immutable
class PiecewiseInterpolation(Schedule):
    """A curve through given rates at given steps.

    ``rate + (next rate - rate) * (step - boundary) / (next boundary - boundary)`` between two boundaries, or along
    half a cosine or exponentially; the first rate before the first boundary, the last one after the last.

    Parameters
    ----------
    boundaries : sequence of int or float
        Steps in strictly ascending order, each 0 or from 1 to 1e100.
    learning_rates : sequence of float
        The rates at them, as many, each 0 or from 1e-100 to 1e100.
    shape : str, default "linear"
        ``"linear"``, ``"cosine"``, ``"1-sqrt"``, ``"exponential"`` (no rate may be 0) or ``"constant"``.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range, of a wrong kind or of a wrong length, and for boundaries not in order.

    Notes
    -----
    Agrees with ``optax.piecewise_interpolate_schedule``, whose rates are given as factors.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.PiecewiseInterpolation([1, 3, 5], [0.0, 1.0, 0.5]).values(7).tolist()
    [0.0, 0.0, 0.5, 1.0, 0.75, 0.5, 0.5]
    """

    boundaries: Sequence[float]
    learning_rates: Sequence[float]
    shape: str = field(default="linear", kw_only=True)

    def __post_init__(self) -> None:
        set_fields(
            self,
            boundaries=_boundaries(self.boundaries, strictly=True),
            learning_rates=_rates(self.learning_rates),
        )
        if len(self.learning_rates) != len(self.boundaries):
            raise ValueError(
                f"learning_rates={self.learning_rates!r} must be {len(self.boundaries)} rates, "
                f"as many as boundaries={self.boundaries!r}"
            )
        set_fields(self, shape=shape_given("shape", self.shape, lambda: self.learning_rates))

    def _described(self) -> Piecewise:
        steps = [Fraction(boundary) for boundary in self.boundaries]
        rates = [(rate, 0.0) for rate in self.learning_rates]
        before = (held(rates[0], Breakpoint(steps[0])),) if steps[0] > 0 else ()
        spans = zip(pairwise(steps), pairwise(rates), strict=True)
        between = (transition(self.shape, end - begin, *ends) for (begin, end), ends in spans)
        return concatenated(before, *between, (held(rates[-1]),))


def _sequence(name: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, (str, bytes)) or not isinstance(value, (Iterable, np.ndarray)):
        raise TypeError(f"{name}={shown(value)} must be a sequence of numbers, not {type(value).__name__}")
    if isinstance(value, np.ma.MaskedArray):
        validation.as_array(name, value)
    items = tuple(value.tolist() if isinstance(value, np.ndarray) else value)
    if not items:
        raise ValueError(f"{name}={shown(value)} must have one number at least")
    return items


def _boundaries(value: Any, *, strictly: bool) -> tuple[int | float, ...]:
    """Steps in ascending order."""
    steps = tuple(
        phase_given(f"boundaries[{k}]", step) for k, step in enumerate(_sequence("boundaries", value))
    )
    for before, behind in pairwise(steps):
        if behind < before or (strictly and behind == before):
            order = "strictly ascending" if strictly else "ascending"
            raise ValueError(f"boundaries={shown(value)} must be {order}: {behind!r} follows {before!r}")
    return steps


def _rates(value: Any) -> tuple[float, ...]:
    rates = _sequence("learning_rates", value)
    return tuple(validation.not_negative(f"learning_rates[{k}]", rate) for k, rate in enumerate(rates))
