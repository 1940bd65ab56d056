"""The reference table of all schedules, from their signatures and docstrings.

``python docs/schedules.py`` (``make gallery``) writes it into docs/schedules.md, between two comments.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from lrdecay_native.files import write_whole
from lrdecay_native.schedules.base import SCHEDULES, Schedule

PAGE = Path(__file__).with_suffix(".md")

FIRST_LINE = "<!-- Written by `make gallery` from the docstrings: begin -->"
LAST_LINE = "<!-- Written by `make gallery` from the docstrings: end -->"

SECTIONS = {
    "decays": "Single formulas",
    "phases": "Rows of phases",
    "cycles": "Cycles",
    "tables": "Tables",
    "compositions": "Compositions",
}
"""The modules of the schedule classes, with the headings of their tables."""

COMMON_ACCURACY = " Values are within 0.8 ulp (`values`: 0.51 ulp) of the true ones."
"""What the notes of most classes say, and the page once."""


def tables() -> str:
    """The tables of all schedule classes, in markdown."""
    return "\n".join(f"### {heading}\n\n{_table(module)}" for module, heading in SECTIONS.items())


def _table(module: str) -> str:
    rows = ["| class | rate at a step | agrees with, source |", "|---|---|---|"]
    rows += [
        _row(cls) for cls in SCHEDULES.values() if cls.__module__ == f"lrdecay_native.schedules.{module}"
    ]
    return "\n".join(rows) + "\n"


def _row(cls: type[Schedule]) -> str:
    paragraphs = inspect.cleandoc(cls.__doc__ or "").split("\n\n")
    heading = f"[`{cls.__name__}`](gallery.md#{cls.__name__.lower()})`{_parameters(cls)}`"
    return f"| {heading} | {_text(paragraphs[1])} | {_notes(paragraphs)} |"


def _parameters(cls: type[Schedule]) -> str:
    """The parameters as they are written in a call, with defaults."""
    parameters = inspect.signature(cls.__init__).parameters.values()
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in parameters
        if parameter.name != "self"
    ]
    return str(inspect.Signature(bare))


def _notes(paragraphs: list[str]) -> str:
    notes = (text for text in paragraphs if text.startswith("Notes\n"))
    text = next(notes, "").partition("-\n")[2]
    return (" " + _text(text)).replace(COMMON_ACCURACY, "").strip()


def _text(paragraph: str) -> str:
    """A paragraph of a docstring in markdown, on one line."""
    return re.sub(r"\s+", " ", paragraph.replace("``", "`")).replace("|", r"\|")


def page(text: str) -> str:
    """A page with the tables that belong between its two comments."""
    before, first, rest = text.partition(FIRST_LINE)
    _, last, after = rest.partition(LAST_LINE)
    if not (first and last):
        raise ValueError(f"{PAGE} must have the lines {FIRST_LINE!r} and {LAST_LINE!r}")
    return f"{before}{first}\n\n{tables()}\n{last}{after}"


def write() -> None:
    """Write the tables into the page."""
    write_whole({PAGE: page(PAGE.read_text(encoding="utf-8")).encode()})
    print(f"wrote the tables of {PAGE}")


if __name__ == "__main__":
    write()
