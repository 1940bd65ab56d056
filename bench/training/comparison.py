"""Keras's builtin ExponentialDecay beside this library's schedules, in the same training run.

How a step is timed: an epoch of ``fit`` without validation, from before the first `on_epoch_begin`
to after the last `on_epoch_end`, divided by its steps. The first epoch of each network is left out:
it holds the tracing and compiling of the training step. The networks take turns, each an epoch, in
another order each time, so that a slow minute of the machine reaches all of them; a ratio is always
that of one turn. Python's garbage collector runs between the epochs and not in them.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from bench.training.statistics import RateDifference, Ratio
from lrdecay_native.command_line.training.data import Digits
from lrdecay_native.command_line.training.record import steps_per_epoch
from lrdecay_native.command_line.training.run import LearningRate, rates_by_step, tutorial_model
from lrdecay_native.keras import KerasSchedule, KerasTable, to_keras
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.decays.asymptotic import StepDecay

BUILTIN = "builtin"
"""The name of the contender that all others are compared with."""

FEWEST_TURNS = 8
"""With fewer turns than this, chance alone often puts all of them on one side of 1."""


class RatePerBatch(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets the learning rate before each training step, from a Python function of the step."""

    def __init__(self, rate_at: Callable[[int], float]) -> None:
        super().__init__()
        self._rate_at = rate_at
        self._step = 0

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        # On JAX the training step keeps its state to itself, and what is set would be lost.
        getattr(self.model, "jax_state_sync", _nothing)()
        self.model.optimizer.learning_rate = self._rate_at(self._step)
        self._step += 1


def _nothing() -> None:
    pass


def _no_callbacks() -> list[keras.callbacks.Callback]:
    return []


@dataclass(frozen=True)
class Contender:
    """One way to have a learning rate.

    Attributes
    ----------
    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule
        What the optimizer is given.
    callbacks : callable
        Makes the callbacks of one network, which set its rate.
    rate_at : callable, optional
        The rate that the callbacks set, as a function of the step.
    """

    learning_rate: LearningRate
    callbacks: Callable[[], list[keras.callbacks.Callback]] = _no_callbacks
    rate_at: Callable[[int], float] | None = None

    def rates(self, stop: int, jit_compile: bool) -> npt.NDArray[np.float32]:
        """The rates of the steps 0 to ``stop - 1``; see `rates_by_step`."""
        if self.rate_at is None:
            return rates_by_step(self.learning_rate, stop, jit_compile)
        return np.array([self.rate_at(step) for step in range(stop)], np.float32)


