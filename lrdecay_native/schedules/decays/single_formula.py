"""What is common to the schedules that are one formula."""

from __future__ import annotations

from dataclasses import Field, fields, replace
from fractions import Fraction
from typing import Any, ClassVar

from lrdecay_native import validation
from lrdecay_native.evaluation.points.closed_form import ClosedForm
from lrdecay_native.formulas.catalogue import FORMULAS
from lrdecay_native.immutable import set_fields
from lrdecay_native.piecewise.pieces import NEVER, Breakpoint, Kernel, Piece, Piecewise, TimeMap
from lrdecay_native.schedules.arguments import period_given
from lrdecay_native.schedules.base import Schedule


class _Decay(Schedule):
    """A schedule that is one formula of one time map of the step.

    Its fields are the arguments of the formula's kernel; what they may be stands beside the formula.
    """

    _formula: ClassVar[str]

    def __post_init__(self) -> None:
        set_fields(self, **{parameter.name: self._given(parameter) for parameter in fields(self)})

    def _given(self, parameter: Field[Any]) -> Any:
        """A parameter, checked."""
        name, value = parameter.name, getattr(self, parameter.name)
        if isinstance(parameter.default, bool):
            return validation.flag(name, value)
        described = FORMULAS[self._formula].described_as(name)
        return (
            period_given(name, value) if described.steps else validation.within(name, value, described.range)
        )

    @property
    def _time_map(self) -> str:
        return FORMULAS[self._formula].time_maps[0]

    @property
    def _period(self) -> float:
        name = FORMULAS[self._formula].period
        period: float = 1.0 if name is None else getattr(self, name)
        return period

    def _parameters(self) -> list[float]:
        return [getattr(self, name) for name in FORMULAS[self._formula].parameters]

    def evaluate(self, xp: Any, step: Any, *, first: int = 0, stop: int | None = None) -> Any:
        from lrdecay_native.evaluation.points.array_namespaces import mapped

        x = mapped(xp, self._time_map, step, Fraction(self._period))
        parameters = [xp.asarray(value) for value in self._parameters()]
        return FORMULAS[self._formula].function(xp, x, *parameters)

    def _curve(self) -> ClosedForm | None:
        period = Fraction(self._period)
        parameters = tuple(self._parameters())
        if self._time_map == "staircase":
            return ClosedForm(self._formula, "continuous", Fraction(1), parameters, (period,))
        return ClosedForm(self._formula, self._time_map, period, parameters)

    def _described(self) -> Piecewise:
        period = Fraction(self._period)
        curve = Kernel(self._formula, tuple(map(float, self._parameters())))
        piece = Piece(NEVER, (TimeMap(self._time_map, period),), curve)
        if self._time_map == "clamped":
            return replace(piece, end=Breakpoint(period)), replace(piece, constant=True)
        return (piece,)
