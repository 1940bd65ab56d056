"""Where a schedule is constant, smooth or a staircase: its pieces.

On each piece the rate is one pipeline: maps of the step, an expression, a factor, an offset and bounds.  Compositions
delay, stretch, cut, scale and clip pieces: however deeply schedules are nested, a piece stays one short pipeline.
Only what repeats, and sums and products, have pieces inside their expression.  Nothing here evaluates anything.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from lrdecay_native.arithmetic.scalars import as_point
from lrdecay_native.caching import cached
from lrdecay_native.immutable import immutable
from lrdecay_native.piecewise.breakpoints import NEVER, Breakpoint
from lrdecay_native.piecewise.expressions import (
    Combined,
    Expression,
    Kernel,
    Node,
    PiecewiseFunction,
    Repeated,
    Stage,
    TimeMap,
)

__all__ = [
    "NEVER",
    "Breakpoint",
    "Combined",
    "Expression",
    "Kernel",
    "Node",
    "Piece",
    "Piecewise",
    "PiecewiseFunction",
    "Repeated",
    "Stage",
    "TimeMap",
]

Piecewise = tuple["Piece", ...]


@immutable
class Piece:
    """An interval of a schedule on which its rate is one pipeline.

    Attributes
    ----------
    end : Breakpoint
        Where it ends; it begins where the one before it ends.
    time_maps : tuple of TimeMap
        The maps of the step, from the outermost to the one that makes the expression's variable.
    curve : Expression
        The rate as a function of that variable.
    constant : bool
        Whether the rate is the same all over the piece.
    factor, offset : Fraction
        What the curve is multiplied with, and what is added to the product.
    lowest : Fraction
        The least rate; the others are raised to it.
    highest : Fraction or inf
        The largest rate.
    """

    end: Breakpoint
    time_maps: tuple[TimeMap, ...]
    curve: Expression
    constant: bool = False
    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    lowest: Fraction = Fraction(0)
    highest: Fraction | float = math.inf

    @cached
    def stages(self) -> tuple[Stage, ...]:
        """The rate without its bounds."""
        return (*self.time_maps, self.curve, *_kernels(self.changes))

    @cached
    def bounded_stages(self) -> tuple[Stage, ...]:
        """The rate."""
        return (*self.stages, *_kernels(self.bounds))

    @property
    def rate_maps(self) -> dict[str, Fraction]:
        """The maps of the rate that change anything, in order, and their parameters."""
        return self.changes | self.bounds

    @property
    def changes(self) -> dict[str, Fraction]:
        """Those that keep no bound."""
        changes = {"scaled": self.factor} if self.factor != 1 else {}
        return changes | {"moved": self.offset} if self.offset != 0 else changes

    @property
    def bounds(self) -> dict[str, Fraction]:
        """Those that keep a bound."""
        bounds = {"raised": self.lowest} if self.lowest > 0 else {}
        return bounds | {"capped": Fraction(self.highest)} if self.highest < math.inf else bounds

    @property
    def bounded(self) -> bool:
        """Whether there are bounds."""
        return self.lowest > 0 or self.highest < math.inf

    def within(self, rate: Fraction) -> Fraction:
        """The rate, or the bound that it is beyond."""
        return Fraction(min(max(rate, self.lowest), self.highest))

    def without_bounds(self) -> Piece:
        """The same piece, its bounds taken away."""
        return replace(self, lowest=Fraction(0), highest=math.inf)

    def not_negative(self) -> Piece:
        """The same piece with 0 in place of the negative values of what no kernel knows."""
        return replace(self, curve=self.curve.not_negative())

    @property
    def terms(self) -> tuple[Piece, ...]:
        """The pieces whose rates at the same step the curve is made of."""
        return tuple(replace(term, time_maps=(*self.time_maps, *term.time_maps)) for term in self.curve.terms)


def _kernels(maps: dict[str, Fraction]) -> tuple[Kernel, ...]:
    return tuple(Kernel(name, as_point(number)) for name, number in maps.items())
