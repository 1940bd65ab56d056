"""`find_learning_rate` on real models: what it finds, and that it leaves everything as it was."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from draws import draws

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")

import lrdecay_native as lrd  # noqa: E402
from lrdecay_native.keras import KerasSchedule, LearningRateFinding, find_learning_rate  # noqa: E402
from lrdecay_native.keras.optimizer_state import single  # noqa: E402

BACKEND = keras.backend.backend()

random = np.random.default_rng(1)
X = random.normal(size=(256, 4)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [3.0], [0.5]]) + 0.1 * random.normal(size=(256, 1))).astype("float32")


def small_model(optimizer: Any = "sgd", *, seed: int = 7, **options: Any) -> Any:
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer, loss="mse", **{"run_eagerly": True, **options})
    return model


def find(model: Any, x: Any = X, y: Any = Y, **options: Any) -> LearningRateFinding:
    return find_learning_rate(model, x, y, **{"steps": 60, "lowest": 1e-5, "verbose": 0, **options})


State = list[tuple[Any, Any]]


def value_of(variable: Any) -> Any:
    return np.array(keras.ops.convert_to_numpy(variable))


def state_of(model: Any) -> State:
    """Each variable of the model, its metrics and its optimizer, with its value."""
    variables = [*model.variables, *model.metrics_variables, *model.optimizer.variables]
    return [(variable, value_of(variable)) for variable in variables]


def assert_unchanged(before: State) -> None:
    for variable, value in before:
        np.testing.assert_array_equal(value, value_of(variable), strict=True)


def model_with_state(optimizer: Any) -> Any:
    """Dropout has a random state, batch normalization moving averages, and there are metrics."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer, loss="mse", metrics=["mae"])
    return model


def test_leaves_all_as_it_was() -> None:
    def train(model: Any) -> tuple[Any, list[Any]]:
        keras.utils.set_random_seed(5)
        history = model.fit(X, Y, epochs=2, batch_size=64, verbose=0).history
        return history, [value.tolist() for _, value in state_of(model)]

    def adam() -> Any:
        return keras.optimizers.Adam(KerasSchedule(lrd.CosineDecay(0.01, 100)))

    searched, untouched = model_with_state(adam()), model_with_state(adam())
    for model in (searched, untouched):
        # On JAX and PyTorch a fit that builds metrics draws one more random order of the samples.
        model.test_on_batch(X[:2], Y[:2])
    for _ in range(2):
        # Before the first training and between two.
        optimizer, train_function = searched.optimizer, searched.train_function
        before = state_of(searched)
        find(searched)
        assert searched.optimizer is optimizer
        assert searched.train_function is train_function
        assert_unchanged(before)
        assert train(searched) == train(untouched)


def test_leaves_all_as_it_was_when_it_fails() -> None:
    model = small_model()
    before, optimizer = state_of(model), model.optimizer

    def breaking() -> Iterator[Any]:
        yield X[:32], Y[:32]
        yield X[:32], Y[:32]
        raise RuntimeError("no more data")

    with pytest.raises(RuntimeError, match="no more data"):
        find(model, breaking(), None)
    assert model.optimizer is optimizer
    assert_unchanged(before)


def test_the_rates_grow_exponentially() -> None:
    finding = find(small_model(), lowest=1e-6, highest=1e-2, steps=41)
    np.testing.assert_allclose(finding.learning_rates, np.logspace(-6, -2, 41), rtol=1e-14)


