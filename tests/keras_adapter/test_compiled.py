"""The rates of compiled training: right at every stair and restart, and far from step 0."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from draws import LEVEL, draws

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")

from keras import ops  # noqa: E402
from keras_adapter.applied import applied_rates  # noqa: E402
from keras_adapter.drawn import CASES, STEPS, Compiled, misses, some_period  # noqa: E402

import lrdecay_native as lrd  # noqa: E402
from lrdecay_native.keras import KerasSchedule, KerasTable, schedules  # noqa: E402

BACKEND = keras.backend.backend()
TOGETHER = 20
"""Schedules in one compiled function."""


def in_a_graph(rates: Sequence[Any], jit_compile: bool = False) -> Callable[[npt.NDArray[np.int64]], Any]:
    import tensorflow as tf

    @tf.function(jit_compile=jit_compile)
    def every(steps: Any) -> Any:
        return tf.stack([rate(steps[k]) for k, rate in enumerate(rates)])

    return lambda steps: every(tf.constant(steps)).numpy()


def on_xla(rates: Sequence[Any]) -> Callable[[npt.NDArray[np.int64]], Any]:
    return in_a_graph(rates, jit_compile=True)


def in_jit(rates: Sequence[Any]) -> Callable[[npt.NDArray[np.int64]], Any]:
    import jax

    every = jax.jit(lambda steps: jax.numpy.stack([rate(steps[k]) for k, rate in enumerate(rates)]))
    return lambda steps: every(steps.astype(np.int32))


def as_it_is(rates: Sequence[Any]) -> Callable[[npt.NDArray[np.int64]], Any]:
    return lambda steps: np.array(
        [ops.convert_to_numpy(r(ops.convert_to_tensor(s))) for r, s in zip(rates, steps, strict=True)]
    )


WAYS: dict[str, list[Compiled]] = {
    "tensorflow": [in_a_graph, on_xla],
    "jax": [in_jit],
    "torch": [as_it_is],
}
each_way = pytest.mark.parametrize("compiled", WAYS[BACKEND])

WIDE = BACKEND != "jax"
"""Whether counters may have 64 bits."""

LATE = [
    (lrd.LinearDecay(0.1, 41).restarted(41), {40: 0.1 / 41, 41: 0.1, 82: 0.1}),
    (lrd.StepDecay(0.1, 0.1, 1).per_epoch(110), {109: 0.1, 110: 0.01, 220: 0.001}),
    (lrd.CosineDecay(0.1, 2).per_epoch(110, staircase=True), {109: 0.1, 110: 0.05, 220: 0.0}),
    (lrd.StepDecay(0.1, 0.1, 97).warmup(5), {101: 0.1, 102: 0.01, 199: 0.001}),
    (lrd.CosineRestarts(0.1, 41, t_mul=1.0).scaled(0.5), {41: 0.05, 82: 0.05}),
    (lrd.CosineRestarts(0.1, 41, t_mul=1.0), {41: 0.1, 82: 0.1, 41 * 409_201: 0.1, 41 * 52_377_649: 0.1}),
    (lrd.Tabulated([0.1, 0.2, 0.3], every=97, interpolation="previous"), {96: 0.1, 97: 0.2, 194: 0.3}),
    (lrd.StepDecay(0.1, 0.5, 41), {40: 0.1, 41: 0.05, 82: 0.025}),
    (lrd.StepDecay(0.1, 0.5, 2503), {2502: 0.1, 2503: 0.05}),
    (lrd.InverseTimeDecay(0.1, 1.0, decay_steps=41, staircase=True), {40: 0.1, 41: 0.05, 123: 0.025}),
    (lrd.LinearDecay(0.1, 49).restarted(49), {49: 0.1, 17_871_427: 0.1, 2**24 // 49 * 49 + 49: 0.1}),
    (lrd.CosineRestarts(0.1, 10), {10 * (2**13 - 1): 0.1, 10 * (2**15 - 1): 0.1}),
    (
        lrd.PolynomialDecay(0.01, 1000, power=0.9, end_learning_rate=1e-4),
        {1000: 1e-4, 1001: 1e-4, 2**30: 1e-4},
    ),
    (lrd.PolynomialDecay(0.1, 41, cycle=True), {41: 0.0, 42: 0.1 * 40 / 82, 82: 0.0, 83: 0.1 * 40 / 123}),
]
"""Schedules, and true rates at steps where rounded reciprocals are late."""

DRIFTING = [
    (
        lrd.Cyclic(5e-6, 2.5e-4, 1000, mode="exp_range", gamma=0.9999998),
        {step: 5e-6 + 2.45e-4 * math.exp(step * math.log(0.9999998)) for step in (1_001_000, 10_001_000)},
    ),
    (
        lrd.StepDecay(0.1, 0.999999, 1, staircase=False).warmup(10),
        {10**6: 0.1 * math.exp(999_990 * math.log(0.999999))},
    ),
    (
        lrd.LinearDecay(0.1, 1000).restarted(1000).shifted(by=-(2**31 - 5000)),
        {1216: 0.1 * (1 - 0.864)},
    ),
]
"""Schedules, and true rates where float32 arithmetic loses them."""


@each_way
class TestTheExamples:
    @pytest.mark.parametrize(("schedule", "true"), LATE, ids=lambda value: str(value)[:60])
    def test_not_late(self, schedule: lrd.Schedule, true: dict[int, float], compiled: Compiled) -> None:
        steps = np.array([list(true)], np.int64)
        rates = compiled([KerasSchedule(schedule)])(steps)[0]
        np.testing.assert_allclose(rates, list(true.values()), rtol=3e-6, atol=1e-9)

    @pytest.mark.parametrize(("schedule", "true"), LATE, ids=lambda value: str(value)[:60])
    def test_not_late_outside_of_a_table(
        self, schedule: lrd.Schedule, true: dict[int, float], compiled: Compiled
    ) -> None:
        steps = np.array([list(true)], np.int64)
        for rate in (KerasTable(schedule, 8), KerasTable(schedule, 20_009, start=20_000)):
            rates = compiled([rate])(steps)[0]
            np.testing.assert_allclose(rates, list(true.values()), rtol=1.2e-7, atol=1e-18)

    @pytest.mark.parametrize(("schedule", "true"), DRIFTING, ids=lambda value: str(value)[:60])
    def test_no_drift(self, schedule: lrd.Schedule, true: dict[int, float], compiled: Compiled) -> None:
        steps = np.array([list(true)], np.int64)
        rates = compiled([KerasSchedule(schedule)])(steps)[0]
        np.testing.assert_allclose(rates, schedule(steps[0]), rtol=6.1e-8)
        np.testing.assert_allclose(rates, list(true.values()), rtol=1e-6)

    def test_each_step_has_its_rate(self, compiled: Compiled) -> None:
        schedule = lrd.CosineDecay(0.1, 30_000_000).shifted(by=-20_000_000)
        steps = np.arange(12)
        rates = compiled([KerasSchedule(schedule)])(steps[np.newaxis])[0]
        np.testing.assert_array_equal(rates, schedule(steps).astype(np.float32))
        assert len(set(rates.tolist())) == 12


@each_way
def test_counts_that_get_longer_than_64_bits(compiled: Compiled) -> None:
    """Found by the drawn schedules: of the last step there are more stairs than an int64 counts, of this one not."""
    wave = lrd.Cyclic(1.4, 5.0, 0.8333333333333334, step_size_down=1.6666666666666667)
    schedule = wave.per_epoch(0.00347884160453117, staircase=True)
    steps = np.array([[1_098_371_684, 1_098_371_685]])
    rates = compiled([KerasSchedule(schedule)])(steps)
    np.testing.assert_allclose(rates, schedule(steps), rtol=6.1e-8)


@each_way
def test_drawn_schedules(compiled: Compiled, random: Random, capsys: pytest.CaptureFixture[str]) -> None:
    """Random compositions with random periods, at random steps, against the native rates."""
    worst = []
    for number in range(-(-CASES // (TOGETHER * STEPS))):
        stop = 2**62 if WIDE and number % 2 else 2**31
        worst += misses(KerasSchedule, compiled, random, TOGETHER, stop)
    worst.sort(reverse=True, key=lambda miss: miss.far)
    if LEVEL == "thorough":
        with capsys.disabled():
            print(
                f"\n{BACKEND}, {compiled.__name__}: {len(worst) * STEPS:,} cases; furthest, 1 being allowed:"
            )
            print(
                "\n".join(
                    f"  {miss.far:.4f} at step {miss.step}: {miss.schedule!r:.200}" for miss in worst[:3]
                )
            )
    assert worst[0].far <= 1.0, worst[0]


@each_way
def test_drawn_periods_of_what_keras_has(compiled: Compiled, random: Random) -> None:
    """Stairs and cycles in Keras's arithmetic: each begins at its step."""
    plans = []
    for _ in range(draws(300, ci=2 * TOGETHER)):
        period = random.choice([some_period(random), random.randint(2, 200)])
        plans.append(
            random.choice(
                [
                    lrd.StepDecay(0.1, random.choice([0.5, 0.9, 0.97]), period),
                    lrd.InverseTimeDecay(0.1, random.choice([0.1, 1.0]), decay_steps=period, staircase=True),
                    lrd.CosineRestarts(0.1, period, t_mul=random.choice([1.0, 1.5, 2.0, 3.0]), m_mul=0.9),
                    lrd.PolynomialDecay(0.1, period, power=random.choice([0.9, 1.0, 2.0]), cycle=True),
                    lrd.PolynomialDecay(
                        0.1, period, power=random.choice([0.9, 1.0, 2.0]), end_learning_rate=1e-3
                    ),
                ]
            )
        )
    steps = np.array([_begins(plan, random) for plan in plans], np.int64)
    for first in range(0, len(plans), TOGETHER):
        some = slice(first, first + TOGETHER)
        rates = compiled([KerasSchedule(plan) for plan in plans[some]])(steps[some])
        for plan, its_steps, its_rates in zip(plans[some], steps[some], rates, strict=True):
            true = plan(its_steps)
            np.testing.assert_allclose(
                its_rates, true, rtol=2e-5, atol=2e-6 * 0.1, err_msg=f"{plan!r} {its_steps}"
            )


