"""The functions that a rate is made of: maps of the step, kernels, and what has pieces inside.

Every kind of them answers for itself: what is known without evaluating anything is a method here, and what takes
arrays or an engine is an `lrdecay_native.kinds.Operation` where it is computed.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

from lrdecay_native.arithmetic.scalars import DoubleDoubleScalar, as_point
from lrdecay_native.caching import cached
from lrdecay_native.formulas.catalogue import COMBINATIONS, COMPOSITION_MAPS, FORMULAS, STEP_MAPS, Formula
from lrdecay_native.formulas.registry import Line, StepMap
from lrdecay_native.formulas.specialisations import variant
from lrdecay_native.immutable import immutable
from lrdecay_native.kinds import Kind
from lrdecay_native.piecewise.breakpoints import Breakpoint

if TYPE_CHECKING:
    from lrdecay_native.piecewise.pieces import Piece, Piecewise


class Stage(Kind, abstract=True):
    """A function of one number; a rate is a pipeline of them, each applied to what the one before it gave."""

    @property
    @abstractmethod
    def inside(self) -> Sequence[tuple[Stage, ...]]:
        """The pipelines inside of it."""


@immutable
class TimeMap(Stage):
    """A map of the step, with its exact parameter."""

    name: str
    parameter: Fraction

    inside = ()

    @cached
    def point(self) -> DoubleDoubleScalar:
        """The parameter as ``high + low``."""
        return as_point(self.parameter)

    @property
    def known(self) -> StepMap:
        """What is known of the map, whatever its parameter is."""
        return STEP_MAPS[self.name]

    @property
    def line(self) -> Line | None:
        """The line that the step follows as a function of what the map makes of it, if it does."""
        known = self.known
        return None if known.line is None else known.line(self.parameter)


@immutable
class PiecewiseFunction(Stage):
    """Pieces made ready for steps.

    Attributes
    ----------
    begins : list of (float, float)
        The first number of each piece but the first, as ``high + low``.
    pipelines : list of tuple of Stage
        The rate of each piece.
    breakpoints : list of Breakpoint
        Where each piece but the last ends, exactly.
    """

    begins: list[DoubleDoubleScalar]
    pipelines: list[tuple[Stage, ...]]
    breakpoints: list[Breakpoint]

    @classmethod
    def of(cls, pieces: Piecewise) -> PiecewiseFunction:
        """The function of some pieces."""
        breakpoints = [piece.end for piece in pieces[:-1]]
        begins = [end.first_pair() for end in breakpoints]
        return cls(begins, [piece.bounded_stages for piece in pieces], breakpoints)

    @property
    def inside(self) -> Sequence[tuple[Stage, ...]]:
        return self.pipelines


class Expression(Stage, abstract=True):
    """What makes a rate of a piece's variable."""

    every: ClassVar[Fraction | None] = None
    """From each multiple of this to the next it is smooth and monotone; None if that isn't known."""

    @property
    @abstractmethod
    def smooth(self) -> bool:
        """Whether it neither jumps nor bends where its `terms` don't."""

    @property
    @abstractmethod
    def turning(self) -> bool:
        """Whether it may both rise and fall."""

    @property
    def straight(self) -> bool:
        """Whether it is known to be a straight line, or lines between the multiples of `every`."""
        return False

    @property
    def terms(self) -> tuple[Piece, ...]:
        """The pieces whose rates at the same variable it is made of."""
        return ()

    @property
    def zero_of_either(self) -> bool:
        """Whether it is 0 where one of the terms is."""
        return False

    @property
    def formula(self) -> Formula | None:
        """The registry's entry of what is one formula, with nothing inside."""
        return None

    @property
    def constant_rate(self) -> Fraction | None:
        """The rate, where it is known to be the same everywhere."""
        return None

    @abstractmethod
    def not_negative(self) -> Expression:
        """The same with 0 in place of the negative values of what no kernel knows, which are errors otherwise."""


@immutable
class Kernel(Expression):
    """A formula, or a map of compositions, which one kernel computes.

    Attributes
    ----------
    name : str
        Its name in the registry.
    parameters : tuple of float
        Its parameters; each of those of a map comes in two parts, ``high + low``.
    turning : bool
        Whether it may both rise and fall.
    """

    name: str
    parameters: tuple[float, ...]
    turning: bool = False

    inside = ()
    smooth = True

    @property
    def formula(self) -> Formula:
        """The registry's entry."""
        return FORMULAS[self.name] if self.name in FORMULAS else COMPOSITION_MAPS[self.name]

    @cached
    def kernel(self) -> str:
        """The name of the kernel, which may be one for these very parameters."""
        return variant(self.name, self.named) if self.name in FORMULAS else self.name

    @property
    def numbers(self) -> tuple[Fraction, ...]:
        """The parameters, each of them whole."""
        numbers = tuple(map(Fraction, self.parameters))
        return numbers if self.name in FORMULAS else tuple(map(Fraction.__add__, numbers[::2], numbers[1::2]))

    @property
    def named(self) -> dict[str, float]:
        """The parameters of a formula by name."""
        return dict(zip(self.formula.parameters, self.parameters, strict=True))

    @property
    def straight(self) -> bool:
        return self.formula.power_of_rest and self.named["power"] == 1.0

    @property
    def constant_rate(self) -> Fraction | None:
        return self.numbers[0] if self.name == "held" else None

    def not_negative(self) -> Kernel:
        return self


@immutable
class Repeated(Expression):
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

    smooth = False
    turning = True

    @cached
    def cycle(self) -> PiecewiseFunction:
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

    @property
    def inside(self) -> Sequence[tuple[Stage, ...]]:
        return [(self.cycle,)]

    def not_negative(self) -> Repeated:
        return replace(self, pieces=tuple(piece.not_negative() for piece in self.pieces))


@immutable
class Combined(Expression):
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

    smooth = True
    turning = True

    @property
    def terms(self) -> tuple[Piece, Piece]:
        return self.first, self.second

    @property
    def zero_of_either(self) -> bool:
        return COMBINATIONS[self.name].zero_of_either

    @property
    def inside(self) -> Sequence[tuple[Stage, ...]]:
        return [term.bounded_stages for term in self.terms]

    def not_negative(self) -> Combined:
        return replace(self, first=self.first.not_negative(), second=self.second.not_negative())


class Node(Expression, abstract=True):
    """What no kernel knows."""

    inside = ()
    smooth = False
    turning = True

    @abstractmethod
    def compiled_by(self, engine: Any) -> Any:
        """What an engine computes the value with: a link."""

    @abstractmethod
    def interpreted(self, arithmetic: Any, variable: Any) -> Any:
        """The value in an `lrdecay_native.evaluation.points.interpretation.Arithmetic`."""

    def at_whole_numbers(self, first: int, count: int) -> Any:
        """The values at so many whole numbers, where they need no computation."""
        return None

    def enclosure(
        self, first: DoubleDoubleScalar, last: DoubleDoubleScalar
    ) -> tuple[DoubleDoubleScalar, DoubleDoubleScalar]:
        """Bounds of the values from one number to another."""
        return (0.0, 0.0), (math.inf, 0.0)
