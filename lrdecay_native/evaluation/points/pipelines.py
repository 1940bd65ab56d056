"""Rates of a pipeline of kernels and expressions, in 106 bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lrdecay_native.arithmetic.scalars import DoubleDoubleScalar
from lrdecay_native.caching import cached
from lrdecay_native.engines import engine
from lrdecay_native.evaluation.points import far_steps
from lrdecay_native.evaluation.points.pairs import DoubleDoubleArray
from lrdecay_native.immutable import immutable
from lrdecay_native.kinds import Operation
from lrdecay_native.piecewise.expressions import (
    Combined,
    Kernel,
    Node,
    PiecewiseFunction,
    Repeated,
    Stage,
    TimeMap,
)
from lrdecay_native.validation import STEP_LIMIT

Made = dict[int, Any]
"""The links of stages with pipelines inside, by the stage's id."""


def compiled(stages: Sequence[Stage]) -> Any:
    """The engine's own form of some stages, one after another."""
    made: Made = {}
    for stage in _innermost_first(stages):
        made[id(stage)] = _COMPILED(stage, made)
    return _chain(stages, made)


def _innermost_first(stages: Sequence[Stage]) -> list[Stage]:
    """The stages with pipelines inside, each after those inside of it; without recursion, as sums may be long."""
    found: list[Stage] = []
    opened: set[int] = set()
    pending: list[tuple[Stage, bool]] = [(stage, False) for stage in stages]
    while pending:
        stage, gone_into = pending.pop()
        if gone_into:
            found.append(stage)
        elif stage.inside and id(stage) not in opened:
            opened.add(id(stage))
            pending.append((stage, True))
            pending += [(inner, False) for pipeline in stage.inside for inner in pipeline]
    return found


def _chain(stages: Sequence[Stage], made: Made) -> Any:
    links = tuple(made[id(stage)] if stage.inside else _COMPILED(stage, made) for stage in stages)
    return links[0] if len(links) == 1 else engine.CompiledPipeline(links)


def _piecewise(function: PiecewiseFunction, made: Made) -> Any:
    return engine.CompiledPiecewise(
        function.begins, tuple(_chain(pipeline, made) for pipeline in function.pipelines)
    )


def _repeated(curve: Repeated, made: Made) -> Any:
    return engine.CompiledPeriodic(made[id(curve.cycle)], curve.period_point, curve.gain, curve.offset_point)


def _combined(curve: Combined, made: Made) -> Any:
    return engine.CompiledCombination(curve.name, *(_chain(pipeline, made) for pipeline in curve.inside))


_COMPILED: Operation[Any] = Operation(
    "compile",
    Stage,
    {
        TimeMap: lambda time_map, made: engine.CompiledKernel(time_map.name, time_map.point),
        Kernel: lambda kernel, made: engine.CompiledKernel(kernel.kernel, kernel.parameters),
        PiecewiseFunction: _piecewise,
        Repeated: _repeated,
        Combined: _combined,
        Node: lambda node, made: node.compiled_by(engine),
    },
)


def _up_to(limit: float, at: Callable[[Any], float | None]) -> Callable[[Any], float | None]:
    """A function of a step that gives None from a limit on."""

    def below(step: Any) -> float | None:
        value = at(step)
        return None if value is None or float(step) >= limit else value

    return below


def _nothing(step: Any) -> None:
    """A function of a step where all steps are too far."""


@immutable
class Pipeline:
    """Stages, each applied to what the one before it gave."""

    stages: tuple[Stage, ...]

    @cached
    def link(self) -> Any:
        """The engine's own form, for steps below the limit."""
        return compiled(self.stages)

    @cached
    def limit(self) -> float:
        """The step from which on 106 bits may not hold a place in a cycle; infinite if they always do."""
        limit = far_steps.limit(self.stages, far_steps.Span(0.0, float(STEP_LIMIT)))
        return math.inf if limit == STEP_LIMIT else limit

    def on_arrays(self, variable: DoubleDoubleArray) -> DoubleDoubleArray:
        """The value at each element of a pair of contiguous vectors."""
        if self.limit == math.inf or not (far := variable[0] >= self.limit).any():
            values: DoubleDoubleArray = self.link.on_arrays(variable)
            return values
        result = np.empty_like(variable[0]), np.empty_like(variable[0])
        for some, rates in ((~far, self.link.on_arrays), (far, self._exactly)):
            if some.any():
                result[0][some], result[1][some] = rates((variable[0][some], variable[1][some]))
        return result

    def _exactly(self, variable: DoubleDoubleArray) -> DoubleDoubleArray:
        return far_steps.rates(self.stages, far_steps.Places.of(variable))

    def step_function(self) -> Callable[[Any], float | None]:
        """The engine's own function of a step, which gives None for what is none, or too far."""
        if self.limit == 0.0:
            return _nothing
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
        value: DoubleDoubleScalar = self.link.on_point(variable)
        return value
