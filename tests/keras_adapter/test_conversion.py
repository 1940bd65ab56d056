"""Schedules from Keras's objects, and Keras's objects from schedules."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from draws import examples
from hypothesis import given
from hypothesis import strategies as st

import lrdecay_native as lrd

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")

from lrdecay_native.keras import from_keras, to_keras  # noqa: E402

builtins = keras.optimizers.schedules

PAIRS = [
    (builtins.ExponentialDecay(0.1, 1000, 0.96), lrd.StepDecay(0.1, 0.96, 1000, staircase=False)),
    (builtins.ExponentialDecay(0.1, 1000, 0.96, staircase=True), lrd.StepDecay(0.1, 0.96, 1000)),
    (builtins.InverseTimeDecay(0.1, 300, 0.5), lrd.InverseTimeDecay(0.1, 0.5, decay_steps=300)),
    (
        builtins.InverseTimeDecay(0.1, 300, 0.5, staircase=True),
        lrd.InverseTimeDecay(0.1, 0.5, decay_steps=300, staircase=True),
    ),
    (builtins.PolynomialDecay(0.1, 300), lrd.PolynomialDecay(0.1, 300, end_learning_rate=0.0001)),
    (
        builtins.PolynomialDecay(0.1, 300, 0.01, power=0.5, cycle=True),
        lrd.PolynomialDecay(0.1, 300, power=0.5, end_learning_rate=0.01, cycle=True),
    ),
    (builtins.PiecewiseConstantDecay([10], [0.1, 0.01]), lrd.PiecewiseConstant([11], [0.1, 0.01])),
    (
        builtins.PiecewiseConstantDecay([0, 10.0, 20.5], [0.1, 0.2, 0.0, 0.3]),
        lrd.PiecewiseConstant([1, 11.0, 20.5], [0.1, 0.2, 0.0, 0.3]),
    ),
    (builtins.CosineDecay(0.1, 300), lrd.CosineDecay(0.1, 300)),
    (builtins.CosineDecay(0.3, 300, 0.1), lrd.CosineDecay(0.3, 300, end_learning_rate=0.03)),
    (
        builtins.CosineDecay(0.0, 300, warmup_target=0.1, warmup_steps=20),
        lrd.CosineDecay(0.1, 300).warmup(20),
    ),
    (
        builtins.CosineDecay(0.01, 300, 0.7, warmup_target=0.1, warmup_steps=20),
        lrd.CosineDecay(0.1, 300, end_learning_rate=0.07).warmup(20, 0.01),
    ),
    (
        builtins.CosineDecay(0.01, 300, warmup_target=0.1),
        lrd.CosineDecay(0.1, 300).warmup(0, 0.01),
    ),
    (builtins.CosineDecayRestarts(0.1, 30), lrd.CosineRestarts(0.1, 30)),
    (
        builtins.CosineDecayRestarts(0.3, 30, t_mul=1.0, m_mul=0.9, alpha=0.1),
        lrd.CosineRestarts(0.3, 30, t_mul=1.0, m_mul=0.9, end_learning_rate=0.03),
    ),
    (
        builtins.CosineDecayRestarts(0.05, 10, t_mul=3.0, m_mul=4.0, alpha=0.1),
        lrd.CosineRestarts(0.05, 10, t_mul=3.0, m_mul=4.0, end_learning_rate=0.005),
    ),
]

each_pair = pytest.mark.parametrize(
    ("builtin", "schedule"), PAIRS, ids=["-".join(map(str, b.get_config().values())) for b, _ in PAIRS]
)


def numbers_of(builtin: Any) -> dict[str, Any]:
    """The configuration without the name."""
    return {key: value for key, value in builtin.get_config().items() if key != "name"}


def rounded(schedule: Any) -> Any:
    """Its parameters, those that are products rounded a little."""
    text = repr(schedule)
    return [
        float(f"{float(word):.15g}") if _is_number(word) else word for word in re.split(r"([(),=\[\]])", text)
    ]


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


@each_pair
def test_there(builtin: Any, schedule: Any) -> None:
    assert rounded(from_keras(builtin)) == rounded(schedule)


@each_pair
def test_and_back(builtin: Any, schedule: Any) -> None:
    again = to_keras(from_keras(builtin))
    assert type(again) is type(builtin)
    assert numbers_of(again) == numbers_of(builtin)


@examples(200)
@given(
    st.floats(1e-6, 10.0),
    st.integers(0, 1000).map(lambda thousandths: thousandths / 1000),
    st.integers(1, 10**6),
    st.none() | st.integers(0, 10**5),
)
def test_alpha_comes_back(rate: float, alpha: float, steps: int, warmup: int | None) -> None:
    options = {} if warmup is None else {"warmup_target": rate, "warmup_steps": warmup}
    for builtin in (
        builtins.CosineDecay(rate, steps, alpha, **options),
        builtins.CosineDecayRestarts(rate, steps, alpha=alpha),
    ):
        assert numbers_of(to_keras(from_keras(builtin))) == numbers_of(builtin)


@examples(200)
@given(st.floats(1e-6, 10.0), st.floats(1e-6, 1.0))
def test_any_end_rate_comes_back_to_the_last_bit_or_next_to_it(rate: float, end: float) -> None:
    schedule = lrd.CosineDecay(rate, 100, end_learning_rate=end)
    assert from_keras(to_keras(schedule)).end_learning_rate == pytest.approx(end, rel=2.3e-16)


def test_kerass_boundary_holds_the_old_rate() -> None:
    builtin = builtins.PiecewiseConstantDecay([2, 4.0, 6.5], [0.5, 0.25, 0.125, 0.0625])
    theirs = [float(builtin(step)) for step in range(9)]
    assert from_keras(builtin)(np.arange(9)).tolist() == theirs
    assert theirs == [0.5] * 3 + [0.25] * 2 + [0.125] * 2 + [0.0625] * 2


def test_two_classes_with_one_builtin() -> None:
    builtin = to_keras(lrd.LinearDecay(0.1, 300, end_learning_rate=0.01))
    assert numbers_of(builtin) == numbers_of(builtins.PolynomialDecay(0.1, 300, 0.01))
    builtin = to_keras(lrd.CosineRestarts(0.1, 30, peak_mul=0.9))
    assert numbers_of(builtin) == numbers_of(builtins.CosineDecayRestarts(0.1, 30, m_mul=0.9))


@pytest.mark.parametrize(
    ("schedule", "reason"),
    [
        (lrd.Constant(0.1), "plain number"),
        (lrd.ExponentialDecay(0.1, 0.5), r"StepDecay\(initial, exp\(-decay_rate\)"),
        (lrd.CosineDecay(0.1, 100, exponent=2.0), "no exponent"),
        (lrd.CosineRestarts(0.1, 100, cycle_limit=2), "no cycle_limit"),
        (lrd.CosineRestarts(0.1, 100, peak_mul=0.9, end_learning_rate=0.01), "peak_mul"),
        (lrd.MultiStepDecay(0.1, [3]), "factors"),
        (lrd.CosineDecay(0.1, 100).warmup(10, shape="cosine"), "only warm-up is a line"),
        (lrd.CosineDecay(0.1, 100, exponent=2.0).warmup(10), "only warm-up is a line"),
        (lrd.StepDecay(0.1, 0.5, 10).warmup(10), "only warm-up is a line"),
        (lrd.RexDecay(0.1, 100), "no such class"),
        (lrd.StepDecay(0.1, 0.5, 10).clipped(0.01, None), "no such class"),
    ],
    ids=repr,
)
def test_what_keras_has_not(schedule: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=f"{reason}.*KerasSchedule"):
        to_keras(schedule)


@pytest.mark.parametrize(
    ("builtin", "message"),
    [
        (builtins.ExponentialDecay(0.1, 1000, 1.5), "drop_rate=1.5 must be"),
        (builtins.CosineDecayRestarts(0.1, 10, t_mul=0.5), "t_mul=0.5 must be"),
        (builtins.CosineDecayRestarts(0.1, 10, t_mul=1.0, m_mul=1.5), "m_mul=1.5 must be.*cycle_limit"),
        (builtins.PiecewiseConstantDecay([20, 10], [0.1, 0.2, 0.3]), "strictly ascending"),
        (builtins.PiecewiseConstantDecay([-5], [0.1, 0.2]), "boundaries"),
        (builtins.CosineDecay(0.1, 10, alpha=-0.5), "end_learning_rate"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_what_keras_has_and_we_refuse(builtin: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_keras(builtin)


@pytest.mark.parametrize(
    "other",
    [
        0.1,
        builtins.ExponentialDecay,
        type("Doubled", (builtins.ExponentialDecay,), {})(0.1, 1000, 0.96),
        lrd.StepDecay(0.1, 0.96, 1000),
    ],
    ids=lambda other: getattr(other, "__name__", type(other).__name__),
)
def test_anything_else_is_refused(other: Any) -> None:
    with pytest.raises(TypeError, match="one of the six classes"):
        from_keras(other)


@pytest.mark.parametrize(
    "other", [0.1, None, builtins.CosineDecay(0.1, 10)], ids=lambda other: type(other).__name__
)
def test_back_from_anything_else(other: Any) -> None:
    with pytest.raises(TypeError, match="must be a schedule of lrdecay_native"):
        to_keras(other)


def test_numbers_that_are_tensors_are_refused() -> None:
    with pytest.raises(TypeError, match="must be a real number"):
        from_keras(builtins.CosineDecay(keras.ops.convert_to_tensor(0.1), 10))
