"""Schedules of a user's own Python functions: the class, its values, its text, and the adapters."""

from __future__ import annotations

import importlib
import json
import math
import pickle
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from conftest import RunPython

import lrdecay_native as lrd
from lrdecay_native.own_formulas.array_namespace import UntraceableError
from lrdecay_native.schedules.registry import all_schedules

numba = pytest.importorskip("numba", reason="needs the extra: pip install 'lrdecay_native[numba]'")

FORMULAS = """
import math
from math import exp

import numba
import numpy as np

import lrdecay_native as lrd

HALF = 0.5


@lrd.own_formula
def sawtooth(step, peak, period=100.0):
    "Falls from the peak to 0, again and again."
    return peak * (1.0 - step % period / period)


@lrd.own_formula
def constant_of_mine(step):
    return 0.1


@lrd.own_formula
def keyword_only(step, peak, *, total, power=2.0):
    return peak * (1.0 - min(step / total, 1.0)) ** power


@lrd.own_formula
def with_if(step, peak, warmup_steps=10.0):
    if step < warmup_steps:
        return peak * step / warmup_steps
    return peak * math.sqrt(warmup_steps / step)


@numba.njit
def halved(x):
    return HALF * np.exp(-x)


@lrd.own_formula
def with_functions(step, peak, total):
    x = np.minimum(step, total) / total
    wave = np.where(step < total, math.cos(math.pi * x) + 1.0, 0.0)
    return peak * (HALF * wave + 1e-3 * exp(-x) + 1e-3 * halved(x)) + (step > total) * 1e-4


@lrd.own_formula
def below_zero(step, peak):
    return peak - step
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """A user's module."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "formulas_of_mine.py").write_text(FORMULAS)
    before = dict(all_schedules())
    sys.path.insert(0, str(folder))
    yield importlib.import_module("formulas_of_mine")
    sys.path.remove(str(folder))
    del sys.modules["formulas_of_mine"]
    all_schedules().clear()
    all_schedules().update(before)


EXAMPLES: dict[str, tuple[Callable[[ModuleType], Any], Callable[[float], float]]] = {
    "sawtooth": (lambda m: m.sawtooth(0.1, period=48), lambda t: 0.1 * (1.0 - t % 48.0 / 48.0)),
    "constant_of_mine": (lambda m: m.constant_of_mine(), lambda t: 0.1),
    "keyword_only": (
        lambda m: m.keyword_only(0.1, total=640),
        lambda t: 0.1 * (1.0 - min(t / 640.0, 1.0)) ** 2.0,
    ),
    "with_if": (
        lambda m: m.with_if(0.1),
        lambda t: 0.1 * t / 10.0 if t < 10.0 else 0.1 * math.sqrt(10.0 / t),
    ),
    "with_functions": (
        lambda m: m.with_functions(0.1, 1000),
        lambda t: (
            0.1
            * (
                0.5 * (math.cos(math.pi * min(t, 1000.0) / 1000.0) + 1.0 if t < 1000.0 else 0.0)
                + 1.5e-3 * math.exp(-min(t, 1000.0) / 1000.0)
            )
            + (t > 1000.0) * 1e-4
        ),
    ),
}
"""A schedule of each formula, and the same in Python."""

each = pytest.mark.parametrize("name", EXAMPLES)


@each
def test_values(name: str, module: ModuleType) -> None:
    make, true = EXAMPLES[name]
    schedule = make(module)
    steps = [*range(2000), 2**31, 2**53 - 1, 2**63 - 1]
    np.testing.assert_allclose(schedule(steps), [true(float(t)) for t in steps], rtol=1e-14, atol=1e-17)


