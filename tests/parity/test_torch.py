"""torch's schedulers are ours: by their closed forms at any step, and step by step as far as those drift."""

from __future__ import annotations

import inspect
import io
import math
import warnings
from functools import partial
from random import Random
from typing import Any

import numpy as np
import pytest
from parity.comparison import (
    EVERY_STEP,
    FLOAT64,
    Case,
    Part,
    Rates,
    Roundings,
    Steps,
    assert_all_covered,
    assert_options_covered,
    assert_same_at_every_step,
    assert_same_rates,
    each,
    turns,
)
from parity.equals import (
    PLATEAU,
    Letters,
    Line,
    Peer,
    assert_all_lines_run,
    assert_line_holds,
    assert_plateau_line_holds,
    each_line,
    end_rate,
    length,
    one_of,
    rate,
    share,
)
from peers import peer

import lrdecay_native as lrd

torch = peer("torch")
schedulers = torch.optim.lr_scheduler

LEARNING_RATE = 0.3


CASES = [
    Case("StepLR", {"step_size": 700, "gamma": 0.5}, lambda: lrd.StepDecay(0.3, 0.5, 700)),
    Case(
        "MultiStepLR",
        {"milestones": [700, 3000, 3000, 4000], "gamma": 0.5},
        lambda: lrd.MultiStepDecay(0.3, [700, 3000, 3000, 4000], drop_rate=0.5),
    ),
    Case(
        "ConstantLR",
        {"factor": 0.25, "total_iters": 700},
        lambda: lrd.Constant(0.3).warmup(700, start_factor=0.25, shape="constant"),
    ),
    Case(
        "LinearLR",
        {"start_factor": 0.25, "end_factor": 0.75, "total_iters": 3000},
        lambda: lrd.LinearDecay(0.075, 3000, end_learning_rate=0.225),
    ),
    Case(
        "LinearLR",
        {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 3000},
        lambda: lrd.LinearDecay(0.3, 3000),
    ),
    Case(
        "LinearLR",
        {"start_factor": 0.125, "total_iters": 700},
        lambda: lrd.Constant(0.3).warmup(700, start_factor=0.125),
    ),
    Case("ExponentialLR", {"gamma": 0.999}, lambda: lrd.StepDecay(0.3, 0.999, 1)),
    Case("PolynomialLR", {"total_iters": 3000, "power": 1.0}, lambda: lrd.LinearDecay(0.3, 3000)),
    Case(
        "PolynomialLR", {"total_iters": 3000, "power": 2.0}, lambda: lrd.PolynomialDecay(0.3, 3000, power=2.0)
    ),
    Case(
        "CosineAnnealingLR",
        {"T_max": 3000, "eta_min": 0.03},
        lambda: lrd.CosineAnnealing(0.3, 3000, end_learning_rate=0.03),
        absolute=turns(3000),
    ),
    Case("CosineAnnealingLR", {"T_max": 700}, lambda: lrd.CosineAnnealing(0.3, 700), absolute=turns(700)),
    Case(
        "CosineAnnealingWarmRestarts",
        {"T_0": 500},
        lambda: lrd.CosineRestarts(0.3, 500, t_mul=1.0),
        absolute=turns(500),
    ),
    Case(
        "CosineAnnealingWarmRestarts",
        {"T_0": 500, "T_mult": 2, "eta_min": 0.03},
        lambda: lrd.CosineRestarts(0.3, 500, t_mul=2.0, end_learning_rate=0.03),
        absolute=turns(500),
    ),
    Case(
        "CosineAnnealingWarmRestarts",
        {"T_0": 500, "T_mult": 3, "eta_min": 0.03},
        lambda: lrd.CosineRestarts(0.3, 500, t_mul=3.0, end_learning_rate=0.03),
        absolute=turns(500),
    ),
    Case(
        "CyclicLR",
        {"base_lr": 0.05, "max_lr": 0.5, "step_size_up": 700},
        lambda: lrd.Cyclic(0.05, 0.5, 700),
        absolute=turns(700),
    ),
    Case(
        "CyclicLR",
        {"base_lr": 0.05, "max_lr": 0.5, "step_size_up": 500, "step_size_down": 1000, "mode": "triangular2"},
        lambda: lrd.Cyclic(0.05, 0.5, 500, step_size_down=1000, mode="triangular2"),
        absolute=turns(500),
        # Then 2 ** the number of cycles overflows, and torch raises.
        last=1024 * 1500 - 1,
    ),
    Case(
        "CyclicLR",
        {"base_lr": 0.05, "max_lr": 0.5, "step_size_up": 500, "mode": "exp_range", "gamma": 0.9998},
        lambda: lrd.Cyclic(0.05, 0.5, 500, mode="exp_range", gamma=0.9998),
        absolute=turns(500),
    ),
    # At step total_steps, one behind its last, torch extrapolates the last phase, and later it raises.
    Case("OneCycleLR", {"max_lr": 0.3, "total_steps": 4000}, lambda: lrd.OneCycle(0.3, 4000), last=3999),
    Case(
        "OneCycleLR",
        {
            "max_lr": 0.3,
            "total_steps": 4003,
            "pct_start": 0.25,
            "anneal_strategy": "linear",
            "div_factor": 10.0,
        },
        lambda: lrd.OneCycle(0.3, 4003, pct_start=0.25, anneal_strategy="linear", div_factor=10.0),
        last=4002,
    ),
    Case(
        "OneCycleLR",
        {"max_lr": 0.3, "total_steps": 4003, "three_phase": True, "final_div_factor": 100.0},
        lambda: lrd.OneCycle(0.3, 4003, three_phase=True, final_div_factor=100.0),
        last=4002,
    ),
    Case(
        "OneCycleLR",
        {
            "max_lr": 0.3,
            "total_steps": 4003,
            "three_phase": True,
            "anneal_strategy": "linear",
            "pct_start": 0.4,
        },
        lambda: lrd.OneCycle(0.3, 4003, three_phase=True, anneal_strategy="linear", pct_start=0.4),
        last=4002,
    ),
    Case(
        "OneCycleLR",
        {"max_lr": 0.3, "epochs": 40, "steps_per_epoch": 100},
        lambda: lrd.OneCycle(0.3, 4000),
        last=3999,
    ),
    Case(
        "OneCycleLR",
        {"max_lr": 0.3, "total_steps": 4000, "pct_start": 0.0},
        lambda: lrd.OneCycle(0.3, 4000, pct_start=0.0),
        last=3999,
    ),
]

