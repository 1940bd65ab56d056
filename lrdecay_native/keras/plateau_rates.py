"""The rates that a model has under `ReduceLROnPlateau`: they hold its state, which is saved with the model."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from lrdecay_native.keras.learning_rates import KerasSchedule, KerasTable
from lrdecay_native.keras.registration import registered
from lrdecay_native.plateau import ReduceOnPlateau

LearningRateSchedule = keras.optimizers.schedules.LearningRateSchedule


@registered
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


@registered
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


@registered
class PlateauRate(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """The rate of a model under `ReduceLROnPlateau` that is a ``LearningRateSchedule`` of one's own.

    Parameters
    ----------
    learning_rate : keras.optimizers.schedules.LearningRateSchedule
        What the rate follows; to be saved, it is one that Keras can save.
    controller : lrdecay_native.plateau.ReduceOnPlateau
        The state; its schedule is a `Constant` of the rate at the last epoch's end, and its ``factor`` is what the
        rate is multiplied with.
    monitor : str
        The metric that the controller is told.
    """

    def __init__(self, learning_rate: Any, controller: ReduceOnPlateau, monitor: str) -> None:
        if not isinstance(learning_rate, LearningRateSchedule):
            raise TypeError(f"learning_rate={learning_rate!r} must be a LearningRateSchedule of Keras")
        self.learning_rate, self.controller, self.monitor = learning_rate, controller, monitor
        self._factor = controller.factor
        self._least = controller.state()["min_learning_rate"]

    def __call__(self, step: Any) -> Any:
        rate = ops.convert_to_tensor(self.learning_rate(step))
        return ops.maximum(rate * self._factor, ops.minimum(rate, self._least))

    def get_config(self) -> dict[str, Any]:
        """Return the configuration of the rate, the controller's state and the metric's name."""
        rate = keras.saving.serialize_keras_object(self.learning_rate)
        return {"learning_rate": rate, "controller": self.controller.state(), "monitor": self.monitor}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PlateauRate:
        """Make the rate anew from what `get_config` returned."""
        rate = keras.saving.deserialize_keras_object(config["learning_rate"])
        return cls(rate, ReduceOnPlateau.from_state(config["controller"]), config["monitor"])
