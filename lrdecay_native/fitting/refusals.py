"""Why no schedule of a class passes through the points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from random import Random

import numpy as np

from lrdecay_native.fitting.limits import (
    CLEARLY_ABOVE_ZERO,
    LARGEST_STRIDE,
    MOST_DESCENTS,
    MOST_ITERATIONS,
    MOST_LOOKED_AT,
    NEARLY_ZERO,
    SEARCH_SECONDS,
    UNDERFLOW,
)
from lrdecay_native.fitting.newton import newton
from lrdecay_native.fitting.ordinals import float_of, ordinal_of
from lrdecay_native.fitting.problem import Problem, listed, replaced


def refuse_zeros_out_of_reach(problem: Problem) -> None:
    """Refuse a rate of 0 where the class only comes near to it: the search would follow it without end."""
    for point, step in enumerate(problem.steps):
        if problem.names and problem.targets[point] == 0.0 and not _reaches_zero(problem, point):
            name = problem.schedule_class.__name__
            raise ValueError(
                f"points={listed(problem.steps, problem.targets)}: no {name} passes through them; at step {step!r} "
                f"the rate of every {name} that was tried is above 0, however near it may come: give a small rate, "
                "such as 1e-6"
            )


def _reaches_zero(problem: Problem, point: int) -> bool:
    """Whether a rate may be 0 at a point, and not only a number that is too small for a float64."""
    random = Random(0)
    some = random.sample(problem.starts, min(MOST_LOOKED_AT, len(problem.starts)))
    zeroed = problem.taken(
        tuple(value * left for value, left in zip(values, kept, strict=True))
        for values, _ in some[: MOST_LOOKED_AT // 4]
        for kept in product((0.0, 1.0), repeat=len(values))
    )
    extreme = problem.taken(
        replaced(values, place, math.copysign(size, values[place]))
        for values, _ in some[: MOST_LOOKED_AT // 16]
        for place in range(len(values))
        for size in (1e-100, 1e-30, 1e30, 1e100)
    )
    tried = [*problem.starts, *zeroed, *extreme]
    zeros = [values for values, rates in tried if rates[point] == 0.0]
    positive = [values for values, rates in tried if rates[point] > 0.0]
    if not positive:
        return True
    if not zeros:
        nearest = sorted(positive, key=lambda values: _part_left(problem, point, values))[:MOST_DESCENTS]
        left = [_least_part_left(problem, point, values) for values in nearest]
        return 0.0 in left or NEARLY_ZERO < min(left) < CLEARLY_ABOVE_ZERO
    ends = random.sample(zeros, min(MOST_LOOKED_AT // 16, len(zeros)))
    return any(_jumps_to_zero(problem, point, end, positive) for end in ends)


def _part_left(problem: Problem, point: int, values: tuple[float, ...]) -> float:
    """The rate at a point as a part of the largest rate."""
    rates = problem.rates(values)
    if rates is None:
        return math.inf
    return float(rates[point] / max(*rates, problem.schedule(values)(0))) if rates[point] else 0.0


def _least_part_left(problem: Problem, point: int, values: tuple[float, ...]) -> float:
    """What is left of it when one parameter after the other is changed by less and less."""
    least, factor = _part_left(problem, point, values), math.e
    for _ in range(MOST_ITERATIONS):
        before = least
        for place, power in product(range(len(values)), (-1.0, 1.0)):
            moved = replaced(values, place, values[place] * factor**power)
            part = _part_left(problem, point, moved)
            if part < least:
                least, values = part, moved
            if least == 0.0:
                return least
        if least < NEARLY_ZERO or factor < 1.001:
            break
        factor = min(factor**2, LARGEST_STRIDE) if least < before else factor**0.5
    return least


def _jumps_to_zero(
    problem: Problem, point: int, zero: tuple[float, ...], positive: Sequence[tuple[float, ...]]
) -> bool:
    """Whether the rate at a point gets to 0 from more than numbers that are next to too small for a float64."""
    to = min(positive, key=lambda values: _apart(values, zero))
    ends = [(ordinal_of(low), ordinal_of(high)) for low, high in zip(zero, to, strict=True)]
    least, part = math.inf, 2**64
    for step in (2**exponent for exponent in reversed(range(64))):
        rates = problem.rates(float_of(low + (high - low) * (part - step) // 2**64) for low, high in ends)
        if rates is not None and rates[point] > 0.0:
            part, least = part - step, rates[point] / max(*rates, 1e-20)
    return least > UNDERFLOW


def _apart(values: tuple[float, ...], others: tuple[float, ...]) -> int:
    """How many of some values are not those of others."""
    return sum(one != other for one, other in zip(values, others, strict=True))


def nothing_found(problem: Problem) -> str:
    """Why no schedule passes through the points."""
    name = problem.schedule_class.__name__
    what = f"points={listed(problem.steps, problem.targets)}: no {name} found that passes through them; "
    tried = np.array([rates for _, rates in problem.starts])
    for point in range(len(problem.steps) - 1):
        (step, following), (rate, other) = (
            problem.steps[point : point + 2],
            problem.targets[point : point + 2],
        )
        differences = tried[:, point + 1] - tried[:, point]
        if other > rate and not (differences > 0).any():
            return (
                what
                + f"the rates rise from step {step!r} to step {following!r}, where no {name} that was tried does"
            )
        if other < rate and not (differences < 0).any():
            return (
                what
                + f"the rates fall from step {step!r} to step {following!r}, where no {name} that was tried does"
            )
    for step, target, rates in zip(problem.steps, problem.targets, tried.T, strict=True):
        if (rates == rates[0]).all() and rates[0] != target:
            return what + (
                f"at step {step!r} its rate is {rates[0].item()!r} whatever {', '.join(problem.names)}: the step "
                "may be after the end of the schedule"
            )
    nearest = newton(problem, min(problem.starts, key=problem.rank))
    return what + (
        f"the nearest found is {problem.schedule(nearest.values)!r} with "
        f"{listed(problem.steps, nearest.rates.tolist())}; "
        "a staircase reaches only some rates, and a class may need other given parameters"
    )


def given_up(problem: Problem) -> str:
    """That the search has been given up."""
    name = problem.schedule_class.__name__
    what = (
        f"points={listed(problem.steps, problem.targets)}: no {name} found that passes through them in "
        f"{SEARCH_SECONDS:g} seconds; "
    )
    nearest = problem.search.nearest
    if nearest is None:
        return what + "give more parameters, or points from where the rate changes"
    schedule, rates = nearest
    return what + f"the nearest found is {schedule!r} with {listed(problem.steps, rates.tolist())}"