def test_the_steps_use_these_rates() -> None:
    class Recording(keras.optimizers.SGD):
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            used.append(float(keras.ops.convert_to_numpy(learning_rate)))
            super().update_step(gradient, variable, learning_rate)

    used: list[float] = []
    optimizer = Recording(0.5, momentum=0.9)
    finding = find(
        small_model(optimizer, run_eagerly=BACKEND != "jax", jit_compile=False), steps=20, highest=1e-3
    )
    assert used[:: len(used) // 20] == finding.learning_rates.astype(np.float32).tolist()


def test_each_loss_is_that_of_its_own_batch() -> None:
    batches = [(X[i : i + 16], Y[i : i + 16]) for i in range(0, 256, 16)]
    model = small_model()
    expected = [model.test_on_batch(*batch) for batch in batches]
    finding = find(model, batches, None, lowest=1e-30, highest=1e-20, steps=16)
    np.testing.assert_allclose(finding.losses, expected, rtol=1e-5)
    average = 0.0
    for step, loss in enumerate(expected, 1):
        average = 0.9 * average + 0.1 * loss
        assert finding.smoothed[step - 1] == pytest.approx(average / (1 - 0.9**step), rel=1e-5)


@pytest.mark.parametrize("kind", ["list", "generator", "PyDataset", "tf.data", "DataLoader"])
def test_batches_of_each_kind(kind: str) -> None:
    # A model whose first batches come again: five of them for twelve steps.
    parts = [(X[i : i + 32], Y[i : i + 32]) for i in range(0, 160, 32)]

    class Parts(keras.utils.PyDataset):
        def __len__(self) -> int:
            return 5

        def __getitem__(self, index: int) -> Any:
            return parts[index]

    batches: Any = parts
    if kind == "generator":
        batches = (parts[number % 5] for number in range(12))
    if kind == "PyDataset":
        batches = Parts()
    if kind == "tf.data":
        if BACKEND != "tensorflow":
            pytest.skip("imports TensorFlow")
        import tensorflow as tf

        batches = tf.data.Dataset.from_tensor_slices((X[:160], Y[:160])).batch(32)
    if kind == "DataLoader":
        data = pytest.importorskip("torch.utils.data")
        torch = pytest.importorskip("torch")
        pairs = data.TensorDataset(torch.from_numpy(X[:160]), torch.from_numpy(Y[:160]))
        batches = data.DataLoader(pairs, batch_size=32)
    options = {"steps": 12, "highest": 0.1}
    finding = find(small_model(), batches, None, **options)
    expected = find(small_model(), parts, None, **options)
    assert finding.losses.tolist() == expected.losses.tolist()
    assert len(finding.losses) == 12


def test_weights_of_samples_in_batches() -> None:
    weights = np.zeros(32, np.float32)
    weights[:16] = 2.0
    weighted = find(small_model(), [(X[:32], Y[:32], weights)], None, steps=10, highest=0.01)
    halved = find(small_model(), [(X[:16], Y[:16])], None, steps=10, highest=0.01)
    np.testing.assert_allclose(weighted.losses, halved.losses, rtol=1e-4)


def test_several_inputs_as_arrays() -> None:
    left, right = keras.Input((2,), name="left"), keras.Input((2,), name="right")
    output = keras.layers.Dense(1)(keras.layers.Concatenate()([left, right]))
    model = keras.Model({"left": left, "right": right}, output)
    model.compile("sgd", loss="mse", run_eagerly=True)
    finding = find(model, {"left": X[:, :2], "right": X[:, 2:]}, Y)
    assert math.isfinite(finding.suggestion)


def test_a_model_that_is_not_built_yet() -> None:
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", loss="mse", run_eagerly=True)
    find(model, steps=10)
    assert model.built


def trained_loss(learning_rate: float) -> float:
    model = small_model(keras.optimizers.SGD(learning_rate), run_eagerly=False)
    model.fit(X, Y, epochs=5, batch_size=32, verbose=0)
    return float(model.evaluate(X, Y, verbose=0))


def test_the_suggestion_trains_and_a_hundred_times_it_diverges() -> None:
    model = small_model(run_eagerly=False)
    at_first = float(model.evaluate(X, Y, verbose=0))
    finding = find_learning_rate(model, X, Y, verbose=0)
    assert trained_loss(finding.suggestion) < 0.1 * at_first
    beyond = trained_loss(100 * finding.suggestion)
    assert not beyond < at_first
    assert repr(finding).startswith(f"<LearningRateFinding: {len(finding.losses)} rates from 1e-07 to ")
    assert f"suggestion={finding.suggestion:.3g}" in repr(finding)


def test_stops_where_the_loss_diverges() -> None:
    finding = find(small_model(), highest=1e5)
    assert len(finding.losses) < 60
    assert np.isfinite(finding.losses).all()
    assert finding.smoothed[-1] > 4 * finding.smoothed.min()
    assert (finding.smoothed[:-1] <= 4 * np.minimum.accumulate(finding.smoothed[:-1])).all()
    patient = find(small_model(), highest=1e5, divergence=100.0)
    assert len(patient.losses) > len(finding.losses)


def made(decades: Any, losses: Any) -> LearningRateFinding:
    return LearningRateFinding(10.0 ** np.asarray(decades), np.asarray(losses), np.asarray(losses))


def test_suggests_where_the_loss_falls_most_steeply() -> None:
    decades = np.linspace(-6, 0, 121)
    logistic = 1 / (1 + np.exp(4 * (decades + 3)))
    noise = 0.01 * np.random.default_rng(0).normal(size=121)
    assert abs(math.log10(made(decades, logistic + noise).suggestion) + 3) < 0.15


@pytest.mark.parametrize("seed", range(draws(20)))
def test_noise_is_no_suggestion(seed: int) -> None:
    finding = made(np.linspace(-6, 0, 121), 2.0 + np.random.default_rng(seed).normal(size=121))
    with pytest.raises(
        ValueError, match="the loss doesn't fall between the rates 1e-06 and 1 by more than its"
    ):
        _ = finding.suggestion
    assert "no suggestion" in repr(finding)


def test_draws_the_losses_and_the_suggestion() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    finding = find(small_model())
    _, ax = plt.subplots()
    assert finding.plot(ax) is ax
    assert ax.get_xscale() == "log"
    losses, smoothed, mark = ax.get_lines()
    assert losses.get_ydata().tolist() == finding.losses.tolist()
    assert smoothed.get_ydata().tolist() == finding.smoothed.tolist()
    assert list(mark.get_xdata()) == [finding.suggestion] * 2
    _, other = plt.subplots()
    made([-3, -2, -1], [1.0, 1.0, 1.0]).plot(other)
    assert len(other.get_lines()) == 2
    plt.close("all")


class Twice(keras.optimizers.SGD):
    """An optimizer of a program's own, with a parameter of its own."""

    def __init__(self, *arguments: Any, own: int = 1, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.own = own

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "own": self.own}


COMPILED = {"run_eagerly": False}
"""Keras's conditionals take long when they are run eagerly."""


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        (keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.1), initial_scale=8.0), COMPILED),
        (keras.optimizers.SGD(0.1, gradient_accumulation_steps=2), COMPILED),
        (keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.1, 10), use_ema=True), {}),
        (Twice(0.1, own=3), {}),
        (keras.optimizers.SGD(0.1), {"run_eagerly": False, "jit_compile": BACKEND != "torch"}),
        (
            keras.optimizers.SGD(0.1),
            {"run_eagerly": False, "steps_per_execution": 1 if BACKEND == "torch" else 4},
        ),
    ],
    ids=["loss scale", "accumulation", "AdamW", "own", "jit", "steps per execution"],
)
def test_optimizers_and_ways_of_compiling(optimizer: Any, options: dict[str, Any]) -> None:
    model = small_model(optimizer, **options)
    before = state_of(model)
    finding = find(model, highest=1.0)
    assert len(finding.losses) == 60
    assert finding.losses[-20:].min() < 0.7 * finding.losses[:10].mean()
    assert model.optimizer is optimizer
    assert_unchanged(before)


