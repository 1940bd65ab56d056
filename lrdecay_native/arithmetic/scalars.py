"""Numbers of 106 bits as two floats."""

from __future__ import annotations

from fractions import Fraction

DoubleDoubleScalar = tuple[float, float]
"""A number ``high + low``: the nearest float, and what it lacks."""


def as_point(number: Fraction | float) -> DoubleDoubleScalar:
    """A number as ``high + low``, to 2**-106."""
    high = float(number)
    numerator, denominator = number.as_integer_ratio()
    above, below = high.as_integer_ratio()
    # Much faster than a difference of fractions.
    return high, (numerator * below - above * denominator) / (denominator * below)
