"""The schedules of Hugging Face Transformers by their names; neither Transformers nor PyTorch is imported."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from lrdecay_native import validation
from lrdecay_native.messages import shown
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.cycles import CosineAnnealing, CosineRestarts
from lrdecay_native.schedules.decays.asymptotic import Constant, InverseSquareRootDecay
from lrdecay_native.schedules.decays.finite import LinearDecay, OneMinusSquareRootDecay, PolynomialDecay

LONGEST_TIMESCALE = 10_000
"""Steps that ``inverse_sqrt`` takes for its scale where there is no warm-up."""


def schedule(
    name: str, learning_rate: float, total: int | None = None, warmup: float = 0, **options: Any
) -> Schedule:
    """The schedule that ``transformers.get_scheduler`` makes, by its name.

    Parameters
    ----------
    name : str
        ``"linear"``, ``"cosine"``, ``"cosine_with_restarts"``, ``"polynomial"``, ``"constant"``,
        ``"constant_with_warmup"``, ``"inverse_sqrt"``, ``"cosine_with_min_lr"``, ``"cosine_warmup_with_min_lr"`` or
        ``"warmup_stable_decay"``; or Transformers' own ``SchedulerType``.
    learning_rate : float
        The highest rate, 0 or from 1e-100 to 1e100.
    total : int, optional
        The number of updates of the whole run, with the warm-up; ``"constant"``, ``"constant_with_warmup"`` and
        ``"inverse_sqrt"`` need none.
    warmup : int or float, default 0
        The updates of the warm-up; below 1 it is a share of ``total``, rounded up, as in ``TrainingArguments``.
    **options
        What ``lr_scheduler_kwargs`` has: ``num_cycles``, ``lr_end``, ``power``, ``timescale``, ``min_lr``,
        ``min_lr_rate``, ``warmup_lr_rate``, ``num_decay_steps``, ``num_stable_steps``, ``warmup_type``,
        ``decay_type``, ``min_lr_ratio``.

    Returns
    -------
    Schedule
        With the rates of Transformers 5.24, at every step, also behind the last one.

    Raises
    ------
    ValueError, TypeError
        For a name that is unknown or follows a metric, and for an option that is unknown, missing or out of range.

    See Also
    --------
    from_training_arguments : From a ``TrainingArguments``.

    Notes
    -----
    The rates agree with Transformers' to 1e-15 of the highest one; Transformers computes in float64 without
    further care, and by this loses some restarts of 22 cycles and more.  Its cosines rise again behind ``total``.

    Examples
    --------
    >>> from lrdecay_native import transformers
    >>> transformers.schedule("linear", 5e-5, total=1000, warmup=0.1)
    Warmup(LinearDecay(5e-05, decay_steps=900, end_learning_rate=0.0), steps=100, start=0.0, shape='linear')
    """
    name = str(getattr(name, "value", name))
    if name in _FOLLOW_A_METRIC:
        raise ValueError(f"name={name!r} is no function of the step: {_FOLLOW_A_METRIC[name]}")
    make = _SCHEDULES[validation.one_of("name", name, _SCHEDULES)]
    highest = validation.not_negative("learning_rate", learning_rate)
    if total is not None:
        validation.whole("total", total, lowest=1)
    elif "total" in inspect.signature(make).parameters and "num_stable_steps" not in options:
        raise ValueError(f"total=None must be the number of updates of the run: {name!r} needs it")
    known = [each for each in inspect.signature(make).parameters if each not in ("lr", "total", "warmup")]
    unknown = [each for each in options if each not in known]
    if unknown:
        raise TypeError(
            f"{name!r} got an unexpected option {unknown[0]!r}; it takes {', '.join(known) or 'no options'}"
        )
    given = {"lr": highest, "total": total, "warmup": warmup_steps(warmup, total)}
    taken = {each: given[each] for each in inspect.signature(make).parameters if each in given}
    return make(**taken, **options)


def warmup_steps(warmup: float, total: int | None) -> int:
    """The updates of a warm-up that may be a share of all, as Transformers counts them."""
    given = validation.not_negative("warmup", warmup)
    if given >= 1:
        if given != int(given):
            raise ValueError(f"warmup={shown(warmup)} must be whole, or a share of the run below 1")
        return int(warmup)
    if given and total is None:
        raise ValueError(f"warmup={shown(warmup)} is a share of the run: give total too")
    return math.ceil((total or 0) * given)


_FOLLOW_A_METRIC = {
    "reduce_lr_on_plateau": "lrdecay_native.torch.ReduceLROnPlateau is the same, over any schedule",
    "greedy": "it follows the loss",
}


def _constant(lr: float) -> Schedule:
    return Constant(lr)


def _constant_with_warmup(lr: float, warmup: int) -> Schedule:
    return Constant(lr).warmup(warmup)


def _rising(lr: float, warmup: int, then: float) -> Schedule:
    """A run that ends within its warm-up: what is behind it."""
    return LinearDecay(0.0, warmup, end_learning_rate=lr).then(Constant(then), at=warmup)


def _linear(lr: float, total: int, warmup: int) -> Schedule:
    return LinearDecay(lr, total - warmup).warmup(warmup) if total > warmup else _rising(lr, warmup, 0.0)


def _half_period(decay_steps: int, num_cycles: float) -> float:
    """Steps of half a wave, of which a run has so many whole ones."""
    cycles = validation.not_negative("num_cycles", num_cycles)
    if cycles == 0:
        return math.inf
    return float(Fraction(max(decay_steps, 1)) / (2 * Fraction(cycles)))


def _waves(lr: float, decay_steps: int, num_cycles: float, end: float = 0.0) -> Schedule:
    half_period = _half_period(decay_steps, num_cycles)
    if half_period == math.inf:
        return Constant(lr)
    whole = int(half_period) if half_period == int(half_period) else half_period
    return CosineAnnealing(lr, whole, end_learning_rate=end)


def _cosine(lr: float, total: int, warmup: int, num_cycles: float = 0.5) -> Schedule:
    return _waves(lr, total - warmup, num_cycles).warmup(warmup)


def _cosine_with_restarts(lr: float, total: int, warmup: int, num_cycles: int = 1) -> Schedule:
    cycles = validation.whole("num_cycles", num_cycles, lowest=1)
    restarts = CosineRestarts(lr, 1, t_mul=1.0, cycle_limit=cycles)
    return restarts.stretched(to=max(total - warmup, 1), of=cycles).warmup(warmup)


def _polynomial(lr: float, total: int, warmup: int, lr_end: float = 1e-7, power: float = 1.0) -> Schedule:
    end = validation.not_negative("lr_end", lr_end)
    if not end < lr:
        raise ValueError(f"lr_end={shown(lr_end)} must be below learning_rate={lr!r}")
    if total <= warmup:
        return _rising(lr, warmup, end)
    return PolynomialDecay(lr, total - warmup, power=power, end_learning_rate=end).warmup(warmup)


def _inverse_sqrt(lr: float, warmup: int, timescale: int | None = None) -> Schedule:
    scale = warmup or LONGEST_TIMESCALE if timescale is None else timescale
    return InverseSquareRootDecay(lr, scale).warmup(warmup)


def _lowest(lr: float, min_lr: float | None, min_lr_rate: float | None) -> float:
    if (min_lr is None) == (min_lr_rate is None):
        raise ValueError(
            f"min_lr={shown(min_lr)} or min_lr_rate={shown(min_lr_rate)} must be given, and not both"
        )
    if min_lr_rate is not None:
        return lr * validation.not_negative("min_lr_rate", min_lr_rate)
    return validation.not_negative("min_lr", min_lr)


def _cosine_with_min_lr(
    lr: float,
    total: int,
    warmup: int,
    num_cycles: float = 0.5,
    min_lr: float | None = None,
    min_lr_rate: float | None = None,
) -> Schedule:
    return _waves(lr, total - warmup, num_cycles, _lowest(lr, min_lr, min_lr_rate)).warmup(warmup)


def _cosine_warmup_with_min_lr(
    lr: float,
    total: int,
    warmup: int,
    num_cycles: float = 0.5,
    min_lr: float | None = None,
    min_lr_rate: float | None = None,
    warmup_lr_rate: float | None = None,
) -> Schedule:
    # The first update is step 1 of the whole plan.
    waves = _waves(lr, total - warmup, num_cycles, _lowest(lr, min_lr, min_lr_rate))
    if warmup == 0 or warmup_lr_rate is None:
        return waves.warmup(warmup).shifted(-1)
    first = lr * validation.not_negative("warmup_lr_rate", warmup_lr_rate)
    if warmup == 1:
        return Constant(first).then(waves.shifted(-1), at=1)
    return waves.warmup(warmup - 1, start=first)


def _warmup_stable_decay(
    lr: float,
    total: int | None,
    warmup: int,
    num_decay_steps: int | None = None,
    num_stable_steps: int | None = None,
    warmup_type: str = "linear",
    decay_type: str = "cosine",
    min_lr_ratio: float = 0.0,
    num_cycles: float = 0.5,
) -> Schedule:
    if num_decay_steps is None:
        raise ValueError("num_decay_steps=None must be the number of updates of the decay")
    decay = validation.whole("num_decay_steps", num_decay_steps)
    if num_stable_steps is None:
        assert total is not None
        stable = total - warmup - decay
        if stable < 0:
            raise ValueError(
                f"total={total} must be at least warmup={warmup} and num_decay_steps={decay} together"
            )
    else:
        stable = validation.whole("num_stable_steps", num_stable_steps)
    end = lr * validation.not_negative("min_lr_ratio", min_lr_ratio)
    shapes = ("linear", "cosine", "1-sqrt")
    validation.one_of("warmup_type", warmup_type, shapes)
    falls: dict[str, Callable[[], Schedule]] = {
        "linear": lambda: LinearDecay(lr, decay, end_learning_rate=end),
        "cosine": lambda: _waves(lr, decay, num_cycles, end),
        "1-sqrt": lambda: OneMinusSquareRootDecay(lr, decay, end_learning_rate=end),
    }
    fall = falls[validation.one_of("decay_type", decay_type, shapes)]
    plan: Schedule = Constant(lr)
    if decay:
        plan = plan.then(fall(), at=stable)
    return plan.then(Constant(end), at=stable + decay).warmup(warmup, start=end, shape=warmup_type)


_SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "linear": _linear,
    "cosine": _cosine,
    "cosine_with_restarts": _cosine_with_restarts,
    "polynomial": _polynomial,
    "constant": _constant,
    "constant_with_warmup": _constant_with_warmup,
    "inverse_sqrt": _inverse_sqrt,
    "cosine_with_min_lr": _cosine_with_min_lr,
    "cosine_warmup_with_min_lr": _cosine_warmup_with_min_lr,
    "warmup_stable_decay": _warmup_stable_decay,
}


def from_training_arguments(arguments: Any, examples: int) -> Schedule:
    """The schedule that ``Trainer`` would make of its arguments.

    Parameters
    ----------
    arguments : transformers.TrainingArguments
        Of which are taken the rate, the schedule's name and options, the warm-up, the numbers of epochs or steps, the
        batch sizes, the accumulation, and whether the last batch is dropped.
    examples : int
        The number of examples of the training data.

    Returns
    -------
    Schedule
        In updates, as ``Trainer`` counts its steps.

    Raises
    ------
    ValueError, TypeError
        As `schedule`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from lrdecay_native import transformers
    >>> arguments = SimpleNamespace(
    ...     learning_rate=5e-5, lr_scheduler_type="linear", lr_scheduler_kwargs={}, warmup_steps=10, max_steps=-1,
    ...     num_train_epochs=3.0, train_batch_size=8, world_size=1, gradient_accumulation_steps=2,
    ...     dataloader_drop_last=False,
    ... )
    >>> transformers.from_training_arguments(arguments, examples=1000).length
    189
    """
    return schedule(
        arguments.lr_scheduler_type,
        arguments.learning_rate,
        total=updates(arguments, examples),
        warmup=arguments.warmup_steps,
        **(arguments.lr_scheduler_kwargs or {}),
    )


def updates(arguments: Any, examples: int) -> int:
    """The number of updates of a run, as ``Trainer`` counts them."""
    count = validation.whole("examples", examples, lowest=1)
    if arguments.max_steps > 0:
        return int(arguments.max_steps)
    batch = arguments.train_batch_size * arguments.world_size
    batches = count // batch if arguments.dataloader_drop_last else -(-count // batch)
    of_epoch: int = max(-(-batches // arguments.gradient_accumulation_steps), 1)
    epochs: float = arguments.num_train_epochs
    return math.ceil(epochs * of_epoch)
