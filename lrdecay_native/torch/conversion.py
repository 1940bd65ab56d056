"""Schedulers of torch's as schedules, and schedules as schedulers of torch's."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple

from torch.optim import Optimizer, lr_scheduler

from lrdecay_native.formulas.synonyms import known_by_name
from lrdecay_native.messages import shown
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.compositions.in_sequence import Warmup
from lrdecay_native.schedules.cycles import CosineAnnealing, CosineRestarts, Cyclic
from lrdecay_native.schedules.decays.asymptotic import Constant, StepDecay
from lrdecay_native.schedules.decays.finite import LinearDecay, PolynomialDecay
from lrdecay_native.schedules.nested import schedule_given
from lrdecay_native.schedules.phases.boundaries import (
    MultiStepDecay,
    PiecewiseConstant,
    PiecewiseInterpolation,
)
from lrdecay_native.schedules.phases.recipes import OneCycle
from lrdecay_native.torch.arguments import optimizer_given
from lrdecay_native.torch.quantities import LEARNING_RATE
from lrdecay_native.torch.scheduler import TorchSchedule

PerGroup = list[Any]
"""The schedule of each group."""


class Converted(NamedTuple):
    """The schedules of each quantity, one for each group."""

    rates: PerGroup
    quantities: dict[str, PerGroup]


def from_torch(scheduler: lr_scheduler.LRScheduler) -> TorchSchedule:
    """Go on with the plan of a scheduler of torch's, from its present step, in closed form.

    Parameters
    ----------
    scheduler : torch.optim.lr_scheduler.LRScheduler
        ``StepLR``, ``MultiStepLR``, ``ConstantLR``, ``LinearLR``, ``ExponentialLR``, ``PolynomialLR``,
        ``CosineAnnealingLR``, ``CosineAnnealingWarmRestarts``, ``CyclicLR``, ``OneCycleLR``, ``LambdaLR`` of
        schedules of this library, ``SequentialLR`` of these, and ``ChainedScheduler`` of those that multiply the
        rate.

    Returns
    -------
    TorchSchedule
        Of the same optimizer, at ``scheduler.last_epoch``; its `schedules` are the plan.

    Raises
    ------
    ValueError
        For a scheduler whose rates are no function of the step that this library has, with the reason.
    TypeError
        For what is no scheduler of torch's.

    Notes
    -----
    The rates are those that the scheduler's parameters name; torch's own differ from them by the drift of its
    recursion.  Rates that were changed by hand are not taken over.  ``OneCycleLR`` and ``CyclicLR`` with
    ``cycle_momentum`` bring the momentum along.  Behind its last step torch's ``OneCycleLR`` raises an error; here
    its last rate stays.

    Examples
    --------
    >>> import torch
    >>> from lrdecay_native.torch import from_torch
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    >>> from_torch(torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=100)).schedules["lr"]
    [CosineAnnealing(0.1, half_period=100, end_learning_rate=0.0)]
    """
    if isinstance(scheduler, TorchSchedule):
        return scheduler
    if not isinstance(scheduler, lr_scheduler.LRScheduler):
        raise TypeError(
            f"scheduler={shown(scheduler)} must be a scheduler of torch.optim.lr_scheduler, not "
            f"{type(scheduler).__name__}"
        )
    converted = _converted(scheduler)
    return TorchSchedule(
        scheduler.optimizer,
        converted.rates,
        quantities=converted.quantities,
        first_step=_position(scheduler),
    )


def _position(scheduler: Any) -> int:
    # ChainedScheduler has no step of its own.
    while isinstance(scheduler, lr_scheduler.ChainedScheduler):
        scheduler = scheduler._schedulers[0]
    position: int = scheduler.last_epoch
    return position


def _converted(scheduler: Any) -> Converted:
    convert = _RULES.get(type(scheduler))
    if convert is None:
        reason = _NO_FORMULA.get(type(scheduler).__name__, "only torch's own classes are known")
        raise ValueError(f"{type(scheduler).__name__} is no function of the step alone: {reason}")
    try:
        return convert(scheduler)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{type(scheduler).__name__} can't be converted: {error}") from None


_NO_FORMULA = {
    "ReduceLROnPlateau": "it follows a metric; lrdecay_native.torch.ReduceLROnPlateau is the same over any schedule",
    "MultiplicativeLR": "its rates are products of a Python function's values; write the product as a formula",
    "SWALR": "it begins at the rates that it finds; make it anew after TorchSchedule",
}


def _each_group(make: Callable[[Any, float], Schedule]) -> Callable[[Any], Converted]:
    def convert(scheduler: Any) -> Converted:
        return Converted([make(scheduler, float(base)) for base in scheduler.base_lrs], {})

    return convert


def multi_step(learning_rate: float, milestones: Sequence[int], gamma: float) -> Schedule:
    """``MultiStepLR``; a milestone that is there several times drops as often."""
    boundaries = sorted(set(milestones))
    if len(boundaries) == len(milestones):
        return (
            MultiStepDecay(learning_rate, boundaries, drop_rate=gamma)
            if boundaries
            else Constant(learning_rate)
        )
    drops = [sum(each <= boundary for each in milestones) for boundary in boundaries]
    return PiecewiseConstant(boundaries, [learning_rate, *(learning_rate * gamma**drop for drop in drops)])


def constant(learning_rate: float, factor: float, total_iters: int) -> Schedule:
    """``ConstantLR``; torch never leaves the first rate where there are no steps to wait for."""
    if total_iters == 0:
        return Constant(learning_rate * factor)
    return Constant(learning_rate).warmup(total_iters, start_factor=factor, shape="constant")


def linear(learning_rate: float, start_factor: float, end_factor: float, total_iters: int) -> Schedule:
    """``LinearLR``; torch never leaves the first rate where there are no steps."""
    if total_iters == 0:
        return Constant(learning_rate * start_factor)
    return LinearDecay(
        learning_rate * start_factor, total_iters, end_learning_rate=learning_rate * end_factor
    )


def polynomial(learning_rate: float, total_iters: int, power: float) -> Schedule:
    """``PolynomialLR``; torch never leaves the first rate where there are no steps."""
    return (
        PolynomialDecay(learning_rate, total_iters, power=power) if total_iters else Constant(learning_rate)
    )


def _cyclic(scheduler: Any) -> Converted:
    if scheduler._scale_fn_custom is not None:
        raise ValueError("scale_fn is any Python function; write own_formula")
    up = scheduler.total_size * scheduler.step_ratio
    down = scheduler.total_size - up
    shape = {"mode": scheduler.mode} | ({"gamma": scheduler.gamma} if scheduler.mode == "exp_range" else {})
    rates: PerGroup = [
        Cyclic(float(base), float(highest), up, step_size_down=down, **shape)
        for base, highest in zip(scheduler.base_lrs, scheduler.max_lrs, strict=True)
    ]
    if not scheduler.cycle_momentum:
        return Converted(rates, {})
    if scheduler.mode != "triangular":
        raise ValueError(
            f"the momentum of mode {scheduler.mode!r} is no schedule of this library; cycle_momentum=False is"
        )
    # The momentum falls where the rate rises: a cycle that begins in its midst.
    momenta: PerGroup = [
        Cyclic(float(base), float(highest), down, step_size_down=up).shifted(-down)
        for base, highest in zip(scheduler.base_momentums, scheduler.max_momentums, strict=True)
    ]
    return Converted(rates, {_momentum(scheduler): momenta})


def _momentum(scheduler: Any) -> str:
    return "betas[0]" if scheduler.use_beta1 else "momentum"


def _one_cycle(scheduler: Any) -> Converted:
    groups, phases, total = (
        scheduler.optimizer.param_groups,
        scheduler._schedule_phases,
        scheduler.total_steps,
    )
    strategy = scheduler._anneal_func_type
    rates: PerGroup = [
        OneCycle(
            float(group["max_lr"]),
            total,
            pct_start=(phases[0]["end_step"] + 1) / total,
            anneal_strategy=strategy,
            three_phase=len(phases) == 3,
            div_factor=float(group["max_lr"]) / float(group["initial_lr"]),
            final_div_factor=float(group["initial_lr"]) / float(group["min_lr"]),
        )
        for group in groups
    ]
    if not scheduler.cycle_momentum:
        return Converted(rates, {})
    ends = [phase["end_step"] for phase in phases]
    if ends[0] <= 0:
        raise ValueError("the momentum begins before step 0; cycle_momentum=False is converted")
    names = [phases[0]["start_momentum"], *(phase["end_momentum"] for phase in phases)]
    shape = "cosine" if strategy == "cos" else "linear"
    momenta: PerGroup = [
        PiecewiseInterpolation([0, *ends], [float(group[name]) for name in names], shape=shape)
        for group in groups
    ]
    return Converted(rates, {_momentum(scheduler): momenta})


def _lambdas(scheduler: Any) -> Converted:
    for function in scheduler.lr_lambdas:
        if not isinstance(function, Schedule):
            raise ValueError("its function must be a schedule of this library: write own_formula")
    return Converted(
        [
            each.scaled(float(base))
            for each, base in zip(scheduler.lr_lambdas, scheduler.base_lrs, strict=True)
        ],
        {},
    )


def _sequence(scheduler: Any) -> Converted:
    first, *others = [_converted(each) for each in scheduler._schedulers]
    if any(each.quantities for each in (first, *others)):
        raise ValueError(
            "a momentum that only a part of the sequence sets stays as it was before and after it"
        )
    milestones = scheduler._milestones
    if sorted(set(milestones)) != list(milestones):
        raise ValueError(f"milestones={shown(milestones)} must rise: torch skips a part otherwise")
    rates: PerGroup = [
        reduce(
            lambda before, behind: before.then(behind[0], at=behind[1]),
            zip((each.rates[group] for each in others), milestones, strict=True),
            rate,
        )
        for group, rate in enumerate(first.rates)
    ]
    return Converted(rates, {})


MULTIPLY = (
    lr_scheduler.StepLR,
    lr_scheduler.MultiStepLR,
    lr_scheduler.ConstantLR,
    lr_scheduler.LinearLR,
    lr_scheduler.ExponentialLR,
    lr_scheduler.PolynomialLR,
)
"""Classes that multiply the rate that they find; `CosineAnnealingLR` does so without a lowest rate."""


def _product(scheduler: Any) -> Converted:
    for each in scheduler._schedulers:
        if type(each) is lr_scheduler.CosineAnnealingLR and each.eta_min == 0:
            continue
        if type(each) is lr_scheduler.CosineAnnealingLR:
            raise ValueError(
                "CosineAnnealingLR adds its eta_min to a product, which then is no function of the step"
            )
        if type(each) not in MULTIPLY:
            raise ValueError(
                f"{type(each).__name__} overwrites the rates of the others, so that there is no product"
            )
    first, *others = [_converted(each).rates for each in scheduler._schedulers]
    rates: PerGroup = []
    for group, base in enumerate(scheduler._schedulers[0].base_lrs):
        factors = (each[group].scaled(1.0 / float(base)) for each in others)
        rates.append(reduce(operator.mul, factors, first[group]))
    return Converted(rates, {})


_RULES: dict[type, Callable[[Any], Converted]] = {
    lr_scheduler.StepLR: _each_group(lambda s, lr: StepDecay(lr, s.gamma, s.step_size)),
    lr_scheduler.MultiStepLR: _each_group(
        lambda s, lr: multi_step(lr, sorted(s.milestones.elements()), s.gamma)
    ),
    lr_scheduler.ConstantLR: _each_group(lambda s, lr: constant(lr, s.factor, s.total_iters)),
    lr_scheduler.LinearLR: _each_group(lambda s, lr: linear(lr, s.start_factor, s.end_factor, s.total_iters)),
    lr_scheduler.ExponentialLR: _each_group(lambda s, lr: StepDecay(lr, s.gamma, 1)),
    lr_scheduler.PolynomialLR: _each_group(lambda s, lr: polynomial(lr, s.total_iters, s.power)),
    lr_scheduler.CosineAnnealingLR: _each_group(
        lambda s, lr: CosineAnnealing(lr, s.T_max, end_learning_rate=s.eta_min)
    ),
    lr_scheduler.CosineAnnealingWarmRestarts: _each_group(
        lambda s, lr: CosineRestarts(lr, s.T_0, t_mul=s.T_mult, end_learning_rate=s.eta_min)
    ),
    lr_scheduler.CyclicLR: _cyclic,
    lr_scheduler.OneCycleLR: _one_cycle,
    lr_scheduler.LambdaLR: _lambdas,
    lr_scheduler.SequentialLR: _sequence,
    lr_scheduler.ChainedScheduler: _product,
}


@known_by_name
def to_torch(schedule: Schedule, optimizer: Optimizer) -> lr_scheduler.LRScheduler:
    """Make the scheduler of torch's that has the rates of a schedule.

    Parameters
    ----------
    schedule : Schedule
        A plan that a class of torch's has: ``Constant``; ``StepDecay``, ``MultiStepDecay``, ``LinearDecay`` and
        ``PolynomialDecay`` down to 0, as far as torch has their parameters; ``CosineAnnealing``; ``CosineRestarts``
        with whole periods; ``Cyclic``; ``OneCycle`` that ends at its last step; a linear ``warmup`` of ``Constant``.
    optimizer : torch.optim.Optimizer
        What the scheduler is for: the rate of all its groups is set to the schedule's.

    Returns
    -------
    torch.optim.lr_scheduler.LRScheduler
        At its step 0.

    Raises
    ------
    ValueError
        For a schedule that no class of torch's has.  ``LambdaLR(optimizer, schedule)``, with ``lr=1.0`` in the
        optimizer, takes any.
    TypeError
        For what is no schedule, and no optimizer of torch's.

    Examples
    --------
    >>> import torch
    >>> import lrdecay_native as lrd
    >>> from lrdecay_native.torch import to_torch
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    >>> scheduler = to_torch(lrd.StepDecay(0.1, drop_rate=0.5, step_size=30), optimizer)
    >>> type(scheduler).__name__, optimizer.param_groups[0]["lr"]
    ('StepLR', 0.1)
    """
    schedule_given("schedule", schedule)
    optimizer_given(optimizer)
    found = next((made for rule in _TO_TORCH for made in [rule(schedule)] if made is not None), None)
    if found is None:
        raise ValueError(
            f"no class of torch's has the rates of schedule={shown(schedule)}; TorchSchedule(optimizer, schedule) "
            "has, and LambdaLR(optimizer, schedule) with lr=1.0 in the optimizer"
        )
    for group in optimizer.param_groups:
        LEARNING_RATE.write(group, found.base)
        group["initial_lr"] = found.base
    return found.cls(optimizer, **found.arguments)


class _Found(NamedTuple):
    """A class of torch's, the optimizer's rate, and the class's arguments."""

    cls: Any
    base: float
    arguments: dict[str, Any]


