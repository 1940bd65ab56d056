"""Write the kernels out, for Cython and for numba, from the formulas traced in double-double arithmetic.

Every formula and every time map becomes three functions:

``name_point``
    scalars in, a tuple of scalars out;
``name``
    the step arrays are contiguous, the parameters are scalars;
``name_sweep``
    every argument is an array, of any stride (a stride of 0 broadcasts).

The maps of compositions become the first two of them.  The block polynomials become ``interpolate`` and, for each
dtype and degree, ``fill_dtype_degree``; ``repeat_dtype`` writes runs of equal values, ``products_dtype`` cycles that
are alike.  Bodies are the common subset of Cython and Python; the two languages differ in the declarations around
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lrdecay_native import block_polynomial, double_double
from lrdecay_native.double_double import DoubleDouble
from lrdecay_native.formulas import COMPOSITION_MAPS, FORMULAS, TIME_MAPS
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


def composition_kernel(name: str) -> Kernel:
    """The kernel of a composition map in the registry."""
    entry = COMPOSITION_MAPS[name]
    return _double_double_kernel(name, entry.function, entry.parameters)


def interpolation_kernel() -> Kernel:
    """From the values at the nodes to the coefficients of their polynomial, for many blocks at once."""
    trace = Trace()
    count = 1 + 2 * len(block_polynomial.NODES)
    names = tuple(f"{part}{k}" for part in ("high", "low") for k in range(count))
    values = [
        DoubleDouble(trace.argument(high), trace.argument(low))
        for high, low in zip(names[:count], names[count:], strict=True)
    ]
    coefficients = tuple(block_polynomial.interpolate(values))
    return Kernel("interpolate", names, (), trace, coefficients)


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


def _loop(kernel: Kernel, name: str, arrays: tuple[str, ...], kind: str) -> Function:
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


def _expand(dtype: str, degree: int) -> Function:
    """From the coefficients of a block to those of its sub-blocks."""
    trace = Trace()
    names = block_polynomial.coefficient_names(block_polynomial.HIGHEST_DEGREE)
    expanded = block_polynomial.shift(
        trace.argument("u"), [trace.argument(name) for name in names], dtype, degree
    )
    return Function(
        f"expand_{dtype}_{degree}",
        "float64",
        (
            ("vector", "centres"),
            ("matrix", "coefficients"),
            ("index", "block"),
            ("written matrix", "out"),
        ),
        ("u", *names, *_temporaries(trace)),
        [
            *(f"{name} = coefficients[{row}, block]" for row, name in enumerate(names)),
            "for i in range(centres.shape[0]):",
            "    u = centres[i]",
            *_indented(_statements(trace)),
            *_indented(f"out[{row}, i] = {text(value)}" for row, value in enumerate(expanded)),
        ],
        private=True,
    )


def _fill(dtype: str, degree: int) -> Function:
    """Blocks of steps from the coefficients of their polynomials."""
    trace = Trace()
    length = block_polynomial.SUB_BLOCK[dtype]
    names = block_polynomial.coefficient_names(degree)
    value = block_polynomial.polynomial(trace.argument("u"), [trace.argument(name) for name in names])
    return Function(
        f"fill_{dtype}_{degree}",
        dtype,
        (
            ("written vector", "out"),
            ("indices", "starts"),
            ("doubles", "centres"),
            ("vector", "offsets"),
            ("matrix", "coefficients"),
            ("written matrix", "work"),
        ),
        ("u", *names, *_temporaries(trace)),
        [
            "for block in range(starts.shape[0]):",
            f"    expand_{dtype}_{degree}(centres, coefficients, block, work)",
            "    for part in range(centres.shape[0]):",
            f"        first = starts[block] + part * {length}",
            *_indented((f"{name} = {dtype}(work[{row}, part])" for row, name in enumerate(names)), 2),
            # With a number for the length there is no remainder to loop over.
            f"        for i in range({length}):",
            "            u = offsets[i]",
            *_indented(_statements(trace), 3),
            f"            out[as_index(first + i)] = {text(value)}",
        ],
    )


SPAN = 8
"""Short runs are written in spans of so many values."""


def _repeat(dtype: str) -> Function:
    return Function(
        f"repeat_{dtype}",
        dtype,
        (("written vector", "out"), ("vector", "values"), ("indices", "starts")),
        ("value",),
        [
            "for block in range(values.shape[0]):",
            "    value = values[block]",
            "    first = starts[block]",
            "    count = starts[block + 1] - first",
            f"    if count < {8 * SPAN} and first + count + {SPAN} <= out.shape[0]:",
            # What is written past the run is written over by the next one.
            f"        for part in range((count + {SPAN - 1}) >> {SPAN.bit_length() - 1}):",
            f"            for i in range({SPAN}):",
            f"                out[as_index(first + part * {SPAN} + i)] = value",
            "    else:",
            "        for i in range(first, first + count):",
            "            out[as_index(i)] = value",
        ],
    )


def _products(dtype: str) -> Function:
    """Rows of ``end + shape * factor``, a row for each factor.

    In float64, shapes, factors and end come in two parts; the first parts of shape and factor have at most 26
    bits, so that their product is exact.
    """
    single = dtype == "float32"
    names = ["shape", "factor", "end"]
    parts = names if single else [f"{name}_{part}" for name in names for part in ("high", "low")]
    variables = ("high", "low", "product", "rest", "total", "part_of_product", "error", "end", "end_rest")
    row = [
        "high = factor_high[block]",
        "low = factor_low[block]",
        "for i in range(count):",
        "    product = shape_high[i] * high",
        "    rest = multiply_add(shape_high[i], low, shape_low[i] * (high + low))",
        "    total = end + product",
        "    part_of_product = total - end",
        "    error = (end - (total - part_of_product)) + (product - part_of_product)",
        "    out[as_index(first + i)] = total + (error + (rest + end_rest))",
    ]
    single_row = [
        "for i in range(count):",
        "    out[as_index(first + i)] = float32(shape[i] * factor[block] + end[0])",
    ]
    return Function(
        f"products_{dtype}",
        dtype,
        (("written vector", "out"), *(("doubles", part) for part in parts)),
        () if single else variables,
        [
            *([] if single else ["end = end_high[0]", "end_rest = end_low[0]"]),
            f"count = {parts[0]}.shape[0]",
            f"for block in range({parts[1 if single else 2]}.shape[0]):",
            "    first = block * count",
            *_indented(single_row if single else row),
        ],
    )


def functions_of(kernel: Kernel) -> Iterator[Function]:
    """The three functions that a traced kernel becomes."""
    yield _point(kernel)
    yield _loop(kernel, kernel.name, kernel.arrays, "vector")
    yield _loop(kernel, f"{kernel.name}_sweep", (*kernel.arrays, *kernel.parameters), "strided")


def all_functions() -> Iterator[Function]:
    """Every function that an engine consists of."""
    for name in TIME_MAPS:
        yield from functions_of(time_map_kernel(name))
    for name in FORMULAS:
        yield from functions_of(formula_kernel(name))
    for name in COMPOSITION_MAPS:
        kernel = composition_kernel(name)
        yield _point(kernel)
        yield _loop(kernel, kernel.name, kernel.arrays, "vector")
    interpolation = interpolation_kernel()
    yield _loop(interpolation, interpolation.name, interpolation.arrays, "vector")
    for dtype, degrees in block_polynomial.DEGREES.items():
        for degree in degrees:
            yield _expand(dtype, degree)
            yield _fill(dtype, degree)
        yield _repeat(dtype)
        yield _products(dtype)


_INDICES = ("i", "block", "part", "first", "length", "count")
_CYTHON_NUMBER = {"float64": "double", "float32": "float"}
_CYTHON_ARGUMENT = {
    "scalar": "{number} {name}",
    "vector": "const {number}[::1] {name}",
    "strided": "const {number}[:] {name}",
    "written vector": "{number}[::1] {name}",
    "written strided": "{number}[:] {name}",
    "doubles": "const double[::1] {name}",
    "matrix": "const double[:, ::1] {name}",
    "written matrix": "double[:, ::1] {name}",
    "indices": "const int64_t[::1] {name}",
    "index": "Py_ssize_t {name}",
}


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
    given = [name for _, name in function.arguments]
    yield f"    cdef Py_ssize_t {', '.join(index for index in _INDICES if index not in given)}"
    yield "    with nogil:" if not function.private else "    if True:"
    yield from _indented(function.body, 2)
    if function.results:
        yield f"    return {', '.join(function.results)}"
    yield ""


def cython_source() -> str:
    """The generated part of the Cython engine."""
    return "\n".join(line for function in all_functions() for line in _cython_lines(function))


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
            f"{name}: {'float' if kind == 'scalar' else 'NDArray[Any]'}" for kind, name in function.arguments
        )
        result = f"tuple[{', '.join(['float'] * len(function.results))}]" if function.results else "None"
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
