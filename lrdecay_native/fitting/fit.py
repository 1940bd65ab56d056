"""The schedule of a class that passes through given points."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from itertools import pairwise, product
from random import Random
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from lrdecay_native import validation
from lrdecay_native.caching import cached
from lrdecay_native.formulas.synonyms import hints
from lrdecay_native.schedules.base import Schedule

Doubles = npt.NDArray[np.float64]
AnySchedule = TypeVar("AnySchedule", bound=Schedule)

_ROUNDING = 2.0
"""Ulps by which a rate may miss its point beside what the spacing of the parameters costs."""

_STARTS = 4000
"""Combinations of parameters at most that are looked at before the search begins at the best of them."""

_SEARCHES = 32
_SPREAD = 1.25
"""How the ranks of the starting points grow."""

_ITERATIONS = 60

_ROUNDS = 200
"""Rounds at most of moves by spacings of float64, each of which brings the rates nearer to their points."""

_LOOKED_AT = 128
"""Starting points at most from which a rate of 0 is looked for."""

_DESCENTS = 3
"""Starting points from which it is followed."""

_STRIDE = 1e9
"""The largest factor of a parameter on that way."""

_NEARLY_ZERO = 1e-30
_CLEARLY_ABOVE = 1e-4
_UNDERFLOW = 1e-250
"""Parts of the largest rate that tell of a class that only comes near 0, or not even that."""

_LONGEST = 3.5
"""Seconds after which the search is given up."""

_LONGEST_LOOK = 1.0
"""Seconds of them at most in which starting points of one kind are looked at."""

_NEAR = 1e4
"""How many times the allowed distance a rate may miss its point for neighbouring values to be worth a look."""

_CLEARLY_DIFFERENT = 0.1
"""Relative change of a parameter: where it still passes through the points, they don't determine it."""


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
            f"points={_listed(steps, rates)} must be as many as the parameters of {schedule_class.__name__} to "
            f"solve for, {len(names)} ({', '.join(names) or 'none'}), not {len(steps)}: change the points, give "
            "parameters by name, or list names of parameters that have a default in unknown=[...]"
        )
    search = _Search(len(steps))
    problem = _Problem(schedule_class, tuple(steps), tuple(rates), names, known, search)
    try:
        _refuse_zeros_out_of_reach(problem)
        values = _solved(problem)
        if values is None:
            raise ValueError(_reason(problem))
    except _OutOfTimeError:
        raise ValueError(_given_up(problem)) from None
    # A schedule was made of these values before.
    result: AnySchedule = problem.schedule(values)
    return result


def _check_class(schedule_class: Any) -> None:
    if not isinstance(schedule_class, type) or not issubclass(schedule_class, Schedule):
        raise TypeError(
            f"schedule_class={validation.shown(schedule_class)} must be a schedule class, such as StepDecay"
        )
    if not is_dataclass(schedule_class):
        raise TypeError(
            f"schedule_class={validation.shown(schedule_class)} must be a schedule class that has parameters"
        )


