"""Rates at steps whose place in a cycle, or number of whole periods, 106 bits don't hold.

Floors and rests are taken of exact rational numbers here, and only what is left of a step goes on in 106 bits.  It
takes microseconds a step, so a pipeline has a limit, and only steps from there on are left to this module.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lrdecay_native.arithmetic.scalars import as_point
from lrdecay_native.engines import engine
from lrdecay_native.evaluation.points import pairs as evaluation
from lrdecay_native.evaluation.points.pairs import DoubleDoubleArray
from lrdecay_native.formulas.registry import Line
from lrdecay_native.immutable import immutable
from lrdecay_native.kinds import Operation
from lrdecay_native.piecewise.breakpoints import Breakpoint
from lrdecay_native.piecewise.expressions import (
    Combined,
    Kernel,
    Node,
    PiecewiseFunction,
    Repeated,
    Stage,
    TimeMap,
)

MOST_PERIODS = 2**32
"""So many periods leave a rest that is rounded to 106 bits enough of them."""

MOST = 2**64
"""Whole numbers up to here, and their products with steps, are exact in 106 bits."""

LARGEST = 2**1000
"""What is larger is far behind all that changes."""

Integers = npt.NDArray[np.object_]

_apply: Callable[..., DoubleDoubleArray] = evaluation.apply_to_arrays


@immutable
class Places:
    """Exact numbers, none negative: the numerators of a common denominator, which maps of the step take."""

    numerators: Integers
    denominator: int

    @classmethod
    def of(cls, pair: DoubleDoubleArray) -> Places:
        """The numbers ``high + low``."""
        parts = [[part.as_integer_ratio() for part in half.tolist()] for half in pair]
        # All are powers of two.
        denominator = max(divisor for half in parts for _, divisor in half)
        numerators = np.empty(len(parts[0]), object)
        numerators[:] = [
            high * (denominator // divisor) + low * (denominator // other)
            for (high, divisor), (low, other) in zip(*parts, strict=True)
        ]
        return cls(numerators, denominator)

    def pair(self) -> DoubleDoubleArray:
        """The numbers in 106 bits."""
        pairs = [_rounded(numerator, self.denominator) for numerator in self.numerators.tolist()]
        high, low = np.array(pairs).reshape(-1, 2).T
        return np.ascontiguousarray(high), np.ascontiguousarray(low)

    def some(self, chosen: npt.NDArray[np.bool_]) -> Places:
        """Some of them."""
        return Places(self.numerators[chosen], self.denominator)

    def __add__(self, number: Fraction) -> Places:
        numerators = self.numerators * number.denominator + number.numerator * self.denominator
        return Places(numerators, self.denominator * number.denominator)

    def __sub__(self, number: Fraction) -> Places:
        return self + -number

    def __rsub__(self, number: Fraction) -> Places:
        return -1 * self + number

    def __mul__(self, factor: Fraction | int) -> Places:
        return Places(self.numerators * factor.numerator, self.denominator * factor.denominator)

    __rmul__ = __mul__

    def __truediv__(self, divisor: Fraction) -> Places:
        return self * (1 / divisor)

    def __pow__(self, exponent: Fraction) -> Places:
        # No rational number.
        return Places.of(_apply("powered", self.pair(), *as_point(exponent)))

    def divided(self, period: Fraction) -> tuple[Places, Places]:
        """How many whole periods there are, and the rest."""
        here, length = self.numerators * period.denominator, self.denominator * period.numerator
        whole = here // length
        return Places(whole, 1), Places(here - whole * length, self.denominator * period.denominator)

    def behind(self, end: Breakpoint) -> npt.NDArray[np.bool_]:
        """Which of them are behind a breakpoint."""
        position = Fraction(end.position)
        here = self.numerators * position.denominator
        there = position.numerator * self.denominator
        behind: npt.NDArray[np.bool_] = (here > there if end.after else here >= there).astype(bool)
        return behind


def _rounded(numerator: int, denominator: int) -> tuple[float, float]:
    if numerator >= LARGEST * denominator:
        return float(LARGEST), 0.0
    high = numerator / denominator
    above, below = high.as_integer_ratio()
    return high, (numerator * below - above * denominator) / (denominator * below)


class _Exact:
    """The namespace in which maps of the step are called with places."""

    @staticmethod
    def asarray(number: float) -> float:
        return number

    @staticmethod
    def floor(places: Places) -> Places:
        return Places(places.numerators // places.denominator, 1)

    @staticmethod
    def minimum(places: Places, number: float) -> Places:
        return Places(np.minimum(places.numerators, int(number) * places.denominator), places.denominator)

    @staticmethod
    def maximum(places: Places, number: float) -> Places:
        return Places(np.maximum(places.numerators, int(number) * places.denominator), places.denominator)


def rates(stages: Sequence[Stage], places: Places) -> DoubleDoubleArray:
    """The rates that a pipeline of these stages has at exact places."""
    for index, stage in enumerate(stages):
        # Without recursion: schedules that are nested have a map for each.
        if not isinstance(stage, TimeMap) or stage.known.cycles:
            return _RATES[stage](stage, stages[index + 1 :], places)
        places = stage.known.function(_Exact, places, stage.parameter)
    return places.pair()


def _of_kernel(kernel: Kernel, behind: Sequence[Stage], places: Places) -> DoubleDoubleArray:
    return _applied(behind, _apply(kernel.kernel, places.pair(), *kernel.parameters))


def _applied(stages: Sequence[Stage], rate: DoubleDoubleArray) -> DoubleDoubleArray:
    """What the kernels behind an expression make of a rate: there is nothing else."""
    for stage in stages:
        assert isinstance(stage, Kernel)
        rate = _apply(stage.name, rate, *stage.parameters)
    return rate


def _of_pieces(function: PiecewiseFunction, behind: Sequence[Stage], places: Places) -> DoubleDoubleArray:
    numbers = _numbers(function.breakpoints, places)
    result = np.empty(len(numbers)), np.empty(len(numbers))
    for number in np.unique(numbers).tolist():
        chosen = numbers == number
        result[0][chosen], result[1][chosen] = rates(function.pipelines[number], places.some(chosen))
    return _applied(behind, result)


def _numbers(breakpoints: Sequence[Breakpoint], places: Places) -> npt.NDArray[np.intp]:
    """How many of some breakpoints in ascending order each place is behind."""
    numbers = np.zeros(len(places.numerators), np.intp)
    if not breakpoints or not len(numbers):
        return numbers
    middle = len(breakpoints) // 2
    behind = places.behind(breakpoints[middle])
    numbers[~behind] = _numbers(breakpoints[:middle], places.some(~behind))
    numbers[behind] = middle + 1 + _numbers(breakpoints[middle + 1 :], places.some(behind))
    return numbers


def _of_repeated(curve: Repeated, behind: Sequence[Stage], places: Places) -> DoubleDoubleArray:
    cycle, place = places.divided(curve.period)
    rate = rates((curve.cycle,), place)
    if curve.gain != 1.0:
        gain = _apply("exponential", cycle.pair(), curve.gain, 0.0)
        rate = _apply("eased", rate, *gain, *curve.offset_point)
    return _applied(behind, rate)


def _of_combined(curve: Combined, behind: Sequence[Stage], places: Places) -> DoubleDoubleArray:
    first, second = (rates(pipeline, places) for pipeline in curve.inside)
    return _applied(behind, _apply(curve.name, first, *second))


def _of_node(node: Node, behind: Sequence[Stage], places: Places) -> DoubleDoubleArray:
    return _applied(behind, node.compiled_by(engine).on_arrays(places.pair()))


_RATES: Operation[DoubleDoubleArray] = Operation(
    "rates at exact places",
    Stage,
    {
        TimeMap: lambda cyclic, behind, places: _of_cycles(cyclic.parameter, behind, places),
        Kernel: _of_kernel,
        PiecewiseFunction: _of_pieces,
        Repeated: _of_repeated,
        Combined: _of_combined,
        Node: _of_node,
    },
)


def _of_cycles(period: Fraction, stages: Sequence[Stage], places: Places) -> DoubleDoubleArray:
    """The rates of a formula of the time map ``cyclic``, where ``1 - x`` may be next to nothing.

    Of a step in cycle ``n`` it is ``1 / n`` of what it is in the first one.
    """
    here, whole = places.numerators * period.denominator, places.denominator * period.numerator
    number = np.maximum(-(-here // whole), 1)
    kernel = stages[0]
    assert isinstance(kernel, Kernel)
    name, parameters = kernel.kernel, kernel.parameters
    first = _apply(name, Places(here - (number - 1) * whole, whole).pair(), *parameters)
    gain = _apply("powered", Places(number, 1).pair(), -kernel.named["power"], 0.0)
    ((end_high,), (end_low,)) = _apply(name, (np.ones(1), np.zeros(1)), *parameters)
    return _applied(stages[1:], _apply("eased", first, *gain, end_high, end_low))


class Span(NamedTuple):
    """What is roughly known of a variable on the steps from ``first`` to below ``stop``.

    ``step = origin + size * variable``.  ``whole`` says that of whole steps the variable is a whole number,
    ``delays`` are the maps that made the origin, each after its size in steps.
    """

    first: float
    stop: float
    origin: float = 0.0
    size: float = 1.0
    whole: bool = True
    delays: tuple[tuple[float, TimeMap], ...] = ()

    def first_from(self, value: float) -> float:
        """The first step at which the variable may be a value or more; ``stop`` where there is none."""
        step = self.origin + self.size * value
        if self.size >= 0.0:
            return min(max(step, self.first), self.stop)
        return self.first if step >= self.first else self.stop


def limit(stages: Sequence[Stage], span: Span) -> float:
    """The first step from which on 106 bits may not hold what a pipeline makes of a step; ``span.stop`` if none."""
    # Without recursion: schedules that are nested have a map for each.
    around: list[tuple[TimeMap, Span, float]] = []
    found = span.stop
    for index, stage in enumerate(stages):
        if not isinstance(stage, TimeMap) or stage.known.cycles:
            found = min(found, _LIMIT[stage](stage, stages[index + 1 :], span))
            break
        if stage.line is None:
            around.append((stage, span, found))
            span = Span(0.0, math.inf, whole=False)
            found = span.stop
        else:
            stop, span = _behind_line(stage, stage.line, span)
            found = min(found, stop)
    for time_map, outside, before in reversed(around):
        assert time_map.known.inverse is not None
        found = min(before, outside.first_from(time_map.known.inverse(found, time_map.point[0])))
    return found


def _behind_line(time_map: TimeMap, line: Line, span: Span) -> tuple[float, Span]:
    """The limit of a map that is a line, or the floor of one, and the span of its value."""
    number, size = time_map.point[0], float(line.size)
    if time_map.known.moves:
        return span.stop, span._replace(
            origin=span.origin + span.size * number,
            size=span.size * size,
            whole=span.whole and abs(number) < MOST and time_map.parameter.denominator == 1,
            delays=(*span.delays, (abs(span.size * number), time_map)),
        )
    if time_map.known.floors:
        found = _limit_of_floor(span, size, time_map.parameter)
        return found, span._replace(size=span.size * size, whole=True)
    found = _limit_of_rounding(span, size)
    return found, span._replace(size=span.size * size, whole=span.whole and number == 1.0)


def _limit_of_kernel(kernel: Kernel, behind: Sequence[Stage], span: Span) -> float:
    # Ramps divide by the steps that they take.
    ramp = kernel.formula.parameters[:1] == ("steps",)
    return _limit_of_rounding(span, kernel.parameters[0]) if ramp else span.stop


def _limit_of_pieces(function: PiecewiseFunction, behind: Sequence[Stage], span: Span) -> float:
    ends = [*(high for high, _ in function.begins), span.stop]
    first = span.first
    for pipeline, end in zip(function.pipelines, ends, strict=True):
        stop = min(end, span.stop)
        if first < stop:
            found = limit(pipeline, span._replace(first=first, stop=stop))
            if found < stop:
                return found
            first = stop
    return span.stop


def _limit_of_repeated(curve: Repeated, behind: Sequence[Stage], span: Span) -> float:
    period = curve.period_point[0]
    found = _limit_of_floor(span, period, curve.period)
    inside = limit((curve.cycle,), Span(0.0, period, whole=span.whole))
    return min(found, span.first_from(inside)) if inside < period else found


def _limit_of_combined(curve: Combined, behind: Sequence[Stage], span: Span) -> float:
    found = span.stop
    last = max(abs(step - span.origin) for step in (span.first, span.stop))
    stop = last / abs(span.size) if span.size else math.inf
    for pipeline in curve.inside:
        inside = limit(pipeline, Span(0.0, stop, whole=span.whole))
        found = min(found, span.first_from(inside)) if inside < stop else found
    return found


_LIMIT: Operation[float] = Operation(
    "the first step that 106 bits don't hold",
    Stage,
    {
        TimeMap: lambda cyclic, behind, span: span.first_from(MOST_PERIODS * cyclic.point[0]),
        Kernel: _limit_of_kernel,
        PiecewiseFunction: _limit_of_pieces,
        Repeated: _limit_of_repeated,
        Combined: _limit_of_combined,
        Node: lambda node, behind, span: span.stop,
    },
)


def _limit_of_floor(span: Span, period: float, exact: Fraction) -> float:
    """The first step with so many periods that their rest, or their number, isn't exact."""
    if span.whole and exact.denominator == 1:
        return span.stop
    return span.first_from(MOST_PERIODS * period)


def _limit_of_rounding(span: Span, length: float) -> float:
    """The first step where a delay is so much longer than what follows that its own rounding shows."""
    most = MOST_PERIODS * abs(span.size) * length
    shows = any(
        size >= most and sum(map(Fraction, delay.point)) != delay.parameter for size, delay in span.delays
    )
    return span.first if shows else span.stop