@each
def test_grid_array_and_scalar_have_the_same_bits(name: str, module: ModuleType) -> None:
    schedule = EXAMPLES[name][0](module)
    rates = schedule(np.arange(10_000))
    assert rates.tobytes() == schedule.values(10_000).tobytes()
    assert rates.tolist() == [schedule(t) for t in range(10_000)]
    assert rates[::-7].tobytes() == schedule.values(9999, -1, -7).tobytes()
    assert rates.astype(np.float32).tobytes() == schedule.values(10_000, dtype=np.float32).tobytes()
    assert np.concatenate(list(schedule.chunks(0, 10_000, 77))).tobytes() == rates.tobytes()
    assert schedule.sum(5, 10_000) == pytest.approx(math.fsum(rates[5:]), rel=1e-15)
    assert schedule(np.float32(2.5)) == schedule(2.5) == schedule([2.5])[0]


@each
def test_text_and_copies(name: str, module: ModuleType) -> None:
    schedule = EXAMPLES[name][0](module)
    assert repr(eval(repr(schedule), vars(module))) == repr(schedule)
    for copy in (
        eval(repr(schedule), vars(module)),
        lrd.from_json(schedule.to_json()),
        lrd.from_dict(schedule.to_dict()),
        pickle.loads(pickle.dumps(schedule)),
    ):
        assert copy == schedule
        assert hash(copy) == hash(schedule)
        assert type(copy) is type(schedule)
        assert copy(7) == schedule(7)
    assert isinstance(schedule, lrd.Schedule)
    assert type(schedule).__module__ == "formulas_of_mine"
    assert type(schedule).__qualname__ == name


def test_parameters_are_floats(module: ModuleType) -> None:
    schedule = module.sawtooth(1, period=np.int64(50))
    assert (schedule.peak, schedule.period) == (1.0, 50.0)
    assert {type(schedule.peak), type(schedule.period)} == {float}
    assert repr(schedule) == "sawtooth(1.0, period=50.0)"
    assert repr(module.constant_of_mine()) == "constant_of_mine()"
    assert json.loads(schedule.to_json()) == {"version": 1, "class": "sawtooth", "peak": 1.0, "period": 50.0}
    assert module.sawtooth(1) == module.sawtooth(1.0, 100)
    assert module.sawtooth(1) != module.sawtooth(1, 99)
    assert len({module.sawtooth(1), module.sawtooth(1.0, period=100), module.sawtooth(2)}) == 2
    assert module.sawtooth.__doc__ == "Falls from the peak to 0, again and again."
    with pytest.raises(AttributeError):
        schedule.peak = 2.0


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda m: m.sawtooth(), TypeError, "missing 1 required positional argument: 'peak'"),
        (
            lambda m: m.sawtooth(1, 2, 3),
            TypeError,
            "sawtooth takes 2 positional arguments, 3 were given; write",
        ),
        (lambda m: m.sawtooth(0.1, perod=3), TypeError, "unexpected keyword argument 'perod'"),
        (lambda m: m.keyword_only(0.1, 5), TypeError, "write keyword_only(peak, total=..., power=...)"),
        (lambda m: m.sawtooth("a"), TypeError, "peak='a' must be a real number"),
        (lambda m: m.sawtooth(True), TypeError, "peak=True must be a real number"),
        (lambda m: m.sawtooth(0.1, period=math.inf), ValueError, "period=inf must be finite"),
        (lambda m: m.sawtooth(0.1)(-1), ValueError, "step=-1 must be a step"),
        (lambda m: m.below_zero(1)(3), ValueError, "below_zero(step=3.0, peak=1.0) is -2.0; a rate must be"),
        (lambda m: m.below_zero(1)([0, 1, 2, 9]), ValueError, "below_zero(step=2.0, peak=1.0) is -1.0"),
        (lambda m: m.below_zero(1).values(10_000), ValueError, "below_zero(step=2.0, peak=1.0) is -1.0"),
        (
            lambda m: m.below_zero(9000).sum(10_000),
            ValueError,
            "below_zero(step=9001.0, peak=9000.0) is -1.0",
        ),
        (
            lambda m: m.sawtooth(0.1, period=0)(3),
            ValueError,
            "sawtooth(step=3.0, peak=0.1, period=0.0) is nan",
        ),
        (lambda m: m.with_if(0.1, -1)(0), ValueError, "is nan"),
        (
            lambda m: decorated("def formula(step):\n    return 1.0 / step")()(0),
            ValueError,
            "formula(step=0.0) is inf",
        ),
    ],
)
def test_errors(
    make: Callable[[ModuleType], Any], error: type[Exception], text: str, module: ModuleType
) -> None:
    with pytest.raises(error, match=re.escape(text)):
        make(module)


