"""What formulas may call: the table says it, the recording keeps to it, the errors are those of the arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from draws import draws
from primitives import in_python
from reference import mp, spread

from lrdecay_native.arithmetic import compensated
from lrdecay_native.arithmetic.array_namespace import FUNCTIONS, OPERATORS, Namespace, Operation, markdown
from lrdecay_native.arithmetic.double_double import DoubleDouble
from lrdecay_native.arithmetic.intervals import ANYWHERE, Interval
from lrdecay_native.arithmetic.recording import Trace, text
from lrdecay_native.codegen.elementwise_kernels import recorded_kernel
from lrdecay_native.codegen.functions import Function, statements, temporaries
from lrdecay_native.formulas.parameters import Parameter, Range
from lrdecay_native.formulas.registry import FORMULAS, formula

ROWS = FUNCTIONS | OPERATORS
CASES: dict[str, list[tuple[Callable[..., Any], Callable[..., Any], Callable[[Random], float]]]] = {
    "asarray": [(lambda xp, x: 0.0 * x + xp.asarray(0.1), lambda x: mp.mpf(0.1), Random.random)],
    "exp": [
        (lambda xp, x: xp.exp(x), mp.exp, lambda random: random.uniform(0, 700)),
        (lambda xp, x: xp.exp(-x), lambda x: mp.exp(-x), lambda random: random.uniform(0, 700)),
        (lambda xp, x: xp.exp(-x), lambda x: mp.exp(-x), lambda random: spread(random, 1e-9, 1.0)),
    ],
    "sqrt": [(lambda xp, x: xp.sqrt(x), mp.sqrt, lambda random: spread(random, 1e-9, 1e9))],
    "raised_cosine": [
        (lambda xp, x: xp.raised_cosine(x), lambda x: (1 + mp.cospi(x)) / 2, Random.random),
        (lambda xp, x: xp.raised_cosine(x), lambda x: (1 + mp.cospi(x)) / 2, lambda r: r.uniform(0, 1e5)),
        (
            lambda xp, x: xp.raised_cosine(x),
            lambda x: (1 + mp.cospi(x)) / 2,
            lambda random: 1.0 - spread(random, 1e-12, 1.0),
        ),
    ],
    "floor": [(lambda xp, x: xp.floor(x), mp.floor, lambda random: spread(random, 1e-3, 1e9))],
    "ceil": [(lambda xp, x: xp.ceil(x), mp.ceil, lambda random: spread(random, 1e-3, 1e9))],
    "minimum": [(lambda xp, x: xp.minimum(x, xp.asarray(0.3)), lambda x: min(x, mp.mpf(0.3)), Random.random)],
    "maximum": [(lambda xp, x: xp.maximum(x, xp.asarray(0.3)), lambda x: max(x, mp.mpf(0.3)), Random.random)],
    "+": [
        (lambda xp, x: 1.7 + x, lambda x: mp.mpf(1.7) + x, lambda random: spread(random, 1e-9, 1e9)),
        (lambda xp, x: 0.3 - x, lambda x: mp.mpf(0.3) - x, lambda random: spread(random, 1e-9, 1e9)),
    ],
    "*": [
        (
            lambda xp, x: (1.0 + x) * (0.3 + x),
            lambda x: (1 + x) * (mp.mpf(0.3) + x),
            lambda random: spread(random, 1e-9, 1e9),
        )
    ],
    "/": [
        (
            lambda xp, x: (1.0 + x) / (0.3 + x),
            lambda x: (1 + x) / (mp.mpf(0.3) + x),
            lambda random: spread(random, 1e-9, 1e9),
        )
    ],
    "**": [
        (
            lambda xp, x, b=b: (1.0 + x) ** b,
            lambda x, b=b: (1 + x) ** mp.mpf(b),
            lambda random: spread(random, 1e-9, 1e9),
        )
        for b in (0.1, 0.37, -2.3, 17.3)
    ],
}
"""For each row a function of a step over a period, the true one, and what to draw; sums are of inexact numbers."""


def test_documentation_has_the_table() -> None:
    guide = Path(__file__).parents[2] / "docs" / "adding_a_formula.md"
    assert markdown() in guide.read_text(encoding="utf-8")


def test_every_row_is_tested() -> None:
    assert CASES.keys() == ROWS.keys()


def recorded(function: Callable[..., Any]) -> Callable[[float, float, float], tuple[float, float]]:
    """A function of a step and a period of two parts, for float64 results before they are rounded."""
    trace = Trace()
    period = compensated.asarray(DoubleDouble(*(trace.argument(name, varying=False) for name in ("p", "q"))))
    step = compensated.step(trace.argument("step")).within(Interval(0.0, 2.0**51))
    result = function(Namespace(compensated), step / period.within(Interval(1.0, 1e4))).settled()
    body = [
        *statements(trace.operations),
        f"high = {text(result.high)}",
        f"low = {text(result.low)}",
    ]
    arguments = tuple(("scalar", name) for name in ("step", "p", "q"))
    made = Function("made", "float64", arguments, temporaries(trace), body, ("high", "low"))
    return in_python([made])["made"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ROWS)
def test_errors(name: str, random: Random) -> None:
    row = ROWS[name]
    for function, true, draw in CASES[name]:
        compute = recorded(function)
        for _ in range(draws(300)):
            period = random.uniform(1.0, 1e4)
            low = random.uniform(-1.0, 1.0) * math.ulp(period) / 2
            step = draw(random) * period
            with np.errstate(all="ignore"):
                high_and_low = compute(*map(np.float64, (step, period, low)))
            x = mp.mpf(step) / (mp.mpf(period) + mp.mpf(low))
            truth = true(x)
            error = abs(sum(mp.mpf(float(part)) for part in high_and_low) - truth)
            assert error <= allowed(row, truth, max(abs(x), 1) if name == "+" else 0), (step, period, low)


def allowed(row: Operation, truth: Any, term: Any) -> Any:
    """The largest error: of a sum, relative to the larger term."""
    # A step over a period has an error of its own where it isn't exact.
    own = (
        mp.ldexp(1, -100) if row in (FUNCTIONS["minimum"], FUNCTIONS["maximum"], FUNCTIONS["asarray"]) else 0
    )
    logarithm = abs(mp.log(abs(truth))) if row.error_of_logarithm else 0
    return max(abs(truth), term) * (row.error + row.error_of_logarithm * logarithm + own)


def newcomer(monkeypatch: pytest.MonkeyPatch, function: Callable[..., Any], **options: Any) -> None:
    """Record the kernel of a formula."""

    def newcomer(xp: Any, x: Any, a: Any) -> Any:
        return function(xp, x, a)

    monkeypatch.setitem(FORMULAS, "newcomer", None)
    formula("", "a", a=Parameter("", Range(0.0, 10.0)), **options)(newcomer)
    entry = FORMULAS["newcomer"]
    recorded_kernel(entry, entry.time_maps[0], "newcomer", {})


def test_what_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AttributeError) as refused:
        newcomer(monkeypatch, lambda xp, x, a: a * xp.tan(x))
    assert str(refused.value).startswith(
        "kernels have no xp.tan; a formula may use xp.asarray(number), xp.exp(a),"
    )
    with pytest.raises(AttributeError, match=r"kernels have no xp\.log;"):
        # The arithmetic has one for its own use.
        newcomer(monkeypatch, lambda xp, x, a: a * xp.log(x))


def test_arguments_that_may_leave_the_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ValueError, match=r"raised_cosine\(xp, a\) is only for below 2\*\*52 in size, but a may be"
    ):
        newcomer(monkeypatch, lambda xp, x, a: a * xp.raised_cosine(x))
    newcomer(monkeypatch, lambda xp, x, a: a * xp.raised_cosine(x), time_maps=("clamped",))
    newcomer(monkeypatch, lambda xp, x, a: a * xp.raised_cosine(xp.minimum(x, xp.asarray(2.0**51))))


def test_only_the_cosine_has_arguments_without_a_meaning() -> None:
    """Floors have exact arguments, or are refused."""
    assert [name for name, row in ROWS.items() if row.meaningful != ANYWHERE] == ["raised_cosine"]
