"""Checks of arguments: each error names the parameter, the value and what would be right."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.parameters import LARGEST as LARGEST
from lrdecay_native.parameters import NOT_NEGATIVE, POSITIVE, Range
from lrdecay_native.parameters import SMALLEST as SMALLEST

LINE = 64
"""Bytes in a line of the processor's cache."""

SHORT = 2**14
"""Values; in a shorter array it does not matter where it begins."""

FLOATS = (np.dtype(np.float64), np.dtype(np.float32))
"""The dtypes of results."""

LONGEST_VALUE, LONGEST_MESSAGE = 200, 2000
"""Characters of a value in a message, and of a message about what was read."""

STEP_LIMIT = 2**63
"""Steps lie in ``[0, STEP_LIMIT)``."""


def shown(value: Any) -> str:
    """A value's repr, its midst left out where it is long: a file may hold anything."""
    return shortened(repr(value), LONGEST_VALUE)


def shortened(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """A text, its midst left out where it is long."""
    if len(text) <= longest:
        return text
    return f"{text[: longest // 2]} ... {text[-longest // 2 :]}"


@contextmanager
def short_messages() -> Iterator[None]:
    """Shorten messages about what was read, which may repeat it whole."""
    try:
        yield
    except (ValueError, TypeError) as error:
        if len(str(error)) <= LONGEST_MESSAGE:
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(shortened(str(error))) from None


def depth_of_json(text: str | bytes) -> int:
    """How deep lists and dictionaries are nested in JSON text."""
    decoded = text if isinstance(text, str) else bytes(text).decode(json.detect_encoding(text), "replace")
    depth = deepest = 0
    for token in re.findall(r'"(?:[^"\\]|\\.)*"|[][{}]', decoded):
        depth += (token in "[{") - (token in "]}")
        deepest = max(deepest, depth)
    return deepest


def real(name: str, value: Any) -> float:
    """A finite real number as a Python float."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(f"{name}={value!r} must be a real number, not {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name}={value!r} must be finite, as a float64")
    return number


def within(name: str, value: Any, values: Range) -> float:
    """A real number within a range."""
    number = real(name, value)
    if number not in values:
        raise ValueError(f"{name}={value!r} must be {values}")
    return number + 0.0  # not -0.0


def positive(name: str, value: Any) -> float:
    """A real number in ``[SMALLEST, LARGEST]``."""
    return within(name, value, POSITIVE)


def not_negative(name: str, value: Any) -> float:
    """Zero, or a real number in ``[SMALLEST, LARGEST]``."""
    return within(name, value, NOT_NEGATIVE)


def flag(name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}={value!r} must be True or False, not {type(value).__name__}")
    return bool(value)


def one_of(name: str, value: Any, allowed: Iterable[str]) -> str:
    """One of some texts, as a plain one: a subclass may have another repr."""
    texts = list(allowed)
    if not isinstance(value, str) or value not in texts:
        *others, last = map(repr, texts)
        raise ValueError(f"{name}={shown(value)} must be {', '.join(others)} or {last}")
    return texts[texts.index(value)]


def whole(name: str, value: Any, *, lowest: int = 0) -> int:
    """An integer in ``[lowest, STEP_LIMIT]``."""
    # Asking what an int is takes longer than all else here.
    if type(value) is not int and (isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral)):
        raise TypeError(f"{name}={value!r} must be an integer, not {type(value).__name__}")
    number = int(value)
    if not lowest <= number <= STEP_LIMIT:
        raise ValueError(f"{name}={value!r} must be from {lowest} to 2**63")
    return number


def dtype(value: npt.DTypeLike) -> np.dtype[Any]:
    """float64 or float32, in the machine's byte order."""
    try:
        result = np.dtype(value)
    except TypeError:
        result = np.dtype(object)
    if result not in FLOATS:
        raise TypeError(f"dtype={value!r} must be float64 or float32")
    return result


def destination(out: Any, shape: tuple[int, ...], wanted: npt.DTypeLike | None) -> npt.NDArray[Any]:
    """``out`` where it is given and fits, else a new array."""
    if out is None:
        create = np.empty if math.prod(shape) < SHORT else aligned
        return create(shape, dtype(np.float64 if wanted is None else wanted))
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array, not {type(out).__name__}")
    native = out.dtype if out.dtype.isnative else out.dtype.newbyteorder("=")
    if native not in FLOATS:
        raise TypeError(f"out has dtype {out.dtype}; it must be float64 or float32")
    if wanted is not None and dtype(wanted) != native:
        raise TypeError(f"dtype={wanted!r} differs from the dtype of out, {out.dtype}; give one of them")
    if out.shape != shape:
        raise ValueError(f"out has shape {out.shape}; it must have shape {shape}")
    if not out.flags.writeable:
        raise ValueError("out is read-only; it must be writeable")
    return out


def aligned(shape: tuple[int, ...], wanted: np.dtype[Any]) -> npt.NDArray[Any]:
    """A new array that begins with a line of the processor's cache: vectors that straddle two take longer."""
    size = math.prod(shape)
    longer = np.empty(size + LINE // wanted.itemsize, wanted)
    first = -longer.__array_interface__["data"][0] % LINE // wanted.itemsize
    return longer[first : first + size].reshape(shape)


def step(name: str, value: Any) -> tuple[float, float]:
    """A step from 0 to below 2**63 as ``high + low``, exactly."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}={value!r} must be a step, not a truth value")
    if isinstance(value, np.generic):
        # Python compares exactly, while float16 can't hold the limit.
        value = value.item()
    if not 0 <= value < STEP_LIMIT:
        raise ValueError(f"{name}={value!r} must be a step from 0 to below 2**63")
    high = float(value)
    if isinstance(value, (int, np.integer)):
        return high, float(int(value) - int(high))
    return high, float(value - high)


def steps(name: str, value: Any) -> npt.NDArray[Any]:
    """An array of steps: integers or floats, none negative, NaN or 2**63 and more."""
    return steps_and_highest(name, value)[0]


def steps_and_highest(name: str, value: Any) -> tuple[npt.NDArray[Any], float]:
    """An array of steps, as `steps` has them, and the highest of them, rounded to a float64."""
    array = np.asarray(value)
    if array.dtype == object and all(isinstance(step, Integral) for step in array.flat):
        _refuse_steps(name, array, [step for step in array.flat if not 0 <= step < STEP_LIMIT])
    if array.dtype.kind not in "iuf":
        raise TypeError(
            f"{name} has type {array.dtype if array.ndim else type(value).__name__}; "
            "steps must be integers or floats"
        )
    if array.size == 0:
        return array, 0.0
    limit = _BIT_LIMITS.get(array.dtype)
    if limit is not None:
        # As unsigned numbers, negative ones and NaN are the highest.
        bits = array.view(f"u{array.dtype.itemsize}").max()
        if bits < limit:
            return array, float(bits.view(array.dtype))
    # item(): Python compares exactly, while float16 can't hold the limit.
    if not (array.min().item() >= 0 and array.max().item() < STEP_LIMIT):
        with np.errstate(over="ignore"):
            wrong = array[~((array >= 0) & (array < STEP_LIMIT))]
        _refuse_steps(name, array, wrong.tolist())
    return array, float(array.max())


def _bit_limits() -> dict[np.dtype[Any], int]:
    """The representation, as an unsigned number, of the first step that is out of range, for each dtype."""
    limits = {np.dtype(f"u{size}"): 2 ** min(8 * size, 63) for size in (1, 2, 4, 8)}
    limits |= {np.dtype(f"i{size}"): 2 ** (8 * size - 1) for size in (1, 2, 4, 8)}
    # float16 holds no such step; its infinity is the first.
    limits[np.dtype("f2")] = 0x7C00
    limits |= {
        np.dtype(f"f{size}"): int(np.array(2.0**63, f"f{size}").view(f"u{size}").item()) for size in (4, 8)
    }
    return limits


_BIT_LIMITS = _bit_limits()


def threads(name: str, value: Any) -> int:
    """How many threads may work: an integer from 1."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        raise TypeError(f"{name}={value!r} must be an integer, not {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{name}={value!r} must be at least 1")
    return int(value)


def _refuse_steps(name: str, array: npt.NDArray[Any], wrong: list[Any]) -> None:
    if wrong:
        where = "" if array.ndim == 0 else f" ({len(wrong)} of {array.size} steps are wrong)"
        raise ValueError(f"{name}={wrong[0]!r} must be a step from 0 to below 2**63{where}")
