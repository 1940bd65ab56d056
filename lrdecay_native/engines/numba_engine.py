"""The numba engine: the same kernels as the Cython engine, compiled on first use and cached on disk."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy import abs as absolute
from numpy import array, bool_, empty, floor, integer, timedelta64
from numpy import sqrt as square_root

from lrdecay_native.arithmetic.block_polynomial import UNIT, offsets, squares
from lrdecay_native.codegen.catalogue import all_functions
from lrdecay_native.codegen.python_source import python_source
from lrdecay_native.codegen.tuning import CACHE_LINE_BYTES
from lrdecay_native.engines.interface import Doubles, Indices, Pair, PointPair, Rates
from lrdecay_native.engines.python_chains import Chains, Kernels
from lrdecay_native.engines.python_chains import CompiledCall as CompiledCall
from lrdecay_native.engines.python_chains import CompiledPiecewise as CompiledPiecewise
from lrdecay_native.engines.python_chains import CompiledPipeline as CompiledPipeline


@intrinsic
def fused_multiply_add(context: Any, a: Any, b: Any, c: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


@intrinsic
def multiply_add(context: Any, a: Any, b: Any, c: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number = arguments[0].type
        function = builder.module.declare_intrinsic(
            "llvm.fmuladd", [number], ir.FunctionType(number, [number] * 3)
        )
        return builder.call(function, arguments)

    return c(c, c, c), generate


@intrinsic
def _representation(context: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.uint64(types.float64), generate


@intrinsic
def _represented(context: Any, bits: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.uint64), generate


@intrinsic
def prefetch(context: Any, array: Any, offset: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte, number = ir.PointerType(ir.IntType(8)), ir.IntType(32)
        data = builder.bitcast(context.make_array(array)(context, builder, arguments[0]).data, byte)
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", [byte], ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        )
        # To be written; kept in every cache; data.
        modes = [ir.Constant(number, mode) for mode in (1, 3, 1)]
        builder.call(function, [builder.gep(data, [arguments[1]]), *modes])
        return context.get_dummy_value()

    return types.none(array, types.int64), generate


@intrinsic
def _address(context: Any, array: Any, offset: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(array)(context, builder, arguments[0]).data
        return builder.add(builder.ptrtoint(data, ir.IntType(64)), arguments[1])

    return types.int64(array, types.int64), generate


@intrinsic
def _stream_line(context: Any, to: Any, source: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        part = ir.VectorType(ir.IntType(64), 4)
        for offset in (0, 32):
            target, origin = (
                builder.inttoptr(builder.add(address, address.type(offset)), part.as_pointer())
                for address in arguments
            )
            store = builder.store(builder.load(origin, align=4), target, align=32)
            store.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)]))
        return context.get_dummy_value()

    return types.none(types.int64, types.int64), generate


@intrinsic
def finish_streams(context: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.none(), generate


@numba.njit
def stream(out: Any, offset: int, values: Any, origin: int, size: int) -> None:
    to: int = _address(out, offset)
    source: int = _address(values, origin)
    first = min(-to % CACHE_LINE_BYTES, size)
    last = first + (size - first) // CACHE_LINE_BYTES * CACHE_LINE_BYTES
    for begin, end in ((0, first), (last, size)):
        for k in range(begin // out.itemsize, end // out.itemsize):
            out[offset // out.itemsize + k] = values[origin // out.itemsize + k]
    for place in range(first, last, CACHE_LINE_BYTES):
        _stream_line(to + place, source + place)


_SHIFT = numba.uint64(52)
_TWO_TO_52 = numba.uint64(0x4330000000000000)


@numba.njit(inline="always")
def power_of_two(exponent: float, shift: float) -> float:
    return _represented(_representation(exponent + (shift + (1023.0 + 1.5 * 2.0**52))) << _SHIFT)


@numba.njit(inline="always")
def binary_exponent(value: float) -> float:
    return _represented((_representation(value) >> _SHIFT) | _TWO_TO_52) - (2.0**52 + 1023.0)


@numba.njit(inline="always")
def rounding_error(value: Any, rounded: Any) -> Any:
    # Rounded may be 2**63: the difference wraps around to the right one.
    return numba.float64(numba.int64(numba.uint64(value) - numba.uint64(rounded)))


_ROOT_TO_ONE = numba.uint64(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)


@numba.njit(inline="always")
def nearest_exponent(value: float) -> float:
    bits = _representation(value) + _ROOT_TO_ONE
    return _represented((bits >> _SHIFT) | _TWO_TO_52) - (2.0**52 + 1023.0)


def _cache_folder() -> Path:
    configured = os.environ.get("LRDECAY_CACHE_DIR") or os.environ.get("NUMBA_CACHE_DIR")
    folder = Path(configured) if configured else Path.home() / ".cache" / "lrdecay_native"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="lrdecay_native-"))


def _source_file(source: str) -> Path:
    """A file that holds the source: numba caches only what comes from a file, beside that file."""
    content = Path(__file__).read_text() + source
    path = _cache_folder() / f"kernels_{hashlib.sha256(content.encode()).hexdigest()[:16]}.py"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            file.write(source)
        Path(file.name).replace(path)
    return path


def load(source: str) -> dict[str, Any]:
    """Compile generated source; its functions are translated to machine code on their first call."""
    namespace: dict[str, Any] = {
        "__name__": __name__,
        "compiled": numba.njit(cache=True, nogil=True, error_model="numpy"),
        "float32": numba.float32,
        "float64": numba.float64,
        # Numba counts a signed index from the end where it is negative, and does not vectorise that.
        "as_index": numba.uint64,
        "INFINITY": np.inf,
        "absolute": absolute,
        "floor": floor,
        **{f"offsets_{dtype}": np.array(offsets(dtype), dtype) for dtype in UNIT},
        **{f"squares_{dtype}": np.array(squares(dtype), dtype) for dtype in UNIT},
        "rounding_error": rounding_error,
        "fused_multiply_add": fused_multiply_add,
        "multiply_add": multiply_add,
        "prefetch": prefetch,
        "stream": stream,
        "finish_streams": finish_streams,
        "power_of_two": power_of_two,
        "square_root": square_root,
        "binary_exponent": binary_exponent,
        "nearest_exponent": nearest_exponent,
        "empty": empty,
    }
    exec(compile(source, str(_source_file(source)), "exec"), namespace)
    return namespace


_FUNCTIONS = load(python_source(function for group in all_functions().values() for function in group))
_ENDS = {("d", "d"): "float64", ("d", "f"): "float32", ("f", "f"): "float32_steps"}
_DTYPES = {8: "float64", 4: "float32"}


def prepare(kernel: str, parameters: Doubles, out: Doubles) -> None:
    """Write what a kernel needs to know of sets of parameters; each has a column in both matrices."""
    _FUNCTIONS[f"{kernel}_prepare"](parameters, out)


def evaluate(kernel: str, steps: Rates, stride: int, constants: Doubles, out: Rates) -> None:
    """Write the values at rows of steps, each with a column of the constants."""
    function = _FUNCTIONS[f"{kernel}_{_ENDS[steps.dtype.char, out.dtype.char]}"]
    function(steps.reshape(-1), stride, constants, out.reshape(-1))


def apply_to_arrays(kernel: str, variable: Pair, *others: Any) -> Pair:
    """The values of a kernel at a pair of contiguous arrays."""
    result = np.empty_like(variable[0]), np.empty_like(variable[0])
    _FUNCTIONS[kernel](*variable, *others, *result)
    return result


def apply_to_point(kernel: str, variable: PointPair, *others: float) -> PointPair:
    """The value of a kernel at a pair of floats."""
    result: PointPair = _FUNCTIONS[f"{kernel}_point"](*variable, *others)
    return result


def sample_steps(
    out_highs: Doubles,
    out_lows: Doubles,
    starts: Indices,
    lengths: Indices,
    nodes: Indices,
    first: int,
    step: int,
) -> None:
    """Write the steps at the nodes of blocks, as ``high + low``: all first nodes, then all second ones, ..."""
    _FUNCTIONS["sample_nodes"](out_highs, out_lows, starts, lengths, nodes, first, step)


def _write(what: str, out: Rates, *arguments: Any) -> Any:
    """Through the processor's cache, or past it by way of a buffer, the last argument."""
    *others, buffer = arguments
    if buffer is None:
        return _FUNCTIONS[f"fill_{what}_{_DTYPES[out.itemsize]}"](out, *others)
    # Tiles need no buffer.
    last = () if what == "tiles" else (buffer,)
    return _FUNCTIONS[f"stream_{what}_{_DTYPES[out.itemsize]}"](out, *others, *last)


