"""Write the kernels out, for Cython and for numba, from the traced formulas.

Every formula and every time map becomes two functions:

``name_point``
    scalars in, a tuple of scalars out;
``name``
    the step arrays are contiguous, the parameters are scalars;

The maps of compositions become both of them, as do combinations, which have two variables.

Every formula after a time map, traced in short arithmetic (:mod:`lrdecay_native.step_kernels`), becomes

``name_prepare``
    sets of parameters in, sets of constants out;
``name_float64``, ``name_float32``, ``name_float32_steps``
    rows of steps, a set of constants for each; the last one takes steps in float32 and gives rates in float32;
``name_value``
    one step.

``sample_steps`` and ``fill_blocks_dtype`` are the two halves of bulk evaluation by block polynomials, before and
after the values at the nodes, ``stream_blocks_dtype`` is the second one past the processor's cache;
``fill_runs_dtype`` writes runs of equal values. Bodies are the common subset of
Cython and Python; the two languages differ in the declarations around them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lrdecay_native.arithmetic import block_polynomial, double_double
from lrdecay_native.arithmetic.double_double import DoubleDouble, exact_sum
from lrdecay_native.arithmetic.recording import (
    Number,
    Operation,
    Trace,
    fused_multiply_add,
    multiply_add,
    text,
)
from lrdecay_native.formulas import COMBINATIONS, COMPOSITION_MAPS, FORMULAS, TIME_MAPS
from lrdecay_native.formulas.specialisations import variants
from lrdecay_native.step_kernels import PIECE, StepKernel, stages, step_kernels


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


def _double_double_kernel(
    name: str, function: Callable[..., Any], parameters: tuple[str, ...], known: Mapping[str, float]
) -> Kernel:
    trace = Trace()
    variable = DoubleDouble(trace.argument("high"), trace.argument("low"))
    values = [DoubleDouble(known[p] if p in known else trace.argument(p, varying=False)) for p in parameters]
    result = function(double_double, variable, *values)
    return Kernel(name, ("high", "low"), parameters, trace, (result.high, result.low))


def formula_kernels(name: str) -> Iterator[Kernel]:
    """The kernels of a formula in the registry, in terms of its variable ``x``."""
    entry = FORMULAS[name]
    for kernel, known in variants(name):
        yield _double_double_kernel(kernel, entry.function, entry.parameters, known)


def time_map_kernel(name: str) -> Kernel:
    """The kernel of a time map in the registry."""
    return _in_two_parts(name, TIME_MAPS[name].function, ("",), ("period",))


def composition_kernel(name: str) -> Kernel:
    """The kernel of a composition map in the registry."""
    entry = COMPOSITION_MAPS[name]
    return _in_two_parts(name, entry.function, ("",), entry.parameters)


def combination_kernel(name: str) -> Kernel:
    """The kernel of a combination in the registry."""
    entry = COMBINATIONS[name]
    return _in_two_parts(name, entry.function, ("", "other_"), entry.parameters)


def _in_two_parts(
    name: str, function: Callable[..., Any], variables: tuple[str, ...], parameters: tuple[str, ...]
) -> Kernel:
    """A kernel whose variables and parameters are all of them ``high + low``."""
    trace = Trace()
    arrays = tuple(f"{variable}{part}" for variable in variables for part in ("high", "low"))
    names = tuple(f"{parameter}{part}" for parameter in parameters for part in ("", "_low"))
    highs_and_lows = [trace.argument(name) for name in arrays]
    highs_and_lows += [trace.argument(name, varying=False) for name in names]
    pairs = map(DoubleDouble, highs_and_lows[::2], highs_and_lows[1::2])
    result = function(double_double, *pairs)
    return Kernel(name, arrays, names, trace, (result.high, result.low))


@dataclass(frozen=True)
class Function:
    """A function whose body is both Cython and Python.

    Each argument has a kind, one of ``_CYTHON_ARGUMENT``.  ``vector`` and ``scalar`` are of the function's dtype;
    buffers are local vectors of PIECE doubles.  A private function is called by other functions only, and may
    return a value of a C type.  A linked one is called by chains too: all of its vectors have ``length`` elements.
    A shared one, which returns a number, is called by the engine itself too.
    """

    name: str
    dtype: str
    arguments: tuple[tuple[str, str], ...]
    variables: tuple[str, ...]
    body: list[str]
    results: tuple[str, ...] = ()
    integers: tuple[str, ...] = ()
    private: bool = False
    returned: str = "void"
    buffers: tuple[str, ...] = ()
    linked: bool = False
    shared: bool = False


_EXPRESSIONS = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "negative": "-{0}",
    "where_less": "{2} if {0} < {1} else {3}",
}


def _statements(trace: Trace) -> Iterator[str]:
    return _written(trace.operations)


def _written(operations: Iterable[Operation]) -> Iterator[str]:
    for operation in operations:
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
            ("written vector", "coefficients"),
            ("written vector", "choices"),
        ),
        ("inverse_length", *samples, *_temporaries(trace)),
        [
            "count = choices.shape[0]",
            # Apart: not every processor can turn a vector of integers into floats.
            "for block in range(count):",
            f"    coefficients[{INVERSE_LENGTH} * count + block] = 1.0 / float64(lengths[block])",
            "for block in range(count):",
            f"    inverse_length = coefficients[{INVERSE_LENGTH} * count + block]",
            *(f"    high{k} = highs[{k} * count + block]" for k in range(count)),
            *(f"    low{k} = lows[{k} * count + block]" for k in range(count)),
            *_indented(_statements(trace)),
            *(
                f"    coefficients[{row} * count + block] = {text(value)}"
                for row, value in enumerate(coefficients)
            ),
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
            ("vector", "coefficients"),
            ("index", "block"),
            ("index", "length"),
            ("index", "count"),
            ("written vector", "expansions"),
        ),
        ("u", "inverse_length", *names, *_temporaries(trace)),
        [
            f"inverse_length = coefficients[{INVERSE_LENGTH} * length + block]",
            *(f"{name} = coefficients[{row} * length + block]" for row, name in enumerate(names)),
            # Apart: not every processor can turn a vector of integers into floats.
            "for i in range(count):",
            "    expansions[i] = float64(i)",
            "for i in range(count):",
            f"    u = ({2.0 * loop.size} * expansions[i] + {loop.size - 1.0}) * inverse_length - 1.0",
            *_indented(_statements(trace)),
            *_indented(
                f"expansions[{row * block_polynomial.MOST_SUB_BLOCKS} + i] = {text(value)}"
                for row, value in enumerate(expanded)
            ),
        ],
        private=True,
    )


LINE = 64
"""Bytes in a line of the processor's cache."""

