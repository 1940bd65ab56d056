"""The classes under Keras's own names: their signatures, their files, and Keras's own tests of its schedules."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrdecay_native as lrd

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")

import lrdecay_native.keras as adapter  # noqa: E402
from lrdecay_native.keras import schedules  # noqa: E402

builtins = keras.optimizers.schedules

ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "ExponentialDecay": [
        {"initial_learning_rate": 0.1, "decay_steps": 100, "decay_rate": 0.9},
        {"initial_learning_rate": 0.1, "decay_steps": 7.5, "decay_rate": 0.9, "staircase": True, "name": "x"},
    ],
    "PiecewiseConstantDecay": [
        {"boundaries": [10, 20.5], "values": [0.1, 0.2, 0.3]},
        {"boundaries": [10], "values": [2, 1], "name": "x"},
    ],
    "PolynomialDecay": [
        {"initial_learning_rate": 0.1, "decay_steps": 100},
        {
            "initial_learning_rate": 0.1,
            "decay_steps": 30,
            "end_learning_rate": 0.01,
            "power": 2.0,
            "cycle": True,
            "name": "x",
        },
    ],
    "InverseTimeDecay": [
        {"initial_learning_rate": 0.1, "decay_steps": 100, "decay_rate": 0.9},
        {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.9, "staircase": True, "name": "x"},
    ],
    "CosineDecay": [
        {"initial_learning_rate": 0.1, "decay_steps": 100},
        {
            "initial_learning_rate": 0.01,
            "decay_steps": 30,
            "alpha": 0.1,
            "warmup_target": 0.3,
            "warmup_steps": 9,
            "name": "x",
        },
    ],
    "CosineDecayRestarts": [
        {"initial_learning_rate": 0.1, "first_decay_steps": 10},
        {
            "initial_learning_rate": 0.1,
            "first_decay_steps": 10,
            "t_mul": 3.0,
            "m_mul": 4.0,
            "alpha": 0.1,
            "name": "x",
        },
    ],
}

each_case = pytest.mark.parametrize(
    ("name", "arguments"), [(name, case) for name, cases in ARGUMENTS.items() for case in cases]
)
each_class = pytest.mark.parametrize("name", ARGUMENTS)


def both(name: str, arguments: dict[str, Any]) -> tuple[Any, Any]:
    """Ours and Keras's."""
    return getattr(schedules, name)(**arguments), getattr(builtins, name)(**arguments)


def test_every_name_of_kerass_module() -> None:
    public = {name for name in vars(builtins) if not name.startswith("_")}
    assert public == set(schedules.__all__) | public & {"learning_rate_schedule"}
    assert public >= set(ARGUMENTS)


@each_class
def test_signature(name: str) -> None:
    def described(schedule: Any) -> list[tuple[Any, ...]]:
        parameters = inspect.signature(schedule).parameters.values()
        return [(parameter.name, parameter.kind, parameter.default) for parameter in parameters]

    assert described(getattr(schedules, name)) == described(getattr(builtins, name))
    assert getattr(adapter, name) is getattr(schedules, name)


@each_case
def test_attributes_and_configuration(name: str, arguments: dict[str, Any]) -> None:
    ours, theirs = both(name, arguments)
    assert {key: getattr(ours, key) for key in vars(theirs)} == vars(theirs)
    assert ours.get_config() == theirs.get_config()
    assert type(ours).from_config(theirs.get_config()).schedule == ours.schedule
    assert type(theirs).from_config(ours.get_config()).get_config() == theirs.get_config()
    assert isinstance(ours, builtins.LearningRateSchedule)


@each_case
def test_rates(name: str, arguments: dict[str, Any]) -> None:
    ours, theirs = both(name, arguments)
    steps = range(0, 120, 3)
    rates, wanted = ([float(rate(step)) for step in steps] for rate in (ours, theirs))
    if name == "CosineDecayRestarts" and keras.backend.backend() == "jax":
        # Keras finds the place in a cycle in a compiled branch.
        np.testing.assert_allclose(rates, wanted, rtol=2.0**-20)
    else:
        assert rates == wanted


