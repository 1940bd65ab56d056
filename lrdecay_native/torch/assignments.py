"""Which group of an optimizer has which schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from torch.optim import Optimizer

from lrdecay_native import validation
from lrdecay_native.messages import shown
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.nested import schedule_given
from lrdecay_native.torch.quantities import Quantity, check_range
from lrdecay_native.torch.rates_ahead import RatesAhead

Schedules: TypeAlias = Schedule | Sequence[Schedule | None] | Mapping[str, Schedule | None]
"""One for all groups, one for each in a list, or one for each by the group's name; None leaves a group alone."""

Factors: TypeAlias = Sequence[float] | Mapping[str, float]
"""Of each group, in a list or by the group's name."""


class Assignment:
    """A quantity, and its schedule in each group."""

    def __init__(
        self,
        quantity: Quantity,
        schedules: Schedule | list[Schedule | None],
        factors: list[float] | None = None,
    ) -> None:
        self.quantity = quantity
        self.schedules = schedules
        self.factors = factors
        known: dict[Schedule, RatesAhead] = {}
        self._ahead = [
            None if each is None else known.setdefault(each, RatesAhead(each))
            for each in ([schedules] if isinstance(schedules, Schedule) else schedules)
        ]

    @property
    def alike(self) -> RatesAhead | None:
        """What all groups have, also those that are added."""
        return self._ahead[0] if self.factors is None and isinstance(self.schedules, Schedule) else None

    def values(self, step: int | float, groups: int) -> list[float | None]:
        """The value of each group at a step; None for those that are left alone."""
        values = [None if each is None else each.at(step) for each in self._ahead]
        if isinstance(self.schedules, Schedule):
            values *= groups
        if self.factors is not None:
            values = [
                None if value is None else value * factor
                for value, factor in zip(values, self.factors, strict=True)
            ]
        return values

    def missing(self, groups: int) -> bool:
        """Whether groups were added that it says nothing of."""
        given = self.factors if isinstance(self.schedules, Schedule) else self.schedules
        return given is not None and len(given) != groups

    def extended(self, schedule: Schedule | None, factor: float, groups: int) -> Assignment:
        """The same with one group more, which has its own schedule; None for that of all groups."""
        schedules: Schedule | list[Schedule | None] = self.schedules
        if isinstance(schedules, list):
            schedules = [*schedules, schedule]
        elif schedule is not None and schedule != schedules:
            schedules = [*[schedules] * groups, schedule]
        factors = self.factors
        if factors is not None or factor != 1.0:
            factors = [*(factors or [1.0] * groups), factor]
        return Assignment(self.quantity, schedules, factors)

    def described(self) -> dict[str, Any]:
        """As plain values."""
        schedules = self.schedules
        described: Any = (
            schedules.to_dict()
            if isinstance(schedules, Schedule)
            else [None if each is None else each.to_dict() for each in schedules]
        )
        return {"schedule": described} | ({} if self.factors is None else {"factors": self.factors})


def assigned(name: str, quantity: Quantity, given: Any, factors: Any, optimizer: Optimizer) -> Assignment:
    """What is given for a quantity, checked."""
    each_group = _for_each_group(name, given, optimizer)
    if each_group is None:
        check_range(quantity, schedule_given(name, given))
    for place, each in enumerate(each_group or []):
        if each is not None:
            check_range(quantity, schedule_given(f"{name}[{place}]", each))
    schedules = given if each_group is None else each_group
    return Assignment(quantity, schedules, None if factors is None else _factors_given(factors, optimizer))


def _factors_given(given: Any, optimizer: Optimizer) -> list[float]:
    values = _for_each_group("factors", given, optimizer)
    if values is None:
        raise TypeError(
            f"factors={shown(given)} must be a list, or a dictionary by the groups' names; write "
            "schedule.scaled(factor) for one factor of all groups"
        )
    return [validation.not_negative(f"factors[{place}]", value) for place, value in enumerate(values)]


def _for_each_group(name: str, given: Any, optimizer: Optimizer) -> list[Any] | None:
    """The entries of a list or a dictionary, one for each group; None where neither is given."""
    if isinstance(given, Mapping):
        return _in_order(name, given, optimizer)
    if isinstance(given, Sequence) and not isinstance(given, str):
        return _as_many(name, given, optimizer)
    return None


def _as_many(name: str, given: Sequence[Any], optimizer: Optimizer) -> list[Any]:
    groups = len(optimizer.param_groups)
    if len(given) != groups:
        raise ValueError(
            f"{name} has {len(given)} entries; the optimizer has {groups} groups, and each needs one"
        )
    return list(given)


def _in_order(name: str, given: Mapping[Any, Any], optimizer: Optimizer) -> list[Any]:
    """The values of a dictionary by names, in the order of the groups."""
    names = [group.get("name") for group in optimizer.param_groups]
    if None in names or len(set(names)) < len(names):
        raise ValueError(
            f"{name} is a dictionary by names, and the optimizer's groups are called {names}: give each a name of "
            'its own, {"params": ..., "name": "head"}, or a list'
        )
    unknown = [each for each in given if each not in names]
    missing = [each for each in names if each not in given]
    if unknown or missing:
        raise ValueError(
            f"{name} must have the names of the optimizer's groups, {', '.join(map(repr, names))}; "
            f"unknown: {unknown}, missing: {missing} (None leaves a group alone)"
        )
    return [given[each] for each in names]
