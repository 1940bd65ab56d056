"""The pieces of a schedule on whole steps: the parts that grids, sums and planning work on.

Bounds are gone here, but for those of parts that consist of many stretches: where a rate crosses one is found by
bisection, to the step.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from lrdecay_native import exact
from lrdecay_native import pieces as algebra
from lrdecay_native.caching import cached
from lrdecay_native.engines import engine
from lrdecay_native.evaluation import Pair, PointPair, apply_to_arrays, apply_to_point, as_pair
from lrdecay_native.exact import Stage
from lrdecay_native.formulas import FORMULAS
from lrdecay_native.pieces import Combined, Cut, Node, Piece, Pieces, Repeated, Row, TimeMap, as_point
from lrdecay_native.validation import STEP_LIMIT

chain_engine: Any = engine
"""The engine, where it runs chains by itself."""

LINKED = True
"""Whether engines that can run chains by themselves do so, as `chained` does kernel by kernel, to the same bits."""


def _link_of(stages: Iterable[Stage]) -> Any:
    """The engine's own chain of some stages; None if it has none, or if one of them is no kernel to it."""
    if not LINKED or not hasattr(chain_engine, "ChainLink"):
        return None
    stages = tuple(stages)
    made: dict[int, Any] = {}
    for curve in _innermost_first(stages):
        made[id(curve)] = _link(curve, made)
    return _chain_link(stages, made)


def _innermost_first(stages: Iterable[Stage]) -> list[Repeated | Combined]:
    """The curves with pieces inside, each after those inside of it; without recursion, as sums may be long."""
    found: list[Repeated | Combined] = []
    opened: set[int] = set()
    pending: list[tuple[Stage, bool]] = [(stage, False) for stage in stages]
    while pending:
        stage, gone_into = pending.pop()
        if gone_into:
            assert isinstance(stage, (Repeated, Combined))
            found.append(stage)
        elif isinstance(stage, Row):
            pending += [(inner, False) for chain in stage.chains for inner in chain]
        elif isinstance(stage, (Repeated, Combined)) and id(stage) not in opened:
            opened.add(id(stage))
            pending.append((stage, True))
            inside = stage.row.chains if isinstance(stage, Repeated) else _terms(stage)
            pending += [(inner, False) for chain in inside for inner in chain]
    return found


def _terms(curve: Combined) -> tuple[tuple[Stage, ...], tuple[Stage, ...]]:
    return curve.first.bounded_stages, curve.second.bounded_stages


def _chain_link(stages: Iterable[Stage], made: dict[int, Any]) -> Any:
    """The link of some stages, where those of curves with pieces inside are made."""
    links = tuple(made[id(s)] if isinstance(s, (Repeated, Combined)) else _link(s, made) for s in stages)
    if None in links:
        return None
    return links[0] if len(links) == 1 else chain_engine.ChainLink(links)


def _link(stage: Stage, made: dict[int, Any]) -> Any:
    match stage:
        case (str(name), parameters, *_):
            return chain_engine.KernelLink(name, parameters)
        case Row(begins, chains):
            links = tuple(_chain_link(chain, made) for chain in chains)
            return None if None in links else chain_engine.RowLink(begins, links)
        case Repeated():
            row = _link(stage.row, made)
            return row and chain_engine.RepeatedLink(row, stage.period_point, stage.gain, stage.offset_point)
        case Combined():
            first, second = (_chain_link(term, made) for term in _terms(stage))
            return first and second and chain_engine.CombinedLink(stage.name, first, second)
        case Node():
            return stage.link(chain_engine)


def chained(apply: Callable[..., Any], stages: Iterable[Stage], variable: Any) -> Any:
    """Kernels, curves and rows of them, each applied to what the one before it gave.

    ``apply(name, variable, *parameters)`` runs a kernel.
    """
    for stage in stages:
        match stage:
            case (str(name), parameters, *_):
                variable = apply(name, variable, *parameters)
            case Row():
                variable = _on_row(apply, stage, variable)
            case Repeated():
                variable = _repeated(apply, stage, variable)
            case Combined():
                first = chained(apply, stage.first.bounded_stages, variable)
                variable = apply(stage.name, first, *chained(apply, stage.second.bounded_stages, variable))
            case Node():
                variable = stage.on(apply, variable)
    return variable


