"""What is reported where a rate was replaced behind the back of a compiled step is what the step applied."""

from __future__ import annotations

import warnings
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import lrdecay_native as lrd

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")

from keras_adapter.applied import a_weight_for_each_step, fit_steps, output_as_loss, weights  # noqa: E402

from lrdecay_native.keras import (  # noqa: E402
    KerasSchedule,
    KerasTable,
    LearningRateLogger,
    PrintLR,
    ReduceLROnPlateau,
    current_learning_rate,
)

builtins = keras.optimizers.schedules
BACKEND = keras.backend.backend()
STEPS, AT = 12, 5
OLD, NEW = lrd.CosineDecay(0.1, 20), lrd.LinearDecay(0.01, 30)
NEW_BUILTIN = builtins.PolynomialDecay(0.01, 30, 0.0)
compiled = pytest.mark.skipif(BACKEND == "torch", reason="Keras compiles no step here by default")
WARNING = r"was set after the training step had been compiled.*set_schedule\(model, schedule\)"


def model_with(rate: Any, **options: Any) -> Any:
    model = a_weight_for_each_step(STEPS)
    model.compile(keras.optimizers.SGD(rate), loss=output_as_loss, **options)
    return model


def logged(path: Path) -> npt.NDArray[np.float64]:
    rows = np.loadtxt(path, delimiter=",", skiprows=1)
    np.testing.assert_array_equal(rows[:, 0], np.arange(STEPS - len(rows), STEPS))
    return np.array(rows[:, 1])


def printed(text: str) -> list[str]:
    return [line.partition(" = ")[2] for line in text.splitlines()]