def _begins(plan: Any, random: Random) -> list[int]:
    """Steps around where a schedule begins something new, below the integers of float32."""
    steps: list[int] = []
    while len(steps) < 12:
        number = random.randint(1, 40)
        growth = getattr(plan, "t_mul", 1.0)
        begun = number if growth == 1.0 else (growth ** (number % 16) - 1.0) / (growth - 1.0)
        step = int(plan._period * begun) if hasattr(plan, "_period") else int(plan.first_decay_steps * begun)
        steps.append(min(max(step + random.choice([-1, 0, 0, 1]), 0), 2**24 - 1))
    return steps


class TestInFit:
    """What `fit` really applies, read off weights."""

    @pytest.mark.parametrize("jit_compile", [False] if BACKEND == "torch" else [False, True])
    @pytest.mark.parametrize(
        ("schedule", "first_step"),
        [
            (lrd.LinearDecay(0.1, 41).restarted(41), 39),
            (lrd.StepDecay(0.1, 0.1, 1).per_epoch(110), 108),
            (lrd.CosineDecay(0.1, 2).per_epoch(110, staircase=True), 108),
            (lrd.StepDecay(0.1, 0.1, 97).warmup(5), 100),
            (lrd.CosineRestarts(0.1, 41, t_mul=1.0), 39),
            (lrd.Tabulated([0.1, 0.2, 0.3], every=97, interpolation="previous"), 95),
            (lrd.StepDecay(0.1, 0.5, 41), 39),
            (lrd.LinearDecay(0.1, 49).restarted(49), 17_871_425),
            (lrd.CosineRestarts(0.1, 10), 10 * (2**13 - 1) - 2),
            (lrd.PolynomialDecay(0.01, 1000, power=0.9, end_learning_rate=1e-4), 998),
            (lrd.Cyclic(5e-6, 2.5e-4, 1000, mode="exp_range", gamma=0.9999998), 10_000_998),
            (lrd.CosineDecay(0.1, 30_000_000).shifted(by=-20_000_000), 0),
        ],
        ids=lambda value: str(value)[:60],
    )
    def test_applied(self, schedule: lrd.Schedule, first_step: int, jit_compile: bool) -> None:
        true = schedule.values(first_step, first_step + 5)
        for rate in (KerasSchedule(schedule), KerasTable(schedule, 8)):
            optimizer = keras.optimizers.SGD(rate)
            rates = applied_rates(optimizer, 5, first_step=first_step, jit_compile=jit_compile)
            np.testing.assert_allclose(rates, true, rtol=4e-6, atol=1e-9)

    def test_drawn(self, random: Random) -> None:
        for _ in range(draws(30)):
            period = random.choice([41, 47, 55, 61, 82, 83, 94, 97, 107, 109, 110, random.randint(2, 200)])
            number = random.randint(1, 3000)
            schedule = random.choice(
                [lrd.LinearDecay(0.1, period).restarted(period), lrd.StepDecay(0.1, 0.9999, period).warmup(5)]
            )
            first_step = period * number + (5 if "Warmup" in repr(schedule) else 0) - 1
            rates = applied_rates(keras.optimizers.SGD(KerasSchedule(schedule)), 3, first_step=first_step)
            true = schedule.values(first_step, first_step + 3)
            np.testing.assert_allclose(rates, true, rtol=1e-7, atol=1e-12, err_msg=f"{schedule} {first_step}")


