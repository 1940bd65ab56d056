"""Lengths, periods and factors of every size, at steps up to the last one: a right value, or a documented error."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import numpy as np
import pytest
from draws import draws
from limits import within
from reference import LAST_STEP, SINGLE_FORMULA_OF, ordinary

import lrdecay_native as lrd
from lrdecay_native.evaluation.sums import sums as summation

Call = tuple[str, Callable[[], Any], Callable[[Any], bool]]
"""What is called, the call, and whether its result is right."""


def some_size(random: Random) -> float:
    return random.choice(
        [
            lambda: 10.0 ** random.uniform(-1, 25),
            lambda: 10.0 ** random.uniform(15, 100),
            lambda: random.randint(1, 3000),
            lambda: random.uniform(0.2, 20.0),
            lambda: random.choice([0.25, 0.5, 1, 3, 3.14159, 2**53, 2.0**62, 2**63, 2.0**64, 10**19]),
        ]
    )()


def some_rate(random: Random) -> float:
    return random.choice([0.1, 0.01, 1.0, 0.3, 10.0 ** random.uniform(-3, 1)])


def some_leaf(random: Random) -> Any:
    size, rate = some_size(random), some_rate(random)
    return random.choice(
        [
            lambda: lrd.StepDecay(rate, random.choice([0.5, 0.9, 0.99999]), size),
            lambda: lrd.ExponentialDecay(rate, 10.0 ** random.uniform(-20, 0), staircase=True),
            lambda: lrd.InverseTimeDecay(
                rate, 10.0 ** random.uniform(-20, 1), staircase=random.random() < 0.5
            ),
            lambda: lrd.PolynomialDecay(
                rate, size, power=random.choice([1.0, 2.0, 0.5]), end_learning_rate=0.02, cycle=True
            ),
            lambda: lrd.PolynomialDecay(rate, size, cycle=True),
            lambda: ordinary(random.choice([*SINGLE_FORMULA_OF]), rate, size, random.choice([0.0, 0.01])),
            lambda: lrd.CosineAnnealing(rate, size),
            lambda: lrd.CosineRestarts(rate, size, t_mul=random.choice([1.0, 2.0]), m_mul=0.7),
            lambda: lrd.Cyclic(
                0.01, 0.11, size, mode=random.choice(["triangular", "triangular2", "exp_range"])
            ),
            lambda: lrd.Tabulated([some_rate(random) for _ in range(random.randint(1, 5))], every=size),
            lambda: lrd.WarmupStableDecay(rate, size, some_size(random), some_size(random)),
            lambda: lrd.CosineDecay(rate, size),
        ]
    )()


def some_composition(random: Random, depth: int) -> Any:
    if depth == 0:
        return some_leaf(random)
    schedule, size = some_composition(random, depth - 1), some_size(random)
    return random.choice(
        [
            lambda: schedule.warmup(size),
            lambda: schedule.then(some_leaf(random), at=size),
            lambda: schedule.restarted(size, random.choice([1.0, 1.0, 0.9])),
            lambda: schedule.clipped(0.005, 0.5),
            lambda: schedule.reversed(size),
            lambda: schedule.shifted(random.choice([-1, 1]) * size),
            lambda: schedule.per_epoch(size, random.random() < 0.7),
            lambda: schedule.stretched(to=size, of=size * random.choice([0.5, 3.0, 7.0])),
            lambda: schedule + some_leaf(random),
            lambda: schedule * some_leaf(random),
        ]
    )()


def at_steps(schedule: Any, steps: range) -> Any:
    return np.array([schedule(step) for step in steps])


def calls(schedule: Any, random: Random) -> Iterator[Call]:
    """Every method, each with steps from all over."""
    start = random.choice(
        [0, random.randrange(1000), random.randrange(2**60), 2**63 - random.randrange(1, 3000)]
    )
    stop = min(start + random.randint(1, 600), 2**63)
    far = max(1, (2**63 - start) // random.randint(1, 200))
    some = [0, start, 2**53 + 1, 2**62 + 1, LAST_STEP]
    yield (
        f"schedule({some})",
        lambda: schedule(np.array(some, np.uint64)),
        lambda rates: rates.tolist() == [schedule(step) for step in some],
    )
    for steps in (range(start, stop), range(start, 2**63, far), range(LAST_STEP, start, -far)):

        def are_right(rates: Any, steps: range = steps) -> bool:
            expected = at_steps(schedule, steps)
            return len(rates) == len(expected) and np.allclose(rates, expected, rtol=2.0**-51, atol=1e-290)

        arguments = steps.start, steps.stop, steps.step
        yield f"values{arguments}", lambda arguments=arguments: schedule.values(*arguments), are_right
    yield (
        f"chunks({start}, 2**63, 100)",
        lambda: next(schedule.chunks(start, 2**63, 100)),
        lambda rates: np.array_equal(rates, schedule.values(start, min(start + 100, 2**63))),
    )
    yield (
        f"sum({start}, {stop})",
        lambda: schedule.sum(start, stop),
        lambda total: math.isclose(
            total, math.fsum(at_steps(schedule, range(start, stop)).tolist()), rel_tol=2e-15, abs_tol=1e-280
        ),
    )
    for method in (schedule.sum, schedule.mean):
        yield f"{method.__name__}({start}, 2**63)", lambda method=method: method(start, 2**63), math.isfinite
    rate = random.choice([1e-3, 0.05, 1e-17, 0.01, schedule(start)])
    yield (
        f"first_step_below({rate})",
        lambda: schedule.first_step_below(rate),
        lambda step: (
            not (at_steps(schedule, range(200)) < rate).any()
            if step is None
            else schedule(step) < rate and (step == 0 or schedule(step - 1) >= rate)
        ),
    )
    yield (
        f"last_step_above({rate})",
        lambda: schedule.last_step_above(rate),
        lambda step: (
            not (at_steps(schedule, range(200)) > rate).any()
            if step is None
            else schedule(step) > rate and (step == LAST_STEP or schedule(step + 1) <= rate)
        ),
    )
    yield "length", lambda: schedule.length, lambda length: length is None or length >= 0
    size = some_size(random)
    yield f"stretched({size})", lambda: schedule.stretched(size)(start), lambda rate: rate >= 0.0
    yield f"continued(1, {size})", lambda: schedule.continued(1, size)(start), lambda rate: rate >= 0.0
    yield "to_json()", lambda: lrd.from_json(schedule.to_json()), lambda again: again == schedule


def wrong(call: Call) -> str | None:
    """What is wrong with a call; None for right values, and for an error that is documented."""
    name, evaluate, is_right = call
    try:
        with within(60):
            result = evaluate()
    except (ValueError, TypeError):
        return None
    except Exception as error:
        return f"{name}: {error!r}"
    return None if is_right(result) else f"{name}: {result!r}"


@pytest.mark.parametrize("part", range(8))
def test_any_schedule_anywhere(part: int, random: Random, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is added one by one may take minutes.
    for name, most in {"MOST_STEPS": 2**20, "MOST_CYCLES": 2**10, "MOST_STRETCHES": 2**16}.items():
        monkeypatch.setattr(summation, name, most, raising=False)
    for _ in range(draws(25)):
        try:
            schedule = some_composition(random, random.randint(0, 3))
        except ValueError:
            continue
        for call in calls(schedule, random):
            found = wrong(call)
            assert found is None, f"{schedule!r}.{found}"


class TestExamples:
    def test_more_runs_than_steps(self) -> None:
        """Step 33 is the first in restart 44: 0.1 * 0.9**44 is below 1e-3."""
        epochs = lrd.CosineDecay(0.1, 100).restarted(3, 0.9).per_epoch(0.25, staircase=True)
        assert epochs.first_step_below(1e-3) == next(step for step in range(99) if epochs(step) < 1e-3)

    def test_more_restarts_than_an_integer_counts(self) -> None:
        product = (lrd.CosineDecay(0.1, 10) * lrd.Cyclic(0.1, 0.2, 3)).restarted(0.5)
        assert product.values(0, 2**63, 2**61).tolist() == [product(k * 2**61) for k in range(4)]

    @pytest.mark.parametrize("arguments", [(2**63,), (0, 2**63, 15), (2**63 - 1, -1, -1), (1, 2**63)])
    def test_more_values_than_an_array_has(self, arguments: tuple[int, ...]) -> None:
        with pytest.raises(
            ValueError, match=r"steps, and an array has up to \d+; chunks makes array after array"
        ):
            lrd.CosineDecay(0.1, 10).values(*arguments)

    def test_a_plot_of_all_steps(self) -> None:
        matplotlib = pytest.importorskip("matplotlib")
        matplotlib.use("agg")
        from matplotlib.figure import Figure

        axes = lrd.CosineDecay(0.1, 2**63).plot(2**63, ax=Figure().subplots())
        steps = axes.lines[0].get_xdata()
        assert steps[0] == 0
        assert steps[-1] == LAST_STEP
        assert (np.diff(steps) > 0).all()

    def test_runs_longer_than_all_steps(self) -> None:
        product = lrd.ExponentialDecay(0.3, 1e-10, staircase=True) * lrd.CosineDecay(0.01, 5e-97)
        assert product.per_epoch(2**63, staircase=True).first_step_below(0.1) == 0
        assert product.per_epoch(2**63, staircase=True).first_step_below(1e-9) is None

    @pytest.mark.parametrize("by", [3.14159, 2**62, 2**63, 1e30, 1e60])
    def test_runs_that_are_far_out(self, by: float) -> None:
        """Their numbers are above 2**63, while the steps aren't."""
        for period in (1, 2.5, 2**40 + 0.5):
            slow = lrd.InverseTimeDecay(0.1, 1 / period / by, decay_steps=period, staircase=True).shifted(-by)
            for schedule in (slow, slow * lrd.Cyclic(0.5, 1.0, 2 * period), slow.restarted(2**61)):
                some = range(2**63 - 500, 2**63)
                rates = at_steps(schedule, some)
                assert schedule.values(some.start, some.stop) == pytest.approx(rates, rel=2.0**-52)
                assert schedule.sum(some.start, some.stop) == pytest.approx(
                    math.fsum(rates.tolist()), rel=2e-15
                )
                last = schedule.last_step_above(math.nextafter(float(rates[-1]), 0.0))
                assert last == LAST_STEP
            # Every run is as long as the others, and the rates are those of a line there.
            whole = slow.mean(0, 2**63)
            assert slow(2**63 - 1) < whole < slow(0) or slow(0) == slow(2**63 - 1)
