"""Where a schedule is constant, smooth or a staircase: its pieces, and what compositions do to them.

A schedule is a row of pieces.  On each of them its rate is one chain of stages: maps of the step, a curve, a factor,
an offset and bounds.  Compositions delay, stretch, cut, scale and clip pieces: however deeply schedules are nested, a
piece stays one short chain.  Only what repeats, and sums and products, have pieces inside their curve.  Nothing here
evaluates anything.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any, ClassVar, NamedTuple, Union

import numpy as np
import numpy.typing as npt

from lrdecay_native.caching import cached
from lrdecay_native.evaluation import PointPair
from lrdecay_native.formulas import FORMULAS
from lrdecay_native.variants import variant

Kernel = tuple[str, tuple[float, ...]]
"""The name of a kernel and its parameters."""

Curve = Union[Kernel, "Repeated", "Combined", "Node"]
"""What makes a rate of a piece's variable."""

Pieces = tuple["Piece", ...]


class Cut(NamedTuple):
    """A place between steps: right before a position, or right after it.

    Attributes
    ----------
    position : Fraction or inf
        The position, in steps.
    after : bool
        Whether the position itself lies before the cut.
    """

    position: Fraction | float
    after: bool = False

    def first_step(self) -> int | float:
        """The first whole number behind the cut."""
        if self.position == math.inf:
            return math.inf
        return math.floor(self.position) + 1 if self.after else math.ceil(self.position)

    def first_pair(self) -> PointPair:
        """The first number behind the cut that two doubles ``high + low`` hold."""
        if self.position >= 2**64:
            return math.inf, 0.0
        high, low = as_point(self.position)
        held = Fraction(high) + Fraction(low)
        if held < self.position or (self.after and held == self.position):
            low = math.nextafter(low, math.inf)
        return high, low


NEVER = Cut(math.inf)
"""The end of the last piece."""


class MapKernel(NamedTuple):
    """A kernel on the step: its name, its parameter as ``high + low``, and the exact one."""

    name: str
    parameters: PointPair
    parameter: Fraction


class TimeMap(NamedTuple):
    """A kernel on the step, with its exact parameter."""

    name: str
    parameter: Fraction

    @property
    def kernel(self) -> MapKernel:
        """The map as a kernel."""
        return MapKernel(self.name, as_point(self.parameter), self.parameter)


@dataclass(frozen=True)
class Repeated:
    """Pieces that begin again after each period.

    Attributes
    ----------
    period : Fraction
        The period; what the pieces have from there on is not used.
    pieces : tuple of Piece
        The rate in the first period.
    gain : float
        In each period the distance from the offset is that in the one before times this.
    offset : Fraction
        What the rates of later periods get nearer to.
    """

    period: Fraction
    pieces: Pieces
    gain: float = 1.0
    offset: Fraction = Fraction(0)

    @cached
    def row(self) -> Row:
        """The pieces made ready for steps."""
        return Row.of(self.pieces)

    @cached
    def period_point(self) -> PointPair:
        """The period as ``high + low``."""
        return as_point(self.period)

    @cached
    def offset_point(self) -> PointPair:
        """The offset as ``high + low``."""
        return as_point(self.offset)


@dataclass(frozen=True)
class Combined:
    """Two rates in one.

    Attributes
    ----------
    name : str
        The combination: ``"added"`` or ``"multiplied"``.
    first, second : Piece
        The rates; their ends do not count.
    """

    name: str
    first: Piece
    second: Piece


class Node(ABC):
    """A curve that no kernel knows."""

    every: ClassVar[Fraction | None] = None
    """From each multiple of this to the next the curve is smooth and monotone; None if that isn't known."""

    straight: ClassVar[bool] = False
    """Whether it is a straight line there."""

    @abstractmethod
    def on(self, apply: Callable[..., Any], variable: Any) -> Any:
        """The value at a number, or at a pair of arrays; ``apply(name, variable, *parameters)`` runs a kernel."""

    def evaluate(self, xp: Any, variable: Any) -> Any:
        """The value in an array namespace, of a curve of which no ``every`` is known."""
        raise NotImplementedError

    def between(self, look_up: Callable[[Any, int], Any], part: Callable[[], Any]) -> Any:
        """The value in an array namespace, of a curve that is smooth from each whole number to the next.

        ``look_up(table, further)`` gives the entry of the whole number, or of one so much further, and the last one
        behind the end; ``part()`` how far behind the whole number the variable is.
        """
        raise NotImplementedError

    def link(self, engine: Any) -> Any:
        """What an engine that runs chains by itself computes the value with; None if it can't."""
        return None

    def at_whole_numbers(self, first: int, count: int) -> npt.NDArray[np.float64] | None:
        """The values at so many whole numbers, where they need no computation."""
        return None

    def not_negative(self) -> Node:
        """The curve with 0 in place of negative values, which are errors otherwise."""
        return self

    def extremes(self, first: PointPair, last: PointPair) -> tuple[PointPair, PointPair]:
        """Bounds of the values from one number to another."""
        return (0.0, 0.0), (math.inf, 0.0)


