"""Pieces of schedules at steps that are whole numbers, as an array namespace computes them."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from lrdecay_native.arithmetic.scalars import as_point
from lrdecay_native.evaluation.points.interpretation import Arithmetic
from lrdecay_native.evaluation.points.pipelines import Pipeline
from lrdecay_native.formulas.catalogue import COMPOSITION_MAPS
from lrdecay_native.integer_steps.division import divided
from lrdecay_native.integer_steps.machine import Machine
from lrdecay_native.integer_steps.namespaces import Formulas, StepMaps
from lrdecay_native.integer_steps.spans import Shape, Shaped, Span, chosen, joined
from lrdecay_native.integer_steps.values import Line, Real, Value, as_float, known
from lrdecay_native.piecewise.expressions import Kernel, PiecewiseFunction, TimeMap
from lrdecay_native.piecewise.pieces import Breakpoint, Piece, Piecewise


class IntegerArithmetic(Arithmetic):
    """Values that depend on a whole number."""

    formulas: Formulas

    def __init__(self, xp: Machine) -> None:
        self.xp = xp
        self.formulas = Formulas(xp)
        self._step_maps = StepMaps(xp)

    def number(self, number: Fraction) -> Line:
        return Line(self.xp, number)

    def variable(self, step: Value) -> Value:
        return step

    def mapped(self, time_map: TimeMap, step: Value) -> Value:
        if time_map.known.cycles:
            return _cyclic(step, time_map.parameter)
        value: Value = time_map.known.function(self._step_maps, step, self.number(time_map.parameter))
        return value

    def divided(self, step: Value, period: Fraction) -> tuple[Value, Value]:
        whole, rest = divided(step, period)
        return whole, rest()

    def pieces(self, pieces: Piecewise, step: Value) -> Value:
        if isinstance(step, Line):
            return self._of_line(pieces, step)
        *others, last = pieces
        result: Value = self.rate(last, step)
        for piece in reversed(others):
            end = as_float(Fraction(piece.end.position))
            before = step.number <= end if piece.end.after else step.number < end
            result = chosen(self.xp, before, self.rate(piece, step), result)
        return result

    def _of_line(self, pieces: Piecewise, line: Line) -> Value:
        if line.counter is None:
            here = Breakpoint(line.offset)
            rate: Value = self.rate(next(piece for piece in pieces if here < piece.end), line)
            return rate
        line = line.rising()
        spans: list[Span] = []
        first = line.low
        for piece in pieces:
            stop = min(_first_behind(piece.end, line), line.high + 1)
            if stop > first:
                spans.append(Span(self.rate(piece, line.within(first, stop - 1)), stop))
                first = stop
        assert line.counter is not None
        return joined(self.xp, spans, line.counter)

    def rate(self, piece: Piece, step: Value) -> Any:
        if piece.constant and isinstance(step, Line):
            everywhere = Pipeline((PiecewiseFunction.of((piece,)),)).on_point(as_point(step.at(step.low)))
            return self.number(sum(map(Fraction, everywhere), Fraction(0)))
        return super().rate(piece, step)

    def rate_of_curve(self, piece: Piece, step: Value) -> Any:
        curve = piece.curve
        if not isinstance(curve, Kernel) or not isinstance(step, Line):
            return super().rate_of_curve(piece, step)
        numbers = (*curve.numbers, *piece.rate_maps.values())
        shape = Shape(curve.formula, tuple(COMPOSITION_MAPS[name] for name in piece.rate_maps), step, numbers)
        rate = shape.rate(step, [self.number(number) for number in numbers])
        return rate if isinstance(rate, Line) else Shaped(rate, shape)

    def called(self, name: Any, function: Callable[[Any, Any], Any], step: Value) -> Value:
        return Real(self.xp, lambda: self.xp.other(name, function, step.array))

    def looked_up(self, step: Value, every: Fraction, rate: Callable[[Any, Any], Any]) -> Value:
        xp = self.xp
        whole, part = divided(step, every)

        def look_up(table: Any, further: int) -> Any:
            # Outside of the piece the number may be any.
            return xp.take(xp.asarray(table), xp.clip(_integer(xp, whole) + further, 0, len(table) - 1))

        return Real(xp, lambda: rate(look_up, lambda: part().array))


def _first_behind(end: Breakpoint, line: Line) -> int:
    """The first integer of a rising line's counter behind a breakpoint."""
    if end.position == math.inf:
        return line.high + 1
    place = (Fraction(end.position) - line.offset) / line.slope
    return math.floor(place) + 1 if end.after else math.ceil(place)


def _integer(xp: Machine, whole: Value) -> Any:
    """The integer of 64 bits that a whole number is."""
    number = known(whole)
    if number is not None:
        return xp.integers(np.array(int(number)))
    return whole.counter.integer if isinstance(whole, Line) and whole.counter else xp.whole(whole.array)


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
