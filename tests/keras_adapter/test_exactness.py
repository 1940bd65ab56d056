"""The bits of rates: those of Keras's own classes, and in tables those of the native values."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from draws import LEVEL, draws, examples
from hypothesis import given
from hypothesis import strategies as st

import lrdecay_native as lrd

keras = pytest.importorskip("keras", reason="needs the extra: pip install 'lrdecay_native[keras]'")

from keras import ops  # noqa: E402

from lrdecay_native.keras import KerasSchedule, KerasTable, from_keras, to_keras  # noqa: E402

builtins = keras.optimizers.schedules
BACKEND = keras.backend.backend()

BEYOND = 2**24
"""The first step that float32 arithmetic doesn't tell from its neighbours."""

NARROW = BACKEND != "tensorflow"
"""Whether an optimizer's counter is an int32, which gets negative at step 2**31."""

BUILTINS = [
    builtins.ExponentialDecay(0.1, 1000, 0.96, staircase=True),
    builtins.ExponentialDecay(0.1, 1000, 0.96),
    builtins.InverseTimeDecay(0.1, 1, 1e-3),
    builtins.InverseTimeDecay(0.1, 300, 0.5, staircase=True),
    builtins.PolynomialDecay(0.1, 3000),
    builtins.PolynomialDecay(0.1, 777, power=0.5, end_learning_rate=0.01, cycle=True),
    builtins.PolynomialDecay(0.1, 50_000, power=1.5, end_learning_rate=1e-3),
    builtins.CosineDecay(0.1, 3000),
    builtins.CosineDecay(0.3, 3000, alpha=0.1),
    builtins.CosineDecay(0.01, 3000, alpha=0.1, warmup_target=0.3, warmup_steps=100),
    builtins.CosineDecay(0.01, 3000, warmup_target=0.3),
    builtins.CosineDecayRestarts(0.3, 30),
    builtins.CosineDecayRestarts(0.3, 700, t_mul=1.5, m_mul=0.9, alpha=0.1),
    builtins.CosineDecayRestarts(0.3, 30, t_mul=1.0, m_mul=0.9, alpha=0.1),
    builtins.CosineDecayRestarts(0.05, 10, t_mul=3.0, m_mul=4.0, alpha=0.1),
    builtins.PiecewiseConstantDecay([10, 20.5, 2**23], [0.1, 0.2, 0.3, 0.4]),
]

each_builtin = pytest.mark.parametrize(
    "builtin", BUILTINS, ids=lambda b: "-".join(map(str, [type(b).__name__, *b.get_config().values()]))
)

STEPS = [
    0,
    1,
    9,
    10,
    11,
    20,
    21,
    30,
    99,
    100,
    101,
    777,
    778,
    3000,
    3100,
    5001,
    123_456,
    2**23 + 1,
    BEYOND - 1,
    BEYOND + 1,
    2**30 + 77,
    2**31 - 1,
]
# JAX compiles an operation for each of some: a third of them will do for a change.
SINGLE_STEPS = STEPS if LEVEL == "thorough" or BACKEND == "tensorflow" else STEPS[::3]

Compiled = Callable[[Any], Callable[[Any], Any]]


def numbers(tensor: Any) -> npt.NDArray[np.float32]:
    array: npt.NDArray[np.float32] = np.asarray(ops.convert_to_numpy(tensor))
    return array


def counter(step: Any) -> Any:
    """A step as an optimizer counts it."""
    return ops.convert_to_tensor(step, "int32" if NARROW else "int64")


def as_it_is(rate: Any) -> Any:
    return rate


def in_a_graph(rate: Any) -> Any:
    import tensorflow as tf

    return tf.function(rate.__call__)


def on_xla(rate: Any) -> Any:
    import tensorflow as tf

    return tf.function(rate.__call__, jit_compile=True)


def in_jit(rate: Any) -> Any:
    import jax

    return jax.jit(rate.__call__)


