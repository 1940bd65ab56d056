"""Pieces of schedules in an array namespace: the same chains, as that namespace computes them."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from lrdecay_native.formulas import COMBINATIONS, COMPOSITION_MAPS, FORMULAS, TIME_MAPS
from lrdecay_native.pieces import Combined, Cut, Node, Piece, Pieces, Repeated

FEWEST_ALIKE = 4
"""So many pieces that differ in nothing but their numbers are evaluated together."""


class _Chain(NamedTuple):
    """The stages of a piece without their numbers: the names of maps, and a curve or its name."""

    time_maps: tuple[str, ...]
    curve: str | Repeated | Combined | Node
    after: tuple[str, ...]


class _Numbers(NamedTuple):
    """The numbers of the stages of a piece, or values of a namespace."""

    time_maps: tuple[Any, ...]
    curve: tuple[Any, ...]
    after: tuple[Any, ...]


class _Rate(NamedTuple):
    """A piece, taken apart."""

    chain: _Chain
    numbers: _Numbers

    @classmethod
    def of(cls, piece: Piece) -> _Rate:
        after: dict[str, Fraction | float] = {}
        if piece.factor != 1:
            after["scaled"] = piece.factor
        if piece.offset != 0:
            after["moved"] = piece.offset
        if piece.lowest > 0:
            after["raised"] = piece.lowest
        if piece.highest < math.inf:
            after["capped"] = piece.highest
        curve: str | Repeated | Combined | Node
        if isinstance(piece.curve, tuple):
            curve, numbers = piece.curve[0], _of_curve(*piece.curve)
        else:
            curve, numbers = piece.curve, ()
        return cls(
            _Chain(tuple(time_map.name for time_map in piece.time_maps), curve, tuple(after)),
            _Numbers(
                tuple(time_map.parameter for time_map in piece.time_maps), numbers, tuple(after.values())
            ),
        )

    def at(self, xp: Any, step: Any) -> Any:
        """The rate at a step."""
        formula = isinstance(self.chain.curve, str) and self.chain.curve in FORMULAS
        numbers = _Numbers(
            tuple(_number(xp, number) for number in self.numbers.time_maps),
            tuple(xp.asarray(number) if formula else _number(xp, number) for number in self.numbers.curve),
            tuple(_number(xp, number) for number in self.numbers.after),
        )
        return _evaluate(xp, self.chain, numbers, step)


def _of_curve(name: str, parameters: tuple[float, ...]) -> tuple[Fraction | float, ...]:
    if name in FORMULAS:
        return parameters
    # They come in two parts.
    return tuple(map(Fraction.__add__, map(Fraction, parameters[::2]), map(Fraction, parameters[1::2])))


def evaluate_pieces(xp: Any, pieces: Pieces, step: Any) -> Any:
    """The rate at a step, a value of the array namespace ``xp``.

    Where the namespace can ``count`` how many conditions along the last axis hold, many pieces that are alike take
    the operations of one: their numbers are looked up.
    """
    rates = [_Rate.of(piece) for piece in pieces]
    ends = [piece.end for piece in pieces[:-1]]
    alike = _alike(rates) if hasattr(type(xp), "count") else []
    if alike:
        return _evaluate_together(xp, rates, alike, ends, step)
    result = rates[-1].at(xp, step)
    for rate, end in zip(reversed(rates[:-1]), reversed(ends), strict=True):
        position = _number(xp, end.position)
        result = xp.where(step <= position if end.after else step < position, rate.at(xp, step), result)
    return result


def _alike(rates: list[_Rate]) -> list[list[int]]:
    """The indices of pieces that have the same stages, where they are many."""
    if len(rates) < FEWEST_ALIKE:
        return []
    places: dict[_Chain, list[int]] = defaultdict(list)
    for place, rate in enumerate(rates):
        if isinstance(rate.chain.curve, str):
            places[rate.chain].append(place)
    return [several for several in places.values() if len(several) >= FEWEST_ALIKE]


def _evaluate_together(
    xp: Any, rates: list[_Rate], alike: list[list[int]], ends: list[Cut], step: Any
) -> Any:
    place = _place(xp, ends, step)
    single = set(range(len(rates))).difference(*alike)
    evaluated = [(several, _evaluate_alike(xp, rates, several, place, step)) for several in alike]
    evaluated += [([k], rates[k].at(xp, step)) for k in sorted(single)]
    (_, result), *others = evaluated
    for places, rate in others:
        here = _looked_up(xp, [float(k in places) for k in range(len(rates))], place)
        result = xp.where(here > 0.0, rate, result)
    return result


def _evaluate_alike(xp: Any, rates: list[_Rate], several: list[int], place: Any, step: Any) -> Any:
    """The rate where the step's piece is one of several, and anything elsewhere."""
    numbers = [rates[k if k in several else several[0]].numbers for k in range(len(rates))]
    looked_up = (
        tuple(_looked_up(xp, list(map(float, column)), place) for column in zip(*part, strict=True))
        for part in zip(*numbers, strict=True)
    )
    return _evaluate(xp, rates[several[0]].chain, _Numbers(*looked_up), step)


