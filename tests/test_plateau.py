"""`ReduceOnPlateau` against the callbacks of Keras and torch that it can act like."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest
from draws import draws
from hypothesis import given
from hypothesis import strategies as st
from reference import SCHEDULES

import lrdecay_native as lrd
from lrdecay_native.plateau import ReduceOnPlateau

CONSTANT = lrd.ExponentialDecay(0.5, 0.0)

eighths = st.integers(-24, 24).map(lambda number: number / 8)
metrics = st.lists(
    st.one_of(st.sampled_from([math.nan, math.inf, -math.inf]), st.integers(8, 12).map(float), eighths),
    max_size=40,
)
modes = st.sampled_from(["min", "max"])
drop_rates = st.sampled_from([0.5, 0.25])
counts = st.integers(0, 4)
# On eighths, Keras's comparison in float32 and one in float64 agree.
thresholds = st.sampled_from([0.0, 1e-4, 0.0625, 0.5, 1.0])
least_rates = st.sampled_from([0.0, 0.03, 0.125, 0.5, 0.75])


class KerasRates:
    """The rates of a real compiled model under the real callback."""

    def __init__(self, keras: Any, learning_rate: float, **keywords: Any) -> None:
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(learning_rate), loss="mse")
        self.model = model
        self.to_numpy = keras.ops.convert_to_numpy
        self.callback = keras.callbacks.ReduceLROnPlateau(monitor="loss", **keywords)
        self.callback.set_model(model)
        self.callback.on_train_begin()

    def after(self, evaluation: int, metric: float) -> float:
        self.callback.on_epoch_end(evaluation, {"loss": metric})
        return float(self.to_numpy(self.model.optimizer.learning_rate))


class TorchRates:
    """The rates of a real optimizer under the real scheduler."""

    def __init__(self, torch: Any, learning_rate: float, **keywords: Any) -> None:
        self.optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=learning_rate)
        self.scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(self.optimizer, **keywords)

    def after(self, evaluation: int, metric: float) -> float:
        self.scheduler.step(metric)
        return float(self.optimizer.param_groups[0]["lr"])


@given(
    metrics=metrics,
    mode=modes,
    factor=drop_rates,
    patience=counts,
    min_delta=thresholds,
    cooldown=counts,
    min_lr=least_rates,
)
def test_reduces_when_keras_does(metrics: list[float], **keywords: Any) -> None:
    keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")
    theirs = KerasRates(keras, 0.5, **keywords)
    ours = ReduceOnPlateau.like_keras(CONSTANT, **keywords)
    for evaluation, metric in enumerate(metrics):
        before = ours.learning_rate(evaluation)
        reduced = ours.update(metric, evaluation)
        expected = theirs.after(evaluation, metric)
        assert np.float32(ours.learning_rate(evaluation)) == np.float32(expected), (evaluation, metric)
        assert reduced == (ours.learning_rate(evaluation) < before)


@given(metrics=metrics, factor=drop_rates, patience=counts, cooldown=counts, min_lr=least_rates)
def test_without_steps_the_rates_are_those_of_keras(metrics: list[float], **keywords: Any) -> None:
    keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")
    theirs = KerasRates(keras, 0.5, mode="min", **keywords)
    ours = ReduceOnPlateau.like_keras(CONSTANT, **keywords)
    for evaluation, metric in enumerate(metrics):
        ours.update(metric)
        assert np.float32(ours.learning_rate(0)) == np.float32(theirs.after(evaluation, metric))


@given(
    metrics=metrics,
    mode=modes,
    factor=drop_rates,
    patience=counts,
    threshold=thresholds.filter(lambda threshold: threshold < 1),
    threshold_mode=st.sampled_from(["rel", "abs"]),
    cooldown=counts,
    min_lr=least_rates,
    eps=st.sampled_from([0.0, 1e-8, 0.01, 0.0625, 0.3]),
)
def test_reduces_when_torch_does(metrics: list[float], **keywords: Any) -> None:
    torch = pytest.importorskip("torch", reason="needs torch")
    theirs = TorchRates(torch, 0.5, **keywords)
    ours = ReduceOnPlateau.like_torch(CONSTANT, **keywords)
    for evaluation, metric in enumerate(metrics):
        before = ours.learning_rate(evaluation)
        reduced = ours.update(metric, evaluation)
        assert ours.learning_rate(evaluation) == theirs.after(evaluation, metric), (evaluation, metric)
        assert reduced == (ours.learning_rate(evaluation) < before)


@given(metrics=st.lists(st.floats(-2, 2), max_size=60), mode=modes)
def test_defaults_are_those_of_torch(metrics: list[float], mode: str) -> None:
    torch = pytest.importorskip("torch", reason="needs torch")
    theirs = TorchRates(torch, 0.1, mode=mode)
    ours = ReduceOnPlateau.like_torch(lrd.ExponentialDecay(0.1, 0.0), mode=mode)
    for evaluation, metric in enumerate(metrics):
        ours.update(metric, evaluation)
        assert math.isclose(ours.learning_rate(0), theirs.after(evaluation, metric), rel_tol=1e-14)


def test_defaults_are_those_of_keras() -> None:
    keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")
    theirs = KerasRates(keras, 0.1)
    ours = ReduceOnPlateau.like_keras(lrd.ExponentialDecay(0.1, 0.0))
    for evaluation in range(45):
        metric = 1.0 - 5e-5 * (evaluation % 2)
        ours.update(metric)
        assert math.isclose(ours.learning_rate(0), theirs.after(evaluation, metric), rel_tol=1e-6)
    assert ours.factor == pytest.approx(1e-4)


def parameters() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "mode": modes,
            "drop_rate": st.floats(0.01, 0.99),
            "patience": counts,
            "cooldown": counts,
            "threshold": st.floats(0, 0.9),
            "threshold_mode": st.sampled_from(["relative", "absolute"]),
            "min_learning_rate": st.sampled_from([0.0, 1e-3]),
            "least_reduction": st.sampled_from([0.0, 1e-8]),
            "first_is_best": st.booleans(),
        }
    )


@given(parameters(), metrics, metrics)
def test_state_in_the_middle_has_the_same_future(
    keywords: dict[str, Any], before: list[float], after: list[float]
) -> None:
    plateau = ReduceOnPlateau(lrd.InverseTimeDecay(0.5, 0.01).warmup(3), **keywords)
    for step, metric in enumerate(before):
        plateau.update(metric, step)
    text = plateau.to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    resumed = ReduceOnPlateau.from_json(text)
    assert repr(resumed) == repr(plateau)
    for step, metric in enumerate(after, len(before)):
        assert resumed.update(metric, step) == plateau.update(metric, step)
        assert resumed.to_json() == plateau.to_json()
        assert resumed.schedule_now == plateau.schedule_now


def test_schedule_now_is_a_value_that_later_updates_leave() -> None:
    decay = lrd.InverseTimeDecay(0.5, 1.0)
    plateau = ReduceOnPlateau(decay, drop_rate=0.5, patience=0, min_learning_rate=0.05)
    assert plateau.schedule is decay
    first = plateau.schedule_now
    assert first == decay
    assert [plateau.update(1.0), plateau.update(1.0)] == [False, True]
    assert first == decay
    steps = np.arange(20)
    wanted = np.maximum(0.5 * decay(steps), np.minimum(decay(steps), 0.05))
    assert plateau.learning_rate(steps) == pytest.approx(wanted, rel=1e-15)
    assert plateau.schedule_now.values(20) == pytest.approx(wanted, rel=1e-15)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_rate_is_never_above_the_schedule(name: str, random: Random) -> None:
    schedule, steps = SCHEDULES[name].example, np.arange(200)
    rates = schedule(steps)
    for _ in range(draws(25)):
        least = random.choice([10 ** random.uniform(-5, 0), *rates[rates > 0][:1], rates.max()])
        plateau = ReduceOnPlateau.like_keras(
            schedule, factor=random.uniform(0.01, 0.99), patience=1, min_lr=float(least)
        )
        for _ in range(random.randint(1, 4)):
            plateau.update(1.0)
        wanted = np.maximum(plateau.factor * rates, np.minimum(rates, least))
        np.testing.assert_allclose(plateau.learning_rate(steps), wanted, rtol=5e-16, atol=0)
        np.testing.assert_allclose(plateau.schedule_now.values(200), wanted, rtol=5e-16, atol=0)


@pytest.mark.parametrize("like", [ReduceOnPlateau.like_keras, ReduceOnPlateau.like_torch])
def test_a_rate_below_the_least_one_stays(like: Callable[..., ReduceOnPlateau]) -> None:
    plateau = like(lrd.Constant(0.01), patience=0, min_lr=0.03)
    assert [plateau.update(1.0, step) for step in range(4)] == [False] * 4
    assert plateau.learning_rate(7) == 0.01


def test_patience_counts_what_is_tolerated() -> None:
    plateau = ReduceOnPlateau(CONSTANT, patience=2)
    assert [plateau.update(1.0) for _ in range(7)] == [False, False, False, True, False, False, True]


def test_cooldown_counts_what_is_not_counted() -> None:
    plateau = ReduceOnPlateau(CONSTANT, patience=0, cooldown=2)
    assert [plateau.update(1.0) for _ in range(8)] == [False, True, False, False, True, False, False, True]


def test_nan_is_never_an_improvement() -> None:
    plateau = ReduceOnPlateau(CONSTANT, patience=1)
    assert [plateau.update(metric) for metric in (math.nan, math.nan, 1.0)] == [False, True, False]
    assert plateau.best == 1.0


def test_a_relative_threshold_holds_for_negative_metrics() -> None:
    plateau = ReduceOnPlateau(lrd.Constant(0.1), drop_rate=0.5, patience=2, threshold=1e-4)
    updates = [plateau.update(-1.0) for _ in range(8)]
    assert updates == [False, False, False, True, False, False, True, False]
    plateau = ReduceOnPlateau(lrd.Constant(0.1), patience=2, threshold=0.1)
    assert [plateau.update(metric) for metric in (-1.0, -0.95, -0.92, -1.05)] == [False, False, False, True]
    assert plateau.best == -1.0
    assert [plateau.update(-1.11), plateau.best] == [False, -1.11]


def exactly(number: float) -> Fraction | float:
    return Fraction(number) if math.isfinite(number) else number


@given(
    mode=modes,
    threshold=st.floats(0, 1, exclude_max=True) | st.sampled_from([0.0, 1e-4, 0.5]),
    threshold_mode=st.sampled_from(["relative", "absolute"]),
    best=st.floats(allow_nan=False) | st.floats(-2, 2) | st.sampled_from([0.0, -0.0]),
    metric=st.floats() | st.floats(-2, 2),
)
def test_an_improvement_is_one_by_more_than_the_threshold(
    mode: str, threshold: float, threshold_mode: str, best: float, metric: float
) -> None:
    plateau = ReduceOnPlateau(
        CONSTANT, mode=mode, threshold=threshold, threshold_mode=threshold_mode, first_is_best=True
    )
    plateau.update(best)
    plateau.update(metric)
    improved = plateau.best == metric and metric != best
    gain = exactly(metric) - exactly(best) if mode == "max" else exactly(best) - exactly(metric)
    if not isinstance(gain, Fraction):
        assert improved == (gain > 0)
        return
    least = Fraction(threshold) * (abs(Fraction(best)) if threshold_mode == "relative" else 1)
    # The bound is rounded, in two operations.
    rounding = Fraction(2) ** -51 * (abs(Fraction(best)) + least) + Fraction(5e-324)
    if abs(gain - least) > rounding:
        assert improved == (gain > least)


@pytest.mark.parametrize("mode", ["min", "max"])
@given(metrics=st.lists(st.sampled_from([-1.0, -0.999, -1.001, 0.0, 1.0, math.inf, -math.inf]), max_size=30))
def test_what_is_never_better_is_reduced(mode: str, metrics: list[float]) -> None:
    """Whatever came before, the same metric again and again is no improvement."""
    plateau = ReduceOnPlateau(CONSTANT, mode=mode, patience=2, threshold=1e-3)
    for metric in metrics:
        plateau.update(metric)
    last = metrics[-1] if metrics else 0.0
    assert True in [plateau.update(last) for _ in range(4)]


def test_step_decides_whether_a_reduction_changes_anything() -> None:
    schedule = lrd.PolynomialDecay(0.5, 10)
    plateau = ReduceOnPlateau(schedule, drop_rate=0.5, patience=0, min_learning_rate=0.1)
    assert [plateau.update(1.0, step) for step in (0, 9, 9, 2)] == [False, False, False, True]
    assert plateau.factor == 0.5


def test_a_factor_below_the_range_is_not_made() -> None:
    plateau = ReduceOnPlateau(CONSTANT, drop_rate=1e-60, patience=0)
    assert [plateau.update(1.0) for _ in range(4)] == [False, True, False, False]
    assert plateau.factor == 1e-60


def test_metrics_of_other_types() -> None:
    plateau = ReduceOnPlateau(CONSTANT, patience=0)
    assert [plateau.update(metric) for metric in (3, np.float32(3.0), np.array(2.0))] == [False, True, False]


@pytest.mark.parametrize("metric", [True, "0.5", None, [1.0], np.array([1.0]), 1j])
def test_refuses_what_is_no_metric(metric: Any) -> None:
    plateau = ReduceOnPlateau(CONSTANT)
    state = plateau.state()
    with pytest.raises(TypeError, match=r"metric=.* must be a number"):
        plateau.update(metric)
    assert plateau.state() == state


def test_needs_the_step_to_compare_rates() -> None:
    plateau = ReduceOnPlateau.like_torch(CONSTANT)
    with pytest.raises(ValueError, match=r"step=None must be given, as least_reduction=1e-08 \(eps\)"):
        plateau.update(1.0)
    assert plateau.best is None


def test_wrong_step_changes_nothing() -> None:
    plateau = ReduceOnPlateau(CONSTANT, patience=0)
    plateau.update(1.0)
    state = plateau.state()
    for metric in (2.0, 0.5):
        with pytest.raises(ValueError, match="step=-1 must be a step"):
            plateau.update(metric, -1)
        assert plateau.state() == state


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"mode": "auto"}, "mode='auto' must be 'min' or 'max'"),
        ({"drop_rate": 1.0}, "drop_rate=1.0 must be below 1"),
        ({"drop_rate": 0.0}, "drop_rate=0.0 must be positive"),
        ({"patience": -1}, "patience=-1 must be from 0"),
        ({"cooldown": -1}, "cooldown=-1 must be from 0"),
        ({"threshold": -0.1}, "threshold=-0.1 must be at least 0"),
        ({"threshold": 1.0}, "threshold=1.0 must be .* below 1 if it is relative"),
        ({"threshold_mode": "rel"}, "threshold_mode='rel' must be 'relative', 'absolute' or 'torch_rel'"),
        ({"min_learning_rate": -1.0}, "min_learning_rate=-1.0 must be 0"),
        ({"least_reduction": math.nan}, "least_reduction=nan must be finite"),
    ],
)
def test_refuses_parameters(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ReduceOnPlateau(CONSTANT, **keywords)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"patience": 1.5}, "patience=1.5 must be an integer"),
        ({"first_is_best": 1}, "first_is_best=1 must be True or False"),
        ({"threshold": "0"}, "threshold='0' must be a real number"),
    ],
)
def test_refuses_kinds_of_parameters(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        ReduceOnPlateau(CONSTANT, **keywords)


def test_refuses_by_the_names_of_the_framework() -> None:
    with pytest.raises(ValueError, match=r"factor=1.0 must be below 1"):
        ReduceOnPlateau.like_keras(CONSTANT, factor=1.0)
    with pytest.raises(ValueError, match=r"min_lr=-1.0 must be 0"):
        ReduceOnPlateau.like_keras(CONSTANT, min_lr=-1.0)
    with pytest.raises(TypeError, match="min_delta=None must be a real number"):
        ReduceOnPlateau.like_keras(CONSTANT, min_delta=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="threshold_mode='relative' must be 'rel' or 'abs'"):
        ReduceOnPlateau.like_torch(CONSTANT, threshold_mode="relative")
    with pytest.raises(ValueError, match=r"eps=-1.0 must be 0"):
        ReduceOnPlateau.like_torch(CONSTANT, eps=-1.0)
    with pytest.raises(TypeError, match=r"schedule=0.1 must be a Schedule"):
        ReduceOnPlateau.like_torch(0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version=2 is unknown"),
        ({"version": True}, "version=True is unknown"),
        ({"class": "StepDecay"}, "class='StepDecay' must be 'ReduceOnPlateau'"),
        ({"extra": 1}, r"unknown: \['extra'\], missing: \[\]"),
        ({"factor": 2.0}, "factor=2.0 must be at most 1"),
        ({"factor": 0.0}, "factor=0.0 must be positive"),
        ({"bad_evaluations": 11}, "bad_evaluations=11 must be at most 10"),
        ({"cooldown_left": 1}, "cooldown_left=1 must be at most 0"),
        ({"best": math.inf}, "best=inf must be finite"),
        ({"schedule": {"version": 1, "class": "Nothing"}}, "class='Nothing' is unknown"),
    ],
)
def test_refuses_states(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ReduceOnPlateau.from_state({**ReduceOnPlateau(CONSTANT).state(), **change})


def test_refuses_states_that_lack_something_or_are_none() -> None:
    state = ReduceOnPlateau(CONSTANT).state()
    del state["best"]
    with pytest.raises(ValueError, match=r"unknown: \[\], missing: \['best'\]"):
        ReduceOnPlateau.from_state(state)
    with pytest.raises(TypeError, match=r"state=\[\] must be a dictionary"):
        ReduceOnPlateau.from_json("[]")
    with pytest.raises(ValueError, match="must be JSON"):
        ReduceOnPlateau.from_json("{")
    with pytest.raises(TypeError, match="best='infinity' must be a real number"):
        ReduceOnPlateau.from_state({**ReduceOnPlateau(CONSTANT).state(), "best": "infinity"})


def test_metrics_that_no_float_holds() -> None:
    with pytest.raises(ValueError, match=r"metric=.* must be a number that float64 holds"):
        ReduceOnPlateau(CONSTANT).update(10**400)
