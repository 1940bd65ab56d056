"""Parameter groups: schedules, factors and other quantities for each; and what is refused before anything changes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from draws import draws
from peers import peer
from reference import some_schedule

import lrdecay_native as lrd

torch = peer("torch")
from torch_adapter.training import applied, optimizer, trained  # noqa: E402

from lrdecay_native.torch import TorchSchedule  # noqa: E402

PLAN = lrd.CosineDecay(0.1, 90).warmup(10)
OTHER = lrd.StepDecay(0.5, 0.5, 2)


class TestRates:
    def test_one_schedule_for_all(self) -> None:
        sgd = optimizer(3)
        assert trained(sgd, TorchSchedule(sgd, PLAN), 4) == [[PLAN(k)] * 3 for k in range(4)]

    def test_one_for_each(self, random: Random) -> None:
        for _ in range(draws(60)):
            plans = [some_schedule(random) for _ in range(3)]
            plans.append(plans[1])
            sgd = optimizer(4)
            found = trained(sgd, TorchSchedule(sgd, plans, first_step=random.randrange(100)), 3)
            first = found[0]
            start = TorchSchedule(optimizer(4), plans).last_epoch
            assert start == 0
            step = next(k for k in range(100) if [plan(k) for plan in plans] == first)
            assert found == [[plan(step + k) for plan in plans] for k in range(3)]

    def test_by_name_and_left_alone(self) -> None:
        sgd = optimizer(3, names=["body", "head", "frozen"], learning_rate=0.25)
        scheduler = TorchSchedule(sgd, {"head": OTHER, "body": PLAN, "frozen": None})
        assert trained(sgd, scheduler, 4) == [[PLAN(k), OTHER(k), 0.25] for k in range(4)]
        assert scheduler.get_last_lr() == scheduler.get_lr() == [PLAN(4), OTHER(4), 0.25]

    def test_factors(self, random: Random) -> None:
        for _ in range(draws(60)):
            plan, factors = some_schedule(random), [random.random(), 1.0, 0.0]
            sgd = optimizer(3, names=["a", "b", "c"])
            named = dict(zip("abc", factors, strict=True))
            scheduler = TorchSchedule(sgd, plan, factors=random.choice([factors, named]))
            assert trained(sgd, scheduler, 3) == [[plan(k) * factor for factor in factors] for k in range(3)]

    def test_groups_that_are_added(self) -> None:
        sgd = optimizer(1)
        scheduler = TorchSchedule(sgd, PLAN)
        trained(sgd, scheduler, 3)
        sgd.add_param_group(optimizer().param_groups[0] | {"lr": 7.0})
        scheduler.step(4)
        assert applied(sgd) == [PLAN(4)] * 2
        scheduler.add_param_group(
            {"params": [torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))]}, factor=0.5
        )
        assert applied(sgd) == [PLAN(4), PLAN(4), 0.5 * PLAN(4)]
        scheduler.add_param_group(
            {"params": [torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))]}, OTHER
        )
        scheduler.step()
        assert applied(sgd) == [PLAN(5), PLAN(5), 0.5 * PLAN(5), OTHER(5)]

    def test_groups_that_are_added_and_have_none(self) -> None:
        sgd = optimizer(2)
        scheduler = TorchSchedule(sgd, [PLAN, OTHER])
        sgd.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))]})
        with pytest.raises(ValueError, match="has 3 groups now, and there are schedules or factors for 2"):
            scheduler.step(1)
        assert scheduler.last_epoch == 0

    def test_of_a_stored_run(self) -> None:
        plans = [PLAN, None, OTHER]
        scheduler = TorchSchedule(optimizer(3), plans, factors=[1.0, 1.0, 0.5], first_step=6)
        sgd = optimizer(3, learning_rate=0.125)
        other = TorchSchedule(sgd, plans, factors=[1.0, 1.0, 0.5])
        other.load_state_dict(scheduler.state_dict())
        assert applied(sgd) == [PLAN(6), 0.125, 0.5 * OTHER(6)]
        with pytest.raises(ValueError, match=r"lr.factors\[2\] is 0.25 here, and 0.5 in the state"):
            TorchSchedule(sgd, plans, factors=[1.0, 1.0, 0.25]).load_state_dict(scheduler.state_dict())


class TestQuantities:
    def test_momentum(self) -> None:
        momentum = lrd.LinearDecay(0.5, 4, end_learning_rate=0.9)
        sgd = optimizer(2, momentum=0.1)
        scheduler = TorchSchedule(sgd, PLAN, quantities={"momentum": momentum, "weight_decay": [None, OTHER]})
        for step in range(6):
            assert [group["momentum"] for group in sgd.param_groups] == [momentum(step)] * 2
            assert [group["weight_decay"] for group in sgd.param_groups] == [0, OTHER(step)]
            sgd.step()
            scheduler.step()

    @pytest.mark.parametrize("tensors", [False, True])
    def test_a_value_of_a_pair(self, tensors: bool) -> None:
        betas = (torch.tensor(0.9), torch.tensor(0.999)) if tensors else (0.9, 0.999)
        options = {"capturable": True, "foreach": False} if tensors else {}
        adam = torch.optim.AdamW([torch.nn.Parameter(torch.ones(2))], lr=1.0, betas=betas, **options)
        plan = lrd.LinearDecay(0.5, 4, end_learning_rate=0.95)
        scheduler = TorchSchedule(adam, PLAN, quantities={"betas[0]": plan, "eps": lrd.Constant(1e-6)})
        scheduler.step(3)
        group = adam.param_groups[0]
        assert float(group["betas"][0]) == pytest.approx(plan(3), rel=1e-7)
        assert float(group["betas"][1]) == pytest.approx(0.999, rel=1e-7)
        assert group["eps"] == 1e-6
        assert not tensors or group["betas"][0] is betas[0]

    def test_one_cycle_with_its_momentum_is_torchs(self) -> None:
        theirs, ours = (optimizer(1, momentum=0.9) for _ in range(2))
        scheduler = torch.optim.lr_scheduler.OneCycleLR(theirs, 0.3, total_steps=40)
        momentum = lrd.PiecewiseInterpolation([0, 0.3 * 40 - 1, 39], [0.95, 0.85, 0.95], shape="cosine")
        own = TorchSchedule(ours, lrd.OneCycle(0.3, 40), quantities={"momentum": momentum})
        for _ in range(39):
            for name in ("lr", "momentum"):
                found, expected = (each.param_groups[0][name] for each in (ours, theirs))
                assert found == pytest.approx(expected, rel=1e-14)
            for each in (theirs, ours):
                each.step()
            scheduler.step()
            own.step()


REFUSED: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda sgd: TorchSchedule(sgd, lrd.CosineDecay), TypeError, "not the class: write CosineDecay"),
    (lambda sgd: TorchSchedule(sgd, 0.1), TypeError, "schedule=0.1 must be a Schedule, not float"),
    (lambda sgd: TorchSchedule(sgd, "PLAN"), TypeError, "must be a Schedule, not str"),
    (lambda sgd: TorchSchedule("sgd", PLAN), TypeError, "must be a torch.optim.Optimizer, not str"),
    (
        lambda sgd: TorchSchedule(sgd, [PLAN]),
        ValueError,
        "schedule has 1 entries; the optimizer has 2 groups",
    ),
    (lambda sgd: TorchSchedule(sgd, [PLAN, 0.1]), TypeError, r"schedule\[1\]=0.1 must be a Schedule"),
    (
        lambda sgd: TorchSchedule(sgd, {"a": PLAN, "c": PLAN}),
        ValueError,
        r"unknown: \['c'\], missing: \['b'\]",
    ),
    (lambda sgd: TorchSchedule(sgd, PLAN, factors=0.5), TypeError, r"write schedule.scaled\(factor\)"),
    (lambda sgd: TorchSchedule(sgd, PLAN, factors=[1.0]), ValueError, "factors has 1 entries"),
    (lambda sgd: TorchSchedule(sgd, PLAN, factors=[1.0, -1.0]), ValueError, r"factors\[1\]=-1.0 must be"),
    (lambda sgd: TorchSchedule(sgd, PLAN, quantities={"betas[0]": PLAN}), ValueError, "SGD has 'momentum'"),
    (
        lambda sgd: TorchSchedule(sgd, PLAN, quantities={"lr": PLAN}),
        ValueError,
        "'lr' has the schedule that is given",
    ),
    (lambda sgd: TorchSchedule(sgd, PLAN, quantities={"params": PLAN}), ValueError, "SGD has 'momentum'"),
    (lambda sgd: TorchSchedule(sgd, PLAN, quantities=PLAN), TypeError, "must be a dictionary from keys"),
    (lambda sgd: TorchSchedule(sgd, PLAN, first_step=-1), ValueError, "first_step=-1 must be from 0"),
    (
        lambda sgd: TorchSchedule(sgd, PLAN, last_epoch=3),
        TypeError,
        "unexpected keyword argument 'last_epoch'",
    ),
    (lambda sgd: TorchSchedule(sgd, PLAN).step(-1), ValueError, "epoch=-1 must be a step"),
    (lambda sgd: TorchSchedule(sgd, PLAN).step(True), TypeError, "must be a step, not a truth value"),
]


@pytest.mark.parametrize(("make", "error", "message"), REFUSED)
def test_what_is_refused_changes_nothing(make: Any, error: type[Exception], message: str) -> None:
    sgd = optimizer(2, names=["a", "b"], learning_rate=0.75)
    if "step(" in message or "epoch" in message or "truth" in message:
        TorchSchedule(sgd, PLAN)
    before = copy.deepcopy(sgd.state_dict())
    with pytest.raises(error, match=message):
        make(sgd)
    assert sgd.state_dict() == before


def test_values_that_optimizers_refuse() -> None:
    adam = torch.optim.Adam([torch.nn.Parameter(torch.ones(2))])
    rising = lrd.LinearDecay(0.9, 10, end_learning_rate=1.0)
    with pytest.raises(
        ValueError, match=r"the schedule for 'betas\[0\]' must stay below 1, and is 1.0 at step"
    ):
        TorchSchedule(adam, PLAN, quantities={"betas[0]": rising})
    assert adam.param_groups[0]["betas"] == (0.9, 0.999)
    TorchSchedule(adam, PLAN, quantities={"betas[0]": lrd.LinearDecay(0.9, 10, end_learning_rate=0.999)})