@dataclass(frozen=True)
class Piece:
    """A part of a schedule on which its rate is one chain of stages.

    Attributes
    ----------
    end : Cut
        Where it ends; it begins where the one before it ends.
    time_maps : tuple of TimeMap
        The maps of the step, from the outermost to the one that makes the curve's variable.
    curve : Kernel, Repeated or Combined
        The rate as a function of that variable.
    constant : bool
        Whether the rate is the same all over the piece.
    turning : bool
        Whether a curve that is a kernel may both rise and fall.
    factor, offset : Fraction
        What the curve is multiplied with, and what is added to the product.
    lowest : Fraction
        The least rate; the others are raised to it.
    highest : Fraction or inf
        The largest rate.
    """

    end: Cut
    time_maps: tuple[TimeMap, ...]
    curve: Curve
    constant: bool = False
    turning: bool = False
    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    lowest: Fraction = Fraction(0)
    highest: Fraction | float = math.inf

    @cached
    def stages(self) -> tuple[Curve | MapKernel, ...]:
        """The rate without its bounds, as kernels and curves to be called in turn."""
        scale: tuple[Kernel, ...] = (("scaled", as_point(self.factor)),) if self.factor != 1 else ()
        move: tuple[Kernel, ...] = (("moved", as_point(self.offset)),) if self.offset != 0 else ()
        return (*(time_map.kernel for time_map in self.time_maps), _specialised(self.curve), *scale, *move)

    @cached
    def bounded_stages(self) -> tuple[Curve | MapKernel, ...]:
        """The rate, as kernels and curves to be called in turn."""
        return (*self.stages, *self.bounding_kernels)

    @property
    def bounding_kernels(self) -> tuple[Kernel, ...]:
        """The kernels that keep the bounds."""
        raising: tuple[Kernel, ...] = (("raised", as_point(self.lowest)),) if self.lowest > 0 else ()
        capping: tuple[Kernel, ...] = (("capped", as_point(self.highest)),) if self.highest < math.inf else ()
        return (*raising, *capping)

    def without_maps(self) -> Piece:
        """The curve alone."""
        return Piece(self.end, (), self.curve)

    def without_bounds(self) -> Piece:
        """The same piece, its bounds taken away."""
        return replace(self, lowest=Fraction(0), highest=math.inf)


class Row(NamedTuple):
    """Pieces made ready for steps: where each but the first begins, the stages of each, and the exact cuts."""

    begins: list[PointPair]
    chains: list[tuple[Curve | MapKernel, ...]]
    cuts: list[Cut]

    @classmethod
    def of(cls, pieces: Pieces) -> Row:
        """The row of some pieces."""
        cuts = [piece.end for piece in pieces[:-1]]
        return cls([cut.first_pair() for cut in cuts], [piece.bounded_stages for piece in pieces], cuts)


def _specialised(curve: Curve) -> Curve:
    """A formula by the kernel for its parameters."""
    if isinstance(curve, tuple) and curve[0] in FORMULAS:
        name, parameters = curve
        return variant(name, dict(zip(FORMULAS[name].parameters, parameters, strict=True))), parameters
    return curve


def as_point(number: Fraction | float) -> PointPair:
    """A number as ``high + low``, to 2**-106."""
    high = float(number)
    numerator, denominator = number.as_integer_ratio()
    above, below = high.as_integer_ratio()
    # Much faster than a difference of fractions.
    return high, (numerator * below - above * denominator) / (denominator * below)


def held(rate: PointPair, end: Cut = NEVER) -> Piece:
    """A piece with one rate."""
    return Piece(end, (), ("held", rate), constant=True)


