"""Fill cycles of a polynomial decay: each of them is the first one times a constant, but for the end rate.

In cycle ``n``, so many steps ``left`` before its end, the formula's ``1 - x`` is ``left / (n * period)``.  Its power
is that of ``2 * left / period``, the same in all cycles, times that of ``1 / (2 * n)``.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.blocks import fill_directly
from lrdecay_native.engines import engine
from lrdecay_native.evaluation import Doubles, Pair, apply_to_arrays, as_pair
from lrdecay_native.parts import Cycles
from lrdecay_native.pieces import as_point

SHORTEST, LONGEST = 4, 2**17
"""Cycles of so many steps of the grid are filled in this way."""

HIGHEST_POWER = 100.0
"""Up to this exponent no part of the product overflows or vanishes."""

MOST_CYCLES = 2**40
"""Up to this cycle 106 bits are enough for the constants."""


def are_products(part: Cycles, steps: range) -> bool:
    """Whether the steps of a grid are at the same places in all cycles, and the cycles are similar."""
    name, parameters = part.piece.curve
    return (
        name == "polynomial_decay"
        and parameters[1] <= HIGHEST_POWER
        and part.period.denominator == part.origin.denominator == 1
        and part.period % steps.step == 0
        and SHORTEST <= part.period // steps.step <= LONGEST
        and part.cycle(steps[-1]) <= MOST_CYCLES
    )


def fill_products(part: Cycles, steps: range, out: npt.NDArray[Any]) -> None:
    """Write the values at ascending steps, for which `are_products` holds."""
    period, number = int(part.period), part.cycle(steps.start)
    place = steps.start - int(part.origin) - (number - 1) * period
    if place == 0:
        # The first cycle begins with a step of its own.
        fill_directly(part.chain.on_arrays, steps[:1], out[:1])
        if len(steps) > 1:
            fill_products(part, steps[1:], out[1:])
        return
    _, (initial, power, end) = part.piece.curve
    first_place = (place - 1) % steps.step + 1
    shapes = _shapes(power, period, first_place, steps.step, out.dtype.name)
    change = part.piece.factor * (Fraction(initial) - Fraction(end))
    factors = _factors(power, change, range(number, part.cycle(steps[-1]) + 1), out.dtype.name)
    ends = _parts(_arrays(as_point(part.piece.factor * Fraction(end))), out.dtype.name)
    multiply = getattr(engine, f"products_{out.dtype.name}")
    skipped, count = (place - 1) // steps.step, len(shapes[0])
    done = min(count - skipped, len(steps))
    multiply(out[:done], *(s[skipped : skipped + done] for s in shapes), *(f[:1] for f in factors), *ends)
    rows = (len(steps) - done) // count
    whole = slice(done, done + rows * count)
    multiply(out[whole], *shapes, *(f[1 : 1 + rows] for f in factors), *ends)
    rest = len(steps) - whole.stop
    if rest:
        multiply(out[whole.stop :], *(s[:rest] for s in shapes), *(f[-1:] for f in factors), *ends)
    if part.piece.lowest > 0:
        np.maximum(out, out.dtype.type(float(part.piece.lowest)), out=out)
    if part.piece.highest < float("inf"):
        np.minimum(out, out.dtype.type(float(part.piece.highest)), out=out)


@lru_cache(maxsize=4)
def _shapes(power: float, period: int, first: int, step: int, dtype: str) -> tuple[Doubles, ...]:
    """The power of ``2 * left / period`` at the places of a cycle."""
    places = np.arange(first, period + 1, step, dtype=np.float64)
    return _parts(_power(as_pair(2.0 * places - period), float(period), power), dtype)


def _factors(power: float, change: Fraction, numbers: range, dtype: str) -> tuple[Doubles, ...]:
    """``change`` times the power of ``1 / (2 * n)`` for these cycles."""
    middles = np.arange(len(numbers)) + (numbers.start - 0.5)
    variable = apply_to_arrays("cyclic", as_pair(middles), 1.0)
    return _parts(apply_to_arrays("scaled", _power(variable, 1.0, power), *as_point(change)), dtype)


def _power(variable: Pair, divisor: float, power: float) -> Pair:
    """The pair ``(1 - variable / divisor) ** power``."""
    return apply_to_arrays(
        "polynomial_decay", apply_to_arrays("continuous", variable, divisor), 1.0, power, 0.0
    )


def _arrays(point: tuple[float, float]) -> Pair:
    return np.array(point[:1]), np.array(point[1:])


def _parts(pair: Pair, dtype: str) -> tuple[Doubles, ...]:
    """What the kernel for a dtype takes: one double, or 26 bits and the rest."""
    if dtype == "float32":
        return (pair[0],)
    high = (pair[0].view(np.int64) & ~0x7FFFFFF).view(np.float64)
    return high, (pair[0] - high) + pair[1]