def test_compositions(module: ModuleType) -> None:
    schedule = module.sawtooth(0.1, period=50).warmup(10).scaled(0.5)
    assert lrd.from_json(schedule.to_json()) == schedule
    assert eval(repr(schedule), {**vars(lrd), **vars(module)}) == schedule
    assert pickle.loads(pickle.dumps(schedule)) == schedule

    def true(t: int) -> float:
        return 0.5 * (0.1 * t / 10 if t < 10 else 0.1 * (1 - (t - 10) % 50 / 50))

    expected = np.array([true(t) for t in range(5000)])
    np.testing.assert_allclose(schedule.values(5000), expected, rtol=1e-15)
    np.testing.assert_allclose(schedule(np.arange(5000)), expected, rtol=1e-15)
    assert schedule.sum(5000) == pytest.approx(math.fsum(expected), rel=1e-14)


@pytest.mark.parametrize(
    ("compose", "step", "own"),
    [
        (lambda s: s.then(lrd.Constant(0.5), 20), 19, 19),
        (lambda s: lrd.Constant(0.5).then(s, 20), 23, 3),
        (lambda s: s.shifted(5), 7, 2),
        (lambda s: s.reversed(40), 10, 30),
        (lambda s: s.restarted(7), 15, 1),
        (lambda s: s.stretched(100, of=50), 20, 10),
        (lambda s: s.per_epoch(10), 25, 2.5),
        (lambda s: s.per_epoch(10, staircase=True), 25, 2),
        (lambda s: s.clipped(0.0, 1.0), 25, 25),
        (lambda s: s + lrd.Constant(0.0), 25, 25),
        (lambda s: s * lrd.Constant(1.0), 25, 25),
        (lambda s: s.cooled_down(30, 10), 29, 29),
    ],
)
def test_in_compositions(compose: Callable[[Any], Any], step: int, own: float, module: ModuleType) -> None:
    schedule = module.sawtooth(0.1, period=50)
    composed = compose(schedule)
    assert composed(step) == pytest.approx(schedule(own), rel=1e-15)
    assert composed.values(60)[step] == pytest.approx(schedule(own), rel=1e-15)
    assert lrd.from_json(composed.to_json()) == composed


def test_below_a_rate_in_a_part_of_known_length(module: ModuleType) -> None:
    schedule = module.with_if(0.1).then(lrd.Constant(0.0), at=100_000)
    steps = np.arange(100_001)
    assert schedule.first_step_below(0.01) == 0
    assert schedule.last_step_above(0.01) == np.flatnonzero(schedule(steps) > 0.01)[-1]


def test_endless_searches_are_refused(module: ModuleType) -> None:
    with pytest.raises(ValueError, match="have been looked at"):
        module.sawtooth(0.1).last_step_above(0.2)
    assert module.sawtooth(0.1).last_step_above(0.05) > 2**62


def test_a_formula_is_compiled_once_for_all_parameters_and_threads(module: ModuleType) -> None:
    schedule, other = module.sawtooth(0.1), module.sawtooth(0.2, 50)
    assert schedule._formula.compiled is other._formula.compiled
    results: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: results.append(schedule.values(100_000).tobytes())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [schedule.values(100_000).tobytes()] * 4


def decorated(code: str, **variables: Any) -> Any:
    """The function ``formula`` that some code defines, decorated."""
    namespace = {"__name__": "notebook", "np": np, "math": math, "numba": numba, **variables}
    exec(code, namespace)
    return lrd.own_formula(namespace["formula"])


HALVING = "def formula(step, peak):\n    return peak * HALF"


