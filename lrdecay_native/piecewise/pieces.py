"""Where a schedule is constant, smooth or a staircase: its pieces, and what compositions do to them.

A schedule is a row of pieces.  On each of them its rate is one chain of stages: maps of the step, a curve, a factor,
an offset and bounds.  Compositions delay, stretch, cut, scale and clip pieces: however deeply schedules are nested, a
piece stays one short chain.  Only what repeats, and sums and products, have pieces inside their curve.  Nothing here
evaluates anything.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar, NamedTuple, Union

import numpy as np
import numpy.typing as npt

from lrdecay_native.arithmetic.scalars import DoubleDoubleScalar, as_point
from lrdecay_native.caching import cached
from lrdecay_native.formulas import FORMULAS
from lrdecay_native.formulas.specialisations import variant

Kernel = tuple[str, tuple[float, ...]]
"""The name of a kernel and its parameters."""

Expression = Union[Kernel, "Repeated", "Combined", "Node"]
"""What makes a rate of a piece's variable."""

Piecewise = tuple["Piece", ...]


class Breakpoint(NamedTuple):
    """A place between steps: right before a position, or right after it.

    Attributes
    ----------
    position : Fraction or inf
        The position, in steps.
    after : bool
        Whether the position itself lies before the cut.
    """

    position: Fraction | float
    after: bool = False

    def first_step(self) -> int | float:
        """The first whole number behind the cut."""
        if self.position == math.inf:
            return math.inf
        return math.floor(self.position) + 1 if self.after else math.ceil(self.position)

    def first_pair(self) -> DoubleDoubleScalar:
        """The first number behind the cut that two doubles ``high + low`` hold."""
        if self.position >= 2**64:
            return math.inf, 0.0
        high, low = as_point(self.position)
        held = Fraction(high) + Fraction(low)
        if held < self.position or (self.after and held == self.position):
            low = math.nextafter(low, math.inf)
        return high, low


NEVER = Breakpoint(math.inf)
"""The end of the last piece."""


class MapKernel(NamedTuple):
    """A kernel on the step: its name, its parameter as ``high + low``, and the exact one."""

    name: str
    parameters: DoubleDoubleScalar
    parameter: Fraction


class TimeMap(NamedTuple):
    """A kernel on the step, with its exact parameter."""

    name: str
    parameter: Fraction

    @property
    def kernel(self) -> MapKernel:
        """The map as a kernel."""
        return MapKernel(self.name, as_point(self.parameter), self.parameter)


@dataclass(frozen=True)
class Repeated:
    """Pieces that begin again after each period.

    Attributes
    ----------
    period : Fraction
        The period; what the pieces have from there on is not used.
    pieces : tuple of Piece
        The rate in the first period.
    gain : float
        In each period the distance from the offset is that in the one before times this.
    offset : Fraction
        What the rates of later periods get nearer to.
    """

    period: Fraction
    pieces: Piecewise
    gain: float = 1.0
    offset: Fraction = Fraction(0)

    @cached
    def row(self) -> PiecewiseFunction:
        """The pieces made ready for steps."""
        return PiecewiseFunction.of(self.pieces)

    @cached
    def period_point(self) -> DoubleDoubleScalar:
        """The period as ``high + low``."""
        return as_point(self.period)

    @cached
    def offset_point(self) -> DoubleDoubleScalar:
        """The offset as ``high + low``."""
        return as_point(self.offset)


@dataclass(frozen=True)
class Combined:
    """Two rates in one.

    Attributes
    ----------
    name : str
        The combination: ``"added"`` or ``"multiplied"``.
    first, second : Piece
        The rates; their ends do not count.
    """

    name: str
    first: Piece
    second: Piece


