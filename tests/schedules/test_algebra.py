"""Random compositions: what holds for every schedule, however it was made."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from draws import examples
from hypothesis import given
from hypothesis import strategies as st
from reference import SINGLE_FORMULA_OF, ordinary

import lrdecay_native as lrd

STEPS = 3000

rate = st.sampled_from([0.001, 0.01, 0.1, 0.3, 1.0]) | st.floats(1e-4, 1.0)
steps = st.integers(1, 2000) | st.sampled_from([1.5, 333.25, 1000 / 3, 2.0**30])
shape = st.sampled_from(["linear", "cosine", "1-sqrt", "exponential", "constant"])
flag = st.booleans()

leaf: st.SearchStrategy[Any] = st.one_of(
    *(
        st.builds(functools.partial(ordinary, name), rate, steps, rate | st.just(0.0))
        for name in SINGLE_FORMULA_OF
    ),
    st.builds(lrd.StepDecay, rate, st.floats(0.1, 1.0), steps, staircase=flag),
    st.builds(lrd.ExponentialDecay, rate, st.floats(1e-5, 1e-2), staircase=flag),
    st.builds(lrd.InverseTimeDecay, rate, st.floats(1e-5, 1.0), staircase=flag),
    st.builds(
        lrd.PolynomialDecay, rate, steps, power=st.floats(0.3, 3.0), end_learning_rate=rate, cycle=flag
    ),
    st.builds(lrd.LinearDecay, rate | st.just(0.0), steps, end_learning_rate=rate | st.just(0.0)),
    st.builds(
        lrd.CosineDecay, rate, steps, end_learning_rate=rate | st.just(0.0), exponent=st.floats(0.5, 2.0)
    ),
    st.builds(lrd.LinearCosineDecay, rate, steps, num_periods=st.floats(0.1, 4.0)),
    st.builds(
        lrd.WarmupStableDecay, rate, steps, steps, steps, decay_shape=st.sampled_from(["linear", "1-sqrt"])
    ),
    st.builds(lrd.NoamDecay, st.integers(1, 1024), steps),
    st.builds(lrd.OneCycle, rate, st.integers(2, 4000), three_phase=flag, end_at_last_step=flag),
    st.builds(lrd.CosineAnnealing, rate, steps, end_learning_rate=rate),
    st.builds(lrd.CosineRestarts, rate, steps, t_mul=st.sampled_from([1.0, 2.0]), m_mul=st.floats(0.5, 1.0)),
    st.builds(
        lambda base, up, mode: lrd.Cyclic(base, base + 0.5, up, mode=mode),
        rate,
        steps,
        st.sampled_from(["triangular", "triangular2"]),
    ),
    st.builds(lrd.Tabulated, st.lists(rate, min_size=1, max_size=5), every=steps),
)


def _warmed_up(schedule: Any, length: float, start: float, how: str) -> Any:
    return schedule.warmup(length, start, shape=how if schedule(0) > 0 else "cosine")


def _composed(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.builds(
            lambda s, n, start, how: s.warmup(n, start, shape=how if s(0) > 0 else "cosine"),
            children,
            steps,
            rate,
            shape,
        ),
        st.builds(lambda s, other, n: s.then(other, at=n), children, children, steps),
        st.builds(lambda s, n, f: s.restarted(n, f), children, steps, st.just(1.0) | st.floats(0.3, 1.0)),
        st.builds(lambda s, n: s.scaled(n), children, st.floats(0.1, 3.0)),
        st.builds(lambda s, a, b: s.clipped(min(a, b), max(a, b)), children, rate, rate),
        st.builds(lambda s, n: s.reversed(n), children, steps),
        st.builds(lambda s, n, sign: s.shifted(n * sign), children, steps, st.sampled_from([-1, 1])),
        st.builds(
            lambda s, n, stairs: s.per_epoch(n, stairs), children, st.sampled_from([2, 1.5, 100]), flag
        ),
        st.builds(lambda s, a, b: s.stretched(to=a, of=b), children, steps, steps),
        st.builds(lambda s, k, n: s.k_decay(k, n), children, st.floats(0.4, 3.0), steps),
        st.builds(
            lambda s, at, n, end: s.cooled_down(at, n, end), children, steps, steps, rate | st.just(0.0)
        ),
        st.builds(lambda s, other: s + other, children, children),
        st.builds(lambda s, other: s * other, children, children),
    )


composition = st.recursive(leaf, _composed, max_leaves=4)


def depth(schedule: Any) -> int:
    inner = [value for value in schedule.__getstate__().values() if isinstance(value, lrd.Schedule)]
    return 1 + max(map(depth, inner), default=0)


@given(composition)
@examples(400)
def test_single_steps_arrays_and_grids_agree(schedule: Any) -> None:
    """Calls bit for bit, grids to 1 ulp."""
    array = schedule(np.arange(STEPS))
    some = [0, 1, 2, STEPS - 1, *range(7, STEPS, 97)]
    assert [schedule(t) for t in some] == array[some].tolist()
    grid = schedule.values(STEPS)
    assert (np.abs(grid - array) <= np.maximum(np.spacing(array), 1e-290)).all()
    short = schedule.values(STEPS, dtype=np.float32)
    assert (np.abs(short - array) <= np.maximum(np.spacing(array.astype(np.float32)), 1e-28)).all()


@given(composition, st.integers(0, 10**9), st.integers(1, 50))
@examples(100)
def test_a_grid_anywhere(schedule: Any, start: int, step: int) -> None:
    grid = range(start, start + 500 * step, step)
    array = schedule(np.array(grid))
    values = schedule.values(grid.start, grid.stop, grid.step)
    assert (np.abs(values - array) <= np.maximum(np.spacing(array), 1e-290)).all()


@given(composition)
@examples(200)
def test_round_trips(schedule: Any) -> None:
    assert lrd.from_json(schedule.to_json()) == schedule
    again = eval(repr(schedule), vars(lrd))
    assert again == schedule
    assert hash(again) == hash(schedule)


@given(composition, st.integers(0, 2000))
@examples(100)
def test_sums(schedule: Any, start: int) -> None:
    rates = schedule(np.arange(start + STEPS))
    expected = math.fsum(rates[start:].tolist())
    # Where a decay ends, 106 bits may hold a rate of 0 as 2**-107 of the highest one, from there on.
    noise = 2.0**-100 * STEPS * float(rates.max())
    assert schedule.sum(start, start + STEPS) == pytest.approx(expected, rel=2e-15, abs=max(noise, 1e-290))


@given(composition, st.floats(0.0, 1.0))
@examples(100)
def test_searches(schedule: Any, part: float) -> None:
    """Among the first steps, of a schedule that is cut off behind them."""
    rates = schedule(np.arange(STEPS))
    wanted = float(rates.min() + part * (rates.max() - rates.min()))
    below, above = np.flatnonzero(rates < wanted), np.flatnonzero(rates > wanted)
    ended = schedule.then(lrd.Constant(wanted) if wanted >= 1e-100 else lrd.Constant(1e-100), at=STEPS)
    if wanted >= 1e-100:
        assert ended.first_step_below(wanted) == (below[0] if len(below) else None)
        assert ended.last_step_above(wanted) == (above[-1] if len(above) else None)


@given(composition, st.integers(0, 3000), st.integers(1, 3000), rate, shape)
@examples(100)
def test_joints_are_continuous(schedule: Any, at: int, length: int, end: float, how: str) -> None:
    """A cool-down begins with the rate that was there, a warm-up ends with it."""
    if how == "exponential" and schedule(at) < 1e-100:
        return
    cooled = schedule.cooled_down(at, length, end, shape=how)
    one_ulp = pytest.approx(schedule(at), rel=2.0**-52, abs=1e-290)
    assert cooled(at) == one_ulp
    assert cooled(at + length) == end
    assert schedule.warmup(length, end, shape="linear")(length) == pytest.approx(
        schedule(0), rel=2.0**-52, abs=1e-290
    )


@given(composition)
@examples(50)
def test_the_length_is_where_it_ends(schedule: Any) -> None:
    end = schedule.length
    if end is not None and end < 2**40:
        last = schedule(math.ceil(end))
        assert schedule(np.array([math.ceil(end) + 1, 2**45, 2**62])).tolist() == [last] * 3


@given(composition, st.integers(1, 999), st.integers(1, 9999))
@examples(50)
def test_a_plan_that_goes_on(schedule: Any, step: int, more: int) -> None:
    end = schedule.length
    if end is None or end <= step or end > 2**40:
        return
    plan = schedule.continued(step, to=step + more)
    assert plan(step - 1) == pytest.approx(schedule(step - 1), rel=1e-15)
    assert plan(step + more) == pytest.approx(schedule(math.ceil(end)), rel=1e-12, abs=1e-18)


def test_depth_six_is_reached() -> None:
    deep = lrd.Constant(0.1).warmup(3).scaled(2).clipped(0.01).restarted(50).shifted(2)
    assert depth(deep) == 6


class TestNesting:
    """A hundred deep."""

    plain = lrd.PolynomialDecay(0.1, 1000, power=2.0)

    @pytest.mark.parametrize(
        "nest",
        [
            lambda s, k: s.restarted(2000 + k),
            lambda s, k: s.reversed(1000 + k % 2),
            lambda s, k: s.shifted(1 if k % 2 else -1),
            lambda s, k: s.stretched(to=2, of=1) if k % 2 else s.stretched(to=1, of=2),
            lambda s, k: s + lrd.Constant(1e-6),
            lambda s, k: s * lrd.InverseTimeDecay(1.0, 1e-6),
            lambda s, k: s.cooled_down(900, 100 + k, 0.001),
            lambda s, k: s.k_decay(2.0 if k % 2 else 0.5, 1000),
            lambda s, k: s.then(lrd.PolynomialDecay(0.1, 10), at=2000 - k),
            lambda s, k: s.clipped(1e-9 * k + 1e-9),
            lambda s, k: s.per_epoch(1.0),
        ],
        ids=[
            *(
                "restarted",
                "reversed",
                "shifted",
                "stretched",
                "sum",
                "product",
                "cooled",
                "k",
                "then",
                "clipped",
            ),
            "per_epoch",
        ],
    )
    def test_a_hundred_deep(self, nest: Callable[[Any, int], Any]) -> None:
        schedule: Any = self.plain
        for k in range(100):
            schedule = nest(schedule, k)
        array = schedule(np.arange(1500))
        grid = schedule.values(1500)
        assert (np.abs(grid - array) <= np.maximum(np.spacing(array), 1e-290)).all()
        assert schedule(700) == array[700]
        assert schedule.sum(1500) == pytest.approx(math.fsum(array), rel=1e-14)
        assert lrd.from_json(schedule.to_json()) == schedule
        assert eval(repr(schedule), vars(lrd)) == schedule


class TestOperators:
    plain = lrd.PolynomialDecay(0.1, 10)

    def test_numbers(self) -> None:
        assert self.plain * 2 == 2 * self.plain == self.plain.scaled(2)

    @pytest.mark.parametrize("other", [None, "2", [1.0]])
    def test_what_is_no_schedule(self, other: Any) -> None:
        for operation in (lambda: self.plain + other, lambda: self.plain * other, lambda: other * self.plain):
            with pytest.raises(TypeError):
                operation()

    def test_the_order_is_kept(self) -> None:
        one, other = self.plain, lrd.Constant(0.5)
        assert one + other != other + one
        assert (one + other).values(20).tolist() == (other + one).values(20).tolist()


def test_edges() -> None:
    """The table of docs/schedules.md."""
    line = lrd.PolynomialDecay(1.0, max_step=4)
    assert line.warmup(0)(0) == 1.0
    assert line.cooled_down(2, 0, end=0.1).values(4).tolist() == [1.0, 0.75, 0.1, 0.1]
    assert lrd.WarmupStableDecay(1.0, 0, 0, 0, end_learning_rate=0.5).values(2).tolist() == [0.5, 0.5]
    assert lrd.CosineRestarts(1.0, 4, t_mul=1.0)(4) == 1.0
    assert lrd.CosineRestarts(1.0, 4, t_mul=1.0, cycle_limit=2, end_learning_rate=0.25)(8) == 0.25
    assert line.restarted(4).values(6).tolist() == [1.0, 0.75, 0.5, 0.25, 1.0, 0.75]
    assert lrd.PiecewiseConstant([2], [1.0, 0.5]).values(4).tolist() == [1.0, 1.0, 0.5, 0.5]
    assert lrd.MultiStepDecay(1.0, [2, 2], drop_rate=0.5)(2) == 0.25
    for boundaries, order in itertools.product(
        [[3, 2], [2, 2]], [lrd.PiecewiseConstant, lrd.PiecewiseInterpolation]
    ):
        with pytest.raises(ValueError, match="must be strictly ascending"):
            order(boundaries, [1.0] * (3 if order is lrd.PiecewiseConstant else 2))
    with pytest.raises(ValueError, match="must be ascending"):
        lrd.MultiStepDecay(1.0, [3, 2])


def test_cycles_that_get_higher() -> None:
    s = lrd.CosineRestarts(1.0, 4, t_mul=3.0, m_mul=4.0)
    assert s([0, 4, 16]).tolist() == [1.0, 4.0, 16.0]
    assert s.first_step_below(0.2) == 3
    assert s.sum(16) == pytest.approx(s.values(16).sum(), rel=1e-14)
    limited = lrd.CosineRestarts(1.0, 4, t_mul=1.0, peak_mul=1.5, cycle_limit=3, end_learning_rate=0.5)
    assert limited([0, 4, 8, 12]).tolist() == [1.0, 1.5, 2.25, 0.5]
    assert limited.last_step_above(2.0) == 8
    assert limited.last_step_above(2.25) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"t_mul": 1.0, "m_mul": 1.5}, r"m_mul=1\.5 must be so small.*cycle_limit of at most 568"),
        ({"t_mul": 1.01, "peak_mul": 2.0}, r"peak_mul=2\.0 must be so small.*cycle_limit of at most 333"),
        ({"m_mul": 2.0, "end_learning_rate": 1.5}, r"m_mul=2\.0 must be so small.*cycle_limit of at most 2"),
        ({"t_mul": 1.0, "m_mul": 1.000001}, r"m_mul=1\.000001 must be up to 1.*cycle_limit"),
    ],
)
def test_cycles_that_get_too_high(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lrd.CosineRestarts(1.0, 4, **options)


def test_cycles_with_a_limit_far_away() -> None:
    """Cycles that get longer come to 2**80 steps before their limit."""
    endless = lrd.CosineRestarts(0.1, 1000, t_mul=1.5)
    for limit in (2000, 10**9):
        limited = lrd.CosineRestarts(0.1, 1000, t_mul=1.5, cycle_limit=limit)
        assert limited.length == endless.length
        np.testing.assert_array_equal(limited.values(5000), endless.values(5000))


def test_a_limit_of_a_numpy_integer() -> None:
    limited = lrd.CosineRestarts(0.1, 1000, cycle_limit=np.int64(64))
    assert limited == lrd.CosineRestarts(0.1, 1000, cycle_limit=64)
    assert limited(0) == 0.1
    assert lrd.from_json(limited.to_json()) == limited