AHEAD = 4096
"""How many bytes before it writes to them a loop that goes both ways asks for lines: processors expect one way."""

ASKED = 512
"""Bytes of lines that are asked for at once."""

ALL = 2**20
"""Likewise, so many that a sub-block is asked for whole: LLVM makes no vectors of a loop within a loop over parts."""

_SIZES = {"float64": 8, "float32": 4}


def _fill_loop(dtype: str, index: int, loop: block_polynomial.Loop, asked: int) -> Function:
    """The sub-blocks of a block, from a given one on."""
    size = _SIZES[dtype]
    span = min(loop.size // 2, asked // (2 * size))
    return Function(
        f"fill_{dtype}_{index}",
        dtype,
        (("written address", "out"), *_LOOP_ARGUMENTS),
        _loop_variables(loop),
        [
            "for k in range(part, count):",
            f"    start = first + k * {loop.size}",
            *_evaluated(
                dtype,
                loop,
                span,
                [
                    f"for piece in range({-(-2 * span * size // LINE)}):",
                    f"    prefetch(out, {size} * (start + 2 * origin) + {AHEAD} + {LINE} * piece)",
                ],
            ),
        ],
        private=True,
    )


def _stream_loop(dtype: str, index: int, loop: block_polynomial.Loop, asked: int) -> Function:
    """Likewise past the processor's cache: a sub-block goes to memory while the next one is computed.

    The buffer holds two of them.
    """
    size = _SIZES[dtype]
    span = min(loop.size // 2, asked // (2 * size))
    return Function(
        f"stream_{dtype}_{index}",
        dtype,
        (("written address", "out"), *_LOOP_ARGUMENTS, ("written address", "buffer")),
        _loop_variables(loop),
        [
            "for k in range(part, count):",
            f"    start = (k & 1) * {loop.size}",
            *_evaluated(
                dtype,
                loop,
                span,
                [
                    "if k > part:",
                    f"    piece = {loop.size} - start + 2 * origin",
                    f"    stream(out, {size} * (first + (k - 1) * {loop.size} + 2 * origin), buffer, "
                    f"{size} * piece, {2 * span * size})",
                ],
                "buffer",
            ),
            "if count > part:",
            f"    stream(out, {size} * (first + (count - 1) * {loop.size}), buffer, "
            f"{size * loop.size} * ((count - 1) & 1), {size * loop.size})",
        ],
        private=True,
    )


_LOOP_ARGUMENTS: tuple[tuple[str, str], ...] = (
    ("index", "first"),
    ("index", "part"),
    ("index", "count"),
    ("constants", "expansions"),
)


def _loop_variables(loop: block_polynomial.Loop) -> tuple[str, ...]:
    trace, _, _ = _mirrored(loop)
    return ("w", "square", *block_polynomial.expansion_names(loop), *_temporaries(trace))


def _mirrored(loop: block_polynomial.Loop) -> tuple[Trace, Number, Number]:
    trace = Trace()
    coefficients: list[Number] = [trace.argument(name) for name in block_polynomial.expansion_names(loop)]
    right, left = block_polynomial.mirrored(trace.argument("w"), trace.argument("square"), coefficients, loop)
    return trace, right, left


def _evaluated(
    dtype: str, loop: block_polynomial.Loop, span: int, meanwhile: list[str], out: str = "out"
) -> list[str]:
    """Sub-block ``k``, written outwards from its middle, in spans that something is done before."""
    trace, right, left = _mirrored(loop)
    half, unit = loop.size // 2, block_polynomial.UNIT[dtype]
    return [
        *(
            f"    {name} = {dtype}(expansions[{row * block_polynomial.MOST_SUB_BLOCKS} + k])"
            for row, name in enumerate(block_polynomial.expansion_names(loop))
        ),
        f"    for origin in range(0, {half}, {span}):",
        *_indented(meanwhile, 2),
        f"        end = start + {half} + origin",
        f"        done = start + {half - 1} - origin",
        f"        for i in range({span}):",
        f"            w = offsets_{dtype}[as_index(i + origin + {unit})]",
        f"            square = squares_{dtype}[as_index(i + origin + {unit})]",
        *_indented(_statements(trace), 3),
        f"            {out}[as_index(end + i)] = {text(right)}",
        f"            {out}[as_index(done - i)] = {text(left)}",
    ]


def _fill_blocks(dtype: str) -> Function:
    """Blocks of steps from the values at their nodes; those with a negative choice are left alone."""
    return _blocks(f"fill_blocks_{dtype}", dtype, f"fill_{dtype}_{{}}(out, first, part, count, expansions)")


def _stream_blocks(dtype: str) -> Function:
    """Likewise, past the processor's cache."""
    call = f"stream_{dtype}_{{}}(out, first, part, count, expansions, buffer)"
    return _streamed(_blocks(f"fill_blocks_{dtype}", dtype, call))


def _streamed(function: Function) -> Function:
    """A function whose loops write past the processor's cache, with their buffer."""
    return replace(
        function,
        name=function.name.replace("fill", "stream", 1),
        arguments=(*function.arguments, (f"written {function.name.rsplit('_', 1)[1]}", "buffer")),
        body=[*function.body, "finish_streams()"],
    )


def _blocks(name: str, dtype: str, loop_call: str) -> Function:
    return Function(
        name,
        dtype,
        (
            ("written vector", "out"),
            ("indices", "starts"),
            ("indices", "lengths"),
            ("doubles", "highs"),
            ("doubles", "lows"),
            ("written doubles", "coefficients"),
            ("written doubles", "expansions"),
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
                    f"    expand_{dtype}_{index}(coefficients, block, starts.shape[0], count, expansions)",
                    f"    {loop_call.format(index)}",
                )
            ),
        ],
        ("least",),
        shared=True,
    )