def _repeated(apply: Callable[..., Any], curve: Repeated, variable: Any) -> Any:
    """The value of a curve that repeats."""
    rate = _on_row(apply, curve.row, apply("repeated", variable, *curve.period_point))
    if curve.gain == 1.0:
        return rate
    gain = _gain(apply, curve.gain, apply("staircase", variable, *curve.period_point))
    return apply("eased", rate, *gain, *curve.offset_point)


def _gain(apply: Callable[..., Any], gain: float, cycle: Any) -> Any:
    """The gain in a cycle, or in each cycle of a pair of arrays."""
    number, rest = cycle
    if isinstance(number, float) or not len(number) or rest.any():
        return apply("exponential", cycle, gain, 0.0)
    first, last = number.min(), number.max()
    if last - first >= len(number):
        return apply("exponential", cycle, gain, 0.0)
    # Few cycles for many steps.
    cycles = first + np.arange(int(last - first) + 1.0)
    gains = apply("exponential", (cycles, np.zeros(len(cycles))), gain, 0.0)
    indices = (number - first).astype(np.int64)
    return gains[0][indices], gains[1][indices]


def _on_row(apply: Callable[..., Any], row: Row, step: Any) -> Any:
    """The rate at a step, or at each step of a pair of arrays, by the piece that it is in."""
    begins, chains, _ = row
    if isinstance(step[0], float):
        return chained(apply, chains[bisect_right(begins, step)], step)
    if not begins:
        return chained(apply, chains[0], step)
    high, low = step
    numbers = _numbers(begins, high, low)
    result = np.empty(high.shape), np.empty(high.shape)
    for number in np.unique(numbers).tolist():
        chosen = numbers == number
        result[0][chosen], result[1][chosen] = chained(apply, chains[number], (high[chosen], low[chosen]))
    return result


def _numbers(begins: list[PointPair], high: Any, low: Any) -> Any:
    """How many of some places in ascending order are not behind each step."""
    if len(begins) > MANY:
        places = np.array(begins)
        numbers = np.searchsorted(places[:, 0], high, "right")
        # Only the low parts tell where the high ones are equal.
        equal = np.flatnonzero((numbers > 0) & (places[numbers - 1, 0] == high))
        for k in equal.tolist():
            numbers[k] = bisect_right(begins, (float(high[k]), float(low[k])))
        return numbers
    numbers = np.zeros(high.shape, np.intp)
    for begin_high, begin_low in begins:
        numbers += (high > begin_high) | ((high == begin_high) & (low >= begin_low))
    return numbers


MANY = 16
"""Beginnings of pieces; more are searched instead of compared with one by one."""


def _up_to(limit: float, at: Callable[[Any], float | None]) -> Callable[[Any], float | None]:
    """A function of a step that gives None from a limit on."""

    def below(step: Any) -> float | None:
        value = at(step)
        return None if value is None or float(step) >= limit else value

    return below


