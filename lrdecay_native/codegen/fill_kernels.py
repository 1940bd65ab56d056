"""The functions that write tiles, straight lines, cycles and runs of equal values.

``fill_..._dtype`` write through the processor's cache, ``stream_..._dtype`` past it, by way of a buffer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from lrdecay_native.arithmetic import block_polynomial
from lrdecay_native.arithmetic.double_double import DoubleDouble, exact_sum
from lrdecay_native.arithmetic.recording import Number, Operation, fused_multiply_add, multiply_add, text
from lrdecay_native.codegen.explanations import new_trace
from lrdecay_native.codegen.functions import Function, indented, statements, temporaries
from lrdecay_native.codegen.tuning import (
    CACHE_LINE_BYTES,
    FLAT_RATIO,
    PREFETCHED_WHOLE_BYTES,
    SHORT_RUN_STEPS,
    STREAMED_BYTES,
    TILE_BYTES,
    TILE_PREFETCH_AHEAD_BYTES,
    VALUE_BYTES,
)

Write = Callable[[str, str, str, list[str], str], list[str]]
"""From a dtype, the first index and the last, the statements for index ``i``, and its value, to loops."""


def fill_functions(dtype: str, prefetched_bytes: int = PREFETCHED_WHOLE_BYTES) -> Iterator[Function]:
    """What writes rates that need no polynomials."""
    yield _fill_tiles(dtype, prefetched_bytes)
    yield _stream_tiles(dtype)
    for function in (_runs, _lines, _cycles):
        yield function(dtype, _filling)
        yield _streamed(function(dtype, _streaming))


def _streamed(function: Function) -> Function:
    """A function whose loops write past the processor's cache, with their buffer."""
    return replace(
        function,
        name=function.name.replace("fill", "stream", 1),
        arguments=(*function.arguments, (f"written {function.name.rsplit('_', 1)[1]}", "buffer")),
        body=[*function.body, "finish_streams()"],
    )


def _filling(dtype: str, begin: str, end: str, before: list[str], value: str) -> list[str]:
    return [
        f"for i in range({begin}, {end}):",
        *indented(before),
        f"    out[as_index(i)] = {dtype}({value})",
    ]


def _streaming(dtype: str, begin: str, end: str, before: list[str], value: str) -> list[str]:
    """Loops that write past the processor's cache, from a buffer."""
    size = VALUE_BYTES[dtype]
    buffered = STREAMED_BYTES // size
    return [
        f"for origin in range({begin}, {end}, {buffered}):",
        f"    buffered = min({buffered}, {end} - origin)",
        "    for i in range(origin, origin + buffered):",
        *indented(before, 2),
        f"        buffer[as_index(i - origin)] = {dtype}({value})",
        f"    stream(out, {size} * origin, buffer, 0, {size} * buffered)",
    ]


def _fill_tiles(dtype: str, prefetched_bytes: int) -> Function:
    """Copies of so many values from a first one on, up to the end, the last one perhaps in part."""
    size = VALUE_BYTES[dtype]
    span = min(TILE_BYTES, prefetched_bytes) // size
    return _tiles(
        f"fill_tiles_{dtype}",
        dtype,
        [
            f"for origin in range(0, count, {span}):",
            f"    for line in range({span * size // CACHE_LINE_BYTES}):",
            f"        prefetch(tiled, {size} * (start + origin) + {TILE_PREFETCH_AHEAD_BYTES} "
            f"+ {CACHE_LINE_BYTES} * line)",
            f"    for i in range(origin, min(origin + {span}, count)):",
            "        tiled[as_index(start + i)] = tiled[as_index(first + tile + i)]",
        ],
    )


def _stream_tiles(dtype: str) -> Function:
    """The same past the processor's cache."""
    size = VALUE_BYTES[dtype]
    function = _tiles(
        f"stream_tiles_{dtype}",
        dtype,
        [f"stream(tiled, {size} * start, tiled, {size} * (first + tile), {size} * count)"],
    )
    return replace(function, body=[*function.body, "finish_streams()"])


def _tiles(name: str, dtype: str, copy: list[str]) -> Function:
    tile = TILE_BYTES // VALUE_BYTES[dtype]
    return Function(
        name,
        dtype,
        (("written vector", "tiled"), ("index", "first"), ("index", "length")),
        (),
        [
            f"for tile in range(0, length, {tile}):",
            f"    end = min({tile}, length - tile)",
            "    done = (tiled.shape[0] - 1 - first - tile) // length",
            "    for k in range(1, done + 1):",
            "        start = first + tile + k * length",
            "        count = min(end, tiled.shape[0] - start)",
            *indented(copy, 2),
        ],
    )