TILE = 2**14
"""Bytes that are read again from the nearest of the processor's caches."""

TILES_AHEAD = 2048
"""How many bytes before it writes to them a loop asks for lines that writes in many places by turns."""


def _fill_tiles(dtype: str, asked: int) -> Function:
    """Copies of so many values from a first one on, up to the end, the last one perhaps in part."""
    size = _SIZES[dtype]
    span = min(TILE, asked) // size
    return _tiles(
        f"fill_tiles_{dtype}",
        dtype,
        [
            f"for origin in range(0, count, {span}):",
            f"    for piece in range({span * size // LINE}):",
            f"        prefetch(tiled, {size} * (start + origin) + {TILES_AHEAD} + {LINE} * piece)",
            f"    for i in range(origin, min(origin + {span}, count)):",
            "        tiled[as_index(start + i)] = tiled[as_index(first + part + i)]",
        ],
    )


def _stream_tiles(dtype: str) -> Function:
    """Likewise past the processor's cache."""
    size = _SIZES[dtype]
    function = _tiles(
        f"stream_tiles_{dtype}",
        dtype,
        [f"stream(tiled, {size} * start, tiled, {size} * (first + part), {size} * count)"],
    )
    return replace(function, body=[*function.body, "finish_streams()"])


def _tiles(name: str, dtype: str, copy: list[str]) -> Function:
    tile = TILE // _SIZES[dtype]
    return Function(
        name,
        dtype,
        (("written vector", "tiled"), ("index", "first"), ("index", "length")),
        (),
        [
            f"for part in range(0, length, {tile}):",
            f"    end = min({tile}, length - part)",
            "    done = (tiled.shape[0] - 1 - first - part) // length",
            "    for k in range(1, done + 1):",
            "        start = first + part + k * length",
            "        count = min(end, tiled.shape[0] - start)",
            *_indented(copy, 2),
        ],
    )


