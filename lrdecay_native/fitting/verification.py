"""Whether a schedule passes through the points, and whether they determine it."""

from __future__ import annotations

import math

import numpy as np

from lrdecay_native.fitting.limits import CLEARLY_DIFFERENT
from lrdecay_native.fitting.newton import allowed_distances, newton, polished, slopes_at
from lrdecay_native.fitting.problem import Doubles, Problem, Trial, listed, replaced


def passes(problem: Problem, trial: Trial) -> bool:
    """Whether each rate is as near to its point as `fit` promises."""
    missed = np.abs(trial.rates - problem.targets)
    if not np.all(missed <= allowed_distances(problem, trial)):
        return False
    # A slope across a jump would allow anything.
    return bool(
        np.all(missed <= problem.rounding)
        or np.all(missed <= 2 * problem.rounding + _by_one_spacing(problem, trial))
    )


def _by_one_spacing(problem: Problem, trial: Trial) -> Doubles:
    """How far rates go where parameters move by one spacing of float64."""
    result = np.zeros(len(trial.rates))
    for place, value in enumerate(trial.values):
        moved = (
            problem.rates(replaced(trial.values, place, math.nextafter(value, bound)))
            for bound in (-math.inf, math.inf)
        )
        result += np.max(
            [np.abs(each - trial.rates) for each in moved if each is not None] or [0.0 * trial.rates], axis=0
        )
    return result


def without_needless(problem: Problem, trial: Trial) -> Trial:
    """The values, with 0 for those that are next to nothing to the rates."""
    if not passes(problem, trial):
        return trial
    for place in range(len(trial.values)):
        without = problem.trial(replaced(trial.values, place, 0.0))
        if without is not None and passes(problem, without):
            trial = without
    return trial


def check_determined(problem: Problem, trial: Trial) -> None:
    """Refuse values where clearly different ones pass through the points as well."""
    varied = [place for place, value in enumerate(trial.values) if value]
    if not varied:
        return
    slopes = slopes_at(problem, trial)[:, varied]
    slopes /= np.maximum(np.abs(slopes).max(axis=0), 1e-300)
    _, sizes, directions = np.linalg.svd(slopes)
    for direction in (directions[-1], *np.eye(len(varied))):
        for sign in (-CLEARLY_DIFFERENT, CLEARLY_DIFFERENT):
            moved = np.array(trial.values)
            moved[varied] *= np.exp(sign * direction / np.abs(direction).max())
            other = problem.trial(tuple(moved.tolist()))
            if other is None:
                continue
            if sizes[-1] < 1e-6 * sizes[0]:
                # They may lie on a curve: back to the nearest that pass through the points.
                other = polished(problem, newton(problem, other))
            if _differing(trial, other) and passes(problem, other):
                raise ValueError(_ambiguity(problem, trial, other))


def _differing(trial: Trial, other: Trial) -> list[int]:
    """The places at which values are clearly different."""
    pairs = enumerate(zip(trial.values, other.values, strict=True))
    return [place for place, (one, two) in pairs if abs(one - two) > CLEARLY_DIFFERENT / 10 * abs(one)]


def _ambiguity(problem: Problem, trial: Trial, other: Trial) -> str:
    name = problem.schedule_class.__name__
    differing = _differing(trial, other)
    one, two = (
        ", ".join(f"{problem.names[place]}={some.values[place]!r}" for place in differing)
        for some in (trial, other)
    )
    given = " or ".join(problem.names[place] for place in differing)
    return (
        f"points={listed(problem.steps, problem.targets)} do not determine {name}: it passes through them with "
        f"{one} and with {two}; a point may be where the rate stays the same (at the end of the schedule, on a "
        f"stair), or the parameters may stand for each other: give {given}"
    )
