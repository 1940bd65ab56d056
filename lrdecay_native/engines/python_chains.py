"""Chains of kernels in 106 bits for an engine without its own: as those of the Cython engine, kernel by kernel."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.arithmetic.block_polynomial import (
    BLOCKS_AT_ONCE,
    COEFFICIENT_ROWS,
    EXPANSION_ROWS,
    MOST_SUB_BLOCKS,
    PLACES,
    SHORTEST_BLOCK,
    TOO_SMALL,
)

Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Arrays = tuple[Doubles, Doubles]
Point = tuple[float, float]

MOST_COMPARED = 16
"""Beginnings of pieces; more are searched instead of compared with one by one."""

STEP_LIMIT = 2.0**63
"""Steps are below this."""

NODES = np.array(PLACES, np.int64)


class Compiled(ABC):
    """A function of pairs ``high + low``."""

    @abstractmethod
    def on_arrays(self, pair: Arrays) -> Arrays:
        """The value at each element of a pair of contiguous arrays."""

    @abstractmethod
    def on_point(self, pair: Point) -> Point:
        """The value at a pair of floats."""

    def at(self, step: Any) -> float | None:
        """The value at a step, rounded, or None for a step that isn't in range, or is no number."""
        if type(step) is not int and not isinstance(step, float):
            if not isinstance(step, np.integer) or isinstance(step, np.timedelta64):
                return None
            step = int(step)
        if not 0 <= step < STEP_LIMIT:
            return None
        high = float(step)
        return self.on_point((high, 0.0 if isinstance(step, float) else float(step - int(high))))[0]


@dataclass(frozen=True)
class Kernels:
    """How an engine runs a kernel: ``of(name, variable, *others)``, on a pair of arrays and on one of floats.

    A combination has a second pair, which the first two of the others are.
    """

    of_arrays: Callable[..., Arrays]
    of_point: Callable[..., Point]


@dataclass(frozen=True)
class CompiledKernel(Compiled):
    """A kernel with its parameters."""

    kernels: Kernels
    name: str
    parameters: tuple[float, ...] = ()

    def on_arrays(self, pair: Arrays) -> Arrays:
        return self.kernels.of_arrays(self.name, pair, *self.parameters)

    def on_point(self, pair: Point) -> Point:
        return self.kernels.of_point(self.name, pair, *self.parameters)

    def combined_arrays(self, pair: Arrays, other: Arrays) -> Arrays:
        """The value of a combination at each element of two pairs of arrays."""
        return self.kernels.of_arrays(self.name, pair, *other, *self.parameters)

    def combined_points(self, pair: Point, other: Point) -> Point:
        """The value of a combination at two pairs of floats."""
        return self.kernels.of_point(self.name, pair, *other, *self.parameters)


@dataclass(frozen=True)
class CompiledPipeline(Compiled):
    """Links, each applied to what the one before it gave."""

    links: tuple[Compiled, ...]

    def on_arrays(self, pair: Arrays) -> Arrays:
        for link in self.links:
            pair = link.on_arrays(pair)
        return pair

    def on_point(self, pair: Point) -> Point:
        for link in self.links:
            pair = link.on_point(pair)
        return pair


@dataclass(frozen=True)
class CompiledPiecewise(Compiled):
    """Links, each from one place to the next: the first up to the first place."""

    begins: list[Point]
    links: tuple[Compiled, ...]

    def on_point(self, pair: Point) -> Point:
        return self.links[bisect_right(self.begins, pair)].on_point(pair)

    def on_arrays(self, pair: Arrays) -> Arrays:
        if not self.begins:
            return self.links[0].on_arrays(pair)
        high, low = pair
        numbers = self._numbers(high, low)
        result = np.empty(high.shape), np.empty(high.shape)
        for number in np.unique(numbers).tolist():
            chosen = numbers == number
            result[0][chosen], result[1][chosen] = self.links[number].on_arrays((high[chosen], low[chosen]))
        return result

    def _numbers(self, high: Doubles, low: Doubles) -> npt.NDArray[np.intp]:
        """How many of the places are not behind each element."""
        if len(self.begins) > MOST_COMPARED:
            places = np.array(self.begins)
            numbers = np.searchsorted(places[:, 0], high, "right")
            # Only the low parts tell where the high ones are equal.
            equal = np.flatnonzero((numbers > 0) & (places[numbers - 1, 0] == high))
            for k in equal.tolist():
                numbers[k] = bisect_right(self.begins, (float(high[k]), float(low[k])))
            return numbers
        numbers = np.zeros(high.shape, np.intp)
        for begin_high, begin_low in self.begins:
            numbers += (high > begin_high) | ((high == begin_high) & (low >= begin_low))
        return numbers


