"""`set_schedule` in real training: the next step applies the new rate, and all else goes on."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from draws import draws

import lrdecay_native as lrd

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")

from keras_adapter.applied import (  # noqa: E402
    a_weight_for_each_step,
    fit_steps,
    output_as_loss,
    plain_adam,
    weights,
)

from lrdecay_native.keras import KerasSchedule, KerasTable, current_learning_rate, set_schedule  # noqa: E402

builtins = keras.optimizers.schedules
BACKEND = keras.backend.backend()
STEPS = 12
PLAN = lrd.LinearDecay(0.1, STEPS)
OTHER = lrd.CosineDecay(0.5, 20)


def model_with(optimizer: Any, **options: Any) -> Any:
    model = a_weight_for_each_step(STEPS)
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        optimizer = keras.optimizers.SGD(optimizer)
    model.compile(optimizer, loss=output_as_loss, **options)
    return model


def check(applied: Any, first: lrd.Schedule, then: lrd.Schedule, at: int) -> None:
    expected = [(first if step < at else then)(step) for step in range(STEPS)]
    np.testing.assert_allclose(applied, expected, rtol=2e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("before", "schedule"),
    [
        (KerasSchedule(PLAN), OTHER),
        (KerasSchedule(PLAN), KerasSchedule(OTHER)),
        (KerasTable(PLAN, STEPS), KerasTable(OTHER, STEPS)),
        (KerasSchedule(PLAN), builtins.CosineDecay(0.5, 20)),
        (builtins.PolynomialDecay(0.1, STEPS, 0.0), OTHER),
    ],
    ids=["native", "schedule", "table", "to a builtin", "from a builtin"],
)
def test_the_next_step_has_the_new_rate(before: Any, schedule: Any) -> None:
    model = model_with(before)
    fit_steps(model, 0, 5)
    set_schedule(model, schedule)
    fit_steps(model, 5, STEPS)
    check(-weights(model), PLAN, OTHER, 5)


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        (keras.optimizers.SGD, {"run_eagerly": True}),
        (keras.optimizers.SGD, {"jit_compile": BACKEND != "torch"}),
        (keras.optimizers.SGD, {"jit_compile": False}),
        (keras.optimizers.SGD, {"steps_per_execution": 1 if BACKEND == "torch" else 3}),
        (lambda rate: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(rate)), {}),
        (plain_adam, {}),
    ],
    ids=["eager", "jit", "no jit", "steps per execution", "loss scale", "Adam"],
)
def test_however_the_step_is_compiled(optimizer: Any, options: dict[str, Any]) -> None:
    model = model_with(optimizer(KerasSchedule(PLAN)), **options)
    fit_steps(model, 0, 5)
    set_schedule(model, OTHER)
    fit_steps(model, 5, STEPS)
    check(-weights(model), PLAN, OTHER, 5)


def test_a_continued_plan_goes_on_from_the_optimizers_step(random: Random) -> None:
    """Plans, and the steps at which they are given, at random; one model takes them one after another."""
    for _ in range(draws(20)):
        at = sorted(random.sample(range(1, STEPS), 3))
        plans = [lrd.CosineDecay(random.uniform(0.01, 1.0), random.randint(STEPS, 40))]
        for step in at:
            plans.append(plans[-1].continued(step, to=random.randint(STEPS + 1, 60)))
        model = model_with(KerasSchedule(plans[0]))
        for plan, first, stop in zip(plans, [0, *at], [*at, STEPS], strict=True):
            if first:
                set_schedule(model, plan)
            fit_steps(model, first, stop)
        expected = [plans[sum(step >= other for other in at)](step) for step in range(STEPS)]
        np.testing.assert_allclose(-weights(model), expected, rtol=2e-6, atol=1e-8)


def test_while_the_old_function_is_alive() -> None:
    """JAX gives a function that equals one that was compiled, and is alive, its program."""
    model = model_with(KerasSchedule(PLAN))
    kept = []
    for first, plan in ((0, PLAN), (3, OTHER), (6, PLAN), (9, OTHER)):
        set_schedule(model, plan)
        fit_steps(model, first, first + 3)
        kept.append(model.train_function)
    expected = [(PLAN, OTHER)[step // 3 % 2](step) for step in range(STEPS)]
    np.testing.assert_allclose(-weights(model), expected, rtol=2e-6, atol=1e-8)


def test_weights_the_optimizers_state_and_metrics_stay() -> None:
    one = np.ones((1, 1), np.float32)
    models = []
    for _ in range(2):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
        model.compile(keras.optimizers.Adam(KerasSchedule(PLAN)), loss="mse", metrics=["mae"])
        models.append(model)
    for model in models:
        for step in range(6):
            if step == 3 and model is models[1]:
                before = {name: float(value) for name, value in model.get_metrics_result().items()}
                set_schedule(model, PLAN)
                assert {name: float(value) for name, value in model.get_metrics_result().items()} == before
            model.train_on_batch(one, one * 3)
    for own, other in zip(*(model.optimizer.variables for model in models), strict=True):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(own), keras.ops.convert_to_numpy(other), own.path
        )
    np.testing.assert_array_equal(models[0].get_weights()[0], models[1].get_weights()[0])
    assert int(models[1].optimizer.iterations) == 6


@pytest.mark.parametrize("within", ["on_epoch_end", "on_train_batch_end"])
def test_in_a_callback(within: str) -> None:
    model = model_with(KerasSchedule(PLAN))

    class Change(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if within == "on_epoch_end" and epoch == 1:
                set_schedule(self.model, OTHER)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if within == "on_train_batch_end" and int(self.model.optimizer.iterations) == 2:
                set_schedule(self.model, OTHER)

    row, label = np.ones((2, STEPS), np.float32), np.zeros((2, 1), np.float32)
    rates: list[float] = []
    before = [0.0]

    def record(batch: int, logs: Any) -> None:
        now = -float(callback.model.get_weights()[0][0, 0])
        rates.append(now - before[0])
        before[0] = now

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=record)
    model.fit(row, label, batch_size=1, epochs=3, verbose=0, callbacks=[callback, Change()])
    at = 4 if within == "on_epoch_end" else 2
    expected = [(PLAN if step < at else OTHER)(step) for step in range(6)]
    np.testing.assert_allclose(rates, expected, rtol=1e-5, atol=1e-6)


def test_a_number_for_a_number_stays_one_and_for_a_schedule_is_constant() -> None:
    model = model_with(0.1)
    fit_steps(model, 0, 4)
    set_schedule(model, 0.25)
    fit_steps(model, 4, 8)
    assert isinstance(model.optimizer._learning_rate, keras.Variable)
    set_schedule(model, OTHER)
    set_schedule(model, 2)
    fit_steps(model, 8, STEPS)
    assert model.optimizer._learning_rate.schedule == lrd.Constant(2.0)
    np.testing.assert_allclose(-weights(model), [0.1] * 4 + [0.25] * 4 + [2.0] * 4, rtol=1e-6)


def test_before_training() -> None:
    model = model_with(KerasSchedule(PLAN))
    set_schedule(model, OTHER)
    fit_steps(model, 0, STEPS)
    check(-weights(model), OTHER, OTHER, 0)


needs_several = pytest.mark.skipif(
    not hasattr(keras.optimizers, "MultiOptimizer"), reason="this Keras has no MultiOptimizer"
)


@needs_several
def test_one_of_several_optimizers() -> None:
    def layer(name: str) -> Any:
        return keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name=name)

    inputs = keras.Input((STEPS,))
    model = keras.Model(inputs, layer("one")(inputs) + layer("other")(inputs))
    optimizers = {
        name: keras.optimizers.SGD(KerasSchedule(PLAN), name=f"{name}_sgd") for name in ("one", "other")
    }
    several = keras.optimizers.MultiOptimizer(lambda variable: optimizers[variable.path.split("/")[0]])
    model.compile(several, loss=output_as_loss)
    fit_steps(model, 0, 5)
    with pytest.raises(TypeError, match=r"has several rates; give one of its optimizers"):
        set_schedule(model, OTHER)
    with pytest.raises(ValueError, match=r"must be one of the model's: one_sgd, other_sgd"):
        set_schedule(model, OTHER, optimizer=keras.optimizers.SGD(0.1))
    set_schedule(model, OTHER, optimizer=optimizers["other"])
    fit_steps(model, 5, STEPS)
    one, other = (-weight[:, 0] for weight in model.get_weights())
    check(one, PLAN, PLAN, 5)
    check(other, PLAN, OTHER, 5)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("0.1", r"schedule='0\.1' must be a schedule of lrdecay_native"),
        (True, r"schedule=True must be a schedule"),
        (lambda: 0.1, r"must be a schedule of lrdecay_native, a LearningRateSchedule of Keras"),
        (None, r"schedule=None must be a schedule"),
    ],
)
def test_refuses_what_is_no_schedule(schedule: Any, message: str) -> None:
    model = model_with(KerasSchedule(PLAN))
    with pytest.raises(TypeError, match=message):
        set_schedule(model, schedule)
    assert current_learning_rate(model.optimizer) == 0.1


def test_refuses_numbers_and_models_that_are_none() -> None:
    with pytest.raises(ValueError, match=r"learning_rate=-0\.1 must be 0"):
        set_schedule(model_with(0.1), -0.1)
    with pytest.raises(ValueError, match="must be compiled"):
        set_schedule(a_weight_for_each_step(STEPS), OTHER)
