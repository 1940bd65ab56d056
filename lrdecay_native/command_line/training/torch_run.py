"""The tutorial's network in PyTorch, trained on handwritten digits under a plan."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from lrdecay_native.command_line.training.data import Digits
from lrdecay_native.command_line.training.record import TrainingRun, steps_per_epoch
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.torch import TorchSchedule, print_learning_rate


def tutorial_model(image_shape: tuple[int, ...]) -> Any:
    """Flatten, 128 units with relu, 10 units; their softmax is in the loss."""
    return torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(int(np.prod(image_shape)), 128),
        torch.nn.ReLU(),
        torch.nn.Linear(128, 10),
    )


def train(digits: Digits, schedule: Schedule, *, epochs: int, batch_size: int, seed: int) -> TrainingRun:
    """Train the tutorial's network by plain SGD, printing each epoch's rate, loss and accuracy.

    Parameters
    ----------
    digits : Digits
        The images; the test images also validate each epoch, as in the tutorial.
    schedule : Schedule
        The rate of each update.
    epochs : int
        Passes over the training images, at least 1.
    batch_size : int
        Images in an update, at least 1.
    seed : int
        Seeds the weights and the order of the images; 0 to 2**32 - 1.

    Returns
    -------
    TrainingRun
        Its rates are float64, as PyTorch's optimizers hold them.
    """
    torch.manual_seed(seed)
    model = tutorial_model(digits.x_train.shape[1:])
    optimizer = torch.optim.SGD(model.parameters())
    scheduler = TorchSchedule(optimizer, schedule)
    images, labels = _tensors(digits.x_train, digits.y_train)
    tests = _tensors(digits.x_test, digits.y_test)
    history: dict[str, list[float]] = {}
    rates: list[float] = []
    for epoch in range(epochs):
        print_learning_rate(optimizer, epoch)
        model.train()
        total, correct = 0.0, 0
        for batch in torch.randperm(len(images)).split(batch_size):
            output = model(images[batch])
            loss = torch.nn.functional.cross_entropy(output, labels[batch])
            optimizer.zero_grad()
            loss.backward()
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
            total += loss.item() * len(batch)
            correct += int((output.argmax(1) == labels[batch]).sum())
        measured = {"loss": total / len(images), "accuracy": correct / len(images)}
        measured |= dict(zip(("val_loss", "val_accuracy"), evaluate(model, *tests), strict=True))
        for name, value in measured.items():
            history.setdefault(name, []).append(value)
        print(
            f"Epoch {epoch + 1}/{epochs} - " + " - ".join(f"{name}: {v:.4f}" for name, v in measured.items())
        )
    rates.append(optimizer.param_groups[0]["lr"])
    return TrainingRun(
        history, np.array(rates), steps_per_epoch(digits, batch_size), *evaluate(model, *tests)
    )


def evaluate(model: Any, images: Any, labels: Any) -> tuple[float, float]:
    """The loss and the accuracy on images."""
    model.eval()
    with torch.no_grad():
        output = model(images)
        loss = torch.nn.functional.cross_entropy(output, labels)
        return loss.item(), (output.argmax(1) == labels).double().mean().item()


def _tensors(images: Any, labels: Any) -> tuple[Any, Any]:
    return torch.from_numpy(np.float32(images)), torch.from_numpy(np.int64(labels))
