"""Every schedule in real training: the rate that the optimizer applied is the schedule's, at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import numpy as np
import pytest
from reference import SCHEDULES

import lrdecay_native as lrd

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")

from keras_adapter.applied import (  # noqa: E402
    Rates,
    a_weight_for_each_step,
    applied_rates,
    fit_rows,
    one_hot_rows,
    output_as_loss,
    plain_adam,
    weights,
)

from lrdecay_native.keras import KerasSchedule, KerasTable  # noqa: E402

BACKEND = keras.backend.backend()

STEPS = 24
WARM_UP_AND_COSINE = lrd.CosineDecay(0.1, 14, end_learning_rate=0.001).warmup(6)
STAIRCASE = lrd.StepDecay(0.1, drop_rate=0.5, step_size=3)
RESTARTS = lrd.CosineRestarts(0.1, 4, m_mul=0.5)
PLAN = lrd.CosineDecay(0.1, 5).warmup(4).then(STAIRCASE, at=8).then(RESTARTS, at=16)
"""Warm-up and cosine, then a staircase, then warm restarts."""

COMPOSITIONS = {
    "warm-up, cosine": WARM_UP_AND_COSINE,
    "warm-up, cosine, staircase, restarts": PLAN,
    "growing cycles": lrd.CosineRestarts(0.1, 3, t_mul=2, m_mul=0.5).warmup(2, start=0.01),
    "floor": lrd.StepDecay(0.1, 0.8, 2, staircase=False).clipped(0.03).warmup(3),
    "cooled down": (lrd.InverseTimeDecay(0.1, 0.1) * lrd.Cyclic(0.5, 1.0, 3)).cooled_down(12, 8, end=0.001),
    "joined": lrd.ExponentialDecay(0.1, 0.1).then(lrd.RexDecay(0.05, 10).scaled(0.5), at=7),
    "two epochs": lrd.PolynomialDecay(0.1, 3, power=2.0).per_epoch(8).restarted(20, factor=0.9),
}
EXAMPLES = {name: reference.example for name, reference in SCHEDULES.items()}

FLOAT32_EPSILON = float(np.finfo(np.float32).eps)


def formula(schedule: lrd.Schedule) -> Any:
    return KerasSchedule(schedule)


def table(schedule: lrd.Schedule) -> Any:
    return KerasTable(schedule, STEPS)


each_way = pytest.mark.parametrize("way", [formula, table])


def native_rates(schedule: lrd.Schedule) -> Rates:
    return schedule.values(STEPS).astype(np.float32)


def check_rates(applied: Rates, way: Callable[..., Any], schedule: lrd.Schedule) -> None:
    """A table's rates are the native ones, to the last bit; float32 arithmetic is off by a little.

    Compilers join multiplications and additions, so that the formula's last bits depend on how it was compiled.
    """
    exact = native_rates(schedule)
    if way is table:
        np.testing.assert_array_equal(applied, exact)
    else:
        np.testing.assert_allclose(applied, exact, rtol=2e-6, atol=FLOAT32_EPSILON * exact.max())


class TestEverySchedule:
    @each_way
    @pytest.mark.parametrize("name", EXAMPLES | COMPOSITIONS)
    def test_in_compiled_fit(self, name: str, way: Callable[..., Any]) -> None:
        schedule = {**EXAMPLES, **COMPOSITIONS}[name]
        check_rates(applied_rates(keras.optimizers.SGD(way(schedule)), STEPS), way, schedule)

    def test_uncompiled_steps_apply_what_a_call_returns(self) -> None:
        rate = KerasSchedule(PLAN)
        called = np.array([float(rate(step)) for step in range(STEPS)], np.float32)
        applied = applied_rates(keras.optimizers.SGD(rate), STEPS, run_eagerly=True)
        np.testing.assert_array_equal(applied, called)


OPTIMIZERS = {
    "SGD": keras.optimizers.SGD,
    "Adam": plain_adam,
    "AdamW": lambda rate: keras.optimizers.AdamW(
        rate, weight_decay=0.0, beta_1=0.0, beta_2=0.0, epsilon=1e-30
    ),
    "LossScaleOptimizer(SGD)": lambda rate: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(rate)),
    "LossScaleOptimizer(Adam)": lambda rate: keras.optimizers.LossScaleOptimizer(plain_adam(rate)),
}


@each_way
class TestFit:
    def test_eager(self, way: Callable[..., Any]) -> None:
        check_rates(applied_rates(plain_adam(way(PLAN)), STEPS, run_eagerly=True), way, PLAN)

    def test_jit_compile(self, way: Callable[..., Any]) -> None:
        if BACKEND == "torch" and way is table:
            pytest.skip("torch.compile takes half a minute for a model: the formula's is enough")
        check_rates(applied_rates(plain_adam(way(PLAN)), STEPS, jit_compile=True), way, PLAN)

    @pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
    def test_optimizers(self, optimizer: Any, way: Callable[..., Any]) -> None:
        check_rates(applied_rates(optimizer(way(PLAN)), STEPS), way, PLAN)

    @pytest.mark.skipif(BACKEND == "torch", reason="Keras's PyTorch trainer takes one step per execution")
    def test_steps_per_execution(self, way: Callable[..., Any]) -> None:
        rates = applied_rates(keras.optimizers.SGD(way(PLAN)), STEPS, steps_per_execution=5)
        check_rates(rates, way, PLAN)

    def test_moving_average_of_the_weights(self, way: Callable[..., Any]) -> None:
        # What fit leaves in the weights is the average.
        optimizer = keras.optimizers.SGD(way(PLAN), use_ema=True, ema_momentum=0.5)
        averaged = applied_rates(optimizer, STEPS)
        seen = 1.0 - 0.5 ** np.arange(STEPS, 0, -1)
        seen[0] = 1.0  # The average begins as the weight after the first step.
        np.testing.assert_allclose(averaged, PLAN.values(STEPS) * seen, rtol=2e-6, atol=1e-8)

    def test_weight_decay_uses_the_rate(self, way: Callable[..., Any]) -> None:
        optimizer = keras.optimizers.AdamW(way(PLAN), weight_decay=0.5, beta_1=0.0, beta_2=0.0, epsilon=1e-30)
        rates = PLAN.values(STEPS)
        # Later steps shrink what an earlier one has left.
        later = np.cumprod((1.0 - 0.5 * rates)[::-1])[::-1] / (1.0 - 0.5 * rates)
        np.testing.assert_allclose(applied_rates(optimizer, STEPS), rates * later, rtol=1e-5, atol=1e-8)

    def test_gradient_accumulation(self, way: Callable[..., Any]) -> None:
        """Keras asks for the rate of the batch, not of the update: the one that completes the accumulation."""
        rows = np.repeat(one_hot_rows(STEPS // 2), 2, axis=0)
        optimizer = keras.optimizers.SGD(way(PLAN), gradient_accumulation_steps=2)
        rates = -weights(fit_rows(optimizer, rows))
        assert int(keras.ops.convert_to_numpy(optimizer.iterations)) == STEPS // 2
        exact = native_rates(PLAN)[1::2]
        if way is table:
            np.testing.assert_array_equal(rates, exact)
        else:
            np.testing.assert_allclose(rates, exact, rtol=2e-6, atol=1e-8)

    @pytest.mark.parametrize("every", [2, 3, 5])
    def test_a_plan_in_updates_under_gradient_accumulation(
        self, every: int, way: Callable[..., Any], random: Random
    ) -> None:
        """`accumulated` is the plan itself: update ``j`` has its rate at step ``j``."""
        updates = 8
        plan = lrd.CosineDecay(random.uniform(0.1, 1.0), random.randint(3, 20)).warmup(random.randint(0, 4))
        batches = plan.accumulated(every)
        rate = KerasSchedule(batches) if way is formula else KerasTable(batches, updates * every)
        rows = np.repeat(one_hot_rows(updates), every, axis=0)
        rates = -weights(fit_rows(keras.optimizers.SGD(rate, gradient_accumulation_steps=every), rows))
        np.testing.assert_allclose(rates, plan.values(updates), rtol=2e-6, atol=1e-8)


@pytest.fixture
def mixed_precision(request: pytest.FixtureRequest) -> Iterator[str]:
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(policy)


@each_way
class TestMixedPrecision:
    @pytest.mark.parametrize("mixed_precision", ["mixed_bfloat16", "mixed_float16"], indirect=True)
    def test_in_fit(self, mixed_precision: str, way: Callable[..., Any]) -> None:
        model = fit_rows(keras.optimizers.SGD(way(PLAN)), one_hot_rows(STEPS))
        scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        assert scaled == (mixed_precision == "mixed_float16")
        check_rates(-weights(model), way, PLAN)

    @pytest.mark.parametrize("mixed_precision", ["mixed_float16"], indirect=True)
    def test_skipped_steps_use_up_no_rate(self, mixed_precision: str, way: Callable[..., Any]) -> None:
        """The rate follows the updates that were made: a step whose gradients are infinite isn't counted."""
        infinite = np.full((1, STEPS), np.inf, np.float32)
        rows = np.insert(one_hot_rows(STEPS), [3, 4, 15], infinite, axis=0)
        model = fit_rows(keras.optimizers.SGD(way(PLAN)), rows)
        assert int(keras.ops.convert_to_numpy(model.optimizer.iterations)) == STEPS
        check_rates(-weights(model), way, PLAN)


