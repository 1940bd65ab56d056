"""Computations in an array namespace, written down once and then run at each step."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class Recording:
    """The operations on one number, in order, each of them once.

    It is an array namespace: what its functions, and the operators of its numbers, return are `Recorded`.
    """

    def __init__(self) -> None:
        self._instructions: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self._places: dict[Any, Recorded] = {}

    def start(self) -> Recorded:
        """The number that all depends on."""
        return Recorded(self, 0, True)

    def other(self, name: Any, function: Callable[..., Any], *arguments: Any) -> Recorded:
        """The result of ``function(xp, *arguments)``, which the name says."""
        key = name, *map(self._key, arguments)
        if key not in self._places:
            self._instructions.append((function, arguments))
            variable = any(isinstance(a, Recorded) and a.variable for a in arguments)
            self._places[key] = Recorded(self, len(self._instructions), variable)
        return self._places[key]

    def _key(self, argument: Any) -> Any:
        if isinstance(argument, Recorded):
            return "place", argument.place
        if isinstance(argument, np.ndarray):
            return "array", argument.dtype.str, argument.shape, argument.tobytes()
        # 1 and 1.0 are equal.
        return type(argument), argument

    def __getattr__(self, name: str) -> Callable[..., Recorded]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *arguments: self.other(name, _method(name), *arguments)

    def run(
        self, xp: Any, number: Any, results: Sequence[Recorded], constants: dict[int, Any] | None = None
    ) -> list[Any]:
        """What results are for a number.

        Parameters
        ----------
        xp : namespace
            Runs the operations.
        number : value of that namespace
            The number that all depends on.
        results : sequence of Recorded
            What is asked for.
        constants : dict, optional
            Keeps what depends on no number from one run to the next.
        """
        values = [number]
        for place, (function, arguments) in enumerate(self._instructions, start=1):
            if constants is not None and place in constants:
                values.append(constants[place])
                continue
            given = [values[a.place] if isinstance(a, Recorded) else a for a in arguments]
            values.append(function(xp, *given))
            if constants is not None and not any(isinstance(a, Recorded) for a in arguments):
                constants[place] = values[-1]
        return [values[result.place] for result in results]


class Recorded:
    """A number of a recording.

    Attributes
    ----------
    recording : Recording
        What it is of.
    place : int
        How many instructions there are up to it.
    variable : bool
        Whether it depends on the number that all begins with.
    """

    __slots__ = ("place", "recording", "variable")

    def __init__(self, recording: Recording, place: int, variable: bool) -> None:
        self.recording = recording
        self.place = place
        self.variable = variable


def _method(name: str) -> Callable[..., Any]:
    return lambda xp, *arguments: getattr(xp, name)(*arguments)


def _operation(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda xp, *arguments: function(*arguments)


def _reversed(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda xp, one, other: function(other, one)


def _define(name: str, operation: Callable[..., Any]) -> None:
    def operate(self: Recorded, *others: Any) -> Recorded:
        return self.recording.other(name, operation, self, *others)

    setattr(Recorded, name, operate)


for _name in ("add", "sub", "mul", "truediv", "pow"):
    _define(f"__{_name}__", _operation(getattr(operator, _name)))
    _define(f"__r{_name}__", _reversed(getattr(operator, _name)))
for _name in ("lt", "le", "gt", "ge", "and", "neg"):
    _define(f"__{_name}__", _operation(getattr(operator, f"__{_name}__")))