Write = Callable[[str, str, str, list[str], str], list[str]]
"""From a dtype, the first index and the last, the statements for index ``i``, and its value, to loops."""


def _filling(dtype: str, begin: str, end: str, statements: list[str], value: str) -> list[str]:
    return [
        f"for i in range({begin}, {end}):",
        *_indented(statements),
        f"    out[as_index(i)] = {dtype}({value})",
    ]


STREAMED = 2048
"""Bytes that are written past the cache at once."""


def _streaming(dtype: str, begin: str, end: str, statements: list[str], value: str) -> list[str]:
    """Loops that write past the processor's cache, from a buffer."""
    size = _SIZES[dtype]
    span = STREAMED // size
    return [
        f"for origin in range({begin}, {end}, {span}):",
        f"    piece = min({span}, {end} - origin)",
        "    for i in range(origin, origin + piece):",
        *_indented(statements, 2),
        f"        buffer[as_index(i - origin)] = {dtype}({value})",
        f"    stream(out, {size} * origin, buffer, 0, {size} * piece)",
    ]


FLAT = {"float64": 2.0**-8, "float32": 2.0**-9}
"""Up to this part of a value, what is added to it needs no second number."""


def _lines(dtype: str, write: Write) -> Function:
    """Straight lines from their first and last values, in parts around whose middle they are flat."""
    unit = block_polynomial.UNIT[dtype]
    trace = Trace()
    first, last = (
        DoubleDouble(trace.argument(f"{end}_high"), trace.argument(f"{end}_low")) for end in ("first", "last")
    )
    slope = (last - first) / DoubleDouble(trace.argument("steps"))
    rise = slope * DoubleDouble(float(unit))
    of_line = trace.needed(slope.high, slope.low, rise.high, rise.low)
    middle = first + slope * DoubleDouble(trace.argument("place"))
    of_part = [operation for operation in trace.needed(middle.high, middle.low) if operation not in of_line]
    each = Trace()
    w, high, low, rise_high, rise_low = (
        each.argument(name) for name in ("w", "high", "low", "rise_high", "rise_low")
    )
    product = rise_high * w
    total = exact_sum(high, product)
    rest = fused_multiply_add(rise_high, w, -product) + multiply_add(rise_low, w, low)
    steep = total.high + (total.low + rest)
    temporaries = dict.fromkeys([*_temporaries(trace), *_temporaries(each)])
    least, greatest = block_polynomial.LEAST_VALUE[dtype], block_polynomial.GREATEST_VALUE[dtype]
    flat = (
        f"absolute(rise_high) <= {FLAT[dtype]} * (high - absolute(rise_high)) "
        f"and {least} <= high and high <= {greatest}"
    )

    def loop(value: str, operations: Iterable[Operation] = ()) -> list[str]:
        offset = f"w = offsets_{dtype}[as_index(i - start)]"
        return write(dtype, "start", "end", [offset, *_written(operations)], value)

    return Function(
        f"fill_lines_{dtype}",
        "float64",
        (
            (f"written {dtype}", "out"),
            ("indices", "starts"),
            *(("doubles", f"{end}_{part}s") for end in ("first", "last") for part in ("high", "low")),
        ),
        (
            *("first_high", "first_low", "last_high", "last_low", "steps", "place"),
            *("w", "high", "low", "rise_high", "rise_low"),
            *temporaries,
        ),
        [
            "for block in range(starts.shape[0] - 1):",
            "    first = starts[block]",
            "    count = starts[block + 1] - first",
            "    steps = float64(max(count - 1, 1))",
            *(
                f"    {end}_{part} = {end}_{part}s[block]"
                for end in ("first", "last")
                for part in ("high", "low")
            ),
            *_indented(_written(of_line)),
            f"    rise_high = {text(rise.high)}",
            f"    rise_low = {text(rise.low)}",
            f"    for part in range(0, count, {2 * unit}):",
            f"        place = float64(part) + {unit - 0.5}",
            "        start = first + part",
            f"        end = start + min(count - part, {2 * unit})",
            *_indented(_written(of_part), 2),
            f"        high = {text(middle.high)}",
            f"        low = {text(middle.low)}",
            f"        if {flat}:",
            f"            place = {dtype}(high)",
            "            low = (high - place) + low",
            *_indented(
                loop(f"{dtype}(place) + multiply_add({dtype}(rise_high), {dtype}(w), {dtype}(low))"), 3
            ),
            "        else:",
            *_indented(loop(text(steep), each.needed(steep)), 3),
            # A zero is exact.
            f"    out[as_index(first)] = {dtype}(first_high)",
            f"    out[as_index(first + count - 1)] = {dtype}(last_high)",
        ],
    )