def _whole(steps: float) -> bool:
    return steps == int(steps)


def _constant_of(s: Schedule) -> _Found | None:
    if type(s) is Constant:
        return _Found(lr_scheduler.ConstantLR, s.learning_rate, {"factor": 1.0, "total_iters": 0})
    if type(s) is Warmup and type(s.schedule) is Constant and s.shape == "linear" and _whole(s.steps):
        highest = s.schedule.learning_rate
        if 0.0 < s.start <= highest:
            return _linear_found(highest, s.start / highest, 1.0, s.steps)
    return None


def _linear_found(base: float, start_factor: float, end_factor: float, steps: float) -> _Found:
    factors = {"start_factor": start_factor, "end_factor": end_factor, "total_iters": int(steps)}
    return _Found(lr_scheduler.LinearLR, base, factors)


def _steps_of(s: Schedule) -> _Found | None:
    if type(s) is StepDecay and _whole(s.step_size) and (s.staircase or s.step_size == 1):
        arguments: dict[str, Any] = {"step_size": int(s.step_size), "gamma": s.drop_rate}
        return _Found(lr_scheduler.StepLR, s.initial_learning_rate, arguments)
    if type(s) is MultiStepDecay and all(map(_whole, s.boundaries)):
        arguments = {"milestones": [int(boundary) for boundary in s.boundaries], "gamma": s.drop_rate}
        return _Found(lr_scheduler.MultiStepLR, s.initial_learning_rate, arguments)
    return None


