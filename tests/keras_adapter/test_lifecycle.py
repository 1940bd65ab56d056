"""Learning rates that are saved, reloaded, cloned, copied, pickled and exported stay the same rates."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from draws import draws

import lrdecay_native as lrd

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")

from keras_adapter.applied import a_weight_for_each_step, one_hot_rows, weights  # noqa: E402

from lrdecay_native.keras import KerasSchedule, KerasTable  # noqa: E402
from lrdecay_native.keras import schedules as lrd_schedules  # noqa: E402

STEPS = 12
PLAN = lrd.CosineDecay(0.1, 6).warmup(4).then(lrd.StepDecay(0.01, 0.5, 1), at=9)
STOP = 5
"""Where the run is interrupted: after the warm-up."""

ROWS, FAR_ABOVE = one_hot_rows(STEPS), np.full((STEPS, 1), 9.0, np.float32)


def formula() -> Any:
    return KerasSchedule(PLAN)


def table() -> Any:
    return KerasTable(PLAN, STEPS)


each_way = pytest.mark.parametrize("way", [formula, table])


def compiled(learning_rate: Any) -> Any:
    """A model whose weights become the rates of the steps: the gradient of each is -1."""
    model = a_weight_for_each_step(STEPS)
    model.compile(keras.optimizers.SGD(learning_rate), loss="mean_absolute_error")
    return model


def train(model: Any, first: int = 0, stop: int = STEPS) -> Any:
    model.fit(ROWS[first:stop], FAR_ABOVE[first:stop], batch_size=1, shuffle=False, verbose=0)
    return model


def check_applied(rates: Any, way: Callable[..., Any]) -> None:
    exact = PLAN.values(STEPS).astype(np.float32)
    np.testing.assert_allclose(rates, exact, rtol=2e-6, atol=1e-8)
    if way is table:
        np.testing.assert_array_equal(rates, exact)


def check_same_rate(copied: Any, way: Callable[..., Any]) -> None:
    original = way()
    assert type(copied) is type(original)
    assert copied.schedule == PLAN
    assert repr(copied) == repr(original)
    assert [float(copied(step)) for step in (0, 5, 20)] == [float(original(step)) for step in (0, 5, 20)]


IN_ANOTHER_PROCESS = """
import json, pickle, sys
import numpy, keras, lrdecay_native
folder = sys.argv[1]
data = numpy.load(f"{folder}/data.npz")

try:
    keras.models.load_model(f"{folder}/formula.keras")
except TypeError as error:
    assert "Could not locate class 'KerasSchedule'" in str(error), error
    assert "'registered_name': 'lrdecay_native.keras>KerasSchedule'" in str(error), error
else:
    version = tuple(int(number) for number in keras.version().split(".")[:2])
    assert version < (3, 15), "it loads without the import: say so in the documentation"

import lrdecay_native.keras


def applied(model):
    model.fit(data["x"], data["y"], batch_size=1, shuffle=False, verbose=0)
    return model.get_weights()[0][:, 0].tolist()


rates = {}
for way in ("formula", "table"):
    model = keras.models.load_model(f"{folder}/{way}.keras")
    rates[f"{way}, .keras"] = applied(model), repr(model.optimizer._learning_rate)

    model = keras.models.model_from_json(open(f"{folder}/{way}.json").read())
    compile_config = json.load(open(f"{folder}/{way}-compile.json"))
    model.compile_from_config(compile_config)
    model.optimizer.build(model.trainable_variables)
    model.load_weights(f"{folder}/{way}.weights.h5")
    rates[f"{way}, JSON and weights"] = applied(model), repr(model.optimizer._learning_rate)