COMPOSED = [
    Case(
        "SequentialLR",
        {
            "schedulers": [
                Part("LinearLR", {"start_factor": 0.25, "total_iters": 700}),
                Part("CosineAnnealingLR", {"T_max": 2000}),
                Part("ConstantLR", {"factor": 0.125, "total_iters": 10_000}),
            ],
            "milestones": [700, 2700],
        },
        lambda: lrd.CosineDecay(0.3, 2000).warmup(700, start_factor=0.25).then(lrd.Constant(0.0375), at=2700),
    ),
    Case(
        "ChainedScheduler",
        {
            "schedulers": [
                Part("ConstantLR", {"factor": 0.25, "total_iters": 700}),
                Part("ExponentialLR", {"gamma": 0.999}),
                Part("MultiStepLR", {"milestones": [1000, 3000]}),
            ]
        },
        lambda: (
            lrd.Constant(1.0).warmup(700, start_factor=0.25, shape="constant")
            * lrd.StepDecay(0.3, 0.999, 1)
            * lrd.MultiStepDecay(1.0, [1000, 3000])
        ),
    ),
]
"""Those have no closed form: they are stepped."""

EXCLUDED = {
    "LambdaLR": "Its rates are any Python function's, not a formula of torch's; own_formula takes such a function.",
    "MultiplicativeLR": "Its rates are products of any Python function's, not a formula of torch's.",
    "ReduceLROnPlateau": "It follows the metrics of a run, not the step.",
    "LRScheduler": "It is the base class.",
}

