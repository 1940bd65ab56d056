"""The functions that formulas may call, in each arithmetic of kernels, at ordinary and extreme arguments."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest
from draws import draws
from reference import mp

from lrdecay_native.formulas.parameters import Parameter, Range
from lrdecay_native.formulas.registry import FORMULAS, formula
from lrdecay_native.generation import formula_kernels, functions_of, python_source, step_functions
from lrdecay_native.step_kernels import _traced

CASES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "exp(a)": (lambda xp, x, a: xp.exp(a * x), lambda x, a: mp.exp(a * x)),
    "1 / (1 + exp)": (
        lambda xp, x, a: 0.1 / (1.0 + xp.exp(a * x)),
        lambda x, a: mp.mpf(0.1) / (1 + mp.exp(a * x)),
    ),
    "1 / exp": (lambda xp, x, a: 1.0 / xp.exp(a * x), lambda x, a: mp.exp(-a * x)),
    "exp(-exp)": (lambda xp, x, a: xp.exp(-xp.exp(a * x)), lambda x, a: mp.exp(-mp.exp(min(a * x, 99)))),
    "min(exp, 3)": (
        lambda xp, x, a: xp.minimum(xp.exp(a * x), xp.asarray(3.0)),
        lambda x, a: min(mp.exp(a * x), mp.mpf(3)),
    ),
    "max(exp, 3)": (
        lambda xp, x, a: 1.0 / xp.maximum(xp.exp(a * x), xp.asarray(3.0)),
        lambda x, a: 1 / max(mp.exp(a * x), mp.mpf(3)),
    ),
    "exp ** 1.7": (lambda xp, x, a: 1.0 / xp.exp(a * x) ** 1.7, lambda x, a: mp.exp(-mp.mpf(1.7) * a * x)),
    "(1 + exp) ** 1.7": (
        lambda xp, x, a: (1.0 + xp.exp(a * x)) ** -1.7,
        lambda x, a: (1 + mp.exp(a * x)) ** mp.mpf(-1.7),
    ),
    "(1 + exp) ** 2": (
        lambda xp, x, a: 1.0 / (1.0 + xp.exp(a * x)) ** 2.0,
        lambda x, a: (1 + mp.exp(a * x)) ** -2,
    ),
    "sqrt(exp + exp)": (
        lambda xp, x, a: 1.0 / xp.sqrt(xp.exp(a * x) + xp.exp(0.5 * a * x)),
        # The sum is infinite from there on.
        lambda x, a: mp.mpf(0) if a * x > 709.75 else 1 / mp.sqrt(mp.exp(a * x) + mp.exp(a * x / 2)),
    ),
    "0 * exp": (lambda xp, x, a: (a - a) * xp.exp(-a * x), lambda x, a: mp.mpf(0)),
    "x ** a": (
        lambda xp, x, a: x**a,
        lambda x, a: x**a if x else mp.mpf(1 if a == 0 else 0 if a > 0 else "inf"),
    ),
    "1 / (1 + x) ** a": (lambda xp, x, a: (1.0 + x) ** -a, lambda x, a: (1 + x) ** -a),
    "(1 - x) ** 2": (lambda xp, x, a: (1.0 - x) ** 2.0, lambda x, a: (1 - x) ** 2),
    "sqrt(1 - x)": (lambda xp, x, a: xp.sqrt(1.0 - x), lambda x, a: mp.sqrt(max(1 - x, mp.mpf(0)))),
    "sqrt(x)": (lambda xp, x, a: xp.sqrt(x), lambda x, a: mp.sqrt(x)),
    "cosine": (lambda xp, x, a: xp.raised_cosine(x), lambda x, a: (1 + mp.cospi(x)) / 2),
    "floor": (lambda xp, x, a: xp.floor(x), lambda x, a: mp.floor(x)),
    "ceil": (lambda xp, x, a: xp.ceil(x), lambda x, a: mp.ceil(x)),
}


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


def traced(case: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The kernels of a formula of a newcomer, in Python: nothing has to be compiled."""
    function, _ = CASES[case]

    def newcomer(xp: Any, x: Any, a: Any) -> Any:
        return function(xp, x, a)

    monkeypatch.setitem(FORMULAS, "newcomer", None)
    formula("", "a", a=Parameter("", Range(-1e12, 1e12)))(newcomer)
    kernels = functions_of(next(formula_kernels("newcomer")))
    steps = step_functions(_traced(FORMULAS["newcomer"], "continuous", "newcomer_continuous", {}))
    loaded: dict[str, Any] = dict(PRIMITIVES)
    # Of Python's own floats a division by 0 is an error.
    source = re.sub(
        r"= (.* if .* else .*)$", r"= float64(\1)", python_source([*kernels, *steps]), flags=re.MULTILINE
    )
    exec(source, loaded)
    return loaded


