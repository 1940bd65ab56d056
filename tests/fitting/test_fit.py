"""`fit` against closed forms in mpmath, and against the schedules that points were taken from."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, fields, replace
from random import Random
from typing import Any

import numpy as np
import pytest
from draws import draws, examples
from hypothesis import Phase, given
from hypothesis import strategies as st
from reference import SCHEDULES, SINGLE_FORMULA_OF, mp, ordinary, real, spread, true_rate

import lrdecay_native as lrd
from lrdecay_native.fitting.fit import fit

FROM_A_TENTH = [(0, 0.1), (90, 0.001)]


def documented_distance(schedule: Any, step: float, rate: float, solved: tuple[str, ...]) -> Any:
    """How far the true rate may be from a point: what the documentation says, and half an ulp of rounding."""
    truth = true_rate(schedule, real(step))
    distance = 2.5 * mp.mpf(math.ulp(rate))
    for name in solved:
        value = getattr(schedule, name)
        neighbours = []
        for neighbour in (math.nextafter(value, math.inf), math.nextafter(value, -math.inf)):
            try:
                neighbours.append(replace(schedule, **{name: neighbour}))
            except ValueError:
                continue
        distance += max((abs(true_rate(other, real(step)) - truth) for other in neighbours), default=mp.zero)
    return distance * (1 + mp.mpf(1e-4))


def assert_passes(schedule: Any, points: Any, solved: tuple[str, ...]) -> None:
    for step, rate in points:
        missed = abs(true_rate(schedule, real(step)) - real(rate))
        assert missed <= documented_distance(schedule, step, rate, solved), (schedule, step, rate)


def near(value: float, truth: Any, ulps: int = 4) -> bool:
    return bool(abs(real(value) - truth) <= ulps * math.ulp(float(truth)))


# Closed forms.


def test_step_decay_from_a_tenth_in_90_epochs() -> None:
    s = fit(lrd.StepDecay, FROM_A_TENTH, step_size=1, staircase=False)
    assert s.initial_learning_rate == 0.1
    assert near(s.drop_rate, (real(0.001) / real(0.1)) ** (mp.one / 90), 1)
    assert (s.step_size, s.staircase) == (1, False)
    assert type(s.step_size) is int


def test_step_decay_over_its_whole_length_is_exact() -> None:
    assert fit(lrd.StepDecay, FROM_A_TENTH, step_size=90, staircase=False) == lrd.StepDecay(
        0.1, 0.01, 90, staircase=False
    )


def test_exponential_decay() -> None:
    s = fit(lrd.ExponentialDecay, FROM_A_TENTH)
    assert s.initial_learning_rate == 0.1
    assert near(s.decay_rate, mp.log(real(0.1) / real(0.001)) / 90, 1)
    assert (s(0), s(90)) == (0.1, 0.001)


def test_inverse_time_decay() -> None:
    s = fit(lrd.InverseTimeDecay, FROM_A_TENTH)
    assert s.initial_learning_rate == 0.1
    assert near(s.decay_rate, (real(0.1) / real(0.001) - 1) / 90, 2)


def test_period_of_the_class_stays_and_sets_the_unit() -> None:
    s = fit(lrd.ExponentialDecay, FROM_A_TENTH, step_size=1000)
    assert s.step_size == 1000
    assert type(s.step_size) is int
    assert near(s.decay_rate, mp.log(real(0.1) / real(0.001)) * 1000 / 90, 1)


def test_power_through_a_midpoint() -> None:
    s = fit(lrd.PolynomialDecay, [(30, 0.02)], initial_learning_rate=0.1, max_step=100, unknown=["power"])
    assert near(s.power, mp.log(real(0.02) / real(0.1)) / mp.log(mp.mpf(7) / 10), 2)


def test_step_at_which_a_line_ends() -> None:
    s = fit(lrd.PolynomialDecay, [(30, 0.04)], initial_learning_rate=0.1)
    assert near(s.max_step, 30 * real(0.1) / (real(0.1) - real(0.04)), 2)


def test_line_through_two_points_away_from_step_0() -> None:
    s = fit(lrd.PolynomialDecay, [(10, 0.1), (50, 0.025)])
    assert near(s.initial_learning_rate, real(0.1) + (real(0.1) - real(0.025)) / 4)
    assert_passes(s, [(10, 0.1), (50, 0.025)], ("initial_learning_rate", "max_step"))


def test_exponential_decay_through_two_points_away_from_step_0() -> None:
    points = [(70, 0.01), (20, 0.05)]
    s = fit(lrd.ExponentialDecay, points)
    rate = mp.log(real(0.05) / real(0.01)) / 50
    assert near(s.decay_rate, rate)
    assert near(s.initial_learning_rate, real(0.05) * mp.exp(20 * rate))
    assert_passes(s, points, ("initial_learning_rate", "decay_rate"))


def test_period_of_a_given_drop() -> None:
    s = fit(lrd.StepDecay, [(90, 0.001)], initial_learning_rate=0.1, drop_rate=0.5, staircase=False)
    assert near(s.step_size, 90 * mp.log(0.5) / mp.log(real(0.001) / real(0.1)), 2)


def test_three_parameters_through_three_points() -> None:
    points = [(0, 0.1), (50, 0.025), (100, 0.001)]
    s = fit(lrd.PolynomialDecay, points, max_step=100, unknown=["power", "end_learning_rate"])
    assert s.initial_learning_rate == 0.1
    assert s.end_learning_rate == 0.001
    assert near(s.power, -mp.log((real(0.025) - real(0.001)) / (real(0.1) - real(0.001)), 2))


def test_drop_rate_very_near_1() -> None:
    points = [(0, 0.1), (2**40, 0.001)]
    s = fit(lrd.StepDecay, points, step_size=1, staircase=False)
    assert s.initial_learning_rate == 0.1
    assert_passes(s, points, ("initial_learning_rate", "drop_rate"))
    assert fit(lrd.StepDecay, points, step_size=2**40, staircase=False)(2**40) == 0.001


def test_rate_that_stays_the_same() -> None:
    points = [(0, 0.1), (90, 0.1)]
    assert fit(lrd.ExponentialDecay, points) == lrd.ExponentialDecay(0.1, 0.0)
    assert fit(lrd.InverseTimeDecay, points) == lrd.InverseTimeDecay(0.1, 0.0)
    assert fit(lrd.StepDecay, points, step_size=1) == lrd.StepDecay(0.1, 1.0, 1)


def test_rate_of_zero() -> None:
    s = fit(lrd.PolynomialDecay, [(0, 0.1), (100, 0)], max_step=100, unknown=["end_learning_rate"])
    assert s == lrd.PolynomialDecay(0.1, 100)


def test_rate_that_rises_to_an_end_above() -> None:
    s = fit(lrd.PolynomialDecay, [(0, 0.1), (50, 0.2)], max_step=100, unknown=["end_learning_rate"])
    assert near(s.end_learning_rate, 2 * real(0.2) - real(0.1))


def test_compositions() -> None:
    decay = lrd.ExponentialDecay(0.1, 0.01)
    assert fit(lrd.Warmup, [(50, 0.05)], schedule=decay).steps == 100
    assert fit(lrd.Clipped, [(500, 0.05)], schedule=decay, unknown=["lowest"]).lowest == 0.05
    factor = fit(lrd.Scaled, [(50, 0.05)], schedule=decay).factor
    assert near(factor, real(0.05) / true_rate(decay, mp.mpf(50)))


def test_numbers_of_numpy_and_any_order() -> None:
    plain = fit(lrd.ExponentialDecay, FROM_A_TENTH)
    points = np.array(FROM_A_TENTH)[::-1]
    assert fit(lrd.ExponentialDecay, points) == plain
    assert fit(lrd.ExponentialDecay, iter([(np.int64(90), np.float64(0.001)), (0.0, 0.1)])) == plain


# Schedules that points were taken from.

rates = st.floats(-6, 2).map(lambda exponent: 10.0**exponent)
spans = st.integers(2, 10**6)
fractions = st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3, unique_by=lambda x: round(64 * x))


@st.composite
def step_decays(draw: Any) -> tuple[Any, float]:
    span = draw(spans)
    period = draw(st.sampled_from([1, span, span / 3]))
    # What is left after the span.
    left = draw(st.floats(1e-4, 0.9))
    return lrd.StepDecay(draw(rates), left ** (period / span), period, staircase=False), span


@st.composite
def rate_decays(draw: Any, cls: type[Any]) -> tuple[Any, float]:
    span, period = draw(spans), draw(st.sampled_from([1, 7, 1000]))
    unit = {"step_size" if cls is lrd.ExponentialDecay else "decay_steps": period}
    return cls(draw(rates), draw(st.floats(0.1, 9.0)) * period / span, **unit), span


@st.composite
def polynomial_decays(draw: Any) -> tuple[Any, float]:
    span, initial = draw(spans), draw(rates)
    end = draw(st.sampled_from([0.0, 0.01, 3.0])) * initial
    power = draw(st.floats(0.3, 5.0))
    # The points are taken from the part before the end.
    return lrd.PolynomialDecay(initial, span / 0.9, power=power, end_learning_rate=end), span


@st.composite
def ordinary_decays(draw: Any, name: str) -> tuple[Any, float]:
    span = draw(spans)
    # The points are taken from the part before the end.
    return ordinary(name, draw(rates), span / 0.9), span


@st.composite
def power_laws(draw: Any) -> tuple[Any, float]:
    span = draw(spans)
    return lrd.PowerLawDecay(draw(rates), draw(st.floats(0.2, 3.0)), decay_steps=span / 5), span


FAMILIES: list[tuple[Callable[[], st.SearchStrategy[Any]], tuple[str, ...]]] = [
    (step_decays, ("initial_learning_rate", "drop_rate")),
    (step_decays, ("initial_learning_rate", "step_size")),
    (step_decays, ("drop_rate",)),
    (lambda: rate_decays(lrd.ExponentialDecay), ("initial_learning_rate", "decay_rate")),
    (lambda: rate_decays(lrd.ExponentialDecay), ("initial_learning_rate", "step_size")),
    (lambda: rate_decays(lrd.InverseTimeDecay), ("initial_learning_rate", "decay_rate")),
    (lambda: rate_decays(lrd.InverseTimeDecay), ("decay_steps",)),
    (polynomial_decays, ("initial_learning_rate", "max_step")),
    (polynomial_decays, ("initial_learning_rate", "power")),
    (polynomial_decays, ("initial_learning_rate", "end_learning_rate")),
    (polynomial_decays, ("power",)),
    (polynomial_decays, ("initial_learning_rate", "power", "end_learning_rate")),
    *(
        (lambda name=name: ordinary_decays(name), ("initial_learning_rate", entry.period))
        for name, entry in SINGLE_FORMULA_OF.items()
        if entry.monotone and hasattr(entry.example, entry.period)
    ),
    (power_laws, ("initial_learning_rate", "power")),
]


@pytest.mark.parametrize(
    ("family", "names"),
    FAMILIES,
    ids=[f"{number}-{'-'.join(names)}" for number, (_, names) in enumerate(FAMILIES)],
)
def test_passes_through_points_of_a_schedule(
    family: Callable[[], st.SearchStrategy[Any]], names: tuple[str, ...]
) -> None:
    # A smaller example of what fails tells no more, and takes minutes.
    @examples(10, phases=[Phase.explicit, Phase.reuse, Phase.generate])
    @given(family(), fractions, st.booleans())
    def check(schedule_and_span: Any, places: list[float], whole: bool) -> None:
        schedule, span = schedule_and_span
        steps = [(math.floor if whole else float)((0.02 + 0.96 * place) * span) for place in places]
        steps = sorted(set(steps))[: len(names)]
        points = [(step, schedule(step)) for step in steps]
        if len(points) < len(names) or len({rate for _, rate in points}) < len(names):
            return
        known = {
            name: value
            for name, value in schedule.to_dict().items()
            if name not in (*names, "class", "version")
        }
        if names == ("power",) and steps == [0]:
            return
        if "initial_learning_rate" not in names and steps == [0]:
            return
        fitted = fit(type(schedule), points, unknown=names, **known)
        assert type(fitted) is type(schedule)
        for name, value in known.items():
            assert getattr(fitted, name) == value
        assert_passes(fitted, points, names)

    check()


# What has no solution, or many, or is hard to find: each search ends.

LONGEST = 8.0
"""Seconds of computation, whatever else the machine does; the search gives up earlier, between two evaluations."""


@contextmanager
def watched(what: Any) -> Iterator[None]:
    """Fail where a computation takes so long that it may never end."""

    def fail(*_: Any) -> None:
        raise AssertionError(f"{what} takes more than {LONGEST} seconds")

    before = signal.signal(signal.SIGVTALRM, fail)
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)


NEVER_ZERO: list[tuple[type[Any], dict[str, Any]]] = [
    (lrd.ExponentialDecay, {}),
    (lrd.ExponentialDecay, {"step_size": 7, "staircase": True}),
    (lrd.InverseTimeDecay, {}),
    (lrd.PowerLawDecay, {}),
    (lrd.InverseSquareRootDecay, {}),
    (lrd.TanhDecay, {}),
    (lrd.StepDecay, {"step_size": 10}),
    (lrd.StepDecay, {"drop_rate": 0.5, "staircase": False}),
    (lrd.PolynomialDecay, {"end_learning_rate": 0.01}),
    (lrd.CosineDecay, {"end_learning_rate": 0.01}),
    (lrd.Stretched, {"schedule": lrd.ExponentialDecay(0.1, 0.01)}),
]


@pytest.mark.parametrize(("cls", "known"), NEVER_ZERO)
def test_a_class_that_is_never_0(cls: Any, known: dict[str, Any], random: Random) -> None:
    for _ in range(2):
        step, initial = random.randrange(1, 10**6), spread(random, 1e-6, 1.0)
        with (
            watched((cls, step)),
            pytest.raises(
                ValueError, match=rf"at step {step} the rate of every {cls.__name__} .* is above 0"
            ),
        ):
            fit(cls, [(0, initial), (step, 0.0)], **known)


def test_the_fit_that_had_no_end() -> None:
    points = [(113, 1.7318995956833534e-05), (115, 4.404546088612621e-06), (136, 3.2436306214033954e-06)]
    assert_ends(lrd.Cyclic, points, ("base_learning_rate", "max_learning_rate", "step_size_up"), {})


def assert_ends(cls: Any, points: list[tuple[float, float]], unknown: tuple[str, ...], known: Any) -> bool:
    """Whether there is a schedule through the points; if not, there is a reason."""
    with watched((cls, points, unknown, known)):
        try:
            fitted = fit(cls, points, unknown=unknown, **known)
        except ValueError as error:
            reason = str(error)
        else:
            reason = ""
    if reason:
        assert str(points[0][1]) in reason or any(name in reason for name in known), reason
        return False
    assert_passes(fitted, points, unknown)
    return True


def numeric_parameters(schedule: Any) -> list[str]:
    return [
        each.name
        for each in fields(schedule)
        if "float" in each.type.split(" | ") and getattr(schedule, each.name) is not None
    ]


def some_problem(random: Random) -> tuple[Any, list[tuple[float, float]], tuple[str, ...], dict[str, Any]]:
    """A class, points, and which parameters are to be found beside some that are known."""
    while True:
        schedule = SCHEDULES[random.choice(sorted(SCHEDULES))].make(random)
        names = numeric_parameters(schedule)
        required = [each.name for each in fields(schedule) if each.default is MISSING and each.name in names]
        unknown = random.choice([required, random.sample(names, min(random.randint(1, 4), len(names)))])
        highest = random.choice([10, 1000, 10**6, 2**40, 2**63 - 1])
        steps = sorted({random.randint(0, highest) for _ in unknown})
        rates = some_rates(random, schedule, steps) if steps else []
        if steps and len(steps) == len(unknown) and all(r == 0 or 1e-100 <= r <= 1e100 for r in rates):
            known = {each.name: getattr(schedule, each.name) for each in fields(schedule)}
            known = {name: value for name, value in known.items() if name not in unknown}
            return type(schedule), list(zip(steps, rates, strict=True)), tuple(unknown), known


def some_rates(random: Random, schedule: Any, steps: list[int]) -> list[float]:
    kind = random.choice(["true", "near", "noise", "falling", "one 0", "all 0", "equal", "extreme"])
    if kind in ("true", "near"):
        return [schedule(step) * (1.0 + (kind == "near") * random.uniform(-1e-3, 1e-3)) for step in steps]
    rates = [spread(random, 1e-6, 1.0) for _ in steps]
    match kind:
        case "falling":
            rates.sort(reverse=True)
        case "one 0":
            rates[random.randrange(len(rates))] = 0.0
        case "all 0" | "equal":
            rates = [0.0 if kind == "all 0" else rates[0]] * len(rates)
        case "extreme":
            rates = [spread(random, 1e-100, 1e100) for _ in rates]
    return rates


@pytest.mark.parametrize("number", range(draws(1000, ci=25)))
def test_every_search_ends(number: int, random: Random) -> None:
    assert_ends(*some_problem(random))


def test_a_point_that_only_a_jump_goes_past() -> None:
    """Right at the step where the schedules are joined, and above both: none of its steps has that rate."""
    known = {
        "schedule": lrd.OneMinusSquareRootDecay(0.07285335133390218, 138.5),
        "other": lrd.LinearDecay(3.6e-17, 1711, end_learning_rate=4.9e-20),
    }
    with pytest.raises(ValueError, match=r"0\.0739"):
        fit(lrd.Joined, [(605798138986, 0.07396019778685535)], unknown=["at"], **known)


# Errors.


@pytest.mark.parametrize(
    ("cls", "points", "keywords", "message"),
    [
        (lrd.ExponentialDecay, [(0, 0.1), (90, 0.2)], {}, r"\(90, 0.2\).*rise from step 0 to step 90"),
        (
            lrd.StepDecay,
            [(0, 0.1), (9, 0.2)],
            {"step_size": 1},
            r"rise from step 0 to step 9, where no StepDecay",
        ),
        (
            lrd.PolynomialDecay,
            [(0, 0.1), (100, 0.05)],
            {"max_step": 50, "unknown": ["power"]},
            "after the end",
        ),
        (
            lrd.PolynomialDecay,
            [(0, 0.1), (100, 0)],
            {},
            "do not determine PolynomialDecay: .*max_step=100.0 and",
        ),
        (
            lrd.StepDecay,
            [(0, 0.1), (10, 0.01), (20, 0.001)],
            {"staircase": False},
            "do not determine StepDecay: .*stand for each other: give drop_rate or step_size",
        ),
        (
            lrd.StepDecay,
            [(90, 0.003)],
            {"initial_learning_rate": 0.1, "drop_rate": 0.1},
            r"no StepDecay found .*the nearest found is StepDecay\(.* with \[\(90, 0.0.*staircase",
        ),
        (
            lrd.InverseTimeDecay,
            [(0, 0.1), (1, 0.099), (2, 0.01)],
            {"unknown": ["decay_steps"]},
            "no InverseTimeD",
        ),
        (lrd.StepDecay, FROM_A_TENTH, {}, r"3 \(initial_learning_rate, drop_rate, step_size\), not 2"),
        (lrd.StepDecay, [(0, 0.1)], {"step_size": 1}, r"2 \(initial_learning_rate, drop_rate\), not 1"),
        (lrd.ExponentialDecay, [], {"initial_learning_rate": 1.0, "decay_rate": 1.0, "unknown": []}, None),
        (
            lrd.ExponentialDecay,
            [(0, 1)],
            {"initial_learning_rate": 1.0, "decay_rate": 1.0},
            r"0 \(none\), not 1",
        ),
        (
            lrd.StepDecay,
            [(5, 0.1), (5.0, 0.2)],
            {"step_size": 1},
            r"\(5, 0.1\), \(5.0, 0.2\)\] are at the same",
        ),
        (lrd.StepDecay, FROM_A_TENTH, {"step_size": -1}, "step_size=-1 must be positive"),
        (lrd.StepDecay, [(-1, 0.1), (9, 0.01)], {"step_size": 1}, r"points\[0\]\[0\]=-1 must be a step"),
        (lrd.StepDecay, [(0, 0.1), (2**63, 0.01)], {"step_size": 1}, r"points\[1\]\[0\]=.* must be a step"),
        (lrd.StepDecay, [(0, math.nan), (9, 0.01)], {"step_size": 1}, r"points\[0\]\[1\]=nan must be finite"),
        (
            lrd.StepDecay,
            [(0, -0.1), (9, 0.01)],
            {"step_size": 1},
            r"points\[0\]\[1\]=-0.1 must be 0, or from",
        ),
        (
            lrd.StepDecay,
            FROM_A_TENTH,
            {"step_size": 1, "unknown": ["step_size"]},
            r"step_size=1 is given, so unknown=\['step_size'\]",
        ),
    ],
)
def test_refuses(cls: Any, points: Any, keywords: dict[str, Any], message: str | None) -> None:
    if message is None:
        keywords = {name: value for name, value in keywords.items() if name != "unknown"}
        assert fit(cls, points, **keywords) == cls(**keywords)
        return
    with pytest.raises(ValueError, match=message):
        fit(cls, points, **keywords)


@pytest.mark.parametrize(
    ("cls", "points", "keywords", "message"),
    [
        (
            lrd.StepDecay,
            FROM_A_TENTH,
            {"period": 1},
            "'period' is no parameter of StepDecay; it has initial_lear",
        ),
        (lrd.StepDecay, FROM_A_TENTH, {"unknown": ["period"]}, "'period' is no parameter of StepDecay"),
        (
            lrd.StepDecay,
            FROM_A_TENTH,
            {"unknown": "step_size"},
            r"must be a list of names, such as \['step_size'\]",
        ),
        (lrd.StepDecay, FROM_A_TENTH, {"unknown": ["staircase"]}, "StepDecay.staircase is not a number"),
        (lrd.StepDecay, FROM_A_TENTH, {"step_size": "1"}, "step_size='1' must be a real number"),
        (lrd.Scaled, [(50, 0.05)], {}, "schedule must be given"),
        (
            lrd.OneCycle,
            [(50, 0.05)],
            {},
            "total_steps must be given, as OneCycle.total_steps is not a number",
        ),
        (lrd.StepDecay, [1, 2], {"step_size": 1}, r"points=\[1, 2\] must be pairs"),
        (lrd.StepDecay, 5, {"step_size": 1}, "points=5 must be pairs"),
        (
            lrd.StepDecay,
            [("0", 0.1), (1, 0.2)],
            {"step_size": 1},
            r"points\[0\]\[0\]='0' must be a real number",
        ),
        (lrd.StepDecay, [(False, 0.1), (1, 0.2)], {"step_size": 1}, r"points\[0\]\[0\]=False must be a real"),
        (lrd.Schedule, FROM_A_TENTH, {}, "must be a schedule class"),
        (lrd.step_decay, FROM_A_TENTH, {}, "must be a schedule class, such as StepDecay"),
        (lrd.StepDecay(0.1, 0.5, 1), FROM_A_TENTH, {}, "must be a schedule class, such as StepDecay"),
    ],
)
def test_refuses_kinds(cls: Any, points: Any, keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        fit(cls, points, **keywords)
