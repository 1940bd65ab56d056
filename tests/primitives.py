"""The elementary operations of generated kernels, in Python: nothing has to be compiled."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from lrdecay_native.codegen.functions import Function
from lrdecay_native.codegen.python_source import python_source


def fused_multiply_add(a: Any, b: Any, c: Any) -> Any:
    if not all(map(math.isfinite, (a, b, c, a * b))):
        return a * b + c
    return np.float64(float(Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))))


def power_of_two(exponent: Any, shift: Any) -> Any:
    # Out of range its bits are no number that anything may depend on.
    return np.ldexp(1.0, int(exponent + shift)) if -1022 <= exponent + shift <= 1023 else np.float64("nan")


def binary_exponent(a: Any) -> Any:
    return np.float64(np.frexp(a)[1] - 1) if 0.0 < a < math.inf else np.float64("nan")


def nearest_exponent(a: Any) -> Any:
    return binary_exponent(a * math.sqrt(2.0)) if 0.0 < a < 1e308 else np.float64("nan")


PRIMITIVES = {
    "compiled": lambda function: function,
    "fused_multiply_add": fused_multiply_add,
    "multiply_add": fused_multiply_add,
    "power_of_two": power_of_two,
    "binary_exponent": binary_exponent,
    "nearest_exponent": nearest_exponent,
    "floor": np.floor,
    "absolute": np.abs,
    "square_root": np.sqrt,
    "float64": np.float64,
    "float32": np.float32,
    "as_index": int,
    "empty": np.empty,
    "INFINITY": np.float64("inf"),
}


def in_python(functions: Iterable[Function]) -> dict[str, Any]:
    """Generated functions as Python runs them."""
    loaded: dict[str, Any] = dict(PRIMITIVES)
    # Of Python's own floats a division by 0 is an error.
    source = re.sub(r"= (.* if .* else .*)$", r"= float64(\1)", python_source(functions), flags=re.MULTILINE)
    exec(source, loaded)
    return loaded
