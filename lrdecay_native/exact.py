"""Rates at steps whose place in a cycle, or number of whole periods, 106 bits don't hold.

Floors and rests are taken of exact rational numbers here, and only what is left of a step goes on in 106 bits.  It
takes microseconds a step, so a chain has a limit, and only steps from there on are left to this module.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lrdecay_native.evaluation import Pair, apply_to_arrays
from lrdecay_native.formulas import FORMULAS
from lrdecay_native.pieces import Combined, Curve, Cut, MapKernel, Node, Repeated, Row
from lrdecay_native.variants import variants

Stage = Curve | MapKernel | Row

MOST_PERIODS = 2**40
"""Whole periods that leave a rest of 106 bits enough of them, where it is rounded."""

MOST = 2**64
"""Whole numbers up to here, and their products with steps, are exact in 106 bits."""

LARGEST = 2**1000
"""What is larger is far behind all that changes."""

Integers = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Places:
    """Exact numbers, none negative: the numerators of a common denominator."""

    numerators: Integers
    denominator: int

    @classmethod
    def of(cls, pair: Pair) -> Places:
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

    def pair(self) -> Pair:
        """The numbers in 106 bits."""
        pairs = [_rounded(numerator, self.denominator) for numerator in self.numerators.tolist()]
        high, low = np.array(pairs).reshape(-1, 2).T
        return np.ascontiguousarray(high), np.ascontiguousarray(low)

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
        assert name == "repeated", name
        return Places(here % (self.denominator * factor), self.denominator * divisor)

    def behind(self, cut: Cut) -> npt.NDArray[np.bool_]:
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


def rates(stages: Sequence[Stage], places: Places) -> Pair:
    """The rates, as a chain of these stages has them, at exact places."""
    for index, stage in enumerate(stages):
        match stage:
            case MapKernel(name="cyclic", parameter=parameter):
                return _of_cycles(parameter, stages[index + 1 :], places)
            case MapKernel(name=name, parameter=parameter):
                places = places.mapped(name, parameter)
                continue
            case Row():
                rate = _on_row(stage, places)
            case Repeated():
                rate = _of_repeated(stage, places)
            case Combined():
                first, second = (rates(term.bounded_stages, places) for term in (stage.first, stage.second))
                rate = apply_to_arrays(stage.name, first, *second)
            case Node():
                rate = stage.on(apply_to_arrays, places.pair())
            case (name, parameters):
                rate = apply_to_arrays(name, places.pair(), *parameters)
        return _applied(stages[index + 1 :], rate)
    return places.pair()


def _applied(kernels: Iterable[Any], rate: Pair) -> Pair:
    for name, parameters in kernels:
        rate = apply_to_arrays(name, rate, *parameters)
    return rate


def _on_row(row: Row, places: Places) -> Pair:
    numbers = np.zeros(len(places.numerators), np.intp)
    for cut in row.cuts:
        numbers += places.behind(cut)
    result = np.empty(len(numbers)), np.empty(len(numbers))
    for number in np.unique(numbers).tolist():
        chosen = numbers == number
        some = Places(places.numerators[chosen], places.denominator)
        result[0][chosen], result[1][chosen] = rates(row.chains[number], some)
    return result


def _of_repeated(curve: Repeated, places: Places) -> Pair:
    rate = _on_row(curve.row, places.mapped("repeated", curve.period))
    if curve.gain == 1.0:
        return rate
    cycle = places.mapped("staircase", curve.period).pair()
    gain = apply_to_arrays("exponential", cycle, curve.gain, 0.0)
    return apply_to_arrays("eased", rate, *gain, *curve.offset_point)


def _of_cycles(period: Fraction, stages: Sequence[Stage], places: Places) -> Pair:
    """The rates of a formula of the time map ``cyclic``, where ``1 - x`` may be next to nothing.

    Of a step in cycle ``n`` it is ``1 / n`` of what it is in the first one.
    """
    here, whole = places.numerators * period.denominator, places.denominator * period.numerator
    number = np.maximum(-(-here // whole), 1)
    name, parameters = stages[0]
    power = dict(zip(_FORMULAS[name].parameters, parameters, strict=True))["power"]
    first = apply_to_arrays(name, Places(here - (number - 1) * whole, whole).pair(), *parameters)
    gain = apply_to_arrays("powered", Places(number, 1).pair(), -power, 0.0)
    ((end_high,), (end_low,)) = apply_to_arrays(name, (np.ones(1), np.zeros(1)), *parameters)
    return _applied(stages[1:], apply_to_arrays("eased", first, *gain, end_high, end_low))


_FORMULAS = {kernel: entry for entry in FORMULAS.values() for kernel, _ in variants(entry.name)}
"""The formula of each kernel."""


class Span(NamedTuple):
    """What is known of a variable: ``step = origin + size * variable`` on steps from ``first`` to below ``stop``.

    ``whole`` says that whatever is done to the steps, whole numbers stay whole.
    """

    first: Fraction
    stop: Fraction
    origin: Fraction = Fraction(0)
    size: Fraction = Fraction(1)
    whole: bool = True

    def first_from(self, value: Fraction) -> Fraction:
        """The first step from which on the variable may be a value or more; ``stop`` where there is none."""
        step = self.origin + self.size * value
        if self.size > 0:
            return min(max(step, self.first), self.stop)
        return self.first if step >= self.first else self.stop


def limit(stages: Sequence[Stage], span: Span) -> Fraction:
    """The first step from which on 106 bits may not hold what a chain makes of a step; ``span.stop`` if none."""
    found = span.stop
    for stage in stages:
        match stage:
            case MapKernel(name="delayed" | "reflected" as name, parameter=parameter):
                span = span._replace(
                    origin=span.origin + span.size * parameter,
                    size=span.size if name == "delayed" else -span.size,
                    whole=span.whole and parameter.denominator == 1 and parameter < MOST,
                )
            case MapKernel(name="continuous" | "scaled" as name, parameter=parameter):
                size = span.size * (parameter if name == "continuous" else 1 / parameter)
                found = min(found, _lost_by_delay(span, abs(size)))
                span = span._replace(size=size, whole=span.whole and parameter == 1)
            case MapKernel(name="staircase", parameter=parameter):
                found = min(found, _limit_of_floor(span, parameter))
                span = span._replace(size=span.size * parameter, whole=True)
            case MapKernel(name="cyclic", parameter=parameter):
                return min(found, _limit_of_floor(span._replace(whole=False), parameter))
            case Row():
                begins = [Fraction(0), *(Fraction(cut.position) for cut in stage.cuts), span.stop]
                for chain, (begin, end) in zip(stage.chains, itertools.pairwise(begins), strict=True):
                    inside = span._replace(first=max(begin, span.first), stop=min(end, span.stop))
                    if inside.first < inside.stop and (lost := limit(chain, inside)) < inside.stop:
                        found = min(found, lost)
                return found
            case Repeated():
                found = min(found, _limit_of_floor(span, stage.period))
                inside = limit((stage.row,), Span(Fraction(0), stage.period, whole=span.whole))
                return min(found, span.first_from(inside)) if inside < stage.period else found
            case Combined():
                top = max(abs(step - span.origin) for step in (span.first, span.stop)) / abs(span.size) + 1
                for term in (stage.first, stage.second):
                    inside = limit(term.bounded_stages, Span(Fraction(0), top, whole=span.whole))
                    found = min(found, span.first_from(inside)) if inside < top else found
                return found
            case (str(name), parameters):
                if name.endswith("ramp"):
                    found = min(found, _lost_by_delay(span, abs(span.size) * Fraction(parameters[0])))
                return found
            case _:
                return found
    return found


def _limit_of_floor(span: Span, period: Fraction) -> Fraction:
    """The first step with so many periods that their rest, or their number, isn't exact."""
    if span.whole and period.denominator == 1:
        return span.stop
    return span.first_from(MOST_PERIODS * period)


def _lost_by_delay(span: Span, length: Fraction) -> Fraction:
    """The first step where so much of a step is taken away that what is left isn't exact for such a length."""
    if abs(span.origin) < MOST_PERIODS * length:
        return span.stop
    high = float(span.origin)
    exact = Fraction(high) + Fraction(float(span.origin - Fraction(high))) == span.origin
    return span.stop if exact else span.first
