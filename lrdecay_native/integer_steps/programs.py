"""Pieces of schedules at steps that are whole numbers, as an array namespace computes them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from lrdecay_native.arithmetic.scalars import as_point
from lrdecay_native.evaluation.points.chains import Pipeline
from lrdecay_native.formulas import COMBINATIONS, COMPOSITION_MAPS, FORMULAS
from lrdecay_native.integer_steps.recording import Recording
from lrdecay_native.integer_steps.values import (
    Counter,
    Formulas,
    Lever,
    Line,
    Machine,
    Real,
    Value,
    as_float,
    ceiling,
    divided,
    known,
)
from lrdecay_native.piecewise.pieces import (
    Breakpoint,
    Combined,
    Expression,
    Kernel,
    Node,
    Piece,
    Piecewise,
    PiecewiseFunction,
    Repeated,
    TimeMap,
)
from lrdecay_native.piecewise.transitions import held

FEWEST_ALIKE = 4
"""So many pieces that differ in nothing but their numbers are evaluated together."""

CONSTANT = ("line", None)
"""The kind of lines that any other line goes with."""


Formula = Callable[[Machine, Value], Sequence[Value]]
"""``formula(xp, step)`` gives values."""


class Program:
    """The operations that make values of steps; what they are is found out once.

    Parameters
    ----------
    formula : callable
        As `Formula`.
    stop : int or None
        Steps are integers of 64 bits, from 0 to below this; with None they are in float64.
    """

    def __init__(self, formula: Formula, stop: int | None) -> None:
        self._recording = recording = Recording()
        xp: Any = recording
        step = recording.start()
        variable = Real(xp, lambda: step) if stop is None else Line.of(Counter(xp, step), 0, stop - 1)
        self._results = [_integer_or_array(value) for value in formula(xp, variable)]

    def run(self, xp: Machine, steps: Any, constants: dict[int, Any] | None = None) -> list[Any]:
        """The values, in float64 or integers of 64 bits; anything at steps that the program isn't for.

        Parameters
        ----------
        xp : Machine
            The namespace.
        steps : value of that namespace
            The steps.
        constants : dict, optional
            Keeps what depends on no step from one run to the next.
        """
        results = self._recording.run(xp, steps, self._results, constants)
        return [
            value if result.variable or not len(steps.shape) else value + 0.0 * xp.real(steps)
            for value, result in zip(results, self._results, strict=True)
        ]


def _integer_or_array(value: Value) -> Any:
    whole = isinstance(value, Line) and value.counter is not None and value.slope == 1 and value.offset == 0
    return value.counter.integer if whole else value.array  # type: ignore[attr-defined]


def rate_of(pieces: Piecewise) -> Formula:
    """The rate of pieces."""
    return lambda xp, step: [evaluate(xp, pieces, step)]


def periods(period: Fraction) -> Formula:
    """How many whole periods are over."""
    return lambda xp, step: [divided(step, period)[0]]


def begun_periods(period: Fraction) -> Formula:
    """How many periods have begun, the one that is about to begin not among them."""
    return lambda xp, step: [ceiling(step, period)]


def cycle_and_part(period: Fraction) -> Formula:
    """How many whole periods are over, and the part of the one after them that is."""

    def formula(xp: Machine, step: Value) -> Sequence[Value]:
        cycle, place = divided(step, period)
        return cycle, place() / Line(xp, period)

    return formula


def growing_cycle_and_part(begins: Sequence[Fraction]) -> Formula:
    """The same of periods that begin at some steps, in order, the last of which ends the last period."""
    spans = [(begin, Breakpoint(end), end - begin) for begin, end in pairwise(begins)]
    cycles = tuple(held((float(number), 0.0), end) for number, (_, end, _) in enumerate(spans))
    parts = tuple(
        Piece(end, (TimeMap("delayed", begin), TimeMap("continuous", length)), IDENTITY)
        for begin, end, length in spans
    )
    return lambda xp, step: [evaluate(xp, pieces, step) for pieces in (cycles, parts)]


IDENTITY: Kernel = ("ramp", (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
"""The curve of a variable itself."""


def evaluate(xp: Machine, pieces: Piecewise, variable: Value) -> Value:
    """The rate at a value."""
    if isinstance(variable, Line):
        return _of_line(xp, pieces, variable)
    *others, last = pieces
    result = _rate(xp, last, variable)
    for piece in reversed(others):
        end = as_float(Fraction(piece.end.position))
        before = variable.number <= end if piece.end.after else variable.number < end
        result = _chosen(xp, before, _rate(xp, piece, variable), result)
    return result


class _Span(NamedTuple):
    """The rate from behind the end of the span before up to an integer."""

    rate: Value
    stop: int
    """The first integer behind it."""


def _of_line(xp: Machine, pieces: Piecewise, line: Line) -> Value:
    if line.counter is None:
        here = Breakpoint(line.offset)
        return _rate(xp, next(piece for piece in pieces if here < piece.end), line)
    line = line.rising()
    spans: list[_Span] = []
    first = line.low
    for piece in pieces:
        stop = min(_first_behind(piece.end, line), line.high + 1)
        if stop > first:
            spans.append(_Span(_rate(xp, piece, line.within(first, stop - 1)), stop))
            first = stop
    assert line.counter is not None
    return _joined(xp, spans, line.counter)


def _first_behind(end: Breakpoint, line: Line) -> int:
    """The first integer of a rising line's counter behind a cut."""
    if end.position == math.inf:
        return line.high + 1
    place = (Fraction(end.position) - line.offset) / line.slope
    return math.floor(place) + 1 if end.after else math.ceil(place)