@dataclass(frozen=True)
class Chain:
    """Kernels, curves and rows of them, each applied to what the one before it gave."""

    stages: tuple[Stage, ...]

    @cached
    def link(self) -> Any:
        """The engine's own chain, or None."""
        return _link_of(self.stages)

    @cached
    def limit(self) -> float:
        """The step from which on 106 bits may not hold a place in a cycle; infinite if they always do."""
        limit = exact.limit(self.stages, exact.Span(0.0, float(STEP_LIMIT)))
        return math.inf if limit == STEP_LIMIT else limit

    def on_arrays(self, variable: Pair) -> Pair:
        """The value at each element of a pair of contiguous vectors."""
        if self.limit == math.inf or not (far := variable[0] >= self.limit).any():
            return self._on_arrays(variable)
        result = np.empty_like(variable[0]), np.empty_like(variable[0])
        for some, values in ((~far, self._on_arrays), (far, self._exactly)):
            if some.any():
                result[0][some], result[1][some] = values((variable[0][some], variable[1][some]))
        return result

    def _exactly(self, variable: Pair) -> Pair:
        return exact.rates(self.stages, exact.Places.of(variable))

    def _on_arrays(self, variable: Pair) -> Pair:
        link = self.link
        values: Pair = (
            chained(apply_to_arrays, self.stages, variable) if link is None else link.on_arrays(variable)
        )
        return values

    def step_function(self) -> Callable[[Any], float | None] | None:
        """The engine's own function of a step, which gives None for what is none, or too far; None if it has none."""
        if self.link is None or self.limit == 0.0:
            return None
        at: Callable[[Any], float | None] = self.link.at
        return at if self.limit == math.inf else _up_to(self.limit, at)

    def at(self, step: int) -> PointPair:
        """The value at one step."""
        high = float(step)
        return self.on_point((high, float(step - int(high))))

    def on_point(self, variable: PointPair) -> PointPair:
        """The value at one number, whole or not."""
        if variable[0] >= self.limit:
            (high,), (low,) = self._exactly((np.array([variable[0]]), np.array([variable[1]])))
            return float(high), float(low)
        link = self.link
        value: PointPair = (
            chained(apply_to_point, self.stages, variable) if link is None else link.on_point(variable)
        )
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
    rates : Smooth, Stairs, Cycles, Repeats or Broken
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
        The piece with its bounds: beyond them the rate of a cycle is constant.
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

    @property
    def similar(self) -> bool:
        """Whether cycle ``n`` is the first one times a gain, seen from its last rate."""
        match self.piece.time_maps[-1], self.piece.curve:
            case TimeMap(name="cyclic"), (str(formula), _):
                return FORMULAS[formula].power_of_rest
        return False

    @property
    def end_rate(self) -> PointPair:
        """The rate at the end of each cycle."""
        return self.chain.on_point(as_point(self.origin + self.cycle(self.start) * self.period))

    @property
    def curve(self) -> Chain:
        """The rate as a function of the step divided by where its cycle ends, both from the origin."""
        index = [time_map.name for time_map in self.piece.time_maps].index("cyclic")
        return Chain(self.chain.stages[index + 1 :])

    def rates_by_distance(self) -> Callable[[Fraction], PointPair]:
        """The rate as a function of the distance from a cycle's end, divided by where it ends, from the origin."""
        curve = self.curve
        return lambda distance: curve.on_point(as_point(1 - distance))

    def unbounded(self, start: int, stop: int) -> Cycles:
        """The same on some steps, where no bound is reached."""
        piece = self.piece.without_bounds()
        return replace(self, start=start, stop=stop, chain=Chain(piece.stages), piece=piece)

    def cycle(self, step: int) -> int:
        """The number of the cycle that a step is in."""
        return max(math.ceil((step - self.origin) / self.period), 1)

    def first_step(self, cycle: int) -> int:
        """The first step of a cycle, but for the origin."""
        return math.floor(self.origin + (cycle - 1) * self.period) + 1

    def stop_of(self, cycle: int) -> int:
        """The step behind the last one of a cycle."""
        return min(math.floor(self.origin + cycle * self.period) + 1, self.stop)

    def parts(self, start: int, stop: int) -> Iterator[Constant | Smooth]:
        """The parts of steps within one cycle."""
        return monotone_parts(self.piece, start, stop, smooth_part)


@dataclass(frozen=True)
class Broken:
    """A rate that is smooth on each of many stretches.

    Attributes
    ----------
    start, stop : int
        From which step to below which.
    piece : Piece
        The piece, of any kind.
    """

    start: int
    stop: int
    piece: Piece

    @cached
    def chain(self) -> Chain:
        """The rate at a step."""
        return Chain(self.piece.bounded_stages)

    @cached
    def unbounded(self) -> Broken:
        """The same without its bounds."""
        return Broken(self.start, self.stop, self.piece.without_bounds())


@dataclass(frozen=True)
class Repeats(Broken):
    """Pieces that begin again at each multiple of a period, counted from an origin.

    Attributes
    ----------
    origin, period : Fraction
        Cycle ``k`` goes from ``origin + k * period`` to below the beginning of the next.
    """

    origin: Fraction
    period: Fraction

    @property
    def curve(self) -> Repeated:
        """What repeats."""
        assert isinstance(self.piece.curve, Repeated)
        return self.piece.curve

    def cycle(self, step: int) -> int:
        """The number of the cycle that a step is in."""
        return math.floor((step - self.origin) / self.period)

    def first_step(self, cycle: int) -> int:
        """The first step of a cycle."""
        return math.ceil(self.origin + cycle * self.period)

    @cached
    def whole_cycle(self) -> tuple[Part, ...]:
        """The parts of the first cycle that is whole on the steps of this part."""
        return self.parts(self.cycle(self.start - 1) + 1)

    @property
    def offset(self) -> Fraction:
        """What the rates of later cycles would get nearer to without bounds."""
        return self.piece.factor * self.curve.offset + self.piece.offset

    def parts(self, cycle: int) -> tuple[Part, ...]:
        """The parts of one cycle, on the steps of this part."""
        start, stop = max(self.first_step(cycle), self.start), min(self.first_step(cycle + 1), self.stop)
        return parts_between(self.pieces(cycle), start, stop)

    def pieces(self, cycle: int) -> Pieces:
        """The pieces of one cycle."""
        piece, curve = self.piece, self.curve
        inner = algebra.cut_off(
            algebra.delayed(curve.pieces, cycle * curve.period), Cut((cycle + 1) * curve.period)
        )
        if curve.gain != 1.0:
            gain = rounded_power(Fraction(curve.gain), cycle)
            inner = algebra.moved(algebra.scaled(inner, gain), curve.offset * (1 - gain))
        inner = algebra.clipped(
            algebra.moved(algebra.scaled(inner, piece.factor), piece.offset), piece.lowest, piece.highest
        )
        # In steps: as the maps before the curve stretch and delay them.
        size = self.period / curve.period
        return tuple(
            replace(
                each,
                end=Cut(self.origin + each.end.position * size, each.end.after),
                time_maps=(*piece.time_maps, *each.time_maps),
            )
            for each in inner
        )