print(json.dumps(rates))
"""


def test_in_another_process(tmp_path: Path) -> None:
    """Both a ``.keras`` file, and the model and its compilation as JSON beside the weights."""
    np.savez(tmp_path / "data.npz", x=ROWS[STOP:], y=FAR_ABOVE[STOP:])
    for way in (formula, table):
        model = train(compiled(way()), stop=STOP)
        model.save(tmp_path / f"{way.__name__}.keras")
        (tmp_path / f"{way.__name__}.json").write_text(model.to_json())
        (tmp_path / f"{way.__name__}-compile.json").write_text(json.dumps(model.get_compile_config()))
        model.save_weights(tmp_path / f"{way.__name__}.weights.h5")
    finished = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, tmp_path], capture_output=True, text=True, timeout=300
    )
    assert finished.returncode == 0, finished.stderr
    printed = json.loads(finished.stdout.splitlines()[-1])
    assert len(printed) == 4
    for case, (rates, representation) in printed.items():
        way = formula if case.startswith("formula") else table
        assert representation == repr(way())
        check_applied(np.array(rates, np.float32), way)


@each_way
class TestCopies:
    def test_deepcopy(self, way: Callable[..., Any]) -> None:
        check_same_rate(copy.deepcopy(way()), way)

    def test_pickle(self, way: Callable[..., Any]) -> None:
        check_same_rate(pickle.loads(pickle.dumps(way())), way)

    def test_after_training(self, way: Callable[..., Any]) -> None:
        rate = way()
        train(compiled(rate), stop=2)
        check_same_rate(copy.deepcopy(rate), way)
        check_same_rate(pickle.loads(pickle.dumps(rate)), way)

    def test_schedule_json(self, way: Callable[..., Any]) -> None:
        assert lrd.from_json(way().schedule.to_json()) == PLAN

    def test_optimizer(self, way: Callable[..., Any]) -> None:
        optimizer = keras.optimizers.AdamW(way(), weight_decay=0.01)
        configs = (optimizer.get_config(), pickle.loads(pickle.dumps(optimizer.get_config())))
        for config in (*configs, json.loads(json.dumps(optimizer.get_config()))):
            check_same_rate(keras.optimizers.AdamW.from_config(config)._learning_rate, way)
        again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
        check_same_rate(again._learning_rate, way)

    def test_cloned_model(self, way: Callable[..., Any]) -> None:
        model = train(compiled(way()))
        optimizer = keras.optimizers.SGD.from_config(model.optimizer.get_config())
        clone = keras.models.clone_model(model)
        clone.compile(optimizer, loss="mean_absolute_error")
        check_applied(weights(train(clone)), way)

    @pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
    def test_model(self, again: Callable[..., Any], way: Callable[..., Any]) -> None:
        """Keras copies a model, and pickles it, as a ``.keras`` file: it goes on where it was."""
        copied = again(train(compiled(way()), stop=STOP))
        check_same_rate(copied.optimizer._learning_rate, way)
        check_applied(weights(train(copied, STOP)), way)


def test_the_configuration_is_readable() -> None:
    """Plain JSON, with the names of classes and parameters as one would write them."""
    optimizer = keras.optimizers.SGD(KerasTable(lrd.StepDecay(0.1, 0.5, 10).warmup(5), 100, start=20))
    config = json.loads(json.dumps(optimizer.get_config()))["learning_rate"]
    assert config["module"].startswith("lrdecay_native.keras")
    assert config["class_name"] == "KerasTable"
    assert config["registered_name"] == "lrdecay_native.keras>KerasTable"
    assert config["config"].pop("schedule") == {
        "version": 1,
        "class": "Warmup",
        "schedule": {
            "class": "StepDecay",
            "initial_learning_rate": 0.1,
            "drop_rate": 0.5,
            "step_size": 10,
            "staircase": True,
        },
        "steps": 5,
        "start": 0.0,
        "shape": "linear",
    }
    assert config["config"] == {"stop": 100, "start": 20}


@pytest.mark.parametrize(
    "rate",
    [formula(), table(), lrd_schedules.CosineDecay(0.1, 9), lrd_schedules.ExponentialDecay(0.1, 9, 0.5)],
    ids=lambda rate: type(rate).__name__,
)
def test_files_of_earlier_releases_are_read(rate: Any, tmp_path: Path) -> None:
    """They name the classes by another package."""
    model = train(compiled(rate), stop=STOP)
    model.save(tmp_path / "new.keras")
    with (
        zipfile.ZipFile(tmp_path / "new.keras") as new,
        zipfile.ZipFile(tmp_path / "old.keras", "w") as old,
    ):
        for name in new.namelist():
            content = new.read(name)
            if name == "config.json":
                assert content.count(b"lrdecay_native.keras>") == 1
                content = content.replace(b"lrdecay_native.keras>", b"lrdecay_native>")
            old.writestr(name, content)
    again = keras.models.load_model(tmp_path / "old.keras")
    assert repr(again.optimizer._learning_rate) == repr(rate)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TFLite is TensorFlow's")
class TestLite:
    """Of a table that has all steps from 0 on, a lookup in TFLite's own operations."""

    @staticmethod
    def in_lite(rate: Any) -> Callable[[int], Any]:
        import tensorflow as tf

        module = tf.Module()
        module.rate = tf.function(rate, input_signature=[tf.TensorSpec((), tf.int64)])
        function = module.rate.get_concrete_function()
        converted = tf.lite.TFLiteConverter.from_concrete_functions([function], module).convert()
        interpreter = tf.lite.Interpreter(model_content=converted)
        interpreter.allocate_tensors()
        (given,), (returned,) = interpreter.get_input_details(), interpreter.get_output_details()

        def at(step: int) -> Any:
            interpreter.set_tensor(given["index"], np.array(step, np.int64))
            interpreter.invoke()
            return interpreter.get_tensor(returned["index"])

        return at

    def check(self, schedule: lrd.Schedule, stop: int, steps: list[int]) -> None:
        at = self.in_lite(KerasTable(schedule, stop))
        for step in [0, 1, stop - 1, stop, *steps, 2**31 - 1, 2**31, 2**40, 2**63 - 1]:
            assert at(step) == np.float32(schedule(step)), (schedule, step)
        assert np.isnan(at(-1))

    def test_the_tutorials(self) -> None:
        self.check(lrd.StepDecay(0.1, 0.96, 1000), 28_126, [999, 1000, 28_124, 2_491_000])

    def test_a_table_in_fit_and_lite(self) -> None:
        self.check(PLAN.then(lrd.Constant(0.001), at=STEPS), STEPS, list(range(STEPS)))

    def test_random_schedules(self, random: Random) -> None:
        for _ in range(draws(12)):
            period, length = random.randint(2, 3000), random.randint(1, 3000)
            schedule = random.choice(
                [
                    lrd.StepDecay(random.uniform(0.01, 1.0), random.uniform(0.1, 0.9), period),
                    lrd.CosineDecay(random.uniform(0.01, 1.0), length).warmup(random.randint(1, 100)),
                    lrd.CosineDecay(0.1, random.randint(1, 50)).per_epoch(period, staircase=True),
                    lrd.MultiStepDecay(0.1, [period, period + length], drop_rate=0.5),
                ]
            )
            stop = random.randint(1, 5000)
            self.check(schedule, stop, [random.randrange(10 * stop) for _ in range(40)])