@dataclass(frozen=True)
class CompiledPeriodic(Compiled):
    """A link that begins again after each period, with a gain per period around an offset."""

    row: Compiled
    place: CompiledKernel
    cycle: CompiledKernel
    gain: CompiledKernel
    ease: CompiledKernel | None

    @classmethod
    def of(
        cls, kernels: Kernels, row: Compiled, period: Point, gain: float, offset: Point
    ) -> CompiledPeriodic:
        """The link of these numbers."""
        return cls(
            row,
            CompiledKernel(kernels, "repeated", period),
            CompiledKernel(kernels, "staircase", period),
            CompiledKernel(kernels, "exponential", (gain, 0.0)),
            CompiledKernel(kernels, "eased", offset) if gain != 1.0 else None,
        )

    def on_point(self, pair: Point) -> Point:
        rate = self.row.on_point(self.place.on_point(pair))
        if self.ease is None:
            return rate
        return self.ease.combined_points(rate, self.gain.on_point(self.cycle.on_point(pair)))

    def on_arrays(self, pair: Arrays) -> Arrays:
        rate = self.row.on_arrays(self.place.on_arrays(pair))
        if self.ease is None:
            return rate
        return self.ease.combined_arrays(rate, self._gains(self.cycle.on_arrays(pair)))

    def _gains(self, cycle: Arrays) -> Arrays:
        """The gain in each cycle."""
        number, rest = cycle
        if not len(number) or rest.any():
            return self.gain.on_arrays(cycle)
        first, last = number.min(), number.max()
        if last - first >= len(number):
            return self.gain.on_arrays(cycle)
        # Few cycles for many steps.
        cycles = first + np.arange(int(last - first) + 1.0)
        high, low = self.gain.on_arrays((cycles, np.zeros(len(cycles))))
        indices = (number - first).astype(np.int64)
        return high[indices], low[indices]


@dataclass(frozen=True)
class CompiledCombination(Compiled):
    """A kernel of what two links give."""

    kernel: CompiledKernel
    first: Compiled
    second: Compiled

    def on_point(self, pair: Point) -> Point:
        return self.kernel.combined_points(self.first.on_point(pair), self.second.on_point(pair))

    def on_arrays(self, pair: Arrays) -> Arrays:
        return self.kernel.combined_arrays(self.first.on_arrays(pair), self.second.on_arrays(pair))


@dataclass(frozen=True)
class CompiledTable(Compiled):
    """Rates at 0, 1, 2, ..., and lines between them or the one before."""

    kernels: Kernels
    rates: Doubles
    linear: bool

    def on_point(self, pair: Point) -> Point:
        apply, last = self.kernels.of_point, len(self.rates) - 1
        place = apply("staircase", pair, 1.0, 0.0)[0]
        # Behind more cycles than it can count it is asked for anything, and the answer isn't used.
        index = max(int(place), 0) if place < last else last
        rate = float(self.rates[index])
        if not self.linear:
            return rate, 0.0
        behind = apply("repeated", pair, 1.0, 0.0)
        before = apply("reflected", behind, 1.0, 0.0)
        next_rate = float(self.rates[min(index + 1, last)])
        return apply(
            "added",
            apply("multiplied", before, rate, 0.0),
            *apply("multiplied", behind, next_rate, 0.0),
        )

    def on_arrays(self, pair: Arrays) -> Arrays:
        apply, last = self.kernels.of_arrays, len(self.rates) - 1
        places = apply("staircase", pair, 1.0, 0.0)[0]
        indices = np.where(places < last, np.maximum(places, 0.0), last).astype(np.int64)
        rates, zeros = self.rates[indices], np.zeros(len(indices))
        if not self.linear:
            return rates, zeros
        behind = apply("repeated", pair, 1.0, 0.0)
        before = apply("reflected", behind, 1.0, 0.0)
        next_rates = self.rates[np.minimum(indices + 1, last)]
        return apply(
            "added",
            apply("multiplied", before, rates, zeros),
            *apply("multiplied", behind, next_rates, zeros),
        )


@dataclass(frozen=True)
class CompiledCall(Compiled):
    """What an object with ``on_arrays`` and ``on_point`` of its own gives."""

    function: Any

    def on_arrays(self, pair: Arrays) -> Arrays:
        values: Arrays = self.function.on_arrays(pair)
        return values

    def on_point(self, pair: Point) -> Point:
        value: Point = self.function.on_point(pair)
        return value