def rounded_power(base: Fraction, exponent: int) -> Fraction:
    """A power to about 2**-120."""
    result = Fraction(1)
    while exponent:
        if exponent & 1:
            result = _rounded(result * base)
        base, exponent = _rounded(base * base), exponent >> 1
    return result


def _rounded(number: Fraction) -> Fraction:
    """A positive number to 2**-128; 0 if it is so small that it does not count."""
    if number == 0:
        return number
    digits = 128 - (number.numerator.bit_length() - number.denominator.bit_length())
    if digits > 2000:
        return Fraction(0)
    scale = Fraction(2) ** digits
    return Fraction(round(number * scale)) / scale


Varying = Smooth | Stairs | Cycles | Broken
Part = Constant | Varying


def parts_of(pieces: Iterable[Piece]) -> tuple[Part, ...]:
    """The parts on the steps from 0 to below 2**63 of a schedule that consists of these pieces."""
    return parts_between(pieces, 0, STEP_LIMIT)


def parts_between(pieces: Iterable[Piece], start: int, end: int) -> tuple[Part, ...]:
    """The parts on some steps of a schedule that consists of these pieces."""
    parts: list[Part] = []
    for piece in pieces:
        stop = int(min(piece.end.first_step(), end))
        if stop > start:
            parts.extend(_parts_of_piece(piece, start, stop))
            start = stop
    return tuple(parts)


def run_length(parts: Iterable[Part]) -> int:
    """How many steps the rate stays the same from each multiple of that number on; 0 if it always does."""
    return math.gcd(*(step for part in parts for step in _steps_of_change(part)))


def _steps_of_change(part: Part) -> tuple[int, ...]:
    """Steps of whose common divisors each multiple may be a step of change, and no other step is."""
    match part:
        case Constant():
            return (part.start,)
        case Stairs(origin=Fraction(denominator=1), period=Fraction(denominator=1)):
            return part.start, int(part.origin), int(part.period)
    return (1,)


def _parts_of_piece(piece: Piece, start: int, stop: int) -> Iterable[Part]:
    if piece.constant or stop - start == 1:
        return [Constant(start, stop, _bounded_rate(piece, start))]
    if is_smooth(piece):
        turns = _turning_steps(piece, start, stop) if _turns(piece) else []
        ends = itertools.pairwise([start, *turns, stop])
        return (part for first, last in ends for part in monotone_parts(piece, first, last, smooth_part))
    if _is_monotone(piece):
        return monotone_parts(piece, start, stop, _varying_part)
    return [_varying_part(piece, start, stop)]


def is_smooth(piece: Piece) -> bool:
    """Whether a piece has nothing inside that jumps or bends."""
    pending = [piece]
    while pending:
        each = pending.pop()
        if each is not piece and each.bounding_kernels and not each.constant:
            return False
        if any(time_map.name in ("staircase", "cyclic") for time_map in each.time_maps):
            if not each.constant:
                return False
        elif isinstance(each.curve, (Repeated, Node)):
            return False
        elif isinstance(each.curve, Combined):
            pending += [each.curve.first, each.curve.second]
    return True


def _turns(piece: Piece) -> bool:
    """Whether a smooth piece may both rise and fall."""
    return piece.turning or isinstance(piece.curve, Combined)


def _is_monotone(piece: Piece) -> bool:
    """Whether a piece that is not smooth is known to be monotone: a staircase of a monotone curve."""
    kernel = isinstance(piece.curve, tuple) and not piece.turning
    return kernel and not any(time_map.name == "cyclic" for time_map in piece.time_maps)


