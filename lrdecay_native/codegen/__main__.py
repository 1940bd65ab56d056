"""Print a kernel: ``python -m lrdecay_native.codegen cosine_decay``."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Iterable, Sequence

from lrdecay_native.codegen.catalogue import groups
from lrdecay_native.codegen.cython_source import cython_source
from lrdecay_native.codegen.explanations import explained
from lrdecay_native.codegen.functions import Function
from lrdecay_native.codegen.python_source import python_source
from lrdecay_native.formulas.catalogue import FORMULAS

_LANGUAGES: dict[str, Callable[[Iterable[Function]], str]] = {
    "cython": cython_source,
    "python": python_source,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lrdecay_native.codegen",
        description="Print a kernel as the engines have it, with the lines of the formula and of the arithmetic "
        "that each statement comes from; without a name, list all kernels.",
    )
    parser.add_argument("name", nargs="?", help="a formula, or any of the functions")
    parser.add_argument("--language", choices=list(_LANGUAGES), default="cython")
    parser.add_argument("--all", action="store_true", help="all functions of the formula")
    given = parser.parse_args(arguments)
    if given.name is None:
        print(_listed())
        return 0
    with explained():
        functions = _found(given.name, given.all)
    if not functions:
        print(_unknown(given.name), file=sys.stderr)
        return 2
    if given.language == "cython":
        # Its numbers are arrays of length 1.
        functions = [function for function in functions if len(function.results) <= 1]
    print(_LANGUAGES[given.language](functions), end="")
    return 0


def _found(name: str, whole: bool) -> list[Function]:
    """The functions that a name means; of a formula, the value at one step and what it needs before."""
    for group, made in groups().items():
        if group == name:
            functions = list(made())
            time_maps = FORMULAS[name].time_maps if name in FORMULAS else ()
            chosen = [
                f"{name}_{time_map}_{end}" for time_map in time_maps[:1] for end in ("prepare", "value")
            ]
            return [function for function in functions if whole or not chosen or function.name in chosen]
    # A formula's own functions begin with its name.
    for made in groups().values():
        if chosen_functions := [function for function in made() if function.name == name]:
            return chosen_functions
    return []


def _listed() -> str:
    lines = [
        "Kernels and their functions; print one by its name, or those of a formula by that of the formula."
    ]
    for group, made in groups().items():
        lines += ["", group, *(f"    {function.name}" for function in made())]
    return "\n".join(lines)


def _unknown(name: str) -> str:
    names = [*groups(), *(function.name for made in groups().values() for function in made())]
    near = list(dict.fromkeys(difflib.get_close_matches(name, names, 5)))
    meant = f"; did you mean {', '.join(near)}?" if near else ""
    return f"there is no kernel {name!r}{meant}\nThere are: {', '.join(groups())}, and the functions of each."


if __name__ == "__main__":
    sys.exit(main())