def test_defined_again() -> None:
    first = decorated(HALVING, HALF=0.5)
    assert decorated(HALVING, HALF=0.5) is first
    assert decorated("\n\n" + HALVING, HALF=0.5) is first
    assert first(0.1)(3) == 0.05
    for code, half in (
        (HALVING, 0.25),
        (HALVING, 0.5 + 0j),
        (HALVING.replace("*", "/"), 0.5),
        (HALVING.replace("peak", "rate"), 0.5),
        (HALVING.replace("peak)", "peak=1.0)"), 0.5),
        (HALVING + " + 0.0", 0.5),
    ):
        with pytest.raises(
            ValueError, match=r"formula is the name of an own formula with other code .* notebook"
        ):
            decorated(code, HALF=half)
    assert all_schedules()["formula"] is first


def test_defined_again_with_other_arrays_in_a_tuple() -> None:
    code = "def formula(step):\n    return 0.1 * TABLES[0][0]"
    first = decorated(code, TABLES=(np.array([1.0, 2.0]),))
    assert decorated(code, TABLES=(np.array([1.0, 2.0]),)) is first
    with pytest.raises(ValueError, match="other code"):
        decorated(code, TABLES=(np.array([1.0 + 1e-12, 2.0]),))


def test_another_docstring_is_no_other_code() -> None:
    code = "def formula(step):\n    '{}'\n    return 0.1"
    assert decorated(code.format("What it is.")) is decorated(code.format("What it does."))


@pytest.mark.parametrize(("constant", "other"), [("1.0", "1"), ("0.0", "-0.0"), ("2.0", "3.0")])
def test_other_constants_are_other_code(constant: str, other: str) -> None:
    code = "def formula(step):\n    return step * {} + 1e-3"
    decorated(code.format(constant))
    with pytest.raises(ValueError, match="other code"):
        decorated(code.format(other))


def test_functions_that_it_calls_are_its_code() -> None:
    code = "@numba.njit\ndef part(x):\n    return x {} 2\n\ndef formula(step):\n    return part(step)"
    first = decorated(code.format("*"))
    assert decorated(code.format("*")) is first
    with pytest.raises(ValueError, match="other code"):
        decorated(code.format("/"))


def test_variables_are_constants() -> None:
    namespace: dict[str, Any] = {"HALF": 0.5, "__name__": "notebook"}
    exec(HALVING, namespace)
    schedule = lrd.own_formula(namespace["formula"])(1.0)
    namespace["HALF"] = 0.25
    assert schedule(0) == 0.5


def test_enclosed_variables() -> None:
    factor = 3.0

    def enclosed(step, peak):  # type: ignore[no-untyped-def]
        return peak * factor

    assert lrd.own_formula(enclosed)(0.5)(7) == 1.5


@pytest.mark.parametrize("name", ["StepDecay", "Warmup", "Tabulated"])
def test_names_of_the_library_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is the name of a schedule of lrdecay_native.* already"):
        decorated(f"def {name}(step):\n    return 0.1\nformula = {name}")
    assert all_schedules()[name] is getattr(lrd, name)


@pytest.mark.parametrize(
    ("code", "error", "text"),
    [
        ("formula = lambda step: 0.1", ValueError, "<lambda> can't be the name"),
        ("def _hidden(step):\n    return 0.1\nformula = _hidden", ValueError, "_hidden can't be the name"),
        ("formula = 3", TypeError, "own_formula takes a Python function, not int 3"),
        ("@numba.njit\ndef formula(step):\n    return 0.1", TypeError, "own_formula takes a Python function"),
        ("def formula():\n    return 0.1", ValueError, "must take the step as its first argument"),
        ("def formula(*, step):\n    return 0.1", ValueError, "must take the step as its first argument"),
        (
            "def formula(step, *rates):\n    return 0.1",
            ValueError,
            "formula has the variadic positional parameter",
        ),
        (
            "def formula(step, **rates):\n    return 0.1",
            ValueError,
            "formula has the variadic keyword parameter",
        ),
        ("def formula(step, a, /):\n    return a", ValueError, "formula has the positional-only parameter a"),
        ("def formula(step, warmup):\n    return warmup", ValueError, "a parameter warmup, which is a name"),
        (
            "def formula(step, version):\n    return version",
            ValueError,
            "a parameter version, which is a name",
        ),
        ("def formula(step, _a):\n    return _a", ValueError, "a parameter _a, which is a name"),
        (
            "def formula(step, a='x'):\n    return 0.1",
            TypeError,
            "the default of formula, a='x' must be a real",
        ),
        (
            "def formula(step, a=math.nan):\n    return 0.1",
            ValueError,
            "the default of formula, a=nan must be",
        ),
        (
            "def formula(step):\n    return unknown * 2",
            ValueError,
            "formula uses unknown, which must be defined",
        ),
    ],
)
def test_refused_functions(code: str, error: type[Exception], text: str) -> None:
    before = dict(all_schedules())
    with pytest.raises(error, match=re.escape(text)):
        decorated(code)
    assert before == all_schedules()


