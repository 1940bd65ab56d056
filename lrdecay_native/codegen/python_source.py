"""Functions as Python, for the numba engine."""

from __future__ import annotations

from collections.abc import Iterable

from lrdecay_native.codegen.functions import Function, indented
from lrdecay_native.codegen.tuning import STRIP_STEPS


def python_source(functions: Iterable[Function]) -> str:
    """The functions in Python, each under the decorator ``@compiled``."""
    lines: list[str] = []
    for function in functions:
        lines += [
            "@compiled",
            f"def {function.name}({', '.join(name for _, name in function.arguments)}):",
            *indented(f"{name} = empty({STRIP_STEPS})" for name in function.strips),
            *indented(["length = out0.shape[0]"] if function.chained else []),
            *indented(function.body),
            *indented([f"return {', '.join(function.results)}"] if function.results else []),
            "",
        ]
    return "\n".join(lines)
