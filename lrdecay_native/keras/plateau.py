"""Reduce the rate of any schedule when a metric stops improving; the state is saved with the model."""

from __future__ import annotations

import warnings
from typing import Any

import keras

from lrdecay_native.decays import Constant
from lrdecay_native.keras.learning_rates import KerasSchedule, KerasTable
from lrdecay_native.keras.optimizer_state import (
    current_learning_rate,
    learning_rate_of,
    schedule_of,
    steps_taken,
)
from lrdecay_native.plateau import ReduceOnPlateau
from lrdecay_native.schedules import Schedule

_LOWER_IS_BETTER = ("loss", "error")
_HIGHER_IS_BETTER = ("acc", "auc", "precision", "recall", "score")


@keras.saving.register_keras_serializable(package="lrdecay_native")
class PlateauSchedule(KerasSchedule):
    """The rate of a model under `ReduceLROnPlateau`, computed as `KerasSchedule` does.

    The callback makes it; in a program it is needed where only weights were saved.

    Parameters
    ----------
    controller : lrdecay_native.plateau.ReduceOnPlateau
        What the rate follows as reduced so far, and the state that is saved with the model.
    monitor : str
        The metric that the controller is told.

    Attributes
    ----------
    schedule : Schedule
        The controller's ``schedule_now`` when this object was made: it doesn't change.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> from lrdecay_native.keras import PlateauSchedule
    >>> from lrdecay_native.plateau import ReduceOnPlateau
    >>> controller = ReduceOnPlateau.like_keras(lrd.CosineDecay(0.1, 1000), factor=0.5, patience=1)
    >>> [controller.update(loss) for loss in (1.0, 1.0)]
    [False, True]
    >>> PlateauSchedule(ReduceOnPlateau.from_json(controller.to_json()), "val_loss").schedule(0)
    0.05
    """

    def __init__(self, controller: ReduceOnPlateau, monitor: str) -> None:
        super().__init__(controller.schedule_now)
        self.controller, self.monitor = controller, monitor

    def __repr__(self) -> str:
        return f"PlateauSchedule({self.controller!r}, {self.monitor!r})"

    def get_config(self) -> dict[str, Any]:
        """Return the controller's state and the metric's name, as JSON types."""
        return {"controller": self.controller.state(), "monitor": self.monitor}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PlateauSchedule:
        """Make the rate anew from what `get_config` returned."""
        return cls(**{**config, "controller": ReduceOnPlateau.from_state(config["controller"])})


