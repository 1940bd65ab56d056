"""What a fit is given, and where its search may begin."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from random import Random
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lrdecay_native.caching import cached
from lrdecay_native.fitting.limits import LOOK_SECONDS, MOST_STARTS, ROUNDING_ULPS, SEARCH_SECONDS

Doubles = npt.NDArray[np.float64]


class OutOfTimeError(Exception):
    """The search has taken too long."""


class Trial(NamedTuple):
    """Values of the parameters to solve for that the class takes, and the rates at the points."""

    values: tuple[float, ...]
    rates: Doubles


class Search:
    """How long a search has taken, whatever else the machine does, and the nearest schedule that it has found."""

    def __init__(self, points: int) -> None:
        self._points = points
        self._begin = time.thread_time()
        self.nearest: tuple[Any, Doubles] | None = None
        self._distance = math.inf

    @property
    def seconds(self) -> float:
        return time.thread_time() - self._begin

    def found(self, schedule: Any, rates: Doubles, distance: float) -> None:
        # Not through some of the points only.
        if len(rates) == self._points and distance < self._distance:
            self.nearest, self._distance = (schedule, rates), distance


@dataclass(frozen=True)
class Problem:
    """What is given: ``steps`` ascend, ``names`` are the parameters to solve for."""

    schedule_class: type[Any]
    steps: tuple[Any, ...]
    targets: tuple[float, ...]
    names: tuple[str, ...]
    known: Mapping[str, Any]
    search: Search

    def schedule(self, values: Iterable[float]) -> Any:
        return self.schedule_class(**self.known, **dict(zip(self.names, map(float, values), strict=True)))

    def rates(self, values: Iterable[float]) -> Doubles | None:
        """The rates at the steps; None where the class refuses the values."""
        if self.search.seconds > SEARCH_SECONDS:
            raise OutOfTimeError
        try:
            return self._evaluated(values)
        except ValueError:
            return None

    def trial(self, values: tuple[float, ...]) -> Trial | None:
        """The values with their rates; None where the class refuses them."""
        rates = self.rates(values)
        return None if rates is None else Trial(values, rates)

    def _evaluated(self, values: Iterable[float]) -> Doubles:
        schedule = self.schedule(values)
        return np.array([schedule(step) for step in self.steps])

    @cached
    def scales(self) -> Doubles:
        """What residuals are parts of: of a rate of 0 there is no logarithm."""
        targets = np.array(self.targets)
        return np.where(targets > 0, targets, targets.max() or 1.0)

    @cached
    def rounding(self) -> Doubles:
        """How far a rate may miss its point if all parameters could be had exactly."""
        spacings: Doubles = np.spacing(np.maximum(np.abs(self.targets), 1e-100))
        return ROUNDING_ULPS * spacings

    def residuals(self, rates: Doubles) -> Doubles:
        """How far rates are from the targets, as logarithms where there are any."""
        targets = np.array(self.targets)
        positive = np.maximum(targets, 1e-300)
        with np.errstate(over="ignore"):
            relative = (rates - positive) / positive
        far = np.log(np.maximum(rates, 1e-300)) - np.log(positive)
        # A difference of logarithms has lost the last bits.
        logarithms = np.where(relative > -0.5, np.log1p(np.maximum(relative, -0.5)), far)
        return np.where(targets > 0, logarithms, rates / (targets.max() or 1.0))

    def rank(self, trial: Trial) -> tuple[float, ...]:
        """What orders starting points: those without a slope, such as after the end of a schedule, lead nowhere."""
        flat = len(set(self.targets)) > 1 and len(set(trial.rates.tolist())) == 1
        distance = float(np.abs(self.residuals(trial.rates)).sum())
        # Of equally good ones the largest first: where a schedule may end anywhere before a point, at the point.
        return flat, distance, *(-value for value in trial.values)

    @cached
    def magnitudes(self) -> tuple[float, ...]:
        """Positive numbers that a parameter may be about."""
        spans = [float(step) for step in self.steps if step > 0] or [1.0]
        spans = sorted({spans[0], *(spans[-1] * scale for scale in (0.5, 1.0, 1.05, 1.3, 2.0))})
        defaults = [
            parameter.default for parameter in fields(self.schedule_class) if parameter.name not in self.names
        ]
        periods = {1.0} | {
            float(number)
            for number in (*self.known.values(), *defaults)
            if isinstance(number, (int, float)) and not isinstance(number, bool) and number > 0
        }
        # A rate of decay per period is about a period per span; a factor that is applied so often is near 1.
        relative = [period / span for period in periods for span in spans]
        factors = [math.exp(-ratio) for ratio in relative]
        rates = [rate * scale for rate in self.targets for scale in (0.5, 1.0, 2.0)]
        numbers = [*rates, *spans, *relative, *factors, 0.01, 0.1, 0.5, 1.0, 2.0, 5.0]
        return tuple(sorted({number for number in numbers if 1e-100 <= number <= 1e100}))

    @cached
    def combinations(self) -> list[tuple[float, ...]]:
        """Positive values of all parameters to begin with: all there are, or as many at random."""
        count = len(self.names)
        if len(self.magnitudes) ** count <= MOST_STARTS:
            return list(product(self.magnitudes, repeat=count))
        random = Random(0)
        return [tuple(random.choices(self.magnitudes, k=count)) for _ in range(MOST_STARTS)]

    @cached
    def starts(self) -> list[Trial]:
        """Values to begin with that the class takes."""
        positive = self.taken(self.combinations)
        if not positive:
            raise self._refusal()
        # Whether a parameter may be negative is known to the class alone.
        example = positive[0].values
        signs = [
            (1.0,)
            if self.rates((*example[:place], -example[place], *example[place + 1 :])) is None
            else (1.0, -1.0)
            for place in range(len(self.names))
        ]
        _, *others = product(*signs)
        mirrored = (
            tuple(sign * value for sign, value in zip(some, values, strict=True))
            for some in others
            for values, _ in positive
        )
        return positive + self.taken(mirrored)

    def taken(self, combinations: Iterable[tuple[float, ...]]) -> list[Trial]:
        """Those that the class takes, as many as there is time for."""
        taken: list[Trial] = []
        begin = self.search.seconds
        for values in combinations:
            if taken and self.search.seconds > begin + LOOK_SECONDS:
                break
            trial = self.trial(values)
            if trial is not None:
                taken.append(trial)
        return taken

    def _refusal(self) -> Exception:
        """The error of the class where it takes no values: the one about a given parameter, if there is one."""
        errors = [error for values in self.combinations if (error := self._error(values)) is not None]
        about_given = (error for error in errors if str(error).startswith(tuple(self.known)))
        return next(about_given, errors[0])

    def _error(self, values: tuple[float, ...]) -> Exception | None:
        try:
            self._evaluated(values)
        except ValueError as error:
            return error
        return None


def listed(steps: Sequence[Any], rates: Sequence[float]) -> str:
    """Points as a message has them."""
    return str(list(zip(steps, rates, strict=True)))


def replaced(values: tuple[float, ...], place: int, value: float) -> tuple[float, ...]:
    """The values with another one at a place."""
    return (*values[:place], value, *values[place + 1 :])