def transition(shape: str, steps: Fraction, start: PointPair, rate: PointPair) -> Pieces:
    """From a start at step 0 to a rate that is reached after some steps, where the pieces end."""
    if steps == 0:
        return ()
    end = Cut(steps)
    if start == rate:
        return (held(start, end),)
    change = SHAPES[shape](end, start, rate)
    # Bulk evaluation can't have a zero inside a block.
    origin = (held(start, Cut(Fraction(0), after=True)),) if start[0] == 0.0 and not change.constant else ()
    return (*origin, change)


def _ramp(kernel: str, end: Cut, start: PointPair, rate: PointPair) -> Piece:
    return Piece(end, (), (kernel, (*as_point(end.position), *start, *rate)))


def _fall(kernel: str, end: Cut, start: PointPair, rate: PointPair) -> Piece:
    """A fall; a rise is one that runs backwards: next to the larger rate nothing is lost where numbers cancel."""
    if rate < start:
        return _ramp(kernel, end, start, rate)
    backwards = TimeMap("reflected", Fraction(end.position))
    return replace(_ramp(kernel, end, rate, start), time_maps=(backwards,))


def _exponential(end: Cut, start: PointPair, rate: PointPair) -> Piece:
    first, last = (sum(map(Fraction, pair), Fraction(0)) for pair in (start, rate))
    maps = (TimeMap("continuous", Fraction(end.position)),)
    return Piece(end, maps, ("exponential", as_point(last / first)), factor=first)


def _constant(end: Cut, start: PointPair, rate: PointPair) -> Piece:
    return held(start, end)


SHAPES: dict[str, Callable[[Cut, PointPair, PointPair], Piece]] = {
    "linear": partial(_ramp, "ramp"),
    "cosine": partial(_fall, "cosine_ramp"),
    "1-sqrt": partial(_fall, "square_root_ramp"),
    "exponential": _exponential,
    "constant": _constant,
}
"""The pieces of transitions, from a start to a rate at their end."""


def row(*parts: Pieces) -> Pieces:
    """Pieces one after another: each row of them begins where the one before it ends."""
    result: Pieces = ()
    for part in parts:
        if part:
            result = (*result, *delayed(part, Fraction(result[-1].end.position) if result else Fraction(0)))
    return result


def delayed(pieces: Iterable[Piece], delay: Fraction) -> Pieces:
    """The pieces of ``schedule(t - delay)``; with a negative delay what lies before step 0 is gone."""
    if delay == 0:
        return tuple(pieces)
    return tuple(
        replace(
            piece,
            end=Cut(piece.end.position + delay, piece.end.after),
            time_maps=_delayed_maps(piece.time_maps, delay),
        )
        for piece in pieces
        if piece.end.position + delay > 0 or (piece.end.after and piece.end.position + delay == 0)
    )


def _delayed_maps(time_maps: tuple[TimeMap, ...], delay: Fraction) -> tuple[TimeMap, ...]:
    if time_maps and time_maps[0].name == "delayed":
        delay, time_maps = time_maps[0].parameter + delay, time_maps[1:]
    return (TimeMap("delayed", delay), *time_maps) if delay != 0 else time_maps


def _through(pieces: Iterable[Piece], factor: Fraction, time_maps: tuple[TimeMap, ...]) -> Pieces:
    """The pieces of a schedule of a map of the step that makes it so many times longer."""
    return tuple(
        replace(
            piece,
            end=Cut(piece.end.position * factor, piece.end.after),
            time_maps=(*time_maps, *piece.time_maps),
        )
        for piece in pieces
    )


def stretched(pieces: Iterable[Piece], factor: Fraction) -> Pieces:
    """The pieces of ``schedule(t / factor)``."""
    return _through(pieces, factor, (TimeMap("continuous", factor),))


def stretched_to(pieces: Iterable[Piece], to: Fraction, of: Fraction) -> Pieces:
    """The pieces of ``schedule(t * of / to)``."""
    # The product first: where the quotient is a whole number, it is exact.
    return _through(pieces, to / of, (TimeMap("scaled", of), TimeMap("continuous", to)))


def stepped(pieces: Iterable[Piece], period: Fraction) -> Pieces:
    """The pieces of ``schedule(floor(t / period))``."""
    return tuple(
        replace(
            piece,
            end=Cut(piece.end.first_step() * period),
            time_maps=(TimeMap("staircase", period), *piece.time_maps),
        )
        for piece in pieces
    )


