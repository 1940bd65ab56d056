"""Torch's schedulers go on as ours, and ours as torch's: the rates are the same but for the drift of torch's."""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from draws import draws
from peers import peer

import lrdecay_native as lrd

torch = peer("torch")
from torch.optim import lr_scheduler  # noqa: E402
from torch_adapter.training import optimizer, trained  # noqa: E402

from lrdecay_native.torch import ReduceLROnPlateau, TorchSchedule, from_torch, to_torch  # noqa: E402

DRIFT = 1e-11
"""Torch's recursions drift by up to so much of the rate, in some hundred steps."""

pytestmark = pytest.mark.filterwarnings("ignore:To get the last learning rate")


def _milestones(random: Random) -> list[int]:
    return sorted(random.choices(range(1, 60), k=random.randrange(5)))


def _cyclic(random: Random, sgd: Any) -> Any:
    up, down = random.randrange(1, 20), random.choice([None, random.randrange(1, 20)])
    mode = random.choice(["triangular", "triangular2", "exp_range"])
    return lr_scheduler.CyclicLR(
        sgd, 0.01, 0.1, up, down, mode, 0.99, cycle_momentum=mode == "triangular" and random.random() < 0.7
    )


def _one_cycle(random: Random, sgd: Any) -> Any:
    return lr_scheduler.OneCycleLR(
        sgd,
        [0.3, 0.1],
        random.randrange(60, 200),
        pct_start=random.choice([0.1, 0.25, 0.3, 0.45]),
        anneal_strategy=random.choice(["cos", "linear"]),
        three_phase=random.random() < 0.5,
        cycle_momentum=random.random() < 0.5,
    )


SIMPLE: dict[str, Callable[[Random, Any], Any]] = {
    "StepLR": lambda r, sgd: lr_scheduler.StepLR(sgd, r.randrange(1, 20), r.choice([0.1, 0.97, 0.5])),
    "MultiStepLR": lambda r, sgd: lr_scheduler.MultiStepLR(sgd, _milestones(r), r.choice([0.1, 0.5])),
    "ConstantLR": lambda r, sgd: lr_scheduler.ConstantLR(sgd, r.uniform(0.1, 1.0), r.randrange(20)),
    "LinearLR": lambda r, sgd: lr_scheduler.LinearLR(
        sgd, r.uniform(0.1, 1), r.uniform(0.1, 1), r.randrange(1, 40)
    ),
    "ExponentialLR": lambda r, sgd: lr_scheduler.ExponentialLR(sgd, r.uniform(0.8, 1.0)),
    "PolynomialLR": lambda r, sgd: lr_scheduler.PolynomialLR(sgd, r.randrange(40, 90), r.uniform(0.5, 3.0)),
}
MORE: dict[str, Callable[[Random, Any], Any]] = {
    "CosineAnnealingLR": lambda r, sgd: lr_scheduler.CosineAnnealingLR(
        sgd, r.randrange(20, 90), r.choice([0.0, 0.01])
    ),
    "CosineAnnealingWarmRestarts": lambda r, sgd: lr_scheduler.CosineAnnealingWarmRestarts(
        sgd, r.randrange(1, 20), r.randrange(1, 4), r.choice([0.0, 0.01])
    ),
    "CyclicLR": _cyclic,
    "OneCycleLR": _one_cycle,
    "LambdaLR": lambda r, sgd: lr_scheduler.LambdaLR(sgd, lrd.CosineDecay(1.0, r.randrange(5, 50))),
    "SequentialLR": lambda r, sgd: lr_scheduler.SequentialLR(
        sgd,
        [SIMPLE["LinearLR"](r, sgd), MORE["CosineAnnealingLR"](r, sgd), SIMPLE["ExponentialLR"](r, sgd)],
        [r.randrange(1, 20), r.randrange(20, 40)],
    ),
    "ChainedScheduler": lambda r, sgd: lr_scheduler.ChainedScheduler(
        [
            SIMPLE[name](r, sgd)
            for name in r.sample(sorted(SIMPLE.keys() - {"PolynomialLR"}), r.randrange(1, 4))
        ]
    ),
}
ALL = {**SIMPLE, **MORE}


def a_run(name: str, seed: str) -> tuple[Any, Any]:
    """An optimizer with two groups and a scheduler of torch's: of one seed always the same."""
    sgd = optimizer(2, momentum=0.5)
    for group, rate in zip(sgd.param_groups, (0.1, 0.05), strict=True):
        group["lr"] = rate
    return sgd, ALL[name](Random(seed), sgd)


def values(sgd: Any) -> list[float]:
    return [group[name] for group in sgd.param_groups for name in ("lr", "momentum")]


