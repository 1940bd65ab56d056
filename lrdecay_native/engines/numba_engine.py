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
from lrdecay_native.engines.python_chains import CallLink as CallLink
from lrdecay_native.engines.python_chains import ChainLink as ChainLink
from lrdecay_native.engines.python_chains import Chains, Kernels
from lrdecay_native.engines.python_chains import RowLink as RowLink
from lrdecay_native.generation import LINE, all_functions, python_source


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
    first = min(-to % LINE, size)
    last = first + (size - first) // LINE * LINE
    for begin, end in ((0, first), (last, size)):
        for k in range(begin // out.itemsize, end // out.itemsize):
            out[offset // out.itemsize + k] = values[origin // out.itemsize + k]
    for place in range(first, last, LINE):
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


globals().update(load(python_source(all_functions())))


class Point:
    """As the Cython engine's: the value at single steps of kernels one after the other."""

    def __init__(self, stages: list[tuple[str, list[float]]], limit: float) -> None:
        self._stages = [(globals()[f"{kernel}_value"], array(constants)) for kernel, constants in stages]
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


def _on_arrays(kernel: str, variable: Any, *others: Any) -> Any:
    result = empty(len(variable[0])), empty(len(variable[0]))
    globals()[kernel](*variable, *others, *result)
    return result


def _on_point(kernel: str, variable: Any, *others: float) -> Any:
    return globals()[f"{kernel}_point"](*variable, *others)


def _write_blocks(out: Any, *arguments: Any) -> float:
    *blocks, buffer = arguments
    dtype = "float64" if out.itemsize == 8 else "float32"
    if buffer is None:
        least: float = globals()[f"fill_blocks_{dtype}"](out, *blocks)
    else:
        least = globals()[f"stream_blocks_{dtype}"](out, *blocks, buffer)
    return least


_CHAINS = Chains(Kernels(_on_arrays, _on_point), globals()["sample_steps"], _write_blocks)

KernelLink = _CHAINS.kernel_link
RepeatedLink = _CHAINS.repeated_link
CombinedLink = _CHAINS.combined_link
TableLink = _CHAINS.table_link
fill_blocks = _CHAINS.fill_blocks