@each_way
def test_the_classes_in_kerass_place(compiled: Compiled) -> None:
    """Those of `lrdecay_native.keras.schedules` are right where Keras's own are late or NaN."""
    made = [
        schedules.ExponentialDecay(0.1, 41, 0.5, staircase=True),
        schedules.InverseTimeDecay(0.1, 41, 1.0, staircase=True),
        schedules.CosineDecayRestarts(0.1, 10),
        schedules.CosineDecayRestarts(0.1, 41, t_mul=1.0),
        schedules.PolynomialDecay(0.01, 1000, 1e-4, 0.9),
        schedules.PolynomialDecay(0.1, 41, 0.0, cycle=True),
    ]
    steps = np.array([[41, 82], [41, 123], [81_910, 327_670], [41, 82], [1000, 1001], [41, 82]])
    rates = compiled(made)(steps)
    true = [[0.05, 0.025], [0.05, 0.025], [0.1, 0.1], [0.1, 0.1], [1e-4, 1e-4], [0.0, 0.0]]
    np.testing.assert_allclose(rates, true, rtol=1e-6, atol=1e-12)


@lrd.own_formula
def own_constant(step, peak):
    return peak


@lrd.own_formula
def own_stairs(step, peak, period):
    return peak * 0.5 ** math.floor(step / period)


