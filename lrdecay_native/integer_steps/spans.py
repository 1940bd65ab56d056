"""Rates of spans of integers, chosen by the integer: many spans that are alike are computed together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from lrdecay_native.formulas.catalogue import Formula
from lrdecay_native.integer_steps.machine import Machine
from lrdecay_native.integer_steps.namespaces import Formulas
from lrdecay_native.integer_steps.values import Counter, Lever, Line, Real, Value, as_float, known

FEWEST_ALIKE = 4
"""So many pieces that differ in nothing but their numbers are evaluated together."""

CONSTANT = ("line", None)
"""The kind of lines that any other line goes with."""


class Span(NamedTuple):
    """The rate from behind the end of the span before up to an integer."""

    rate: Value
    stop: int
    """The first integer behind it."""


class Shape(NamedTuple):
    """What curves that can be computed together have in common, and their numbers.

    Attributes
    ----------
    formula : Formula
        The registry's entry of the curve.
    rate_maps : tuple of Formula
        Those of the maps of the rate.
    variable : Line
        The variable of the curve.
    numbers : tuple of Fraction
        The parameters of the curve, and then of the maps of the rate.
    """

    formula: Formula
    rate_maps: tuple[Formula, ...]
    variable: Line
    numbers: tuple[Fraction, ...]

    @property
    def kind(self) -> Any:
        """What they have in common."""
        return self.formula.name, tuple(each.name for each in self.rate_maps), id(self.variable.counter)

    def rate(self, variable: Value, numbers: Sequence[Value]) -> Value:
        """The rate of a variable and numbers."""
        xp = Formulas(variable.xp)
        count = len(numbers) - len(self.rate_maps)
        rate: Value = self.formula.function(xp, variable, *numbers[:count])
        for rate_map, number in zip(self.rate_maps, numbers[count:], strict=True):
            rate = rate_map.function(xp, rate, number)
        return rate


class Shaped(Real):
    """A rate whose shape is known."""

    def __init__(self, rate: Value, shape: Shape) -> None:
        super().__init__(rate.xp, lambda: rate.number)
        self.shape = shape


def chosen(xp: Machine, condition: Any, one: Value, other: Value) -> Value:
    """One of two values."""
    return Real(xp, lambda: xp.where(condition, one.array, other.array))


def joined(xp: Machine, spans: Sequence[Span], counter: Counter) -> Value:
    """The rate of the span that the counter is in."""
    if len(spans) >= FEWEST_ALIKE:
        return _Table(xp, spans, counter).rate()
    *others, (result, _) = spans
    for rate, stop in reversed(others):
        if known(rate) is None or known(rate) != known(result):
            result = chosen(xp, counter.integer < stop, rate, result)
    return result


_Placed = tuple[list[int], Value]
"""The numbers of some spans, and their rate."""


class _Table:
    """Many spans: which of them an integer is in is counted, and their numbers are looked up."""

    def __init__(self, xp: Machine, spans: Sequence[Span], counter: Counter) -> None:
        self.xp = xp
        self.spans = spans
        stops = np.array([span.stop for span in spans[:-1]], np.int64)
        self.place = xp.passed(counter.integer, xp.integers(stops))

    def rate(self) -> Value:
        """The rate."""
        groups: dict[Any, list[int]] = defaultdict(list)
        for place, (rate, _) in enumerate(self.spans):
            groups[_kind(rate)].append(place)
        if lines := next((kind for kind in groups if kind[0] == "line" and kind != CONSTANT), None):
            groups[lines] += groups.pop(CONSTANT, [])
        rates = [(places, self._together(places)) for places in groups.values()]
        while len(rates) > 1:
            # In pairs: one after another, hundreds of them would be nested too deep.
            rates = [self._either(*rates[k : k + 2]) for k in range(0, len(rates), 2)]
        return rates[0][1]

    def _either(self, one: _Placed, other: _Placed | None = None) -> _Placed:
        """The rate of the spans at some places or at others."""
        if other is None:
            return one
        theirs = set(other[0])
        here = self._looked_up([float(k in theirs) for k in range(len(self.spans))])
        return [*one[0], *other[0]], chosen(self.xp, here.number > 0.0, other[1], one[1])

    def _together(self, places: Sequence[int]) -> Value:
        rates = [self.spans[k].rate for k in places]
        lines = [rate for rate in rates if isinstance(rate, Line)]
        if len(rates) == 1:
            return rates[0]
        if lines:
            return self._line(places, lines)
        shapes = [rate.shape for rate in rates if isinstance(rate, Shaped)]
        variable = self._line(places, [shape.variable for shape in shapes])
        columns = zip(*(shape.numbers for shape in shapes), strict=True)
        return shapes[0].rate(variable, [self._number(places, column) for column in columns])

    def _line(self, places: Sequence[int], lines: Sequence[Line]) -> Value:
        counter = next((line.counter for line in lines if line.counter is not None), None)
        if counter is None:
            return self._number(places, [line.offset for line in lines])
        levers = [
            Lever(0, 0.0, as_float(line.offset), True) if line.counter is None else line.lever
            for line in lines
        ]
        origin, slope, height = (
            self._number(places, [Fraction(getattr(lever, part)) for lever in levers])
            for part in ("origin", "slope", "height")
        )
        origins = [lever.origin for lever in levers]
        if max(map(abs, origins)) < 2**53 and all(lever.small for lever in levers):
            distance: Value = Real(self.xp, lambda: counter.real) - origin
        else:
            table = self.xp.integers(self._column(places, origins, np.int64))
            distance = Real(self.xp, lambda: self.xp.real(counter.integer - self.xp.take(table, self.place)))
        return slope * distance + height

    def _number(self, places: Sequence[int], numbers: Sequence[Fraction]) -> Value:
        if len(set(numbers)) == 1:
            return Line(self.xp, numbers[0])
        return self._looked_up(self._column(places, [as_float(number) for number in numbers], np.float64))

    def _column(self, places: Sequence[int], numbers: Sequence[Any], dtype: Any) -> Any:
        """The numbers at their places, and any number at the others."""
        column = np.full(len(self.spans), numbers[0], dtype)
        column[list(places)] = numbers
        return column

    def _looked_up(self, column: Any) -> Real:
        return Real(self.xp, lambda: self.xp.take(self.xp.asarray(np.array(column)), self.place))


def _kind(rate: Value) -> Any:
    """Equal for rates that can be computed together."""
    match rate:
        case Line():
            return CONSTANT if rate.counter is None else ("line", id(rate.counter))
        case Shaped():
            return rate.shape.kind
    return "another", id(rate)