def _looked_up(xp: Any, numbers: list[float], place: Any) -> Any:
    if len(set(numbers)) == 1:
        return xp.asarray(numbers[0])
    return xp.take(xp.asarray(np.array(numbers)), place)


def _place(xp: Any, ends: list[Cut], step: Any) -> Any:
    """Which piece the step is in."""
    steps = step[..., None]
    before = [float(end.position) for end in ends if not end.after]
    behind = [float(end.position) for end in ends if end.after]
    counts = []
    if before:
        counts.append(xp.count(steps >= xp.asarray(np.array(before))))
    if behind:
        counts.append(xp.count(steps > xp.asarray(np.array(behind))))
    return sum(counts[1:], counts[0])


def _number(xp: Any, number: Fraction | float) -> Any:
    """A number as a value of the namespace, by its own function where it has one that is exact."""
    exact = getattr(xp, "exact", None)
    return xp.asarray(float(number)) if exact is None else exact(number)


def _evaluate(xp: Any, chain: _Chain, numbers: _Numbers, step: Any) -> Any:
    value = step
    for name, number in zip(chain.time_maps, numbers.time_maps, strict=True):
        value = _map(name)(xp, value, number)
    value = _curve(xp, chain.curve, value, numbers.curve)
    for name, number in zip(chain.after, numbers.after, strict=True):
        value = _map(name)(xp, value, number)
    return value


def _map(name: str) -> Any:
    return (COMPOSITION_MAPS if name in COMPOSITION_MAPS else TIME_MAPS)[name].function


def _curve(xp: Any, curve: str | Repeated | Combined | Node, variable: Any, numbers: tuple[Any, ...]) -> Any:
    match curve:
        case Repeated():
            return _repeated(xp, curve, variable)
        case Combined():
            first, second = (_Rate.of(term).at(xp, variable) for term in (curve.first, curve.second))
            return COMBINATIONS[curve.name].function(xp, first, second)
        case Node():
            return curve.evaluate(xp, variable)
        case _:
            registry = COMPOSITION_MAPS if curve in COMPOSITION_MAPS else FORMULAS
            return registry[curve].function(xp, variable, *numbers)


def _repeated(xp: Any, curve: Repeated, variable: Any) -> Any:
    rate = evaluate_pieces(xp, curve.pieces, _map("repeated")(xp, variable, _number(xp, curve.period)))
    if curve.gain == 1.0:
        return rate
    cycle = _map("staircase")(xp, variable, _number(xp, curve.period))
    gain = _map("exponential")(xp, cycle, _number(xp, curve.gain))
    return COMBINATIONS["eased"].function(xp, rate, gain, _number(xp, curve.offset))
