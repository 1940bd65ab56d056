"""The files of the compiled engine: the functions in units, which are compiled one by one, and the tables of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from lrdecay_native.codegen.catalogue import all_functions
from lrdecay_native.codegen.cython_source import (
    HEADER,
    arguments,
    block_constants,
    cython_source,
    declaration,
    offset_tables,
)
from lrdecay_native.codegen.double_double_kernels import formula_kernels, map_kernels
from lrdecay_native.codegen.elementwise_kernels import (
    ElementwiseKernel,
    elementwise_kernels,
    whole_periods_kernel,
)
from lrdecay_native.codegen.functions import Function, indented
from lrdecay_native.codegen.tuning import PREFETCHED_BYTES
from lrdecay_native.formulas.catalogue import FORMULAS
from lrdecay_native.formulas.specialisations import MOST_CONSTANTS

_WRITTEN = ("blocks", "lines", "cycles", "runs", "tiles")


def units(checksum: int) -> dict[str, str]:
    """The text of every file.

    Parameters
    ----------
    checksum : int
        Of the sources, which the engine keeps.
    """
    groups = {
        name: [function for function in functions if len(function.results) <= 1]
        for name, functions in all_functions(PREFETCHED_BYTES).items()
    }
    return {
        "block_constants.pxi": block_constants(),
        "catalogue.pxi": "\n".join([*_declarations(groups), *_tables(), *_writers(groups)]),
        # Apart, so that nothing else changes with every change.
        "checksum.pyx": f"{HEADER}\ncdef public unsigned int built_from() noexcept nogil:\n    return {checksum}\n",
        **{f"{name}.pyx": _unit(name, functions) for name, functions in groups.items()},
    }


def _unit(name: str, functions: Sequence[Function]) -> str:
    """A file of kernels."""
    dtype = name.removeprefix("grids_")
    tables = ['include "streams.pxi"', offset_tables(dtype)] if dtype != name else []
    return "\n".join([HEADER, *tables, cython_source(functions)])


def _declarations(groups: Mapping[str, Sequence[Function]]) -> Iterator[str]:
    yield "# Written by lrdecay_native.codegen."
    for unit, functions in groups.items():
        yield f'cdef extern from "{unit}.h":'
        yield from indented(declaration(function) for function in functions if not function.private)
    yield ""


def _tables() -> Iterator[str]:
    """The kernels by their names."""
    kernels = [whole_periods_kernel(), *(kernel for name in FORMULAS for kernel in elementwise_kernels(name))]
    yield "cdef enum:"
    yield f"    MOST_CONSTANTS = {MOST_CONSTANTS}"
    yield f"cdef ElementwiseKernel[{len(kernels)}] ELEMENTWISE_KERNELS"
    for number, kernel in enumerate(kernels):
        yield f"ELEMENTWISE_KERNELS[{number}] = ElementwiseKernel({_elementwise(kernel)})"
    yield f"cdef dict ELEMENTWISE = {_numbers([kernel.name for kernel in kernels])}"
    exact = [*(kernel for name in FORMULAS for kernel in formula_kernels(name)), *map_kernels()]
    yield f"cdef DoubleDoubleKernel[{len(exact)}] DOUBLE_DOUBLE_KERNELS"
    for number, exact_kernel in enumerate(exact):
        counts = f"{len(exact_kernel.arrays)}, {len(exact_kernel.parameters)}"
        yield f"DOUBLE_DOUBLE_KERNELS[{number}] = DoubleDoubleKernel({counts}, {exact_kernel.name})"
    yield f"cdef dict DOUBLE_DOUBLE = {_numbers([kernel.name for kernel in exact])}"
    yield ""


def _numbers(names: Sequence[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def _elementwise(kernel: ElementwiseKernel) -> str:
    """The fields of an entry; a kernel may have no values in float32."""
    ends = ["prepare", "value", "float64"]
    ends += ["float32", "float32_steps"] if "float32" in kernel.outputs else []
    addresses = [f"{kernel.name}_{end}" for end in ends] + ["NULL"] * (5 - len(ends))
    return ", ".join([str(len(kernel.parameters)), *addresses])


def _writers(groups: Mapping[str, Sequence[Function]]) -> Iterator[str]:
    """For each kind of write one function for both dtypes, with a buffer and without."""
    functions = {function.name: function for group in groups.values() for function in group}
    for what in _WRITTEN:
        filling = functions[f"fill_{what}_float64"]
        declared = re.sub(r"double\* (out|tiled|values)\b", r"void* \1", arguments(filling))
        returned = "double" if filling.results else "void"
        yield f"cdef {returned} {what}_written(int value_bytes, {declared}, void* buffer) noexcept nogil:"
        for dtype, condition in (("float64", "if value_bytes == 8:"), ("float32", "else:")):
            names = ", ".join(_given(functions[f"fill_{what}_{dtype}"]))
            streaming = functions[f"stream_{what}_{dtype}"]
            named = [name for _, name in streaming.arguments]
            buffer = ", <{}*>buffer, 0" if "buffer" in named else ""
            number = "double" if dtype == "float64" else "float"
            yield f"    {condition}"
            given = "return " if filling.results else ""
            yield "        if buffer == NULL:"
            yield f"            {given}fill_{what}_{dtype}({names})"
            yield "        else:"
            yield f"            {given}{streaming.name}({names}{buffer.format(number)})"
        yield ""


def _given(function: Function) -> Iterator[str]:
    """The arguments in a call from one that has the addresses of rates without their type."""
    for argument in arguments(function).split(", "):
        type_and_name = re.fullmatch(r"(.*[* ])(\w+)", argument)
        assert type_and_name is not None
        of_rates = type_and_name[2] in ("out", "tiled", "values")
        yield f"<{type_and_name[1].strip()}>{type_and_name[2]}" if of_rates else type_and_name[2]