@compiled
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (KerasSchedule(OLD), KerasSchedule(NEW)),
        (KerasTable(OLD, STEPS), KerasSchedule(NEW)),
        (KerasSchedule(OLD), NEW_BUILTIN),
        (KerasSchedule(OLD), KerasSchedule(OLD.continued(AT, to=60))),
    ],
    ids=["schedule", "table", "to a builtin", "continued"],
)
@pytest.mark.parametrize("reported_before", [False, True])
def test_reports_are_what_was_applied(
    old: Any, new: Any, reported_before: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = model_with(old)
    logger = LearningRateLogger(csv=tmp_path / "rates.csv")
    fit_steps(model, 0, AT, *([logger, PrintLR()] if reported_before else []))
    capsys.readouterr()
    model.optimizer.learning_rate = new
    with pytest.warns(UserWarning, match=WARNING):
        now = current_learning_rate(model.optimizer)
    with pytest.warns(UserWarning, match=WARNING):
        fit_steps(model, AT, STEPS, logger, PrintLR())
    applied = -weights(model)
    np.testing.assert_allclose(applied, OLD(np.arange(STEPS)), rtol=2e-6)
    assert now == OLD(AT)
    assert printed(capsys.readouterr().out) == [f"{OLD(AT):.5f}"]
    np.testing.assert_allclose(logged(tmp_path / "rates.csv")[AT - STEPS :], applied[AT:], rtol=2e-6)


@compiled
@pytest.mark.parametrize("old", [NEW_BUILTIN, lambda: 0.1], ids=["builtin", "callable"])
def test_what_is_not_known_is_said(old: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = model_with(old)
    fit_steps(model, 0, AT)
    applied = -weights(model)
    model.optimizer.learning_rate = KerasSchedule(lrd.Constant(0.5))
    with pytest.warns(UserWarning, match=r"another rate that isn't of this library.*set_schedule"):
        fit_steps(model, AT, STEPS, LearningRateLogger(csv=tmp_path / "rates.csv"), PrintLR())
    assert (-weights(model)[AT:] <= applied.max()).all()
    assert printed(capsys.readouterr().out) == ["unknown"]
    assert np.isnan(logged(tmp_path / "rates.csv")).all()


@pytest.mark.parametrize("options", [{}, {"run_eagerly": True}, {"jit_compile": False}], ids=str)
def test_without_a_replacement_nothing_is_said(
    options: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = model_with(KerasSchedule(OLD), **options)
    logger = LearningRateLogger(csv=tmp_path / "rates.csv")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*set_schedule")
        fit_steps(model, 0, 3, logger, PrintLR())
        fit_steps(model, 3, 6, logger, PrintLR())
        # An equal one is the same.
        model.optimizer.learning_rate = KerasTable(OLD, STEPS)
        fit_steps(model, 6, 9, logger, PrintLR())
        model.compile(keras.optimizers.SGD(KerasSchedule(NEW)), loss=output_as_loss, **options)
        model.optimizer.build(model.trainable_variables)
        model.optimizer.iterations.assign(9)
        fit_steps(model, 9, STEPS, logger, PrintLR())
        assert current_learning_rate(model.optimizer) == NEW(STEPS)
    expected = [(OLD if step < 9 else NEW)(step) for step in range(STEPS)]
    np.testing.assert_allclose(-weights(model), expected, rtol=2e-6)
    assert logged(tmp_path / "rates.csv").tolist() == expected
    assert printed(capsys.readouterr().out) == [f"{expected[step]:.5f}" for step in (0, 3, 6, 9)]


@pytest.mark.parametrize("options", [{"run_eagerly": True}, {"jit_compile": False}], ids=str)
def test_a_step_that_asks_each_time_has_the_new_rate(options: dict[str, Any], tmp_path: Path) -> None:
    if BACKEND == "tensorflow" and "jit_compile" in options:
        pytest.skip("TensorFlow's step is a graph all the same")
    model = model_with(KerasSchedule(OLD), **options)
    logger = LearningRateLogger(csv=tmp_path / "rates.csv")
    fit_steps(model, 0, AT, logger)
    model.optimizer.learning_rate = KerasSchedule(NEW)
    assert current_learning_rate(model.optimizer) == NEW(AT)
    fit_steps(model, AT, STEPS, logger)
    np.testing.assert_allclose(-weights(model), logged(tmp_path / "rates.csv"), rtol=2e-6)


def test_random_replacements(random: Random, tmp_path: Path) -> None:
    """Rates set in both ways, or not at all, before each of many runs: each step is logged as it was applied."""
    from lrdecay_native.keras import set_schedule

    for case in range(3):
        model, logger = model_with(KerasSchedule(OLD)), LearningRateLogger(csv=tmp_path / f"{case}.csv")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for step in range(0, STEPS, 2):
                plan = lrd.CosineDecay(random.uniform(0.01, 1.0), random.randint(STEPS, 50))
                rate = random.choice([KerasSchedule, lambda plan: KerasTable(plan, STEPS)])(plan)
                match random.choice(["assigned", "set", "kept"]):
                    case "assigned":
                        model.optimizer.learning_rate = rate
                    case "set":
                        set_schedule(model, rate)
                fit_steps(model, step, step + 2, *random.sample([logger, PrintLR()], 2))
        np.testing.assert_allclose(logged(tmp_path / f"{case}.csv"), -weights(model), rtol=2e-6)


@compiled
def test_plateau_applies_a_rate_that_was_set_behind_its_back(tmp_path: Path) -> None:
    model = model_with(KerasSchedule(OLD))
    logger = LearningRateLogger(csv=tmp_path / "rates.csv")
    fit_steps(model, 0, AT, logger)
    model.optimizer.learning_rate = KerasSchedule(NEW)
    fit_steps(model, AT, STEPS, ReduceLROnPlateau("loss", patience=3), logger)
    expected = [(OLD if step < AT else NEW)(step) for step in range(STEPS)]
    np.testing.assert_allclose(-weights(model), expected, rtol=2e-6)
    assert logged(tmp_path / "rates.csv").tolist() == expected


def test_a_rate_set_within_an_epoch_is_logged_from_its_step_on(tmp_path: Path) -> None:
    from lrdecay_native.keras import set_schedule

    model = model_with(KerasSchedule(OLD))

    def change(batch: int, logs: Any) -> None:
        if batch == AT - 1:
            set_schedule(callback.model, NEW)

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=change)
    fit_steps(model, 0, STEPS, LearningRateLogger(csv=tmp_path / "rates.csv"), callback)
    expected = [(OLD if step < AT else NEW)(step) for step in range(STEPS)]
    np.testing.assert_allclose(-weights(model), expected, rtol=2e-6)
    assert logged(tmp_path / "rates.csv").tolist() == expected


@compiled
def test_batches_of_another_shape_are_traced_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Then a function holds two rates, and which of them a step applies isn't known."""
    model = model_with(KerasSchedule(lrd.Constant(0.1)))
    fit_steps(model, 0, AT)
    model.optimizer.learning_rate = KerasSchedule(lrd.Constant(0.01))
    rows = np.zeros((2, STEPS), np.float32)
    rows[:, AT] = 1.0
    model.fit(rows, np.zeros((2, 1), np.float32), batch_size=2, verbose=0)
    assert current_learning_rate(model.optimizer) != 0.1
    with pytest.warns(UserWarning, match=r"set_schedule"):
        fit_steps(model, AT + 1, STEPS, PrintLR())
    assert "unknown" in printed(capsys.readouterr().out)