@lrd.own_formula
def own_whole_stairs(step, peak, period):
    return peak * 0.5 ** (step // period)


@lrd.own_formula
def own_rest(step, peak, period):
    return peak * (1.0 - step % period / period)


@lrd.own_formula
def own_root(step, peak, period):
    return peak * (1.0 - step / period) ** 0.9 if step <= period else 0.0


@each_way
@pytest.mark.parametrize("formula", [own_stairs, own_whole_stairs, own_rest, own_root])
def test_own_formulas_divide(formula: Any, compiled: Compiled, random: Random) -> None:
    """Not by a product with the rounded reciprocal of what they divide by."""
    periods = [41, 49, *random.sample(range(2, 132), draws(130))]
    plans = [formula(0.1, period=float(period)) for period in periods]
    steps = np.array([[period, 2 * period] for period in periods])
    for first in range(0, len(plans), TOGETHER):
        some = slice(first, first + TOGETHER)
        rates = compiled([KerasSchedule(plan) for plan in plans[some]])(steps[some])
        true = [
            [plan(step) for step in two.tolist()] for plan, two in zip(plans[some], steps[some], strict=True)
        ]
        np.testing.assert_allclose(rates, true, rtol=1e-6, atol=1e-9)


@each_way
def test_own_formulas_without_the_step(compiled: Compiled) -> None:
    plan = own_constant(0.1)
    steps = [2**31 - 1, *([2**40, 2**60] if WIDE else [])]
    for step in steps:
        assert compiled([KerasSchedule(plan)])(np.array([step]))[0] == np.float32(0.1)


@each_way
def test_sums_and_products_of_many_pieces(compiled: Compiled) -> None:
    """Each piece has its own operations; they aren't nested as deep as they are many."""
    rates = [0.1 + 0.001 * (k * 7 % 13) for k in range(300)]
    plan = lrd.PiecewiseInterpolation(list(range(300)), rates) * lrd.CosineDecay(1.0, 1000)
    rate = compiled([KerasSchedule(plan)])
    for step in (0, 7, 150, 298, 299, 999):
        assert float(rate(np.array([step]))[0]) == pytest.approx(plan(step), rel=1e-6)