def reversed_from(pieces: Pieces, length: Fraction) -> Pieces:
    """The pieces of ``schedule(length - t)``, up to ``length``, and then the rate at 0."""
    result = []
    begin = Cut(Fraction(0))
    for piece in pieces:
        if piece.end <= begin:
            continue
        if begin > Cut(length):
            break
        # From right behind the reflected end to right behind the reflected beginning.
        end = Cut(length - begin.position, after=not begin.after)
        result.append(replace(piece, end=end, time_maps=(TimeMap("reflected", length), *piece.time_maps)))
        begin = piece.end
    first = result[0]
    return (*reversed(result[1:]), replace(first, end=Cut(length)), replace(first, end=NEVER, constant=True))


def scaled(pieces: Iterable[Piece], factor: Fraction) -> Pieces:
    """The pieces of ``factor * schedule(t)``."""
    return tuple(
        replace(
            piece,
            factor=piece.factor * factor,
            offset=piece.offset * factor,
            lowest=piece.lowest * factor,
            highest=piece.highest * factor if piece.highest < math.inf else math.inf,
        )
        for piece in pieces
    )


def moved(pieces: Iterable[Piece], offset: Fraction) -> Pieces:
    """The pieces of ``schedule(t) + offset``."""
    return tuple(
        replace(
            piece,
            offset=piece.offset + offset,
            lowest=piece.lowest + offset if piece.lowest > 0 else piece.lowest,
            highest=piece.highest + offset,
        )
        for piece in pieces
    )


def clipped(pieces: Iterable[Piece], lowest: Fraction, highest: Fraction | float) -> Pieces:
    """The pieces of ``min(max(schedule(t), lowest), highest)``."""
    return tuple(
        replace(
            piece,
            lowest=Fraction(min(max(piece.lowest, lowest), highest)),
            highest=min(max(piece.highest, lowest), highest),
        )
        for piece in pieces
    )


def not_negative(pieces: Iterable[Piece]) -> Pieces:
    """The pieces with 0 in place of what curves that no kernel knows have below it."""
    return tuple(replace(piece, curve=_not_negative(piece.curve)) for piece in pieces)


def _not_negative(curve: Curve) -> Curve:
    match curve:
        case Repeated():
            return replace(curve, pieces=not_negative(curve.pieces))
        case Combined():
            first, second = not_negative((curve.first, curve.second))
            return replace(curve, first=first, second=second)
        case Node():
            return curve.not_negative()
    return curve


def cut_off(pieces: Iterable[Piece], end: Cut) -> Pieces:
    """The pieces up to an end."""
    kept = []
    for piece in pieces:
        if piece.end >= end:
            kept.append(replace(piece, end=end))
            break
        kept.append(piece)
    return tuple(kept)


def between(pieces: Pieces, first: int, stop: int | None) -> Pieces:
    """The pieces that have a step from a first one to below a last one."""
    kept = []
    for piece in pieces:
        end = piece.end.first_step()
        if end > first:
            kept.append(piece)
        if stop is not None and end >= stop:
            break
    return tuple(kept)


def joined(before: Iterable[Piece], at: Fraction, after: Iterable[Piece]) -> Pieces:
    """The pieces of a schedule up to a step, followed by pieces that begin there."""
    return (*cut_off(before, Cut(at)), *after) if at > 0 else tuple(after)


def combined(name: str, first: Pieces, second: Pieces) -> Pieces:
    """The pieces of the sum or the product of two schedules."""
    result = []
    i = j = 0
    while i < len(first) and j < len(second):
        one, other = first[i], second[j]
        end = min(one.end, other.end)
        result.append(_combined(name, one, other, end))
        i, j = i + (one.end == end), j + (other.end == end)
    return tuple(result)


def _combined(name: str, first: Piece, second: Piece, end: Cut) -> Piece:
    change = scaled if name == "multiplied" else moved
    for piece, other in ((first, second), (second, first)):
        rate = _held_rate(piece)
        if rate is not None and (rate > 0 or name == "added"):
            return replace(change([other], rate)[0], end=end)
        if rate is not None:
            return held((0.0, 0.0), end)
    return Piece(end, (), Combined(name, first, second), first.constant and second.constant)


def _held_rate(piece: Piece) -> Fraction | None:
    """The rate of a piece that was made by `held`."""
    if not isinstance(piece.curve, tuple) or piece.curve[0] != "held":
        return None
    rate = sum(map(Fraction, piece.curve[1]), Fraction(0)) * piece.factor + piece.offset
    return Fraction(min(max(rate, piece.lowest), piece.highest))
