"""What is stated of each map of the step, against the map itself in exact numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrdecay_native.evaluation.points.array_namespaces import mapped
from lrdecay_native.evaluation.points.far_steps import Places, rates
from lrdecay_native.formulas.catalogue import COMPOSITION_MAPS, STEP_MAPS, TIME_MAPS
from lrdecay_native.formulas.registry import Line, StepMap, Value, step_map, time_map
from lrdecay_native.piecewise.pieces import TimeMap

positive = st.fractions(Fraction(1, 1000), 1000, max_denominator=1000)
times = st.just(Fraction(0)) | positive | st.integers(0, 2000).map(Fraction)
every_map = pytest.mark.parametrize("known", STEP_MAPS.values(), ids=STEP_MAPS)
with_a_line = pytest.mark.parametrize(
    "known", [known for known in STEP_MAPS.values() if known.line is not None], ids=lambda known: known.name
)


class Exact:
    """Fractions as a namespace."""

    asarray = Fraction
    floor = staticmethod(lambda x: Fraction(math.floor(x)))
    ceil = staticmethod(lambda x: Fraction(math.ceil(x)))
    minimum = staticmethod(min)
    maximum = staticmethod(max)


def exactly(known: StepMap, t: Fraction, parameter: Fraction) -> Any:
    return known.function(Exact, t, parameter)


def line_of(known: StepMap, parameter: Fraction) -> Line:
    assert known.line is not None
    return known.line(parameter)


@with_a_line
@given(t=times, parameter=positive)
def test_lines(known: StepMap, t: Fraction, parameter: Fraction) -> None:
    x, (origin, size) = exactly(known, t, parameter), line_of(known, parameter)
    rest = t - (origin + size * x)
    if known.floors:
        assert x.denominator == 1
        assert 0 <= rest < size
    elif rest:
        # Beyond a bound it stays the same.
        assert known.bounded
        further = t + (1 if rest > 0 else -1) * Fraction(1, 10**6)
        assert exactly(known, further, parameter) == x


@pytest.mark.parametrize(
    "known", [known for known in STEP_MAPS.values() if known.bounded], ids=lambda k: k.name
)
def test_bounds_are_reached(known: StepMap) -> None:
    values = [exactly(known, Fraction(t), Fraction(3)) for t in range(10)]
    assert len(set(values)) < len(values)


@every_map
@given(parameter=positive)
def test_what_moves(known: StepMap, parameter: Fraction) -> None:
    if known.moves:
        assert abs(line_of(known, parameter).size) == 1
        assert line_of(known, parameter).origin == parameter
    elif known.line is not None:
        assert line_of(known, parameter).origin == 0
        assert {abs(line_of(known, p).size) for p in (Fraction(3), Fraction(1, 3))} == {3, Fraction(1, 3)}


@every_map
@given(t=times, parameter=positive, multiple=st.integers(1, 100))
def test_what_jumps(known: StepMap, t: Fraction, parameter: Fraction, multiple: int) -> None:
    """Next to each other values are near, but for maps that jump, at multiples of the parameter."""
    if known.jumps:
        place = parameter * multiple
        at = [exactly(known, place + side * Fraction(1, 10**9), parameter) for side in (-1, 0, 1)]
        assert max(at) - min(at) > Fraction(1, 10**4)
    elif known.line is not None:
        before, behind = exactly(known, t, parameter), exactly(known, t + Fraction(1, 10**9), parameter)
        assert abs(behind - before) <= Fraction(1, 10**9) / abs(line_of(known, parameter).size)


@every_map
@given(t=times, later=positive, parameter=positive)
def test_what_is_monotone(known: StepMap, t: Fraction, later: Fraction, parameter: Fraction) -> None:
    first, last = t, t + later
    if known.cycles:
        # From behind a multiple of the parameter up to the next.
        cycle = max(math.ceil(first / parameter), 1)
        last = min(last, cycle * parameter)
        assert exactly(known, first, parameter) == first / (cycle * parameter) <= 1
    low, high = (
        (exactly(known, first, parameter), exactly(known, last, parameter))
        if known.inverse is None
        else (float(first) ** float(parameter / 10), float(last) ** float(parameter / 10))
    )
    falls = known.line is not None and line_of(known, parameter).size < 0
    assert low >= high if falls else low <= high


@pytest.mark.parametrize(
    "known", [known for known in STEP_MAPS.values() if known.inverse], ids=lambda k: k.name
)
@given(x=st.floats(1e-3, 1e3), parameter=st.floats(0.1, 10.0))
def test_inverses(known: StepMap, x: float, parameter: float) -> None:
    assert known.inverse is not None
    assert known.function(np, known.inverse(x, parameter), parameter) == pytest.approx(x, rel=1e-9)
    assert known.inverse(0.0, parameter) == 0.0


@with_a_line
@given(ts=st.lists(times, min_size=1, max_size=5), parameter=positive)
def test_far_out_they_are_the_same(known: StepMap, ts: list[Fraction], parameter: Fraction) -> None:
    """The maps of exact places, which have a common denominator."""
    denominator = math.lcm(*(t.denominator for t in ts))
    numerators = np.empty(len(ts), object)
    numerators[:] = [int(t * denominator) for t in ts]
    high, low = rates((TimeMap(known.name, parameter),), Places(numerators, denominator))
    for t, *pair in zip(ts, high.tolist(), low.tolist(), strict=True):
        truth = exactly(known, t, parameter)
        assert abs(sum(map(Fraction, pair)) - truth) <= abs(truth) / 2**100


@pytest.mark.parametrize(
    "known", [known for known in STEP_MAPS.values() if known.inverse is None], ids=lambda known: known.name
)
@given(t=times, parameter=positive)
def test_in_an_array_namespace_they_are_the_same(known: StepMap, t: Fraction, parameter: Fraction) -> None:
    """Floors and ceilings too, where float64 holds the step and the parameter."""
    step, held = Fraction(round(t * 64), 64), Fraction(max(round(parameter * 64), 1), 64)
    value = mapped(np, known.name, np.float64(float(step)), held)
    truth = exactly(known, step, held)
    assert abs(Fraction(float(value)) - truth) <= abs(truth) / 2**50


def test_every_map_of_the_step_is_described() -> None:
    assert TIME_MAPS.keys() <= STEP_MAPS.keys() <= TIME_MAPS.keys() | COMPOSITION_MAPS.keys()
    with pytest.raises(KeyError, match="raised"):
        _ = TimeMap("raised", Fraction(1)).known


def no_map(xp: Any, t: Value, period: Value) -> Value:
    return t / period


class TestForgotten:
    """A map that does not say what it is isn't entered."""

    @pytest.mark.parametrize("missing", ["line", "moves", "bounded", "floors", "cycles"])
    @pytest.mark.parametrize("register", [step_map, lambda **said: time_map("t / period", **said)])
    def test_facts(self, missing: str, register: Callable[..., Any]) -> None:
        said = {
            "line": lambda p: Line(0, p),
            "moves": False,
            "bounded": False,
            "floors": False,
            "cycles": False,
        }
        del said[missing]
        with pytest.raises(TypeError, match=f"missing 1 required keyword-only argument: '{missing}'"):
            register(**said)(no_map)
        assert "no_map" not in STEP_MAPS
        assert "no_map" not in TIME_MAPS

    @pytest.mark.parametrize(
        ("line", "floors", "cycles"),
        [(None, False, False), (None, True, True), (lambda p: Line(0, p), False, True)],
    )
    def test_facts_that_contradict_each_other(self, line: Any, floors: bool, cycles: bool) -> None:
        with pytest.raises(ValueError, match="no_map must have a line, or cycles, or an inverse"):
            step_map(line=line, moves=False, bounded=False, floors=floors, cycles=cycles)(no_map)
        assert "no_map" not in STEP_MAPS
