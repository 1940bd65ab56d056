"""What the compiled engine knows of its functions: tables of their addresses, and one entry for each kind of write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lrdecay_native import block_polynomial
from lrdecay_native.codegen.c_source import c_source, declaration
from lrdecay_native.codegen.catalogue import all_functions
from lrdecay_native.codegen.double_double_kernels import formula_kernels, map_kernels
from lrdecay_native.codegen.elementwise_kernels import (
    ElementwiseKernel,
    elementwise_kernels,
    whole_periods_kernel,
)
from lrdecay_native.codegen.functions import Function
from lrdecay_native.codegen.tuning import PREFETCHED_BYTES
from lrdecay_native.formulas import FORMULAS
from lrdecay_native.variants import MOST_CONSTANTS

_WRITTEN = ("blocks", "lines", "cycles", "runs", "tiles")
_NUMBERS = {"float64": "double", "float32": "float"}


def generated_files(checksum: int) -> dict[str, str]:
    """The text of every generated file: the functions in groups, what they share, and the tables of them."""
    groups = {
        name: [function for function in functions if len(function.results) <= 1]
        for name, functions in all_functions(PREFETCHED_BYTES).items()
    }
    functions = [function for group in groups.values() for function in group]
    return {
        "block_constants.h": constants_header(),
        "catalogue.c": catalogue_source(functions, checksum),
        **{f"{name}.c": c_source(group) for name, group in groups.items()},
    }


def constants_header() -> str:
    """What the engine must know of blocks, and the offsets as constants: a compiler that knows them keeps them."""
    places = block_polynomial.PLACES
    constants = {
        "MOST_CONSTANTS": MOST_CONSTANTS,
        "SHORTEST_BLOCK": block_polynomial.SHORTEST_BLOCK,
        "TOO_SMALL": int(block_polynomial.TOO_SMALL),
        "COEFFICIENTS": block_polynomial.COEFFICIENT_ROWS,
        "EXPANSIONS": block_polynomial.EXPANSION_ROWS * block_polynomial.MOST_SUB_BLOCKS,
        "NODES": len(places),
        # Of each block: the nodes and the values there, in two parts, its coefficients and its choice.
        "ROWS": 4 * len(places) + block_polynomial.COEFFICIENT_ROWS + 1,
        "AT_ONCE": block_polynomial.BLOCKS_AT_ONCE,
    }
    tables = {
        f"{name}_{dtype}": (number, table(dtype))
        for dtype, number in _NUMBERS.items()
        for name, table in (("offsets", block_polynomial.offsets), ("squares", block_polynomial.squares))
    }
    lines = [
        f"enum {{ {', '.join(f'{name} = {value}' for name, value in constants.items())} }};",
        f"static const int64_t PLACES[] = {{{', '.join(map(str, places))}}};",
        *(
            f"static const {number} {name}[] = {{{', '.join(map(repr, values))}}};"
            for name, (number, values) in tables.items()
        ),
    ]
    return "\n".join(["#pragma once", "#include <stdint.h>", *lines, ""])


def catalogue_source(functions: Iterable[Function], checksum: int) -> str:
    """The tables of kernels by their names, and the functions that choose by the size of a value and by a buffer."""
    by_name = {function.name: function for function in functions}
    lines = ['#include "kernels.h"', "", f"const uint32_t SOURCE_CHECKSUM = {checksum}u;", ""]
    lines += [f"{declaration(function)};" for function in by_name.values() if not function.private]
    lines += ["", "const elementwise_kernel ELEMENTWISE_KERNELS[] = {"]
    lines += [f"    {_elementwise_entry(kernel)}," for kernel in _all_elementwise_kernels()]
    lines += ["    {0},", "};", "", "const double_double_kernel DOUBLE_DOUBLE_KERNELS[] = {"]
    kernels = [*(kernel for name in FORMULAS for kernel in formula_kernels(name)), *map_kernels()]
    lines += [
        f'    {{"{kernel.name}", {len(kernel.arrays)}, {len(kernel.parameters)}, {kernel.name}}},'
        for kernel in kernels
    ]
    lines += ["    {0},", "};", ""]
    for what in _WRITTEN:
        lines += _writer(what, by_name)
    return "\n".join(lines)


def _all_elementwise_kernels() -> Iterator[ElementwiseKernel]:
    yield whole_periods_kernel()
    for name in FORMULAS:
        yield from elementwise_kernels(name)


def _elementwise_entry(kernel: ElementwiseKernel) -> str:
    ends = ["prepare", "value", "float64"]
    ends += ["float32", "float32_steps"] if "float32" in kernel.outputs else []
    addresses = ", ".join(f"{kernel.name}_{end}" for end in ends)
    return f'{{"{kernel.name}", {len(kernel.parameters)}, {addresses}}}'


def _writer(what: str, by_name: dict[str, Function]) -> Iterator[str]:
    """One function for those of both dtypes, with a buffer and without, declared in kernels.h."""
    first = by_name[f"fill_{what}_float64"]
    declared = re.sub(r"fill_(\w+)_float64\(", r"write_\1(int value_bytes, ", declaration(first))
    declared = re.sub(r"double \*(out|tiled|values)\b", r"void *\1", declared)
    names = re.findall(r"(\w+)(?=,|\))", declaration(first))
    given = "return " if first.results else ""
    yield declared.replace(")", ", void *buffer) {")
    for dtype, condition in (("float64", "if (value_bytes == 8) {"), ("float32", "} else {")):
        streamed = by_name[f"stream_{what}_{dtype}"]
        kept = [name for _, name in streamed.arguments]
        buffer = ["buffer", "0"] if "buffer" in kept else []
        yield f"    {condition}"
        yield f"        if (buffer) {given}{streamed.name}({', '.join([*names, *buffer])});"
        yield f"        else {given}fill_{what}_{dtype}({', '.join(names)});"
    yield "    }"
    yield "}"
    yield ""