def test_rates_of_whole_initial_rates_have_fractions() -> None:
    assert float(schedules.ExponentialDecay(1, 10, 0.25)(5)) == 0.5
    assert float(builtins.ExponentialDecay(1, 10, 0.25)(5)) != 0.5


@each_case
def test_copies(name: str, arguments: dict[str, Any]) -> None:
    ours, _ = both(name, arguments)
    for again in (
        pickle.loads(pickle.dumps(ours)),
        schedules.deserialize(schedules.serialize(ours)),
        eval(repr(ours), vars(schedules)),
    ):
        assert type(again) is type(ours)
        assert again.get_config() == ours.get_config()
        assert float(again(7)) == float(ours(7))


@each_class
def test_attributes_are_read_only(name: str) -> None:
    ours, theirs = both(name, ARGUMENTS[name][0])
    for attribute, value in vars(theirs).items():
        with pytest.raises(AttributeError, match=f"^{attribute}=.* would change no rate"):
            setattr(ours, attribute, value)
    ours.remark = "others may be added"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *(
            (name, {**cases[0], key: -1})
            for name, cases in ARGUMENTS.items()
            for key in ("decay_steps", "first_decay_steps")
            if key in cases[0]
        ),
        ("PiecewiseConstantDecay", {"boundaries": [1, 2], "values": [0.1]}),
    ],
)
def test_kerass_own_errors(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as theirs:  # noqa: PT011
        getattr(builtins, name)(**arguments)
    with pytest.raises(ValueError) as ours:  # noqa: PT011
        getattr(schedules, name)(**arguments)
    assert str(ours.value) == str(theirs.value)


def test_growth_that_we_refuse() -> None:
    with pytest.raises(
        ValueError,
        match=r"ExponentialDecay with .*'decay_rate': 1\.5.* is no schedule here: .*must be a factor",
    ):
        schedules.ExponentialDecay(0.1, 100, 1.5)


def test_training_and_the_native_schedule() -> None:
    rate = adapter.CosineDecay(0.0, 30, warmup_target=0.5, warmup_steps=2)
    assert rate.schedule == lrd.CosineDecay(0.5, 30).warmup(2)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(rate), loss=lambda _, output: output)
    model.set_weights([np.zeros((1, 1), np.float32)])
    one = np.ones((1, 1), np.float32)
    model.fit(one, one, batch_size=1, epochs=3, verbose=0)
    assert float(model.get_weights()[0][0, 0]) == pytest.approx(-rate.schedule.sum(3), rel=1e-6)


PROGRAM = """
import sys
import keras.src.optimizers.schedules as theirs
import keras.src.optimizers.schedules.learning_rate_schedule as module
from lrdecay_native.keras import schedules
for name in {names!r}:
    for place in (theirs, module):
        setattr(place, name, getattr(schedules, name))
{broken}
import pytest
directory = {directory!r}
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "--confcutdir", directory, "--rootdir", directory, directory]))
"""


def kerass_own_tests(tmp_path: Path, broken: str = "") -> str:
    """Run Keras's test file on our classes, and return what is printed at the end."""
    import keras.src.optimizers.schedules as package

    original = Path(package.__file__).with_name("learning_rate_schedule_test.py")
    # Beside Keras's own, its conftest would be found.
    (tmp_path / "test_kerass_own.py").write_text(original.read_text())
    program = PROGRAM.format(names=list(ARGUMENTS), broken=broken, directory=str(tmp_path))
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert finished.stdout, finished.stderr
    return finished.stdout


def test_kerass_own_test_file_passes_with_our_classes(tmp_path: Path) -> None:
    printed = kerass_own_tests(tmp_path)
    last = printed.splitlines()[-1]
    assert "passed" in last, printed
    assert int(last.split()[0]) >= 34, printed
    assert "failed" not in last, printed
    assert "error" not in last, printed
    assert "skipped" not in last, printed


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="of the run, on whichever backend it is")
def test_kerass_own_test_file_sees_our_classes(tmp_path: Path) -> None:
    doubled = (
        "schedules.CosineDecay.__call__ = lambda self, step: 2 * schedules.KerasSchedule.__call__(self, step)"
    )
    last = kerass_own_tests(tmp_path, broken=doubled).splitlines()[-1]
    assert "5 failed" in last
