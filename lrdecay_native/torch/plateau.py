"""Reduce the rates of a torch optimizer when a metric stops improving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, SupportsFloat

from lrdecay_native.formulas.synonyms import known_by_name
from lrdecay_native.messages import shown
from lrdecay_native.plateau import ReduceOnPlateau
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.torch.assignments import Assignment
from lrdecay_native.torch.scheduler import TorchSchedule

VERSION = 1


class ReduceLROnPlateau:
    """Reduce the rate of a `TorchSchedule` when a metric stops improving, as torch's class of that name does.

    Torch's reduces a constant rate; this one any plan: the schedule goes on, with its rates multiplied.

    Parameters
    ----------
    scheduler : TorchSchedule
        Whose rates are reduced.
    mode : {"min", "max"}, default "min"
        Whether a lower or a higher metric is better.
    factor : float, default 0.1
        What the rate is multiplied by, from 1e-100 to below 1.
    patience : int, default 10
        Evaluations without improvement that are tolerated, one after another; the next one reduces the rate.
    threshold : float, default 1e-4
        By how much a metric must be better than the best one to be an improvement.
    threshold_mode : {"rel", "abs"}, default "rel"
        Whether the threshold is a part of the best metric, or a difference from it.
    cooldown : int, default 0
        Evaluations after a reduction that are not counted.
    min_lr : float or sequence of float, default 0
        The least rate that reductions lead to; of each group, in a sequence.
    eps : float, default 1e-8
        A reduction that would change the rate by no more than this is not made.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind, and for a scheduler that isn't a `TorchSchedule`.

    See Also
    --------
    lrdecay_native.plateau.ReduceOnPlateau : The controller, without a framework.

    Notes
    -----
    Call ``scheduler.step()`` after each update, and ``plateau.step(loss)`` after each evaluation.  The rates of the
    next update are reduced at once.  Groups that are left alone stay so; other quantities are not reduced.

    Examples
    --------
    >>> import torch
    >>> import lrdecay_native as lrd
    >>> from lrdecay_native.torch import ReduceLROnPlateau, TorchSchedule
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    >>> scheduler = TorchSchedule(optimizer, lrd.InverseTimeDecay(0.1, 1.0))
    >>> plateau = ReduceLROnPlateau(scheduler, factor=0.5, patience=1)
    >>> [plateau.step(loss) for loss in (3.0, 2.0, 2.5, 2.5, 1.0)]
    [False, False, False, True, False]
    >>> scheduler.step(4)
    >>> optimizer.param_groups[0]["lr"]
    0.01
    """

    @known_by_name
    def __init__(
        self,
        scheduler: TorchSchedule,
        *,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        if not isinstance(scheduler, TorchSchedule):
            raise TypeError(
                f"scheduler={shown(scheduler)} must be a TorchSchedule, not {type(scheduler).__name__}: write "
                "ReduceLROnPlateau(TorchSchedule(optimizer, schedule)), with Constant(rate) where there is no plan"
            )
        rates = scheduler._given[0]
        groups = len(scheduler.optimizer.param_groups)
        least = list(min_lr) if isinstance(min_lr, Sequence) else [min_lr] * groups
        if len(least) != groups:
            raise ValueError(f"min_lr has {len(least)} entries; the optimizer has {groups} groups")
        self._scheduler = scheduler
        self._controllers = [
            None
            if schedule is None
            else ReduceOnPlateau.like_torch(
                schedule,
                mode=mode,
                factor=factor,
                patience=patience,
                threshold=threshold,
                threshold_mode=threshold_mode,
                cooldown=cooldown,
                min_lr=lowest,
                eps=eps,
            )
            for schedule, lowest in zip(_of_groups(rates, groups), least, strict=True)
        ]

    def step(self, metrics: SupportsFloat) -> bool:
        """Take the metric of one evaluation, and reduce the rates if they are due.

        Parameters
        ----------
        metrics : float or tensor
            The metric; NaN and infinities are allowed.

        Returns
        -------
        bool
            Whether a rate was reduced.

        Raises
        ------
        TypeError
            For a metric that is no number.  Nothing has changed then.
        """
        step = self._scheduler.last_epoch
        metric = float(metrics) if getattr(metrics, "ndim", None) == 0 else metrics
        reduced = [each.update(metric, step) for each in self._controllers if each is not None]
        if any(reduced):
            self._reduce()
        return any(reduced)

    def _reduce(self) -> None:
        rates, *others = self._scheduler._given
        now: list[Schedule | None] = [
            None if each is None else each.schedule_now for each in self._controllers
        ]
        # Of groups that are all alike, those that are added later are reduced too.
        together = isinstance(rates.schedules, Schedule) and len(set(now)) == 1
        schedules: Any = now[0] if together else now
        self._scheduler._assign([Assignment(rates.quantity, schedules, rates.factors), *others])
        self._scheduler._apply(self._scheduler.last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """The progress of the controllers, as plain values.

        Returns
        -------
        dict
            Version, and the state of each group's controller.
        """
        return {
            "version": VERSION,
            "controllers": [None if each is None else each.state() for each in self._controllers],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where a state was stored; load the scheduler's own state before or after.

        Parameters
        ----------
        state_dict : dict
            What `state_dict` gave.

        Raises
        ------
        ValueError, TypeError
            For a state of another version, of other groups or of another plan.  Nothing has changed then.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(
                f"state_dict={shown(state_dict)} must be a dictionary, not {type(state_dict).__name__}"
            )
        if state_dict.get("version") != VERSION or set(state_dict) != {"version", "controllers"}:
            raise ValueError(
                f"state_dict={shown(state_dict)} must have version={VERSION} and controllers, of each group one"
            )
        states = state_dict["controllers"]
        if len(states) != len(self._controllers):
            raise ValueError(
                f"state_dict is of {len(states)} groups; there are {len(self._controllers)} here"
            )
        loaded = [None if state is None else ReduceOnPlateau.from_state(state) for state in states]
        for group, (own, read) in enumerate(zip(self._controllers, loaded, strict=True)):
            here, there = (None if each is None else each.schedule for each in (own, read))
            if here != there:
                raise ValueError(
                    f"state_dict is of another plan: the schedule of group {group} is {shown(here)} here, and "
                    f"{shown(there)} in the state"
                )
        self._controllers = loaded
        self._reduce()


def _of_groups(rates: Assignment, groups: int) -> list[Schedule | None]:
    return [rates.schedules] * groups if isinstance(rates.schedules, Schedule) else rates.schedules