def _cycles(dtype: str, write: Write) -> Function:
    """The distances of one cycle from an offset, times the gain of each cycle that begins at the starts."""
    trace = Trace()
    high, low, gain_high, gain_low, offset_high, offset_low = (
        trace.argument(f"{name}{part}") for name in ("", "gain_", "offset_") for part in ("high", "low")
    )
    product = gain_high * high
    lows = multiply_add(gain_high, low, gain_low * high)
    rest = fused_multiply_add(gain_high, high, -product) + (lows + offset_low)
    total = exact_sum(offset_high, product)
    anywhere = total.high + (total.low + rest)
    # Of numbers with one sign float64 has the bits that float32 needs.
    simple = (
        multiply_add(gain_high, high, offset_high)
        if dtype == "float32"
        else product + (fused_multiply_add(gain_high, high, -product) + lows)
    )
    condition = "least >= 0.0" if dtype == "float32" else "offset_high == 0.0"

    def loop(value: Number) -> list[str]:
        loads = [f"{name} = {name}s[as_index(i - start)]" for name in ("high", "low")]
        return write(dtype, "done", "end", [*loads, *_written(trace.needed(value))], text(value))

    return Function(
        f"fill_cycles_{dtype}",
        "float64",
        (
            (f"written {dtype}", "out"),
            ("indices", "starts"),
            ("doubles", "gain_highs"),
            ("doubles", "gain_lows"),
            ("doubles", "highs"),
            ("doubles", "lows"),
            ("scalar", "least"),
            ("scalar", "offset_high"),
            ("scalar", "offset_low"),
        ),
        ("high", "low", "gain_high", "gain_low", *_temporaries(trace)),
        [
            "for block in range(gain_highs.shape[0]):",
            "    gain_high = gain_highs[block]",
            "    gain_low = gain_lows[block]",
            # The first cycle may have begun before the vector, and the last one end behind it.
            "    start = starts[block]",
            "    done = max(start, 0)",
            "    end = min(starts[block + 1], out.shape[0])",
            f"    if {condition}:",
            *_indented(loop(simple), 2),
            "    else:",
            *_indented(loop(anywhere), 2),
        ],
    )


SPAN = 8
"""Short runs are written in spans of so many values."""


def _runs(dtype: str, write: Write) -> Function:
    """Runs of equal values, from the starts on; behind the last of these the last run ends."""
    return Function(
        f"fill_runs_{dtype}",
        dtype,
        ((f"written {dtype}", "out"), ("vector", "values"), ("indices", "starts")),
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
            *_indented(write(dtype, "first", "first + count", [], "value"), 2),
        ],
    )


def functions_of(kernel: Kernel) -> Iterator[Function]:
    """The two functions that a traced kernel becomes."""
    yield _point(kernel)
    yield _staged_loop(kernel)


def _staged_loop(kernel: Kernel) -> Function:
    """Contiguous arrays, through loops of a length that processors overlap the rounds of."""
    operations = kernel.trace.needed(*kernel.outputs)
    body, buffers = _staged(
        [operation for operation in operations if operation.result.varying],
        kernel.outputs,
        [f"{array} = {array}_array[as_index(part + i)]" for array in kernel.arrays],
        [f"{result}[as_index(part + i)] = {text(value)}" for result, value in kernel.assignments.items()],
    )
    return Function(
        kernel.name,
        "float64",
        (
            *(("vector", f"{array}_array") for array in kernel.arrays),
            *(("scalar", parameter) for parameter in kernel.parameters),
            *(("written vector", result) for result in kernel.results),
        ),
        (*kernel.arrays, *_results(operations)),
        [
            *_written(operation for operation in operations if not operation.result.varying),
            *body,
        ],
        buffers=buffers,
        linked=True,
    )


def _staged(
    operations: list[Operation], outputs: Iterable[Number], loads: list[str], stores: list[str]
) -> tuple[list[str], tuple[str, ...]]:
    """Loops over ``length`` steps, of which the current one is ``part + i``, and the buffers that they use.

    The stages of a long computation have a loop each; they hand on what they computed piece by piece.
    """
    parts = stages(operations, outputs)
    handed_on = {symbol.name for part in parts for symbol in part.taken}
    lines = []
    for part in parts:
        lines += [
            "for i in range(piece):",
            *_indented(loads),
            *_indented(f"{symbol.name} = {symbol.name}_piece[i]" for symbol in part.taken),
            *_indented(_written(part.operations)),
            *_indented(
                f"{result}_piece[i] = {result}" for result in _results(part.operations) if result in handed_on
            ),
        ]
    lines += _indented(stores)
    if len(parts) == 1:
        return ["part = 0", "piece = length", *lines], ()
    return [
        f"for part in range(0, length, {PIECE}):",
        f"    piece = min({PIECE}, length - part)",
        *_indented(lines),
    ], tuple(f"{name}_piece" for name in sorted(handed_on))


