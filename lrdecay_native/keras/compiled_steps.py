"""Which rate a compiled training step holds: the one that the optimizer had when the step was traced."""

from __future__ import annotations

import sys
from collections.abc import Callable, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from numbers import Real
from typing import Any
from weakref import WeakKeyDictionary, WeakSet, ref

import keras

from lrdecay_native.keras.backends import NAME, backend
from lrdecay_native.schedules.base import Schedule

_Traced = MutableMapping[Any, Any]
"""The rates that one compiled function holds, by their optimizers."""

_TRACED: MutableMapping[Any, _Traced] = WeakKeyDictionary()
"""What each compiled function holds.

Nothing here keeps a function alive: as long as an old one of JAX is, a new one of the same model gets its program.
"""

_SEVERAL: Any = object()
"""In place of a rate, where a function was traced with several: batches of each shape go on with their own."""

_MODELS: MutableMapping[Any, ref[Any]] = WeakKeyDictionary()
"""The model that an optimizer trained last."""

_EVER_TRACED: WeakSet[Any] = WeakSet()
"""Rates that some function holds, also one of a training loop that isn't Keras's."""


class NativeRate(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A rate that follows a native schedule, and tells which steps are traced with it.

    Attributes
    ----------
    schedule : Schedule
        What its calls apply.
    """

    schedule: Schedule
    _rate: Callable[[Any], Any]

    def __call__(self, step: Any) -> Any:
        if isinstance(step, Real):
            return self._at_number(step)
        if isinstance(step, keras.Variable):
            _note(self, step)
        return self._rate(step)

    def _at_number(self, step: Any) -> Any:
        raise NotImplementedError


def _note(rate: NativeRate, counter: Any) -> None:
    """Remember, where a step is traced, that it asks this rate of this library with the optimizer's counter."""
    if not backend.is_traced(counter):
        return
    _EVER_TRACED.add(rate)
    optimizer = model = None
    frame = sys._getframe(1)
    while frame is not None and model is None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, keras.Model):
            model = owner
        elif isinstance(owner, keras.optimizers.Optimizer) and owner._learning_rate is rate:
            optimizer = owner
        frame = frame.f_back  # type: ignore[assignment]
    if optimizer is not None and getattr(model, "train_function", None) is not None:
        traced = _traced_by(model)
        if not _same(traced.setdefault(optimizer, rate), rate):
            traced[optimizer] = _SEVERAL
        _MODELS[optimizer] = ref(model)


def _traced_by(model: Any) -> _Traced:
    return _TRACED.setdefault(model.train_function, WeakKeyDictionary())


def optimizers_of(model: Any) -> list[keras.optimizers.Optimizer]:
    """The optimizer that has the rate: the one inside of a ``LossScaleOptimizer``, those of a ``MultiOptimizer``."""
    inner = unwrapped(model.optimizer)
    if not hasattr(inner, "optimizers"):
        return [inner]
    if not model.optimizer.built and model.built:
        # On TensorFlow the first step would do it, and which optimizers there are isn't known before.
        with strategy_of(model):
            model.optimizer.build(model.trainable_variables)
    # One that trains no variable is never built, and takes no step.
    return [each for each in inner.optimizers if each.built]


def strategy_of(model: Any) -> AbstractContextManager[Any]:
    """Where variables are made: in the scope of the model's distribution strategy, which TensorFlow's models have."""
    return model.distribute_strategy.scope() if hasattr(model, "distribute_strategy") else nullcontext()


def unwrapped(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The optimizer itself, or the one inside of a ``LossScaleOptimizer``."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if not isinstance(inner, keras.optimizers.Optimizer):
        raise TypeError(f"optimizer={optimizer!r} must be a Keras optimizer")
    return inner


@dataclass(frozen=True)
class StepRate:
    """The rate that an optimizer had, and what the training step of that time has been traced with.

    Attributes
    ----------
    optimizer : keras.optimizers.Optimizer
        One that has a rate of its own.
    rate : LearningRateSchedule, keras.Variable or callable
        What it had.
    """

    optimizer: keras.optimizers.Optimizer
    rate: Any
    _traced: _Traced | None

    @classmethod
    def of(cls, optimizer: keras.optimizers.Optimizer, model: Any = None) -> StepRate:
        """What it has now; the model is the one that it trained last if none is given."""
        if model is None:
            model = _MODELS.get(optimizer, lambda: None)()
        compiled = model is not None and model.train_function is not None and backend.is_compiled(model)
        return cls(optimizer, optimizer._learning_rate, _traced_by(model) if compiled else None)

    @property
    def held(self) -> Any:
        """The rate that steps apply; None where the step has not been traced with the optimizer's own.

        Before a step that is one to come, after it a rate that isn't of this library.
        """
        if self._traced is None:
            return self.rate
        traced = self._traced.get(self.optimizer)
        if traced is _SEVERAL:
            return None
        if traced is not None:
            return self.rate if _same(traced, self.rate) else traced
        return self.rate if not asks_here(self.rate) or self.rate in _EVER_TRACED else None

    def is_that_of(self, other: StepRate) -> bool:
        """Whether neither the rate nor the training step is another one."""
        return self.rate is other.rate and self._traced is other._traced


def applies(model: Any, optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether it is sure that the model's next step applies the optimizer's rate."""
    if NAME == "torch":
        return not model.jit_compile
    return StepRate.of(optimizer, model).held is optimizer._learning_rate


def asks_here(rate: Any) -> bool:
    """Whether a rate is one of this library whose native schedule is what it applies."""
    return isinstance(rate, NativeRate) and type(rate).__call__ is NativeRate.__call__


def _same(one: Any, other: Any) -> bool:
    return one is other or (asks_here(one) and asks_here(other) and one.schedule == other.schedule)