class Node(ABC):
    """A curve that no kernel knows."""

    every: ClassVar[Fraction | None] = None
    """From each multiple of this to the next the curve is smooth and monotone; None if that isn't known."""

    straight: ClassVar[bool] = False
    """Whether it is a straight line there."""

    @abstractmethod
    def on(self, apply: Callable[..., Any], variable: Any) -> Any:
        """The value at a number, or at a pair of arrays; ``apply(name, variable, *parameters)`` runs a kernel."""

    def evaluate(self, xp: Any, variable: Any) -> Any:
        """The value in an array namespace, of a curve of which no ``every`` is known."""
        raise NotImplementedError

    def between(self, look_up: Callable[[Any, int], Any], part: Callable[[], Any]) -> Any:
        """The value in an array namespace, of a curve that is smooth from each whole number to the next.

        ``look_up(table, further)`` gives the entry of the whole number, or of one so much further, and the last one
        behind the end; ``part()`` how far behind the whole number the variable is.
        """
        raise NotImplementedError

    def link(self, engine: Any) -> Any:
        """What an engine that runs chains by itself computes the value with; None if it can't."""
        return None

    def at_whole_numbers(self, first: int, count: int) -> npt.NDArray[np.float64] | None:
        """The values at so many whole numbers, where they need no computation."""
        return None

    def not_negative(self) -> Node:
        """The curve with 0 in place of negative values, which are errors otherwise."""
        return self

    def extremes(
        self, first: DoubleDoubleScalar, last: DoubleDoubleScalar
    ) -> tuple[DoubleDoubleScalar, DoubleDoubleScalar]:
        """Bounds of the values from one number to another."""
        return (0.0, 0.0), (math.inf, 0.0)


@dataclass(frozen=True)
class Piece:
    """A part of a schedule on which its rate is one chain of stages.

    Attributes
    ----------
    end : Breakpoint
        Where it ends; it begins where the one before it ends.
    time_maps : tuple of TimeMap
        The maps of the step, from the outermost to the one that makes the curve's variable.
    curve : Kernel, Repeated or Combined
        The rate as a function of that variable.
    constant : bool
        Whether the rate is the same all over the piece.
    turning : bool
        Whether a curve that is a kernel may both rise and fall.
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
    turning: bool = False
    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    lowest: Fraction = Fraction(0)
    highest: Fraction | float = math.inf

    @cached
    def stages(self) -> tuple[Expression | MapKernel, ...]:
        """The rate without its bounds, as kernels and curves to be called in turn."""
        scale: tuple[Kernel, ...] = (("scaled", as_point(self.factor)),) if self.factor != 1 else ()
        move: tuple[Kernel, ...] = (("moved", as_point(self.offset)),) if self.offset != 0 else ()
        return (*(time_map.kernel for time_map in self.time_maps), _specialised(self.curve), *scale, *move)

    @cached
    def bounded_stages(self) -> tuple[Expression | MapKernel, ...]:
        """The rate, as kernels and curves to be called in turn."""
        return (*self.stages, *self.bounding_kernels)

    @property
    def bounding_kernels(self) -> tuple[Kernel, ...]:
        """The kernels that keep the bounds."""
        raising: tuple[Kernel, ...] = (("raised", as_point(self.lowest)),) if self.lowest > 0 else ()
        capping: tuple[Kernel, ...] = (("capped", as_point(self.highest)),) if self.highest < math.inf else ()
        return (*raising, *capping)

    def without_maps(self) -> Piece:
        """The curve alone."""
        return Piece(self.end, (), self.curve)

    def without_bounds(self) -> Piece:
        """The same piece, its bounds taken away."""
        return replace(self, lowest=Fraction(0), highest=math.inf)


class PiecewiseFunction(NamedTuple):
    """Pieces made ready for steps: where each but the first begins, the stages of each, and the exact cuts."""

    begins: list[DoubleDoubleScalar]
    chains: list[tuple[Expression | MapKernel, ...]]
    cuts: list[Breakpoint]

    @classmethod
    def of(cls, pieces: Piecewise) -> PiecewiseFunction:
        """The row of some pieces."""
        cuts = [piece.end for piece in pieces[:-1]]
        return cls([cut.first_pair() for cut in cuts], [piece.bounded_stages for piece in pieces], cuts)


def _specialised(curve: Expression) -> Expression:
    """A formula by the kernel for its parameters."""
    if isinstance(curve, tuple) and curve[0] in FORMULAS:
        name, parameters = curve
        return variant(name, dict(zip(FORMULAS[name].parameters, parameters, strict=True))), parameters
    return curve
