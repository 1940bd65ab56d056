"""A `MultiOptimizer` has several rates, which are printed, logged, reduced and found as they are applied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

import lrdecay_native as lrd

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")
if not hasattr(keras.optimizers, "MultiOptimizer"):
    pytest.skip("this Keras has no MultiOptimizer", allow_module_level=True)

from keras_adapter.applied import fit_steps, output_as_loss  # noqa: E402

from lrdecay_native.keras import (  # noqa: E402
    KerasSchedule,
    KerasTable,
    LearningRateLogger,
    PrintLR,
    ReduceLROnPlateau,
    find_learning_rate,
    from_keras,
)

STEPS = 12
PLANS = {"body": lrd.CosineDecay(0.1, 20), "head": lrd.LinearDecay(0.5, 30).warmup(4)}
RATES = {"body": KerasSchedule(PLANS["body"]), "head": KerasTable(PLANS["head"], STEPS)}


def plain(several: Any) -> Any:
    return several


def loss_scaled(several: Any) -> Any:
    return keras.optimizers.LossScaleOptimizer(several, initial_scale=2.0)


def by_function(optimizers: dict[str, Any]) -> Any:
    return keras.optimizers.MultiOptimizer(lambda variable: optimizers[variable.path.split("/")[0]])


def by_map(optimizers: dict[str, Any]) -> Any:
    default, others = optimizers["body"], {"head/.*": optimizers["head"]}
    return keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(default, others))


def model_with(rates: dict[str, Any], chosen: Any = by_function, wrapped: Any = plain, **options: Any) -> Any:
    """Two weights for each step: on one-hot rows, step ``i`` leaves in each minus the rate of its optimizer."""

    def layer(name: str) -> Any:
        return keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name=name)

    inputs = keras.Input((STEPS,))
    model = keras.Model(inputs, layer("body")(inputs) + layer("head")(inputs))
    optimizers = {name: keras.optimizers.SGD(rate, name=name) for name, rate in rates.items()}
    model.compile(wrapped(chosen(optimizers)), loss=output_as_loss, **options)
    return model


def applied(model: Any) -> dict[str, Any]:
    return {name: -model.get_layer(name).get_weights()[0][:, 0] for name in ("body", "head")}


@pytest.mark.parametrize("chosen", [by_function, by_map])
@pytest.mark.parametrize("wrapped", [plain, loss_scaled])
def test_each_rate_is_printed_and_logged(
    chosen: Any, wrapped: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = model_with(RATES, chosen, wrapped)
    logger = LearningRateLogger(csv=tmp_path / "rates.csv")
    fit_steps(model, 0, 5, PrintLR(), logger)
    fit_steps(model, 5, STEPS, PrintLR(), logger)
    header, *rows = (tmp_path / "rates.csv").read_text().splitlines()
    names = [name.removeprefix("learning_rate_") for name in header.split(",")[1:]]
    assert sorted(names) == ["body", "head"]
    assert rows == [
        ",".join([str(step), *(repr(PLANS[name](step)) for name in names)]) for step in range(STEPS)
    ]
    for name, rates in applied(model).items():
        np.testing.assert_allclose(rates, PLANS[name](np.arange(STEPS)), rtol=2e-6)
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 01: learning rate = " + ", ".join(f"{PLANS[name](step):.5f} ({name})" for name in names)
        for step in (0, 5)
    ]


def test_tensorboard_has_a_curve_for_each(tmp_path: Path) -> None:
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    fit_steps(model_with(RATES), 0, STEPS, LearningRateLogger(tensorboard=tmp_path))
    read = module.EventAccumulator(str(tmp_path), size_guidance={module.SCALARS: 0}).Reload()
    for name, plan in PLANS.items():
        events = [(event.step, event.value) for event in read.Scalars(f"learning_rate_{name}")]
        assert events == [(step, float(np.float32(plan(step)))) for step in range(STEPS)]


def test_a_file_of_other_optimizers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text("step,learning_rate\n0,0.1\n")
    with pytest.raises(ValueError, match=r"must be 'step,learning_rate_"):
        fit_steps(model_with(RATES), 0, 2, LearningRateLogger(csv=path))


def test_random_optimizers_are_logged_as_applied(random: Random, tmp_path: Path) -> None:
    """Kinds of rates at random, one set by another callback, one optimizer ahead of the others."""

    class Own(keras.optimizers.schedules.LearningRateSchedule):
        def __init__(self, plan: Any) -> None:
            self.rate = KerasSchedule(plan)

        def __call__(self, step: Any) -> Any:
            return self.rate(step) * 0.5

    kinds: list[Callable[[Any], Any]] = [
        KerasSchedule,
        lambda plan: KerasTable(plan, STEPS),
        lambda plan: keras.optimizers.schedules.ExponentialDecay(float(plan(0)), 7, 0.5),
        Own,
        lambda plan: float(plan(0)),
    ]
    for case in range(5):
        rates = {
            name: kinds[(case + place) % len(kinds)](
                lrd.CosineDecay(random.uniform(0.01, 1), random.randint(STEPS, 50))
            )
            for place, name in enumerate(PLANS)
        }
        model = model_with(rates, random.choice([by_function, by_map]))
        model.optimizer.build(model.trainable_variables)
        random.choice(model.optimizer.optimizers)._iterations.assign(random.randint(0, 5))
        logger = LearningRateLogger(csv=tmp_path / f"{case}.csv")
        fit_steps(model, 0, 5, logger)
        fit_steps(model, 5, STEPS, logger)
        header, *_ = (tmp_path / f"{case}.csv").read_text().splitlines()
        rows = np.loadtxt(tmp_path / f"{case}.csv", delimiter=",", skiprows=1)
        for name, column in zip(header.split(",")[1:], rows.T[1:], strict=True):
            np.testing.assert_allclose(
                column, applied(model)[name.removeprefix("learning_rate_")], rtol=3e-6, atol=1e-9
            )


def test_numbers_that_learning_rate_scheduler_sets(tmp_path: Path) -> None:
    model = model_with({"body": 0.25, "head": 0.5})
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    for first in range(0, STEPS, 4):
        fit_steps(model, first, first + 4, LearningRateLogger(csv=tmp_path / "rates.csv"), halve)
    header, *_ = (tmp_path / "rates.csv").read_text().splitlines()
    rows = np.loadtxt(tmp_path / "rates.csv", delimiter=",", skiprows=1)
    for name, column in zip(header.split(",")[1:], rows.T[1:], strict=True):
        start = {"learning_rate_body": 0.25, "learning_rate_head": 0.5}[name]
        assert column.tolist() == [start / 2 ** (1 + step // 4) for step in range(STEPS)]
        np.testing.assert_array_equal(column, applied(model)[name.removeprefix("learning_rate_")])


@pytest.mark.parametrize("wrapped", [plain, loss_scaled])
def test_each_rate_is_reduced(wrapped: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The loss is the same in each epoch: after the first, every second one reduces."""
    model = model_with(RATES, wrapped=wrapped)
    reduce = ReduceLROnPlateau("loss", factor=0.5, patience=2, verbose=1)
    logs: dict[str, Any] = {}
    record = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, seen: logs.update(seen))
    rows, labels = np.eye(STEPS, dtype="float32"), np.zeros((1, 1), "float32")
    for step in range(STEPS):
        model.fit(rows[step : step + 1], labels, verbose=0, callbacks=[reduce, record])
    factors = 0.5 ** (np.maximum(np.arange(STEPS) - 1, 0) // 2)
    for name, rates in applied(model).items():
        np.testing.assert_allclose(rates, PLANS[name](np.arange(STEPS)) * factors, rtol=2e-6, atol=1e-9)
    assert [controller.factor for controller in reduce.controllers] == [0.5**5] * 2
    assert {"learning_rate_body", "learning_rate_head"} <= set(logs)
    with pytest.raises(TypeError, match="has several rates"):
        _ = reduce.controller
    assert "learning rate of body reduced to" in capsys.readouterr().out


def test_reduced_as_keras_reduces_numbers() -> None:
    ours, theirs = (model_with({"body": 0.3, "head": 0.7}) for _ in range(2))
    options = {"factor": 0.3, "patience": 1, "min_lr": 0.04}
    for model, kind in ((ours, ReduceLROnPlateau), (theirs, keras.callbacks.ReduceLROnPlateau)):
        rows, labels = np.eye(STEPS, dtype="float32"), np.zeros((1, 1), "float32")
        callback = kind("loss", **options)
        callback.set_model(model)
        callback.on_train_begin()
        for step in range(6):
            model.fit(rows[step : step + 1], labels, verbose=0)
            callback.on_epoch_end(step, {"loss": 1.0})
    for name, rates in applied(ours).items():
        np.testing.assert_array_equal(rates, applied(theirs)[name])
        assert rates[5] == np.float32(0.04)


@pytest.mark.parametrize("chosen", [by_function, by_map])
@pytest.mark.parametrize("wrapped", [plain, loss_scaled])
def test_the_finder_sweeps_each_rate(chosen: Any, wrapped: Any) -> None:
    """Every step of the sweep moves both weights by its rate, and afterwards all is what it was."""
    model = model_with(RATES, chosen, wrapped)
    fit_steps(model, 0, 2)
    before = [np.array(keras.ops.convert_to_numpy(value)) for value in model.optimizer.variables]
    weights = model.get_weights()
    x = np.ones((8, STEPS), np.float32)
    finding = find_learning_rate(
        model, x, np.zeros((8, 1), np.float32), lowest=1e-3, highest=1e-2, steps=12, verbose=0
    )
    # The loss is the sum of all weights, and its gradient 1 in each of 2 * STEPS.
    np.testing.assert_allclose(np.diff(finding.losses), -2 * STEPS * finding.learning_rates[:-1], rtol=1e-4)
    for value, kept in zip(model.optimizer.variables, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(value), kept)
    for value, kept in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(value, kept)
    fit_steps(model, 2, STEPS)
    for name, rates in applied(model).items():
        np.testing.assert_allclose(rates, PLANS[name](np.arange(STEPS)), rtol=2e-6)


def test_a_builtin_of_keras_among_them(tmp_path: Path) -> None:
    builtin = keras.optimizers.schedules.PolynomialDecay(0.1, 6, power=2.0)
    fit_steps(
        model_with({"body": builtin, "head": RATES["head"]}),
        0,
        3,
        LearningRateLogger(csv=tmp_path / "rates.csv"),
    )
    assert repr(from_keras(builtin)(2)) in (tmp_path / "rates.csv").read_text()
