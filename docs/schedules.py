"""The reference table of all schedules, from their signatures and docstrings.

``python docs/schedules.py`` (``make gallery``) writes it into docs/schedules.md, between two comments, and the
names of the classes into README.md.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from textwrap import fill

from lrdecay_native.files import write_whole
from lrdecay_native.formulas.catalogue import FORMULAS
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.registry import all_schedules

PAGE = Path(__file__).with_suffix(".md")
README = Path(__file__).parents[1] / "README.md"

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
    """The tables of all schedule classes, and that of the functions, in markdown."""
    classes = [f"### {heading}\n\n{_table(module)}" for module, heading in SECTIONS.items()]
    return "\n".join([*classes, f"### Functions\n\n{_functions()}"])


def names() -> str:
    """The names of all schedule classes but compositions, which methods make, in markdown."""
    lines = []
    for module, heading in SECTIONS.items():
        if module != "compositions":
            listed = ", ".join(f"`{cls.__name__}`" for cls in _classes(module))
            lines.append(fill(f"- {heading}: {listed}.", 118, subsequent_indent="  ", break_on_hyphens=False))
    return "\n".join(lines) + "\n"


def _classes(module: str) -> list[type[Schedule]]:
    folder_or_file = f"lrdecay_native.schedules.{module}"
    return [cls for cls in all_schedules().values() if f"{cls.__module__}.".startswith(f"{folder_or_file}.")]


def _functions() -> str:
    rows = ["| function | value at a step |", "|---|---|"]
    for formula in FORMULAS.values():
        parameters = ["step"]
        for name, default in formula.arguments.items():
            parameters.append(name if default is None else f"{name}={default!r}")
        rows.append(f"| `{formula.name}({', '.join(parameters)})` | {_text(formula.equation_of_step)} |")
    return "\n".join(rows) + "\n"


def _table(module: str) -> str:
    rows = ["| class | rate at a step | agrees with, source |", "|---|---|---|"]
    rows += [_row(cls) for cls in _classes(module)]
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


def page(path: Path, text: str) -> str:
    """A page with the text that belongs between its two comments."""
    before, first, rest = path.read_text(encoding="utf-8").partition(FIRST_LINE)
    _, last, after = rest.partition(LAST_LINE)
    if not (first and last):
        raise ValueError(f"{path} must have the lines {FIRST_LINE!r} and {LAST_LINE!r}")
    return f"{before}{first}\n\n{text}\n{last}{after}"


def pages() -> dict[Path, str]:
    """Both pages as they are to be."""
    return {PAGE: page(PAGE, tables()), README: page(README, names())}


def write() -> None:
    """Write the tables and the names into the pages."""
    write_whole({path: text.encode() for path, text in pages().items()})
    print(f"wrote the tables of {PAGE} and the names in {README}")


if __name__ == "__main__":
    write()