def _names_to_solve(
    schedule_class: type[Schedule], known: Mapping[str, Any], unknown: Iterable[str]
) -> tuple[str, ...]:
    parameters = {parameter.name: parameter for parameter in fields(schedule_class)}  # type: ignore[arg-type]
    if isinstance(unknown, str):
        raise TypeError(f"unknown={validation.shown(unknown)} must be a list of names, such as [{unknown!r}]")
    try:
        named = tuple(unknown)
    except TypeError:
        raise TypeError(f"unknown={validation.shown(unknown)} must be a list of names") from None
    for name in (*known, *named):
        if not isinstance(name, str) or name not in parameters:
            raise TypeError(
                f"{validation.shown(name)} is no parameter of {schedule_class.__name__}; it has "
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
        raise TypeError(f"points={validation.shown(points)} must be pairs of a step and a rate") from None
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


def _listed(steps: Sequence[Any], rates: Sequence[float]) -> str:
    return str(list(zip(steps, rates, strict=True)))


class _OutOfTimeError(Exception):
    """The search has taken too long."""


class _Search:
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
class _Problem:
    """What is given: ``steps`` ascend, ``names`` are the parameters to solve for."""

    schedule_class: type[Any]
    steps: tuple[Any, ...]
    targets: tuple[float, ...]
    names: tuple[str, ...]
    known: Mapping[str, Any]
    search: _Search

    def schedule(self, values: Iterable[float]) -> Any:
        return self.schedule_class(**self.known, **dict(zip(self.names, map(float, values), strict=True)))

    def rates(self, values: Iterable[float]) -> Doubles | None:
        """The rates at the steps; None where the class refuses the values."""
        if self.search.seconds > _LONGEST:
            raise _OutOfTimeError
        try:
            return self._evaluated(values)
        except ValueError:
            return None

    def _evaluated(self, values: Iterable[float]) -> Doubles:
        schedule = self.schedule(values)
        return np.array([schedule(step) for step in self.steps])

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
        if len(self.magnitudes) ** count <= _STARTS:
            return list(product(self.magnitudes, repeat=count))
        random = Random(0)
        return [tuple(random.choices(self.magnitudes, k=count)) for _ in range(_STARTS)]

    @cached
    def starts(self) -> list[tuple[tuple[float, ...], Doubles]]:
        """Values that the class takes, with their rates."""
        positive = self._taken(self.combinations)
        if not positive:
            raise self._refusal()
        # Whether a parameter may be negative is known to the class alone.
        example = positive[0][0]
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
        return positive + self._taken(mirrored)

    def _taken(self, combinations: Iterable[tuple[float, ...]]) -> list[tuple[tuple[float, ...], Doubles]]:
        taken: list[tuple[tuple[float, ...], Doubles]] = []
        begin = self.search.seconds
        for values in combinations:
            if taken and self.search.seconds > begin + _LONGEST_LOOK:
                break
            rates = self.rates(values)
            if rates is not None:
                taken.append((values, rates))
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


def _refuse_zeros_out_of_reach(problem: _Problem) -> None:
    """Refuse a rate of 0 where the class only comes near to it: the search would follow it without end."""
    for point, step in enumerate(problem.steps):
        if problem.names and problem.targets[point] == 0.0 and not _reaches_zero(problem, point):
            name = problem.schedule_class.__name__
            raise ValueError(
                f"points={_listed(problem.steps, problem.targets)}: no {name} passes through them; at step {step!r} "
                f"the rate of every {name} that was tried is above 0, however near it may come: give a small rate, "
                "such as 1e-6"
            )


def _reaches_zero(problem: _Problem, point: int) -> bool:
    """Whether a rate may be 0 at a point, and not only a number that is too small for a float64."""
    random = Random(0)
    some = random.sample(problem.starts, min(_LOOKED_AT, len(problem.starts)))
    zeroed = problem._taken(
        tuple(value * left for value, left in zip(values, kept, strict=True))
        for values, _ in some[: _LOOKED_AT // 4]
        for kept in product((0.0, 1.0), repeat=len(values))
    )
    extreme = problem._taken(
        (*values[:place], math.copysign(size, values[place]), *values[place + 1 :])
        for values, _ in some[: _LOOKED_AT // 16]
        for place in range(len(values))
        for size in (1e-100, 1e-30, 1e30, 1e100)
    )
    tried = [*problem.starts, *zeroed, *extreme]
    zeros = [values for values, rates in tried if rates[point] == 0.0]
    positive = [values for values, rates in tried if rates[point] > 0.0]
    if not positive:
        return True
    if not zeros:
        nearest = sorted(positive, key=lambda values: _part_left(problem, point, values))[:_DESCENTS]
        left = [_least_part_left(problem, point, values) for values in nearest]
        return 0.0 in left or _NEARLY_ZERO < min(left) < _CLEARLY_ABOVE
    ends = random.sample(zeros, min(_LOOKED_AT // 16, len(zeros)))
    return any(_jumps_to_zero(problem, point, end, positive) for end in ends)


def _part_left(problem: _Problem, point: int, values: tuple[float, ...]) -> float:
    """The rate at a point as a part of the largest rate."""
    rates = problem.rates(values)
    if rates is None:
        return math.inf
    return float(rates[point] / max(*rates, problem.schedule(values)(0))) if rates[point] else 0.0


def _least_part_left(problem: _Problem, point: int, values: tuple[float, ...]) -> float:
    """What is left of it when one parameter after the other is changed by less and less."""
    least, factor = _part_left(problem, point, values), math.e
    for _ in range(_ITERATIONS):
        before = least
        for place, power in product(range(len(values)), (-1.0, 1.0)):
            moved = (*values[:place], values[place] * factor**power, *values[place + 1 :])
            part = _part_left(problem, point, moved)
            if part < least:
                least, values = part, moved
            if least == 0.0:
                return least
        if least < _NEARLY_ZERO or factor < 1.001:
            break
        factor = min(factor**2, _STRIDE) if least < before else factor**0.5
    return least


def _jumps_to_zero(
    problem: _Problem, point: int, zero: tuple[float, ...], positive: Sequence[tuple[float, ...]]
) -> bool:
    """Whether the rate at a point gets to 0 from more than numbers that are next to too small for a float64."""
    to = min(positive, key=lambda values: _apart(values, zero))
    ends = [(_place_of(low), _place_of(high)) for low, high in zip(zero, to, strict=True)]
    least, part = math.inf, 2**64
    for step in (2**exponent for exponent in reversed(range(64))):
        rates = problem.rates(_float_of(low + (high - low) * (part - step) // 2**64) for low, high in ends)
        if rates is not None and rates[point] > 0.0:
            part, least = part - step, rates[point] / max(*rates, 1e-20)
    return least > _UNDERFLOW


def _apart(values: tuple[float, ...], others: tuple[float, ...]) -> int:
    """How many of some values are not those of others."""
    return sum(one != other for one, other in zip(values, others, strict=True))


def _solved(problem: _Problem) -> tuple[float, ...] | None:
    """Values with which the schedule passes through the points; None if none are found."""
    if not problem.names:
        return ()
    undetermined: ValueError | None = None
    for found in _candidates(problem):
        values = _without_needless(problem, _polished(problem, found))
        if not _passes(problem, values):
            continue
        try:
            _check_determined(problem, values)
        except ValueError as error:
            undetermined = undetermined or error
            continue
        return values
    if undetermined is not None:
        raise undetermined
    return None


def _candidates(problem: _Problem) -> Iterator[tuple[float, ...]]:
    """Values that may be solutions, each to be verified."""
    if 0.0 in problem.targets:
        yield from _with_a_zero(problem)
    if len(problem.names) == 1:
        yield from _bisected(problem)
    yield from _iterated(problem)


def _with_a_zero(problem: _Problem) -> Iterator[tuple[float, ...]]:
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
            values = _solved(rest)
        except (ValueError, TypeError):
            # The class may refuse 0 for this one.
            continue
        if values is not None:
            yield (*values[:place], 0.0, *values[place:])


def _bisected(problem: _Problem) -> Iterator[tuple[float, ...]]:
    """The places at which the only rate crosses its target, to neighbouring floats."""
    (target,) = problem.targets
    sizes = {10.0**exponent for exponent in range(-100, 101)}
    sizes |= {values[0] for values, _ in problem.starts}
    sizes |= {-size for size in sizes} if any(values[0] < 0 for values, _ in problem.starts) else set()
    taken = problem._taken((size,) for size in sorted({*sizes, 0.0, *_edge(problem)}))
    yield from (values for values, rates in taken if rates[0] == target)
    for (low, below), (high, above) in pairwise(taken):
        if (below[0] < target) != (above[0] < target):
            yield from _crossing(problem, low[0], high[0], bool(below[0] < target))


def _edge(problem: _Problem) -> list[float]:
    """The largest value that the class takes, where it refuses larger ones."""
    sizes = [values[0] for values, _ in problem.starts]
    low, high = max(sizes), 1e100
    if problem.rates((high,)) is not None:
        return []
    while (middle := _middle(low, high)) not in (low, high):
        low, high = (middle, high) if problem.rates((middle,)) is not None else (low, middle)
    return [low]


def _crossing(problem: _Problem, low: float, high: float, rises: bool) -> Iterator[tuple[float, ...]]:
    (target,) = problem.targets
    while (middle := _middle(low, high)) not in (low, high):
        rates = problem.rates((middle,))
        if rates is None:
            return
        low, high = (middle, high) if (rates[0] < target) == rises else (low, middle)
    ends = [(low,), (high,)]
    yield from sorted(ends, key=lambda values: _missed(problem, values))


def _middle(low: float, high: float) -> float:
    """The float64 in the middle of those between two."""
    return _float_of((_place_of(low) + _place_of(high)) // 2)


def _place_of(number: float) -> int:
    """The number of a float64 when all are counted upward from 0."""
    bits = int(np.float64(abs(number)).view(np.int64))
    return -bits if number < 0 else bits


def _float_of(place: int) -> float:
    size = float(np.int64(abs(place)).view(np.float64))
    return -size if place < 0 else size


def _missed(problem: _Problem, values: tuple[float, ...]) -> float:
    rates = problem.rates(values)
    return math.inf if rates is None else float(np.abs(rates - problem.targets).max())


def _iterated(problem: _Problem) -> Iterator[tuple[float, ...]]:
    """Where the iteration ends from the best starting points."""
    ranked = sorted(problem.starts, key=lambda start: _rank(problem, *start))
    # The best may all be in one valley.
    places = {int(_SPREAD**number) - 1 for number in range(_SEARCHES)}
    for place in sorted(places):
        if place < len(ranked):
            found = _newton(problem, ranked[place][0])
            _keep(problem, found)
            yield found
            for zeroed in _nearly_zero(problem, found):
                yield _newton(problem, zeroed)


def _keep(problem: _Problem, values: tuple[float, ...]) -> None:
    rates = problem.rates(values)
    assert rates is not None
    problem.search.found(problem.schedule(values), rates, float(np.abs(problem.residuals(rates)).max()))


def _rank(problem: _Problem, values: tuple[float, ...], rates: Doubles) -> tuple[float, ...]:
    """What orders starting points: those without a slope, such as after the end of a schedule, lead nowhere."""
    flat = len(set(problem.targets)) > 1 and len(set(rates.tolist())) == 1
    distance = float(np.abs(problem.residuals(rates)).sum())
    # Of equally good ones the largest first: where a schedule may end anywhere before a point, at the point.
    return flat, distance, *(-value for value in values)


def _nearly_zero(problem: _Problem, values: tuple[float, ...]) -> Iterator[tuple[float, ...]]:
    """The values with a 0, which logarithms only approach, for one that has little effect."""
    rates = problem.rates(values)
    assert rates is not None
    for place in range(len(values)):
        zeroed = (*values[:place], 0.0, *values[place + 1 :])
        others = problem.rates(zeroed)
        if others is not None and np.abs(problem.residuals(others) - problem.residuals(rates)).max() < 1e-3:
            yield zeroed


def _newton(problem: _Problem, start: tuple[float, ...]) -> tuple[float, ...]:
    """Levenberg's and Marquardt's damped Newton iteration in the logarithms of the values."""
    values = np.array(start)
    rates = problem.rates(values)
    assert rates is not None
    residuals = problem.residuals(rates)
    damping = 1e-3
    for _ in range(_ITERATIONS):
        slopes = _slopes(problem, values, rates)
        normal = slopes.T @ slopes
        gradient = slopes.T @ residuals
        if not gradient.any():
            break
        while damping < 1e12:
            damped = normal + damping * np.diag(np.maximum(normal.diagonal(), 1e-30))
            change = np.linalg.lstsq(damped, -gradient, rcond=None)[0]
            following, next_residuals = _better(problem, values, change)
            if next_residuals @ next_residuals < residuals @ residuals:
                break
            damping = max(damping, 1e-12) * 8
        else:
            break
        values, residuals = following, next_residuals
        next_rates = problem.rates(values)
        assert next_rates is not None
        rates = next_rates
        damping = damping / 32 if damping > 1e-14 else 0.0
    return tuple(values.tolist())


def _better(
    problem: _Problem, values: Doubles, change: npt.NDArray[np.floating[Any]]
) -> tuple[Doubles, Doubles]:
    """The values after a change of their logarithms, or of themselves, which reaches 0; with the residuals."""
    factors: tuple[Doubles, Doubles] = np.exp(np.clip(change, -3.0, 3.0)), np.clip(1.0 + change, 1e-6, 10.0)
    tried: list[tuple[Doubles, Doubles]] = []
    for following in (values * factor for factor in factors):
        rates = problem.rates(following)
        residuals: Doubles = (
            np.full(len(problem.steps), 1e100, np.float64) if rates is None else problem.residuals(rates)
        )
        tried.append((following, residuals))
    return min(tried, key=lambda pair: float(pair[1] @ pair[1]))


def _slopes(problem: _Problem, values: Doubles, rates: Doubles) -> Doubles:
    """The derivatives of the residuals by the logarithms of the values."""
    columns = [_slope(problem, values, place, rates) for place in range(len(values))]
    return np.array(columns).T


def _slope(problem: _Problem, values: Doubles, place: int, rates: Doubles) -> Doubles:
    difference = 1e-6
    column = np.zeros(len(rates))
    while difference > 1e-15:
        column, change = _quotient(problem, values, place, rates, difference)
        # Many periods make a small change of a factor large.
        if change < 1e-3:
            break
        difference /= 32
    return column


def _quotient(
    problem: _Problem, values: Doubles, place: int, rates: Doubles, difference: float
) -> tuple[Doubles, float]:
    """The quotient of differences around a value, and the change of the residuals between the two ends."""
    ends = []
    for factor in (1.0 - difference, 1.0 + difference):
        moved = values.copy()
        moved[place] *= factor
        there = problem.rates(moved)
        ends.append((values, rates) if there is None else (moved, there))
    (before, lower), (after, higher) = ends
    change = problem.residuals(higher) - problem.residuals(lower)
    apart = (after[place] - before[place]) / values[place] if values[place] else 0.0
    return (change / apart if apart else np.zeros(len(rates))), float(np.abs(change).max())


def _polished(problem: _Problem, found: tuple[float, ...]) -> tuple[float, ...]:
    """The neighbouring float64 values with which the rates are nearest to the points."""
    if problem.rates(found) is None:
        return found
    allowed = _allowed(problem, found)
    values, cost = found, _cost(problem, found, allowed)
    for _ in range(_ITERATIONS):
        moved = _moved_by_newton(problem, values, allowed)
        moved_cost = _cost(problem, moved, allowed)
        if not moved_cost < cost:
            break
        values, cost = moved, moved_cost
    if not cost < _NEAR * len(values):
        return found
    for _ in range(_ROUNDS):
        improved = False
        for place, spacings in product(range(len(values)), (-64, -8, -1, 1, 8, 64)):
            neighbour = _float_of(_place_of(values[place]) + spacings)
            moved = (*values[:place], neighbour, *values[place + 1 :])
            moved_cost = _cost(problem, moved, allowed)
            if moved_cost < cost:
                values, cost, improved = moved, moved_cost, True
        if not improved or cost == 0:
            break
    return values


def _moved_by_newton(problem: _Problem, values: tuple[float, ...], allowed: Doubles) -> tuple[float, ...]:
    """One step of Newton's iteration in which points count the more, the nearer the rate can be to them."""
    array = np.array(values)
    rates = problem.rates(values)
    assert rates is not None
    weights = _scales(problem) / allowed
    weighted = _slopes(problem, array, rates) * weights[:, np.newaxis]
    change = np.linalg.lstsq(weighted, -problem.residuals(rates) * weights, rcond=None)[0]
    moved: list[float] = (array * np.exp(np.clip(change, -1.0, 1.0))).tolist()
    return tuple(moved)


def _scales(problem: _Problem) -> Doubles:
    """What residuals are parts of: of a rate of 0 there is no logarithm."""
    targets = np.array(problem.targets)
    return np.where(targets > 0, targets, targets.max() or 1.0)


def _cost(problem: _Problem, values: tuple[float, ...], allowed: Doubles) -> float:
    rates = problem.rates(values)
    return math.inf if rates is None else float((np.abs(rates - problem.targets) / allowed).sum())


def _without_needless(problem: _Problem, values: tuple[float, ...]) -> tuple[float, ...]:
    """The values, with 0 for those that are next to nothing to the rates."""
    for place in range(len(values)):
        without = (*values[:place], 0.0, *values[place + 1 :])
        if _passes(problem, values) and _passes(problem, without):
            values = without
    return values


def _allowed(problem: _Problem, values: tuple[float, ...]) -> Doubles:
    """How far the rate may be from each point: see the notes of `fit`."""
    rates = problem.rates(values)
    assert rates is not None
    spacings = np.spacing(np.maximum(np.abs(problem.targets), 1e-100))
    array = np.array(values)
    relative = np.array([float(np.spacing(abs(value))) / abs(value) if value else 0.0 for value in values])
    cost: Doubles = np.abs(_slopes(problem, array, rates)) @ relative * _scales(problem)
    allowed: Doubles = _ROUNDING * spacings + cost
    return allowed


def _passes(problem: _Problem, values: tuple[float, ...]) -> bool:
    rates = problem.rates(values)
    if rates is None:
        return False
    missed = np.abs(rates - problem.targets)
    if not np.all(missed <= _allowed(problem, values)):
        return False
    spacings = np.spacing(np.maximum(np.abs(problem.targets), 1e-100))
    far = missed > _ROUNDING * spacings
    # A slope across a jump would allow anything.
    return not far.any() or bool(
        np.all(missed <= 2 * _ROUNDING * spacings + _by_one_spacing(problem, values))
    )


def _by_one_spacing(problem: _Problem, values: tuple[float, ...]) -> Doubles:
    """How far rates go where parameters move by one spacing of float64."""
    rates = problem.rates(values)
    assert rates is not None
    result = np.zeros(len(rates))
    for place, value in enumerate(values):
        moved = (
            problem.rates((*values[:place], math.nextafter(value, bound), *values[place + 1 :]))
            for bound in (-math.inf, math.inf)
        )
        result += np.max(
            [np.abs(each - rates) for each in moved if each is not None] or [0.0 * rates], axis=0
        )
    return result


def _check_determined(problem: _Problem, values: tuple[float, ...]) -> None:
    """Refuse values where clearly different ones pass through the points as well."""
    array = np.array(values)
    rates = problem.rates(values)
    assert rates is not None
    varied = [place for place, value in enumerate(values) if value]
    if not varied:
        return
    slopes = _slopes(problem, array, rates)[:, varied]
    slopes /= np.maximum(np.abs(slopes).max(axis=0), 1e-300)
    _, sizes, directions = np.linalg.svd(slopes)
    for direction in (directions[-1], *np.eye(len(varied))):
        for sign in (-_CLEARLY_DIFFERENT, _CLEARLY_DIFFERENT):
            moved = array.copy()
            moved[varied] *= np.exp(sign * direction / np.abs(direction).max())
            others = tuple(moved.tolist())
            if sizes[-1] < 1e-6 * sizes[0] and problem.rates(others) is not None:
                # They may lie on a curve: back to the nearest that pass through the points.
                others = _polished(problem, _newton(problem, others))
            if _differing(values, others) and _passes(problem, others):
                raise ValueError(_ambiguity(problem, values, others))


def _differing(values: tuple[float, ...], others: tuple[float, ...]) -> list[int]:
    """The places at which values are clearly different."""
    pairs = enumerate(zip(values, others, strict=True))
    return [place for place, (one, other) in pairs if abs(one - other) > _CLEARLY_DIFFERENT / 10 * abs(one)]


def _ambiguity(problem: _Problem, values: tuple[float, ...], others: tuple[float, ...]) -> str:
    name = problem.schedule_class.__name__
    differing = _differing(values, others)
    one, other = (
        ", ".join(f"{problem.names[place]}={some[place]!r}" for place in differing)
        for some in (values, others)
    )
    given = " or ".join(problem.names[place] for place in differing)
    return (
        f"points={_listed(problem.steps, problem.targets)} do not determine {name}: it passes through them with "
        f"{one} and with {other}; a point may be where the rate stays the same (at the end of the schedule, on a "
        f"stair), or the parameters may stand for each other: give {given}"
    )


def _reason(problem: _Problem) -> str:
    """Why no schedule passes through the points."""
    name = problem.schedule_class.__name__
    what = f"points={_listed(problem.steps, problem.targets)}: no {name} found that passes through them; "
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
    best = min(problem.starts, key=lambda start: _rank(problem, *start))
    nearest = _newton(problem, best[0])
    rates = problem.rates(nearest)
    assert rates is not None
    return what + (
        f"the nearest found is {problem.schedule(nearest)!r} with {_listed(problem.steps, rates.tolist())}; "
        "a staircase reaches only some rates, and a class may need other given parameters"
    )


def _given_up(problem: _Problem) -> str:
    """That the search has been given up."""
    name = problem.schedule_class.__name__
    what = (
        f"points={_listed(problem.steps, problem.targets)}: no {name} found that passes through them in "
        f"{_LONGEST:g} seconds; "
    )
    nearest = problem.search.nearest
    if nearest is None:
        return what + "give more parameters, or points from where the rate changes"
    schedule, rates = nearest
    return what + f"the nearest found is {schedule!r} with {_listed(problem.steps, rates.tolist())}"
