"""Schedules from tables of rates: the escape for anything that has no formula."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native import validation
from lrdecay_native.arithmetic.scalars import DoubleDoubleScalar, as_point
from lrdecay_native.caching import cached
from lrdecay_native.formulas.parameters import LARGEST, SMALLEST
from lrdecay_native.immutable import immutable, set_fields
from lrdecay_native.messages import shown
from lrdecay_native.piecewise.pieces import NEVER, Breakpoint, Node, Piece, Piecewise, TimeMap
from lrdecay_native.piecewise.transitions import held
from lrdecay_native.schedules.arguments import period_given
from lrdecay_native.schedules.base import Schedule

__all__ = ["Tabulated"]

INTERPOLATIONS = ("linear", "previous")


@dataclass(frozen=True, eq=False)
class Table(Node):
    """Rates at 0, 1, 2, ... of a variable, and lines between them."""

    rates: npt.NDArray[np.float64]
    linear: bool

    every = Fraction(1)
    straight = True

    def compiled_by(self, engine: Any) -> Any:
        return engine.CompiledTable(self.rates, self.linear)

    def interpreted(self, arithmetic: Any, variable: Any) -> Any:
        return arithmetic.looked_up(variable, self.every, self._between)

    def _between(self, look_up: Callable[[Any, int], Any], part: Callable[[], Any]) -> Any:
        rate = look_up(self.rates, 0)
        if not self.linear:
            return rate
        behind = part()
        return rate * (1.0 - behind) + look_up(self.rates, 1) * behind

    def not_negative(self) -> Table:
        return self

    def at_whole_numbers(self, first: int, count: int) -> npt.NDArray[np.float64] | None:
        return self.rates[np.minimum(np.arange(first, first + count), len(self.rates) - 1)]

    def enclosure(
        self, first: DoubleDoubleScalar, last: DoubleDoubleScalar
    ) -> tuple[DoubleDoubleScalar, DoubleDoubleScalar]:
        begin, end = (min(int(place[0]), len(self.rates) - 1) for place in (first, last))
        some = self.rates[begin : end + 2]
        return (float(some.min()), 0.0), (float(some.max()), 0.0)


@immutable
class Tabulated(Schedule):
    """Rates from a table.

    ``learning_rates[k]`` at step ``k * every``, and between two of them the line from one to the next, or the one
    before; after the last it stays.

    Parameters
    ----------
    learning_rates : sequence of float
        The rates, each 0 or from 1e-100 to 1e100; up to 2**31 - 1 of them.
    every : int or float, default 1
        How many steps lie between two rates, from 1e-100 to 1e100.
    interpolation : str, default "linear"
        ``"linear"`` or ``"previous"``.

    Raises
    ------
    ValueError, TypeError
        For a parameter outside its range or of a wrong kind.

    Notes
    -----
    Within 0.51 ulp; at ``k * every`` the rate is the table's.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> s = lrd.Tabulated([0.1, 0.3, 0.2], every=10)
    >>> s([0, 5, 10, 15, 20, 99])
    array([0.1 , 0.2 , 0.3 , 0.25, 0.2 , 0.2 ])
    """

    learning_rates: Sequence[float] | npt.NDArray[Any]
    every: float = field(default=1, kw_only=True)
    interpolation: str = field(default="linear", kw_only=True)

    def __post_init__(self) -> None:
        set_fields(
            self,
            learning_rates=_rates_given(self.learning_rates),
            every=period_given("every", self.every),
            interpolation=validation.one_of("interpolation", self.interpolation, INTERPOLATIONS),
        )

    @classmethod
    def from_csv(
        cls, path: str | Path, column: str | int = 0, *, every: float = 1, interpolation: str = "linear"
    ) -> Tabulated:
        """Read the rates from a column of a CSV file.

        Parameters
        ----------
        path : str or Path
            The file, in UTF-8, with or without a byte order mark.
        column : str or int, default 0
            The column's name in the first line, or its number in a file without names.
        every, interpolation
            As of `Tabulated`.

        Returns
        -------
        Tabulated

        Raises
        ------
        OSError
            If the file can't be read.
        ValueError
            If the file is no CSV, there is no such column, or a value in it is no rate; it names the file.
        TypeError
            If ``column`` is neither a name nor a number.
        """
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"path={shown(path)} must be a path, not {type(path).__name__}")
        if isinstance(column, validation.NO_NUMBERS) or not isinstance(column, (str, Integral)):
            raise TypeError(
                f"column={shown(column)} must be a column's name or number, not {type(column).__name__}"
            )
        place = None if isinstance(column, str) else validation.whole("column", column)
        lines = _lines_of(Path(path))
        if place is None:
            names, *lines = lines or [[]]
            if column not in names:
                raise ValueError(f"column={shown(column)} must be one of those of {path}: {shown(names)}")
            place = names.index(column)
        rates = []
        for number, line in enumerate(lines, start=1):
            try:
                rates.append(_number(line[place]))
            except (ValueError, IndexError):
                raise ValueError(
                    f"{path}: row {number} has no rate in column {shown(column)}: {shown(line)}"
                ) from None
        return cls(tuple(rates), every=every, interpolation=interpolation)

    @cached
    def _table(self) -> Table:
        return Table(np.array(self.learning_rates), self.interpolation == "linear")

    def _described(self) -> Piecewise:
        last = held(as_point(self.learning_rates[-1]), NEVER)
        if len(self.learning_rates) == 1:
            return (last,)
        every = Fraction(self.every)
        end = Breakpoint((len(self.learning_rates) - 1) * every)
        return Piece(end, (TimeMap("continuous", every),), self._table), last


def _lines_of(path: Path) -> list[list[str]]:
    """The lines of a CSV file that aren't empty."""
    import csv

    with path.open(encoding="utf-8-sig", newline="") as file:
        # Strict: a quote that isn't closed would take the rest of the file into one value.
        reader = csv.reader(file, strict=True)
        try:
            return [line for line in reader if line]
        except csv.Error as error:
            raise ValueError(f"{path}: line {reader.line_num} is no CSV ({error})") from None
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: not in UTF-8 ({error})") from None


