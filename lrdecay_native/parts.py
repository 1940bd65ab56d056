"""The pieces of a schedule on whole steps: the parts that grids, sums and planning work on.

Bounds are gone here: where a rate crosses one is found by bisection, to the step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from lrdecay_native.evaluation import Pair, PointPair, apply_to_arrays, apply_to_point
from lrdecay_native.pieces import Kernel, Piece, TimeMap, as_point
from lrdecay_native.validation import STEP_LIMIT


def chained(apply: Callable[..., Any], kernels: Iterable[Kernel], variable: Any) -> Any:
    """Kernels, each applied to what the one before it gave; ``apply(name, variable, *parameters)`` runs one."""
    for name, parameters in kernels:
        variable = apply(name, variable, *parameters)
    return variable


@dataclass(frozen=True)
class Chain:
    """Kernels, each applied to what the one before it gave."""

    kernels: tuple[Kernel, ...]

    def on_arrays(self, variable: Pair) -> Pair:
        """The value at each element of a pair of arrays."""
        values: Pair = chained(apply_to_arrays, self.kernels, variable)
        return values

    def at(self, step: int) -> PointPair:
        """The value at one step."""
        high = float(step)
        return self.on_point((high, float(step - int(high))))

    def on_point(self, variable: PointPair) -> PointPair:
        """The value at one number, whole or not."""
        value: PointPair = chained(apply_to_point, self.kernels, variable)
        return value


@dataclass(frozen=True)
class Constant:
    """One rate from ``start`` to below ``stop``."""

    start: int
    stop: int
    rate: float


@dataclass(frozen=True)
class Smooth:
    """A smooth and monotone rate."""

    start: int
    stop: int
    chain: Chain


@dataclass(frozen=True)
class Stairs:
    """A rate that stays the same from each multiple of a period, counted from an origin, to the next.

    Attributes
    ----------
    start, stop : int
        From which step to below which.
    chain : Chain
        The rate at a step.
    origin, period : Fraction
        Run ``k`` goes from ``origin + k * period`` to below the beginning of the next.
    rates : Smooth, Stairs or Cycles
        The rate of run ``k``, as that of a schedule at step ``k``.
    """

    start: int
    stop: int
    chain: Chain
    origin: Fraction
    period: Fraction
    rates: Varying

    def run(self, step: int) -> int:
        """The number of the run that a step is in."""
        return math.floor((step - self.origin) / self.period)

    def first_step(self, run: int) -> int:
        """The first step of a run."""
        return math.ceil(self.origin + run * self.period)


@dataclass(frozen=True)
class Cycles:
    """Smooth and monotone from above each multiple of a period, counted from an origin, up to the next.

    Attributes
    ----------
    start, stop : int
        From which step to below which.
    chain : Chain
        The rate at a step.
    origin, period : Fraction
        Cycle ``n``, from 1, goes from above ``origin + (n - 1) * period`` up to ``origin + n * period``; the
        first contains ``origin`` too.
    piece : Piece
        What it was made from.
    """

    start: int
    stop: int
    chain: Chain
    origin: Fraction
    period: Fraction
    piece: Piece

    @property
    def bounded(self) -> bool:
        """Whether a cycle may consist of several parts."""
        return bool(self.piece.bounding_kernels)

    def unbounded(self, start: int, stop: int) -> Cycles:
        """The same on some steps, where no bound is reached."""
        piece = replace(self.piece, lowest=Fraction(0), highest=math.inf)
        return replace(self, start=start, stop=stop, chain=Chain(piece.kernels), piece=piece)

    def cycle(self, step: int) -> int:
        """The number of the cycle that a step is in."""
        return max(math.ceil((step - self.origin) / self.period), 1)

    def stop_of(self, cycle: int) -> int:
        """The step behind the last one of a cycle."""
        return min(math.floor(self.origin + cycle * self.period) + 1, self.stop)

    def parts(self, start: int, stop: int) -> Iterator[Constant | Smooth]:
        """The parts of steps within one cycle."""
        return monotone_parts(self.piece, start, stop, smooth_part)


Varying = Smooth | Stairs | Cycles
Part = Constant | Varying


def parts_of(pieces: Iterable[Piece]) -> tuple[Part, ...]:
    """The parts on the steps from 0 to below 2**63 of a schedule that consists of these pieces."""
    parts: list[Part] = []
    start = 0
    for piece in pieces:
        stop = int(min(piece.end.first_step(), STEP_LIMIT))
        if stop > start:
            parts.extend(_parts_of_piece(piece, start, stop))
            start = stop
    return tuple(parts)


def _parts_of_piece(piece: Piece, start: int, stop: int) -> Iterable[Part]:
    if piece.constant or stop - start == 1:
        return [Constant(start, stop, _bounded_rate(piece, start))]
    if any(time_map.name == "cyclic" for time_map in piece.time_maps):
        return [_varying_part(piece, start, stop)]
    return monotone_parts(piece, start, stop, _varying_part)


def _bounded_rate(piece: Piece, step: int) -> float:
    return Chain(piece.bounded_kernels).at(step)[0]


def monotone_parts(
    piece: Piece, start: int, stop: int, varying: Callable[[Piece, int, int], Any]
) -> Iterator[Any]:
    """The parts of a piece on steps where it is monotone: between its bounds, ``varying`` makes them."""
    chain = Chain(piece.kernels)
    first, last = chain.at(start), chain.at(stop - 1)
    # No rate is below zero: what vanishes far out is not searched for.
    lowest = as_point(piece.lowest) if piece.lowest > 0 else (-1.0, 0.0)
    highest = (math.inf, 0.0) if piece.highest == math.inf else as_point(piece.highest)
    if first == last:
        yield Constant(start, stop, _bounded_rate(piece, start))
        return
    if first < last:
        begin = first_step_where(lambda t: chain.at(t) > lowest, start, stop) if first <= lowest else start
        end = first_step_where(lambda t: chain.at(t) >= highest, begin, stop) if last >= highest else stop
    else:
        begin = first_step_where(lambda t: chain.at(t) < highest, start, stop) if first >= highest else start
        end = first_step_where(lambda t: chain.at(t) <= lowest, begin, stop) if last <= lowest else stop
    if start < begin:
        yield Constant(start, begin, _bounded_rate(piece, start))
    if begin < end:
        yield varying(replace(piece, lowest=Fraction(0), highest=math.inf), begin, end)
    if end < stop:
        yield Constant(end, stop, _bounded_rate(piece, stop - 1))


def first_step_where(holds: Callable[[int], bool], start: int, stop: int) -> int:
    """The first step from ``start`` to below ``stop`` from which on something holds, or ``stop``."""
    while start < stop:
        middle = (start + stop) // 2
        if holds(middle):
            stop = middle
        else:
            start = middle + 1
    return start


def smooth_part(piece: Piece, start: int, stop: int) -> Smooth:
    """The part of a piece that is smooth on these steps."""
    return Smooth(start, stop, Chain(piece.kernels))


def _varying_part(piece: Piece, start: int, stop: int) -> Varying:
    chain = Chain(piece.bounded_kernels)
    for index, (name, parameter) in enumerate(piece.time_maps):
        origin, period = _as_seen_through(piece.time_maps[:index], parameter)
        if name == "staircase":
            rates = replace(piece, time_maps=piece.time_maps[index + 1 :])
            return Stairs(start, stop, chain, origin, period, _varying_part(rates, 0, STEP_LIMIT))
        if name == "cyclic":
            return Cycles(start, stop, chain, origin, period, piece)
    return Smooth(start, stop, chain)


def _as_seen_through(time_maps: tuple[TimeMap, ...], period: Fraction) -> tuple[Fraction, Fraction]:
    """Where multiples of a period lie in steps: their origin and their distance."""
    origin = Fraction(0)
    for name, parameter in reversed(time_maps):
        if name == "delayed":
            origin += parameter
        else:
            origin, period = origin * parameter, period * parameter
    return origin, period
