"""Checks of what torch is given."""

from __future__ import annotations

from typing import Any

from torch.optim import Optimizer

from lrdecay_native.messages import shown


def optimizer_given(optimizer: Any) -> Optimizer:
    """An optimizer of torch's, or one that was derived from it."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"optimizer={shown(optimizer)} must be a torch.optim.Optimizer, not {type(optimizer).__name__}"
        )
    return optimizer
