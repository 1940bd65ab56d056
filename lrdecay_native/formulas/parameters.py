"""What every parameter of a formula may be: its range, and what documentation says of it.

Nothing but the standard library is imported here: the build reads this module before NumPy is there.
"""

from __future__ import annotations

from lrdecay_native.immutable import immutable

SMALLEST, LARGEST = 1e-100, 1e100
"""The range of a positive parameter; inside it no intermediate result overflows."""


@immutable
class Range:
    """The numbers from ``lowest`` to ``highest``, and 0 where ``zero`` says so."""

    lowest: float
    highest: float
    zero: bool = False

    def __contains__(self, number: float) -> bool:
        return self.lowest <= number <= self.highest or (self.zero and number == 0.0)

    def __str__(self) -> str:
        start = "0, or " if self.zero else "positive, " if self.lowest > 0.0 else ""
        return f"{start}from {self.lowest:g} to {self.highest:g}"


POSITIVE = Range(SMALLEST, LARGEST)
NOT_NEGATIVE = Range(SMALLEST, LARGEST, zero=True)
FACTOR = Range(SMALLEST, 1.0)


@immutable
class Parameter:
    """A number that a formula, or the time map before it, depends on.

    Attributes
    ----------
    text : str
        What it is, with its unit; the range is added to it in documentation.
    range : Range
        Which numbers it may be.
    steps : bool
        Whether it is a number of steps, of which an integer stays one.
    remark : str
        What else there is to say of some of its values.
    """

    text: str
    range: Range = POSITIVE
    steps: bool = False
    remark: str = ""

    @property
    def description(self) -> str:
        """What documentation says of it."""
        text = f"{self.text}, {_in_prose(self.range)}"
        return f"{text}; {self.remark}." if self.remark else f"{text}."


def _in_prose(values: Range) -> str:
    """A range as documentation has it."""
    if values == FACTOR:
        return "in (0, 1]"
    start = "0 or " if values.zero else ""
    return f"{start}from {_number(values.lowest)} to {_number(values.highest)}"


def _number(value: float) -> str:
    return f"{value:g}".replace("e+", "e")


PARAMETERS: dict[str, Parameter] = {
    "learning_rate": Parameter("The rate", NOT_NEGATIVE),
    "initial_learning_rate": Parameter("The rate at step 0"),
    "end_learning_rate": Parameter("The rate at the end and from there on", NOT_NEGATIVE),
    "decay_steps": Parameter("The unit of time in steps", steps=True),
    "step_size": Parameter("Steps per factor", steps=True),
}
"""Parameters that mean the same wherever they occur; a formula says for itself what others are."""
