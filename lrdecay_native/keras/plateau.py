"""The callback that reduces the rate of any schedule when a metric stops improving."""

from __future__ import annotations

import warnings
from typing import Any

import keras

from lrdecay_native.keras.backends import backend
from lrdecay_native.keras.compiled_steps import applies, optimizers_of
from lrdecay_native.keras.learning_rates import KerasTable
from lrdecay_native.keras.optimizer_state import schedule_of, single, steps_taken, value_of
from lrdecay_native.keras.plateau_rates import PlateauRate, PlateauSchedule, PlateauTable
from lrdecay_native.plateau import ReduceOnPlateau
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.decays.asymptotic import Constant

LearningRateSchedule = keras.optimizers.schedules.LearningRateSchedule

_LOWER_IS_BETTER = ("loss", "error")
_HIGHER_IS_BETTER = ("acc", "auc", "precision", "recall", "score")


class ReduceLROnPlateau(keras.callbacks.Callback):  # type: ignore[misc]
    """Reduce the rate when a metric has stopped improving, on top of any schedule.

    Takes the place of ``keras.callbacks.ReduceLROnPlateau``, which refuses schedules: the parameters are its, and
    the rate is reduced at the same epochs.  The rate is ``max(schedule(step) * reductions, min_lr)``, but never above
    ``schedule(step)``, where each reduction multiplies by ``factor``.

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
        The least rate that reductions lead to, 0 or from 1e-100 to 1e100.  Where the schedule is lower, so is the
        rate.

    Attributes
    ----------
    controller : lrdecay_native.plateau.ReduceOnPlateau
        The state, once training has begun; it belongs to the model's learning rate.
    controllers : list of lrdecay_native.plateau.ReduceOnPlateau
        That of each optimizer, where the model has a ``MultiOptimizer``.

    Raises
    ------
    ValueError, TypeError
        For a parameter out of range or of a wrong kind; when training begins, for a rate that is neither a
        number nor a schedule.

    Notes
    -----
    **The rate.**  When training begins the optimizer's rate becomes a `PlateauTable` of the same steps, if it was a
    `KerasTable`, a `PlateauRate`, if it was a ``LearningRateSchedule`` of one's own, and otherwise a
    `PlateauSchedule`.  After a reduction the training step is traced and compiled anew, once.  Each model has a rate
    and a state of its own, also where models are given one object.

    **A number** stays one, which other callbacks may set, such as a ``LearningRateScheduler``: as in Keras, a
    reduction is a factor on the number that is there, and its state isn't saved with the model.  Give a
    ``KerasSchedule(Constant(0.1))`` to have it saved.

    **Of a** ``MultiOptimizer`` the rate of each optimizer is reduced, as in Keras.

    **Saving.**  The state is part of the learning rate, so of ``model.save("model.keras")``: the loaded
    model's rate is the reduced one, and a new callback of the same parameters goes on as this one would have.  The
    loading program imports ``keras`` and ``lrdecay_native.keras``, no more.  List this callback before a
    ``ModelCheckpoint``, so that the file holds the state after the epoch.  A callback with other parameters
    begins anew, on the rates as reduced so far.

    **Weights only.**  ``save_weights`` and ``BackupAndRestore`` save no learning rate: in a new process it is
    what the program gives.  Keep the state beside the weights, as ``callback.controller.to_json()`` after
    each epoch, and compile with ``PlateauSchedule(ReduceOnPlateau.from_json(text), monitor)`` as the rate to go on.

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
        self._reductions: list[_Reduction] = []

    @property
    def controller(self) -> ReduceOnPlateau:
        """The state, once training has begun; it belongs to the model's learning rate."""
        # Which refuses a MultiOptimizer.
        single(self.model.optimizer)
        return self.controllers[0]

    @property
    def controllers(self) -> list[ReduceOnPlateau]:
        """The state of each optimizer."""
        return [reduction.controller for reduction in self._reductions]

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        before = {reduction.optimizer: reduction for reduction in self._reductions}
        optimizers = optimizers_of(self.model)
        self._reductions = [self._reduction(each, before.get(each)) for each in optimizers]
        self._have_applied()

    def _reduction(self, optimizer: keras.optimizers.Optimizer, before: _Reduction | None) -> _Reduction:
        """What reduces the optimizer's rate: on from where it was, or anew."""
        rate = optimizer._learning_rate
        if isinstance(rate, keras.Variable):
            if isinstance(before, _OfNumber):
                return before
            return _OfNumber(
                optimizer, self.monitor, self._controller_of(Constant(value_of(rate, optimizer)))
            )
        kind: type[_OfSchedule] | type[_OfRate] = _OfSchedule
        if self._goes_on_with(rate):
            # A state of its own: that of another callback, or another model, would count epochs twice.
            controller = _copy(rate.controller)
            if isinstance(rate, PlateauRate):
                kind = _OfRate
        else:
            try:
                controller = self._controller_of(schedule_of(rate))
            except (TypeError, ValueError):
                if not isinstance(rate, LearningRateSchedule):
                    raise
                controller, kind = self._controller_of(Constant(value_of(rate, optimizer))), _OfRate
        reduction = kind(optimizer, self.monitor, controller)
        reduction.install()
        return reduction

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        for reduction in self._reductions:
            if not reduction.in_place:
                raise ValueError(
                    f"monitor={self.monitor!r}: another callback has replaced the rate, which is "
                    f"{reduction.optimizer._learning_rate!r} now; a model takes one ReduceLROnPlateau, and beside it "
                    "no callback that sets rates"
                )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = {} if logs is None else logs
        several = len(self._reductions) > 1
        for reduction in self._reductions:
            logs[f"learning_rate_{reduction.name}" if several else "learning_rate"] = reduction.rate_now()
        if self.monitor not in logs:
            warnings.warn(
                f"monitor={self.monitor!r} isn't among this epoch's metrics: {', '.join(logs)}", stacklevel=2
            )
            return
        reduced = [reduction for reduction in self._reductions if reduction.update(logs[self.monitor])]
        if reduced:
            self._have_applied()
        for reduction in reduced if self.verbose else ():
            of = f" of {reduction.name}" if several else ""
            print(f"Epoch {epoch + 1:02d}: learning rate{of} reduced to {reduction.rate_now():.5g}")

    def _have_applied(self) -> None:
        """Have the training step use the rates as they are now: a compiled one may hold others."""
        if not all(reduction.is_applied(self.model) for reduction in self._reductions):
            backend.make_anew(self.model)

    def _controller_of(self, schedule: Schedule) -> ReduceOnPlateau:
        return ReduceOnPlateau.like_keras(schedule, **self._parameters)

    def _goes_on_with(self, rate: Any) -> bool:
        """Whether the rate's state is that of a callback with these parameters."""
        if not isinstance(rate, (PlateauSchedule, PlateauTable, PlateauRate)):
            return False
        # A controller's repr has its parameters and not its progress.
        same = repr(self._controller_of(rate.controller.schedule)) == repr(rate.controller)
        return same and rate.monitor == self.monitor


