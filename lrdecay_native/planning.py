"""When a schedule gets below a rate, and until when it stays above one: by bisection, part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.evaluation import Doubles
from lrdecay_native.extremes import extremes
from lrdecay_native.parts import Broken, Constant, Cycles, Part, Repeats, Smooth, Stairs, first_step_where
from lrdecay_native.pieces import as_point

Rate = Callable[[Any], Any]
"""The rate at a step, or at each step of an array."""

Holds = Callable[[Any], Any]
"""Whether something is true of a rate, or of each rate of an array."""

LONG_CYCLE = 1024
"""Cycles of as many steps are searched one by one."""

MOST_DIFFERENT_CYCLES = 64
"""Cycles that differ in where their steps are, of which each is searched."""

MOST_WINDOWS = 2**12
"""Ranges of steps that are looked at, in a search of rates that may be found anywhere."""

STEPS = 2**14
"""Steps per round where cycles are searched step by step."""


def first_step_below(parts: Sequence[Part], rate_at: Rate, learning_rate: float) -> int | None:
    """The first step whose rate is below the given one; see `Schedule.first_step_below`."""
    found = (_first_step(part, rate_at, lambda rate: rate < learning_rate) for part in parts)
    return next((step for step in found if step is not None), None)


def last_step_above(parts: Sequence[Part], rate_at: Rate, learning_rate: float) -> int | None:
    """The last step whose rate is above the given one; see `Schedule.last_step_above`."""
    return last_step_where(parts, rate_at, lambda rate: rate > learning_rate)


def last_step_where(parts: Sequence[Part], rate_at: Rate, holds: Holds) -> int | None:
    """The last step at which something holds that changes with the rate in one direction only."""
    found = (_last_step(part, rate_at, holds) for part in reversed(parts))
    return next((step for step in found if step is not None), None)


def _first_step(part: Part, rate_at: Rate, holds: Holds) -> int | None:
    match part:
        case Constant():
            return part.start if holds(part.rate) else None
        case Smooth():
            return _first_in(part.start, part.stop, rate_at, holds)
        case Stairs():
            run = _first_step(_rates(part), _rate_of_run(part, rate_at), holds)
            return None if run is None else max(part.first_step(run), part.start)
        case Cycles():
            return next(_steps_in_cycles(part, rate_at, holds), None)
        case Repeats():
            return _first_in_repeats(part, rate_at, holds)
        case Broken():
            return _first_in_windows(part, rate_at, holds)


def _last_step(part: Part, rate_at: Rate, holds: Holds) -> int | None:
    match part:
        case Constant():
            return part.stop - 1 if holds(part.rate) else None
        case Smooth():
            return _last_in(part.start, part.stop, rate_at, holds)
        case Stairs():
            run = _last_step(_rates(part), _rate_of_run(part, rate_at), holds)
            return None if run is None else min(part.first_step(run + 1), part.stop) - 1
        case Cycles():
            return next(_steps_in_cycles_backwards(part, rate_at, holds), None)
        case Repeats():
            return _last_in_repeats(part, rate_at, holds)
        case Broken():
            return _last_in_windows(part, rate_at, holds)


def _rates(part: Stairs) -> Part:
    """The rates of a staircase on its runs."""
    return replace(part.rates, start=part.run(part.start), stop=part.run(part.stop - 1) + 1)


def _rate_of_run(part: Stairs, rate_at: Rate) -> Rate:
    """The rate of a run of a staircase, or of each run of an array."""

    def rate_of(run: Any) -> Any:
        if isinstance(run, np.ndarray):
            return np.array([rate_of(each) for each in run.tolist()])
        return rate_at(max(part.first_step(run), part.start))

    return rate_of


def _first_in(start: int, stop: int, rate_at: Rate, holds: Holds) -> int | None:
    """The first of some steps on which the rate is monotone."""

    def holds_at(step: int) -> bool:
        return bool(holds(rate_at(step)))

    if holds_at(start):
        return start
    return first_step_where(holds_at, start + 1, stop - 1) if holds_at(stop - 1) else None


def _last_in(start: int, stop: int, rate_at: Rate, holds: Holds) -> int | None:
    def fails_at(step: int) -> bool:
        return not holds(rate_at(step))

    if not fails_at(stop - 1):
        return stop - 1
    return None if fails_at(start) else first_step_where(fails_at, start + 1, stop - 1) - 1


def _cycle(part: Cycles, number: int) -> tuple[int, int]:
    """The first step of a cycle, and the one behind its last."""
    start = part.stop_of(number - 1) if number > 1 else part.start
    return max(start, part.start), part.stop_of(number)


def _steps_in_cycles(part: Cycles, rate_at: Rate, holds: Holds) -> Iterator[int]:
    """The first step, if any, and perhaps later ones."""
    first, last = part.cycle(part.start), part.cycle(part.stop - 1)
    numbers = _whole_cycles_where(part, rate_at, holds, range(first + 1, last))
    yield from _in_cycle(_first_in, part, first, rate_at, holds)
    if _searched_by_steps(part):
        for rates, begin in _all_rates(part, rate_at, numbers):
            yield from (begin + np.flatnonzero(holds(rates))[:1]).tolist()
    else:
        for number in numbers:
            yield from _in_cycle(_first_in, part, number, rate_at, holds)
    yield from _in_cycle(_first_in, part, last, rate_at, holds)


def _steps_in_cycles_backwards(part: Cycles, rate_at: Rate, holds: Holds) -> Iterator[int]:
    """The last step, if any, and perhaps earlier ones."""
    first, last = part.cycle(part.start), part.cycle(part.stop - 1)
    numbers = _whole_cycles_where(part, rate_at, holds, range(first + 1, last))
    yield from _in_cycle(_last_in, part, last, rate_at, holds)
    if _searched_by_steps(part):
        for rates, begin in _all_rates(part, rate_at, numbers, backwards=True):
            yield from (begin + np.flatnonzero(holds(rates))[-1:]).tolist()
    else:
        for number in reversed(numbers):
            yield from _in_cycle(_last_in, part, number, rate_at, holds)
    yield from _in_cycle(_last_in, part, first, rate_at, holds)


def _in_cycle(
    find: Callable[..., int | None], part: Cycles, number: int, rate_at: Rate, holds: Holds
) -> Iterator[int]:
    step = find(*_cycle(part, number), rate_at, holds)
    if step is not None:
        yield step


def _searched_by_steps(part: Cycles) -> bool:
    """Whether cycles differ in where their steps are, and are so short that many are evaluated at once."""
    return part.period.denominator != 1 and part.period < LONG_CYCLE


def _all_rates(
    part: Cycles, rate_at: Rate, numbers: range, backwards: bool = False
) -> Iterator[tuple[Doubles, int]]:
    """The rates of all steps of some cycles, and the first step of each array."""
    if not numbers:
        return
    start, stop = _cycle(part, numbers[0])[0], _cycle(part, numbers[-1])[1]
    begins = range(start, stop, STEPS)
    for begin in reversed(begins) if backwards else begins:
        steps = begin + np.arange(min(STEPS, stop - begin))
        yield rate_at(steps), begin


def _whole_cycles_where(part: Cycles, rate_at: Rate, holds: Holds, numbers: range) -> range:
    """Those of some whole cycles in which something may be true, and, of cycles of whole steps, is.

    The rates right behind the beginning of a cycle and at its end don't turn from cycle to cycle: both get nearer to
    the end rate.
    """
    if not numbers:
        return numbers

    def possible(number: int) -> bool:
        return any(holds(rate) for rate in _extremes(part, rate_at, number))

    start, stop = numbers.start, numbers.stop
    if not possible(start):
        return range(first_step_where(possible, start, stop) if possible(stop - 1) else stop, stop)
    return (
        numbers
        if possible(stop - 1)
        else range(start, first_step_where(lambda n: not possible(n), start, stop))
    )


def _extremes(part: Cycles, rate_at: Rate, number: int) -> tuple[float, float]:
    """Between which rates those of a whole cycle lie."""
    if part.period.denominator == 1:
        start, stop = _cycle(part, number)
        return rate_at(start), rate_at(stop - 1)
    # So far behind the beginning that 106 bits show it.
    begin = part.origin + (number - 1 + Fraction(number, 2**80)) * part.period
    end = part.origin + number * part.period
    return part.chain.on_point(as_point(begin))[0], part.chain.on_point(as_point(end))[0]


def _first_in_repeats(part: Repeats, rate_at: Rate, holds: Holds) -> int | None:
    """The first step of a part that repeats."""
    if part.period.denominator > MOST_DIFFERENT_CYCLES:
        return _first_in_windows(part, rate_at, holds)
    find = partial(_first_in_cycle, part, rate_at, holds)
    found = (_first_of(numbers, find) for numbers in _alike(part))
    return min((step for step in found if step is not None), default=None)


def _last_in_repeats(part: Repeats, rate_at: Rate, holds: Holds) -> int | None:
    if part.period.denominator > MOST_DIFFERENT_CYCLES:
        return _last_in_windows(part, rate_at, holds)
    find = partial(_last_in_cycle, part, rate_at, holds)
    found = (_first_of(numbers[::-1], find) for numbers in _alike(part))
    return max((step for step in found if step is not None), default=None)


def _alike(part: Repeats) -> Iterator[range]:
    """The cycles, those together that have their steps at the same places; the first and the last are cut short."""
    first, last = part.cycle(part.start), part.cycle(part.stop - 1)
    yield range(first, first + 1)
    yield range(last, last + 1)
    whole = range(first + 1, last)
    distance = part.period.denominator
    for number in whole[:distance]:
        yield range(number, last, distance)


def _first_of(numbers: range, find: Callable[[int], int | None]) -> int | None:
    """What is found in the first of some cycles in which there is something.

    From cycle to cycle rates get nearer to their end: in which of two cycles something holds doesn't change back.
    """
    found = find(numbers[0])
    if found is not None or find(numbers[-1]) is None:
        return found
    index = first_step_where(lambda k: find(numbers[k]) is not None, 1, len(numbers) - 1)
    return find(numbers[index])


def _first_in_cycle(part: Repeats, rate_at: Rate, holds: Holds, number: int) -> int | None:
    found = (_first_step(each, rate_at, holds) for each in part.parts(number))
    return next((step for step in found if step is not None), None)


def _last_in_cycle(part: Repeats, rate_at: Rate, holds: Holds, number: int) -> int | None:
    found = (_last_step(each, rate_at, holds) for each in reversed(part.parts(number)))
    return next((step for step in found if step is not None), None)


def _first_in_windows(part: Broken, rate_at: Rate, holds: Holds) -> int | None:
    """The first step, looked for in windows in which it may lie."""
    for window in _windows(part, holds, backwards=False):
        found = np.flatnonzero(holds(rate_at(_steps(window))))
        if len(found):
            return window[int(found[0])]
    return None


def _last_in_windows(part: Broken, rate_at: Rate, holds: Holds) -> int | None:
    """The last step, likewise."""
    for window in _windows(part, holds, backwards=True):
        found = np.flatnonzero(holds(rate_at(_steps(window))))
        if len(found):
            return window[int(found[-1])]
    return None


def _steps(window: range) -> npt.NDArray[np.int64]:
    # Not arange up to the stop: 2**63 makes floats of them all.
    return window.start + np.arange(window.stop - window.start)


def _windows(part: Broken, holds: Holds, *, backwards: bool) -> Iterator[range]:
    """Short ranges of steps in which something may hold, those that are searched first first."""
    left = [range(part.start, part.stop)]
    for _ in range(MOST_WINDOWS):
        if not left:
            return
        window = left.pop()
        if not _possible(part, holds, window):
            continue
        count = window.stop - window.start
        if count <= STEPS:
            yield window
            continue
        # Near steps in short windows: how far a part goes is often not known.
        middle = window.start + max(STEPS, count // 4)
        halves = [range(middle, window.stop), range(window.start, middle)]
        left.extend(reversed(halves) if backwards else halves)
    if left:
        raise ValueError(
            f"{MOST_WINDOWS} ranges of steps have been looked at, and it may still be found later; "
            "give the schedule an end with then, or cooled_down"
        )


def _possible(part: Broken, holds: Holds, window: range) -> bool:
    """Whether something may hold at a step."""
    bounds = extremes(part.piece, as_point(Fraction(window.start)), as_point(Fraction(window.stop - 1)))
    return any(holds(rate[0]) for rate in bounds)
