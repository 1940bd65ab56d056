"""Checks of arguments: each error names the parameter, the value and what would be right.

Numbers are Python's and NumPy's integers and floats, and Python's fractions.  Not among them are truth values, which
Python counts as integers, and time differences, which NumPy does; texts; complex numbers; what other libraries
keep numbers of other kinds in, such as bfloat16; and masked arrays, whose masks would be lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native.formulas.parameters import NOT_NEGATIVE, POSITIVE, Range
from lrdecay_native.messages import MOST_SHOWN, shown

FLOATS = (np.dtype(np.float64), np.dtype(np.float32))
"""The dtypes of results."""

STEP_LIMIT = 2**63
"""Steps lie in ``[0, STEP_LIMIT)``."""


NO_NUMBERS = (bool, np.bool_, np.timedelta64)
"""Types that Python or NumPy counts among the integers."""


def real(name: str, value: Any) -> float:
    """A finite real number as a Python float."""
    if isinstance(value, NO_NUMBERS) or not isinstance(value, Real):
        raise TypeError(f"{name}={shown(value)} must be a real number, not {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name}={shown(value)} must be finite, as a float64")
    return number


def within(name: str, value: Any, values: Range) -> float:
    """A real number within a range."""
    number = real(name, value)
    if number not in values:
        raise ValueError(f"{name}={shown(value)} must be {values}")
    return number + 0.0  # not -0.0


def positive(name: str, value: Any) -> float:
    """A real number in ``[SMALLEST, LARGEST]``."""
    return within(name, value, POSITIVE)


def not_negative(name: str, value: Any) -> float:
    """Zero, or a real number in ``[SMALLEST, LARGEST]``."""
    return within(name, value, NOT_NEGATIVE)


def flag(name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}={shown(value)} must be True or False, not {type(value).__name__}")
    return bool(value)


def integer(name: str, value: Any) -> int:
    """An integer of any size."""
    # Asking what an int is takes longer than all else here.
    if type(value) is not int and (isinstance(value, NO_NUMBERS) or not isinstance(value, Integral)):
        raise TypeError(f"{name}={shown(value)} must be an integer, not {type(value).__name__}")
    return int(value)


def whole(name: str, value: Any, *, lowest: int = 0) -> int:
    """An integer in ``[lowest, STEP_LIMIT]``."""
    number = integer(name, value)
    if not lowest <= number <= STEP_LIMIT:
        raise ValueError(f"{name}={shown(value)} must be from {lowest} to 2**63")
    return number


def one_of(name: str, value: Any, allowed: Iterable[str]) -> str:
    """One of some texts, as a plain one: a repr of NumPy's texts doesn't evaluate back."""
    texts = list(allowed)
    if isinstance(value, str) and value in texts:
        return texts[texts.index(value)]
    *others, last = map(repr, texts)
    raise ValueError(f"{name}={shown(value)} must be {', '.join(others)} or {last}")


def dtype(value: npt.DTypeLike) -> np.dtype[Any]:
    """float64 or float32, in the machine's byte order."""
    try:
        result = np.dtype(value)
    except Exception:  # What NumPy doesn't know may raise anything, a message of its own in it.
        result = np.dtype(object)
    if result not in FLOATS:
        raise TypeError(f"dtype={shown(value)} must be float64 or float32")
    return result


def step(name: str, value: Any) -> tuple[float, float]:
    """A step from 0 to below 2**63 as ``high + low``, exactly."""
    if isinstance(value, NO_NUMBERS) or not isinstance(value, Real):
        what = "a truth value" if isinstance(value, (bool, np.bool_)) else type(value).__name__
        raise TypeError(f"{name}={shown(value)} must be a step, not {what}")
    # Python compares exactly, while float16 can't hold the limit.
    number: Any = value.item() if isinstance(value, np.generic) else value
    if not 0 <= number < STEP_LIMIT:
        raise ValueError(f"{name}={shown(number)} must be a step from 0 to below 2**63")
    high = float(number)
    if isinstance(number, int):
        return high, float(number - int(high))
    return high, float(number - high)


def steps(name: str, value: Any) -> npt.NDArray[Any]:
    """An array of steps: integers or floats, none negative, NaN or 2**63 and more."""
    return steps_and_highest(name, value)[0]


def steps_and_highest(name: str, value: Any) -> tuple[npt.NDArray[Any], float]:
    """An array of steps, as `steps` has them, and the highest of them, rounded to a float64."""
    array = as_array(name, value)
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


def as_array(name: str, value: Any) -> npt.NDArray[Any]:
    """A value as an array, of which the dtype is still to be looked at."""
    if type(value) is np.ndarray:
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name}={shown(value)} must not be a masked array: take what is not masked (.compressed()), or fill it "
            "(.filled(...))"
        )
    if isinstance(value, bytearray):
        raise TypeError(f"{name}={shown(value)} must be numbers, not bytearray")
    if isinstance(value, (list, tuple)):
        _refuse_hidden(name, value)
    try:
        array = np.asarray(value)
    except Exception as error:
        # Libraries raise errors of all kinds for arrays on other devices and of other dtypes.
        raise TypeError(
            f"{name}={shown(value)} must be numbers that NumPy can read; it says: {str(error)[:MOST_SHOWN]}"
        ) from None
    own = _name_of(getattr(value, "dtype", None))
    if array.dtype.kind in "iuf" and own.lower().startswith(_FOREIGN):
        raise TypeError(
            f"{name} has type {own}, which NumPy takes for {array.dtype}; it must be integers or floats that NumPy "
            "knows, such as float32"
        )
    return array


_FOREIGN = ("bfloat", "bf16", "float4_", "float6_", "float8_")
"""How the names of dtypes begin that some libraries give to NumPy as the integers that their bits are."""


def _refuse_hidden(name: str, values: Iterable[Any]) -> None:
    """Refuse what NumPy would make numbers of in a list, and forget what they were."""
    kinds = set(map(type, values))
    for kind in kinds:
        if issubclass(kind, (*NO_NUMBERS, np.ma.MaskedArray)):
            wrong = next(value for value in values if type(value) is kind)
            raise TypeError(f"{name} holds {shown(wrong)}; it must hold numbers, not {kind.__name__}")
    if kinds & {list, tuple}:
        for value in values:
            if isinstance(value, (list, tuple)):
                _refuse_hidden(name, value)


def _name_of(dtype: Any) -> str:
    """The name of a dtype of any library."""
    return str(getattr(dtype, "name", dtype)).rpartition(".")[2]


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
    number = integer(name, value)
    if number < 1:
        raise ValueError(f"{name}={shown(value)} must be at least 1")
    return number


def _refuse_steps(name: str, array: npt.NDArray[Any], wrong: list[Any]) -> None:
    if wrong:
        where = "" if array.ndim == 0 else f" ({len(wrong)} of {array.size} steps are wrong)"
        raise ValueError(f"{name}={shown(wrong[0])} must be a step from 0 to below 2**63{where}")