def step_functions(kernel: StepKernel) -> Iterator[Function]:
    """The functions that a kernel for arbitrary steps becomes."""
    yield _prepare(kernel)
    yield _value(kernel)
    for dtype in kernel.outputs:
        yield _rows(kernel, dtype, f"{kernel.name}_{dtype}", "vector")
    if "float32" in kernel.outputs:
        yield _rows(kernel, "float32", f"{kernel.name}_float32_steps", "floats")


def _prepare(kernel: StepKernel) -> Function:
    """From sets of parameters, in columns, to sets of constants."""
    operations = kernel.invariant()
    return Function(
        f"{kernel.name}_prepare",
        "float64",
        (("matrix", "parameters"), ("written matrix", "out")),
        (*kernel.parameters, *_results(operations)),
        [
            "for i in range(out.shape[1]):",
            *_indented(f"{name} = parameters[{row}, i]" for row, name in enumerate(kernel.parameters)),
            *_indented(_written(operations)),
            *_indented(f"out[{row}, i] = {text(number)}" for row, number in enumerate(kernel.constants)),
        ],
    )


def _value(kernel: StepKernel) -> Function:
    """The value at one step."""
    output = kernel.outputs["float64"]
    operations = kernel.varying(output)
    return Function(
        f"{kernel.name}_value",
        "float64",
        (("scalar", "step"), ("constants", "constants")),
        (*(constant.name for constant in kernel.constants), *_results(operations)),
        [
            *(f"{constant.name} = constants[{row}]" for row, constant in enumerate(kernel.constants)),
            *_written(operations),
            f"return {text(output)}",
        ],
        private=True,
        returned="double",
    )


def _rows(kernel: StepKernel, dtype: str, name: str, kind: str) -> Function:
    """The values at rows of steps, each row with constants of its own; the rows may have the same steps."""
    output = kernel.outputs[dtype]
    operations = kernel.varying(output)
    body, buffers = _staged(
        operations,
        [output],
        ["step = float64(steps[as_index(origin + part + i)])"],
        [f"out[as_index(first + part + i)] = {dtype}({text(output)})"],
    )
    return Function(
        name,
        "float64",
        (
            (kind, "steps"),
            ("index", "stride"),
            ("matrix", "constants"),
            (f"written {dtype}", "out"),
        ),
        ("step", *(constant.name for constant in kernel.constants), *_results(operations)),
        [
            "count = constants.shape[1]",
            "length = out.shape[0] // count",
            "for block in range(count):",
            *_indented(
                f"{constant.name} = constants[{row}, block]" for row, constant in enumerate(kernel.constants)
            ),
            "    first = block * length",
            "    origin = block * stride",
            *_indented(body),
        ],
        buffers=buffers,
    )


def _results(operations: Iterable[Operation]) -> tuple[str, ...]:
    return tuple(operation.result.name for operation in operations)


def all_functions(asked: int = ALL) -> Iterator[Function]:
    """Every function that an engine consists of."""
    for step_kernel in step_kernels():
        yield from step_functions(step_kernel)
    for name in TIME_MAPS:
        yield from functions_of(time_map_kernel(name))
    for name in FORMULAS:
        for formula_kernel in formula_kernels(name):
            yield from functions_of(formula_kernel)
    for name in COMPOSITION_MAPS:
        yield from functions_of(composition_kernel(name))
    for name in COMBINATIONS:
        yield from functions_of(combination_kernel(name))
    yield _sample_steps()
    for dtype, loops in block_polynomial.LOOPS.items():
        yield from block_functions(dtype, loops, asked)
        yield _fill_tiles(dtype, asked)
        yield _stream_tiles(dtype)
        yield _runs(dtype, _filling)
        yield _streamed(_runs(dtype, _streaming))
        yield _lines(dtype, _filling)
        yield _streamed(_lines(dtype, _streaming))
        yield _cycles(dtype, _filling)
        yield _streamed(_cycles(dtype, _streaming))


def block_functions(
    dtype: str, loops: Iterable[block_polynomial.Loop], asked: int = ALL
) -> Iterator[Function]:
    """What fills blocks, with these loops for those in ``block_polynomial.LOOPS``."""
    yield _fit(dtype)
    for index, loop in enumerate(loops):
        yield _expand(dtype, index, loop)
        yield _fill_loop(dtype, index, loop, asked)
        yield _stream_loop(dtype, index, loop, asked)
    yield _fill_blocks(dtype)
    yield _stream_blocks(dtype)