COMPILED: dict[str, list[Compiled]] = {
    "tensorflow": [as_it_is, in_a_graph, on_xla],
    "jax": [as_it_is, in_jit],
    "torch": [as_it_is],
}

each_way = pytest.mark.parametrize("compiled", COMPILED[BACKEND])


def assert_bits_of_keras(builtin: Any, steps: Any, ours: Any, theirs: Any) -> None:
    """Keras's bits; others only where the stair, the end or the place in a cycle isn't right in Keras's.

    There its rate is further from the true one, but for what some roundings of float32 make at the highest rate.
    """
    true = np.asarray(from_keras(builtin)(np.asarray(steps)))
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    other = ours != theirs
    # XLA's powers and what it puts together differ more.
    rounding = (2.0**-19 if BACKEND == "jax" else 2.0**-22) * max(
        from_keras(builtin).values(6000).max(), true.max()
    )
    nearer = np.abs(ours - true) <= np.where(np.isnan(theirs), np.inf, np.abs(theirs - true)) + rounding
    assert np.all(nearer[other]), (np.asarray(steps)[other], ours[other], theirs[other], true[other])
    if not getattr(builtin, "staircase", False) and type(builtin) in ALWAYS_THE_SAME:
        assert not np.any(other), np.asarray(steps)[other]
    if not isinstance(builtin, builtins.CosineDecayRestarts):
        assert not np.any(other[np.asarray(steps) < 41]), np.asarray(steps)[other]


ALWAYS_THE_SAME = (
    builtins.ExponentialDecay,
    builtins.InverseTimeDecay,
    builtins.CosineDecay,
    builtins.PiecewiseConstantDecay,
)
"""Classes whose smooth curves have Keras's bits at every step."""


