"""`lrdecay_native.transformers` gives the plan of every name of ``get_scheduler``, and of a ``TrainingArguments``."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from draws import draws
from peers import peer

import lrdecay_native as lrd
from lrdecay_native import transformers as ours

torch, transformers = peer("torch"), peer("transformers")

BEHIND = 30
"""Steps behind the last one that are compared."""

NAMES = [each.value for each in transformers.SchedulerType]
FOLLOW_A_METRIC = {"reduce_lr_on_plateau", "greedy"}


def _lowest(random: Random, rate: float) -> dict[str, Any]:
    return random.choice([{"min_lr": rate * random.random()}, {"min_lr_rate": random.random()}])


def _some_decay(random: Random, rate: float) -> dict[str, Any]:
    return {
        "num_decay_steps": random.randrange(0, 40),
        "warmup_type": random.choice(["linear", "cosine", "1-sqrt"]),
        "decay_type": random.choice(["linear", "cosine", "1-sqrt"]),
        "min_lr_ratio": random.choice([0.0, random.random()]),
        "num_cycles": random.choice([0.5, 1.5]),
    }


OPTIONS: dict[str, Callable[[Random, float], dict[str, Any]]] = {
    "cosine": lambda r, _: r.choice([{}, {"num_cycles": r.choice([0.25, 1.0, 2.5])}]),
    "cosine_with_restarts": lambda r, _: r.choice([{}, {"num_cycles": r.randrange(1, 6)}]),
    "polynomial": lambda r, rate: {"lr_end": rate * r.random(), "power": r.uniform(0.5, 3.0)},
    "inverse_sqrt": lambda r, _: r.choice([{}, {"timescale": r.randrange(1, 500)}]),
    "cosine_with_min_lr": _lowest,
    "cosine_warmup_with_min_lr": lambda r, rate: (
        _lowest(r, rate) | r.choice([{}, {"warmup_lr_rate": r.random()}])
    ),
    "warmup_stable_decay": _some_decay,
}


def rates_of(name: str, rate: float, warmup: int, total: int, options: dict[str, Any]) -> list[float]:
    """Those of Transformers, at every step of a run and some behind it."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    with warnings.catch_warnings():
        # No optimizer takes a step, of which torch warns; and two numbers of steps.
        warnings.simplefilter("ignore")
        scheduler = transformers.get_scheduler(name, optimizer, warmup, total, options)
        rates = []
        for _ in range(total + BEHIND):
            rates.append(scheduler.get_last_lr()[0])
            scheduler.step()
    return rates


@pytest.mark.parametrize("name", sorted(set(NAMES) - FOLLOW_A_METRIC))
def test_every_name(name: str, random: Random) -> None:
    for _ in range(draws(100)):
        rate = random.choice([0.1, 5e-5, random.random()])
        total = random.randrange(50, 200)
        # A run may end within its warm-up.
        warmup = random.choice([0, 1, 2, random.randrange(40), total + 3])
        options = OPTIONS.get(name, lambda *_: {})(random, rate)
        if name == "warmup_stable_decay":
            warmup = min(warmup, 10)
        given = random.choice([name, transformers.SchedulerType(name)])
        plan = ours.schedule(given, rate, total, warmup, **options)
        expected = rates_of(name, rate, warmup, total, options)
        found = [plan(step) for step in range(len(expected))]
        assert found == pytest.approx(expected, rel=0, abs=3e-14 * rate), (plan, options)


def test_todays_values() -> None:
    plan = ours.schedule("cosine", 5e-5, total=1000, warmup=0.1)
    assert plan == lrd.CosineAnnealing(5e-5, 900).warmup(100)
    assert plan(550) == pytest.approx(rates_of("cosine", 5e-5, 100, 1000, {})[550], rel=1e-14)


def test_names_are_accounted_for() -> None:
    assert set(NAMES) == set(ours._SCHEDULES) | set(ours._FOLLOW_A_METRIC)


class TestTrainingArguments:
    def arguments(self, tmp_path: Any, **options: Any) -> Any:
        return transformers.TrainingArguments(output_dir=str(tmp_path), use_cpu=True, report_to=[], **options)

    def test_as_the_trainer_makes_them(self, random: Random, tmp_path: Any) -> None:
        peer("accelerate")
        for _ in range(draws(25)):
            arguments = self.arguments(
                tmp_path,
                learning_rate=0.1,
                lr_scheduler_type=random.choice(["linear", "cosine", "inverse_sqrt"]),
                warmup_steps=random.choice([0, 7, 0.1, 0.25]),
                num_train_epochs=random.choice([1, 2.5, 3]),
                max_steps=random.choice([-1, -1, 40]),
                per_device_train_batch_size=random.randrange(1, 9),
                gradient_accumulation_steps=random.randrange(1, 5),
                dataloader_drop_last=random.random() < 0.5,
            )
            examples = random.randrange(20, 120)
            model = torch.nn.Linear(1, 1)
            trainer = transformers.Trainer(model, arguments, train_dataset=list(range(examples)))
            total = trainer.set_initial_training_values(arguments, trainer.get_train_dataloader())[-1]
            trainer.create_optimizer_and_scheduler(total)
            plan = ours.from_training_arguments(arguments, examples)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for step in range(total + 3):
                    assert plan(step) == pytest.approx(trainer.lr_scheduler.get_last_lr()[0], rel=1e-13), (
                        arguments
                    )
                    trainer.lr_scheduler.step()


REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: ours.schedule("linar", 0.1, 10), ValueError, "name='linar' must be 'linear', 'cosine'"),
    (lambda: ours.schedule("greedy", 0.1, 10), ValueError, "no function of the step: it follows the loss"),
    (lambda: ours.schedule("reduce_lr_on_plateau", 0.1), ValueError, "torch.ReduceLROnPlateau is the same"),
    (lambda: ours.schedule("linear", 0.1), ValueError, "total=None must be the number of updates"),
    (lambda: ours.schedule("linear", 0.1, 10.5), TypeError, "total=10.5 must be an integer"),
    (lambda: ours.schedule("linear", -0.1, 10), ValueError, "learning_rate=-0.1 must be"),
    (lambda: ours.schedule("linear", 0.1, 10, 2.5), ValueError, "warmup=2.5 must be whole, or a share"),
    (lambda: ours.schedule("inverse_sqrt", 0.1, warmup=0.1), ValueError, "share of the run: give total too"),
    (
        lambda: ours.schedule("linear", 0.1, 10, num_cycles=2),
        TypeError,
        "unexpected option 'num_cycles'; it takes no",
    ),
    (
        lambda: ours.schedule("cosine_with_min_lr", 0.1, 10),
        ValueError,
        "min_lr=None or min_lr_rate=None must be given",
    ),
    (
        lambda: ours.schedule("polynomial", 1e-8, 10),
        ValueError,
        "lr_end=1e-07 must be below learning_rate=1e-08",
    ),
    (
        lambda: ours.schedule("warmup_stable_decay", 0.1, 10),
        ValueError,
        "num_decay_steps=None must be the number",
    ),
    (
        lambda: ours.schedule("warmup_stable_decay", 0.1, 10, 5, num_decay_steps=6),
        ValueError,
        "total=10 must be at least warmup=5 and num_decay_steps=6 together",
    ),
]


@pytest.mark.parametrize(("make", "error", "message"), REFUSED)
def test_what_is_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
