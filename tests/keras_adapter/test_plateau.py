"""`ReduceLROnPlateau` against Keras's own, in real training, and through saved models."""

from __future__ import annotations

import copy
import inspect
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from draws import draws, examples
from hypothesis import given
from hypothesis import strategies as st

import lrdecay_native as lrd

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")

from lrdecay_native.keras import (  # noqa: E402
    KerasSchedule,
    KerasTable,
    PlateauRate,
    PlateauSchedule,
    PlateauTable,
    ReduceLROnPlateau,
    current_learning_rate,
)
from lrdecay_native.plateau import ReduceOnPlateau  # noqa: E402

builtins = keras.optimizers.schedules
BACKEND = keras.backend.backend()
COSINE = lrd.CosineDecay(0.1, 40).warmup(4)


@keras.saving.register_keras_serializable("tests")
class Squared(builtins.LearningRateSchedule):
    """A schedule of one's own."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, step: Any) -> Any:
        return self.rate * 0.5 ** (2 * keras.ops.cast(step, "float32"))

    def __repr__(self) -> str:
        return "Squared"

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate}


def model_with(optimizer: Any, **compile_options: Any) -> Any:
    """One weight, whose gradient is 1 and whose loss is the weight."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        optimizer = keras.optimizers.SGD(optimizer)
    model.compile(optimizer, loss=lambda _, output: output, **compile_options)
    return model


def applied_rates(model: Any, epochs: int, *callbacks: Any) -> list[float]:
    """The rates that the steps really used, one an epoch: each leaves minus its rate in the weight.

    The weight is 0 when an epoch begins, so the loss of each epoch is 0, and never an improvement.
    """
    rates = []
    record = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: model.set_weights([np.zeros((1, 1), np.float32)]),
        on_epoch_end=lambda epoch, logs: rates.append(-float(model.get_weights()[0][0, 0])),
    )
    one = np.ones((1, 1), np.float32)
    model.fit(one, one, epochs=epochs, verbose=0, callbacks=[*callbacks, record])
    return rates


