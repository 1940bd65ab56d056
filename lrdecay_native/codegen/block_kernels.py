"""The functions that fill blocks of steps by polynomials, see :mod:`lrdecay_native.arithmetic.block_polynomial`.

``sample_nodes`` gives the steps at the nodes of blocks.  From the values there, ``fill_blocks_dtype`` and
``stream_blocks_dtype`` compute the rates of whole blocks; the second one writes past the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lrdecay_native.arithmetic import block_polynomial
from lrdecay_native.arithmetic.block_polynomial import Loop
from lrdecay_native.arithmetic.double_double import DoubleDouble
from lrdecay_native.arithmetic.recording import Number, Trace, text
from lrdecay_native.codegen.explanations import new_trace
from lrdecay_native.codegen.functions import Arguments, Function, indented, statements, temporaries
from lrdecay_native.codegen.tuning import (
    CACHE_LINE_BYTES,
    PREFETCH_AHEAD_BYTES,
    PREFETCHED_WHOLE_BYTES,
    VALUE_BYTES,
)

INVERSE_LENGTH = len(block_polynomial.coefficient_names())
"""The row behind those of the coefficients."""


def sample_nodes() -> Function:
    """The steps at the nodes of blocks of a grid, as ``high + low``: all first nodes, then all second ones, ..."""
    return Function(
        "sample_nodes",
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


def block_functions(
    dtype: str, loops: Iterable[Loop], prefetched_bytes: int = PREFETCHED_WHOLE_BYTES
) -> Iterator[Function]:
    """What fills blocks, with these loops for those in ``block_polynomial.LOOPS``."""
    yield _fit(dtype)
    for index, loop in enumerate(loops):
        yield _expand(dtype, index, loop)
        yield _fill_loop(dtype, index, loop, prefetched_bytes)
        yield _stream_loop(dtype, index, loop, prefetched_bytes)
    call = f"_{dtype}_{{}}(out, first, sub_block, count, expansions"
    yield _blocks("fill", dtype, f"fill{call})")
    yield _blocks("stream", dtype, f"stream{call}, buffer)")


def _fit(dtype: str) -> Function:
    """From the values at the nodes to the coefficients of each block and the loop for it."""
    trace = new_trace()
    count = len(block_polynomial.PLACES)
    values = [DoubleDouble(trace.argument(f"high{k}"), trace.argument(f"low{k}")) for k in range(count)]
    coefficients = block_polynomial.interpolate(values)
    choice = block_polynomial.choose(trace.argument("inverse_length"), coefficients, dtype)
    samples = [name for k in range(count) for name in (f"high{k}", f"low{k}")]
    return Function(
        f"fit_{dtype}",
        "float64",
        (
            ("values", "highs"),
            ("values", "lows"),
            ("index values", "lengths"),
            ("written values", "coefficients"),
            ("written values", "choices"),
            ("index", "count"),
        ),
        ("inverse_length", *samples, *temporaries(trace)),
        [
            # Apart: not every processor can turn a vector of integers into floats.
            "for block in range(count):",
            f"    coefficients[{INVERSE_LENGTH} * count + block] = 1.0 / float64(lengths[block])",
            "for block in range(count):",
            f"    inverse_length = coefficients[{INVERSE_LENGTH} * count + block]",
            *(f"    high{k} = highs[{k} * count + block]" for k in range(count)),
            *(f"    low{k} = lows[{k} * count + block]" for k in range(count)),
            *indented(statements(trace.operations)),
            *(
                f"    coefficients[{row} * count + block] = {text(value)}"
                for row, value in enumerate(coefficients)
            ),
            f"    choices[block] = {text(choice)}",
        ],
        private=True,
    )


def _expand(dtype: str, index: int, loop: Loop) -> Function:
    """From the coefficients of a block to those of its sub-blocks."""
    trace = new_trace()
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
            ("values", "coefficients"),
            ("index", "block"),
            ("index", "length"),
            ("index", "count"),
            ("written values", "expansions"),
        ),
        ("u", "inverse_length", *names, *temporaries(trace)),
        [
            f"inverse_length = coefficients[{INVERSE_LENGTH} * length + block]",
            *(f"{name} = coefficients[{row} * length + block]" for row, name in enumerate(names)),
            # Apart: not every processor can turn a vector of integers into floats.
            "for i in range(count):",
            "    expansions[i] = float64(i)",
            "for i in range(count):",
            f"    u = ({2.0 * loop.size} * expansions[i] + {loop.size - 1.0}) * inverse_length - 1.0",
            *indented(statements(trace.operations)),
            *indented(
                f"expansions[{row * block_polynomial.MOST_SUB_BLOCKS} + i] = {text(value)}"
                for row, value in enumerate(expanded)
            ),
        ],
        private=True,
    )


_LOOP_ARGUMENTS: Arguments = (
    ("written values", "out"),
    ("index", "first"),
    ("index", "sub_block"),
    ("index", "count"),
    ("double values", "expansions"),
)


def _fill_loop(dtype: str, index: int, loop: Loop, prefetched_bytes: int) -> Function:
    """The sub-blocks of a block, from a given one on."""
    size = VALUE_BYTES[dtype]
    span = _span(dtype, loop, prefetched_bytes)
    lines = -(-2 * span * size // CACHE_LINE_BYTES)
    return Function(
        f"fill_{dtype}_{index}",
        dtype,
        _LOOP_ARGUMENTS,
        _loop_variables(loop),
        [
            "for k in range(sub_block, count):",
            f"    start = first + k * {loop.size}",
            *_evaluated(
                dtype,
                loop,
                span,
                [
                    f"for line in range({lines}):",
                    f"    prefetch(out, {size} * (start + 2 * origin) + {PREFETCH_AHEAD_BYTES} "
                    f"+ {CACHE_LINE_BYTES} * line)",
                ],
            ),
        ],
        private=True,
    )


def _stream_loop(dtype: str, index: int, loop: Loop, prefetched_bytes: int) -> Function:
    """The same past the processor's cache: a sub-block goes to memory while the next one is computed.

    The buffer holds two of them.
    """
    size = VALUE_BYTES[dtype]
    span = _span(dtype, loop, prefetched_bytes)
    return Function(
        f"stream_{dtype}_{index}",
        dtype,
        (*_LOOP_ARGUMENTS, ("written values", "buffer")),
        _loop_variables(loop),
        [
            "for k in range(sub_block, count):",
            f"    start = (k & 1) * {loop.size}",
            *_evaluated(
                dtype,
                loop,
                span,
                [
                    "if k > sub_block:",
                    f"    other = {loop.size} - start + 2 * origin",
                    f"    stream(out, {size} * (first + (k - 1) * {loop.size} + 2 * origin), buffer, "
                    f"{size} * other, {2 * span * size})",
                ],
                "buffer",
            ),
            "if count > sub_block:",
            f"    stream(out, {size} * (first + (count - 1) * {loop.size}), buffer, "
            f"{size * loop.size} * ((count - 1) & 1), {size * loop.size})",
        ],
        private=True,
    )


def _span(dtype: str, loop: Loop, prefetched_bytes: int) -> int:
    """How many steps on either side of the middle are evaluated between two requests for lines of the cache."""
    return min(loop.size // 2, prefetched_bytes // (2 * VALUE_BYTES[dtype]))


def _loop_variables(loop: Loop) -> tuple[str, ...]:
    trace, _, _ = _mirrored(loop)
    return ("w", "square", *block_polynomial.expansion_names(loop), *temporaries(trace))


def _mirrored(loop: Loop) -> tuple[Trace, Number, Number]:
    trace = new_trace()
    coefficients: list[Number] = [trace.argument(name) for name in block_polynomial.expansion_names(loop)]
    right, left = block_polynomial.mirrored(trace.argument("w"), trace.argument("square"), coefficients, loop)
    return trace, right, left


def _evaluated(dtype: str, loop: Loop, span: int, meanwhile: list[str], out: str = "out") -> list[str]:
    """Sub-block ``k``, written outwards from its middle, in spans that something is done before."""
    trace, right, left = _mirrored(loop)
    half, unit = loop.size // 2, block_polynomial.UNIT[dtype]
    return [
        *(
            f"    {name} = {dtype}(expansions[{row * block_polynomial.MOST_SUB_BLOCKS} + k])"
            for row, name in enumerate(block_polynomial.expansion_names(loop))
        ),
        f"    for origin in range(0, {half}, {span}):",
        *indented(meanwhile, 2),
        f"        end = start + {half} + origin",
        f"        done = start + {half - 1} - origin",
        f"        for i in range({span}):",
        f"            w = offsets_{dtype}[as_index(i + origin + {unit})]",
        f"            square = squares_{dtype}[as_index(i + origin + {unit})]",
        *indented(statements(trace.operations), 3),
        f"            {out}[as_index(end + i)] = {text(right)}",
        f"            {out}[as_index(done - i)] = {text(left)}",
    ]


def _blocks(way: str, dtype: str, loop_call: str) -> Function:
    """Blocks of steps from the values at their nodes; those with a negative choice are left alone."""
    streamed = way == "stream"
    return Function(
        f"{way}_blocks_{dtype}",
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
            *([("written vector", "buffer")] if streamed else []),
        ),
        ("least",),
        [
            f"fit_{dtype}(highs, lows, lengths, coefficients, out_choices, starts.shape[0])",
            "least = 0.0",
            "end = 0",
            "for block in range(starts.shape[0]):",
            "    first = starts[block]",
            # The last block may overlap the one before it.
            "    done = max(end - first, 0)",
            "    end = first + lengths[block]",
            "    least = min(least, out_choices[block])",
            *indented(
                line
                for index, loop in enumerate(block_polynomial.LOOPS[dtype])
                for line in (
                    f"if out_choices[block] == {float(index)}:",
                    f"    sub_block = done // {loop.size}",
                    f"    count = lengths[block] // {loop.size}",
                    f"    expand_{dtype}_{index}(coefficients, block, starts.shape[0], count, expansions)",
                    f"    {loop_call.format(index)}",
                )
            ),
            *(["finish_streams()"] if streamed else []),
        ],
        ("least",),
    )
