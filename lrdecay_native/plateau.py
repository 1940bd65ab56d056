"""Reduce the rate when a metric stops improving."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from typing import Any, SupportsFloat

import numpy as np

from lrdecay_native import validation
from lrdecay_native.evaluation.segments.enclosures import enclosure_of
from lrdecay_native.formulas.parameters import SMALLEST
from lrdecay_native.formulas.synonyms import known_by_name
from lrdecay_native.messages import depth_of_json, short_messages, shown
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.nested import schedule_given
from lrdecay_native.schedules.serialisation import from_dict

VERSION = 1
"""The version of the state of a controller."""

LARGEST = sys.float_info.max

_MODES = ("min", "max")
_THRESHOLD_MODES = ("relative", "absolute", "torch_rel")
_PARAMETERS = (
    "mode",
    "drop_rate",
    "patience",
    "cooldown",
    "threshold",
    "threshold_mode",
    "min_learning_rate",
    "least_reduction",
    "first_is_best",
)
_PROGRESS = ("factor", "best", "bad_evaluations", "cooldown_left")


class ReduceOnPlateau:
    """A controller that reduces a schedule's rate when a metric stops improving.

    Its rate is ``max(schedule(step) * factor, min_learning_rate)``, but never above ``schedule(step)``.  The factor
    is 1 at first; each reduction multiplies it by ``drop_rate``.  The controller is told the metric of each
    evaluation by `update`; it is the only object of this package that changes.

    Parameters
    ----------
    schedule : Schedule
        The rate before any reduction.
    mode : {"min", "max"}, default "min"
        Whether a lower or a higher metric is better.
    drop_rate : float, default 0.1
        The factor of one reduction, from 1e-100 to below 1.
    patience : int, default 10
        How many evaluations without improvement are tolerated, one after another; the next one reduces the rate.
    cooldown : int, default 0
        How many evaluations after a reduction are not counted.
    threshold : float, default 0
        By how much a metric must be better than the best one to be an improvement; below 1 if it is relative.
    threshold_mode : {"relative", "absolute", "torch_rel"}, default "relative"
        Whether the threshold is a part of the best metric's size, or a difference from it.  "torch_rel" is torch's
        "rel", which is "relative" for metrics from 0 on; where the best metric is below 0, it takes for better what
        is worse by up to the threshold.
    min_learning_rate : float, default 0
        The least rate that reductions lead to, 0 or from 1e-100 to 1e100.  Where the schedule is lower, so is the
        rate.
    least_reduction : float, default 0
        A reduction that would change the rate by no more than this is not made; 0 or from 1e-100 to 1e100.
    first_is_best : bool, default False
        Whether the first metric is taken as the best one, even if it is NaN or infinitely bad.

    Attributes
    ----------
    factor : float
        The product of all reductions so far.
    best : float or None
        The best metric so far; None at first.
    bad_evaluations : int
        Evaluations without improvement since the last improvement, reduction or cooldown.
    cooldown_left : int
        Evaluations that are still not counted.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    See Also
    --------
    ReduceOnPlateau.like_keras, ReduceOnPlateau.like_torch : With the parameters of those frameworks.

    Notes
    -----
    NaN is never an improvement, as in Keras and torch: training that diverges is reduced.  A factor below 1e-100
    is not made.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> from lrdecay_native.plateau import ReduceOnPlateau
    >>> plateau = ReduceOnPlateau(lrd.ExponentialDecay(0.1, 0.0), drop_rate=0.5, patience=1)
    >>> [plateau.update(loss) for loss in (3.0, 2.0, 2.5, 2.5, 1.0)]
    [False, False, False, True, False]
    >>> plateau.learning_rate(1000)
    0.05
    """

    @known_by_name
    def __init__(
        self,
        schedule: Schedule,
        *,
        mode: str = "min",
        drop_rate: float = 0.1,
        patience: int = 10,
        cooldown: int = 0,
        threshold: float = 0.0,
        threshold_mode: str = "relative",
        min_learning_rate: float = 0.0,
        least_reduction: float = 0.0,
        first_is_best: bool = False,
    ) -> None:
        self._schedule = schedule_given("schedule", schedule)
        self._mode = validation.one_of("mode", mode, _MODES)
        self._drop_rate = _drop_rate_given("drop_rate", drop_rate)
        self._patience = validation.whole("patience", patience)
        self._cooldown = validation.whole("cooldown", cooldown)
        self._threshold_mode = validation.one_of("threshold_mode", threshold_mode, _THRESHOLD_MODES)
        self._threshold = validation.real("threshold", threshold)
        if self._threshold < 0 or (self._threshold >= 1 and threshold_mode != "absolute"):
            raise ValueError(
                f"threshold={shown(threshold)} must be at least 0, and below 1 if it is relative"
            )
        self._min_learning_rate = validation.not_negative("min_learning_rate", min_learning_rate)
        self._least_reduction = validation.not_negative("least_reduction", least_reduction)
        self._first_is_best = validation.flag("first_is_best", first_is_best)
        self.factor = 1.0
        self.best: float | None = None
        self.bad_evaluations = 0
        self.cooldown_left = 0
        self._schedule_now = self._reduced_by(self.factor)

    @classmethod
    @known_by_name
    def like_keras(
        cls,
        schedule: Schedule,
        *,
        factor: float = 0.1,
        patience: int = 10,
        mode: str = "min",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> ReduceOnPlateau:
        """A controller that reduces when ``keras.callbacks.ReduceLROnPlateau`` does.

        Parameters
        ----------
        schedule : Schedule
            The rate before any reduction; a constant one is what Keras has.
        factor : float, default 0.1
            ``drop_rate``.
        patience : int, default 10
            The rate is reduced at this many evaluations without improvement: one less is tolerated, none with 0.
        mode : {"min", "max"}, default "min"
            As in Keras, whose "auto" is "min" for a loss.
        min_delta : float, default 1e-4
            An absolute threshold; its sign doesn't matter.
        cooldown : int, default 0
            The last evaluation of Keras's cooldown is counted: one less is not counted here.
        min_lr : float, default 0
            ``min_learning_rate``.

        Returns
        -------
        ReduceOnPlateau
            The controller.

        Raises
        ------
        ValueError, TypeError
            For a parameter outside its range or of a wrong kind.

        Notes
        -----
        Keras compares metrics in float32 and keeps the rate in its float type, while all is float64 here.  Its
        first metric is the best so far even if it is NaN, after which nothing is an improvement any more.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> from lrdecay_native.plateau import ReduceOnPlateau
        >>> plateau = ReduceOnPlateau.like_keras(lrd.ExponentialDecay(0.1, 0.0), factor=0.5, patience=2)
        >>> [plateau.update(loss) for loss in (3.0, 3.0, 3.0, 3.0, 3.0)]
        [False, False, True, False, True]
        """
        kept = validation.whole("patience", patience)
        cooling = validation.whole("cooldown", cooldown)
        return cls(
            schedule,
            mode=mode,
            drop_rate=_drop_rate_given("factor", factor),
            patience=max(kept - 1, 0),
            cooldown=max(cooling - 1, 0),
            threshold=abs(validation.real("min_delta", min_delta)),
            threshold_mode="absolute",
            min_learning_rate=validation.not_negative("min_lr", min_lr),
            first_is_best=True,
        )

    @classmethod
    @known_by_name
    def like_torch(
        cls,
        schedule: Schedule,
        *,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> ReduceOnPlateau:
        """A controller that reduces when ``torch.optim.lr_scheduler.ReduceLROnPlateau`` does.

        Parameters
        ----------
        schedule : Schedule
            The rate before any reduction; a constant one is what torch has.
        mode : {"min", "max"}, default "min"
            As in torch.
        factor : float, default 0.1
            ``drop_rate``.
        patience : int, default 10
            Evaluations without improvement that are tolerated.
        threshold : float, default 1e-4
            The threshold.
        threshold_mode : {"rel", "abs"}, default "rel"
            Whether the threshold is relative or absolute.
        cooldown : int, default 0
            Evaluations after a reduction that are not counted.
        min_lr : float, default 0
            ``min_learning_rate``.
        eps : float, default 1e-8
            ``least_reduction``; `update` needs the step if it is not 0.

        Returns
        -------
        ReduceOnPlateau
            The controller.

        Raises
        ------
        ValueError, TypeError
            For a parameter outside its range or of a wrong kind.

        Notes
        -----
        Torch's "rel" compares with ``best * (1 - threshold)`` (``1 + threshold`` for "max"), which for a best metric
        below 0, such as a log-likelihood, is on the wrong side of it: the same metric again counts as better, and
        the rate is never reduced.  This is kept here; with ``threshold_mode="abs"``, or by `ReduceOnPlateau` itself,
        such metrics are compared as they should be.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> from lrdecay_native.plateau import ReduceOnPlateau
        >>> plateau = ReduceOnPlateau.like_torch(lrd.ExponentialDecay(0.1, 0.0), factor=0.5, patience=2)
        >>> [plateau.update(loss, step) for step, loss in enumerate([3.0, 3.0, 3.0, 3.0, 3.0])]
        [False, False, False, True, False]
        """
        modes = {"rel": "torch_rel", "abs": "absolute"}
        return cls(
            schedule,
            mode=mode,
            drop_rate=_drop_rate_given("factor", factor),
            patience=patience,
            cooldown=cooldown,
            threshold=threshold,
            threshold_mode=modes[validation.one_of("threshold_mode", threshold_mode, tuple(modes))],
            min_learning_rate=validation.not_negative("min_lr", min_lr),
            least_reduction=validation.not_negative("eps", eps),
        )

    @property
    def schedule(self) -> Schedule:
        """The schedule before any reduction."""
        return self._schedule

    @property
    def schedule_now(self) -> Schedule:
        """The schedule as reduced so far: immutable, it does not change with the next update.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> from lrdecay_native.plateau import ReduceOnPlateau
        >>> plateau = ReduceOnPlateau(lrd.InverseTimeDecay(0.1, 1.0), patience=0, min_learning_rate=1e-3)
        >>> plateau.update(1.0), plateau.update(1.0)
        (False, True)
        >>> plateau.schedule_now.values(3)
        array([0.01      , 0.005     , 0.00333333])
        """
        return self._schedule_now

    def learning_rate(self, step: Any) -> Any:
        """The rate at a step or steps, as reduced so far.

        Parameters
        ----------
        step : int, float or array_like
            Steps from 0 to below 2**63.

        Returns
        -------
        float or ndarray of float64
            ``max(schedule(step) * factor, min_learning_rate)``, or ``schedule(step)`` where that is lower.

        Raises
        ------
        ValueError, TypeError
            As a schedule does.
        """
        return self._schedule_now(step)

    def update(self, metric: SupportsFloat, step: float | None = None) -> bool:
        """Take the metric of one evaluation.

        Parameters
        ----------
        metric : float
            The metric; NaN and infinities are allowed.
        step : int or float, optional
            The step of the evaluation.  A reduction that would not change the rate there, or by no more than
            ``least_reduction``, is not made.  Needed if ``least_reduction`` is not 0; else, without it, each
            reduction that is due is made.

        Returns
        -------
        bool
            Whether the rate was reduced.

        Raises
        ------
        ValueError, TypeError
            For a metric that is no number, for a step that is none, and for a missing step.  Nothing has
            changed then.
        """
        current = _metric_given(metric)
        if step is not None:
            validation.real("step", step)
            validation.step("step", step)
        if step is None and self._least_reduction > 0:
            raise ValueError(
                f"step=None must be given, as least_reduction={self._least_reduction!r} (eps) compares rates: "
                "write update(metric, step), or make the controller with 0 in its place"
            )
        improves = self._improves(current)
        bad_evaluations = 0 if improves or self.cooldown_left else self.bad_evaluations + 1
        due = bad_evaluations > self._patience
        following = self.factor * self._drop_rate
        reduces = due and following >= SMALLEST and self._changes_rate(following, step)
        if reduces:
            self._schedule_now = self._reduced_by(following)
            self.factor = following
        if improves:
            self.best = current
        self.bad_evaluations = 0 if due else bad_evaluations
        self.cooldown_left = self._cooldown if due else max(self.cooldown_left - 1, 0)
        return reduces

    def _improves(self, metric: float) -> bool:
        best = self.best
        if best is None:
            # NaN is not, as no comparison with it holds.
            return self._first_is_best or (metric < math.inf if self._mode == "min" else metric > -math.inf)
        return metric < self._bound(best) if self._mode == "min" else metric > self._bound(best)

    def _bound(self, best: float) -> float:
        """What a metric must be better than to be an improvement."""
        threshold = self._threshold if self._mode == "max" else -self._threshold
        if self._threshold_mode == "torch_rel":
            return best * (1.0 + threshold)
        if self._threshold_mode == "absolute":
            bound = best + threshold
        else:
            # A part of the metric's size: below 0, a factor below 1 is the one that leads to higher metrics.
            bound = best * (1.0 + math.copysign(1.0, best) * threshold)
        # An infinite metric is better than any finite one, also where the bound overflows.
        return min(max(bound, -LARGEST), LARGEST) if math.isfinite(best) else bound

    def _changes_rate(self, factor: float, step: float | None) -> bool:
        if step is None:
            return True
        change = self._schedule_now(step) - self._reduced_by(factor)(step)
        return bool(change > self._least_reduction)

    def _reduced_by(self, factor: float) -> Schedule:
        schedule, least = self._schedule, self._min_learning_rate
        if factor == 1.0:
            return schedule
        reduced = schedule.scaled(factor)
        if least == 0.0:
            return reduced
        bounds = enclosure_of(schedule._pieces)
        if bounds.highest[0] <= least:
            return schedule
        clipped = reduced.clipped(lowest=least)
        # Where the schedule is lower than the least rate: the second factor is below 1 only there.
        return (
            clipped
            if bounds.lowest[0] >= least
            else clipped * schedule.scaled(1.0 / least).clipped(highest=1.0)
        )

    def __repr__(self) -> str:
        named = [f"{name}={getattr(self, '_' + name)!r}" for name in _PARAMETERS]
        return f"ReduceOnPlateau({', '.join([repr(self._schedule), *named])})"

    def state(self) -> dict[str, Any]:
        """All that the controller holds, as a dictionary of JSON's types.

        Returns
        -------
        dict
            Version, class, the schedule's dictionary, parameters and progress; `from_state` reads it back.  A
            best metric that JSON can't hold is the text "nan", "inf" or "-inf".

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> from lrdecay_native.plateau import ReduceOnPlateau
        >>> plateau = ReduceOnPlateau(lrd.ExponentialDecay(0.5, 0.0), patience=0, drop_rate=0.5)
        >>> plateau.update(1.0), plateau.update(1.0)
        (False, True)
        >>> state = plateau.state()
        >>> state["factor"], state["best"]
        (0.5, 1.0)
        >>> ReduceOnPlateau.from_state(state).learning_rate(0)
        0.25
        """
        best = self.best
        return {
            "version": VERSION,
            "class": "ReduceOnPlateau",
            "schedule": self._schedule.to_dict(),
            **{name: getattr(self, f"_{name}") for name in _PARAMETERS},
            "factor": self.factor,
            "best": best if best is None or math.isfinite(best) else str(best),
            "bad_evaluations": self.bad_evaluations,
            "cooldown_left": self.cooldown_left,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> ReduceOnPlateau:
        """Make the controller that `state` described, which goes on as that one would.

        Parameters
        ----------
        state : dict
            A dictionary made by ``state``.

        Returns
        -------
        ReduceOnPlateau
            The controller.

        Raises
        ------
        ValueError
            For another version or class, unknown or missing entries, or values out of range.
        TypeError
            For a value of a wrong kind.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"state={shown(state)} must be a dictionary, not {type(state).__name__}")
        with short_messages():
            return cls._from_state(state)

    @classmethod
    def _from_state(cls, state: Mapping[str, Any]) -> ReduceOnPlateau:
        version = state.get("version")
        if type(version) is not int or version != VERSION:
            raise ValueError(f"version={version!r} is unknown; this release reads version {VERSION}")
        if state.get("class") != "ReduceOnPlateau":
            raise ValueError(f"class={state.get('class')!r} must be 'ReduceOnPlateau'")
        known = ("version", "class", "schedule", *_PARAMETERS, *_PROGRESS)
        if set(state) != set(known):
            unknown = sorted(set(state) - set(known), key=str)
            missing = sorted(set(known) - set(state))
            raise ValueError(
                f"a state has the entries {', '.join(known)}; unknown: {unknown}, missing: {missing}"
            )
        made = cls(from_dict(state["schedule"]), **{name: state[name] for name in _PARAMETERS})
        factor = validation.positive("factor", state["factor"])
        if factor > 1.0:
            raise ValueError(f"factor={factor!r} must be at most 1")
        made.best = _best_described(state["best"])
        made.bad_evaluations = _at_most("bad_evaluations", state["bad_evaluations"], made._patience)
        made.cooldown_left = _at_most("cooldown_left", state["cooldown_left"], made._cooldown)
        made._schedule_now = made._reduced_by(factor)
        made.factor = factor
        return made

    def to_json(self) -> str:
        """The state as JSON text; `from_json` reads it back.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> from lrdecay_native.plateau import ReduceOnPlateau
        >>> plateau = ReduceOnPlateau(lrd.ExponentialDecay(0.1, 0.0))
        >>> ReduceOnPlateau.from_json(plateau.to_json()).state() == plateau.state()
        True
        """
        return json.dumps(self.state(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> ReduceOnPlateau:
        """Make the controller that `to_json` wrote.

        Parameters
        ----------
        text : str or bytes
            JSON made by ``to_json``.

        Returns
        -------
        ReduceOnPlateau
            The controller.

        Raises
        ------
        ValueError, TypeError
            For text that is no JSON, and as `from_state`.
        """
        try:
            state = json.loads(text)
        except RecursionError:
            raise ValueError(
                f"the text of a state must be JSON, and {depth_of_json(text)} deep is too deep"
            ) from None
        except ValueError as error:
            raise ValueError(f"the text of a state must be JSON: {error}") from None
        return cls.from_state(state)


def _drop_rate_given(name: str, value: Any) -> float:
    number = validation.positive(name, value)
    if number >= 1.0:
        raise ValueError(f"{name}={shown(value)} must be below 1: each reduction multiplies the rate by it")
    return number


def _metric_given(value: Any) -> float:
    """A metric as a float: a number, or an array of one number as the frameworks have them."""
    others = (*validation.NO_NUMBERS, str, bytes, np.complexfloating, np.ma.MaskedArray)
    wrong = isinstance(value, others) or not hasattr(value, "__float__")
    if wrong or getattr(value, "ndim", 0) != 0:
        raise TypeError(f"metric={shown(value)} must be a number, not {type(value).__name__}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"metric={shown(value)} must be a number that float64 holds") from None


def _best_described(value: Any) -> float | None:
    if value is None:
        return None
    return float(value) if value in ("nan", "inf", "-inf") else validation.real("best", value)


def _at_most(name: str, value: Any, highest: int) -> int:
    number = validation.whole(name, value)
    if number > highest:
        raise ValueError(f"{name}={shown(value)} must be at most {highest}")
    return number