def write_blocks(
    out: Rates,
    starts: Indices,
    lengths: Indices,
    highs: Doubles,
    lows: Doubles,
    coefficients: Doubles,
    expansions: Doubles,
    out_choices: Doubles,
    buffer: Rates | None,
) -> float:
    """Fill blocks from the values at their nodes, and give the least choice."""
    fitted = (highs, lows, coefficients, expansions, out_choices)
    least: float = _write("blocks", out, starts, lengths, *fitted, buffer)
    return least


def write_lines(
    out: Rates,
    starts: Indices,
    first_highs: Doubles,
    first_lows: Doubles,
    last_highs: Doubles,
    last_lows: Doubles,
    buffer: Rates | None,
) -> None:
    """Write straight lines, each from one of the starts to the one behind it."""
    _write("lines", out, starts, first_highs, first_lows, last_highs, last_lows, buffer)


def write_cycles(
    out: Rates,
    starts: Indices,
    gain_highs: Doubles,
    gain_lows: Doubles,
    highs: Doubles,
    lows: Doubles,
    least: float,
    offset_high: float,
    offset_low: float,
    buffer: Rates | None,
) -> None:
    """Write the distances of one cycle from an offset, times the gain of each cycle that begins at the starts."""
    cycle = (highs, lows, least, offset_high, offset_low)
    _write("cycles", out, starts, gain_highs, gain_lows, *cycle, buffer)


