"""Write the kernels out, for Cython and for numba, from the formulas traced in double-double arithmetic.

Every formula and every time map becomes three functions:

``name_point``
    scalars in, a tuple of scalars out;
``name``
    the step arrays are contiguous, the parameters are scalars;
``name_sweep``
    every argument is an array, of any stride (a stride of 0 broadcasts).

``sample_steps`` and ``fill_order_dtype`` are the two halves of bulk evaluation by block polynomials, before and
after the values at the nodes; ``repeat_dtype`` writes runs of equal values. Bodies are the common subset of
Cython and Python; the two languages differ in the declarations around them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lrdecay_native import block_polynomial, double_double
from lrdecay_native.double_double import DoubleDouble
from lrdecay_native.formulas import FORMULAS, TIME_MAPS
from lrdecay_native.tracing import Number, Trace, text


@dataclass(frozen=True)
class Kernel:
    """A traced function: arrays and parameters in, arrays out."""

    name: str
    arrays: tuple[str, ...]
    parameters: tuple[str, ...]
    trace: Trace
    outputs: tuple[Number, ...]

    @property
    def results(self) -> tuple[str, ...]:
        return tuple(f"out{k}" for k in range(len(self.outputs)))

    @property
    def assignments(self) -> dict[str, Number]:
        return dict(zip(self.results, self.outputs, strict=True))


def _double_double_kernel(name: str, function: Callable[..., Any], parameters: tuple[str, ...]) -> Kernel:
    trace = Trace()
    variable = DoubleDouble(trace.argument("high"), trace.argument("low"))
    values = [DoubleDouble(trace.argument(parameter)) for parameter in parameters]
    result = function(double_double, variable, *values)
    return Kernel(name, ("high", "low"), parameters, trace, (result.high, result.low))


def formula_kernel(name: str) -> Kernel:
    """The kernel of a formula in the registry, in terms of its variable ``x``."""
    entry = FORMULAS[name]
    return _double_double_kernel(name, entry.function, entry.parameters)


def time_map_kernel(name: str) -> Kernel:
    """The kernel of a time map in the registry."""
    return _double_double_kernel(name, TIME_MAPS[name].function, ("period",))


@dataclass(frozen=True)
class Function:
    """A function whose body is both Cython and Python.

    Each argument has a kind, one of ``_CYTHON_ARGUMENT``.  ``vector`` and ``scalar`` are of the function's dtype,
    ``strided`` vectors may have any stride.  A private function is called by other functions only.
    """

    name: str
    dtype: str
    arguments: tuple[tuple[str, str], ...]
    variables: tuple[str, ...]
    body: list[str]
    results: tuple[str, ...] = ()
    integers: tuple[str, ...] = ()
    private: bool = False


_EXPRESSIONS = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "negative": "-{0}",
    "where_less": "{2} if {0} < {1} else {3}",
}


def _statements(trace: Trace) -> Iterator[str]:
    for operation in trace.operations:
        operands = [text(operand) for operand in operation.operands]
        call = f"{operation.name}({', '.join(operands)})"
        expression = _EXPRESSIONS.get(operation.name, call).format(*operands)
        yield f"{operation.result.name} = {expression}"


def _temporaries(trace: Trace) -> tuple[str, ...]:
    return tuple(operation.result.name for operation in trace.operations)


def _indented(lines: Iterable[str], depth: int = 1) -> list[str]:
    return ["    " * depth + line for line in lines]


def _point(kernel: Kernel) -> Function:
    arguments = (*kernel.arrays, *kernel.parameters)
    return Function(
        f"{kernel.name}_point",
        "float64",
        tuple(("scalar", name) for name in arguments),
        (*_temporaries(kernel.trace), *kernel.results),
        [
            *_statements(kernel.trace),
            *(f"{result} = {text(value)}" for result, value in kernel.assignments.items()),
        ],
        kernel.results,
    )


def _array_loop(kernel: Kernel, name: str, arrays: tuple[str, ...], kind: str) -> Function:
    scalars = tuple(p for p in kernel.parameters if p not in arrays)
    return Function(
        name,
        "float64",
        (
            *((kind, f"{array}_array") for array in arrays),
            *(("scalar", scalar) for scalar in scalars),
            *((f"written {kind}", result) for result in kernel.results),
        ),
        (*arrays, *_temporaries(kernel.trace)),
        [
            f"count = {kernel.results[0]}.shape[0]",
            "for i in range(count):",
            *_indented(f"{array} = {array}_array[i]" for array in arrays),
            *_indented(_statements(kernel.trace)),
            *_indented(f"{result}[i] = {text(value)}" for result, value in kernel.assignments.items()),
        ],
    )


INVERSE_LENGTH = len(block_polynomial.coefficient_names())
"""The row behind those of the coefficients."""


def _sample_steps() -> Function:
    """The steps at the nodes of blocks of a grid, as ``high + low``: all first nodes, then all second ones, ..."""
    return Function(
        "sample_steps",
        "float64",
        (
            ("written vector", "out_highs"),
            ("written vector", "out_lows"),
            ("indices", "starts"),
            ("indices", "lengths"),
            ("indices", "nodes"),
            ("integer", "first"),
            ("integer", "step"),
        ),
        ("high",),
        [
            "for k in range(nodes.shape[0]):",
            "    for block in range(starts.shape[0]):",
            # Nodes are given in 128ths of the length from the start.
            "        t = first + step * (starts[block] + nodes[k] * (lengths[block] >> 7))",
            "        high = float64(t)",
            "        out_highs[k * starts.shape[0] + block] = high",
            "        out_lows[k * starts.shape[0] + block] = rounding_error(t, high)",
        ],
        integers=("t",),
    )


def _fit(dtype: str) -> Function:
    """From the values at the nodes to the coefficients of each block and the loop for it."""
    trace = Trace()
    count = 1 + 2 * len(block_polynomial.NODES)
    values = [DoubleDouble(trace.argument(f"high{k}"), trace.argument(f"low{k}")) for k in range(count)]
    coefficients = block_polynomial.interpolate(values)
    choice = block_polynomial.choose(trace.argument("inverse_length"), coefficients, dtype)
    samples = [name for k in range(count) for name in (f"high{k}", f"low{k}")]
    return Function(
        f"fit_{dtype}",
        "float64",
        (
            ("vector", "highs"),
            ("vector", "lows"),
            ("indices", "lengths"),
            ("written matrix", "coefficients"),
            ("written vector", "choices"),
        ),
        ("inverse_length", *samples, *_temporaries(trace)),
        [
            "count = choices.shape[0]",
            # Apart: not every processor can turn a vector of integers into floats.
            "for block in range(count):",
            f"    coefficients[{INVERSE_LENGTH}, block] = 1.0 / float64(lengths[block])",
            "for block in range(count):",
            f"    inverse_length = coefficients[{INVERSE_LENGTH}, block]",
            *(f"    high{k} = highs[{k} * count + block]" for k in range(count)),
            *(f"    low{k} = lows[{k} * count + block]" for k in range(count)),
            *_indented(_statements(trace)),
            *(f"    coefficients[{row}, block] = {text(value)}" for row, value in enumerate(coefficients)),
            f"    choices[block] = {text(choice)}",
        ],
        private=True,
    )


def _expand(dtype: str, index: int, loop: block_polynomial.Loop) -> Function:
    """From the coefficients of a block to those of its sub-blocks."""
    trace = Trace()
    names = block_polynomial.coefficient_names()
    expanded = block_polynomial.expand(
        trace.argument("u"),
        trace.argument("inverse_length"),
        [trace.argument(name) for name in names],
        loop,
        dtype,
    )
    return Function(
        f"expand_{dtype}_{index}",
        "float64",
        (
            ("matrix", "coefficients"),
            ("index", "block"),
            ("index", "count"),
            ("written matrix", "expansions"),
        ),
        ("u", "inverse_length", *names, *_temporaries(trace)),
        [
            f"inverse_length = coefficients[{INVERSE_LENGTH}, block]",
            *(f"{name} = coefficients[{row}, block]" for row, name in enumerate(names)),
            "for i in range(count):",
            f"    u = ({2.0 * loop.size} * i + {loop.size - 1.0}) * inverse_length - 1.0",
            *_indented(_statements(trace)),
            *_indented(f"expansions[{row}, i] = {text(value)}" for row, value in enumerate(expanded)),
        ],
        private=True,
    )


def _mirrored_loop(dtype: str, index: int, loop: block_polynomial.Loop) -> Function:
    """The sub-blocks of a block, from a given one on, each written outwards from its middle."""
    trace = Trace()
    right, left = block_polynomial.mirrored(trace.argument("w"), _expansion(trace, loop), loop)
    half = loop.size // 2
    return _loop(
        f"mirrored_{dtype}_{index}",
        dtype,
        loop,
        trace,
        [
            f"for i in range({half}):",
            f"    w = offsets_{dtype}[i + {block_polynomial.UNIT[dtype]}]",
            *_indented(_statements(trace)),
            f"    out[as_index(start + {half} + i)] = {text(right)}",
            f"    out[as_index(start + {half - 1} - i)] = {text(left)}",
        ],
    )


def _ascending_loop(dtype: str, index: int, loop: block_polynomial.Loop) -> Function:
    """The sub-blocks of a block, from a given one on, each written in ascending order."""
    trace = Trace()
    value = block_polynomial.ascending(trace.argument("w"), _expansion(trace, loop), loop)
    return _loop(
        f"ascending_{dtype}_{index}",
        dtype,
        loop,
        trace,
        [
            f"for i in range({loop.size}):",
            f"    w = offsets_{dtype}[i + {block_polynomial.UNIT[dtype] - loop.size // 2}]",
            *_indented(_statements(trace)),
            f"    out[as_index(start + i)] = {text(value)}",
        ],
    )


def _expansion(trace: Trace, loop: block_polynomial.Loop) -> list[Number]:
    return [trace.argument(name) for name in block_polynomial.expansion_names(loop)]


def _loop(name: str, dtype: str, loop: block_polynomial.Loop, trace: Trace, inner: list[str]) -> Function:
    """A loop over the sub-blocks of a block around the loop over the steps of one."""
    names = block_polynomial.expansion_names(loop)
    return Function(
        name,
        dtype,
        (
            ("written vector", "out"),
            ("index", "first"),
            ("index", "part"),
            ("index", "count"),
            ("matrix", "expansions"),
        ),
        ("w", *names, *_temporaries(trace)),
        [
            "for k in range(part, count):",
            f"    start = first + k * {loop.size}",
            *(f"    {name} = {dtype}(expansions[{row}, k])" for row, name in enumerate(names)),
            *_indented(inner),
        ],
        private=True,
    )


def _fill(order: str, dtype: str) -> Function:
    """Blocks of steps from the values at their nodes; those with a negative choice are left alone."""
    return Function(
        f"fill_{order}_{dtype}",
        dtype,
        (
            ("written vector", "out"),
            ("indices", "starts"),
            ("indices", "lengths"),
            ("doubles", "highs"),
            ("doubles", "lows"),
            ("written matrix", "coefficients"),
            ("written matrix", "expansions"),
            ("written doubles", "out_choices"),
        ),
        ("least",),
        [
            f"fit_{dtype}(highs, lows, lengths, coefficients, out_choices)",
            "least = 0.0",
            "end = 0",
            "for block in range(starts.shape[0]):",
            "    first = starts[block]",
            # The last block may overlap the one before it.
            "    done = max(end - first, 0)",
            "    end = first + lengths[block]",
            "    least = min(least, out_choices[block])",
            *_indented(
                line
                for index, loop in enumerate(block_polynomial.LOOPS[dtype])
                for line in (
                    f"if out_choices[block] == {float(index)}:",
                    f"    part = done // {loop.size}",
                    f"    count = lengths[block] // {loop.size}",
                    f"    expand_{dtype}_{index}(coefficients, block, count, expansions)",
                    f"    {order}_{dtype}_{index}(out, first, part, count, expansions)",
                )
            ),
        ],
        ("least",),
    )


def _repeat(dtype: str) -> Function:
    return Function(
        f"repeat_{dtype}",
        dtype,
        (("written vector", "out"), ("vector", "values"), ("indices", "starts")),
        ("value",),
        [
            "for block in range(values.shape[0]):",
            "    value = values[block]",
            "    for i in range(starts[block], starts[block + 1]):",
            "        out[as_index(i)] = value",
        ],
    )


def functions_of(kernel: Kernel) -> Iterator[Function]:
    """The three functions that a traced kernel becomes."""
    yield _point(kernel)
    yield _array_loop(kernel, kernel.name, kernel.arrays, "vector")
    yield _array_loop(kernel, f"{kernel.name}_sweep", (*kernel.arrays, *kernel.parameters), "strided")


def all_functions() -> Iterator[Function]:
    """Every function that an engine consists of."""
    for name in TIME_MAPS:
        yield from functions_of(time_map_kernel(name))
    for name in FORMULAS:
        yield from functions_of(formula_kernel(name))
    yield _sample_steps()
    for dtype, loops in block_polynomial.LOOPS.items():
        yield from block_functions(dtype, loops)
        yield _repeat(dtype)


def block_functions(dtype: str, loops: Iterable[block_polynomial.Loop]) -> Iterator[Function]:
    """What fills blocks, with these loops for those in ``block_polynomial.LOOPS``."""
    yield _fit(dtype)
    for index, loop in enumerate(loops):
        yield _expand(dtype, index, loop)
        yield _mirrored_loop(dtype, index, loop)
        yield _ascending_loop(dtype, index, loop)
    yield _fill("mirrored", dtype)
    yield _fill("ascending", dtype)


_INDICES = ("i", "k", "block", "part", "first", "start", "done", "end", "count")
_CYTHON_NUMBER = {"float64": "double", "float32": "float"}
_CYTHON_ARGUMENT = {
    "scalar": "{number} {name}",
    "vector": "const {number}[::1] {name}",
    "strided": "const {number}[:] {name}",
    "written vector": "{number}[::1] {name}",
    "written strided": "{number}[:] {name}",
    "doubles": "const double[::1] {name}",
    "written doubles": "double[::1] {name}",
    "matrix": "const double[:, ::1] {name}",
    "written matrix": "double[:, ::1] {name}",
    "indices": "const int64_t[::1] {name}",
    "index": "Py_ssize_t {name}",
    "integer": "int64_t {name}",
}


_STUB_ARGUMENT = {"scalar": "float", "integer": "int"}
_STUB_RESULTS = {0: "None", 1: "float"}


def _cython_lines(function: Function) -> Iterator[str]:
    number = _CYTHON_NUMBER[function.dtype]
    arguments = ", ".join(
        _CYTHON_ARGUMENT[kind].format(number=number, name=name) for kind, name in function.arguments
    )
    if function.private:
        yield f"cdef void {function.name}({arguments}) noexcept nogil:"
    else:
        yield f"def {function.name}({arguments}):"
    if function.variables:
        yield f"    cdef {number} {', '.join(function.variables)}"
    if function.integers:
        yield f"    cdef int64_t {', '.join(function.integers)}"
    given = [name for _, name in function.arguments]
    yield f"    cdef Py_ssize_t {', '.join(index for index in _INDICES if index not in given)}"
    yield "    with nogil:" if not function.private else "    if True:"
    yield from _indented(function.body, 2)
    if function.results:
        yield f"    return {', '.join(function.results)}"
    yield ""


def _cython_offsets() -> Iterator[str]:
    """The offsets as C constants: a compiler that knows them keeps them in registers."""
    yield "cdef extern from *:"
    yield '    """'
    for dtype, number in _CYTHON_NUMBER.items():
        values = ", ".join(map(repr, block_polynomial.offsets(dtype)))
        yield f"    static const {number} offsets_{dtype}[] = {{{values}}};"
    yield '    """'
    for dtype, number in _CYTHON_NUMBER.items():
        yield f"    const {number} offsets_{dtype}[{len(block_polynomial.offsets(dtype))}]"
    yield ""


def cython_source() -> str:
    """The generated part of the Cython engine."""
    functions = (line for function in all_functions() for line in _cython_lines(function))
    return "\n".join([*_cython_offsets(), *functions])


def stub_source() -> str:
    """The types of the functions of the Cython engine, as a stub file."""
    lines = [
        "from typing import Any",
        "",
        "from numpy.typing import NDArray",
        "",
        "def processor_features() -> list[str]: ...",
    ]
    for function in all_functions():
        arguments = ", ".join(
            f"{name}: {_STUB_ARGUMENT.get(kind, 'NDArray[Any]')}" for kind, name in function.arguments
        )
        result = _STUB_RESULTS.get(len(function.results), "tuple[float, float]")
        if not function.private:
            lines.append(f"def {function.name}({arguments}) -> {result}: ...")
    return "\n".join([*lines, ""])


def python_source(functions: Iterable[Function]) -> str:
    """The functions in Python, each under the decorator ``@compiled``."""
    lines: list[str] = []
    for function in functions:
        lines += [
            "@compiled",
            f"def {function.name}({', '.join(name for _, name in function.arguments)}):",
            *_indented(function.body),
            *_indented([f"return {', '.join(function.results)}"] if function.results else []),
            "",
        ]
    return "\n".join(lines)
