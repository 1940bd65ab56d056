"""Rates of a pipeline of kernels and expressions, in 106 bits."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrdecay_native.arithmetic.scalars import DoubleDoubleScalar
from lrdecay_native.caching import cached
from lrdecay_native.engines import engine
from lrdecay_native.evaluation.points import far_steps
from lrdecay_native.evaluation.points.far_steps import Stage
from lrdecay_native.evaluation.points.pairs import DoubleDoubleArray, apply_to_arrays, apply_to_point
from lrdecay_native.piecewise.pieces import Combined, Node, PiecewiseFunction, Repeated
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
        elif isinstance(stage, PiecewiseFunction):
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
        case PiecewiseFunction(begins, chains):
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
            case PiecewiseFunction():
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


def _on_row(apply: Callable[..., Any], row: PiecewiseFunction, step: Any) -> Any:
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


def _numbers(begins: list[DoubleDoubleScalar], high: Any, low: Any) -> Any:
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
class Pipeline:
    """Kernels, curves and rows of them, each applied to what the one before it gave."""

    stages: tuple[Stage, ...]

    @cached
    def link(self) -> Any:
        """The engine's own chain, or None."""
        return _link_of(self.stages)

    @cached
    def limit(self) -> float:
        """The step from which on 106 bits may not hold a place in a cycle; infinite if they always do."""
        limit = far_steps.limit(self.stages, far_steps.Span(0.0, float(STEP_LIMIT)))
        return math.inf if limit == STEP_LIMIT else limit

    def on_arrays(self, variable: DoubleDoubleArray) -> DoubleDoubleArray:
        """The value at each element of a pair of contiguous vectors."""
        if self.limit == math.inf or not (far := variable[0] >= self.limit).any():
            return self._on_arrays(variable)
        result = np.empty_like(variable[0]), np.empty_like(variable[0])
        for some, values in ((~far, self._on_arrays), (far, self._exactly)):
            if some.any():
                result[0][some], result[1][some] = values((variable[0][some], variable[1][some]))
        return result

    def _exactly(self, variable: DoubleDoubleArray) -> DoubleDoubleArray:
        return far_steps.rates(self.stages, far_steps.Places.of(variable))

    def _on_arrays(self, variable: DoubleDoubleArray) -> DoubleDoubleArray:
        link = self.link
        values: DoubleDoubleArray = (
            chained(apply_to_arrays, self.stages, variable) if link is None else link.on_arrays(variable)
        )
        return values

    def step_function(self) -> Callable[[Any], float | None] | None:
        """The engine's own function of a step, which gives None for what is none, or too far; None if it has none."""
        if self.link is None or self.limit == 0.0:
            return None
        at: Callable[[Any], float | None] = self.link.at
        return at if self.limit == math.inf else _up_to(self.limit, at)

    def at(self, step: int) -> DoubleDoubleScalar:
        """The value at one step."""
        high = float(step)
        return self.on_point((high, float(step - int(high))))

    def on_point(self, variable: DoubleDoubleScalar) -> DoubleDoubleScalar:
        """The value at one number, whole or not."""
        if variable[0] >= self.limit:
            (high,), (low,) = self._exactly((np.array([variable[0]]), np.array([variable[1]])))
            return float(high), float(low)
        link = self.link
        value: DoubleDoubleScalar = (
            chained(apply_to_point, self.stages, variable) if link is None else link.on_point(variable)
        )
        return value
