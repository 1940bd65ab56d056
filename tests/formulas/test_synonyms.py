"""Keywords of other libraries are refused with our names, and none of them is taken for something else."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from dataclasses import fields
from random import Random
from typing import Any

import numpy as np
import pytest
from draws import draws
from reference import KERNELS, SCHEDULES

import lrdecay_native as lrd
from lrdecay_native.command_line.schedule_expression import schedule_from_text
from lrdecay_native.fitting.fit import fit
from lrdecay_native.formulas.synonyms import SYNONYMS
from lrdecay_native.plateau import ReduceOnPlateau

CLASSES = {name: getattr(lrd, name) for name in SCHEDULES}
METHODS = [
    name for name, method in vars(lrd.Schedule).items() if name[0] != "_" and hasattr(method, "__wrapped__")
]
"""Those that make a schedule: they are wrapped in what refuses unknown words."""


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("StepDecay(lr=0.1, drop_rate=0.5, step_size=10)", "'lr': it is initial_learning_rate here"),
        ("StepDecay(0.1, gamma=0.5, step_size=10)", "'gamma': it is drop_rate here"),
        ("StepDecay(0.1, decay_rate=0.5, step_size=10)", "'decay_rate': it is drop_rate here"),
        ("Constant(lr=0.1)", "'lr': it is learning_rate here"),
        ("OneCycle(max_lr=0.1, total_steps=10)", "'max_lr': it is max_learning_rate here"),
        ("Cyclic(base_lr=0.1, max_lr=1.0, step_size_up=3)", "'base_lr': it is base_learning_rate here"),
        ("MultiStepDecay(0.1, milestones=[3])", "'milestones': it is boundaries here"),
        ("CosineAnnealing(0.1, T_max=100)", "'T_max': it is half_period here"),
        ("CosineDecay(0.1, T_max=100)", "'T_max': it is decay_steps here"),
        ("CosineDecay(0.1, 100, eta_min=0.01)", "'eta_min': it is end_learning_rate here"),
        ("CosineDecay(0.1, 100, alpha=0.01)", "write end_learning_rate=alpha * initial_learning_rate"),
        ("CosineDecay(0.1, 100, warmup_steps=10)", "'warmup_steps': write .warmup(steps, start=...)"),
        ("CosineDecay(0.1, 100, warmup_ratio=0.1)", "write .warmup(warmup_ratio * total_steps)"),
        ("PolynomialDecay(0.1, decay_steps=100)", "'decay_steps': it is max_step here"),
        ("NoamDecay(d_model=512, warmup_steps=4)", "'d_model': it is model_size here"),
        ("WarmupStableDecay(0.1, 1, 2, total_steps=9)", "decay_steps is what is left"),
        (
            "Constant(0.1).warmup(warmup_steps=5)",
            "'warmup_steps': it is steps here; its parameters are steps, ",
        ),
        ("Constant(0.1).clipped(min_lr=0.1)", "'min_lr': it is lowest here"),
        ("Constant(0.1).then(Constant(0.2), step=5)", "'step': it is at here"),
        ("step_decay(5, lr=0.1, drop_rate=0.5, step_size=10)", "'lr': it is initial_learning_rate here"),
        ("cosine_decay(5, 0.1, 100, alpha=0.1)", "write end_learning_rate=alpha * initial_learning_rate"),
        (
            "exponential_decay(5, 0.1, decay_steps=10, decay_rate=0.5)",
            "Keras's ExponentialDecay is step_decay",
        ),
        ("Tabulated(values=[0.1])", "'values': it is learning_rates here"),
        ("StepDecay(inital_learning_rate=0.1)", "is initial_learning_rate meant?"),
    ],
)
def test_what_others_call_it(call: str, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        eval(call, vars(lrd))
    if call[0].isupper() and "[" not in call:
        with pytest.raises(TypeError, match=re.escape(message)):
            schedule_from_text(call)


def test_keywords_of_kerass_exponential_decay_are_refused() -> None:
    """With them the rate would be another one: exp(-0.96 * n) in place of 0.96 ** n."""
    keras_call: dict[str, Any] = {"initial_learning_rate": 0.1, "decay_steps": 1000, "decay_rate": 0.96}
    with pytest.raises(TypeError, match="decay_steps") as refusal:
        lrd.ExponentialDecay(**keras_call, staircase=True)
    for part in (
        "'decay_steps': it is step_size here, and Keras's ExponentialDecay is StepDecay",
        "initial * exp(-decay_rate * step / step_size)",
        "is StepDecay(initial, decay_rate, decay_steps, staircase=staircase)",
    ):
        assert part in str(refusal.value)
    assert lrd.ExponentialDecay(0.1, 0.96, step_size=1000)(1000) == lrd.exponential_decay(1, 0.1, 0.96)


@pytest.mark.parametrize("name", CLASSES)
def test_each_word_names_a_parameter_that_there_is(name: str) -> None:
    cls = CLASSES[name]
    known = {parameter.name for parameter in fields(cls)}
    for word in SYNONYMS.keys() - known:
        with pytest.raises(
            TypeError, match=f"^{name} got an unexpected keyword argument {word!r}"
        ) as refusal:
            cls(**{word: 0.1})
        meant = re.search(r": it is (\w+) here", str(refusal.value))
        assert meant is None or meant[1] in known


@pytest.mark.parametrize("name", METHODS)
def test_methods_refuse_unknown_words(name: str, random: Random) -> None:
    method = getattr(lrd.Constant(0.1), name)
    known = inspect.signature(method).parameters
    for word in random.sample(sorted(SYNONYMS.keys() - known.keys()), 20):
        with pytest.raises(
            TypeError, match=f"^{name} got an unexpected keyword argument {word!r}.*its parameters"
        ):
            method(**{word: 0.1})


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_refuse_unknown_words(name: str, random: Random) -> None:
    kernel = getattr(lrd, name)
    known = inspect.signature(kernel).parameters
    for word in random.sample(sorted(SYNONYMS.keys() - known.keys()), 20):
        with pytest.raises(TypeError, match=f"^{name} got an unexpected keyword argument {word!r}"):
            kernel(1, **{word: 0.1})


def test_json_and_fits_say_it_too() -> None:
    stored = {"version": 1, "class": "StepDecay", "lr": 0.1, "gamma": 0.5, "step_size": 3, "staircase": True}
    with pytest.raises(
        ValueError, match=r"gamma: it is drop_rate here; lr: it is initial_learning_rate here"
    ):
        lrd.from_json(json.dumps(stored))
    with pytest.raises(TypeError, match="gamma: it is drop_rate here"):
        fit(lrd.StepDecay, [(0, 0.1)], gamma=0.5, step_size=1)


def test_plateaus_say_it_too() -> None:
    with pytest.raises(TypeError, match=r"^ReduceOnPlateau got .*'factor': it is drop_rate here"):
        ReduceOnPlateau(lrd.Constant(0.1), factor=0.5)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="'min_lr': it is min_learning_rate here"):
        ReduceOnPlateau(lrd.Constant(0.1), min_lr=0.5)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"^like_keras got .*'drop_rate': it is factor here"):
        ReduceOnPlateau.like_keras(lrd.Constant(0.1), drop_rate=0.5)  # type: ignore[call-arg]


def test_json_from_before_exponential_decay_had_a_step_size(random: Random) -> None:
    stored = (
        '{"version": 1, "class": "Scaled", "schedule": {"class": "ExponentialDecay", "initial_learning_rate": 0.1, '
        '"decay_rate": 0.5, "decay_steps": 10, "staircase": true}, "factor": 2.0}'
    )
    assert lrd.from_json(stored) == lrd.ExponentialDecay(0.1, 0.5, step_size=10, staircase=True).scaled(2)
    for _ in range(draws(20)):
        schedule = SCHEDULES["ExponentialDecay"].make(random)
        description = schedule.to_dict()
        former = {("decay_steps" if k == "step_size" else k): v for k, v in description.items()}
        assert lrd.from_dict(former) == lrd.from_dict(description) == schedule
        with pytest.raises(ValueError, match=r"unknown: \['decay_steps'\], missing: \[\]"):
            lrd.from_dict({**description, "decay_steps": 10})


NUMBERS = {
    "decay_steps": 10, "decay_rate": 0.9, "power": 2.0, "end_learning_rate": 0.05, "alpha": 0.5, "t_mul": 1.5,
    "first_decay_steps": 10, "m_mul": 0.5, "staircase": True, "cycle": True, "initial_learning_rate": 0.1,
    "boundaries": [3, 5], "values": [0.1, 0.2, 0.3], "num_periods": 1.5, "beta": 0.01, "learning_rate": 0.1,
}  # fmt: skip


def same_named(module: str) -> list[tuple[str, Any]]:
    """The classes and functions of a module that have the name of one of ours."""
    found = importlib.import_module(module)
    return [(name, getattr(found, name)) for name in CLASSES if hasattr(found, name)]


def test_a_call_of_keras_by_keywords_has_its_rates_or_is_refused(random: Random) -> None:
    """Whichever of its keywords are given, and in whichever order."""
    pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")
    peers = same_named("keras.optimizers.schedules")
    assert len(peers) >= 4
    accepted = 0
    for name, peer in peers:
        required = [p for p, v in inspect.signature(peer).parameters.items() if v.default is v.empty]
        optional = [p for p in inspect.signature(peer).parameters if p in NUMBERS and p not in required]
        for _ in range(draws(10)):
            chosen = [*required, *random.sample(optional, random.randint(0, len(optional)))]
            keywords = {word: NUMBERS[word] for word in chosen}
            theirs = peer(**keywords)
            if not keywords.keys() <= {parameter.name for parameter in fields(CLASSES[name])}:
                with pytest.raises(TypeError, match="unexpected keyword argument"):
                    CLASSES[name](**keywords)
                continue
            ours = CLASSES[name](**keywords)
            accepted += 1
            rates = [float(theirs(np.int64(step))) for step in range(25)]
            assert ours(np.arange(25)) == pytest.approx(rates, rel=1e-5, abs=1e-8), (name, keywords)
    assert accepted
