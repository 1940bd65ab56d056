"""What a run is planned with and recorded as, in any framework."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy.typing as npt

from lrdecay_native.command_line.training.data import MNIST_TRAINING_IMAGES, Digits
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.decays.asymptotic import StepDecay


@dataclass(frozen=True, eq=False)
class TrainingRun:
    """What a run recorded.

    Attributes
    ----------
    history : dict of str to list of float
        As Keras has it: loss, accuracy, val_loss and val_accuracy after each epoch.
    rates : ndarray of float32 or float64
        The rate of each training step, and last the rate the next step would have had; float32 in Keras, as there.
    steps_per_epoch : int
        Training steps in an epoch.
    test_loss, test_accuracy : float
        The trained network's loss and accuracy on the test images.
    """

    history: dict[str, list[float]]
    rates: npt.NDArray[Any]
    steps_per_epoch: int
    test_loss: float
    test_accuracy: float


def steps_per_epoch(digits: Digits, batch_size: int) -> int:
    """Training steps that an epoch takes; the last one may hold fewer images."""
    return -(-len(digits.x_train) // batch_size)


def with_as_many_drops(schedule: StepDecay, digits: Digits, batch_size: int) -> StepDecay:
    """A plan for MNIST with as many drops in an epoch of fewer images, in which it might never drop.

    Parameters
    ----------
    schedule : StepDecay
        The plan, its steps those of MNIST in batches of this size.
    digits : Digits
        The images of the run.
    batch_size : int
        Images in a training step.

    Returns
    -------
    StepDecay
        The plan itself where the images are as many as MNIST's.
    """
    if len(digits.x_train) >= MNIST_TRAINING_IMAGES:
        return schedule
    shorter = Fraction(steps_per_epoch(digits, batch_size), -(-MNIST_TRAINING_IMAGES // batch_size))
    step_size = Fraction(schedule.step_size) * shorter
    return replace(schedule, step_size=int(step_size) if step_size.denominator == 1 else float(step_size))


def default_plan(plan: Schedule, digits: Digits, batch_size: int) -> tuple[Schedule, str]:
    """The tutorial's plan for MNIST, in an epoch of fewer images with as many drops; and what is to be said of it."""
    assert isinstance(plan, StepDecay)
    shorter = with_as_many_drops(plan, digits, batch_size)
    if shorter == plan:
        return plan, ""
    return shorter, (
        f"The default plan, {plan!r}, is one for MNIST: with {steps_per_epoch(digits, batch_size):,} steps an epoch "
        f"the rate drops every {shorter.step_size:,.6g} of them"
    )