def _chosen(xp: Machine, condition: Any, one: Value, other: Value) -> Value:
    return Real(xp, lambda: xp.where(condition, one.array, other.array))


def _joined(xp: Machine, spans: Sequence[_Span], counter: Counter) -> Value:
    if len(spans) >= FEWEST_ALIKE:
        return _Table(xp, spans, counter).rate()
    *others, (result, _) = spans
    for rate, stop in reversed(others):
        if known(rate) is None or known(rate) != known(result):
            result = _chosen(xp, counter.integer < stop, rate, result)
    return result


class _Shape(NamedTuple):
    """What curves that can be computed together have in common, and their numbers.

    Attributes
    ----------
    curve : str
        The kernel.
    after : tuple of str
        The maps of the rate.
    variable : Line
        The variable of the curve.
    numbers : tuple of Fraction
        The parameters of the curve, and then of the maps of the rate.
    """

    curve: str
    after: tuple[str, ...]
    variable: Line
    numbers: tuple[Fraction, ...]

    @property
    def kind(self) -> Any:
        """What they have in common."""
        return self.curve, self.after, id(self.variable.counter)

    def rate(self, variable: Value, numbers: Sequence[Value]) -> Value:
        """The rate of a variable and numbers."""
        count = len(numbers) - len(self.after)
        rate = _kernel(self.curve)(Formulas(variable.xp), variable, *numbers[:count])
        return _mapped(rate, zip(self.after, numbers[count:], strict=True))


class _Shaped(Real):
    """A rate whose shape is known."""

    def __init__(self, rate: Value, shape: _Shape) -> None:
        super().__init__(rate.xp, lambda: rate.number)
        self.shape = shape


_Placed = tuple[list[int], Value]
"""The numbers of some spans, and their rate."""


class _Table:
    """Many spans: which of them an integer is in is counted, and their numbers are looked up."""

    def __init__(self, xp: Machine, spans: Sequence[_Span], counter: Counter) -> None:
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
        return [*one[0], *other[0]], _chosen(self.xp, here.number > 0.0, other[1], one[1])

    def _together(self, places: Sequence[int]) -> Value:
        rates = [self.spans[k].rate for k in places]
        lines = [rate for rate in rates if isinstance(rate, Line)]
        if len(rates) == 1:
            return rates[0]
        if lines:
            return self._line(places, lines)
        shapes = [rate.shape for rate in rates if isinstance(rate, _Shaped)]
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
        case _Shaped():
            return rate.shape.kind
    return "another", id(rate)


def _rate(xp: Machine, piece: Piece, variable: Value) -> Value:
    """The rate of a piece."""
    if piece.constant and isinstance(variable, Line):
        everywhere = Pipeline((PiecewiseFunction.of((piece,)),)).on_point(as_point(variable.at(variable.low)))
        return Line(xp, sum(map(Fraction, everywhere), Fraction(0)))
    for time_map in piece.time_maps:
        variable = _TIME_MAPS[time_map.name](variable, time_map.parameter)
    after = _after(piece)
    if isinstance(piece.curve, tuple) and isinstance(variable, Line):
        numbers = (*_parameters(*piece.curve), *after.values())
        shape = _Shape(piece.curve[0], tuple(after), variable, numbers)
        rate = shape.rate(variable, [Line(xp, number) for number in numbers])
        return rate if isinstance(rate, Line) else _Shaped(rate, shape)
    return _mapped(
        _curve(xp, piece.curve, variable), ((name, Line(xp, number)) for name, number in after.items())
    )


def _after(piece: Piece) -> dict[str, Fraction]:
    """The maps of the rate of a piece, and their numbers."""
    numbers = {"scaled": piece.factor, "moved": piece.offset, "raised": piece.lowest}
    without = {"scaled": 1, "moved": 0, "raised": 0}
    after = {name: number for name, number in numbers.items() if number != without[name]}
    return after if piece.highest == math.inf else {**after, "capped": Fraction(piece.highest)}


