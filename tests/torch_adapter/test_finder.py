"""The range test finds where the loss falls, and leaves everything as it was."""

from __future__ import annotations

import copy
import random
from typing import Any

import numpy as np
import pytest
from peers import peer

import lrdecay_native as lrd

torch = peer("torch")
from lrdecay_native.torch import find_learning_rate  # noqa: E402

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adam": lambda p: torch.optim.AdamW(p, lr=torch.tensor(0.1), foreach=False),
}


class Network(torch.nn.Module):  # type: ignore[misc,name-defined]
    """With buffers, and random numbers in training."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.1), torch.nn.Linear(8, 1)
        )

    def forward(self, x: Any) -> Any:
        return self.layers(x)


def batches(count: int = 10) -> list[Any]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(32 * count, 4, generator=generator)
    y = x @ torch.tensor([[1.0], [-2.0], [3.0], [0.5]])
    return list(zip(x.split(32), y.split(32), strict=True))


def trained(model: Any, optimizer: Any, steps: int) -> None:
    for x, y in batches()[:steps]:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()


def everything(model: Any, optimizer: Any) -> Any:
    return copy.deepcopy(
        {
            "weights": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "gradients": [each.grad for each in model.parameters()],
            "modes": [module.training for module in model.modules()],
            "numbers": (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()),
        }
    )


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


@pytest.mark.parametrize("before", [0, 3])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_all_is_what_it_was(name: str, before: int) -> None:
    model = Network()
    optimizer = OPTIMIZERS[name](model.parameters())
    trained(model, optimizer, before)
    model.layers[1].eval()
    held = [each.data_ptr() for each in (*model.parameters(), *model.buffers())]
    kept = everything(model, optimizer)
    twin = copy.deepcopy((model, optimizer))
    finding = find_learning_rate(
        model,
        batches(),
        optimizer=optimizer,
        loss=torch.nn.functional.mse_loss,
        steps=25,
        highest=0.1,
        verbose=0,
    )
    assert len(finding.losses) == 25
    assert equal(everything(model, optimizer), kept)
    assert held == [each.data_ptr() for each in (*model.parameters(), *model.buffers())]
    # And it trains on as it would have.
    model.layers[2].eval()
    twin[0].layers[2].eval()
    for each in ((model, optimizer), twin):
        trained(*each, 3)
    assert equal(model.state_dict(), twin[0].state_dict())


def test_also_where_a_step_fails() -> None:
    model = Network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    kept = everything(model, optimizer)

    def step(batch: Any) -> Any:
        trained(model, optimizer, 1)
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        find_learning_rate(model, batches(), optimizer=optimizer, step_function=step, verbose=0)
    assert equal(everything(model, optimizer), kept)


def test_the_rates_are_those_that_it_says() -> None:
    weight = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))
    model = torch.nn.Module()
    model.register_parameter("weight", weight)
    optimizer = torch.optim.SGD([weight], lr=5.0)
    applied = []

    def step(batch: Any) -> float:
        weight.data.zero_()
        weight.grad = torch.ones_like(weight)
        optimizer.step()
        applied.append(-weight.item())
        return 1.0

    finding = find_learning_rate(
        model, [0], optimizer=optimizer, step_function=step, lowest=1e-3, highest=1.0, steps=30, verbose=0
    )
    sweep = lrd.PiecewiseInterpolation([0, 29], [1e-3, 1.0], shape="exponential")
    assert finding.learning_rates.tolist() == applied == [sweep(number) for number in range(30)]


def test_it_stops_where_the_loss_diverges(capsys: pytest.CaptureFixture[str]) -> None:
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters())
    finding = find_learning_rate(model, batches(), optimizer=optimizer, loss=torch.nn.functional.mse_loss)
    assert len(finding.losses) < 200
    assert 0.003 < finding.suggestion < 1.0
    assert "range test" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ValueError, "loss=None or step_function=None must be a function"),
        ({"loss": 1, "step_function": 2}, ValueError, "must be a function, and not both"),
        ({"loss": 1, "lowest": 1.0, "highest": 0.1}, ValueError, "lowest=1.0 must be below highest=0.1"),
        ({"loss": 1, "steps": 3}, ValueError, "steps=3 must be from 10"),
        ({"loss": 1, "optimizer": "sgd"}, TypeError, r"must be a torch\.optim\.Optimizer, not str"),
        ({"loss": 1, "loader": iter([])}, ValueError, "loader gave 0 batches and can't be taken again"),
        (
            {"loss": 1, "loader": [torch.ones(3)] * 20},
            ValueError,
            r"must give batches \(x, y\) for loss\(model",
        ),
    ],
)
def test_what_is_refused(options: Any, error: type[Exception], message: str) -> None:
    model = torch.nn.Linear(4, 1)
    given = {"optimizer": torch.optim.SGD(model.parameters()), "loader": batches(), "verbose": 0} | options
    with pytest.raises(error, match=message):
        find_learning_rate(model, given.pop("loader"), **given)