def test_no_rate_is_minus_zero() -> None:
    schedule = decorated("def formula(step):\n    return -0.0 * step")()
    assert [math.copysign(1.0, rate) for rate in (schedule(1), schedule([1])[0], schedule.values(2)[1])] == [
        1.0
    ] * 3


def test_a_constant_formula_has_the_shape_of_the_steps(module: ModuleType) -> None:
    assert module.constant_of_mine().evaluate(np, np.arange(3.0)).tolist() == [0.1, 0.1, 0.1]


@pytest.mark.parametrize(
    "code",
    [
        "def formula(step):\n    return 'x'",
        "def formula(step):\n    return None",
        "def formula(step):\n    return 1j * step",
        "def formula(step):\n    return math.nothing(step)",
        "def formula(step):\n    import os\n    return len(os.environ)",
    ],
)
def test_what_numba_cannot_compile(code: str) -> None:
    schedule = decorated(code)()
    for use in (lambda: schedule(3), lambda: schedule.values(3)):
        with pytest.raises(TypeError, match="numba can't compile formula, or it returns no real number"):
            use()


def test_an_unknown_formula_is_named(module: ModuleType, run_python: RunPython) -> None:
    text = module.sawtooth(0.1).to_json()
    folder = Path(str(module.__file__)).parent
    code = f"import lrdecay_native as lrd; print(lrd.from_json({text!r}))"
    unknown = run_python(code)
    assert unknown.returncode != 0
    assert "class='sawtooth' is unknown" in unknown.stderr
    known = run_python(f"import sys; sys.path.append({str(folder)!r}); import formulas_of_mine; {code}")
    assert known.stdout == "sawtooth(0.1, period=100.0)\n", known.stderr


WITHOUT_NUMBA = """
import importlib.machinery, sys

class WithoutNumba(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name == "numba" else super().find_spec(name, path, target)

sys.meta_path[:] = [WithoutNumba if f is importlib.machinery.PathFinder else f for f in sys.meta_path]
import lrdecay_native as lrd
try:
    @lrd.own_formula
    def mine(step):
        return 0.1
except ImportError as error:
    print(error)
print("mine" in lrd.schedules.registry.all_schedules())
"""


@pytest.mark.skipif(lrd.backend() != "cython", reason="there is no other engine without numba")
def test_without_numba(run_python: RunPython) -> None:
    done = run_python(WITHOUT_NUMBA)
    message, known = done.stdout.splitlines()
    assert "own_formula needs numba to compile mine" in message, done.stderr
    assert 'pip install "lrdecay_native[numba]"' in message
    assert known == "False"


