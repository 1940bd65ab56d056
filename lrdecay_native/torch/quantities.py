"""What of an optimizer's parameter groups a schedule sets."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor
from torch.optim import Optimizer

from lrdecay_native.messages import shown
from lrdecay_native.schedules.base import Schedule

BELOW_ONE = ("betas", "rho")
"""Entries of groups that torch's optimizers refuse from 1 on; no schedule has values below 0, which all refuse."""


class Quantity(NamedTuple):
    """An entry of a parameter group, or one value of an entry that is a tuple.

    Attributes
    ----------
    key : str
        The group's key, such as ``"lr"``.
    place : int or None
        The place in the tuple, as in ``"betas[0]"``.
    """

    key: str
    place: int | None = None

    def __str__(self) -> str:
        return self.key if self.place is None else f"{self.key}[{self.place}]"

    def read(self, group: Mapping[str, Any]) -> Any:
        value = group[self.key]
        return value if self.place is None else value[self.place]

    def write(self, group: dict[str, Any], value: float) -> None:
        """Set the value; that of a tensor in place, where compiled steps and captured graphs read it."""
        held = self.read(group)
        if isinstance(held, Tensor):
            held.fill_(value)
        elif self.place is None:
            group[self.key] = value
        else:
            values = group[self.key]
            group[self.key] = (*values[: self.place], value, *values[self.place + 1 :])


LEARNING_RATE = Quantity("lr")


def quantity_named(name: Any, optimizer: Optimizer) -> Quantity:
    """What a name such as ``"betas[0]"`` stands for, in each group of an optimizer."""
    match = re.fullmatch(r"(\w+)(?:\[(\d+)\])?", name) if isinstance(name, str) else None
    quantity = Quantity(match[1], None if match[2] is None else int(match[2])) if match else None
    settable = _settable(optimizer)
    if quantity is None or str(quantity) not in settable or quantity == LEARNING_RATE:
        own = "; 'lr' has the schedule that is given first" if quantity == LEARNING_RATE else ""
        raise ValueError(
            f"quantities has the key {shown(name)}; {type(optimizer).__name__} has "
            f"{', '.join(repr(key) for key in settable if key != 'lr')}{own}"
        )
    return quantity


def _settable(optimizer: Optimizer) -> list[str]:
    """The names of all numbers that each group has."""
    names: list[str] = []
    for key, value in optimizer.param_groups[0].items():
        if key in ("params", "initial_lr"):
            continue
        if _is_number(value):
            names.append(key)
        elif isinstance(value, tuple) and all(map(_is_number, value)):
            names += [f"{key}[{place}]" for place in range(len(value))]
    return [
        name for name in names if all(name.partition("[")[0] in group for group in optimizer.param_groups)
    ]


def _is_number(value: Any) -> bool:
    return (isinstance(value, (int, float)) and not isinstance(value, bool)) or (
        isinstance(value, Tensor) and value.numel() == 1
    )


def check_range(quantity: Quantity, schedule: Schedule) -> None:
    """Refuse a schedule with values that torch's optimizers refuse."""
    if quantity.key in BELOW_ONE:
        step = schedule.last_step_above(math.nextafter(1.0, 0.0))
        if step is not None:
            raise ValueError(
                f"the schedule for {str(quantity)!r} must stay below 1, and is {schedule(step)!r} at step {step}: "
                f"{shown(schedule)}"
            )
