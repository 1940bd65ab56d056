"""Rates at steps whose place in a cycle, or number of whole periods, 106 bits don't hold.

Floors and rests are taken of exact rational numbers here, and only what is left of a step goes on in 106 bits.  It
takes microseconds a step, so a chain has a limit, and only steps from there on are left to this module.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

from lrdecay_native.arithmetic.scalars import as_point
from lrdecay_native.evaluation.points import pairs as evaluation
from lrdecay_native.evaluation.points.pairs import DoubleDoubleArray
from lrdecay_native.formulas import FORMULAS
from lrdecay_native.formulas.specialisations import variants
from lrdecay_native.piecewise.pieces import (
    Breakpoint,
    Combined,
    Expression,
    Kernel,
    MapKernel,
    Node,
    PiecewiseFunction,
    Repeated,
)

Stage = Expression | MapKernel | PiecewiseFunction

MOST_PERIODS = 2**32
"""So many periods leave a rest that is rounded to 106 bits enough of them."""

MOST = 2**64
"""Whole numbers up to here, and their products with steps, are exact in 106 bits."""

LARGEST = 2**1000
"""What is larger is far behind all that changes."""

Integers = npt.NDArray[np.object_]

_apply: Callable[..., DoubleDoubleArray] = evaluation.apply_to_arrays


@dataclass(frozen=True)
class Places:
    """Exact numbers, none negative: the numerators of a common denominator."""

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

    def mapped(self, name: str, parameter: Fraction) -> Places:
        """What a map of the step makes of them."""
        factor, divisor = parameter.numerator, parameter.denominator
        here = self.numerators * divisor
        match name:
            case "delayed":
                numerators = np.maximum(here - factor * self.denominator, 0)
                return Places(numerators, self.denominator * divisor)
            case "reflected":
                numerators = np.maximum(factor * self.denominator - here, 0)
                return Places(numerators, self.denominator * divisor)
            case "scaled":
                return Places(self.numerators * factor, self.denominator * divisor)
            case "continuous":
                return Places(here, self.denominator * factor)
            case "clamped":
                return Places(np.minimum(here, self.denominator * factor), self.denominator * factor)
            case "staircase":
                return Places(here // (self.denominator * factor), 1)
            case "repeated":
                return Places(here % (self.denominator * factor), self.denominator * divisor)
        # A power is no rational number.
        return Places.of(_apply(name, self.pair(), *as_point(parameter)))

    def behind(self, cut: Breakpoint) -> npt.NDArray[np.bool_]:
        """Which of them are behind a cut."""
        position = Fraction(cut.position)
        here = self.numerators * position.denominator
        there = position.numerator * self.denominator
        behind: npt.NDArray[np.bool_] = (here > there if cut.after else here >= there).astype(bool)
        return behind


def _rounded(numerator: int, denominator: int) -> tuple[float, float]:
    if numerator >= LARGEST * denominator:
        return float(LARGEST), 0.0
    high = numerator / denominator
    above, below = high.as_integer_ratio()
    return high, (numerator * below - above * denominator) / (denominator * below)


def rates(stages: Sequence[Stage], places: Places) -> DoubleDoubleArray:
    """The rates that a chain of these stages has at exact places."""
    for index, stage in enumerate(stages):
        match stage:
            case MapKernel(name="cyclic", parameter=parameter):
                return _of_cycles(parameter, stages[index + 1 :], places)
            case MapKernel(name=name, parameter=parameter):
                places = places.mapped(name, parameter)
                continue
            case PiecewiseFunction():
                rate = _on_row(stage, places)
            case Repeated():
                rate = _of_repeated(stage, places)
            case Combined():
                first, second = (rates(term.bounded_stages, places) for term in (stage.first, stage.second))
                rate = _apply(stage.name, first, *second)
            case Node():
                rate = stage.on(_apply, places.pair())
            case (name, parameters):
                rate = _apply(name, places.pair(), *parameters)
        return _applied(stages[index + 1 :], rate)
    return places.pair()


def _applied(kernels: Sequence[Stage], rate: DoubleDoubleArray) -> DoubleDoubleArray:
    # Behind a curve there is nothing else.
    for name, parameters in cast(Sequence[Kernel], kernels):
        rate = _apply(name, rate, *parameters)
    return rate


def _on_row(row: PiecewiseFunction, places: Places) -> DoubleDoubleArray:
    numbers = _numbers(row.cuts, places)
    result = np.empty(len(numbers)), np.empty(len(numbers))
    for number in np.unique(numbers).tolist():
        chosen = numbers == number
        result[0][chosen], result[1][chosen] = rates(row.chains[number], places.some(chosen))
    return result


def _numbers(cuts: Sequence[Breakpoint], places: Places) -> npt.NDArray[np.intp]:
    """How many of some cuts in ascending order each place is behind."""
    numbers = np.zeros(len(places.numerators), np.intp)
    if not cuts or not len(numbers):
        return numbers
    middle = len(cuts) // 2
    behind = places.behind(cuts[middle])
    numbers[~behind] = _numbers(cuts[:middle], places.some(~behind))
    numbers[behind] = middle + 1 + _numbers(cuts[middle + 1 :], places.some(behind))
    return numbers


def _of_repeated(curve: Repeated, places: Places) -> DoubleDoubleArray:
    rate = _on_row(curve.row, places.mapped("repeated", curve.period))
    if curve.gain == 1.0:
        return rate
    cycle = places.mapped("staircase", curve.period).pair()
    gain = _apply("exponential", cycle, curve.gain, 0.0)
    return _apply("eased", rate, *gain, *curve.offset_point)


def _of_cycles(period: Fraction, stages: Sequence[Stage], places: Places) -> DoubleDoubleArray:
    """The rates of a formula of the time map ``cyclic``, where ``1 - x`` may be next to nothing.

    Of a step in cycle ``n`` it is ``1 / n`` of what it is in the first one.
    """
    here, whole = places.numerators * period.denominator, places.denominator * period.numerator
    number = np.maximum(-(-here // whole), 1)
    name, parameters = cast(Kernel, stages[0])
    power = dict(zip(_FORMULAS[name].parameters, parameters, strict=True))["power"]
    first = _apply(name, Places(here - (number - 1) * whole, whole).pair(), *parameters)
    gain = _apply("powered", Places(number, 1).pair(), -power, 0.0)
    ((end_high,), (end_low,)) = _apply(name, (np.ones(1), np.zeros(1)), *parameters)
    return _applied(stages[1:], _apply("eased", first, *gain, end_high, end_low))


_FORMULAS = {kernel: entry for entry in FORMULAS.values() for kernel, _ in variants(entry.name)}
"""The formula of each kernel."""


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
    delays: tuple[tuple[float, MapKernel], ...] = ()

    def first_from(self, value: float) -> float:
        """The first step at which the variable may be a value or more; ``stop`` where there is none."""
        step = self.origin + self.size * value
        if self.size >= 0.0:
            return min(max(step, self.first), self.stop)
        return self.first if step >= self.first else self.stop


def limit(stages: Sequence[Stage], span: Span) -> float:
    """The first step from which on 106 bits may not hold what a chain makes of a step; ``span.stop`` if none."""
    found = span.stop
    for index, stage in enumerate(stages):
        match stage:
            case MapKernel("delayed" | "reflected" as name, (by, _), exact):
                span = span._replace(
                    origin=span.origin + span.size * by,
                    size=span.size if name == "delayed" else -span.size,
                    whole=span.whole and abs(by) < MOST and exact.denominator == 1,
                    delays=(*span.delays, (abs(span.size * by), stage)),
                )
            case MapKernel("continuous" | "scaled" | "clamped" as name, (number, _)):
                length = 1.0 / number if name == "scaled" else number
                found = min(found, _limit_of_rounding(span, length))
                span = span._replace(size=span.size * length, whole=span.whole and number == 1.0)
            case MapKernel("staircase", (period, _), exact):
                found = min(found, _limit_of_floor(span, period, exact))
                span = span._replace(size=span.size * period, whole=True)
            case MapKernel("cyclic", (period, _)):
                return min(found, span.first_from(MOST_PERIODS * period))
            case MapKernel("powered", (exponent, _)):
                inside = limit(stages[index + 1 :], Span(0.0, math.inf, whole=False))
                root = math.exp(min(math.log(inside) / exponent, 700.0)) if inside else 0.0
                return min(found, span.first_from(root))
            case PiecewiseFunction():
                return min(found, _limit_of_row(stage, span))
            case Repeated():
                period = stage.period_point[0]
                found = min(found, _limit_of_floor(span, period, stage.period))
                inside = limit((stage.row,), Span(0.0, period, whole=span.whole))
                return min(found, span.first_from(inside)) if inside < period else found
            case Combined():
                last = max(abs(step - span.origin) for step in (span.first, span.stop))
                stop = last / abs(span.size) if span.size else math.inf
                for term in (stage.first, stage.second):
                    inside = limit(term.bounded_stages, Span(0.0, stop, whole=span.whole))
                    found = min(found, span.first_from(inside)) if inside < stop else found
                return found
            case (str(name), parameters) if name.endswith("ramp"):
                return min(found, _limit_of_rounding(span, parameters[0]))
            case _:
                return found
    return found


def _limit_of_row(row: PiecewiseFunction, span: Span) -> float:
    ends = [*(high for high, _ in row.begins), span.stop]
    first = span.first
    for chain, end in zip(row.chains, ends, strict=True):
        stop = min(end, span.stop)
        if first < stop:
            found = limit(chain, span._replace(first=first, stop=stop))
            if found < stop:
                return found
            first = stop
    return span.stop


def _limit_of_floor(span: Span, period: float, exact: Fraction) -> float:
    """The first step with so many periods that their rest, or their number, isn't exact."""
    if span.whole and exact.denominator == 1:
        return span.stop
    return span.first_from(MOST_PERIODS * period)


def _limit_of_rounding(span: Span, length: float) -> float:
    """The first step where a delay is so much longer than what follows that its own rounding shows."""
    most = MOST_PERIODS * abs(span.size) * length
    shows = any(
        size >= most and sum(map(Fraction, delay.parameters)) != delay.parameter
        for size, delay in span.delays
    )
    return span.first if shows else span.stop
