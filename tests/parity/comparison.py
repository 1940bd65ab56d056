"""What a parity test is: a peer's schedule, ours that equals it, and how far their rates may differ."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lrdecay_native import Schedule

Steps = npt.NDArray[np.int64]
Rates = npt.NDArray[np.float64]
RatesOf = Callable[[Any, Steps], Rates]
Roundings = float | Callable[[Steps], Any]

FLOAT64 = 2.0**-53
FLOAT32 = 2.0**-24
"""The rounding error of one operation in a peer's arithmetic; its steps are exact below 1 / that."""

EVERY_STEP: Steps = np.arange(6000)
"""The runs of the cases last 3000 to 5000 steps: these are before, at and after every boundary."""

PERIODS = (500, 700, 1000, 2000, 3000, 4000)
"""The lengths of phases and cycles in the cases."""


def exponent(steps_per_factor: float) -> Roundings:
    """A rounding of the rate of decay, or of the exponent, is multiplied by the exponent."""
    return lambda steps: 8.0 + 4.0 * steps / steps_per_factor


def turns(half_period: float) -> Roundings:
    """The angle, and the part of a cycle that is over, are rounded at the size of the step over the period."""
    return lambda steps: 8.0 + 8.0 * steps / half_period


def _sampled_steps() -> Steps:
    spread = np.geomspace(len(EVERY_STEP), 10**7, 150)
    boundaries = [np.geomspace(len(EVERY_STEP), 10**7, 8) // period * period for period in PERIODS]
    around = [boundary + offset for boundary in boundaries for offset in (-1, 0, 1)]
    steps = np.unique(np.concatenate([spread, *around]).astype(np.int64))
    return steps[steps <= 10**7]


SAMPLED_STEPS = _sampled_steps()


@dataclass(frozen=True)
class Part:
    """A schedule of the peer that is an argument of another."""

    peer: str
    arguments: Mapping[str, Any]


def made(value: Any, make: Callable[..., Any]) -> Any:
    """A value of an argument, in which each part has become what ``make(peer, **arguments)`` returns."""
    if isinstance(value, Part):
        return make(value.peer, **{name: made(given, make) for name, given in value.arguments.items()})
    return [made(each, make) for each in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Case:
    """A peer's schedule beside ours.

    ``ours`` makes it when the test runs, so that a name that is missing fails its own test only.

    Their rates may differ by so many roundings of the peer's arithmetic: ``relative`` of them of the size of the
    rate, and ``absolute`` of them of the size of the highest rate.  The latter are there because a peer that adds
    an end rate, or takes a cosine plus one, rounds at the size of its largest term.  Where rounding errors grow
    with the step, these are functions of it.
    """

    peer: str
    arguments: Mapping[str, Any]
    ours: Callable[[], Schedule]
    relative: Roundings = 8.0
    absolute: Roundings = 8.0
    last: int | None = None
    """The last step that the peer has a rate for, where it ends."""
    unlike: Callable[[Steps], Any] | None = None
    """The steps at which the peer's own rounding takes it to another cycle, left out of the comparison."""
    largest_term: float = 0.0
    """A rate in the peer's arithmetic, where it may be above all those of the run."""

    def theirs(self, make: Callable[..., Any]) -> Any:
        """The peer's schedule, as ``make(peer, **arguments)`` makes it."""
        return made(Part(self.peer, self.arguments), make)

    def steps_among(self, steps: Steps) -> Steps:
        """Those of the steps at which the two are compared."""
        known = steps if self.last is None else steps[steps <= self.last]
        return known if self.unlike is None else known[~self.unlike(known)]

    def allowed(self, steps: Steps, rates: Rates, rounding: float) -> Rates:
        """How far the peer may be from these rates of ours."""
        peak = max(float(rates.max()), self.largest_term)
        relative, absolute = (_at(roundings, steps) for roundings in (self.relative, self.absolute))
        return rounding * (relative * np.abs(rates) + absolute * peak)


def _at(roundings: Roundings, steps: Steps) -> Any:
    return roundings(steps) if callable(roundings) else roundings


def each(cases: Sequence[Case]) -> pytest.MarkDecorator:
    """Run a test for each of the cases, which must have different names."""
    names = [
        f"{case.peer}-{','.join(f'{name}={_text(v)}' for name, v in case.arguments.items())}"
        for case in cases
    ]
    assert len(set(names)) == len(names)
    return pytest.mark.parametrize("case", cases, ids=names)


def _text(value: Any) -> str:
    if isinstance(value, Part):
        return value.peer
    return "+".join(map(_text, value)) if isinstance(value, list) else str(value)


def assert_same_at_every_step(case: Case, theirs: Any, rates_of: RatesOf, rounding: float) -> None:
    """Our grid is the peer's rates, step by step through the whole run and behind it."""
    steps = case.steps_among(EVERY_STEP)
    ours = case.ours().values(len(EVERY_STEP))[steps]
    assert_close(case, steps, ours, rates_of(theirs, steps), rounding)


def assert_same_rates(case: Case, theirs: Any, rates_of: RatesOf, rounding: float) -> None:
    """Our grid of every step of a run, and our rates of single steps up to step 10**7, are the peer's."""
    schedule = case.ours()
    steps = np.concatenate([EVERY_STEP, SAMPLED_STEPS])
    ours = np.concatenate([schedule.values(len(EVERY_STEP)), schedule(SAMPLED_STEPS)])
    compared = np.isin(steps, case.steps_among(steps))
    assert_close(case, steps[compared], ours[compared], rates_of(theirs, steps[compared]), rounding)


def assert_close(case: Case, steps: Steps, ours: Rates, theirs: Rates, rounding: float) -> None:
    """The rates at these steps are as near to each other as the case allows."""
    allowed = case.allowed(steps, ours, rounding)
    # Not above: a rate that is no number is no equal.
    differing = np.flatnonzero(~(np.abs(ours - theirs) <= allowed))
    if differing.size:
        with np.errstate(divide="ignore"):
            excess = np.abs(ours - theirs) / allowed
        shown = [f"step {steps[i]}: {theirs[i]!r}, ours {ours[i]!r} ({excess[i]:.3g} times what is allowed)"
                 for i in sorted({differing[0], differing[np.argmax(excess[differing])], differing[-1]})]  # fmt: skip
        pytest.fail(f"{case.peer} differs at {differing.size} of {len(steps)} steps, " + "; ".join(shown))


def assert_all_covered(found: Collection[str], cases: Sequence[Case], excluded: Mapping[str, str]) -> None:
    """Every schedule that the package has is in a case or excluded with a reason, and nothing else is."""
    covered = {case.peer for case in cases}
    assert sorted(set(found) - covered - set(excluded)) == [], "neither covered nor excluded"
    assert sorted((covered | set(excluded)) - set(found)) == [], "no longer in the package"
    assert sorted(covered & set(excluded)) == [], "both covered and excluded"
    assert all(reason.endswith(".") and " " in reason for reason in excluded.values())


def assert_options_covered(
    options_of: Callable[[str], Collection[str]], cases: Sequence[Case], excluded: Mapping[str, str]
) -> None:
    """Every option of every covered schedule is given by one of its cases or excluded with a reason."""
    given: dict[str, set[str]] = {}
    for case in cases:
        given.setdefault(case.peer, set()).update(case.arguments)
    options = {peer: set(options_of(peer)) for peer in given}
    missing = {f"{peer}.{option}" for peer in given for option in options[peer] - given[peer] - set(excluded)}
    assert sorted(missing) == [], "options that no case gives"
    assert sorted(set(excluded) - set().union(*options.values())) == [], "no longer an option"
    assert all(reason.endswith(".") and " " in reason for reason in excluded.values())
