"""Searches on whole numbers by bisection."""

from __future__ import annotations

from collections.abc import Callable


def first_step_where(holds: Callable[[int], bool], start: int, stop: int) -> int:
    """The first step from ``start`` to below ``stop`` from which on something holds, or ``stop``."""
    while start < stop:
        middle = (start + stop) // 2
        if holds(middle):
            stop = middle
        else:
            start = middle + 1
    return start


def count_of(numbers: range) -> int:
    """How many whole numbers a range has."""
    # Not len, which ends at 2**63 - 1.
    return max(-((numbers.start - numbers.stop) // numbers.step), 0)