def test_a_native_schedule_in_an_optimizer_is_told_what_it_needs() -> None:
    for schedule in (PLAN, lrd.Constant(0.1), lrd.StepDecay(0.1, 0.5, 10)):
        with pytest.raises(TypeError, match=r"step is missing: .* lrdecay_native\.keras\.KerasSchedule"):
            train(compiled(schedule), stop=1)


@each_way
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a SavedModel is TensorFlow's")
class TestSavedModel:
    def test_of_the_rate(self, way: Callable[..., Any], tmp_path: Path) -> None:
        import tensorflow as tf

        module, rate = tf.Module(), way()
        module.rate = tf.function(rate, input_signature=[tf.TensorSpec((), tf.int64)])
        tf.saved_model.save(module, str(tmp_path))
        loaded = tf.saved_model.load(str(tmp_path))
        check_applied([float(loaded.rate(tf.constant(step, tf.int64))) for step in range(STEPS)], way)

    def test_of_a_training_step(self, way: Callable[..., Any], tmp_path: Path) -> None:
        import tensorflow as tf

        class Training(tf.Module):  # type: ignore[misc]
            def __init__(self) -> None:
                self.model, self.optimizer = a_weight_for_each_step(STEPS), keras.optimizers.SGD(way())
                self.optimizer.build(self.model.trainable_variables)
                self.kernel = self.model.trainable_variables[0].value

            @tf.function(input_signature=[tf.TensorSpec((1, STEPS))])  # type: ignore[untyped-decorator]
            def step(self, row: Any) -> None:
                with tf.GradientTape() as tape:
                    loss = -tf.reduce_sum(self.model(row))
                variables = self.model.trainable_variables
                self.optimizer.apply(tape.gradient(loss, variables), variables)

        training = Training()
        for row in ROWS[:STOP]:
            training.step(row[np.newaxis])
        tf.saved_model.save(training, str(tmp_path))
        loaded = tf.saved_model.load(str(tmp_path))
        for row in ROWS[STOP:]:
            loaded.step(row[np.newaxis])
        check_applied(loaded.kernel.numpy()[:, 0], way)

    def test_of_a_compiled_model(self, way: Callable[..., Any], tmp_path: Path) -> None:
        import tensorflow as tf

        model = train(compiled(way()))
        model.export(tmp_path / "exported", verbose=False)
        loaded = tf.saved_model.load(str(tmp_path / "exported"))
        check_applied(loaded.serve(ROWS).numpy()[:, 0], way)