@pytest.mark.skipif(lrd.backend() != "cython", reason="the numba engine imports numba")
def test_numba_is_not_imported_before_it_is_needed(run_python: RunPython) -> None:
    code = (
        "import sys, lrdecay_native as lrd\ndef mine(step):\n    return 0.1\n"
        "s = lrd.own_formula(mine)()\nprint('numba' in sys.modules)\ns(3)\nprint('numba' in sys.modules)"
    )
    done = run_python(code)
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_the_numba_engine_gives_the_same(module: ModuleType, run_python: RunPython) -> None:
    folder = Path(str(module.__file__)).parent
    code = (
        f"import sys; sys.path.append({str(folder)!r}); import formulas_of_mine as m; import lrdecay_native as lrd\n"
        "s = m.sawtooth(0.1, period=50).warmup(10).scaled(0.5)\n"
        "print(lrd.backend(), s.values(300).tobytes().hex(), s(25).hex())"
    )
    schedule = module.sawtooth(0.1, period=50).warmup(10).scaled(0.5)
    for backend in {"numba", lrd.backend()}:
        done = run_python(code, LRDECAY_BACKEND=backend)
        expected = [backend, schedule.values(300).tobytes().hex(), schedule(25).hex()]
        assert done.stdout.split() == expected, done.stderr


@pytest.mark.parametrize("namespace", ["numpy", "jax.numpy", "torch"])
@pytest.mark.filterwarnings("ignore:divide by zero")
@each
def test_array_namespaces(name: str, namespace: str, module: ModuleType) -> None:
    xp = pytest.importorskip(namespace)
    schedule = EXAMPLES[name][0](module).warmup(10)
    steps = np.arange(0.0, 2000.0)
    rates = np.asarray(schedule.evaluate(xp, xp.asarray(steps)))
    assert rates.shape == steps.shape
    np.testing.assert_allclose(rates, schedule(steps), rtol=2e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("while step > 1:\n        step -= 1\n    return step", "more than 16 times"),
        (
            "x = 0.1\n    for k in range(9):\n        x = x if step > k else x + k\n    return x",
            "more than 64 ways",
        ),
        ("return 0.1 * int(step)", "a Python integer"),
        ("return TABLE[int(step)]", "a Python integer"),
        ("x = 0.1\n    for k in range(int(step)):\n        x *= 0.5\n    return x", "a Python integer"),
        ("return 0.1 * float(step)", "a Python float"),
        ("return 0.1 * round(step)", "a Python integer"),
        ("return np.array([step])[0]", "a NumPy array"),
        ("return np.linalg.norm(step)", "it has no function norm"),
        ("return 0.1 * math.erf(step)", "it has no function erf"),
    ],
)
def test_what_array_namespaces_cannot(body: str, what: str) -> None:
    schedule = decorated(f"def formula(step):\n    {body}", TABLE=np.array([0.1, 0.2]))()
    with pytest.raises(
        TypeError, match=rf"formula can't run in an array namespace.*{what}.*np.where.*KerasTable"
    ):
        schedule.evaluate(np, np.float64(1.0))


def test_operators_in_array_namespaces() -> None:
    body = (
        "(5.0 - step) ** 2.0 / 2.0 + 2.0 ** -step + abs(-step)"
        " + (+step) // 3.0 + 7.0 // (step + 1.0) + 5.0 % (step + 1.0)"
        " + ((step > 1.0) & (step <= 3.0)) * 2.0 + ((step == 2.0) | (step != 3.0)) + max(step, 2.0, peak)"
        " + min(peak, 3.0) + np.where(np.logical_and(step < 2.0, step >= 1.0), peak, step)"
        " + math.pow(step, 2.0) + math.fabs(step) + np.remainder(step, 2.0) + math.sqrt(peak) + math.pi"
    )
    schedule = decorated(f"def formula(step, peak):\n    return {body}")(0.5)
    for t in range(8):
        assert float(schedule.evaluate(np, np.float64(t))) == pytest.approx(schedule(t), rel=1e-15)


def fitted(learning_rate: Any, steps: int) -> list[float]:
    """The rate that each step of `fit` used: a weight whose gradient is 1 loses it."""
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(learning_rate=learning_rate), loss=lambda _, output: output)
    weights: list[float] = []
    record = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: weights.append(float(model.get_weights()[0][0, 0]))
    )
    model.set_weights([np.zeros((1, 1), np.float32)])
    one = np.ones((1, 1), np.float32)
    model.fit(one, one, batch_size=1, epochs=steps, verbose=0, callbacks=[record])
    return (-np.diff([0.0, *weights])).tolist()