def _number(text: str) -> float:
    """The number that a text is; what only Python takes for one, as 1_0, is none."""
    if "_" in text or not text.isascii():
        raise ValueError
    return float(text)


def _rates_given(value: Any) -> tuple[float, ...]:
    """Rates, checked all at once: there may be millions."""
    given = _numbers_given(value)
    if given.ndim != 1 or not 0 < len(given) < 2**31:
        raise ValueError(
            f"learning_rates={shown(value)} must be a sequence of 1 to 2**31 - 1 rates; it has shape "
            f"{given.shape}"
        )
    if given.dtype == object:
        # Each by itself, as any other parameter: what NumPy can't hold.
        given = np.array([validation.real(f"learning_rates[{k}]", rate) for k, rate in enumerate(given)])
    elif given.dtype.kind not in "iuf":
        raise TypeError(f"learning_rates={shown(value)} must be numbers, not {given.dtype}")
    with np.errstate(over="ignore"):
        rates = given.astype(np.float64)
    wrong = np.flatnonzero(~((rates == 0.0) | ((rates >= SMALLEST) & (rates <= LARGEST))))
    if len(wrong):
        raise ValueError(
            f"learning_rates[{wrong[0]}]={given[wrong[0]].item()!r} must be 0, or from {SMALLEST} to "
            f"{LARGEST} ({len(wrong)} of {len(rates)} rates are wrong)"
        )
    return tuple((rates + 0.0).tolist())


def _numbers_given(value: Any) -> npt.NDArray[Any]:
    """An array of numbers, or one of objects that may be any."""
    if not hasattr(value, "__array__"):
        if isinstance(value, (str, bytes, bytearray)) or not isinstance(value, Sequence):
            raise TypeError(f"learning_rates={shown(value)} must be a sequence of numbers")
        if set(map(type, value)).difference((float, int)):
            # NumPy would take texts and truth values among numbers for numbers.
            return np.fromiter(value, object, len(value))
    return validation.as_array("learning_rates", value)