def expected_rates(schedule: lrd.Schedule, epochs: int, patience: int, factor: float = 0.5) -> list[float]:
    return [schedule(epoch) * factor ** (max(epoch - 1, 0) // patience) for epoch in range(epochs)]


metrics = st.lists(
    st.one_of(st.sampled_from([math.nan, math.inf, -math.inf]), st.integers(8, 12).map(float)),
    min_size=1,
    max_size=25,
)
counts = st.integers(0, 3)


@examples(20)
@given(
    metrics=metrics,
    mode=st.sampled_from(["min", "max", "auto"]),
    factor=st.sampled_from([0.5, 0.25]),
    patience=counts,
    min_delta=st.sampled_from([0.0, 1e-4, 0.5]),
    cooldown=counts,
    min_lr=st.sampled_from([0.0, 0.03, 0.125, 0.75]),
)
def test_reduces_when_keras_does(metrics: list[float], **parameters: Any) -> None:
    theirs = keras.callbacks.ReduceLROnPlateau("loss", **parameters)
    ours = ReduceLROnPlateau("loss", **parameters)
    theirs.set_model(model_with(0.5))
    ours.set_model(model_with(KerasSchedule(lrd.Constant(0.5))))
    theirs.on_train_begin()
    ours.on_train_begin()
    for epoch, metric in enumerate(metrics):
        logs = [{"loss": metric}, {"loss": metric}]
        theirs.on_epoch_end(epoch, logs[0])
        ours.on_epoch_end(epoch, logs[1])
        rate = current_learning_rate(ours.model.optimizer)
        assert np.float32(rate) == np.float32(current_learning_rate(theirs.model.optimizer)), epoch
        assert np.float32(logs[1]["learning_rate"]) == np.float32(logs[0]["learning_rate"])


def test_has_the_parameters_of_keras() -> None:
    theirs = inspect.signature(keras.callbacks.ReduceLROnPlateau).parameters
    ours = inspect.signature(ReduceLROnPlateau).parameters
    assert [(p.name, p.default) for p in ours.values()] == [
        (p.name, p.default) for p in theirs.values() if p.kind != p.VAR_KEYWORD
    ]


@pytest.mark.parametrize(
    ("rate", "schedule", "kind"),
    [
        (KerasSchedule(COSINE), COSINE, PlateauSchedule),
        (KerasTable(COSINE, 9), COSINE, PlateauTable),
        (builtins.InverseTimeDecay(0.1, 1, 0.3), lrd.InverseTimeDecay(0.1, 0.3), PlateauSchedule),
        (0.25, lrd.Constant(0.25), keras.Variable),
        (Squared(0.3), lrd.StepDecay(0.3, 0.25, 1), PlateauRate),
    ],
    ids=["schedule", "table", "builtin", "number", "own"],
)
def test_the_step_uses_the_reduced_rate(rate: Any, schedule: lrd.Schedule, kind: type) -> None:
    model = model_with(rate)
    rates = applied_rates(model, 8, ReduceLROnPlateau("loss", factor=0.5, patience=2))
    assert rates == pytest.approx(expected_rates(schedule, 8, patience=2), rel=1e-6)
    now = model.optimizer._learning_rate
    assert isinstance(now, kind)
    assert kind is not PlateauTable or (now.start, now.stop) == (0, 9)


@pytest.mark.parametrize(
    ("wrapped", "options"),
    [(True, {}), (False, {"jit_compile": BACKEND != "torch"}), (False, {"run_eagerly": True})],
    ids=["loss scale", "jit", "eager"],
)
def test_the_step_uses_the_reduced_rate_however_it_is_compiled(
    wrapped: bool, options: dict[str, Any]
) -> None:
    optimizer = keras.optimizers.SGD(KerasTable(COSINE, 20))
    model = model_with(keras.optimizers.LossScaleOptimizer(optimizer) if wrapped else optimizer, **options)
    rates = applied_rates(model, 6, ReduceLROnPlateau("loss", factor=0.5, patience=2))
    assert rates == pytest.approx(expected_rates(COSINE, 6, patience=2), rel=1e-6)


def test_goes_on_when_fit_is_called_again() -> None:
    model, callback = model_with(KerasSchedule(COSINE)), ReduceLROnPlateau("loss", factor=0.5, patience=3)
    rates = applied_rates(model, 3, callback) + applied_rates(model, 6, callback)
    assert rates == pytest.approx(expected_rates(COSINE, 9, patience=3), rel=1e-6)


@pytest.mark.parametrize("min_lr", [0.03, 0.04, 0.2])
@pytest.mark.parametrize(
    ("rate", "schedule"),
    [
        (KerasSchedule(COSINE), COSINE),
        (KerasTable(COSINE, 9), COSINE),
        (KerasSchedule(lrd.Constant(0.01)), lrd.Constant(0.01)),
        (0.01, lrd.Constant(0.01)),
        (0.1, lrd.Constant(0.1)),
        (Squared(0.3), lrd.StepDecay(0.3, 0.25, 1)),
    ],
    ids=repr,
)
def test_no_rate_is_raised_to_the_least_one(rate: Any, schedule: lrd.Schedule, min_lr: float) -> None:
    model = model_with(rate, run_eagerly=True)
    rates = applied_rates(model, 8, ReduceLROnPlateau("loss", factor=0.5, patience=2, min_lr=min_lr))
    own = schedule(np.arange(8))
    # What wouldn't lower a rate is no reduction: how many there were follows from the rates of the epochs' ends.
    factor, expected = 1.0, []
    for epoch in range(8):
        expected.append(max(factor * own[epoch], min(own[epoch], min_lr)))
        following = schedule(epoch + 1)
        if epoch and epoch % 2 == 0 and max(factor * following, min_lr) > max(factor / 2 * following, min_lr):
            factor /= 2
    assert rates == pytest.approx(expected, rel=1e-6)
    assert (np.array(rates) <= own * (1 + 1e-6)).all()


@pytest.mark.parametrize("seed", range(draws(30)))
def test_numbers_that_other_callbacks_set_are_reduced_as_keras_reduces_them(seed: int) -> None:
    """With a `LearningRateScheduler` beside it, of a number or of the one before, in either order."""
    random = np.random.default_rng(seed)
    factors = random.uniform(0.5, 1.5, 10)
    options = {
        "factor": float(random.uniform(0.1, 0.9)),
        "patience": int(random.integers(1, 3)),
        "cooldown": int(random.integers(0, 3)),
        "min_lr": float(random.uniform(0.0, 0.2)),
    }
    rates = []
    for kind in (ReduceLROnPlateau, keras.callbacks.ReduceLROnPlateau):
        scheduler = keras.callbacks.LearningRateScheduler(
            (lambda epoch, rate: float(rate * factors[epoch]))
            if seed % 2
            else (lambda epoch: float(factors[epoch]))
        )
        callbacks = [kind("loss", **options), scheduler]
        model = model_with(0.3)
        rates.append(applied_rates(model, 10, *callbacks[:: 1 if seed % 3 else -1]))
    assert rates[0] == rates[1]


def test_a_number_goes_on_when_fit_is_called_again() -> None:
    model, callback = model_with(0.25), ReduceLROnPlateau("loss", factor=0.5, patience=3)
    rates = applied_rates(model, 3, callback) + applied_rates(model, 6, callback)
    assert rates == pytest.approx(expected_rates(lrd.Constant(0.25), 9, patience=3), rel=1e-6)


def test_one_rate_in_two_models_is_two() -> None:
    """Each model's training leaves the other's rate, and the object that they were given, as they are."""
    controller = ReduceOnPlateau.like_keras(lrd.Constant(0.1), factor=0.5, patience=1)
    shared = PlateauSchedule(controller, "loss")
    models = [model_with(shared), model_with(shared)]
    callbacks = [ReduceLROnPlateau("loss", factor=0.5, patience=1) for _ in models]
    for model, callback in zip(models, callbacks, strict=True):
        rates = applied_rates(model, 5, callback)
        assert rates == pytest.approx(expected_rates(lrd.Constant(0.1), 5, patience=1), rel=1e-6)
    assert shared.controller.factor == 1.0
    assert shared.schedule == lrd.Constant(0.1)
    # Also one that a model has trained with.
    third = model_with(models[0].optimizer._learning_rate)
    applied_rates(models[0], 2, callbacks[0])
    rates = applied_rates(third, 3, ReduceLROnPlateau("loss", factor=0.5, patience=1))
    assert rates == pytest.approx([0.1 / 2**4, 0.1 / 2**5, 0.1 / 2**6], rel=1e-6)


def test_a_schedule_of_ones_own_is_saved_with_its_state(tmp_path: Path) -> None:
    model = model_with(Squared(0.3))
    callback = ReduceLROnPlateau("loss", factor=0.5, patience=1)
    applied_rates(model, 3, callback)
    config = json.loads(json.dumps(builtins.serialize(model.optimizer._learning_rate)))
    same = builtins.deserialize(config, custom_objects={"Squared": Squared})
    assert type(same) is PlateauRate
    assert same.controller.to_json() == callback.controller.to_json()
    assert float(same(1)) == pytest.approx(0.3 / 4 / 4, rel=1e-6)


GOING_ON = """
import keras, numpy as np
import lrdecay_native.keras as adapter
x = np.random.default_rng(1).normal(size=(16, 1)).astype("float32")
for file in ("KerasSchedule.keras", "KerasTable.keras"):
    model = keras.models.load_model(file)
    rates = [adapter.current_learning_rate(model.optimizer)]
    callback = adapter.ReduceLROnPlateau("loss", factor=0.5, patience=3, cooldown=2, min_delta=100.0)
    options = dict(batch_size=4, epochs=12, initial_epoch=5, shuffle=False, verbose=0)
    rates += model.fit(x, x, callbacks=[callback], **options).history["learning_rate"]
    print(repr((rates, model.get_weights()[0].tolist(), callback.controller.to_json())))
"""
"""What goes on, in a new process, from models that were saved after five epochs."""

RunPython = Callable[..., Any]


def test_the_state_is_saved_with_the_model(tmp_path: Path, run_python: RunPython) -> None:
    x = np.random.default_rng(1).normal(size=(16, 1)).astype("float32")
    expected = []
    for rate in (KerasSchedule(COSINE), KerasTable(COSINE, 100)):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        model.compile(keras.optimizers.SGD(rate, momentum=0.9), loss="mse")
        callback = ReduceLROnPlateau("loss", factor=0.5, patience=3, cooldown=2, min_delta=100.0)
        options = {"batch_size": 4, "shuffle": False, "verbose": 0}
        model.fit(x, x, epochs=5, callbacks=[callback], **options)
        model.save(tmp_path / f"{type(rate).__name__}.keras")
        rates = [current_learning_rate(model.optimizer)]
        assert rates == [0.5 * COSINE(20)]
        rates += model.fit(x, x, epochs=12, initial_epoch=5, callbacks=[callback], **options).history[
            "learning_rate"
        ]
        expected.append(repr((rates, model.get_weights()[0].tolist(), callback.controller.to_json())))
        assert callback.controller.factor < 0.5
    ran = run_python(GOING_ON)
    assert ran.stdout.splitlines() == expected, ran.stderr


def reduced_model() -> tuple[Any, ReduceLROnPlateau]:
    model, callback = (
        model_with(KerasTable(COSINE, 50), run_eagerly=True),
        ReduceLROnPlateau("loss", patience=2),
    )
    applied_rates(model, 4, callback)
    assert callback.controller.factor == 0.1
    return model, callback


def test_its_configuration_is_json_and_makes_the_same_rate() -> None:
    model, callback = reduced_model()
    rate = model.optimizer._learning_rate
    config = json.loads(json.dumps(builtins.serialize(rate)))
    for same in (builtins.deserialize(config), copy.deepcopy(rate)):
        assert type(same) is PlateauTable
        assert same.get_config() == rate.get_config()
        assert same.schedule == COSINE.scaled(0.1)
        assert same.controller is not callback.controller


def test_other_parameters_begin_anew_on_the_reduced_rates() -> None:
    model, _ = reduced_model()
    other = ReduceLROnPlateau("loss", factor=0.5, patience=1)
    applied_rates(model, 1, other)
    assert other.controller.schedule == COSINE.scaled(0.1)
    assert (other.controller.factor, other.controller.bad_evaluations) == (1.0, 0)
    assert model.optimizer._learning_rate.stop == 50


def test_another_metric_begins_anew() -> None:
    model, _ = reduced_model()
    other = ReduceLROnPlateau("val_loss", patience=2)
    other.set_model(model)
    other.on_train_begin()
    assert other.controller.factor == 1.0


def test_with_weights_only_the_state_goes_on_from_json() -> None:
    model, callback = reduced_model()
    kept = callback.controller.to_json()
    resumed = model_with(PlateauSchedule(ReduceOnPlateau.from_json(kept), "loss"))
    resumed.optimizer.iterations.assign(4)
    again = ReduceLROnPlateau("loss", patience=2)
    assert applied_rates(resumed, 3, again) == pytest.approx(applied_rates(model, 3, callback), rel=1e-6)
    assert again.controller.to_json() == callback.controller.to_json()


def test_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    model = model_with(KerasSchedule(lrd.Constant(0.1)), run_eagerly=True)
    applied_rates(model, 3, ReduceLROnPlateau("loss", patience=2, factor=0.5, verbose=1))
    assert capsys.readouterr().out == "Epoch 03: learning rate reduced to 0.05\n"


def test_a_missing_metric_is_a_warning_and_changes_nothing() -> None:
    model = model_with(KerasSchedule(COSINE), run_eagerly=True)
    callback = ReduceLROnPlateau(patience=1)
    with pytest.warns(
        UserWarning, match="monitor='val_loss' isn't among this epoch's metrics: loss, learning_rate"
    ):
        applied_rates(model, 3, callback)
    assert callback.controller.best is None


def metrics_of_keras() -> list[Any]:
    made = []
    for kind in vars(keras.metrics).values():
        if inspect.isclass(kind) and issubclass(kind, keras.metrics.Metric):
            for arguments in ((), (2,), (0.5,)):
                try:
                    made.append(kind(*arguments))
                    break
                except (TypeError, ValueError):
                    continue
    return [metric for metric in made if getattr(metric, "_direction", None)]


def test_auto_is_what_keras_takes_for_its_metrics() -> None:
    told = set()
    for metric in metrics_of_keras():
        try:
            callback = ReduceLROnPlateau(f"val_{metric.name}")
        except ValueError:
            continue
        told.add(metric.name)
        expected = {"up": "max", "down": "min"}[metric._direction]
        assert callback._parameters["mode"] == expected, metric.name
    assert {"accuracy", "sparse_top_k_categorical_accuracy", "auc"} <= told


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"monitor": "val_something"}, "mode='auto' can't tell whether monitor='val_something'"),
        ({"mode": "least"}, "mode='least' must be 'auto', 'min' or 'max'"),
        ({"factor": 1.0}, "factor=1.0 must be below 1"),
        ({"min_lr": -1.0}, "min_lr=-1.0 must be 0"),
        ({"patience": -1}, "patience=-1 must be from 0"),
    ],
)
def test_refuses_parameters(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ReduceLROnPlateau(**parameters)


def test_refuses_what_is_no_name() -> None:
    with pytest.raises(TypeError, match=r"monitor=3 must be the name of a metric"):
        ReduceLROnPlateau(3)  # type: ignore[arg-type]


def test_refuses_a_callable_rate_before_training() -> None:
    model = model_with(lambda: 0.1)
    with pytest.raises(TypeError, match="must be a schedule"):
        applied_rates(model, 1, ReduceLROnPlateau("loss"))
    assert int(model.optimizer.iterations) == 0


@pytest.mark.parametrize("monitors", [("loss", "accuracy"), ("loss", "loss")])
def test_refuses_to_share_the_rate_before_training(monitors: tuple[str, str]) -> None:
    model = model_with(KerasSchedule(COSINE))
    callbacks = [ReduceLROnPlateau(monitor, patience=1) for monitor in monitors]
    with pytest.raises(ValueError, match=r"monitor='loss': another callback has replaced the rate"):
        applied_rates(model, 3, *callbacks)
    assert int(model.optimizer.iterations) == 0
