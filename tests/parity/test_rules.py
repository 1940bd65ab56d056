"""What docs/schedules.md says of other libraries in its table of rules at edges is what they do."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from parity.equals import PAGE
from peers import peer, peer_alone

torch, optax, jax = peer("torch"), peer("optax"), peer("jax")
keras, transformers = peer("keras"), peer("transformers")
optimization = peer("transformers.optimization")
fvcore = peer("fvcore.common.param_scheduler")
timm = peer_alone("timm.scheduler", ["timm"])
lr_scheduler, schedules = torch.optim.lr_scheduler, keras.optimizers.schedules


def sgd(lr: float = 1.0) -> Any:
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr, momentum=0.9)


def stepped(make: Callable[[Any], Any], steps: int, lr: float = 1.0) -> list[float]:
    """The rates of a torch scheduler at the first steps."""
    optimizer = sgd(lr)
    scheduler, rates = make(optimizer), []
    for step in range(steps):
        if step:
            scheduler.step()
        rates.append(float(optimizer.param_groups[0]["lr"]))
    return rates


def of_timm(name: str, steps: list[int], **options: Any) -> list[float]:
    scheduler = getattr(timm, name)(sgd(), **options)
    rates = []
    for step in steps:
        scheduler.step(step)
        rates.append(float(scheduler.optimizer.param_groups[0]["lr"]))
    return rates


def of_keras(schedule: Any, steps: list[int]) -> list[float]:
    return [float(keras.ops.convert_to_numpy(schedule(step))) for step in steps]


def called(schedule: Any, steps: list[int]) -> list[float]:
    return [float(schedule(step)) for step in steps]


def about(*rates: float) -> Any:
    return pytest.approx(list(rates), rel=1e-5, abs=1e-7)


def before_step_0() -> None:
    assert of_keras(schedules.InverseTimeDecay(1.0, 1, 0.25), [-2]) == about(2.0)
    assert of_keras(schedules.ExponentialDecay(1.0, 1, 0.5), [-1]) == about(2.0)
    for schedule in (optax.linear_schedule(1.0, 0.0, 4), optax.exponential_decay(1.0, 4, 0.5)):
        assert called(schedule, [-3]) == about(1.0)
    assert called(optax.cosine_decay_schedule(1.0, 4), [-2]) == about(0.5)


def at_a_boundary() -> None:
    assert of_keras(schedules.PiecewiseConstantDecay([2], [1.0, 0.5]), [2, 3]) == [1.0, 0.5]
    assert of_timm("MultiStepLRScheduler", [0, 1, 2], decay_t=[2], decay_rate=0.5) == [1.0, 0.5, 0.5]
    early = fvcore.MultiStepParamScheduler([1.0, 0.5], milestones=[500_000, 1_000_000])
    assert called(early, [0.499998, 0.5 - 1e-6]) == [1.0, 0.5]


def between_whole_steps() -> None:
    # Three phases in 100 updates are 34 long.
    thirds = fvcore.MultiStepParamScheduler([1.0, 0.5, 0.25], num_updates=100)
    assert called(thirds, [0.335, 0.34]) == [1.0, 0.5]
    from parity.test_composer import schedulers, state_at

    # That part of 4000 batches is 6.4.
    assert [schedulers.MultiStepScheduler(["0.0016dur"], 0.5)(state_at(step)) for step in (5, 6)] == [
        1.0,
        0.5,
    ]


def past_the_end() -> None:
    assert stepped(lambda sgd: lr_scheduler.CosineAnnealingLR(sgd, 2), 5) == about(1.0, 0.5, 0.0, 0.5, 1.0)
    for name in ("get_cosine_schedule_with_warmup", "get_cosine_with_min_lr_schedule_with_warmup"):
        options = {"min_lr": 0.0} if "min_lr" in name else {}
        rates = stepped(lambda sgd: getattr(optimization, name)(sgd, 0, 2, **options), 5)  # noqa: B023
        assert rates == about(1.0, 0.5, 0.0, 0.5, 1.0)
    one_cycle = partial(lr_scheduler.OneCycleLR, max_lr=1.0, total_steps=5)
    rates = stepped(one_cycle, 6)
    assert rates[4] < rates[5]
    with pytest.raises(ValueError, match="Tried to step 6 times"):
        stepped(one_cycle, 7)
    assert of_timm("TanhLRScheduler", [4, 9], t_initial=4, lr_min=0.125) == [0.125, 0.125]


def past_the_end_of_k_decay() -> None:
    assert of_timm("PolyLRScheduler", [4, 6], t_initial=4, k_decay=2.0, power=1.0) == [0.0, 0.0]


def warmup_of_no_steps() -> None:
    assert stepped(lambda sgd: lr_scheduler.LinearLR(sgd, 0.5, 1.0, 0), 9)[1:] == about(*[0.5] * 8)
    assert stepped(lambda sgd: lr_scheduler.ConstantLR(sgd, 0.5, 0), 9)[1:] == about(*[0.5] * 8)
    assert called(optax.warmup_constant_schedule(0.25, 1.0, 0), [0, 9]) == [0.25, 0.25]


def decay_of_no_steps() -> None:
    with pytest.raises(ValueError, match="decay_steps"):
        schedules.ExponentialDecay(1.0, 0, 0.5)
    with pytest.raises(ValueError, match="decay_steps"):
        optax.cosine_decay_schedule(1.0, 0)
    assert called(optax.linear_schedule(1.0, 0.0, 0), [0, 9]) == [1.0, 1.0]
    assert stepped(lambda sgd: lr_scheduler.PolynomialLR(sgd, 0), 5) == [1.0] * 5
    for make in (
        lambda sgd: lr_scheduler.StepLR(sgd, 0),
        lambda sgd: lr_scheduler.CosineAnnealingLR(sgd, 0),
        lambda sgd: lr_scheduler.CosineAnnealingWarmRestarts(sgd, 0),
        lambda sgd: lr_scheduler.OneCycleLR(sgd, 1.0, 0),
    ):
        with pytest.raises((ValueError, ZeroDivisionError)):
            stepped(make, 2)


def boundaries_not_in_order() -> None:
    assert stepped(lambda sgd: lr_scheduler.MultiStepLR(sgd, [3, 1], 0.5), 4) == [1.0, 0.5, 0.5, 0.25]
    assert called(optax.piecewise_constant_schedule(1.0, {3: 0.5, 1: 0.5}), [0, 1, 2, 3]) == [
        1.0,
        0.5,
        0.5,
        0.25,
    ]
    assert of_keras(schedules.PiecewiseConstantDecay([3, 1], [1.0, 0.5, 0.25]), [2]) == [1.25]
    parts = [optax.constant_schedule(rate) for rate in (1.0, 0.5, 0.25)]
    assert called(optax.join_schedules(parts, [3, 1]), range(5)) == [1.0, 0.25, 0.25, 0.25, 0.25]


def equal_boundaries() -> None:
    assert of_keras(schedules.PiecewiseConstantDecay([2, 2], [1.0, 0.5, 0.25]), [2, 3]) == [1.0, 0.25]


def end_of_a_cycle() -> None:
    cyclic = schedules.PolynomialDecay(1.0, 4, 0.25, cycle=True)
    assert of_keras(cyclic, [4, 5]) == about(0.25, 0.25 + 0.75 * 3 / 8)
    restarts = schedules.CosineDecayRestarts(1.0, 1, 2.0)
    assert of_keras(restarts, [16383, 32767, 32768]) == about(1.0, 0.0, 1.0)


def stairs() -> None:
    stairs = optax.exponential_decay(1.0, 41, 0.5, staircase=True)
    assert called(stairs, [40, 41]) == [1.0, 0.5]
    assert called(jax.jit(stairs), [40, 41, 42]) == [1.0, 1.0, 0.5]


def a_period_that_is_not_whole() -> None:
    assert called(optax.exponential_decay(1.0, 0.1, 0.5, staircase=True), [1]) == [0.5**10]
    assert of_keras(schedules.ExponentialDecay(1.0, 0.1, 0.5, staircase=True), [1]) == [0.5**10]


def warmup_then_the_schedule() -> None:
    assert called(optax.warmup_cosine_decay_schedule(0.0, 1.0, 2, 4), [2, 3, 4]) == about(1.0, 0.5, 0.0)
    assert of_timm("CosineLRScheduler", [1, 2, 4], t_initial=4, warmup_t=2) == about(0.5, 0.5, 0.0)


def one_cycle() -> None:
    schedule = optax.cosine_onecycle_schedule(8, 1.0)
    assert float(schedule(7)) > float(schedule(8)) == pytest.approx(4e-6)
    assert stepped(lambda sgd: lr_scheduler.OneCycleLR(sgd, 1.0, 8), 8)[-1] == pytest.approx(4e-6)


def interpolated_points() -> None:
    schedule = optax.piecewise_interpolate_schedule("linear", 1.0, {2: 0.5})
    assert called(schedule, [0, 1, 2, 9]) == [1.0, 0.75, 0.5, 0.5]


def power_0() -> None:
    assert of_keras(schedules.PolynomialDecay(0.5, 4, 0.0, power=0.0), [0, 4, 9]) == [0.5, 0.5, 0.5]


def warmup_of_a_root() -> None:
    wsd = partial(optimization.get_wsd_schedule, num_warmup_steps=4, num_decay_steps=2, num_stable_steps=2)
    assert stepped(lambda sgd: wsd(sgd, warmup_type="1-sqrt"), 4)[3:] == about(0.5)


def a_part_of_a_step() -> None:
    steps = transformers.TrainingArguments.get_warmup_steps
    assert steps(SimpleNamespace(warmup_steps=0.05), 1000) == 50


def very_many_cycles() -> None:
    period, step = 30, 123_455
    true = 0.1 * (1.0 + math.cos(math.pi * (step % period) / period)) / 2.0
    (rate,) = of_keras(schedules.CosineDecayRestarts(0.1, period, t_mul=1.0), [step])
    assert abs(rate / true - 1.0) > 1e-4


def one_cycle_without_a_fall() -> None:
    whole = partial(lr_scheduler.OneCycleLR, max_lr=1.0, pct_start=1.0)
    assert stepped(lambda sgd: whole(sgd, total_steps=50), 50)[49] == 1.0
    with pytest.raises((ValueError, ZeroDivisionError)):
        stepped(lambda sgd: whole(sgd, total_steps=50), 52)
    with pytest.raises(ZeroDivisionError):
        stepped(lambda sgd: lr_scheduler.OneCycleLR(sgd, 1.0, 10, pct_start=0.1), 1)
    without_a_rise = optax.cosine_onecycle_schedule(50, 1.0, pct_start=1.0)
    assert max(called(without_a_rise, list(range(60)))) == float(without_a_rise(0)) == pytest.approx(0.04)


def several_batches_to_an_update() -> None:
    optimizer = keras.optimizers.SGD(schedules.PolynomialDecay(1.0, 8, 0.0), gradient_accumulation_steps=2)
    weight = keras.Variable(0.0)
    optimizer.build([weight])
    seen = []
    for _ in range(4):
        optimizer.apply([keras.ops.ones(())])
        seen.append(float(keras.ops.convert_to_numpy(weight.value)))
    # Of updates 0 and 1: the rates of a plan over 4 updates at 1/2 and 3/2.
    assert seen == about(0.0, -0.875, -0.875, -0.875 - 0.625)


CLAIMS: Mapping[str, Callable[[], None]] = {
    "Before step 0": before_step_0,
    "At a boundary": at_a_boundary,
    "Between whole steps": between_whole_steps,
    "Past the end": past_the_end,
    "Past the end of `k_decay`": past_the_end_of_k_decay,
    "Warm-up of no steps": warmup_of_no_steps,
    "Decay of no steps": decay_of_no_steps,
    "Boundaries not in order": boundaries_not_in_order,
    "Equal boundaries": equal_boundaries,
    "Restarts, at exactly the end of a cycle": end_of_a_cycle,
    "Staircase, at a multiple": stairs,
    "Staircase with a period that isn't whole": a_period_that_is_not_whole,
    "Warm-up, then the schedule": warmup_then_the_schedule,
    'Warm-up with shape `"1-sqrt"`': warmup_of_a_root,
    "The end of one cycle": one_cycle,
    "Outside of interpolated points": interpolated_points,
    "Power 0": power_0,
    "A part of a step, where phases are counted: warm-ups, cool-downs, `then`, boundaries": a_part_of_a_step,
    "Behind very many cycles or stairs": very_many_cycles,
    "One cycle without a fall, `pct_start=1.0`": one_cycle_without_a_fall,
    "Several batches to an update": several_batches_to_an_update,
}

WITHOUT_A_PACKAGE = {"The first step"}
"""It is a paper's."""


@pytest.mark.parametrize("where", CLAIMS)
def test_others_do_what_the_page_says(where: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        CLAIMS[where]()


def rules() -> Iterator[list[str]]:
    _, _, chapter = PAGE.read_text(encoding="utf-8").partition("\n## Rules at edges\n")
    for row in re.findall(r"^\| (.*) \|$", chapter, flags=re.MULTILINE)[1:]:
        yield [cell.strip() for cell in row.split(" | ")]


def test_every_claim_is_checked() -> None:
    claimed = {row[0] for row in rules() if row[3].strip("| ")}
    assert claimed == set(CLAIMS) | WITHOUT_A_PACKAGE
