"""Small trainings, and what they applied, read off the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from peers import peer

torch = peer("torch")


def optimizer(groups: int = 1, *, names: Sequence[str] = (), learning_rate: Any = 1.0, **options: Any) -> Any:
    """Plain SGD of one weight in float64 for each group."""
    made = [{"params": [torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))]} for _ in range(groups)]
    for group, name in zip(made, names, strict=False):
        group["name"] = name
    return torch.optim.SGD(made, lr=learning_rate, **options)


def weights(sgd: Any) -> list[Any]:
    return [weight for group in sgd.param_groups for weight in group["params"]]


def give_gradients(sgd: Any) -> None:
    """Set the weights to 0 and their gradients to 1: an update of plain SGD leaves minus the rate there."""
    for weight in weights(sgd):
        weight.data.zero_()
        weight.grad = torch.ones_like(weight)


def applied(sgd: Any) -> list[float]:
    """The rate of each group in the update that is made now."""
    give_gradients(sgd)
    sgd.step()
    return [-weight.item() for weight in weights(sgd)]


def trained(sgd: Any, scheduler: Any, updates: int) -> list[list[float]]:
    """The rates that a training applies."""
    rates = []
    for _ in range(updates):
        rates.append(applied(sgd))
        scheduler.step()
    return rates