@dataclass(frozen=True)
class Chains:
    """The classes of links, and the filling of blocks, of one engine."""

    kernels: Kernels
    sample_steps: Callable[..., None]
    write_blocks: Callable[..., float]
    """``write_blocks(out, starts, lengths, highs, lows, coefficients, expansions, choices, buffer)``."""

    def kernel_link(self, name: str, parameters: tuple[float, ...]) -> CompiledKernel:
        """A kernel with its parameters."""
        return CompiledKernel(self.kernels, name, parameters)

    def repeated_link(self, row: Compiled, period: Point, gain: float, offset: Point) -> CompiledPeriodic:
        """A link that begins again after each period, with a gain per period around an offset."""
        return CompiledPeriodic.of(self.kernels, row, period, gain, offset)

    def combined_link(self, name: str, first: Compiled, second: Compiled) -> CompiledCombination:
        """A kernel of what two links give."""
        return CompiledCombination(CompiledKernel(self.kernels, name), first, second)

    def table_link(self, rates: Doubles, linear: bool) -> CompiledTable:
        """Rates at 0, 1, 2, ..., and lines between them or the one before."""
        return CompiledTable(self.kernels, rates, linear)

    def fill_blocks(
        self,
        link: Compiled,
        out: Any,
        block_starts: Indices,
        block_lengths: Indices,
        first: int,
        step: int,
        buffer: Any,
    ) -> list[tuple[int, int]]:
        """Fill blocks that begin at these indices, and the step behind the last one, with what a link gives.

        Where there is a buffer, past the processor's cache.
        Returns the starts and the lengths of those that the dtype has too few bits for.
        """
        blocks = _Blocks(self, link, out, first, step, buffer)
        blocks.evaluate(block_starts[-1:] + block_lengths[-1:])
        small: list[tuple[int, int]] = []
        waiting = [(block_starts, block_lengths)]
        while waiting:
            starts, lengths = waiting.pop()
            if len(starts) > BLOCKS_AT_ONCE:
                waiting.append((starts[BLOCKS_AT_ONCE:], lengths[BLOCKS_AT_ONCE:]))
                starts, lengths = starts[:BLOCKS_AT_ONCE], lengths[:BLOCKS_AT_ONCE]
            choices = blocks.fill(starts, lengths)
            if choices is None:
                continue
            too_small = choices == TOO_SMALL
            small += zip(starts[too_small].tolist(), lengths[too_small].tolist(), strict=True)
            shortest = (choices < 0.0) & ~too_small & (lengths == SHORTEST_BLOCK)
            if shortest.any():
                blocks.evaluate((starts[shortest][:, np.newaxis] + np.arange(SHORTEST_BLOCK)).ravel())
            halved = (choices < 0.0) & ~too_small & ~shortest
            if halved.any():
                covered = _covered(starts, lengths)[halved]
                times = -choices[halved].astype(np.int64)
                waiting.append(_halved(starts[halved], lengths[halved], covered, times))
        return small


@dataclass(frozen=True)
class _Blocks:
    """What the blocks of one call have in common."""

    chains: Chains
    link: Compiled
    out: Any
    first: int
    step: int
    buffer: Any

    def fill(self, starts: Indices, lengths: Indices) -> Doubles | None:
        """Fill the blocks that can be filled; where some can't, return the choices, theirs negative."""
        count = len(starts)
        choices = np.empty(count)
        least = self.chains.write_blocks(
            self.out,
            starts,
            lengths,
            *self._values(starts, lengths, NODES),
            np.empty(COEFFICIENT_ROWS * count),
            np.empty(EXPANSION_ROWS * MOST_SUB_BLOCKS),
            choices,
            self.buffer,
        )
        return choices if least < 0.0 else None

    def evaluate(self, indices: Indices) -> None:
        """Write the values at some indices, each evaluated by itself."""
        self.out[indices] = self._values(indices, indices, _FIRST_NODE)[0]

    def _values(self, starts: Indices, lengths: Indices, nodes: Indices) -> Arrays:
        """The values at the first node of each block, at the second, ..."""
        count = len(nodes) * len(starts)
        pair = np.empty(count), np.empty(count)
        self.chains.sample_steps(*pair, starts, lengths, nodes, self.first, self.step)
        return self.link.on_arrays(pair)


_FIRST_NODE = np.zeros(1, np.int64)


def _covered(starts: Indices, lengths: Indices) -> Indices:
    """How many steps of each block, from its first, are in the block before it too."""
    covered = np.zeros_like(starts)
    begins, ends = starts[:-1], starts[:-1] + lengths[:-1]
    covered[1:] = np.where(begins > starts[1:], 0, np.clip(ends - starts[1:], 0, lengths[1:]))
    return covered


def _halved(starts: Indices, lengths: Indices, covered: Indices, times: Indices) -> tuple[Indices, Indices]:
    """Each block cut into ``2 ** times`` blocks, or into the shortest ones, but for those that are covered."""
    shorter = np.maximum(lengths >> times, SHORTEST_BLOCK)
    skipped = covered // shorter
    counts = lengths // shorter - skipped
    ends = counts.cumsum()
    numbers = np.arange(counts.sum()) - (ends - counts - skipped).repeat(counts)
    shorter = shorter.repeat(counts)
    return starts.repeat(counts) + numbers * shorter, shorter
