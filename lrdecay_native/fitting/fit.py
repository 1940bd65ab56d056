"""The schedule of a class that passes through given points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from itertools import pairwise
from typing import Any, TypeVar

from lrdecay_native import validation
from lrdecay_native.fitting.candidates import candidates
from lrdecay_native.fitting.newton import polished
from lrdecay_native.fitting.problem import OutOfTimeError, Problem, Search, Trial, listed
from lrdecay_native.fitting.refusals import given_up, nothing_found, refuse_zeros_out_of_reach
from lrdecay_native.fitting.verification import check_determined, passes, without_needless
from lrdecay_native.formulas.synonyms import hints
from lrdecay_native.messages import shown
from lrdecay_native.schedules.base import Schedule

AnySchedule = TypeVar("AnySchedule", bound=Schedule)


def fit(
    schedule_class: type[AnySchedule],
    points: Iterable[tuple[float, float]],
    /,
    *,
    unknown: Iterable[str] = (),
    **known: Any,
) -> AnySchedule:
    """The schedule of a class that passes through points.

    Parameters
    ----------
    schedule_class : type
        A schedule class, such as `StepDecay`.
    points : iterable of (step, learning_rate)
        Steps from 0 to below 2**63, all different, in any order; rates 0 or from 1e-100 to 1e100.  As many as
        there are parameters to solve for.
    unknown : iterable of str, default ()
        Numeric parameters to solve for although they have a default.
    **known
        Parameters of the class that are given; they stay as they are.

    Returns
    -------
    schedule_class
        The schedule.  Parameters without a default that are not in ``known`` are solved for; parameters with a
        default that are not in ``unknown`` keep it.

    Raises
    ------
    ValueError
        If there are more or fewer points than parameters to solve for, two points are at one step, no such
        schedule is found, a rate is 0 that the class only comes near to, or the points don't determine the schedule;
        and for values out of range.
    TypeError
        For arguments of a wrong kind, and for names that are no parameters of the class.

    Notes
    -----
    What is returned is verified: each rate is within 2 ulp of its point, plus what one spacing of float64 in each
    solved parameter changes.  The last is little, except where a parameter is applied many times: a ``drop_rate``
    per step has 90 times its relative spacing after 90 steps.  A longer period (``step_size=90``) avoids it.

    The parameters are found by a damped Newton iteration in their logarithms from many starting points, or, where
    there is one, by bisection.  A schedule that exists may be missed, where rates jump or swing.  Where several
    pass through the points, one of them is returned; where all near it do, that is an error.  After 3.5 seconds of
    computation the search is given up; the error has the nearest schedule that was found.

    Examples
    --------
    From 0.1 to 0.001 in 90 epochs:

    >>> import lrdecay_native as lrd
    >>> from lrdecay_native.fitting.fit import fit
    >>> points = [(0, 0.1), (90, 0.001)]
    >>> fit(lrd.StepDecay, points, step_size=1)
    StepDecay(0.1, drop_rate=0.95011850..., step_size=1, staircase=True)
    >>> fit(lrd.StepDecay, points, step_size=90, staircase=False)
    StepDecay(0.1, drop_rate=0.01, step_size=90, staircase=False)
    >>> fit(lrd.InverseTimeDecay, points)
    InverseTimeDecay(0.1, decay_rate=1.1, decay_steps=1, staircase=False)

    The power with which a quarter of the rate is left in the middle:

    >>> fit(lrd.PolynomialDecay, [(50, 0.025)], initial_learning_rate=0.1, max_step=100, unknown=["power"])
    PolynomialDecay(0.1, max_step=100, power=2.0, end_learning_rate=0.0, cycle=False)
    """
    _check_class(schedule_class)
    names = _names_to_solve(schedule_class, known, unknown)
    steps, rates = _points_given(points)
    if len(steps) != len(names):
        raise ValueError(
            f"points={listed(steps, rates)} must be as many as the parameters of {schedule_class.__name__} to "
            f"solve for, {len(names)} ({', '.join(names) or 'none'}), not {len(steps)}: change the points, give "
            "parameters by name, or list names of parameters that have a default in unknown=[...]"
        )
    search = Search(len(steps))
    problem = Problem(schedule_class, tuple(steps), tuple(rates), names, known, search)
    try:
        refuse_zeros_out_of_reach(problem)
        solution = _solved(problem)
        if solution is None:
            raise ValueError(nothing_found(problem))
    except OutOfTimeError:
        raise ValueError(given_up(problem)) from None
    # A schedule was made of these values before.
    result: AnySchedule = problem.schedule(solution.values)
    return result


def _check_class(schedule_class: Any) -> None:
    if not isinstance(schedule_class, type) or not issubclass(schedule_class, Schedule):
        raise TypeError(f"schedule_class={shown(schedule_class)} must be a schedule class, such as StepDecay")
    if not is_dataclass(schedule_class):
        raise TypeError(
            f"schedule_class={shown(schedule_class)} must be a schedule class that has parameters"
        )


def _names_to_solve(
    schedule_class: type[Schedule], known: Mapping[str, Any], unknown: Iterable[str]
) -> tuple[str, ...]:
    parameters = {parameter.name: parameter for parameter in fields(schedule_class)}
    if isinstance(unknown, str):
        raise TypeError(f"unknown={shown(unknown)} must be a list of names, such as [{unknown!r}]")
    try:
        named = tuple(unknown)
    except TypeError:
        raise TypeError(f"unknown={shown(unknown)} must be a list of names") from None
    for name in (*known, *named):
        if not isinstance(name, str) or name not in parameters:
            raise TypeError(
                f"{shown(name)} is no parameter of {schedule_class.__name__}; it has "
                f"{', '.join(parameters)}" + hints(schedule_class.__name__, [str(name)], parameters)
            )
    wanted = [
        name
        for name, parameter in parameters.items()
        if name in named or (name not in known and not _has_default(parameter))
    ]
    for name in wanted:
        if name in known:
            raise ValueError(f"{name}={known[name]!r} is given, so unknown={list(named)!r} must not name it")
        if not _is_numeric(parameters[name]):
            raise TypeError(
                f"{name} must be given, as {schedule_class.__name__}.{name} is not a number to solve for"
            )
    return tuple(wanted)


def _has_default(parameter: Field[Any]) -> bool:
    return parameter.default is not MISSING or parameter.default_factory is not MISSING


def _is_numeric(parameter: Field[Any]) -> bool:
    annotation = parameter.type if isinstance(parameter.type, str) else parameter.type.__name__
    kinds = {kind.strip() for kind in annotation.split("|")}
    return "float" in kinds and kinds <= {"float", "int", "None"}


def _points_given(points: Iterable[tuple[float, float]]) -> tuple[list[Any], list[float]]:
    """The steps as they are given, ascending, and their rates."""
    try:
        pairs = [(step, rate) for step, rate in points]
    except (TypeError, ValueError):
        raise TypeError(f"points={shown(points)} must be pairs of a step and a rate") from None
    for number, (step, rate) in enumerate(pairs):
        validation.real(f"points[{number}][0]", step)
        validation.step(f"points[{number}][0]", step)
        validation.not_negative(f"points[{number}][1]", rate)
    pairs.sort(key=lambda pair: pair[0])
    for (step, rate), (following, other) in pairwise(pairs):
        if step == following:
            raise ValueError(
                f"points=[({step!r}, {rate!r}), ({following!r}, {other!r})] are at the same step"
            )
    return [step for step, _ in pairs], [float(rate) for _, rate in pairs]


def _solved(problem: Problem) -> Trial | None:
    """Values with which the schedule passes through the points; None if none are found."""
    if not problem.names:
        return problem.trial(())
    undetermined: ValueError | None = None
    for candidate in _candidates(problem):
        trial = without_needless(problem, polished(problem, candidate))
        if not passes(problem, trial):
            continue
        try:
            check_determined(problem, trial)
        except ValueError as error:
            undetermined = undetermined or error
            continue
        return trial
    if undetermined is not None:
        raise undetermined
    return None


def _candidates(problem: Problem) -> Iterator[Trial]:
    if 0.0 in problem.targets:
        yield from _with_a_zero(problem)
    yield from candidates(problem)


def _with_a_zero(problem: Problem) -> Iterator[Trial]:
    """Values of which one is 0 so that a rate is: logarithms don't reach that."""
    point = problem.targets.index(0.0)
    for place, name in enumerate(problem.names):
        rest = replace(
            problem,
            steps=problem.steps[:point] + problem.steps[point + 1 :],
            targets=problem.targets[:point] + problem.targets[point + 1 :],
            names=problem.names[:place] + problem.names[place + 1 :],
            known={**problem.known, name: 0.0},
        )
        try:
            solution = _solved(rest)
        except (ValueError, TypeError):
            # The class may refuse 0 for this one.
            continue
        if solution is None:
            continue
        trial = problem.trial((*solution.values[:place], 0.0, *solution.values[place:]))
        if trial is not None:
            yield trial