class _Reduction:
    """What reduces the rate of one optimizer."""

    def __init__(
        self, optimizer: keras.optimizers.Optimizer, monitor: str, controller: ReduceOnPlateau
    ) -> None:
        self.optimizer, self.monitor, self.controller = optimizer, monitor, controller

    @property
    def name(self) -> str:
        return str(self.optimizer.name)

    @property
    def in_place(self) -> bool:
        """Whether the optimizer's rate is the one that this reduces."""
        return getattr(self.optimizer._learning_rate, "controller", None) is self.controller

    def rate_now(self) -> float:
        return value_of(self.optimizer._learning_rate, self.optimizer)

    def is_applied(self, model: keras.Model) -> bool:
        return applies(model, self.optimizer)

    def install(self) -> None:
        """Give the optimizer the rate that the controller has now."""
        self.optimizer.learning_rate = self._reduced()

    def update(self, metric: Any) -> bool:
        """Take the metric of an epoch; whether the rate was reduced."""
        # Another one: the old rate, which another model may have, keeps its state.
        self.controller = self._up_to_date()
        reduces = self.controller.update(metric, steps_taken(self.optimizer))
        if reduces:
            self.install()
        else:
            self.optimizer._learning_rate.controller = self.controller
        return reduces

    def _up_to_date(self) -> ReduceOnPlateau:
        return _copy(self.controller)

    def _reduced(self) -> Any:
        raise NotImplementedError


class _OfSchedule(_Reduction):
    def _reduced(self) -> PlateauSchedule | PlateauTable:
        before = self.optimizer._learning_rate
        if isinstance(before, KerasTable):
            return PlateauTable(self.controller, self.monitor, before.stop, start=before.start)
        return PlateauSchedule(self.controller, self.monitor)


class _OfRate(_Reduction):
    """Of a schedule that isn't of this library: the controller's is a constant, the rate at each epoch's end."""

    @property
    def _own(self) -> Any:
        rate = self.optimizer._learning_rate
        return rate.learning_rate if isinstance(rate, PlateauRate) else rate

    def is_applied(self, model: keras.Model) -> bool:
        return False

    def _up_to_date(self) -> ReduceOnPlateau:
        return _copy(self.controller, schedule=Constant(value_of(self._own, self.optimizer)).to_dict())

    def _reduced(self) -> PlateauRate:
        return PlateauRate(self._own, self.controller, self.monitor)


class _OfNumber(_Reduction):
    """Of a number, which other callbacks may set: each reduction is one of the number that is there."""

    @property
    def in_place(self) -> bool:
        return isinstance(self.optimizer._learning_rate, keras.Variable)

    def is_applied(self, model: keras.Model) -> bool:
        return True

    def update(self, metric: Any) -> bool:
        self.controller = _copy(self.controller, schedule=Constant(self.rate_now()).to_dict(), factor=1.0)
        reduces = self.controller.update(metric, 0)
        if reduces:
            self.install()
        return reduces

    def _reduced(self) -> float:
        rate: float = self.controller.learning_rate(0)
        return rate


def _copy(controller: ReduceOnPlateau, **changes: Any) -> ReduceOnPlateau:
    return ReduceOnPlateau.from_state({**controller.state(), **changes})


def _mode_for(monitor: str) -> str:
    name = monitor.lower()
    if any(part in name for part in _LOWER_IS_BETTER):
        return "min"
    if any(part in name for part in _HIGHER_IS_BETTER):
        return "max"
    raise ValueError(
        f"mode='auto' can't tell whether monitor={monitor!r} is better lower or higher: give mode='min' or mode='max'"
    )
