"""Values of the parameters that may be a solution, each to be verified."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from lrdecay_native.fitting.limits import MOST_SEARCHES, RANK_GROWTH
from lrdecay_native.fitting.newton import newton
from lrdecay_native.fitting.ordinals import middle
from lrdecay_native.fitting.problem import Problem, Trial, replaced


def candidates(problem: Problem) -> Iterator[Trial]:
    """By bisection where there is one parameter, and by Newton's method."""
    if len(problem.names) == 1:
        yield from _bisected(problem)
    yield from _iterated(problem)


def _bisected(problem: Problem) -> Iterator[Trial]:
    """The places at which the only rate crosses its target, to neighbouring floats."""
    (target,) = problem.targets
    sizes = {10.0**exponent for exponent in range(-100, 101)}
    sizes |= {values[0] for values, _ in problem.starts}
    sizes |= {-size for size in sizes} if any(values[0] < 0 for values, _ in problem.starts) else set()
    taken = problem.taken((size,) for size in sorted({*sizes, 0.0, *_edge(problem)}))
    yield from (trial for trial in taken if trial.rates[0] == target)
    for low, high in pairwise(taken):
        if (low.rates[0] < target) != (high.rates[0] < target):
            yield from _crossing(problem, low, high)


def _edge(problem: Problem) -> list[float]:
    """The largest value that the class takes, where it refuses larger ones."""
    sizes = [values[0] for values, _ in problem.starts]
    low, high = max(sizes), 1e100
    if problem.rates((high,)) is not None:
        return []
    while (between := middle(low, high)) not in (low, high):
        low, high = (between, high) if problem.rates((between,)) is not None else (low, between)
    return [low]


def _crossing(problem: Problem, low: Trial, high: Trial) -> Iterator[Trial]:
    (target,) = problem.targets
    rises = bool(low.rates[0] < target)
    while (between := middle(low.values[0], high.values[0])) not in (low.values[0], high.values[0]):
        trial = problem.trial((between,))
        if trial is None:
            return
        low, high = (trial, high) if (trial.rates[0] < target) == rises else (low, trial)
    yield from sorted((low, high), key=lambda end: float(np.abs(end.rates - target).max()))


def _iterated(problem: Problem) -> Iterator[Trial]:
    """Where the iteration ends from the best starting points."""
    ranked = sorted(problem.starts, key=problem.rank)
    # The best may all be in one valley.
    places = {int(RANK_GROWTH**number) - 1 for number in range(MOST_SEARCHES)}
    for place in sorted(places):
        if place < len(ranked):
            found = newton(problem, ranked[place])
            distance = float(np.abs(problem.residuals(found.rates)).max())
            problem.search.found(problem.schedule(found.values), found.rates, distance)
            yield found
            for zeroed in _nearly_zero(problem, found):
                yield newton(problem, zeroed)


def _nearly_zero(problem: Problem, trial: Trial) -> Iterator[Trial]:
    """The values with a 0, which logarithms only approach, for one that has little effect."""
    residuals = problem.residuals(trial.rates)
    for place in range(len(trial.values)):
        zeroed = problem.trial(replaced(trial.values, place, 0.0))
        if zeroed is not None and np.abs(problem.residuals(zeroed.rates) - residuals).max() < 1e-3:
            yield zeroed