class TestFromTorch:
    @pytest.mark.parametrize("name", ALL)
    def test_a_run_goes_on(self, name: str, random: Random) -> None:
        for draw in range(draws(60, ci=8)):
            before = random.randrange(40)
            theirs, scheduler = a_run(name, f"{name}{draw}")
            ours, handed_over = a_run(name, f"{name}{draw}")
            for _ in range(before):
                for each in (theirs, ours):
                    each.step()
                scheduler.step()
                handed_over.step()
            own = from_torch(handed_over)
            assert (own.last_epoch, own.optimizer) == (before, ours)
            # A stretch between 1 and 2 has torch's last step, behind which OneCycleLR raises.
            for _ in range(19):
                assert values(ours) == pytest.approx(values(theirs), rel=DRIFT, abs=1e-15), (draw, own)
                for each in (theirs, ours):
                    each.step()
                scheduler.step()
                own.step()

    def test_values_of_today(self) -> None:
        sgd, scheduler = optimizer(learning_rate=0.1), None
        scheduler = lr_scheduler.CosineAnnealingLR(sgd, T_max=37)
        assert from_torch(scheduler).schedules == {"lr": [lrd.CosineAnnealing(0.1, 37)]}
        own = from_torch(scheduler)
        assert from_torch(own) is own

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda sgd: lr_scheduler.ReduceLROnPlateau(sgd), "it follows a metric"),
            (
                lambda sgd: lr_scheduler.MultiplicativeLR(sgd, lambda step: 0.9),
                "products of a Python function's values",
            ),
            (lambda sgd: lr_scheduler.LambdaLR(sgd, lambda step: 0.9), "must be a schedule of this library"),
            (lambda sgd: torch.optim.swa_utils.SWALR(sgd, 0.01), "it begins at the rates that it finds"),
            (
                lambda sgd: lr_scheduler.ChainedScheduler(
                    [lr_scheduler.StepLR(sgd, 3), lr_scheduler.CosineAnnealingLR(sgd, 9, 0.01)]
                ),
                "CosineAnnealingLR adds its eta_min",
            ),
            (
                lambda sgd: lr_scheduler.ChainedScheduler(
                    [lr_scheduler.StepLR(sgd, 3), lr_scheduler.CosineAnnealingWarmRestarts(sgd, 9)]
                ),
                "CosineAnnealingWarmRestarts overwrites the rates of the others",
            ),
            (
                lambda sgd: lr_scheduler.CyclicLR(sgd, 0.01, 0.1, mode="triangular2"),
                "the momentum of mode 'triangular2' is no schedule",
            ),
            (
                lambda sgd: lr_scheduler.CyclicLR(
                    sgd, 0.01, 0.1, scale_fn=lambda x: 1.0, cycle_momentum=False
                ),
                "scale_fn is any Python function",
            ),
            (
                lambda sgd: lr_scheduler.SequentialLR(
                    sgd, [lr_scheduler.StepLR(sgd, 3) for _ in range(3)], [9, 4]
                ),
                r"milestones=\[9, 4\] must rise",
            ),
        ],
    )
    def test_what_is_refused(self, make: Any, message: str) -> None:
        sgd = optimizer(momentum=0.9)
        scheduler = make(sgd)
        before = copy.deepcopy(sgd.state_dict())
        with pytest.raises(ValueError, match=message):
            from_torch(scheduler)
        assert sgd.state_dict() == before

    def test_what_is_no_scheduler(self) -> None:
        with pytest.raises(
            TypeError, match=r"must be a scheduler of torch\.optim\.lr_scheduler, not Constant"
        ):
            from_torch(lrd.Constant(0.1))

    def test_every_class_of_torchs_has_a_rule_or_a_reason(self) -> None:
        from lrdecay_native.torch import conversion

        known = {cls.__name__ for cls in conversion._RULES} | set(conversion._NO_FORMULA)
        assert set(lr_scheduler.__all__) - {"LRScheduler"} <= known


class TestToTorch:
    @pytest.mark.parametrize("name", sorted(ALL.keys() - {"LambdaLR", "SequentialLR", "ChainedScheduler"}))
    def test_and_back(self, name: str, random: Random) -> None:
        for draw in range(draws(60, ci=8)):
            _, scheduler = a_run(name, f"{name}{draw}")
            schedule = from_torch(scheduler).schedules["lr"][0]
            if isinstance(schedule, (lrd.PiecewiseConstant, lrd.schedules.catalogue.Warmup)):
                continue
            sgd = optimizer()
            made = to_torch(schedule, sgd)
            rates = [rate for (rate,) in trained(sgd, made, 50)]
            assert rates == pytest.approx([schedule(step) for step in range(50)], rel=DRIFT, abs=1e-15), (
                schedule
            )

    def test_a_warmup(self) -> None:
        plan = lrd.Constant(0.1).warmup(8, start=0.02)
        sgd = optimizer()
        scheduler = to_torch(plan, sgd)
        assert type(scheduler) is lr_scheduler.LinearLR
        assert [rate for (rate,) in trained(sgd, scheduler, 12)] == pytest.approx(
            [plan(step) for step in range(12)]
        )

    @pytest.mark.parametrize(
        "plan",
        [
            lrd.CosineDecay(0.1, 90),
            lrd.StepDecay(0.1, 0.5, 3.5),
            lrd.StepDecay(0.1, 0.5, 3, staircase=False),
            lrd.CosineRestarts(0.1, 10, m_mul=0.5),
            lrd.PolynomialDecay(0.1, 10, cycle=True),
            lrd.OneCycle(0.1, 10, end_at_last_step=False),
        ],
    )
    def test_what_torch_has_no_class_for(self, plan: Any) -> None:
        sgd = optimizer(learning_rate=0.25)
        with pytest.raises(ValueError, match="no class of torch's has the rates of schedule="):
            to_torch(plan, sgd)
        assert sgd.param_groups[0]["lr"] == 0.25