def _lines(dtype: str, write: Write) -> Function:
    """Straight lines from their first and last values, in segments around whose middle they are flat."""
    unit = block_polynomial.UNIT[dtype]
    trace = new_trace()
    first, last = (
        DoubleDouble(trace.argument(f"{end}_high"), trace.argument(f"{end}_low")) for end in ("first", "last")
    )
    slope = (last - first) / DoubleDouble(trace.argument("steps"))
    rise = slope * DoubleDouble(float(unit))
    of_line = trace.needed(slope.high, slope.low, rise.high, rise.low)
    middle = first + slope * DoubleDouble(trace.argument("place"))
    of_segment = [
        operation for operation in trace.needed(middle.high, middle.low) if operation not in of_line
    ]
    each = new_trace()
    w, high, low, rise_high, rise_low = (
        each.argument(name) for name in ("w", "high", "low", "rise_high", "rise_low")
    )
    product = rise_high * w
    total = exact_sum(high, product)
    rest = fused_multiply_add(rise_high, w, -product) + multiply_add(rise_low, w, low)
    steep = total.high + (total.low + rest)
    least, greatest = block_polynomial.LEAST_VALUE[dtype], block_polynomial.GREATEST_VALUE[dtype]
    flat = (
        f"absolute(rise_high) <= {FLAT_RATIO[dtype]} * (high - absolute(rise_high)) "
        f"and {least} <= high and high <= {greatest}"
    )

    def loop(value: str, operations: Iterable[Operation] = ()) -> list[str]:
        offset = f"w = offsets_{dtype}[as_index(i - start)]"
        return write(dtype, "start", "end", [offset, *statements(operations)], value)

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
            *dict.fromkeys([*temporaries(trace), *temporaries(each)]),
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
            *indented(statements(of_line)),
            f"    rise_high = {text(rise.high)}",
            f"    rise_low = {text(rise.low)}",
            f"    for segment in range(0, count, {2 * unit}):",
            f"        place = float64(segment) + {unit - 0.5}",
            "        start = first + segment",
            f"        end = start + min(count - segment, {2 * unit})",
            *indented(statements(of_segment), 2),
            f"        high = {text(middle.high)}",
            f"        low = {text(middle.low)}",
            f"        if {flat}:",
            f"            place = {dtype}(high)",
            "            low = (high - place) + low",
            *indented(
                loop(f"{dtype}(place) + multiply_add({dtype}(rise_high), {dtype}(w), {dtype}(low))"), 3
            ),
            "        else:",
            *indented(loop(text(steep), each.needed(steep)), 3),
            # A zero is exact.
            f"    out[as_index(first)] = {dtype}(first_high)",
            f"    out[as_index(first + count - 1)] = {dtype}(last_high)",
        ],
    )


def _cycles(dtype: str, write: Write) -> Function:
    """The distances of one cycle from an offset, times the gain of each cycle that begins at the starts."""
    trace = new_trace()
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
        return write(dtype, "done", "end", [*loads, *statements(trace.needed(value))], text(value))

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
        ("high", "low", "gain_high", "gain_low", *temporaries(trace)),
        [
            "for block in range(gain_highs.shape[0]):",
            "    gain_high = gain_highs[block]",
            "    gain_low = gain_lows[block]",
            # The first cycle may have begun before the vector, and the last one end behind it.
            "    start = starts[block]",
            "    done = max(start, 0)",
            "    end = min(starts[block + 1], out.shape[0])",
            f"    if {condition}:",
            *indented(loop(simple), 2),
            "    else:",
            *indented(loop(anywhere), 2),
        ],
    )


def _runs(dtype: str, write: Write) -> Function:
    """Runs of equal values, from the starts on; behind the last of these the last run ends."""
    group = SHORT_RUN_STEPS
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
            f"    if count < {8 * group} and first + count + {group} <= out.shape[0]:",
            # What is written past the run is written over by the next one.
            f"        for k in range((count + {group - 1}) >> {group.bit_length() - 1}):",
            f"            for i in range({group}):",
            f"                out[as_index(first + k * {group} + i)] = value",
            "    else:",
            *indented(write(dtype, "first", "first + count", [], "value"), 2),
        ],
    )