def train_on_batches(model: Any, optimizer: Any, rows: Rates) -> None:
    model.compile(optimizer, loss=output_as_loss)
    for row in rows:
        model.train_on_batch(row[np.newaxis], np.zeros((1, 1), np.float32))


def tensorflow_loop(model: Any, optimizer: Any, rows: Rates) -> None:
    import tensorflow as tf

    @tf.function
    def step(row: Any) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(row))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    for row in rows:
        step(tf.constant(row[np.newaxis]))


def jax_loop(model: Any, optimizer: Any, rows: Rates) -> None:
    import jax

    def loss(trainable: Any, row: Any) -> Any:
        output, _ = model.stateless_call(trainable, [], row)
        return output.sum()

    @jax.jit
    def step(trainable: Any, optimizer_variables: Any, row: Any) -> Any:
        return optimizer.stateless_apply(optimizer_variables, jax.grad(loss)(trainable, row), trainable)

    optimizer.build(model.trainable_variables)
    state = [[variable.value for variable in part.variables] for part in (model, optimizer)]
    for row in rows:
        state = step(*state, row[np.newaxis])
    for part, values in zip((model, optimizer), state, strict=True):
        for variable, value in zip(part.variables, values, strict=True):
            variable.assign(value)


def torch_loop(model: Any, optimizer: Any, rows: Rates) -> None:
    import torch

    for row in rows:
        model.zero_grad()
        model(row[np.newaxis]).sum().backward()
        gradients = [variable.value.grad for variable in model.trainable_variables]
        with torch.no_grad():
            optimizer.apply(gradients, model.trainable_variables)


CUSTOM_LOOP = {"tensorflow": tensorflow_loop, "jax": jax_loop, "torch": torch_loop}[BACKEND]


@each_way
@pytest.mark.parametrize("train", [train_on_batches, CUSTOM_LOOP])
def test_other_loops(train: Callable[..., None], way: Callable[..., Any]) -> None:
    model = a_weight_for_each_step(STEPS)
    optimizer = plain_adam(way(PLAN))
    train(model, optimizer, one_hot_rows(STEPS))
    check_rates(-weights(model), way, PLAN)
    assert int(keras.ops.convert_to_numpy(optimizer.iterations)) == STEPS
