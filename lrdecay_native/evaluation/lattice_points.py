"""Whole numbers below lines with rational slopes: how many there are, and where the first is.

Where cycles or runs take no whole number of steps, each has its steps at other places.  Which of them has a step
within some distance of its end, and how long runs are together, are questions about points with whole coordinates
between two lines, and have answers after as many divisions as Euclid's algorithm takes.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import NamedTuple


class Line(NamedTuple):
    """``offset + slope * n``."""

    offset: Fraction
    slope: Fraction

    def moved(self, by: Fraction) -> Line:
        """The line so much higher."""
        return Line(self.offset + by, self.slope)


def sum_of_floors(line: Line, start: int, stop: int) -> int:
    """The sum of ``floor(offset + slope * n)`` for ``n`` from ``start`` to below ``stop``."""
    divisor = lcm(line.offset.denominator, line.slope.denominator)
    count = stop - start
    slope, offset = int(line.slope * divisor), int((line.offset + start * line.slope) * divisor)
    result = 0
    while count > 0:
        whole, slope = divmod(slope, divisor)
        result += whole * (count * (count - 1) // 2)
        whole, offset = divmod(offset, divisor)
        result += whole * count
        # The points below what is left of the line, counted along the other axis.
        count, offset = divmod(slope * count + offset, divisor)
        slope, divisor = divisor, slope
    return result


class Strip(NamedTuple):
    """Above one line, and up to another that is nowhere below it, from one number to below another."""

    lower: Line
    upper: Line
    start: int
    stop: int

    def _points(self, start: int, stop: int) -> int:
        return sum_of_floors(self.upper, start, stop) - sum_of_floors(self.lower, start, stop)

    def first(self) -> int | None:
        """The first number above which a point with whole coordinates lies within the strip."""
        start, stop = self.start, self.stop
        if start >= stop or not self._points(start, stop):
            return None
        while stop - start > 1:
            middle = (start + stop) // 2
            if self._points(start, middle):
                stop = middle
            else:
                start = middle
        return start

    def last(self) -> int | None:
        """The last number, likewise."""
        start, stop = self.start, self.stop
        if start >= stop or not self._points(start, stop):
            return None
        while stop - start > 1:
            middle = (start + stop) // 2
            if self._points(middle, stop):
                start = middle
            else:
                stop = middle
        return start


class Word(NamedTuple):
    """What a row of points with whole coordinates adds up to: columns of points, each higher than the one before it.

    Attributes
    ----------
    columns, points : int
        How many of each.
    sums : tuple of list of int
        ``sums[a][b]``: the sum of ``x**a * y**b`` over the points, where ``x`` is the number of points before it, and
        ``y`` the number of columns, both of this word.
    """

    columns: int
    points: int
    sums: tuple[list[int], ...]

    def then(self, other: Word) -> Word:
        """One word after another."""
        if other.points == 0:
            return self._replace(columns=self.columns + other.columns)
        added = other.seen_from(self.points, self.columns)
        sums = tuple(
            [a + b for a, b in zip(*both, strict=True)] for both in zip(self.sums, added, strict=True)
        )
        return Word(self.columns + other.columns, self.points + other.points, sums)

    def seen_from(self, points: int, columns: int) -> tuple[list[int], ...]:
        """The sums after so many points and columns."""
        first, *second = (_powers_moved(sums, columns) for sums in self.sums)
        return first, *([points * a + b for a, b in zip(first, sums, strict=True)] for sums in second)

    def seen_from_the_middle(self) -> tuple[list[int], ...]:
        """The sums with twice the distance of each column from the middle one in the place of its number."""
        return tuple(
            _powers_moved([total << power for power, total in enumerate(sums)], 1 - self.columns)
            for sums in self.sums
        )

    def times(self, count: int) -> Word:
        """The word again and again."""
        if self.points == 0:
            return self._replace(columns=self.columns * count)
        zeros: tuple[list[int], ...] = tuple([0] * len(sums) for sums in self.sums)
        result, square = Word(0, 0, zeros), self
        while count:
            if count & 1:
                result = result.then(square)
            count >>= 1
            if count:
                square = square.then(square)
        return result


def _powers_moved(sums: list[int], by: int) -> list[int]:
    """Sums of powers of numbers, each number so much larger."""
    if by == 0:
        return sums
    result = []
    left = sums
    for _ in sums:
        result.append(left[0])
        left = [by * low + high for low, high in pairwise(left)]
    return result


def word(line: Line, columns: int, *, degree: int, of_points: int) -> Word:
    """Columns of points, of which ``floor(offset + k * slope) - floor(offset)`` lie in the first ``k`` columns.

    Powers of the number of the column are summed up to a degree, those of the point's number up to another.
    """
    point = Word(0, 1, tuple([int(power == 0)] + [0] * degree for power in range(of_points + 1)))
    column = Word(1, 0, tuple([0] * (degree + 1) for _ in range(of_points + 1)))
    divisor = lcm(line.offset.denominator, line.slope.denominator)
    return _along(int(line.slope * divisor), divisor, int(line.offset % 1 * divisor), columns, point, column)


def _along(rise: int, run: int, offset: int, columns: int, up: Word, right: Word) -> Word:
    """Ups and rights along the line ``(rise * x + offset) / run``, with offset < run, up to so many rights."""
    before: list[Word] = []
    behind: list[Word] = []
    while columns:
        if rise >= run:
            right = up.times(rise // run).then(right)
            rise %= run
        ups = (columns * rise + offset) // run
        if ups == 0:
            before.append(right.times(columns))
            break
        # As many rights lie before the first up, and after the last; between them the axes change places.
        behind.append(right.times(columns - (run * ups - offset - 1) // rise))
        before.append(right.times((run - offset - 1) // rise))
        before.append(up)
        rise, run, offset, columns, up, right = run, rise, (run - offset - 1) % rise, ups - 1, right, up
    result = up.times(0)
    for each in (*before, *reversed(behind)):
        result = result.then(each)
    return result
