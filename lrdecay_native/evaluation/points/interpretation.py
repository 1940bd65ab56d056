"""The walk over pieces of a schedule, in whatever arithmetic: what an engine isn't asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from lrdecay_native.formulas.catalogue import COMBINATIONS, COMPOSITION_MAPS
from lrdecay_native.kinds import Operation
from lrdecay_native.piecewise.expressions import Combined, Expression, Kernel, Node, Repeated, TimeMap
from lrdecay_native.piecewise.pieces import Piece, Piecewise


class Arithmetic(ABC):
    """Numbers that the registry's functions take, and what else pieces need.

    Attributes
    ----------
    formulas : namespace
        What formulas, and maps of the rate, are called with.
    """

    formulas: Any

    @abstractmethod
    def number(self, number: Fraction) -> Any:
        """A number that formulas take."""

    @abstractmethod
    def variable(self, step: Any) -> Any:
        """What formulas take of what maps of the step make."""

    @abstractmethod
    def mapped(self, time_map: TimeMap, step: Any) -> Any:
        """What a map of the step makes of it."""

    @abstractmethod
    def divided(self, step: Any, period: Fraction) -> tuple[Any, Any]:
        """How many whole periods there are, a number that formulas take, and the rest, a step."""

    @abstractmethod
    def pieces(self, pieces: Piecewise, step: Any) -> Any:
        """The rate of pieces."""

    @abstractmethod
    def called(self, name: Any, function: Callable[[Any, Any], Any], step: Any) -> Any:
        """The rate ``function(xp, variable)``, which the name says."""

    @abstractmethod
    def looked_up(
        self,
        step: Any,
        every: Fraction,
        rate: Callable[[Callable[[Any, int], Any], Callable[[], Any]], Any],
    ) -> Any:
        """The rate ``rate(look_up, part)`` of what is known at the multiples of a period.

        ``look_up(table, further)`` gives the entry of the last multiple up to a step, or of one so much further, and
        the last one behind the end; ``part()`` how far behind the multiple the step is.
        """

    def rate(self, piece: Piece, step: Any) -> Any:
        """The rate of a piece at a step."""
        for time_map in piece.time_maps:
            step = self.mapped(time_map, step)
        return self.rate_of_curve(piece, step)

    def rate_of_curve(self, piece: Piece, step: Any) -> Any:
        """The rate of a piece without its maps of the step."""
        rate = _INTERPRETED[piece.curve](piece.curve, self, step)
        for name, number in piece.rate_maps.items():
            rate = COMPOSITION_MAPS[name].function(self.formulas, rate, self.number(number))
        return rate


def _kernel(curve: Kernel, arithmetic: Arithmetic, step: Any) -> Any:
    numbers = map(arithmetic.number, curve.numbers)
    return curve.formula.function(arithmetic.formulas, arithmetic.variable(step), *numbers)


def _repeated(curve: Repeated, arithmetic: Arithmetic, step: Any) -> Any:
    cycle, place = arithmetic.divided(step, curve.period)
    rate = arithmetic.pieces(curve.pieces, place)
    if curve.gain == 1.0:
        return rate
    formulas, number = arithmetic.formulas, arithmetic.number
    gain = COMPOSITION_MAPS["exponential"].function(formulas, cycle, number(Fraction(curve.gain)))
    return COMBINATIONS["eased"].function(formulas, rate, gain, number(curve.offset))


def _combined(curve: Combined, arithmetic: Arithmetic, step: Any) -> Any:
    first, second = (arithmetic.rate(term, step) for term in curve.terms)
    return COMBINATIONS[curve.name].function(arithmetic.formulas, first, second)


_INTERPRETED: Operation[Any] = Operation(
    "interpret",
    Expression,
    {
        Kernel: _kernel,
        Repeated: _repeated,
        Combined: _combined,
        Node: lambda node, arithmetic, step: node.interpreted(arithmetic, step),
    },
)
