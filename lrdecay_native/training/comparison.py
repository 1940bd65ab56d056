"""Keras's builtin ExponentialDecay beside this library's schedules, in the same training run.

How a step is timed: an epoch of ``fit`` without validation, from `on_epoch_begin` to
`on_epoch_end`, divided by its steps. The first epoch of each network is left out: it holds the
tracing of the graph. The networks take turns after each epoch, and the one that begins changes, so
that a slow minute of the machine reaches all of them; a ratio is always that of one turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from lrdecay_native.decays import StepDecay
from lrdecay_native.keras import KerasSchedule, KerasTable
from lrdecay_native.schedules import Schedule
from lrdecay_native.training.data import Digits
from lrdecay_native.training.run import (
    LearningRate,
    rates_by_step,
    steps_per_epoch,
    tutorial_model,
)

FEWEST_TURNS = 8
"""With fewer turns than this, chance alone often puts all of them on one side of 1."""


@dataclass(frozen=True)
class Measurement:
    """What was measured under one learning rate.

    Attributes
    ----------
    name : str
        Which learning rate.
    step_times : tuple of float
        Seconds per training step in each turn.
    accuracies : tuple of float
        Test accuracy after each repeat.
    rates : ndarray of float32
        The rate of each step, and last the rate the next step would have had.
    """

    name: str
    step_times: tuple[float, ...]
    accuracies: tuple[float, ...]
    rates: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Comparison:
    """One learning rate against the builtin.

    Attributes
    ----------
    name : str
        Which learning rate.
    step_time : float
        Median time of a training step, in seconds.
    ratio : float
        Median over the turns of the step time divided by the builtin's in the same turn.
    ratio_spread : tuple of float
        The 5th and the 95th percentile of these ratios.
    final_rate : float
        The rate after the run.
    accuracies : tuple of float
        Test accuracy after each repeat.
    first_difference : int or None
        The first step whose rate isn't the builtin's to the last bit.
    """

    name: str
    step_time: float
    ratio: float
    ratio_spread: tuple[float, float]
    final_rate: float
    accuracies: tuple[float, ...]
    first_difference: int | None

    @property
    def below_noise(self) -> bool:
        """Whether 1 lies in the spread: whether the turns disagree about which one is slower."""
        lower, upper = self.ratio_spread
        return lower <= 1 <= upper

    def sentence(self) -> str:
        """What the step times say, in words."""
        lower, upper = self.ratio_spread
        percent = f"{abs(self.ratio - 1):.1%}"
        spread = f"90% of the ratios lie from {lower:.3f} to {upper:.3f}"
        if self.below_noise:
            return (
                f"{self.name}: a difference in step time, if any, is below the noise ({spread}, "
                "with 1.000 among them)."
            )
        direction = "slower" if self.ratio > 1 else "faster"
        return f"{self.name}: a step is {percent} {direction} than with the builtin ({spread})."


def learning_rates(schedule: Schedule, steps: int) -> dict[str, LearningRate]:
    """The learning rates to compare: the builtin, ours in both ways of computing, a constant.

    Parameters
    ----------
    schedule : StepDecay
        The one schedule of this library whose builtin is ExponentialDecay.
    steps : int
        The training steps of the run.

    Raises
    ------
    TypeError
        If the schedule isn't a StepDecay.
    """
    if not isinstance(schedule, StepDecay):
        raise TypeError(
            f"the comparison needs a StepDecay, which is Keras's ExponentialDecay, got {schedule!r}"
        )
    return {
        "builtin": keras.optimizers.schedules.ExponentialDecay(
            schedule.initial_learning_rate,
            decay_steps=schedule.step_size,
            decay_rate=schedule.drop_rate,
            staircase=schedule.staircase,
        ),
        "ours, float32": KerasSchedule(schedule),
        "ours, native": KerasTable(schedule, steps + 1),
        "constant": float(schedule.initial_learning_rate),
    }


def check_turns(epochs: int, repeats: int) -> None:
    """Raise a ValueError if a comparison would have too few turns to show its noise."""
    turns = repeats * (epochs - 1)
    if turns < FEWEST_TURNS:
        raise ValueError(
            f"epochs={epochs} with repeats={repeats} leaves {turns} timed epochs "
            f"(the first of each repeat isn't timed); at least {FEWEST_TURNS} are needed"
        )


class EpochTimer(keras.callbacks.Callback):  # type: ignore[misc]
    """Holds the seconds that the last epoch of ``fit`` took."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._begin = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.seconds = time.perf_counter() - self._begin


def measure(
    digits: Digits,
    rates: dict[str, LearningRate],
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    repeats: int,
    advance: Callable[[], object],
) -> list[Measurement]:
    """Train one network under each learning rate, in turns, and time their steps.

    Parameters
    ----------
    digits : Digits
        The images.
    rates : dict of str to learning rate
        The learning rates by name.
    epochs : int
        Passes over the training images; the first isn't timed.
    batch_size : int
        Images in a training step.
    seed : int
        Seeds weights and order of images, the same for every learning rate.
    repeats : int
        Runs, each with a seed of its own.
    advance : callable
        Called after each epoch of each network: ``len(rates) * epochs * repeats`` times.

    Returns
    -------
    list of Measurement
        In the order of `rates`.
    """
    steps = steps_per_epoch(digits, batch_size)
    step_times: dict[str, list[float]] = {name: [] for name in rates}
    accuracies: dict[str, list[float]] = {name: [] for name in rates}
    for repeat in range(repeats):
        models = {}
        for name, rate in rates.items():
            keras.utils.set_random_seed(_seed(seed, repeat))
            models[name] = tutorial_model(digits.x_train.shape[1:], rate)
        for epoch in range(epochs):
            for name in _turn(list(rates), epoch):
                timer = EpochTimer()
                # Each fit shuffles anew from the seed: with one seed, all epochs had one order.
                keras.utils.set_random_seed(_seed(seed, repeat, epoch))
                models[name].fit(
                    digits.x_train,
                    digits.y_train,
                    batch_size=batch_size,
                    initial_epoch=epoch,
                    epochs=epoch + 1,
                    callbacks=[timer],
                    verbose=0,
                )
                if epoch > 0:
                    step_times[name].append(timer.seconds / steps)
                advance()
        for name, model in models.items():
            _, accuracy = model.evaluate(digits.x_test, digits.y_test, verbose=0)
            accuracies[name].append(float(accuracy))
    return [
        Measurement(
            name,
            tuple(step_times[name]),
            tuple(accuracies[name]),
            rates_by_step(rate, epochs * steps + 1, models[name].jit_compile),
        )
        for name, rate in rates.items()
    ]


def _seed(*numbers: int) -> int:
    """One well-mixed seed from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def _turn(names: Sequence[str], epoch: int) -> list[str]:
    """The names, beginning with another one each epoch."""
    begin = epoch % len(names)
    return [*names[begin:], *names[:begin]]


def compare(measurement: Measurement, builtin: Measurement) -> Comparison:
    """Set a measurement against the builtin's, turn by turn and step by step."""
    ratios = np.array(measurement.step_times) / np.array(builtin.step_times)
    lower, middle, upper = (float(ratio) for ratio in np.percentile(ratios, [5, 50, 95]))
    differing = np.flatnonzero(measurement.rates != builtin.rates)
    return Comparison(
        measurement.name,
        float(np.median(measurement.step_times)),
        middle,
        (lower, upper),
        float(measurement.rates[-1]),
        measurement.accuracies,
        int(differing[0]) if differing.size else None,
    )