def arguments(random: Random, case: str) -> tuple[list[float], float]:
    """Steps and a parameter, ordinary and extreme."""
    a = random.choice([-1.0, 1.0]) * 10.0 ** random.uniform(-6, 4)
    if case in ("floor", "ceil", "cosine", "sqrt(1 - x)", "(1 - x) ** 2"):
        a = 1.0
    if case in ("sqrt(exp + exp)", "0 * exp"):
        # Else the exponentials underflow, or 0 is multiplied with an infinity.
        a = abs(a)
    steps = [0.0, 1.0, *(10.0 ** random.uniform(-2, 15) for _ in range(8))]
    # Around where an exponential, or half of it, leaves the range.
    steps += [
        abs(edge / a) * (1.0 + random.uniform(-1e-3, 1e-3)) for edge in (1, 355, 709, 745, 1100, 1300, 1e6)
    ]
    if case == "exp ** 1.7":
        # The logarithm of a number that isn't normal has few bits.
        steps = [step for step in steps if not 700.0 < abs(a * step) < 760.0]
    return [step for step in steps if step < 2.0**50], a


@pytest.mark.parametrize("case", CASES)
@np.errstate(all="ignore")
def test_functions(case: str, random: Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the bounds of the arithmetic, and 0 or infinity where the true value is outside of float64."""
    functions = traced(case, monkeypatch)
    _, true = CASES[case]
    for _ in range(draws(10)):
        given, a = arguments(random, case)
        steps = np.array(given)
        constants = np.empty((16, 1))
        functions["newcomer_continuous_prepare"](np.array([[1.0], [0.0], [a]]), constants)
        values = {name: np.empty(len(steps), name) for name in ("float64", "float32")}
        for name, out in values.items():
            functions[f"newcomer_continuous_{name}"](steps, 0, constants, out)
        exact = np.empty(len(steps)), np.empty(len(steps))
        functions["newcomer"](steps, np.zeros(len(steps)), a, *exact)
        points = [functions["newcomer_continuous_value"](step, constants[:, 0].copy()) for step in given]
        for k, step in enumerate(given):
            expected = true(mp.mpf(step), mp.mpf(a))
            check(exact[0][k] + exact[1][k], expected, 1e-15, 1e300, (case, step, a, "106 bits"))
            check(points[k], expected, 3e-16, 1e100, (case, step, a, "point"))
            check(values["float64"][k], expected, 3e-16, 1e100, (case, step, a, "float64"))
            check(values["float32"][k], expected, 1e-7, 1e30, (case, step, a, "float32"))


def check(value: float, expected: Any, relative: float, largest: float, what: Any) -> None:
    """That a value is right, or infinite above a size, or next to nothing where that is true."""
    assert not math.isnan(value), (what, value, expected)
    if expected > largest:
        assert value > 0.9 * largest, (what, value, expected)
    elif expected > 1 / largest:
        assert abs(mp.mpf(float(value)) - expected) <= 2 * relative * expected, (what, value, expected)
    else:
        assert 0.0 <= value <= 2.0 / largest, (what, value, expected)