class TestPlateau:
    def test_reduces_as_torch_does(self, random: Random) -> None:
        for _ in range(draws(200)):
            options = {
                "mode": random.choice(["min", "max"]),
                "factor": random.choice([0.1, 0.5]),
                "patience": random.randrange(3),
                "threshold": random.choice([1e-4, 0.1]),
                "threshold_mode": random.choice(["rel", "abs"]),
                "cooldown": random.randrange(3),
                "min_lr": random.choice([0, 0.01, [0.02, 0.001]]),
            }
            theirs, ours = optimizer(2, learning_rate=0.1), optimizer(2)
            expected = lr_scheduler.ReduceLROnPlateau(theirs, **options)
            scheduler = TorchSchedule(ours, lrd.Constant(0.1))
            plateau = ReduceLROnPlateau(scheduler, **options)
            for evaluation in range(30):
                metric = random.choice([random.random(), 1.0, float("nan"), 0.5])
                expected.step(metric)
                plateau.step(torch.tensor(metric) if random.random() < 0.5 else metric)
                assert values(ours)[::2] == pytest.approx(values(theirs)[::2], rel=1e-14), (
                    options,
                    evaluation,
                )
                if evaluation == random.randrange(30):
                    states = scheduler.state_dict(), plateau.state_dict()
                    ours = optimizer(2)
                    scheduler = TorchSchedule(ours, lrd.Constant(0.1))
                    plateau = ReduceLROnPlateau(scheduler, **options)
                    both = [(scheduler, states[0]), (plateau, states[1])]
                    for each, state in random.sample(both, 2):
                        each.load_state_dict(state)

    def test_of_any_plan(self) -> None:
        plan = lrd.CosineDecay(0.1, 90).warmup(10)
        sgd = optimizer(2)
        scheduler = TorchSchedule(sgd, plan, factors=[1.0, 0.5])
        plateau = ReduceLROnPlateau(scheduler, factor=0.5, patience=0)
        trained(sgd, scheduler, 20)
        assert [plateau.step(loss) for loss in (2.0, 3.0)] == [False, True]
        reduced = plan.scaled(0.5)
        assert trained(sgd, scheduler, 3) == [[reduced(20 + k), 0.5 * reduced(20 + k)] for k in range(3)]
        with pytest.raises(ValueError, match="the rates are reduced by a ReduceLROnPlateau"):
            scheduler.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))]})
        # The plan is the one that was given.
        assert scheduler.schedules == {"lr": plan}

    def test_what_is_refused(self) -> None:
        scheduler = TorchSchedule(optimizer(), lrd.Constant(0.1))
        with pytest.raises(
            TypeError, match=r"write ReduceLROnPlateau\(TorchSchedule\(optimizer, schedule\)\)"
        ):
            ReduceLROnPlateau(optimizer())
        with pytest.raises(ValueError, match=r"factor=1\.0 must be below 1"):
            ReduceLROnPlateau(scheduler, factor=1.0)
        with pytest.raises(ValueError, match="min_lr has 3 entries; the optimizer has 1 groups"):
            ReduceLROnPlateau(scheduler, min_lr=[0.0] * 3)
        plateau = ReduceLROnPlateau(scheduler)
        with pytest.raises(TypeError, match="metric='low' must be a number"):
            plateau.step("low")
        other = ReduceLROnPlateau(TorchSchedule(optimizer(), lrd.Constant(0.2))).state_dict()
        with pytest.raises(
            ValueError, match=r"group 0 is Constant\(0.1\) here, and Constant\(0.2\) in the state"
        ):
            plateau.load_state_dict(other)


@pytest.mark.parametrize("schedule", [lrd.CosineDecay(0.1, 9), lrd.StepDecay(0.1, 0.5, 3).warmup(4)])
def test_a_plain_schedule_in_a_lambda_stays_what_it_was(schedule: Any) -> None:
    sgd = optimizer()
    scheduler = lr_scheduler.LambdaLR(sgd, schedule)
    trained(sgd, scheduler, 5)
    text, state = schedule.to_json(), copy.deepcopy(scheduler.state_dict())
    sgd = optimizer()
    other = lr_scheduler.LambdaLR(sgd, schedule)
    other.load_state_dict(state)
    other.lr_lambdas[0].__dict__.update(initial_learning_rate=7.0)
    assert trained(sgd, other, 3)[1:] == [[schedule(6)], [schedule(7)]]
    assert schedule.to_json() == text