def write_runs(out: Rates, values: Rates, starts: Indices, buffer: Rates | None) -> None:
    """Write runs of equal values, from the starts on; behind the last of these the last run ends."""
    _write("runs", out, values, starts, buffer)


def write_tiles(tiled: Rates, first: int, length: int, buffer: Rates | None) -> None:
    """Write copies of so many values from a first one on, up to the end."""
    _write("tiles", tiled, first, length, buffer)


class Point:
    """The value at single steps of kernels one after the other, each applied to the result of the one before."""

    def __init__(self, stages: list[tuple[str, list[float]]], limit: float) -> None:
        self._stages = [(_FUNCTIONS[f"{kernel}_value"], array(constants)) for kernel, constants in stages]
        self._limit = limit

    def at(self, step: Any) -> float | None:
        """The value at a step, or None for a step that needs more bits, isn't in range, or is no number."""
        if isinstance(step, (bool, bool_, timedelta64)) or not isinstance(step, (int, float, integer)):
            return None
        if isinstance(step, integer):
            step = int(step)
        try:
            value = float(step)
        except OverflowError:
            return None
        if not 0.0 <= value < self._limit or value != step:
            return None
        for function, constants in self._stages:
            value = function(value, constants)
        return value


_CHAINS = Chains(Kernels(apply_to_arrays, apply_to_point), sample_steps, write_blocks)

CompiledKernel = _CHAINS.kernel_link
CompiledPeriodic = _CHAINS.repeated_link
CompiledCombination = _CHAINS.combined_link
CompiledTable = _CHAINS.table_link
fill_blocks = _CHAINS.fill_blocks
