"""A schedule as a scheduler of torch's."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from lrdecay_native import validation
from lrdecay_native.formulas.synonyms import known_by_name
from lrdecay_native.messages import shown
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.nested import schedule_given
from lrdecay_native.torch.arguments import optimizer_given
from lrdecay_native.torch.assignments import Assignment, Factors, Schedules, assigned
from lrdecay_native.torch.quantities import LEARNING_RATE, quantity_named
from lrdecay_native.torch.states import check_state, state_of
from lrdecay_native.torch.updates import Updates

LONG_WAIT = 100
"""Calls without any update of the optimizer, after which it may be one whose updates can't be seen."""


class TorchSchedule(LRScheduler):  # type: ignore[misc]
    """Train a torch optimizer under a schedule: a ``torch.optim.lr_scheduler.LRScheduler`` in closed form.

    The rate of update ``k``, counted from 0, is ``schedule(k)``, however one got there: by `step`, by a jump, or by
    a state that was loaded.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        What is trained; its own rates don't matter.
    schedule : Schedule, list or dict of str to Schedule
        The learning rate: one for all parameter groups, also those that are added later; or a list with one for each
        group; or a dictionary by the groups' names, ``{"params": ..., "name": "head"}``.  None in place of one leaves
        a group alone.
    factors : list of float or dict of str to float, optional
        What each group's rate is multiplied by, in float64.
    quantities : dict of str to schedule, optional
        What else has a schedule, by its key in the groups: ``"momentum"``, ``"weight_decay"``, ``"eps"``,
        ``"betas[0]"``.  Each takes what ``schedule`` takes.
    first_step : int, default 0
        The step of the next update, for a run that goes on without a stored state.
    advance_always : bool, default False
        Whether `step` goes on also where the optimizer has not updated since the last call.

    Attributes
    ----------
    last_epoch : int
        The step of the next update.

    Raises
    ------
    ValueError, TypeError
        For an optimizer that isn't torch's, what is no schedule, numbers of schedules or factors other than that of
        the groups, names and keys that the groups don't have, and values of betas from 1 on.  Nothing has changed.

    See Also
    --------
    from_torch : From a scheduler of torch's.

    Notes
    -----
    **Updates count.**  Where ``GradScaler`` skips an update, in gradient accumulation, and where a trainer calls
    `step` several times, the plan stays where it is until the optimizer has updated: update ``k`` has the rate of
    step ``k``.  Called once an epoch, it goes on by one an epoch, and takes a plan in epochs.  A call before the
    first backward pass warns once, as in torch; to walk along a plan without training there are ``step(k)`` and
    `Schedule.values`.  Optimizers that skip in a fused kernel (``fused=True`` with ``GradScaler``) don't tell, and
    count as updated.

    **Tensors.**  A rate that is a tensor, as capturable and compiled optimizers have it, is written in place.

    **Resuming.**  `state_dict` holds plain values, some hundred bytes: the step and the plan's JSON.
    `load_state_dict` writes the rates into the groups; it may come before or after the optimizer's.

    Examples
    --------
    >>> import torch
    >>> import lrdecay_native as lrd
    >>> from lrdecay_native.torch import TorchSchedule
    >>> weight = torch.nn.Parameter(torch.ones(1))
    >>> optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.9)
    >>> plan = lrd.CosineDecay(0.1, decay_steps=90).warmup(10)
    >>> rising = lrd.LinearDecay(0.8, 10, end_learning_rate=0.9)
    >>> scheduler = TorchSchedule(optimizer, plan, quantities={"momentum": rising})
    >>> for batch in range(10):
    ...     loss = (weight**2).sum()
    ...     optimizer.zero_grad()
    ...     loss.backward()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]
    (0.1, 0.9)
    """

    @known_by_name
    def __init__(
        self,
        optimizer: Optimizer,
        schedule: Schedules,
        *,
        factors: Factors | None = None,
        quantities: Mapping[str, Schedules] | None = None,
        first_step: int = 0,
        advance_always: bool = False,
    ) -> None:
        # Torch's own constructor would put a wrapper in the place of optimizer.step.
        optimizer_given(optimizer)
        first_step = validation.whole("first_step", first_step)
        validation.flag("advance_always", advance_always)
        assignments = [assigned("schedule", LEARNING_RATE, schedule, factors, optimizer)]
        if quantities is not None and not isinstance(quantities, Mapping):
            raise TypeError(
                f"quantities={shown(quantities)} must be a dictionary from keys of the groups to schedules"
            )
        for name, given in (quantities or {}).items():
            quantity = quantity_named(name, optimizer)
            assignments.append(assigned(f"quantities[{name!r}]", quantity, given, None, optimizer))
        self._updates = Updates(optimizer)
        self.optimizer = optimizer
        self.advance_always = advance_always
        self.base_lrs = [
            _plain(group.setdefault("initial_lr", _plain(group["lr"]))) for group in optimizer.param_groups
        ]
        self.last_epoch: int | float = first_step
        self._step_count = 0
        self._waited = 0
        self._given = assignments
        self._assign(assignments)
        self._apply(first_step)

    def _assign(self, assignments: list[Assignment]) -> None:
        """Set what is applied: what was given, or what a plateau has reduced."""
        self._assignments = assignments
        # The commonest by far has a short way.
        self._alike = assignments[0].alike if len(assignments) == 1 else None

    @property
    def schedules(self) -> dict[str, Schedule | list[Schedule | None]]:
        """What was given for the rate, ``"lr"``, and the other quantities: one for all groups, or one for each."""
        return {str(each.quantity): each.schedules for each in self._given}

    def step(self, epoch: float | None = None) -> None:
        """Set the rates of the next update.

        Parameters
        ----------
        epoch : int or float, optional
            The step to go to, from 0; by default the one behind, if the optimizer has updated since the last call.

        Raises
        ------
        ValueError, TypeError
            For a step out of range, for groups that were added and have no schedule, and as the schedule does.
            Nothing has changed then.
        """
        updates = self._updates
        if epoch is not None:
            validation.step("epoch", epoch)
            # Plain ones: they are stored.
            self._apply(int(epoch) if epoch == int(epoch) else float(epoch))
            updates.made = False
        elif updates.made or self.advance_always:
            self._apply(self.last_epoch + 1)
            updates.made = False
        elif not updates.ever:
            self._wait()

    def _apply(self, step: int | float) -> None:
        """Write the values of a step into the groups; if there is one that can't be had, nothing."""
        groups = self.optimizer.param_groups
        alike = self._alike
        if alike is None:
            self._apply_each(step)
        else:
            rate = alike.at(step)
            for group in groups:
                if group["lr"].__class__ is float:
                    group["lr"] = rate
                else:
                    LEARNING_RATE.write(group, rate)
        self.last_epoch = step
        self._step_count += 1

    def _apply_each(self, step: int | float) -> None:
        groups = self.optimizer.param_groups
        if any(assignment.missing(len(groups)) for assignment in self._assignments):
            raise ValueError(
                f"the optimizer has {len(groups)} groups now, and there are schedules or factors for "
                f"{len(self.base_lrs)}: add groups by add_param_group(group, schedule) of this object"
            )
        values = [assignment.values(step, len(groups)) for assignment in self._assignments]
        for assignment, of_groups in zip(self._assignments, values, strict=True):
            for group, value in zip(groups, of_groups, strict=True):
                if value is not None:
                    assignment.quantity.write(group, value)

    def _wait(self) -> None:
        """Stay where the plan is, and warn where that is hardly meant."""
        self._waited += 1
        parameters = (each for group in self.optimizer.param_groups for each in group["params"])
        if self._waited == 1 and all(each.grad is None for each in parameters):
            _warn(
                "step() was called before the optimizer's: call optimizer.step() first. The plan stays where it is "
                "until the optimizer has updated; step(k) goes to a step without training"
            )
        elif self._waited == LONG_WAIT:
            _warn(
                f"step() was called {LONG_WAIT} times, and no update of the optimizer was seen: the plan is still at "
                f"step {self.last_epoch}"
            )

    def add_param_group(
        self, param_group: dict[str, Any], schedule: Schedule | None = None, factor: float = 1.0
    ) -> None:
        """Add a parameter group to the optimizer, with its rate.

        Parameters
        ----------
        param_group : dict
            As ``optimizer.add_param_group`` takes it.
        schedule : Schedule, optional
            Its learning rate; by default that of all groups.  Where each group has its own, None leaves it alone.
        factor : float, default 1
            What its rate is multiplied by.

        Raises
        ------
        ValueError, TypeError
            If another quantity has a schedule for each group, if a plateau has reduced the rates, and as the
            constructor.
        """
        if self._assignments is not self._given:
            raise ValueError(
                "the rates are reduced by a ReduceLROnPlateau: make another TorchSchedule and another plateau "
                "for all groups, with first_step=last_epoch"
            )
        if schedule is not None:
            schedule_given("schedule", schedule)
        validation.not_negative("factor", factor)
        groups = len(self.optimizer.param_groups)
        rate, *others = self._given
        fixed = [str(each.quantity) for each in others if each.missing(groups + 1)]
        if fixed:
            raise ValueError(
                f"each group has its own schedule of {', '.join(fixed)}: make another TorchSchedule for all groups, "
                "with first_step=last_epoch"
            )
        extended = rate.extended(schedule, float(factor), groups)
        self.optimizer.add_param_group(param_group)
        group = self.optimizer.param_groups[-1]
        self.base_lrs.append(_plain(group.setdefault("initial_lr", _plain(group["lr"]))))
        self._given = [extended, *others]
        self._assign(self._given)
        self._apply(self.last_epoch)

    def get_last_lr(self) -> list[Any]:
        """The rate of each group, as it was set last or is; of a tensor a copy."""
        return [_plain(group["lr"]) for group in self.optimizer.param_groups]

    @property
    def _last_lr(self) -> list[Any]:
        return self.get_last_lr()

    def get_lr(self) -> list[Any]:
        """The rate of each group at the step of the next update, `last_epoch`."""
        groups = self.optimizer.param_groups
        rates = self._assignments[0].values(self.last_epoch, len(groups))
        return [
            _plain(group["lr"]) if rate is None else rate for group, rate in zip(groups, rates, strict=True)
        ]

    def _initial_step(self) -> None:
        # What torch's SequentialLR calls when it begins.
        self._step_count = 0
        self._apply(self.last_epoch + 1)

    def _update_lr(self, epoch: int | None = None) -> None:
        # And where it goes from one to another.
        self._apply(self.last_epoch + 1 if epoch is None else epoch)
        self._updates.made = False

    def _plan(self) -> dict[str, Any]:
        """All schedules and factors as plain values."""
        return {str(each.quantity): each.described() for each in self._given}

    def state_dict(self) -> dict[str, Any]:
        """The step and the plan, as plain values: ``torch.load(..., weights_only=True)`` reads them back.

        Returns
        -------
        dict
            Version, step, whether an update was made since the last `step`, and the schedules' dictionaries.
        """
        return state_of(self.last_epoch, self._updates.made, self._plan())

    def load_state_dict(self, state_dict: Mapping[str, Any], *, another_plan: bool = False) -> None:
        """Go on where a state was stored, and set the rates of its step.

        Parameters
        ----------
        state_dict : dict
            What `state_dict` gave.
        another_plan : bool, default False
            Whether the state may be of another plan: its step is taken, and the plan of this object goes on.

        Raises
        ------
        ValueError
            For a state of another plan, which says where they differ, of another version, or with other entries.
        TypeError
            For what is no such dictionary.
        """
        step, updated = check_state(state_dict, self._plan(), validation.flag("another_plan", another_plan))
        self._apply(step)
        self._updates.made = updated

    def __getstate__(self) -> dict[str, Any]:
        kept = {key: value for key, value in self.__dict__.items() if key not in ("_updates", "_alike")}
        return kept | {"_updates": self._updates.made}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A copied or unpickled optimizer has no hooks.
        self.__dict__.update(state)
        self._assign(self._assignments)
        self._updates = Updates(self.optimizer, made=state["_updates"])

    def __repr__(self) -> str:
        plan = ", ".join(f"{name}: {schedules!r}" for name, schedules in self.schedules.items())
        return f"<TorchSchedule of {type(self.optimizer).__name__} at step {self.last_epoch}: {plan}>"


def _warn(what: str) -> None:
    warnings.warn(
        f"{what}, and TorchSchedule(..., advance_always=True) counts each call", UserWarning, stacklevel=4
    )


def _plain(rate: Any) -> Any:
    """A number, or a copy of a tensor."""
    return rate.clone() if isinstance(rate, torch.Tensor) else rate
