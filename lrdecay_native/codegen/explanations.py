"""Why each operation of a recording is there: the lines of the formula and of the arithmetic that it comes from."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from lrdecay_native.arithmetic import recording
from lrdecay_native.arithmetic.recording import Symbol, Trace

_CODEGEN = __name__.rpartition(".")[0]

_OPERATORS = {
    "__add__": "+",
    "__radd__": "+",
    "__sub__": "-",
    "__rsub__": "-",
    "__mul__": "*",
    "__rmul__": "*",
    "__truediv__": "/",
    "__rtruediv__": "/",
    "__neg__": "negative",
    "__pow__": "**",
    "__rpow__": "**",
}


@dataclass(frozen=True)
class Explanation:
    """Where an operation comes from.

    Attributes
    ----------
    levels : tuple of str
        The lines of the formula, and then the functions of the arithmetic, from the outermost to the innermost.
    line : str
        The line of the innermost one.
    """

    levels: tuple[str, ...]
    line: str

    def headings(self, last: tuple[str, ...]) -> Iterator[str]:
        """Comments for the levels that are others than those of the operation before."""
        same = next(
            (k for k, (ours, theirs) in enumerate(zip(self.levels, last, strict=False)) if ours != theirs),
            min(len(self.levels), len(last)),
        )
        for depth in range(same, len(self.levels)):
            yield f"# {'  ' * depth}{self.levels[depth]}"


@dataclass
class ExplainedTrace(Trace):
    """A recording that keeps an explanation of each operation, by the name of its result."""

    explanations: dict[str, Explanation] = field(default_factory=dict)

    def record(self, name: str, *operands: Symbol | float) -> Symbol:
        count = len(self.operations)
        result = super().record(name, *operands)
        if len(self.operations) > count:
            self.explanations[result.name] = _explanation(sys._getframe(1))
        return result


def _explanation(frame: FrameType | None) -> Explanation:
    levels: list[str] = []
    innermost = ""
    while frame is not None and not frame.f_globals["__name__"].startswith(_CODEGEN):
        code = frame.f_code
        if code.co_filename != recording.__file__ and not code.co_name.startswith("<"):
            line = linecache.getline(code.co_filename, frame.f_lineno).strip()
            innermost = innermost or line
            levels.append(line if _is_mathematics(frame) else _named(frame))
        frame = frame.f_back
    return Explanation(tuple(reversed(levels)), innermost)


def _is_mathematics(frame: FrameType) -> bool:
    """Whether a function is a formula or a map, in any arithmetic."""
    return "xp" in frame.f_code.co_varnames[:1]


def _named(frame: FrameType) -> str:
    name = frame.f_code.co_name
    return f"{Path(frame.f_code.co_filename).stem}: {_OPERATORS.get(name, name.strip('_'))}"


_trace: type[Trace] = Trace


def new_trace() -> Trace:
    """An empty recording, of the kind that is asked for at the time."""
    return _trace()


@contextmanager
def explained() -> Iterator[None]:
    """What is recorded meanwhile has explanations."""
    global _trace
    _trace = ExplainedTrace
    try:
        yield
    finally:
        _trace = Trace