EXCLUDED_OPTIONS = {
    "optimizer": "It is what is stepped.",
    "last_epoch": "It says where a run is resumed, and changes no rate of any step.",
    "cycle_momentum": "It is about the momentum.",
    "base_momentum": "It is about the momentum.",
    "max_momentum": "It is about the momentum.",
    "scale_fn": "It is any Python function.",
    "scale_mode": "It is used with a scale_fn only.",
}


@pytest.fixture(autouse=True)
def _silent() -> Any:
    """No model is trained here, so no optimizer takes a step, of which torch warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def scheduler(name: str, **arguments: Any) -> Any:
    """A scheduler with an optimizer of its own."""
    parameter = torch.zeros(1, requires_grad=True)
    return scheduler_of(torch.optim.SGD([parameter], lr=LEARNING_RATE, momentum=0.9), name, **arguments)


def scheduler_of(optimizer: Any, name: str, *given: Any, **arguments: Any) -> Any:
    cls = getattr(schedulers, name)
    return cls(*given, **arguments) if name == "ChainedScheduler" else cls(optimizer, *given, **arguments)


def composed(case: Case) -> Any:
    """A scheduler of schedulers, all with one optimizer."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LEARNING_RATE)
    return case.theirs(lambda name, **arguments: scheduler_of(optimizer, name, **arguments))


def closed_form(theirs: Any, steps: Steps) -> Rates:
    """The rates by what torch computes them with where a step is given."""
    return np.array([_closed_form_at(theirs, int(step)) for step in steps])


def _closed_form_at(theirs: Any, step: int) -> float:
    if isinstance(theirs, schedulers.CosineAnnealingWarmRestarts):
        theirs.step(step)
        return float(theirs.get_last_lr()[0])
    theirs.last_epoch = step
    # CyclicLR and OneCycleLR have one form only, which doesn't need the last rate.
    form = getattr(theirs, "_get_closed_form_lr", theirs.get_lr)
    return float(form()[0])


def stepped(theirs: Any, steps: Steps) -> Rates:
    """The rates of steps 0, 1, 2..., each from the one before."""
    rates = np.empty(len(steps))
    for step in range(len(steps)):
        rates[step] = theirs.get_last_lr()[0]
        theirs.step()
    return rates


@each(CASES)
def test_closed_form(case: Case) -> None:
    assert_same_rates(case, case.theirs(scheduler), closed_form, FLOAT64)


DRIFT = len(EVERY_STEP)
"""Each step rounds what the step before it left, and what is lost is never won back."""


@each(CASES)
def test_steps_of_a_run(case: Case) -> None:
    assert_same_at_every_step(case, case.theirs(scheduler), stepped, DRIFT * FLOAT64)


@each(COMPOSED)
def test_steps_of_a_composition(case: Case) -> None:
    assert_same_at_every_step(case, composed(case), stepped, DRIFT * FLOAT64)


def inverse(step: float, rate: float) -> float:
    return 1.0 / (1.0 + rate * step)


CYCLE = {"base_lr": end_rate, "max_lr": rate, "up": length, "down": length}


def turns_of_cycles(letters: Letters) -> Roundings:
    """The part of a cycle that is over, rounded as one plus the cycles before it, is divided by the shorter side."""
    up, down = letters["up"], letters["down"]
    return lambda steps: 8.0 + 8.0 * (steps + up + down) / min(up, down)


FACTORS = {
    **dict.fromkeys(("StepLR(n, f)", "MultiStepLR([b1, b2], f)", "ExponentialLR(f)"), Peer()),
    **dict.fromkeys(("ConstantLR(f, w)", "LinearLR(f, 1.0, w)"), Peer()),
    "LinearLR(start_factor, end_factor, T)": Peer(
        {"start_factor": share, "end_factor": one_of(0.0, 0.3, 1.0)}
    ),
    "PolynomialLR(T, p)": Peer(absolute=64.0),
}
"""Those that multiply the rate, so that any two of them can be chained."""

COSINE = {
    "CosineAnnealingLR(T, eta_min)": Peer({"eta_min": end_rate}, absolute=lambda letters: turns(letters["T"]))
}

RESTARTS = {
    "CosineAnnealingWarmRestarts(T_0, T_mult, eta_min)": Peer(
        {"T_0": length, "T_mult": one_of(1, 2, 3), "eta_min": end_rate},
        absolute=lambda letters: turns(letters["T_0"]),
    ),
}

