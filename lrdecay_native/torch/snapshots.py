"""What a training changes, kept and put back: weights, buffers, gradients, an optimizer, random numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer


@contextmanager
def unchanged(model: torch.nn.Module, optimizer: Optimizer) -> Iterator[None]:
    """Let train, and afterwards have all be what it was; tensors keep their places in memory."""
    modes = {module: module.training for module in model.modules()}
    tensors = [(each, each.detach().clone()) for each in (*model.parameters(), *model.buffers())]
    gradients = [(each, None if each.grad is None else each.grad.clone()) for each in model.parameters()]
    groups = [_kept(group) for group in optimizer.param_groups]
    states = {parameter: _kept(state) for parameter, state in optimizer.state.items()}
    numbers = random.getstate(), np.random.get_state(), torch.get_rng_state()
    on_devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    try:
        yield
    finally:
        with torch.no_grad():
            for each, value in tensors:
                each.copy_(value)
            for each, gradient in gradients:
                each.grad = gradient
            for group, kept in zip(optimizer.param_groups, groups, strict=True):
                _put_back(group, kept)
            for parameter in list(optimizer.state):
                if parameter in states:
                    _put_back(optimizer.state[parameter], states[parameter])
                else:
                    del optimizer.state[parameter]
        for module, training in modes.items():
            module.training = training
        random.setstate(numbers[0])
        np.random.set_state(numbers[1])
        torch.set_rng_state(numbers[2])
        if on_devices:
            torch.cuda.set_rng_state_all(on_devices)


def _kept(values: dict[str, Any]) -> dict[str, Any]:
    """Each value but a group's parameters, and what it holds."""
    return {
        key: (value, value.detach().clone() if isinstance(value, Tensor) else deepcopy(value))
        for key, value in values.items()
        if key != "params"
    }


def _put_back(values: dict[str, Any], kept: dict[str, Any]) -> None:
    for key in values.keys() - kept.keys() - {"params"}:
        del values[key]
    for key, (value, held) in kept.items():
        if isinstance(value, Tensor):
            value.copy_(held)
        values[key] = value if isinstance(value, Tensor) else held