@each
def test_keras_schedule(name: str, module: ModuleType) -> None:
    adapters = pytest.importorskip("lrdecay_native.keras")
    schedule = EXAMPLES[name][0](module)
    rate = adapters.KerasSchedule(schedule)
    np.testing.assert_allclose(fitted(rate, 4), schedule.values(4), rtol=1e-4)
    for step in (0, 3, 999, 1001, 2**24 + 3):
        assert float(rate(step)) == pytest.approx(schedule(step), rel=2e-5, abs=1e-8)
    assert adapters.KerasSchedule.from_config(rate.get_config()).schedule == schedule


@each
def test_keras_table(name: str, module: ModuleType) -> None:
    adapters = pytest.importorskip("lrdecay_native.keras")
    schedule = EXAMPLES[name][0](module)
    rate = adapters.KerasTable(schedule, 6)
    np.testing.assert_allclose(fitted(rate, 4), schedule.values(4), rtol=1e-4)
    assert [float(rate(t)) for t in range(6)] == schedule.values(6, dtype=np.float32).tolist()


def test_keras_of_a_formula_that_decides(module: ModuleType) -> None:
    adapters = pytest.importorskip("lrdecay_native.keras")
    schedule = module.with_if(0.1)
    table = adapters.KerasTable(schedule, 6)
    assert fitted(table, 12) == pytest.approx(schedule.values(12), rel=1e-4)
    for step in (6, 11, 2**24 + 3):
        assert float(table(np.array(step))) == pytest.approx(schedule(step), rel=1e-6)
    assert float(adapters.KerasTable(module.sawtooth(0.1), 6)(75)) == pytest.approx(0.025)


def test_keras_of_a_formula_that_loops() -> None:
    adapters = pytest.importorskip("lrdecay_native.keras")
    schedule = decorated("def formula(step):\n    while step > 1.0:\n        step -= 1.0\n    return step")()
    with pytest.raises(TypeError, match=r"formula can't run in an array namespace.*KerasTable"):
        adapters.KerasSchedule(schedule)(3)
    with pytest.raises(TypeError, match=r"formula can't run in an array namespace.*KerasTable"):
        fitted(adapters.KerasSchedule(schedule), 2)
    assert math.isnan(float(adapters.KerasTable(schedule, 6)(np.array(6))))
    assert float(adapters.KerasTable(schedule, 6)(6)) == np.float32(schedule(6))


DECISIONS = [
    "0.1 if step < 3 else 0.2",
    "0.1 * (step > 3 and step < 5)",
    "0.1 * (step > 3 or step == 1)",
    "0.1 * (3 < step < 5)",
    "0.1 * (not step)",
    "0.1 if not (step > 2 or step < 1) else step",
    "(0.1 if step > 3 else 0.2) + (0.3 if step > 5 else step)",
    "0.4 if step > 6 else 0.3 if step > 4 else step / 2 if step % 2 == 0 else 0.1",
    "0.5 if max(step, 3) > 4 and peak > 0.2 else peak",
    "0.1 / step if step else 0.7",
]


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("body", DECISIONS)
def test_decisions_in_array_namespaces(body: str) -> None:
    schedule = decorated(f"def formula(step, peak=0.3):\n    return {body}")()
    steps = np.arange(0.0, 9.0, 0.5)
    assert schedule.evaluate(np, steps) == pytest.approx(schedule(steps), rel=1e-15)
    assert [float(schedule.evaluate(np, step)) for step in steps] == pytest.approx(schedule(steps), rel=1e-15)


def test_the_errors_of_array_namespaces_are_type_errors() -> None:
    assert issubclass(UntraceableError, TypeError)


def test_a_fit_says_why_the_formula_takes_no_value() -> None:
    line = decorated("def formula(step, slope):\n    return slope * (step - 100)")
    with pytest.raises(ValueError, match=r"formula.*step"):
        lrd.fit(line, [(50, 0.05)])


