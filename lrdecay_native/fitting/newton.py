"""From values of the parameters to better ones: by Newton's method, and at last by spacings of float64."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.fitting.limits import (
    MOST_ITERATIONS,
    MOST_ROUNDS,
    MOVES_IN_SPACINGS,
    NEAR_IN_ALLOWED_DISTANCES,
)
from lrdecay_native.fitting.ordinals import float_of, ordinal_of
from lrdecay_native.fitting.problem import Doubles, Problem, Trial, replaced

SMALLEST_DAMPING, LARGEST_DAMPING = 1e-14, 1e12


def newton(problem: Problem, start: Trial) -> Trial:
    """Levenberg's and Marquardt's damped Newton iteration in the logarithms of the values."""
    trial, residuals = start, problem.residuals(start.rates)
    damping = 1e-3
    for _ in range(MOST_ITERATIONS):
        slopes = slopes_at(problem, trial)
        normal = slopes.T @ slopes
        gradient = slopes.T @ residuals
        if not gradient.any():
            break
        while damping < LARGEST_DAMPING:
            damped = normal + damping * np.diag(np.maximum(normal.diagonal(), 1e-30))
            change = np.linalg.lstsq(damped, -gradient, rcond=None)[0]
            following = _moved(problem, trial, change)
            if following is not None:
                next_residuals = problem.residuals(following.rates)
                if next_residuals @ next_residuals < residuals @ residuals:
                    break
            damping = max(damping, 1e-12) * 8
        else:
            break
        assert following is not None
        trial, residuals = following, next_residuals
        damping = damping / 32 if damping > SMALLEST_DAMPING else 0.0
    return trial


def _moved(problem: Problem, trial: Trial, change: npt.NDArray[np.floating[Any]]) -> Trial | None:
    """The better of two: a change of the logarithms of the values, or of themselves, which reaches 0."""
    values = np.array(trial.values)
    factors = np.exp(np.clip(change, -3.0, 3.0)), np.clip(1.0 + change, 1e-6, 10.0)
    tried = (problem.trial(tuple((values * factor).tolist())) for factor in factors)
    return min(
        (each for each in tried if each is not None), key=lambda each: _size(problem, each), default=None
    )


def _size(problem: Problem, trial: Trial) -> float:
    residuals = problem.residuals(trial.rates)
    return float(residuals @ residuals)


def slopes_at(problem: Problem, trial: Trial) -> Doubles:
    """The derivatives of the residuals by the logarithms of the values."""
    columns = [_slope(problem, trial, place) for place in range(len(trial.values))]
    return np.array(columns).T


def _slope(problem: Problem, trial: Trial, place: int) -> Doubles:
    difference = 1e-6
    column = np.zeros(len(trial.rates))
    while difference > 1e-15:
        column, change = _quotient(problem, trial, place, difference)
        # Many periods make a small change of a factor large.
        if change < 1e-3:
            break
        difference /= 32
    return column


def _quotient(problem: Problem, trial: Trial, place: int, difference: float) -> tuple[Doubles, float]:
    """The quotient of differences around a value, and the change of the residuals between the two ends."""
    value = trial.values[place]
    before, after = (
        problem.trial(replaced(trial.values, place, value * factor)) or trial
        for factor in (1.0 - difference, 1.0 + difference)
    )
    change = problem.residuals(after.rates) - problem.residuals(before.rates)
    apart = (after.values[place] - before.values[place]) / value if value else 0.0
    return (change / apart if apart else np.zeros(len(trial.rates))), float(np.abs(change).max())


def polished(problem: Problem, found: Trial) -> Trial:
    """The neighbouring float64 values with which the rates are nearest to the points."""
    allowed = allowed_distances(problem, found)
    trial, cost = found, _cost(problem, found, allowed)
    for _ in range(MOST_ITERATIONS):
        moved = _moved_by_newton(problem, trial, allowed)
        moved_cost = math.inf if moved is None else _cost(problem, moved, allowed)
        if moved is None or not moved_cost < cost:
            break
        trial, cost = moved, moved_cost
    if not cost < NEAR_IN_ALLOWED_DISTANCES * len(trial.values):
        return found
    for _ in range(MOST_ROUNDS):
        improved = False
        for place, spacings in product(range(len(trial.values)), MOVES_IN_SPACINGS):
            neighbour = float_of(ordinal_of(trial.values[place]) + spacings)
            moved = problem.trial(replaced(trial.values, place, neighbour))
            if moved is not None and (moved_cost := _cost(problem, moved, allowed)) < cost:
                trial, cost, improved = moved, moved_cost, True
        if not improved or cost == 0:
            break
    return trial


def _moved_by_newton(problem: Problem, trial: Trial, allowed: Doubles) -> Trial | None:
    """One step of Newton's iteration in which points count the more, the nearer the rate can be to them."""
    weights = problem.scales / allowed
    weighted = slopes_at(problem, trial) * weights[:, np.newaxis]
    change = np.linalg.lstsq(weighted, -problem.residuals(trial.rates) * weights, rcond=None)[0]
    moved: list[float] = (np.array(trial.values) * np.exp(np.clip(change, -1.0, 1.0))).tolist()
    return problem.trial(tuple(moved))


def _cost(problem: Problem, trial: Trial, allowed: Doubles) -> float:
    return float((np.abs(trial.rates - problem.targets) / allowed).sum())


def allowed_distances(problem: Problem, trial: Trial) -> Doubles:
    """How far the rate may be from each point: see the notes of `fit`."""
    relative = np.array(
        [float(np.spacing(abs(value))) / abs(value) if value else 0.0 for value in trial.values]
    )
    cost: Doubles = np.abs(slopes_at(problem, trial)) @ relative * problem.scales
    allowed: Doubles = problem.rounding + cost
    return allowed