def _bounded_rate(piece: Piece, step: int) -> float:
    return Chain(piece.bounded_stages).at(step)[0]


def _turning_steps(piece: Piece, start: int, stop: int) -> list[int]:
    """The steps at which a smooth rate turns, as far as it does so between samples that lie close at both ends."""
    chain = Chain(piece.stages)
    steps = _samples(start, stop)
    high, low = chain.on_arrays(as_pair(np.array(steps)))
    differences = np.diff(high) + np.diff(low)
    changes = np.where(np.abs(differences) > NOISE * high[1:], np.sign(differences), 0.0)
    turns: list[int] = []
    last = 0.0
    begin = start
    for k, change in enumerate(changes.tolist()):
        if change == 0.0:
            continue
        if last * change < 0.0:
            turns.append(_turn(chain, begin, steps[k + 1], rising=last > 0.0))
        last, begin = change, steps[k]
    return turns


def _samples(start: int, stop: int) -> list[int]:
    """Some hundred steps, close to each other at both ends, and evenly spread between."""
    count = stop - 1 - start
    if count <= FEW_SAMPLES:
        return list(range(start, stop))
    even = {start + count * k // FEW_SAMPLES for k in range(FEW_SAMPLES + 1)}
    near = {int(2.0 ** (k / 4)) for k in range(4 * 63)}
    return sorted(even | {step for n in near if n < count for step in (start + n, stop - 1 - n)})


FEW_SAMPLES = 128

NOISE = 2.0**-68
"""Relative changes up to here may be errors of the kernels."""


def _turn(chain: Chain, start: int, stop: int, *, rising: bool) -> int:
    """The step at which a rate is highest, or lowest if it falls first."""

    def has_turned(step: int) -> bool:
        before, behind = chain.at(step), chain.at(step + 1)
        return behind < before if rising else behind > before

    return first_step_where(has_turned, start, stop)


def monotone_parts(
    piece: Piece, start: int, stop: int, varying: Callable[[Piece, int, int], Any]
) -> Iterator[Any]:
    """The parts of a piece on steps where it is monotone: between its bounds, ``varying`` makes them."""
    chain = Chain(piece.stages)
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
        yield varying(piece.without_bounds(), begin, end)
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
    return Smooth(start, stop, Chain(piece.stages))


def _varying_part(piece: Piece, start: int, stop: int) -> Varying:
    chain = Chain(piece.bounded_stages)
    for index, (name, parameter) in enumerate(piece.time_maps):
        if name not in ("staircase", "cyclic"):
            continue
        scale = scale_of(piece.time_maps[:index])
        if scale is None or scale.size < 0 or (name == "cyclic" and not isinstance(piece.curve, tuple)):
            return Broken(start, stop, piece)
        if name == "staircase":
            rates = replace(piece, time_maps=piece.time_maps[index + 1 :])
            period = scale.size * parameter
            # Before the part its rates may be others.
            first_run = max(math.floor((start - scale.origin) / period), 0)
            of_runs = _varying_part(rates, first_run, STEP_LIMIT)
            if period < 1 and not _is_known_monotone(of_runs):
                # Not every run has a step.
                return Broken(start, stop, piece)
            return Stairs(start, stop, chain, scale.origin, period, of_runs)
        return Cycles(start, stop, chain, scale.origin, scale.size * parameter, piece)
    if isinstance(piece.curve, Repeated):
        scale = scale_of(piece.time_maps)
        if scale is not None and scale.size > 0:
            return Repeats(start, stop, piece, scale.origin, scale.size * piece.curve.period)
    if is_smooth(piece) and not piece.bounding_kernels and not _turns(piece):
        return Smooth(start, stop, chain)
    return Broken(start, stop, piece)


def _is_known_monotone(part: Varying) -> bool:
    return isinstance(part, Smooth) or (isinstance(part, Stairs) and _is_known_monotone(part.rates))


class Scale(NamedTuple):
    """Where a variable's whole numbers lie in steps: step = origin + size * variable."""

    origin: Fraction
    size: Fraction


def scale_of(time_maps: Iterable[TimeMap]) -> Scale | None:
    """The scale of what maps of the step make, where they only move, stretch and reflect it."""
    origin, size = Fraction(0), Fraction(1)
    for name, parameter in time_maps:
        match name:
            case "delayed":
                origin += size * parameter
            case "continuous":
                size *= parameter
            case "scaled":
                size /= parameter
            case "reflected":
                origin, size = origin + size * parameter, -size
            case _:
                return None
    return Scale(origin, size)