def _parameters(name: str, parameters: tuple[float, ...]) -> tuple[Fraction, ...]:
    numbers = tuple(map(Fraction, parameters))
    # Those of maps come in two parts.
    return numbers if name in FORMULAS else tuple(map(Fraction.__add__, numbers[::2], numbers[1::2]))


def _kernel(name: str) -> Callable[..., Value]:
    return (FORMULAS if name in FORMULAS else COMPOSITION_MAPS)[name].function


def _mapped(rate: Value, maps: Iterable[tuple[str, Value]]) -> Value:
    for name, number in maps:
        rate = COMPOSITION_MAPS[name].function(Formulas(rate.xp), rate, number)
    return rate


def _curve(xp: Machine, curve: Expression, variable: Value) -> Value:
    match curve:
        case Repeated():
            return _repeated(xp, curve, variable)
        case Combined():
            first, second = (_rate(xp, term, variable) for term in (curve.first, curve.second))
            combined: Value = COMBINATIONS[curve.name].function(Formulas(xp), first, second)
            return combined
        case Node():
            return _node(xp, curve, variable)
        case _:
            name, parameters = curve
            numbers = (Line(xp, number) for number in _parameters(name, parameters))
            return _kernel(name)(Formulas(xp), variable, *numbers)


def _repeated(xp: Machine, curve: Repeated, variable: Value) -> Value:
    cycle, place = divided(variable, curve.period)
    rate = evaluate(xp, curve.pieces, place())
    if curve.gain == 1.0:
        return rate
    gain = Line(xp, Fraction(curve.gain)) ** cycle
    eased: Value = COMBINATIONS["eased"].function(Formulas(xp), rate, gain, Line(xp, curve.offset))
    return eased


def _node(xp: Machine, curve: Node, variable: Value) -> Value:
    if curve.every is None:
        return Real(
            xp, lambda: xp.other(curve, lambda xp, number: curve.evaluate(xp, number), variable.array)
        )
    whole, part = divided(variable, curve.every)

    def look_up(table: Any, further: int) -> Any:
        # Outside of the piece the number may be any.
        return xp.take(xp.asarray(table), xp.clip(_integer(xp, whole) + further, 0, len(table) - 1))

    return Real(xp, lambda: curve.between(look_up, lambda: part().array))


def _integer(xp: Machine, whole: Value) -> Any:
    """The integer of 64 bits that a whole number is."""
    number = known(whole)
    if number is not None:
        return xp.integers(np.array(int(number)))
    return whole.counter.integer if isinstance(whole, Line) and whole.counter else xp.whole(whole.array)


def _delayed(value: Value, delay: Fraction) -> Value:
    return _not_below_0(value - Line(value.xp, delay))


def _reflected(value: Value, total: Fraction) -> Value:
    return _not_below_0(Line(value.xp, total) - value)


def _not_below_0(value: Value) -> Value:
    # A line never is within a piece, unless the piece is constant.
    return (
        value if isinstance(value, Line) else Formulas(value.xp).maximum(value, Line(value.xp, Fraction(0)))
    )


def _scaled(value: Value, factor: Fraction) -> Value:
    return value * Line(value.xp, factor)


def _continuous(value: Value, period: Fraction) -> Value:
    return value / Line(value.xp, period)


def _clamped(value: Value, period: Fraction) -> Value:
    x = _continuous(value, period)
    # A line gets to 1 at the end of the piece, exactly.
    return x if isinstance(x, Line) else Formulas(x.xp).minimum(x, Line(x.xp, Fraction(1)))


def _staircase(value: Value, period: Fraction) -> Value:
    return divided(value, period)[0]


def _cyclic(value: Value, period: Fraction) -> Value:
    """``x = t / (period * max(ceil(t / period), 1))``, and what is missing to 1 without a difference."""
    xp = value.xp
    begun, place = divided(value, period)
    part = place() / Line(xp, period)
    missing = 1.0 - part
    rest = Real(
        xp,
        lambda: (
            xp.where((part.array <= 0.0) & (begun.array > 0.0), xp.asarray(0.0), missing.array)
            / (begun.array + 1.0)
        ),
    )
    return Real(xp, lambda: 1.0 - rest.number, lambda: rest)


def _powered(value: Value, exponent: Fraction) -> Value:
    return value ** Line(value.xp, exponent)


_TIME_MAPS: dict[str, Callable[[Value, Fraction], Value]] = {
    "clamped": _clamped,
    "continuous": _continuous,
    "cyclic": _cyclic,
    "delayed": _delayed,
    "powered": _powered,
    "reflected": _reflected,
    "scaled": _scaled,
    "staircase": _staircase,
}