_INDICES = ("i", "k", "block", "part", "first", "start", "done", "end", "length", "count", "origin", "piece")
_CYTHON_NUMBER = {"float64": "double", "float32": "float"}
_CYTHON_ARGUMENT = {
    "scalar": "{number} {name}",
    "vector": "const {number}[::1] {name}",
    "written vector": "{number}[::1] {name}",
    "written address": "{number}* {name}",
    "doubles": "const double[::1] {name}",
    "written doubles": "double[::1] {name}",
    "floats": "const float[::1] {name}",
    "matrix": "const double[:, ::1] {name}",
    "written matrix": "double[:, ::1] {name}",
    "indices": "const int64_t[::1] {name}",
    "index": "Py_ssize_t {name}",
    "integer": "int64_t {name}",
    "constants": "const double* {name}",
    "written float64": "double[::1] {name}",
    "written float32": "float[::1] {name}",
}


def _cython_lines(function: Function) -> Iterator[str]:
    if function.linked:
        return _cython_linked(function)
    return _cython_shared(function) if function.shared else _cython_function(function)


_LINKS = ("high_array", "low_array", "other_high_array", "other_low_array", "out0", "out1")
"""The vectors that linked functions have, all or some of them."""


def _cython_linked(function: Function) -> Iterator[str]:
    """A function with the arguments that all in chains have, and the one for Python around it."""
    vectors = ", ".join(f"{'' if name.startswith('out') else 'const '}double* {name}" for name in _LINKS)
    scalars = [name for kind, name in function.arguments if kind == "scalar"]
    yield f"cdef void {function.name}_linked({vectors}, const double* parameters, Py_ssize_t length) noexcept nogil:"
    yield f"    cdef double {', '.join([*function.variables, *scalars])}"
    for name in function.buffers:
        yield f"    cdef double[{PIECE}] {name}"
    yield "    cdef Py_ssize_t i, part, piece"
    yield from _indented(f"{name} = parameters[{k}]" for k, name in enumerate(scalars))
    yield from _indented(function.body)
    yield ""
    given = {name for _, name in function.arguments}
    pointers = ", ".join(f"&{name}[0]" if name in given else "NULL" for name in _LINKS)
    yield f"def {function.name}({_cython_arguments(function)}):"
    yield f"    cdef double[{len(scalars) + 1}] parameters"
    yield from _indented(f"parameters[{k}] = {name}" for k, name in enumerate(scalars))
    yield "    with nogil:"
    yield f"        {function.name}_linked({pointers}, parameters, out0.shape[0])"
    yield ""


def _cython_arguments(function: Function) -> str:
    number = _CYTHON_NUMBER[function.dtype]
    return ", ".join(
        _CYTHON_ARGUMENT[kind].format(number=number, name=name) for kind, name in function.arguments
    )


def _cython_shared(function: Function) -> Iterator[str]:
    """A function for the engine itself, and the one for Python around it."""
    (result,) = function.results
    inner = replace(
        function,
        name=f"{function.name}_shared",
        body=[*function.body, f"return {result}"],
        results=(),
        private=True,
        returned="double",
    )
    yield from _cython_function(inner)
    yield f"def {function.name}({_cython_arguments(function)}):"
    yield f"    cdef double {result}"
    yield "    with nogil:"
    yield f"        {result} = {inner.name}({', '.join(name for _, name in function.arguments)})"
    yield f"    return {result}"
    yield ""


def _cython_function(function: Function) -> Iterator[str]:
    number = _CYTHON_NUMBER[function.dtype]
    arguments = _cython_arguments(function)
    if function.private:
        yield f"cdef {function.returned} {function.name}({arguments}) noexcept nogil:"
    else:
        yield f"def {function.name}({arguments}):"
    if function.variables:
        yield f"    cdef {number} {', '.join(function.variables)}"
    if function.integers:
        yield f"    cdef int64_t {', '.join(function.integers)}"
    for name in function.buffers:
        yield f"    cdef double[{PIECE}] {name}"
    given = [name for _, name in function.arguments]
    yield f"    cdef Py_ssize_t {', '.join(index for index in _INDICES if index not in given)}"
    yield "    with nogil:" if not function.private else "    if True:"
    yield from _indented(map(_with_addresses, function.body), 2)
    if function.results:
        yield f"    return {', '.join(function.results)}"
    yield ""


_ADDRESSED = re.compile(r"\b(prefetch|(fill|stream)(_\w+_\d)?)\(")


def _with_addresses(line: str) -> str:
    """A statement whose call takes the addresses of vectors."""
    if not _ADDRESSED.search(line):
        return line
    return re.sub(r"\b(out|tiled|buffer|expansions)\b(?!\.)", r"&\1[0]", line)


