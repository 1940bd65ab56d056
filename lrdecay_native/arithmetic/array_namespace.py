"""What formulas may call: one table of the functions of ``xp`` in kernels, which the recording keeps to.

docs/adding_a_formula.md has the same table; a test compares them, and every stated error with values of 300 bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from lrdecay_native.arithmetic.intervals import ANYWHERE, Interval


@dataclass(frozen=True)
class Operation:
    """A row of the table.

    Attributes
    ----------
    written : str
        How a formula writes it.
    error : float
        Of float64 results, before they are rounded, relative to them.
    domain, outside : str
        For which arguments it is meant, and what it gives for others.
    meaningful : Interval
        Where it has a meaning: a formula whose argument may be elsewhere, as far as is known, isn't recorded.
    error_of_logarithm : float
        What is added to the error for each unit of the size of the result's logarithm.
    """

    written: str
    error: float
    domain: str
    outside: str
    meaningful: Interval = ANYWHERE
    error_of_logarithm: float = 0.0

    @property
    def described_error(self) -> str:
        """The error as documentation has it."""
        if not self.error:
            return "exact"
        text = f"2**{_exponent(self.error)}"
        if self.error_of_logarithm:
            text += f", and 2**{_exponent(self.error_of_logarithm)} times the size of `b * log(a)`"
        return text


def _exponent(power_of_two: float) -> int:
    _, denominator = power_of_two.as_integer_ratio()
    return 1 - denominator.bit_length()


_COSINE_LIMIT = 2.0**52

FUNCTIONS: dict[str, Operation] = {
    "asarray": Operation("xp.asarray(number)", 0.0, "all", ""),
    "exp": Operation(
        "xp.exp(a)",
        2.0**-55,
        "all",
        "above 709.8 infinity, below -745 zero; what is divided by such an infinity is 0",
    ),
    "sqrt": Operation("xp.sqrt(a)", 2.0**-100, "0 and above", "0"),
    "raised_cosine": Operation(
        "raised_cosine(xp, a)",
        2.0**-65,
        "below 2**52 in size",
        "refused, where `a` may be there: clamp it, or have a time map that does",
        meaningful=Interval(-_COSINE_LIMIT, _COSINE_LIMIT),
    ),
    "floor": Operation(
        "xp.floor(a)", 0.0, "a step over a period, below 2**52", "no meaning; of anything else refused"
    ),
    "ceil": Operation(
        "xp.ceil(a)", 0.0, "a step over a period, below 2**52", "no meaning; of anything else refused"
    ),
    "minimum": Operation("xp.minimum(a, b)", 0.0, "all", "with NaN, either"),
    "maximum": Operation("xp.maximum(a, b)", 0.0, "all", "with NaN, either"),
}
"""Those of the namespace, by their names."""

OPERATORS: dict[str, Operation] = {
    "+": Operation("a + b, a - b", 2.0**-95, "results up to 1e300", "infinity or NaN"),
    "*": Operation("a * b", 2.0**-100, "results up to 1e300", "infinity or NaN"),
    "/": Operation("a / b", 2.0**-100, "results up to 1e300", "division by 0: infinity or NaN"),
    "**": Operation(
        "a ** b",
        2.0**-55,
        "`a` from 2.3e-308, or 0",
        "`a` below 0 counts as 0, but for whole constants up to 8; `0 ** 0` is 1, 0 to a negative power infinity",
        error_of_logarithm=2.0**-57,
    ),
}
"""Those that Python has signs for."""


def markdown() -> str:
    """The table as documentation has it."""
    rows = [
        "| | error | domain | outside |",
        "|---|---|---|---|",
        *(
            f"| `{row.written}` | {row.described_error} | {row.domain} | {row.outside} |"
            for row in (*OPERATORS.values(), *FUNCTIONS.values())
        ),
    ]
    return "\n".join([*rows, ""])


class Namespace:
    """The namespace ``xp`` that formulas are recorded with: the functions of an arithmetic that the table has."""

    def __init__(self, arithmetic: ModuleType) -> None:
        self._arithmetic = arithmetic

    def __getattr__(self, name: str) -> Callable[..., Any]:
        row = FUNCTIONS.get(name)
        if row is None:
            offered = ", ".join(row.written for row in (*FUNCTIONS.values(), *OPERATORS.values()))
            raise AttributeError(f"kernels have no xp.{name}; a formula may use {offered}")
        function: Callable[..., Any] = getattr(self._arithmetic, name)
        if row.meaningful == ANYWHERE:
            return function

        def checked(argument: Any) -> Any:
            found = getattr(argument, "bounds", row.meaningful)
            if found.least < row.meaningful.least or found.most > row.meaningful.most:
                raise ValueError(
                    f"{row.written} is only for {row.domain}, but a may be from {found.least:g} to {found.most:g}: "
                    "clamp it, or have a time map that does"
                )
            return function(argument)

        return checked