def contenders(schedule: Schedule, steps: int, steps_per_epoch: int) -> dict[str, Contender]:
    """What to compare: the builtin, ours in both ways of computing, a constant, two callbacks.

    Parameters
    ----------
    schedule : StepDecay
        The one schedule of this library whose builtin is ExponentialDecay.
    steps : int
        The training steps of the run.
    steps_per_epoch : int
        The training steps of an epoch, for the callback that sets the rate once in each.

    Raises
    ------
    TypeError
        If the schedule isn't a StepDecay.
    """
    if not isinstance(schedule, StepDecay):
        raise TypeError(
            f"the comparison needs a StepDecay, which is Keras's ExponentialDecay, got {schedule!r}"
        )
    initial = float(schedule.initial_learning_rate)

    def rate_at(step: int) -> float:
        drops = step / schedule.step_size
        return float(initial * schedule.drop_rate ** (drops // 1 if schedule.staircase else drops))

    def rate_of_epoch(epoch: int) -> float:
        return rate_at(epoch * steps_per_epoch)

    return {
        BUILTIN: Contender(to_keras(schedule)),
        "ours, float32": Contender(KerasSchedule(schedule)),
        "ours, native": Contender(KerasTable(schedule, steps + 1)),
        "constant": Contender(initial),
        "callback per epoch": Contender(
            initial,
            lambda: [keras.callbacks.LearningRateScheduler(rate_of_epoch)],
            lambda step: rate_of_epoch(step // steps_per_epoch),
        ),
        "callback per batch": Contender(initial, lambda: [RatePerBatch(rate_at)], rate_at),
    }


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
    ratio : Ratio
        The step times divided by the builtin's, turn by turn.
    final_rate : float
        The rate after the run.
    accuracies : tuple of float
        Test accuracy after each repeat.
    difference : RateDifference
        Where the rates aren't the builtin's.
    """

    name: str
    step_time: float
    ratio: Ratio
    final_rate: float
    accuracies: tuple[float, ...]
    difference: RateDifference

    def sentence(self) -> str:
        """What the step times say, in words."""
        ratio = self.ratio
        percent = f"{abs(ratio.median - 1):.1%}"
        low, high = ratio.interval
        spread = f"95% interval of the median ratio: {low:.3f} to {high:.3f}"
        if ratio.below_noise:
            return f"{self.name}: a difference in step time, if any, is below the noise ({spread})."
        direction = "slower" if ratio.median > 1 else "faster"
        return f"{self.name}: a step is {percent} {direction} than with the builtin ({spread})."


def check_turns(epochs: int, repeats: int) -> None:
    """Raise a ValueError if a comparison would have too few turns to show its noise."""
    turns = repeats * (epochs - 1)
    if turns < FEWEST_TURNS:
        raise ValueError(
            f"epochs={epochs} with repeats={repeats} leaves {turns} timed epochs "
            f"(the first of each repeat isn't timed); at least {FEWEST_TURNS} are needed"
        )


class _EpochBegin(keras.callbacks.Callback):  # type: ignore[misc]
    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.time = time.perf_counter()


class _EpochEnd(keras.callbacks.Callback):  # type: ignore[misc]
    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.time = time.perf_counter()


@contextmanager
def _garbage_collected_before() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Network:
    """The tutorial's network under one contender, trained and timed epoch by epoch.

    Parameters
    ----------
    digits : Digits
        The images; each epoch takes all of them.
    contender : Contender
        What gives the learning rate.
    batch_size : int
        Images in a training step.
    seed : int
        Seeds weights and order of images.
    jit_compile : bool or "auto", default "auto"
        As ``Model.compile`` takes it.
    """

    def __init__(
        self,
        digits: Digits,
        contender: Contender,
        *,
        batch_size: int,
        seed: int,
        jit_compile: bool | str = "auto",
    ) -> None:
        self._digits, self._batch_size, self._seed = digits, batch_size, seed
        keras.utils.set_random_seed(seed)
        self.model = tutorial_model(
            digits.x_train.shape[1:], contender.learning_rate, jit_compile=jit_compile
        )
        self._callbacks = contender.callbacks()
        self._epoch = 0

    def train_epoch(self) -> float:
        """Train the next epoch; return the seconds of a step."""
        begin, end = _EpochBegin(), _EpochEnd()
        # Each fit shuffles anew from the seed: with one seed, all epochs had one order.
        keras.utils.set_random_seed(mixed_seed(self._seed, self._epoch))
        with _garbage_collected_before():
            self.model.fit(
                self._digits.x_train,
                self._digits.y_train,
                batch_size=self._batch_size,
                initial_epoch=self._epoch,
                epochs=self._epoch + 1,
                callbacks=[begin, *self._callbacks, end],
                verbose=0,
            )
        self._epoch += 1
        return float(end.time - begin.time) / steps_per_epoch(self._digits, self._batch_size)

    def evaluate(self) -> tuple[float, float]:
        """Loss and accuracy on the test images."""
        loss, accuracy = self.model.evaluate(self._digits.x_test, self._digits.y_test, verbose=0)
        return float(loss), float(accuracy)


def take_turn(networks: Mapping[str, Network], turn: int) -> Iterator[tuple[str, float]]:
    """Train each network for an epoch, in another order each turn.

    Yields
    ------
    tuple of str and float
        After each epoch the network's name and the seconds of a step.
    """
    for name in _order(list(networks), turn):
        yield name, networks[name].train_epoch()


def _order(names: Sequence[str], turn: int) -> list[str]:
    # A permutation of its own: where each had the same one before it, what that leaves in caches would count.
    return [names[place] for place in np.random.default_rng(turn).permutation(len(names))]


def mixed_seed(*numbers: int) -> int:
    """One well-mixed seed from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def measure(
    digits: Digits,
    rates: Mapping[str, Contender],
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
    rates : mapping of str to Contender
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
    step_times: dict[str, list[float]] = {name: [] for name in rates}
    accuracies: dict[str, list[float]] = {name: [] for name in rates}
    for repeat in range(repeats):
        networks = {
            name: Network(digits, contender, batch_size=batch_size, seed=mixed_seed(seed, repeat))
            for name, contender in rates.items()
        }
        for turn in range(epochs):
            for name, seconds in take_turn(networks, repeat * epochs + turn):
                if turn > 0:
                    step_times[name].append(seconds)
                advance()
        for name, network in networks.items():
            accuracies[name].append(network.evaluate()[1])
    stop = epochs * steps_per_epoch(digits, batch_size) + 1
    return [
        Measurement(
            name,
            tuple(step_times[name]),
            tuple(accuracies[name]),
            contender.rates(stop, networks[name].model.jit_compile),
        )
        for name, contender in rates.items()
    ]


def compare(measurement: Measurement, builtin: Measurement) -> Comparison:
    """Set a measurement against the builtin's, turn by turn and step by step."""
    return Comparison(
        measurement.name,
        float(np.median(measurement.step_times)),
        Ratio.of(measurement.step_times, builtin.step_times),
        float(measurement.rates[-1]),
        measurement.accuracies,
        RateDifference.of(measurement.rates, builtin.rates),
    )