class TestBitsOfKeras:
    @each_way
    @each_builtin
    def test_single_steps(self, builtin: Any, compiled: Compiled) -> None:
        ours, theirs = compiled(KerasSchedule(from_keras(builtin))), compiled(builtin)
        rates = [[float(rate(counter(step))) for step in SINGLE_STEPS] for rate in (ours, theirs)]
        assert_bits_of_keras(builtin, SINGLE_STEPS, *rates)

    @each_builtin
    def test_python_numbers(self, builtin: Any) -> None:
        rates = [
            [float(rate(step)) for step in SINGLE_STEPS]
            for rate in (KerasSchedule(from_keras(builtin)), builtin)
        ]
        assert_bits_of_keras(builtin, SINGLE_STEPS, *rates)

    @each_builtin
    def test_many_steps_at_once(self, builtin: Any) -> None:
        if BACKEND == "torch" and isinstance(builtin, builtins.PiecewiseConstantDecay):
            pytest.skip("Keras's PiecewiseConstantDecay takes one step only on PyTorch")
        steps = np.concatenate([np.arange(0, 6000, 7), np.arange(BEYOND - 10, BEYOND + 10)])
        warmed_up = getattr(builtin, "warmup_target", None) is not None
        if warmed_up:
            # Keras's own takes one step only.
            steps = steps[::20]
        ours = numbers(KerasSchedule(from_keras(builtin))(counter(steps)))
        if warmed_up:
            single = numbers(ops.stack([builtin(counter(step)) for step in steps]))
            np.testing.assert_allclose(ours, single, rtol=1e-6)
        else:
            assert_bits_of_keras(builtin, steps, ours, numbers(builtin(counter(steps))))

    # JAX compiles each branch of Keras's formulas anew.
    @examples(10)
    @given(
        initial=st.floats(1e-6, 10.0),
        steps=st.integers(1, 10**6) | st.floats(0.5, 1e6),
        target=st.none() | st.floats(1e-6, 10.0),
        warmup=st.integers(0, 10**5),
        alpha=st.sampled_from([0.0, 0.1, 1.0]) | st.floats(1e-6, 1.0),
        t_mul=st.sampled_from([1.0, 2.0]) | st.floats(1.1, 3.0),
        m_mul=st.sampled_from([1.0, 0.9]) | st.floats(0.5, 1.01),
        at=st.lists(st.integers(0, BEYOND - 1) | st.integers(0, 2**31 - 1), min_size=3, max_size=3),
    )
    def test_any_parameters(
        self,
        initial: float,
        steps: float,
        target: float | None,
        warmup: int,
        alpha: float,
        t_mul: float,
        m_mul: float,
        at: list[int],
    ) -> None:
        restarts = builtins.CosineDecayRestarts(
            initial, steps, t_mul, m_mul if t_mul > 1.0 else min(m_mul, 1.0), alpha
        )
        decay = builtins.CosineDecay(initial, steps, alpha, warmup_target=target, warmup_steps=warmup)
        for builtin in (restarts, decay):
            ours = KerasSchedule(from_keras(builtin))
            each = [0, 1, warmup, *at]
            rates = [[float(rate(step)) for step in each] for rate in (ours, builtin)]
            if builtin is decay:
                np.testing.assert_array_equal(*rates, err_msg=str(each))
            else:
                assert_bits_of_keras(builtin, each, *rates)

    def test_numbers_far_behind_are_counted_as_tensors_are(self, random: Random) -> None:
        """Which stair or cycle a step is in doesn't depend on what it is given as."""
        assert float(KerasSchedule(lrd.CosineRestarts(1.0, 13, t_mul=1.0))(39735049)) == pytest.approx(
            0.87425537
        )
        for _ in range(draws(60)):
            period = random.randrange(2, 1000)
            schedule = random.choice(
                [
                    lrd.CosineRestarts(1.0, period, t_mul=1.0),
                    lrd.CosineRestarts(1.0, period, t_mul=random.choice([1.1, 2.0])),
                    lrd.StepDecay(1.0, 1.0 - 1e-9, period),
                    lrd.InverseTimeDecay(1.0, 1e-7, decay_steps=period, staircase=True),
                    lrd.PolynomialDecay(1.0, period, cycle=True),
                ]
            )
            rate = KerasSchedule(schedule)
            for step in (
                random.randrange(BEYOND, 2**31),
                random.randrange(2**24 // period, 2**31 // period) * period,
            ):
                of_number = float(rate(random.choice([step, np.int64(step)])))
                assert of_number == float(rate(counter(step))), (schedule, step)

    @pytest.mark.skipif(BACKEND != "tensorflow", reason="XLA in TensorFlow")
    def test_where_keras_has_a_root_of_a_negative_number(self) -> None:
        builtin = builtins.PolynomialDecay(0.1, 10, 0.0, power=0.5)
        assert np.isnan(float(on_xla(builtin)(counter(10))))
        assert float(on_xla(KerasSchedule(from_keras(builtin)))(counter(10))) == 0.0


@pytest.mark.parametrize("floatx", ["float16", "float64"])
def test_float32_whatever_floatx_is(floatx: str) -> None:
    schedules = [lrd.CosineDecay(0.3, 3000, end_learning_rate=0.03), lrd.CosineRestarts(0.3, 700)]
    expected = [float(KerasSchedule(schedule)(2999)) for schedule in schedules]
    try:
        keras.config.set_floatx(floatx)
        rates = [KerasSchedule(schedule)(step) for schedule in schedules for step in (2999, 2999.0)]
    finally:
        keras.config.set_floatx("float32")
    assert {keras.backend.standardize_dtype(rate.dtype) for rate in rates} == {"float32"}
    assert [float(rate) for rate in rates] == [rate for rate in expected for _ in range(2)]


FAR = 2**31 - 40

SLOW_DECAYS = [
    lrd.PolynomialDecay(1.0, BEYOND + 8),
    lrd.PolynomialDecay(1.0, FAR + 8, power=0.5),
    lrd.StepDecay(1.0, 0.5, BEYOND + 1),
    lrd.CosineRestarts(1.0, BEYOND // 2 + 3),
    lrd.InverseTimeDecay(0.1, 0.5).warmup(BEYOND + 4),
    lrd.Tabulated([0.1, 0.2, 0.3], every=BEYOND / 2),
]


@pytest.mark.parametrize("schedule", SLOW_DECAYS, ids=repr)
class TestBeyondTheIntegersOfFloat32:
    @each_way
    def test_formula_that_keras_does_not_have(self, schedule: Any, compiled: Compiled) -> None:
        schedule = schedule.scaled(0.75)
        with pytest.raises(ValueError, match="Keras"):
            to_keras(schedule)
        rate = compiled(KerasSchedule(schedule))
        for step in (
            BEYOND,
            BEYOND + 1,
            BEYOND + 3,
            BEYOND + 7,
            BEYOND + 8,
            FAR,
            FAR + 7,
            FAR + 8,
            2**31 - 1,
        ):
            truth = schedule(step)
            assert float(rate(counter(step))) == pytest.approx(truth, rel=2e-7, abs=1e-15), step

    def test_python_numbers(self, schedule: Any) -> None:
        schedule = schedule.scaled(0.75)
        for step in (BEYOND, BEYOND + 7, 2**31 - 1, 2**31, 2**40 + 1, 2**62 + 1):
            assert float(KerasSchedule(schedule)(step)) == np.float32(schedule(step))

    @each_way
    @pytest.mark.parametrize("start", [BEYOND - 5, FAR])
    def test_table(self, schedule: Any, start: int, compiled: Compiled) -> None:
        exact = schedule.values(start, start + 12).astype(np.float32)
        table = KerasTable(schedule, start + 12, start=start)
        rate = compiled(table)
        assert [float(rate(counter(start + k))) for k in range(12)] == exact.tolist()
        assert [float(table(start + k)) for k in range(12)] == exact.tolist()
        np.testing.assert_array_equal(numbers(table(counter(start + np.arange(12)))), exact)


class TestTable:
    @each_builtin
    def test_holds_the_native_values(self, builtin: Any) -> None:
        schedule = from_keras(builtin)
        exact = schedule.values(100, 5000).astype(np.float32)
        for stop in (5000, 2**15):
            table = KerasTable(schedule, stop, start=100)
            np.testing.assert_array_equal(numbers(table(counter(np.arange(100, 5000)))), exact)

    @each_way
    @pytest.mark.parametrize("start", [0, 3])
    @pytest.mark.parametrize(
        "schedule",
        [
            lrd.InverseTimeDecay(0.1, 0.5),
            lrd.PolynomialDecay(0.1, 6, end_learning_rate=0.01),
            lrd.PolynomialDecay(0.1, 7, end_learning_rate=0.01),
            lrd.PolynomialDecay(0.1, 6.5, end_learning_rate=0.01),
            lrd.StepDecay(0.1, 0.5, 2).then(lrd.Constant(0.3), at=5),
        ],
        ids=repr,
    )
    def test_outside_it_the_schedule_goes_on(self, schedule: Any, start: int, compiled: Compiled) -> None:
        table = KerasTable(schedule, 6, start=start)
        rate = compiled(table)
        steps = [*range(12), BEYOND + 1, 2**31 - 1]
        exact = np.array([schedule(step) for step in steps])
        np.testing.assert_allclose([float(rate(counter(step))) for step in steps], exact, rtol=1.2e-7)
        np.testing.assert_allclose(numbers(table(counter(steps))), exact, rtol=1.2e-7)
        np.testing.assert_allclose([float(table(step)) for step in steps], exact, rtol=1.2e-7)
        assert np.isnan(float(rate(counter(-1))))
        assert np.isnan(numbers(table(counter([-1, 3, -(2**31)])))).tolist() == [True, False, True]

    @pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64"])
    def test_any_integer_type(self, dtype: str) -> None:
        schedule = lrd.InverseTimeDecay(0.1, 0.5)
        exact = schedule.values(3, 200).astype(np.float32)
        for step in (3, 4, 100):
            rate = KerasTable(schedule, 200, start=3)(ops.convert_to_tensor(step, dtype))
            assert float(rate) == exact[step - 3]


class TestCountersThatGetNegative:
    """An int32 counter, as Keras has on JAX and PyTorch, goes on with -2**31 after 2**31 - 1."""

    def test_the_counter_of_optimizers(self) -> None:
        dtype = keras.backend.standardize_dtype(keras.optimizers.SGD(0.1).iterations.dtype)
        assert dtype == ("int32" if NARROW else "int64")

    @each_way
    def test_there_is_no_rate_behind_it(self, compiled: Compiled) -> None:
        schedule = lrd.StepDecay(0.1, 0.5, 3 * 2**28)
        last = ops.convert_to_tensor(2**31 - 1, "int32")
        wrapped = last + ops.convert_to_tensor(1, "int32")
        assert int(wrapped) == -(2**31)
        for made in (KerasSchedule(schedule), KerasTable(schedule, 2**31 + 9, start=2**31 - 9)):
            rate = compiled(made)
            assert float(rate(last)) == np.float32(0.025)
            assert np.isnan(float(rate(wrapped)))

    @each_way
    def test_a_counter_that_begins_again_goes_on_with_a_shifted_schedule(self, compiled: Compiled) -> None:
        schedule = lrd.PolynomialDecay(1.0, 2**31 + 8)
        exact = schedule.values(2**31 - 4, 2**31 + 9).astype(np.float32)
        rest = KerasTable(schedule.shifted(by=-(2**31 - 4)), 13)
        rate = compiled(rest)
        assert [float(rate(counter(step))) for step in range(13)] == exact.tolist()
        assert len(set(exact.tolist())) == 13

    @pytest.mark.skipif(NARROW, reason="an int64 counter is TensorFlow's")
    @each_way
    def test_an_int64_counter_goes_on(self, compiled: Compiled) -> None:
        schedule = lrd.PolynomialDecay(1.0, 2**31 + 8)
        exact = schedule.values(2**31 - 4, 2**31 + 9).astype(np.float32)
        table = compiled(KerasTable(schedule, 2**31 + 9, start=2**31 - 4))
        formula = compiled(KerasSchedule(schedule.scaled(0.5)))
        steps = [counter(step) for step in range(2**31 - 4, 2**31 + 9)]
        assert [float(table(step)) for step in steps] == exact.tolist()
        np.testing.assert_allclose([float(formula(step)) for step in steps], 0.5 * exact, rtol=1.2e-7)


class TestWhereATableBegins:
    """The bits are those of the native values, not of the table's blocks."""

    def test_is_not_seen_in_its_bits(self) -> None:
        schedule, stop = lrd.CosineDecay(0.3, 2**20).warmup(1000), 2**20 + 2000
        exact = schedule.values(stop).astype(np.float32)
        for start in (0, 777, 2**19 + 1):
            looked_up = KerasTable(schedule, stop, start=start)(counter(np.arange(start, stop)))
            np.testing.assert_array_equal(numbers(looked_up), exact[start:])


@pytest.mark.skipif(BACKEND != "jax", reason="the others have int64")
@pytest.mark.parametrize("way", [KerasSchedule, lambda schedule: KerasTable(schedule, 10)])
def test_arrays_that_int32_does_not_hold_are_refused(way: Callable[[lrd.Schedule], Any]) -> None:
    with pytest.raises(ValueError, match=r"step=4294967301 must be up to 2\*\*31 - 1 in an array on jax"):
        way(lrd.StepDecay(0.1, 0.5, 2))(np.array([3, 2**32 + 5]))