def _cython_offsets() -> Iterator[str]:
    """The offsets as C constants: a compiler that knows them keeps them in registers."""
    tables = {
        f"{name}_{dtype}": (number, table(dtype))
        for dtype, number in _CYTHON_NUMBER.items()
        for name, table in (("offsets", block_polynomial.offsets), ("squares", block_polynomial.squares))
    }
    yield "cdef extern from *:"
    yield '    """'
    for name, (number, values) in tables.items():
        yield f"    static const {number} {name}[] = {{{', '.join(map(repr, values))}}};"
    yield '    """'
    for name, (number, values) in tables.items():
        yield f"    const {number} {name}[{len(values)}]"
    yield ""


def cython_source() -> str:
    """The generated part of the Cython engine."""
    functions = list(all_functions(ASKED))
    lines = [line for function in functions for line in _cython_lines(function)]
    lines += _cython_addresses("_VALUES", {k.name: f"{k.name}_value" for k in step_kernels()})
    lines += _cython_addresses("_LINKED", {f.name: f"{f.name}_linked" for f in functions if f.linked})
    return "\n".join([*_cython_offsets(), *_cython_constants(), *lines, ""])


def _cython_constants() -> Iterator[str]:
    """What the engine must know of blocks."""
    constants = {
        "SHORTEST_BLOCK": block_polynomial.SHORTEST_BLOCK,
        "TOO_SMALL": int(block_polynomial.TOO_SMALL),
        "COEFFICIENTS": block_polynomial.COEFFICIENT_ROWS,
        "EXPANSIONS": block_polynomial.EXPANSION_ROWS * block_polynomial.MOST_SUB_BLOCKS,
        "NODES": len(block_polynomial.PLACES),
        # Of each block: the nodes and the values there, in two parts, its coefficients and its choice.
        "ROWS": 4 * len(block_polynomial.PLACES) + block_polynomial.COEFFICIENT_ROWS + 1,
        "AT_ONCE": block_polynomial.BLOCKS_AT_ONCE,
    }
    yield "cdef enum:"
    yield from _indented(f"{name} = {value}" for name, value in constants.items())
    yield f"cdef int64_t[{len(block_polynomial.PLACES)}] PLACES = {list(block_polynomial.PLACES)}"
    yield ""


def _cython_addresses(name: str, functions: Mapping[str, str]) -> Iterator[str]:
    """A dictionary of the addresses of functions."""
    yield f"cdef dict {name} = {{"
    for key, function in functions.items():
        yield f'    "{key}": <size_t><void*>&{function},'
    yield "}"


_STUB_TYPES = {"scalar": "float", "index": "int", "integer": "int"}
_LINK_CLASSES = {
    "KernelLink": "name: str, parameters: tuple[float, ...]",
    "ChainLink": "links: tuple[Link, ...]",
    "RowLink": "begins: list[tuple[float, float]], links: tuple[Link, ...]",
    "RepeatedLink": "row: Link, period: tuple[float, float], gain: float, offset: tuple[float, float]",
    "CombinedLink": "name: str, first: Link, second: Link",
    "TableLink": "rates: NDArray[Any], linear: bool",
    "CallLink": "function: Any",
}
_STUB_RESULTS = {0: "None", 1: "float"}


def stub_source() -> str:
    """The types of the functions of the Cython engine, as a stub file."""
    lines = [
        "from typing import Any",
        "",
        "from numpy.typing import NDArray",
        "",
        "def processor_features() -> list[str]: ...",
        "",
        "class Point:",
        "    def __init__(self, stages: list[tuple[str, list[float]]], limit: float) -> None: ...",
        "    def at(self, step: Any) -> float | None: ...",
        "",
        "class Link:",
        "    def on_arrays(self, pair: tuple[NDArray[Any], NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]: ...",
        "    def on_point(self, pair: tuple[float, float]) -> tuple[float, float]: ...",
        "    def at(self, step: Any) -> float | None: ...",
        "",
        *(
            f"class {name}(Link):\n    def __init__(self, {arguments}) -> None: ...\n"
            for name, arguments in _LINK_CLASSES.items()
        ),
        "def fill_blocks(",
        "    link: Link,",
        "    out: NDArray[Any],",
        "    starts: NDArray[Any],",
        "    lengths: NDArray[Any],",
        "    first: int,",
        "    step: int,",
        "    buffer: NDArray[Any] | None,",
        ") -> list[tuple[int, int]]: ...",
    ]
    for function in all_functions():
        arguments = ", ".join(
            f"{name}: {_STUB_TYPES.get(kind, 'NDArray[Any]')}" for kind, name in function.arguments
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
            *_indented(f"{name} = empty({PIECE})" for name in function.buffers),
            *_indented(["length = out0.shape[0]"] if function.linked else []),
            *_indented(function.body),
            *_indented([f"return {', '.join(function.results)}"] if function.results else []),
            "",
        ]
    return "\n".join(lines)