def test_a_fit_of_what_numba_refuses_says_so() -> None:
    broken = decorated("def formula(step, slope):\n    return slope * step.missing")
    with pytest.raises(TypeError, match="formula"):
        lrd.fit(broken, [(50, 0.05)])


def test_negative_rates_are_refused_or_raised_natively(module: ModuleType) -> None:
    line = decorated("def formula(step, peak, slope):\n    return peak - slope * step")(0.1, 0.03)
    with pytest.raises(ValueError, match=r"formula\(step=4.0, .*\) is -0\.01.*; a rate must be finite"):
        line.values(10)
    clipped = line.clipped(lowest=0.0)
    wanted = [max(0.1 - 0.03 * step, 0.0) for step in range(10)]
    assert clipped(np.arange(10)).tolist() == clipped.values(10).tolist() == wanted
    assert [clipped(step) for step in range(10)] == wanted
    assert clipped.sum(10**6) == pytest.approx(math.fsum(wanted), rel=1e-15)
    assert clipped.first_step_below(0.005) == 4
    for made in (
        line.clipped(lowest=0.02),
        line.scaled(0.5).shifted(3).clipped(lowest=0.0),
        line.restarted(7).clipped(lowest=0.0),
        line.per_epoch(2).clipped(lowest=0.0).warmup(5),
        (line + lrd.Constant(0.5)).clipped(lowest=0.0),
        (line * lrd.StepDecay(1.0, 0.5, 3)).clipped(lowest=0.01),
    ):
        assert lrd.from_json(made.to_json()) == made
        rates = made.values(30)
        assert rates.min() >= 0.0
        assert rates.tolist() == [made(step) for step in range(30)]
    with pytest.raises(ValueError, match="is -0"):
        line.clipped(highest=0.05).values(10)
    with pytest.raises(ValueError, match="is nan"):
        module.sawtooth(0.1, period=0.0).clipped(lowest=0.0).values(10)


@pytest.mark.parametrize("kind", ["KerasSchedule", "KerasTable"])
def test_keras_trains_with_no_negative_rate(kind: str) -> None:
    adapters = pytest.importorskip("lrdecay_native.keras")
    line = decorated("def formula(step, peak, slope):\n    return peak - slope * step")(0.1, 0.03)
    rates = [0.1, 0.07, 0.04, 0.01]
    table = kind == "KerasTable"
    clipped = line.clipped(lowest=0.0)
    rate = adapters.KerasTable(clipped, 3) if table else adapters.KerasSchedule(clipped)
    assert fitted(rate, 7) == pytest.approx([*rates, 0.0, 0.0, 0.0], rel=1e-5, abs=1e-9)
    rate = adapters.KerasTable(line, 4) if table else adapters.KerasSchedule(line)
    applied = fitted(rate, 6)
    assert applied[:4] == pytest.approx(rates, rel=1e-5)
    assert np.isnan(applied[4:]).all()
    if table:
        with pytest.raises(ValueError, match=r"formula\(step=4.0"):
            adapters.KerasTable(line, 5)


@pytest.mark.parametrize(
    "body",
    [
        "peak * np.sin(np.pi * np.minimum(step, 1000.0) / 1000.0)",
        "peak * 0.5 * (1.0 + np.cos(np.pi * np.minimum(step, 1000.0) / 1000.0))",
        "peak * (1.0 - np.minimum(step, 1000.0) * 0.001)",
        "peak - peak / 1000.0 * np.minimum(step, 1000.0)",
    ],
)
def test_what_float32_rounds_below_zero_is_zero_in_keras(body: str) -> None:
    adapters = pytest.importorskip("lrdecay_native.keras")
    schedule = decorated(f"def formula(step, peak):\n    return {body}")(0.3)
    rate = adapters.KerasSchedule(schedule)
    steps = np.array([0, 1, 500, 999, 1000, 1001, 5000], np.int32)
    rates = np.array([float(rate(step)) for step in steps])
    assert rates == pytest.approx(schedule.clipped(lowest=0.0)(steps), rel=1e-4, abs=1e-7)
    assert rates.min() >= 0.0