@keras.saving.register_keras_serializable(package="lrdecay_native")
class PlateauTable(KerasTable):
    """The rate of a model under `ReduceLROnPlateau`, looked up as `KerasTable` does.

    Parameters
    ----------
    controller, monitor
        As for `PlateauSchedule`.
    stop, start : int
        As for `KerasTable`.
    """

    def __init__(self, controller: ReduceOnPlateau, monitor: str, stop: int, *, start: int = 0) -> None:
        super().__init__(controller.schedule_now, stop, start=start)
        self.controller, self.monitor = controller, monitor

    def __repr__(self) -> str:
        return f"PlateauTable({self.controller!r}, {self.monitor!r}, {self.stop}, start={self.start})"

    def get_config(self) -> dict[str, Any]:
        """Return the controller's state, the metric's name and the steps, as JSON types."""
        return {
            "controller": self.controller.state(),
            "monitor": self.monitor,
            "stop": self.stop,
            "start": self.start,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PlateauTable:
        """Make the rate anew from what `get_config` returned."""
        return cls(**{**config, "controller": ReduceOnPlateau.from_state(config["controller"])})


class ReduceLROnPlateau(keras.callbacks.Callback):  # type: ignore[misc]
    """Reduce the rate when a metric has stopped improving, on top of any schedule.

    Takes the place of ``keras.callbacks.ReduceLROnPlateau``, which refuses schedules: the parameters are its, and
    the rate is reduced at the same epochs.  The rate is ``max(schedule(step) * reductions, min_lr)``, where each
    reduction multiplies by ``factor``.

    Parameters
    ----------
    monitor : str, default "val_loss"
        The metric, by its name in the logs.
    factor : float, default 0.1
        The factor of one reduction, from 1e-100 to below 1.
    patience : int, default 10
        The rate is reduced at this many epochs without improvement.
    verbose : {0, 1}, default 0
        Whether to print a line at each reduction.
    mode : {"auto", "min", "max"}, default "auto"
        Whether a lower or a higher metric is better.  "auto" goes by the name: lower for a loss or error, higher
        for accuracy, AUC, precision, recall and scores; other names need "min" or "max".
    min_delta : float, default 1e-4
        By how much a metric must be better than the best one to be an improvement.
    cooldown : int, default 0
        How many epochs after a reduction to wait before counting again.
    min_lr : float, default 0
        The least rate, 0 or from 1e-100 to 1e100.  It holds from the beginning, also where the schedule is lower.

    Attributes
    ----------
    controller : lrdecay_native.plateau.ReduceOnPlateau
        The state, once training has begun; it belongs to the model's learning rate.

    Raises
    ------
    ValueError, TypeError
        For a parameter out of range or of a wrong kind; when training begins, for a rate that is neither a
        number nor a schedule of this library or of Keras.

    Notes
    -----
    **The rate.**  When training begins the optimizer's rate becomes a `PlateauTable` of the same steps, if it was a
    `KerasTable`, and otherwise a `PlateauSchedule`.  A number becomes a `Constant` schedule; it can't be set
    any more, as by a ``LearningRateScheduler``.  After a reduction the training step is traced and
    compiled anew, once.

    **Saving.**  The state is part of the learning rate, so of ``model.save("model.keras")``: the loaded
    model's rate is the reduced one, and a new callback of the same parameters goes on as this one would have.  The
    loading program imports ``keras`` and ``lrdecay_native.keras``, no more.  List this callback before a
    ``ModelCheckpoint``, so that the file holds the state after the epoch.  A callback with other parameters
    begins anew, on the rates as reduced so far.

    **Weights only.**  ``save_weights`` and ``BackupAndRestore`` save no learning rate: in a new process it is
    what the program gives.  Keep the state beside the weights, as ``callback.controller.to_json()`` after
    each epoch, and compile with ``PlateauSchedule(ReduceOnPlateau.from_json(text), monitor)`` as the rate to go on.
    A rate that is a number is a variable of the optimizer until training begins, and none after: Keras then refuses
    to load the optimizer's variables, with a warning.  So where weights are restored, give a
    ``KerasSchedule(Constant(0.1))`` instead.

    Where Keras's callback forgets its state when ``fit`` is called again, this one goes on.  A metric that an epoch
    lacks gives a warning, as in Keras.

    Examples
    --------
    >>> import keras, numpy as np
    >>> import lrdecay_native as lrd
    >>> from lrdecay_native.keras import KerasSchedule, ReduceLROnPlateau
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(KerasSchedule(lrd.CosineDecay(0.1, 1000).warmup(100))), loss="mse")
    >>> reduce = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=10.0, verbose=1)
    >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=[reduce])
    Epoch 02: learning rate reduced to 0.001
    >>> reduce.controller.factor
    0.5
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__()
        if not isinstance(monitor, str):
            raise TypeError(f"monitor={monitor!r} must be the name of a metric, such as 'val_loss'")
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode={mode!r} must be 'auto', 'min' or 'max'")
        self.monitor, self.verbose = monitor, verbose
        self._parameters: dict[str, Any] = {
            "factor": factor,
            "patience": patience,
            "mode": _mode_for(monitor) if mode == "auto" else mode,
            "min_delta": min_delta,
            "cooldown": cooldown,
            "min_lr": min_lr,
        }
        self._controller_of(Constant(1.0))
        self._own: ReduceOnPlateau | None = None

    @property
    def controller(self) -> ReduceOnPlateau:
        """The state, once training has begun; it belongs to the model's learning rate."""
        controller: ReduceOnPlateau = learning_rate_of(self.model.optimizer).controller
        return controller

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        rate = learning_rate_of(self.model.optimizer)
        if self._goes_on_with(rate):
            # A state of its own: that of another callback with the same parameters would count each epoch twice.
            self._own = rate.controller = ReduceOnPlateau.from_state(rate.controller.state())
        else:
            self._own = self._controller_of(_schedule_before(self.model.optimizer))
            self._set_rate(self._own)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        rate = learning_rate_of(self.model.optimizer)
        if getattr(rate, "controller", None) is not self._own:
            raise ValueError(
                f"monitor={self.monitor!r}: another callback has replaced the rate, which is {rate!r} now; a model "
                "takes one ReduceLROnPlateau, and beside it no callback that sets rates"
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = {} if logs is None else logs
        optimizer = self.model.optimizer
        logs["learning_rate"] = current_learning_rate(optimizer)
        if self.monitor not in logs:
            warnings.warn(
                f"monitor={self.monitor!r} isn't among this epoch's metrics: {', '.join(logs)}", stacklevel=2
            )
            return
        controller = self.controller
        if controller.update(logs[self.monitor], steps_taken(optimizer)):
            self._set_rate(controller)
            if self.verbose:
                rate = current_learning_rate(optimizer)
                print(f"Epoch {epoch + 1:02d}: learning rate reduced to {rate:.5g}")

    def _controller_of(self, schedule: Schedule) -> ReduceOnPlateau:
        return ReduceOnPlateau.like_keras(schedule, **self._parameters)

    def _goes_on_with(self, rate: Any) -> bool:
        """Whether the rate's state is that of a callback with these parameters."""
        if not isinstance(rate, (PlateauSchedule, PlateauTable)):
            return False
        # A controller's repr has its parameters and not its progress.
        same = repr(self._controller_of(rate.controller.schedule)) == repr(rate.controller)
        return same and rate.monitor == self.monitor

    def _set_rate(self, controller: ReduceOnPlateau) -> None:
        """Have the training step use the rate as the controller has it now."""
        optimizer = self.model.optimizer
        before = learning_rate_of(optimizer)
        optimizer.learning_rate = (
            PlateauTable(controller, self.monitor, before.stop, start=before.start)
            if isinstance(before, KerasTable)
            else PlateauSchedule(controller, self.monitor)
        )
        # What was traced or compiled before goes on with the old rate; fit calls the model's new function.
        self.model.make_train_function(force=True)


def _schedule_before(optimizer: keras.optimizers.Optimizer) -> Schedule:
    rate = learning_rate_of(optimizer)
    if isinstance(rate, keras.Variable):
        return Constant(current_learning_rate(optimizer))
    return schedule_of(rate)


def _mode_for(monitor: str) -> str:
    name = monitor.lower()
    if any(part in name for part in _LOWER_IS_BETTER):
        return "min"
    if any(part in name for part in _HIGHER_IS_BETTER):
        return "max"
    raise ValueError(
        f"mode='auto' can't tell whether monitor={monitor!r} is better lower or higher: give mode='min' or mode='max'"
    )