OF_THE_STEP = {
    **FACTORS,
    **COSINE,
    **RESTARTS,
    "CyclicLR(base_lr, max_lr, up, down, mode)": Peer(
        {**CYCLE, "mode": one_of("triangular", "triangular2")}, absolute=turns_of_cycles
    ),
    'CyclicLR(base_lr, max_lr, up, down, "exp_range", gamma)': Peer(
        {**CYCLE, "gamma": one_of(0.5, 0.99, 1.0)}, absolute=turns_of_cycles
    ),
    "OneCycleLR(max_lr, total_steps)": Peer(
        {"max_lr": rate, "total_steps": length}, last=lambda letters: int(letters["total_steps"]) - 1
    ),
    "LambdaLR(lambda t: function(t, r))": Peer({"function": one_of(inverse)}),
}

OF_SCHEDULERS = {
    "SequentialLR([s1, s2], [b1])": Peer(parts=(*FACTORS, *COSINE, *RESTARTS)),
    "ChainedScheduler([s1, s2])": Peer(parts=FACTORS),
}

OF_A_METRIC = {"ReduceLROnPlateau(mode, f, patience, threshold, threshold_mode, cooldown)": Peer(PLATEAU)}

LINES = {**OF_THE_STEP, **OF_SCHEDULERS, **OF_A_METRIC}


def names_of_torch(letters: Letters) -> dict[str, Any]:
    """The schedulers with an optimizer of the line's rate in place of their first argument."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=letters.get("lr", 1.0), momentum=0.9)
    return {name: partial(scheduler_of, optimizer, name) for name in schedulers.__all__}


class Plateau:
    """A scheduler that follows a metric, with its optimizer."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler

    def after(self, evaluation: int, metric: float) -> float:
        self.scheduler.step(metric)
        return float(self.scheduler.optimizer.param_groups[0]["lr"])


def names_of_plateau(letters: Letters) -> dict[str, Any]:
    names = names_of_torch(letters)
    return {**names, "ReduceLROnPlateau": lambda *given: Plateau(names["ReduceLROnPlateau"](*given))}


@each_line("torch", but=OF_A_METRIC)
def test_line_of_the_page(line: Line, random: Random) -> None:
    assert_line_holds(line, LINES, random, names_of_torch, stepped, DRIFT * FLOAT64)


# Those of schedulers have no closed form, and that of CosineAnnealingWarmRestarts, step(epoch), finds cycles by
# logarithms: see docs/differences.md.
@each_line("torch", but=(*OF_SCHEDULERS, *OF_A_METRIC, *RESTARTS))
def test_line_of_the_page_by_closed_forms(line: Line, random: Random) -> None:
    assert_line_holds(line, LINES, random, names_of_torch, closed_form, FLOAT64)


def test_line_of_the_page_of_plateaus(random: Random) -> None:
    assert_plateau_line_holds("torch", OF_A_METRIC, random, names_of_plateau, FLOAT64)


def test_every_line_of_the_page_is_run() -> None:
    assert_all_lines_run("torch", LINES)


def test_every_scheduler_of_torch_is_covered() -> None:
    base = schedulers.LRScheduler
    found = {
        name
        for name, value in inspect.getmembers(schedulers, inspect.isclass)
        if issubclass(value, base) and not name.startswith("_")
    }
    assert_all_covered(found, [*CASES, *COMPOSED], EXCLUDED)


def test_every_option_of_torch_is_covered() -> None:
    assert_options_covered(
        lambda name: inspect.signature(getattr(schedulers, name)).parameters,
        [*CASES, *COMPOSED],
        EXCLUDED_OPTIONS,
    )