def test_a_step_that_loss_scaling_skips_is_left_out() -> None:
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=1e38)
    finding = find(small_model(optimizer, **COMPILED), highest=1e-2)
    assert 40 < len(finding.losses) < 60
    assert (np.diff(finding.learning_rates) > 0).all()


def test_mixed_precision() -> None:
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = small_model(**COMPILED)
    finally:
        keras.config.set_dtype_policy(policy)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    before = state_of(model)
    assert math.isfinite(find(model, highest=1.0).suggestion)
    assert_unchanged(before)


def test_batches_that_end() -> None:
    model = small_model()
    before = state_of(model)
    with pytest.raises(ValueError, match="x gave 3 batches and can't be taken again: steps=60 must be lower"):
        find(model, ((X, Y) for _ in range(3)), None)
    assert_unchanged(before)
    with pytest.raises(ValueError, match="x gave 0 batches"):
        find(model, [], None)


def test_a_loss_that_is_never_finite() -> None:
    with pytest.raises(ValueError, match="the loss isn't finite at the first step, at lowest=1e-05"):
        find(small_model(), X, np.full_like(Y, np.nan))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lowest": 0.0}, "lowest=0.0 must be positive"),
        ({"lowest": 1.0, "highest": 0.1}, "lowest=1.0 must be below highest=0.1"),
        ({"steps": 9}, "steps=9 must be from 10"),
        ({"batch_size": 0}, "batch_size=0 must be from 1"),
        ({"smoothing": 1.0}, "smoothing=1.0 must be from 0 to below 1"),
        ({"divergence": 1.0}, "divergence=1.0 must be above 1"),
        ({"y": Y[:5]}, r"x and y must have one number of samples, at least 1, not \[5, 256\]"),
    ],
)
def test_refuses_parameters(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find(small_model(), **options)


def test_refuses_models_and_data_of_a_wrong_kind() -> None:
    with pytest.raises(ValueError, match="must be compiled"):
        find(keras.Sequential([keras.layers.Dense(1)]))
    with pytest.raises(TypeError, match="x=3 must be arrays or an iterable of batches"):
        find(small_model(), 3, None)


REPLICAS = """
import keras, numpy as np, tensorflow as tf
from lrdecay_native.keras import find_learning_rate
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
with tf.distribute.MirroredStrategy().scope():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", loss="mse")
x = np.random.default_rng(1).normal(size=(64, 4)).astype("float32")
finding = find_learning_rate(model, x, x.sum(1) * 2, steps=10, highest=1e-2, verbose=0)
print(len(finding.losses), finding.learning_rates[-1], model.get_weights()[0].tolist())
"""

RunPython = Callable[..., Any]


@pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow's distribution strategies")
def test_under_a_distribution_strategy(run_python: RunPython) -> None:
    ran = run_python(REPLICAS)
    assert ran.stdout == "10 0.01 [[1.0], [1.0], [1.0], [1.0]]\n", ran.stderr


class Unsaved(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule as in tutorials: it has no configuration."""

    def __call__(self, step: Any) -> Any:
        return 0.1


@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.SGD(Unsaved()),
        keras.optimizers.SGD(lambda: 0.1),
        keras.optimizers.LossScaleOptimizer(Twice(Unsaved(), own=3), initial_scale=8.0),
    ],
    ids=["without a configuration", "lambda", "own, inside of loss scaling"],
)
def test_the_model_s_own_rate_may_be_any(optimizer: Any) -> None:
    model = small_model(optimizer, **COMPILED)
    before = state_of(model)
    rate = single(optimizer)._learning_rate
    assert len(find(model, highest=1.0).losses) == 60
    assert single(optimizer)._learning_rate is rate
    assert_unchanged(before)