def _line_of(s: Schedule) -> _Found | None:
    if type(s) is LinearDecay and _whole(s.decay_steps):
        first, last = s.initial_learning_rate, s.end_learning_rate
        highest = max(first, last)
        if first > 0.0:
            return _linear_found(highest, first / highest, last / highest, s.decay_steps)
    if type(s) is PolynomialDecay and _whole(s.max_step) and s.end_learning_rate == 0.0 and not s.cycle:
        arguments = {"total_iters": int(s.max_step), "power": s.power}
        return _Found(lr_scheduler.PolynomialLR, s.initial_learning_rate, arguments)
    return None


def _cosine_of(s: Schedule) -> _Found | None:
    if type(s) is CosineAnnealing:
        arguments = {"T_max": s.half_period, "eta_min": s.end_learning_rate}
        return _Found(lr_scheduler.CosineAnnealingLR, s.initial_learning_rate, arguments)
    if type(s) is CosineRestarts and s.m_mul == s.peak_mul == 1.0 and s.cycle_limit is None:
        periods = {"T_0": int(s.first_decay_steps), "T_mult": int(s.t_mul)}
        if all(map(_whole, (s.first_decay_steps, s.t_mul))):
            arguments = {**periods, "eta_min": s.end_learning_rate}
            return _Found(lr_scheduler.CosineAnnealingWarmRestarts, s.initial_learning_rate, arguments)
    return None


def _cycle_of(s: Schedule) -> _Found | None:
    if type(s) is Cyclic:
        arguments = {
            "base_lr": s.base_learning_rate,
            "max_lr": s.max_learning_rate,
            "step_size_up": s.step_size_up,
            "step_size_down": s.step_size_down,
            "mode": s.mode,
            "gamma": s.gamma,
            "cycle_momentum": False,
        }
        return _Found(lr_scheduler.CyclicLR, s.base_learning_rate, arguments)
    if type(s) is OneCycle and s.end_at_last_step:
        names = (
            "total_steps",
            "pct_start",
            "anneal_strategy",
            "three_phase",
            "div_factor",
            "final_div_factor",
        )
        arguments = {name: getattr(s, name) for name in names}
        arguments |= {"max_lr": s.max_learning_rate, "cycle_momentum": False}
        return _Found(lr_scheduler.OneCycleLR, s.max_learning_rate / s.div_factor, arguments)
    return None


_TO_TORCH = (_constant_of, _steps_of, _line_of, _cosine_of, _cycle_of)
