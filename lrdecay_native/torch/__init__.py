"""Schedules in PyTorch: as a scheduler of an optimizer, with the same rates as everywhere."""

from __future__ import annotations

try:
    import torch  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"lrdecay_native.torch needs PyTorch ({error}): install it with: pip install torch"
    ) from error

from lrdecay_native.monitoring.finding import LearningRateFinding
from lrdecay_native.torch.conversion import from_torch, to_torch
from lrdecay_native.torch.finder import find_learning_rate
from lrdecay_native.torch.logger import LearningRateLogger, print_learning_rate
from lrdecay_native.torch.plateau import ReduceLROnPlateau
from lrdecay_native.torch.scheduler import TorchSchedule

__all__ = [
    "LearningRateFinding",
    "LearningRateLogger",
    "ReduceLROnPlateau",
    "TorchSchedule",
    "find_learning_rate",
    "from_torch",
    "print_learning_rate",
    "to_torch",
]
