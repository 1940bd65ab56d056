"""Whole numbers below lines, against those counted one by one."""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random

from draws import draws
from hypothesis import given
from hypothesis import strategies as st

from lrdecay_native.evaluation.lattice_points import Line, Strip, sum_of_floors, word

numbers = st.fractions(min_value=-50, max_value=50, max_denominator=40)
lines = st.builds(Line, numbers, numbers)


def floor(line: Line, number: int) -> int:
    return math.floor(line.offset + line.slope * number)


@given(lines, st.integers(-20, 20), st.integers(0, 60))
def test_sums_of_floors(line: Line, start: int, count: int) -> None:
    counted = sum(floor(line, number) for number in range(start, start + count))
    assert sum_of_floors(line, start, start + count) == counted


@given(lines, numbers.map(abs), numbers.map(lambda x: abs(x) / 500), st.integers(0, 20), st.integers(0, 60))
def test_points_in_a_strip(line: Line, height: Fraction, growth: Fraction, start: int, count: int) -> None:
    upper = Line(line.offset + height / 100, line.slope + growth)
    strip = Strip(line, upper, start, start + count)
    found = [number for number in range(start, start + count) if floor(upper, number) > floor(line, number)]
    assert strip.first() == (found[0] if found else None)
    assert strip.last() == (found[-1] if found else None)


@given(numbers, numbers.map(abs), st.integers(0, 40), st.integers(0, 5), st.integers(0, 1))
def test_words(offset: Fraction, slope: Fraction, columns: int, degree: int, of_points: int) -> None:
    line = Line(offset, slope)
    counted = word(line, columns, degree=degree, of_points=of_points)
    ends = [floor(line, number) for number in range(columns + 1)]
    points = [(point, column) for column in range(columns) for point in range(ends[column], ends[column + 1])]
    assert counted.points == len(points)
    assert counted.columns == columns
    for a, sums in enumerate(counted.sums):
        assert sums == [sum((x - ends[0]) ** a * y**b for x, y in points) for b in range(degree + 1)]
    for a, sums in enumerate(counted.seen_from_the_middle()):
        middle = [
            sum((x - ends[0]) ** a * (2 * y + 1 - columns) ** b for x, y in points) for b in range(degree + 1)
        ]
        assert sums == middle


def test_of_very_many(random: Random) -> None:
    """The steps in the runs of a staircase: as many as there are up to the last run's end."""
    for _ in range(draws(50)):
        line = Line(Fraction(random.random()), Fraction(random.uniform(1.0, 1e6)))
        count = random.randrange(2**62)
        runs = word(line, count, degree=1, of_points=0)
        assert runs.points == floor(line, count)
        # Step by step and run by run: the steps before each run's end, and those of the runs behind it.
        ends = sum_of_floors(line, 1, count + 1)
        assert runs.sums[0][1] + ends == count * floor(line, count)
