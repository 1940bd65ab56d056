"""Functions whose bodies are Python and, word for word, Cython."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lrdecay_native.arithmetic.recording import Operation, Trace, text
from lrdecay_native.codegen.explanations import ExplainedTrace

Arguments = tuple[tuple[str, str], ...]
"""A kind, one of those of :mod:`lrdecay_native.codegen.cython_source`, and a name for each."""


@dataclass(frozen=True)
class Function:
    """A generated function.

    Attributes
    ----------
    name : str
        What it is called.
    dtype : str
        That of its variables and of the arguments of the kinds ``scalar`` and ``vector``.
    arguments : tuple of (str, str)
        Kinds and names.  The arguments that it writes to begin with ``out``, or are called ``tiled``.
    variables : tuple of str
        Its local numbers.
    body : list of str
        Statements in Python.
    results : tuple of str
        What it returns.
    integers : tuple of str
        Local integers with 64 bits; indices need no declaration.
    private : bool
        Whether only other generated functions call it.
    strips : tuple of str
        Local vectors of STRIP_STEPS doubles.
    chained : bool
        Whether chains call it too: in Cython it has the arguments that all such functions have, and all of its
        vectors have ``length`` elements.
    """

    name: str
    dtype: str
    arguments: Arguments
    variables: tuple[str, ...]
    body: list[str]
    results: tuple[str, ...] = ()
    integers: tuple[str, ...] = ()
    private: bool = False
    strips: tuple[str, ...] = ()
    chained: bool = False


_EXPRESSIONS = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "negative": "-{0}",
    "where_less": "{2} if {0} < {1} else {3}",
}


def statements(operations: Iterable[Operation]) -> Iterator[str]:
    """One assignment for each operation, under comments where the recording has explanations."""
    last: tuple[str, ...] = ()
    for operation in operations:
        operands = [text(operand) for operand in operation.operands]
        call = f"{operation.name}({', '.join(operands)})"
        expression = _EXPRESSIONS.get(operation.name, call).format(*operands)
        assignment = f"{operation.result.name} = {expression}"
        trace = operation.result.trace
        if not isinstance(trace, ExplainedTrace):
            yield assignment
            continue
        explanation = trace.explanations[operation.result.name]
        yield from explanation.headings(last)
        last = explanation.levels
        yield f"{assignment}  # {explanation.line}"


def temporaries(operations: Trace | Iterable[Operation]) -> tuple[str, ...]:
    """The names of the results of operations."""
    if isinstance(operations, Trace):
        operations = operations.operations
    return tuple(operation.result.name for operation in operations)


def indented(lines: Iterable[str], depth: int = 1) -> list[str]:
    """Statements inside of others."""
    return ["    " * depth + line for line in lines]
