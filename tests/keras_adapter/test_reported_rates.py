"""The rates that a comparison reports are those that the training step used, on the backend at hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs: pip install 'lrdecay_native[keras]' and a backend")
pytest.importorskip("scipy", reason="needs: pip install 'lrdecay_native[bench]'")

from bench.training.comparison import contenders  # noqa: E402
from lrdecay_native.command_line.training.data import Digits  # noqa: E402
from lrdecay_native.schedules.decays.asymptotic import StepDecay  # noqa: E402

STEPS, STEPS_PER_EPOCH = 24, 12
SCHEDULE = StepDecay(0.1, drop_rate=0.96, step_size=5)


class RecordingSGD(keras.optimizers.SGD):  # type: ignore[misc, name-defined]
    """SGD that keeps the rate it is given inside the training step."""

    def build(self, variables: Any) -> None:
        super().build(variables)
        self.used_rate = self.add_variable((), name="used_rate")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        super().update_step(gradient, variable, learning_rate)
        self.assign(self.used_rate, learning_rate)


class RateRecorder(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        self.rates.append(float(keras.ops.convert_to_numpy(self.model.optimizer.used_rate)))


@pytest.fixture(scope="module")
def digits() -> Digits:
    random = np.random.default_rng(0)
    images = random.random((STEPS_PER_EPOCH, 4, 4), np.float32)
    labels = np.arange(STEPS_PER_EPOCH, dtype=np.uint8) % 10
    return Digits(images, labels, images, labels, "noise")


@pytest.mark.parametrize("name", contenders(SCHEDULE, STEPS, STEPS_PER_EPOCH))
def test_reported_rates_are_those_of_the_training_step(name: str, digits: Digits) -> None:
    contender = contenders(SCHEDULE, STEPS, STEPS_PER_EPOCH)[name]
    model = keras.Sequential([keras.Input((4, 4)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.compile(RecordingSGD(contender.learning_rate), keras.losses.SparseCategoricalCrossentropy(True))
    recorder = RateRecorder()
    model.fit(
        digits.x_train,
        digits.y_train,
        batch_size=1,
        epochs=STEPS // STEPS_PER_EPOCH,
        callbacks=[*contender.callbacks(), recorder],
        verbose=0,
    )
    reported = contender.rates(STEPS, model.jit_compile)
    np.testing.assert_array_equal(reported, np.array(recorder.rates, np.float32))