def one_cycle(random: Random) -> tuple[int, dict[str, Any]]:
    """A number of steps and arguments of `OneCycleLR`, the ends of their ranges and next to them among them."""
    total = random.choice([2, 3, 4, 10, 50, 101, random.randint(2, 300), random.randint(1000, 10**6)])
    three_phase = random.random() < 0.4
    most = 0.5 if three_phase else 1.0
    parts = [0.0, most, math.nextafter(most, 0.0), 5e-324, 1e-9, most - 1e-9, random.uniform(0.0, most)]
    parts += [random.random() / total, random.randint(0, total) / total, (total - 1) / total, 1.5 / total]
    return total, {
        "pct_start": random.choice([part for part in parts if part <= most]),
        "anneal_strategy": random.choice(["cos", "linear"]),
        "three_phase": three_phase,
        "div_factor": random.choice([25.0, 1.0, 10.0]),
        "final_div_factor": random.choice([1e4, 1.0, 0.5]),
    }


def steps_of_interest(total: int, part: float, random: Random) -> list[int]:
    if total <= 300:
        return list(range(total))
    ends = (0, part * total, 2 * part * total, total)
    near = {int(end) + offset for end in ends for offset in range(-4, 5)}
    return sorted(step for step in near | set(random.sample(range(total), 30)) if 0 <= step < total)


def test_one_cycles_of_any_part_are_those_of_torch(random: Random) -> None:
    for _ in range(400):
        total, arguments = one_cycle(random)
        ours = lrd.OneCycle(0.3, total, **arguments)
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LEARNING_RATE)
        try:
            theirs = schedulers.OneCycleLR(optimizer, 0.3, total, cycle_momentum=False, **arguments)
        except ZeroDivisionError:
            assert arguments["pct_start"] * total == 1.0
            continue
        for step in steps_of_interest(total, arguments["pct_start"], random):
            wanted = pytest.approx(_closed_form_at(theirs, step), rel=1e-9, abs=1e-13)
            assert ours(step) == wanted, (step, total, arguments)
            assert ours.values(step, step + 1)[0] == wanted, (step, total, arguments)


def test_without_a_fall_the_last_step_has_the_highest_rate() -> None:
    schedule = lrd.OneCycle(1.0, 50, pct_start=1.0)
    assert schedule(49) == 1.0
    assert schedule([50, 10**6]).tolist() == [4e-6, 4e-6]
    assert schedule.values(51)[48:].tolist() == [schedule(48), 1.0, 4e-6]


PLANS = [
    lrd.CosineDecay(1.0, 1000),
    lrd.LinearDecay(1.0, 100).warmup(10),
    lrd.OneCycle(1.0, 100) * lrd.StepDecay(1.0, 0.5, 7),
    lrd.Tabulated([1.0, 0.5, 0.25], every=10).restarted(25),
]


def resumed(plan: Any, state: Any, cls: Any) -> Any:
    scheduler = cls(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0), plan)
    if state is not None:
        scheduler.load_state_dict(state)
    return scheduler


@pytest.mark.parametrize("plan", PLANS, ids=repr)
@pytest.mark.parametrize("name", ["LambdaLR", "MultiplicativeLR"])
def test_schedulers_that_hold_a_schedule_are_stored_and_resumed(plan: Any, name: str) -> None:
    """The plan of a resumed run is the one that it is given, as with functions; its state has nothing of it."""
    cls = getattr(schedulers, name)
    before = resumed(lrd.CosineDecay(1.0, 100), None, cls)
    for _ in range(5):
        before.optimizer.step()
        before.step()
    stored = io.BytesIO()
    torch.save(before.state_dict(), stored)
    stored.seek(0)
    state = torch.load(
        stored
    )  # With weights_only, as by default: nothing but tensors and Python's own types.
    described, rates = repr(plan), plan.values(200)
    after = resumed(plan, state, cls)
    assert repr(plan) == described
    np.testing.assert_array_equal(plan.values(200), rates)
    assert after.last_epoch == 5
    if name == "LambdaLR":
        after.optimizer.step()
        after.step()
        assert after.get_last_lr() == [plan(6)]
    # What an earlier version stored: the schedule's own parameters.
    state["lr_lambdas"] = [{"initial_learning_rate": 5.0, "decay_steps": 100, "_at": 3, "schedule": None}]
    resumed(plan, state, cls)
    assert repr(plan) == described
    np.testing.assert_array_equal(plan.values(200), rates)
    assert plan(7) == rates[7]
