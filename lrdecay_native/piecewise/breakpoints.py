"""Where pieces of a schedule end."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from lrdecay_native.arithmetic.scalars import DoubleDoubleScalar, as_point


class Breakpoint(NamedTuple):
    """A place between steps: right before a position, or right after it.

    Attributes
    ----------
    position : Fraction or inf
        The position, in steps.
    after : bool
        Whether the position itself lies before the breakpoint.
    """

    position: Fraction | float
    after: bool = False

    def first_step(self) -> int | float:
        """The first whole number behind the breakpoint."""
        if self.position == math.inf:
            return math.inf
        return math.floor(self.position) + 1 if self.after else math.ceil(self.position)

    def first_pair(self) -> DoubleDoubleScalar:
        """The first number behind the breakpoint that two doubles ``high + low`` hold."""
        if self.position >= 2**64:
            return math.inf, 0.0
        high, low = as_point(self.position)
        nearest = Fraction(high) + Fraction(low)
        if nearest < self.position or (self.after and nearest == self.position):
            low = math.nextafter(low, math.inf)
        return high, low


NEVER = Breakpoint(math.inf)
"""The end of the last piece."""
