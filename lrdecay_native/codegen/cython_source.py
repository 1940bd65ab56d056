"""Functions as Cython: C functions of addresses, which need no lock and raise nothing."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lrdecay_native.arithmetic import block_polynomial
from lrdecay_native.codegen.functions import Function, indented
from lrdecay_native.codegen.tuning import STRIP_STEPS

HEADER = """\
# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: emit_code_comments=False
# Written by lrdecay_native.codegen.
include "arithmetic.pxi"
"""

NUMBERS = {"float64": "double", "float32": "float"}

_ARGUMENTS = {
    "scalar": "{number} {name}",
    "vector": "const {number}* {name}, Py_ssize_t {name}_length",
    "written vector": "{number}* {name}, Py_ssize_t {name}_length",
    "values": "const {number}* {name}",
    "written values": "{number}* {name}",
    "double values": "const double* {name}",
    "written double values": "double* {name}",
    "index values": "const int64_t* {name}",
    "doubles": "const double* {name}, Py_ssize_t {name}_length",
    "written doubles": "double* {name}, Py_ssize_t {name}_length",
    "floats": "const float* {name}, Py_ssize_t {name}_length",
    "matrix": "const double* {name}, Py_ssize_t {name}_columns",
    "written matrix": "double* {name}, Py_ssize_t {name}_columns",
    "indices": "const int64_t* {name}, Py_ssize_t {name}_length",
    "index": "Py_ssize_t {name}",
    "integer": "int64_t {name}",
    "written float64": "double* {name}, Py_ssize_t {name}_length",
    "written float32": "float* {name}, Py_ssize_t {name}_length",
}
"""What each kind of argument is: a vector comes with its length, a matrix with that of its rows, values with none."""

CHAINED_ARGUMENTS = (
    "const double* high_array, const double* low_array, "
    "const double* other_high_array, const double* other_low_array, "
    "double* out0, double* out1, const double* parameters, Py_ssize_t length"
)
"""Those of all functions that chains call; some have no other variable."""


def cython_source(functions: Iterable[Function]) -> str:
    """The functions in Cython; none of them returns several numbers."""
    return "\n".join(line for function in functions for line in _definition(function))


def declaration(function: Function) -> str:
    """The type and the arguments of a function."""
    returned = NUMBERS[function.dtype] if function.results else "void"
    return f"{returned} {function.name}({arguments(function)}) noexcept nogil"


def arguments(function: Function) -> str:
    """The arguments of a function."""
    if function.chained:
        return CHAINED_ARGUMENTS
    number = NUMBERS[function.dtype]
    return ", ".join(_ARGUMENTS[kind].format(number=number, name=name) for kind, name in function.arguments)


def _definition(function: Function) -> Iterator[str]:
    yield f"cdef {'' if function.private else 'public '}{declaration(function)}:"
    scalars = [name for kind, name in function.arguments if kind == "scalar"] if function.chained else []
    if scalars or function.variables:
        yield from _declared(NUMBERS[function.dtype], [*scalars, *function.variables])
    if function.integers:
        yield f"    cdef int64_t {', '.join(function.integers)}"
    for name in function.strips:
        yield f"    cdef double[{STRIP_STEPS}] {name}"
    given = {*scalars, *function.variables, *function.integers, *(name for _, name in function.arguments)}
    indices = [name for name in _assigned(function.body) if name not in given and name != "length"]
    if not function.chained and "length" not in given and "length" in _assigned(function.body):
        indices.append("length")
    if indices:
        yield f"    cdef Py_ssize_t {', '.join(indices)}"
    yield from indented(f"{name} = parameters[{k}]" for k, name in enumerate(scalars))
    yield from indented(map(_with_addresses, function.body))
    if function.results:
        yield f"    return {', '.join(function.results)}"
    yield ""


def _declared(kind: str, names: list[str]) -> Iterator[str]:
    """Local variables, in lines of a length that one can read."""
    for line in textwrap.wrap(", ".join(names), 90, break_on_hyphens=False):
        yield f"    cdef {kind} {line.rstrip(',')}"


def _assigned(body: Iterable[str]) -> list[str]:
    """The names that statements give values to."""
    found = (re.match(r"\s*(?:for )?(\w+) (?:=|in) ", line) for line in body)
    return list(dict.fromkeys(match[1] for match in found if match))


def _with_addresses(statement: str) -> str:
    """A statement with the lengths of arrays, and the places in matrices, spelled out."""
    statement = statement.replace(".shape[0]", "_length").replace(".shape[1]", "_columns")
    return re.sub(r"\b(\w+)\[(\d+), (\w+)\]", r"\1[\2 * \1_columns + \3]", statement)


def block_constants() -> str:
    """What the engine must know of blocks."""
    places = block_polynomial.PLACES
    constants = {
        "SHORTEST_BLOCK": block_polynomial.SHORTEST_BLOCK,
        "TOO_SMALL": int(block_polynomial.TOO_SMALL),
        "COEFFICIENTS": block_polynomial.COEFFICIENT_ROWS,
        "EXPANSIONS": block_polynomial.EXPANSION_ROWS * block_polynomial.MOST_SUB_BLOCKS,
        "NODES": len(places),
        # Of each block: the nodes and the values there, in two parts, its coefficients and its choice.
        "ROWS": 4 * len(places) + block_polynomial.COEFFICIENT_ROWS + 1,
        "AT_ONCE": block_polynomial.BLOCKS_AT_ONCE,
    }
    enumerated = ["cdef enum:", *indented(f"{name} = {value}" for name, value in constants.items())]
    return "\n".join([*enumerated, constant_tables({"PLACES": ("int64_t", places)})])


def offset_tables(dtype: str) -> str:
    """The offsets of steps from the middle of a sub-block: a compiler that knows them keeps them in registers."""
    number = NUMBERS[dtype]
    return constant_tables(
        {
            f"offsets_{dtype}": (number, block_polynomial.offsets(dtype)),
            f"squares_{dtype}": (number, block_polynomial.squares(dtype)),
        }
    )


def constant_tables(tables: Mapping[str, tuple[str, Sequence[float]]]) -> str:
    """Vectors of numbers as C constants, each with the type of its numbers."""
    lines = ["cdef extern from *:", '    """']
    for name, (number, values) in tables.items():
        written = textwrap.fill(", ".join(map(repr, values)), 110)
        lines += [f"    static const {number} {name}[] = {{", *written.splitlines(), "    };"]
    lines.append('    """')
    lines += [f"    const {number} {name}[{len(values)}]" for name, (number, values) in tables.items()]
    return "\n".join([*lines, ""])
