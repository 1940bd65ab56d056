"""The kernel functions as array functions: types, memory layouts, broadcasting, refusals."""

from __future__ import annotations

import doctest
import inspect
import math
import pickle
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import MISSING, fields
from fractions import Fraction
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from reference import CLASSES, KERNELS, mp, ulps

import lrdecay_native as lrd
from lrdecay_native.evaluation.points import closed_form as curves
from lrdecay_native.formulas.catalogue import FORMULAS
from lrdecay_native.schedules.decays.single_formula import _Decay

Array = npt.NDArray[Any]

ARGUMENTS = {name: reference.example for name, reference in KERNELS.items()}
INTEGERS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]
FLOATS = ["f2", "f4", "f8", "g"]


@pytest.fixture(params=ARGUMENTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def kernel(name: str) -> Callable[..., Any]:
    """The function with all its parameters given; each can be given again."""
    function = getattr(lrd, name)
    return lambda step, **changes: function(step, **{**ARGUMENTS[name], **changes})


def scalars(kernel: Callable[..., Any], steps: Any) -> list[float]:
    return [kernel(int(step)) for step in np.asarray(steps).flat]


@pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_step_arrays_of_every_type(kernel: Callable[..., Any], dtype: str, order: Any) -> None:
    steps = np.array([0, 1, 2, 50, 89, 90, 91, 127], np.dtype(dtype).newbyteorder(order))
    values = kernel(steps)
    assert values.dtype == np.float64
    assert values.dtype.isnative
    assert values.tolist() == scalars(kernel, steps)


@pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
def test_numpy_scalars(kernel: Callable[..., Any], dtype: str) -> None:
    value = kernel(np.dtype(dtype).type(50))
    assert type(value) is float
    assert value == kernel(50)


@pytest.mark.parametrize("step", [3, 3.0, np.int8(3), np.array(3), np.array(3.0, ">f4")])
def test_scalars_give_python_floats(kernel: Callable[..., Any], step: Any) -> None:
    assert type(kernel(step)) is float
    assert type(kernel(step, dtype=np.float32)) is float


def test_lists_and_tuples(kernel: Callable[..., Any]) -> None:
    expected = [[kernel(0), kernel(1)], [kernel(2), kernel(3)]]
    assert kernel([[0, 1], [2, 3]]).tolist() == expected
    assert kernel(((0, 1), (2, 3))).tolist() == expected


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_empty_arrays(kernel: Callable[..., Any], shape: tuple[int, ...]) -> None:
    values = kernel(np.zeros(shape, np.int64))
    assert values.shape == shape
    assert values.dtype == np.float64
    assert kernel([]).shape == (0,)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::2],
        lambda a: a[::-1],
        lambda a: a[::-3],
        lambda a: a.reshape(50, 2).T,
        lambda a: a.reshape(10, 10)[::2, ::-3],
        lambda a: np.asfortranarray(a.reshape(10, 10)),
        lambda a: np.broadcast_to(a[:1], (3, 4)),
        lambda a: np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view(a.dtype),
        lambda a: _field(a),
    ],
    ids=[
        "gaps",
        "reversed",
        "gaps reversed",
        "transposed",
        "both",
        "fortran",
        "stride 0",
        "unaligned",
        "field",
    ],
)
@pytest.mark.parametrize("dtype", ["i8", "f8", "f4"])
def test_memory_layouts(kernel: Callable[..., Any], view: Callable[[Array], Array], dtype: str) -> None:
    steps = view(np.arange(100, dtype=dtype))
    values = kernel(steps)
    assert values.shape == steps.shape
    assert values.ravel().tolist() == scalars(kernel, steps)


def _field(array: Array) -> Array:
    records = np.zeros(len(array), [("other", "i1"), ("step", array.dtype)])
    records["step"] = array
    return records["step"]


def test_read_only_arrays(kernel: Callable[..., Any]) -> None:
    steps = np.arange(100)
    steps.flags.writeable = False
    assert kernel(steps).tolist() == scalars(kernel, steps)


def test_inputs_are_left_alone(kernel: Callable[..., Any], name: str) -> None:
    steps = np.arange(5000.0)
    parameters = {k: np.full(5000, v) for k, v in ARGUMENTS[name].items()}
    kernel(steps, **parameters)
    assert steps.tolist() == list(range(5000))
    assert all((array == ARGUMENTS[name][k]).all() for k, array in parameters.items())


@pytest.mark.parametrize("step", [2**53 + 1, 2**62 + 1, 2**63 - 1])
@pytest.mark.parametrize("dtype", ["i8", "u8", ">u8", "g"])
def test_integers_beyond_float64_are_exact(step: int, dtype: str) -> None:
    """Seen where one step more changes the value: near the end of a line that falls to zero."""
    end = 2.0**63
    steps = np.array([step], dtype)
    if int(steps[0]) != step:
        pytest.skip(f"{dtype} doesn't hold {step} on this machine")
    value = float(lrd.polynomial_decay(steps, 1.0, end)[0])
    assert value == lrd.polynomial_decay(step, 1.0, end)
    # What remains is known to 2**-102 of the whole.
    assert (
        abs(Fraction(value) - (1 - Fraction(step) / 2**63)) <= Fraction(1, 2**102) + Fraction(value) / 2**53
    )


@pytest.mark.parametrize("step", [0.5, 12.25, np.float16(0.5), np.longdouble(2) ** 60 + 1])
def test_fractional_steps(name: str, kernel: Callable[..., Any], step: Any) -> None:
    numerator, denominator = step.as_integer_ratio()
    truth = KERNELS[name].true(mp.mpf(numerator) / denominator, **ARGUMENTS[name])
    assert ulps(kernel(step), truth, np.float64) <= 0.8
    assert kernel(np.array([step])).tolist() == [kernel(step)]


def test_float32_is_the_exact_value_rounded_once(name: str, kernel: Callable[..., Any]) -> None:
    values = kernel(np.arange(200), dtype=np.float32)
    assert values.dtype == np.float32
    truths = [KERNELS[name].true(mp.mpf(t), **ARGUMENTS[name]) for t in range(200)]
    assert max(ulps(v, t, np.float32) for v, t in zip(values, truths, strict=True)) <= 0.51


@pytest.fixture
def rate(name: str) -> str:
    """The name of the first parameter, which is a rate."""
    return next(iter(ARGUMENTS[name]))


SHAPES = [
    ((5,), (1,)),
    ((4, 1), (1, 5)),
    ((5,), (4, 1)),
    ((), (5,)),
    ((2, 1, 3), (4, 1)),
    ((3000,), (3, 1)),
    ((3, 3000), (3, 1)),
    ((3000,), (2, 3, 1)),
    ((1,), (3000,)),
    ((0,), (3, 1)),
    ((3, 1), (1, 0)),
]


@pytest.mark.parametrize(("step_shape", "parameter_shape"), SHAPES)
def test_broadcasting_is_that_of_ufuncs(
    name: str,
    kernel: Callable[..., Any],
    step_shape: tuple[int, ...],
    parameter_shape: tuple[int, ...],
    random: Random,
) -> None:
    steps = np.array([random.randrange(200) for _ in range(int(np.prod(step_shape)))], np.int64)
    steps = steps.reshape(step_shape)
    for parameter, value in ARGUMENTS[name].items():
        factors = np.linspace(0.5, 1.0, int(np.prod(parameter_shape))).reshape(parameter_shape)
        values = kernel(steps, **{parameter: value * factors})
        expected = np.vectorize(
            lambda step, factor, parameter=parameter: kernel(int(step), **{parameter: factor}),
            otypes=[float],
        )(*_thinned(steps, value * factors))
        assert values.shape == np.broadcast_shapes(step_shape, parameter_shape)
        np.testing.assert_array_equal(_thinned(values)[0], expected)


def _thinned(*arrays: Array) -> list[Array]:
    """Every 299th entry of the long axes."""
    return [a[..., ::299] if a.ndim and a.shape[-1] > 1000 else a for a in arrays]


def test_all_parameters_as_arrays(name: str, kernel: Callable[..., Any]) -> None:
    arrays = {k: np.linspace(0.7, 1.0, 6)[:, None] * v for k, v in ARGUMENTS[name].items()}
    values = kernel(np.arange(4), **arrays)
    for row in range(6):
        one = {k: float(array[row, 0]) for k, array in arrays.items()}
        assert values[row].tolist() == [kernel(step, **one) for step in range(4)]


def test_integer_and_float32_parameters(name: str, kernel: Callable[..., Any]) -> None:
    for parameter, value in ARGUMENTS[name].items():
        single = np.float32(value)
        for given in (single, np.array([single], ">f4")):
            assert np.ravel(kernel(5, **{parameter: given}))[0] == kernel(5, **{parameter: float(single)})
        assert (
            kernel(5, **{parameter: 1})
            == kernel(5, **{parameter: np.uint8(1)})
            == kernel(5, **{parameter: 1.0})
        )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "make",
    [
        lambda shape, dtype: np.full(shape, np.nan, dtype),
        lambda shape, dtype: np.full((*shape, 2), np.nan, dtype)[..., 1],
        lambda shape, dtype: np.full(shape, np.nan, dtype)[..., ::-1],
        lambda shape, dtype: np.full(shape[::-1], np.nan, dtype).T,
    ],
    ids=["contiguous", "gaps", "reversed", "transposed"],
)
@pytest.mark.parametrize("count", [40, 10_000])
def test_out(
    kernel: Callable[..., Any], rate: str, make: Callable[..., Array], dtype: Any, count: int
) -> None:
    steps = np.arange(count)
    parameters = np.array([[0.1], [0.05]])
    out = make((2, count), dtype)
    assert kernel(steps, **{rate: parameters}, out=out) is out
    expected = kernel(steps, **{rate: parameters}, dtype=dtype)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("dtype", [">f8", ">f4", "<f8", "<f4"])
def test_out_of_either_byte_order(kernel: Callable[..., Any], dtype: str) -> None:
    out = np.full(3000, np.nan, dtype)
    kernel(np.arange(3000), out=out)
    np.testing.assert_array_equal(out, kernel(np.arange(3000), dtype=out.dtype.newbyteorder("=")))


def test_out_of_no_dimension(kernel: Callable[..., Any]) -> None:
    out = np.array(np.nan)
    assert kernel(3, out=out) is out
    assert float(out) == kernel(3)


@pytest.mark.parametrize("count", [50, 20_000])
def test_out_may_be_the_steps(kernel: Callable[..., Any], count: int) -> None:
    steps = np.arange(float(count))
    expected = kernel(steps)
    kernel(steps, out=steps)
    np.testing.assert_array_equal(steps, expected)


@pytest.mark.parametrize("count", [50, 20_000])
@pytest.mark.parametrize(("source", "destination"), [(0, 1), (1, 0)])
def test_out_may_overlap_the_steps(
    kernel: Callable[..., Any], count: int, source: int, destination: int
) -> None:
    buffer = np.arange(float(count + 1))
    steps, out = buffer[source : source + count], buffer[destination : destination + count]
    expected = kernel(steps.copy())
    kernel(steps, out=out)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize(("rows", "count"), [(3, 50), (3, 20_000), (1000, 50)])
def test_out_may_overlap_steps_that_are_broadcast(
    kernel: Callable[..., Any], rate: str, rows: int, count: int
) -> None:
    buffer = np.tile(np.arange(float(count)), (rows, 1))
    rates = np.linspace(0.1, 0.3, rows)[:, None]
    expected = kernel(buffer[0].copy(), **{rate: rates})
    kernel(buffer[0], **{rate: rates}, out=buffer)
    np.testing.assert_array_equal(buffer, expected)


@pytest.mark.parametrize("count", [50, 20_000])
def test_out_may_overlap_a_parameter(kernel: Callable[..., Any], rate: str, count: int) -> None:
    buffer = np.full((3, count), 0.5)
    rates = buffer[::-1, -1:]
    expected = kernel(np.arange(count), **{rate: rates}.copy())
    kernel(np.arange(count), **{rate: rates}, out=buffer)
    np.testing.assert_array_equal(buffer, expected)


THREADED_SHAPES = [
    ((100_003,), ()),
    ((40_001,), (3, 1)),
    ((40_001,), (2, 1)),
    ((100,), (1001, 1)),
    ((50_000, 1), (1, 3)),
    ((3, 40_000), (3, 1)),
    ((7,), (1,)),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("step_dtype", ["f8", "f4", "i8", "u2", ">i4"])
@pytest.mark.parametrize(("step_shape", "parameter_shape"), THREADED_SHAPES)
def test_values_are_the_same_whatever_the_threads(
    name: str,
    kernel: Callable[..., Any],
    step_shape: tuple[int, ...],
    parameter_shape: tuple[int, ...],
    step_dtype: str,
    dtype: Any,
) -> None:
    steps = (np.arange(math.prod(step_shape)) % 199).reshape(step_shape).astype(step_dtype)
    factors = np.linspace(0.5, 1.0, math.prod(parameter_shape)).reshape(parameter_shape)
    parameters = {parameter: value * factors for parameter, value in ARGUMENTS[name].items()}
    expected = kernel(steps, **parameters, dtype=dtype)
    for threads in (2, np.int64(7)):
        np.testing.assert_array_equal(kernel(steps, **parameters, dtype=dtype, threads=threads), expected)
        out = np.full(expected.shape[::-1], np.nan, dtype).T
        kernel(steps, **parameters, out=out, threads=threads)
        np.testing.assert_array_equal(out, expected)


def test_threads_share_the_work(
    name: str, kernel: Callable[..., Any], rate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every value is written once, by a thread of its own for each part, both at the same time."""
    seen: dict[int, list[int]] = defaultdict(list)
    rows = curves.engine
    both = threading.Barrier(2)

    class Watched:
        def __getattr__(self, attribute: str) -> Any:
            function = getattr(rows, attribute)
            if attribute != "evaluate":
                return function

            def call(*arguments: Any) -> None:
                if not seen[threading.get_ident()]:
                    # One thread alone would wait here for the other.
                    both.wait(timeout=60)
                seen[threading.get_ident()].append(arguments[-1].size)
                function(*arguments)

            return call

    monkeypatch.setattr(curves, "engine", Watched())
    for step_count, sets in ((100_000, 1), (50_000, 4), (1000, 200)):
        seen.clear()
        rates = np.full((sets, 1), 0.1)
        kernel(np.arange(float(step_count)), **{rate: rates}, threads=2)
        assert [sum(counts) for counts in seen.values()] == [step_count * sets // 2] * 2


@pytest.mark.parametrize(
    ("threads", "error", "text"),
    [
        (0, ValueError, "threads=0 must be at least 1"),
        (-2, ValueError, "threads=-2 must be at least 1"),
        (True, TypeError, "threads=True must be an integer, not bool"),
        (2.0, TypeError, "threads=2.0 must be an integer, not float"),
        ("2", TypeError, "threads='2' must be an integer, not str"),
        (None, TypeError, "threads=None must be an integer, not NoneType"),
    ],
)
def test_bad_threads_are_refused(
    kernel: Callable[..., Any], threads: Any, error: type[Exception], text: str
) -> None:
    out = np.full(3, np.nan)
    with refused(error, text):
        kernel([1, 2, 3], out=out, threads=threads)
    assert np.isnan(out).all()


@pytest.mark.parametrize("dtype", ["i8", "u8", ">u8", "g", "f8"])
def test_steps_that_need_more_bits_are_exact_among_others(
    kernel: Callable[..., Any], rate: str, dtype: str
) -> None:
    """And the others have the values that they have without them."""
    steps = np.array([0, 1, 50, 89, 2**53 - 1, 2**53, 2**53 + 2, 2**62], dtype)
    if dtype != "f8":
        steps = np.concatenate([steps, np.array([2**53 + 1, 2**63 - 1], dtype)])
    repeated = np.tile(steps, 5000)
    for threads in (1, 2):
        values = kernel(repeated, threads=threads).reshape(5000, -1)
        assert (values == values[0]).all()
        assert values[0].tolist() == [kernel(step) for step in steps]
        assert values[0, :8].tolist() == [kernel(float(step)) for step in steps[:8]]
    rates = [[0.1], [0.2], [0.3]]
    swept = kernel(repeated, **{rate: rates}, threads=2)
    for row, (value,) in zip(swept, rates, strict=True):
        assert row[: len(steps)].tolist() == [kernel(step, **{rate: value}) for step in steps]


def test_common_values_of_a_parameter_in_a_sweep(kernel: Callable[..., Any]) -> None:
    """They have kernels of their own, and give what they give alone."""
    powers = [0.0, 0.5, 0.7, 1.0, 1.5, 2.0, 2.0, 3.0, 2.5, 1.0]
    steps = np.arange(0, 120, 0.25)
    swept = lrd.polynomial_decay(steps, 0.1, 90, power=np.reshape(powers, (-1, 1)))
    for row, power in zip(swept, powers, strict=True):
        np.testing.assert_array_equal(row, lrd.polynomial_decay(steps, 0.1, 90, power=power))


@pytest.mark.parametrize("power", [0.5, 1.0, 1.5, 2.0, 3.0])
def test_kernels_for_common_values_agree_with_the_general_one(power: float) -> None:
    """The power next to it has the general kernel; what the difference makes is less than an ulp of the shape."""
    steps = np.arange(0.0, 90.0, 0.01)
    general = lrd.polynomial_decay(steps, 0.1, 90, power=np.nextafter(power, 9.0))
    np.testing.assert_allclose(lrd.polynomial_decay(steps, 0.1, 90, power=power), general, rtol=1e-14)


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "g"])
def test_the_extremes_of_every_step_type(kernel: Callable[..., Any], dtype: str) -> None:
    kind = np.dtype(dtype)
    if kind.kind in "iu":
        highest = min(np.iinfo(kind).max, 2**63 - 1)
        wrong: list[Any] = [np.iinfo(kind).min] if kind.kind == "i" else []
        wrong += [2**63] if dtype == "u8" else []
    else:
        highest = np.nextafter(kind.type(2.0**63), kind.type(0)) if dtype != "f2" else np.finfo("f2").max
        wrong = [-1.0, np.nan, -np.nan, np.inf, -np.inf, -np.finfo(kind).smallest_subnormal]
        wrong += [2.0**63] if dtype != "f2" else []
        assert kernel(np.array([-0.0, 0.0], kind)).tolist() == [kernel(0)] * 2
    steps = np.array([0, highest], kind)
    assert kernel(steps).tolist() == [kernel(0), kernel(steps[1])]
    for step in wrong:
        out = np.full(3, np.nan)
        with pytest.raises(ValueError, match=r"step=.* must be a step from 0 to below 2\*\*63"):
            kernel(np.array([1, step, 2]).astype(kind), out=out)
        assert np.isnan(out).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_gil_is_released(engine: ModuleType, name: str, dtype: str) -> None:
    """Another thread sees a kernel's first result before its last: only without the lock does it run meanwhile."""
    time_map = FORMULAS[name].time_maps[0]
    steps, out = np.linspace(0.1, 0.9, 2_000_000), np.empty(2_000_000, dtype)
    kernel = f"{name}_{time_map}"
    constants = np.empty((16, 1))
    parameters = np.full((2 + len(FORMULAS[name].parameters), 1), 0.5)
    # The low part of the period.
    parameters[1] = 0.0
    engine.prepare(kernel, parameters, constants)
    given = kernel, steps, 0, constants, out
    engine.evaluate(kernel, steps[:1], 0, constants, out[:1])

    def seen_at_work() -> bool:
        out[:] = np.nan
        thread = threading.Thread(target=engine.evaluate, args=given)
        thread.start()
        try:
            while thread.is_alive():
                if not np.isnan(out[0]):
                    return bool(np.isnan(out[-1]))
                time.sleep(0)
            return False
        finally:
            thread.join()

    assert any(seen_at_work() for _ in range(50))


def refused(error: type[Exception], text: str) -> Any:
    return pytest.raises(error, match=re.escape(text))


BAD_STEPS = [
    (-1, ValueError, "step=-1 must be a step from 0 to below 2**63"),
    (-0.5, ValueError, "step=-0.5 must be"),
    (float("nan"), ValueError, "step=nan must be"),
    (float("inf"), ValueError, "step=inf must be"),
    (2**63, ValueError, "step=9223372036854775808 must be"),
    (2**70, ValueError, "step=1180591620717411303424 must be"),
    (2.0**63, ValueError, "step=9.223372036854775808e+18".replace("775808", "")[:11]),
    ([0, 1, -2], ValueError, "step=-2 must be a step from 0 to below 2**63 (1 of 3 steps are wrong)"),
    ([0.0, np.nan, -1.0], ValueError, "step=nan must be"),
    ([1, 2**64], ValueError, "step=18446744073709551616 must be"),
    (np.array([2**63], np.uint64), ValueError, "step=9223372036854775808 must be"),
    (np.array([-1], np.int8), ValueError, "step=-1 must be"),
    (True, TypeError, "step"),
    (np.array([True]), TypeError, "step has type bool"),
    ("3", TypeError, "step has type str"),
    (None, TypeError, "step has type"),
    (1j, TypeError, "step has type complex"),
    ([1, None], TypeError, "step has type object"),
    (np.array(["2020-01-01"], "M8[D]"), TypeError, "step has type datetime64"),
]


@pytest.mark.parametrize(("step", "error", "text"), BAD_STEPS, ids=lambda v: repr(v)[:40])
def test_bad_steps_are_refused(
    kernel: Callable[..., Any], step: Any, error: type[Exception], text: str
) -> None:
    with refused(error, text):
        kernel(step)


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf"), -float("inf"), 1e101, 1e-101, 0.0])
@pytest.mark.parametrize("as_array", [False, True])
def test_parameters_out_of_range_are_refused(
    name: str, kernel: Callable[..., Any], bad: float, as_array: bool
) -> None:
    for parameter, value in ARGUMENTS[name].items():
        if bad in FORMULAS[name].described[parameter].range:
            continue
        with refused(ValueError, f"{parameter}={bad!r} must be "):
            kernel(3, **{parameter: np.array([value, bad]) if as_array else bad})


@pytest.mark.parametrize("bad", ["0.1", None, 1j, True, [0.1, None]])
def test_parameters_of_a_wrong_kind_are_refused(name: str, kernel: Callable[..., Any], bad: Any) -> None:
    for parameter in ARGUMENTS[name]:
        with refused(TypeError, f"{parameter}={bad!r} must be "):
            kernel(3, **{parameter: bad})


def test_a_factor_above_one_is_refused() -> None:
    with refused(ValueError, "drop_rate=1.5 must be positive, from 1e-100 to 1"):
        lrd.step_decay(3, 0.1, 1.5, 10)


def test_shapes_that_do_not_broadcast_are_refused(kernel: Callable[..., Any], rate: str) -> None:
    with refused(ValueError, f"step (3,) and the parameters ({rate} (2,)"):
        kernel([1, 2, 3], **{rate: [0.1, 0.2]})


def _read_only(shape: int) -> Array:
    array = np.full(shape, np.nan)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("out", "error", "text"),
    [
        (np.full(4, np.nan), ValueError, "out has shape (4,); it must have shape (3,)"),
        (np.full((1, 3), np.nan), ValueError, "out has shape (1, 3); it must have shape (3,)"),
        (np.full(3, np.nan, np.float16), TypeError, "out has dtype float16; it must be float64 or float32"),
        (np.full(3, -7), TypeError, "out has dtype int64; it must be float64 or float32"),
        (np.full(3, np.nan, np.longdouble), TypeError, "it must be float64 or float32"),
        (_read_only(3), ValueError, "out is read-only; it must be writeable"),
        ([0.0, 0.0, 0.0], TypeError, "out must be a NumPy array, not list"),
    ],
    ids=["longer", "dimensions", "float16", "integers", "longdouble", "read-only", "list"],
)
def test_bad_out_is_refused_and_untouched(
    kernel: Callable[..., Any], out: Any, error: type[Exception], text: str
) -> None:
    before = np.array(out)
    with refused(error, text):
        kernel([1, 2, 3], out=out)
    np.testing.assert_array_equal(out, before)


def test_out_is_untouched_when_another_argument_is_refused(
    kernel: Callable[..., Any],
    rate: str,
) -> None:
    out = np.full(20_000, np.nan)
    steps = np.arange(20_000)
    steps[-1] = -1
    with refused(ValueError, "step=-1"):
        kernel(steps, out=out)
    with refused(ValueError, f"{rate}=-1.0"):
        kernel(np.arange(20_000), **{rate: -1.0}, out=out)
    with refused(TypeError, "differs from the dtype of out"):
        kernel(np.arange(20_000), dtype=np.float32, out=out)
    assert np.isnan(out).all()


@pytest.mark.parametrize("dtype", [np.float16, np.int64, "complex128", "nonsense", np.longdouble])
def test_bad_dtype_is_refused(kernel: Callable[..., Any], dtype: Any) -> None:
    with refused(TypeError, f"dtype={dtype!r} must be float64 or float32"):
        kernel([1, 2, 3], dtype=dtype)


def test_documentation(name: str) -> None:
    """Complete, with an example that runs, and the signature that it describes."""
    kernel = getattr(lrd, name)
    documentation = inspect.getdoc(kernel)
    assert documentation is not None
    described = re.findall(r"^(\w+) : ", documentation, re.MULTILINE)
    assert described == list(inspect.signature(kernel).parameters)
    example = doctest.DocTestParser().get_doctest(documentation, {}, name, None, None)
    assert len(example.examples) > 1
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example).failed == 0


def test_names(name: str) -> None:
    kernel = getattr(lrd, name)
    assert (kernel.__name__, kernel.__qualname__, kernel.__module__) == (name, name, "lrdecay_native")
    assert pickle.loads(pickle.dumps(kernel)) is kernel


def test_arguments_by_position_and_by_name(name: str) -> None:
    kernel, arguments = getattr(lrd, name), ARGUMENTS[name]
    by_name = kernel(step=7, **arguments)
    assert kernel(7, *arguments.values()) == by_name
    first, *others = arguments
    assert kernel(7, arguments[first], **{other: arguments[other] for other in others}) == by_name


@pytest.mark.parametrize(
    ("arguments", "named", "text"),
    [
        ((), {}, "missing"),
        (
            (3,),
            {},
            "polynomial_decay is missing the argument 'initial_learning_rate'; its parameters are step, ",
        ),
        ((3, 0.1), {}, "polynomial_decay is missing the argument 'max_step'"),
        ((3, 0.1, 90, 1.0, 0.0, 7), {}, "polynomial_decay takes 5 positional arguments, 6 were given"),
        ((3, 0.1, 90), {"cycle": True}, "unexpected keyword argument 'cycle'"),
        ((3, 0.1, 90), {"max_step": 80}, "multiple values for argument 'max_step'"),
        ((3, 0.1, 90), {"step": 80}, "multiple values for argument 'step'"),
    ],
)
def test_wrong_arguments(arguments: tuple[Any, ...], named: dict[str, Any], text: str) -> None:
    with refused(TypeError, text):
        lrd.polynomial_decay(*arguments, **named)


def test_kernels_and_schedules_have_the_same_defaults() -> None:
    for cls in CLASSES.values():
        if issubclass(cls, _Decay):
            of_class = {field.name: field.default for field in fields(cls)}  # type: ignore[arg-type]
            arguments = FORMULAS[cls._formula].arguments
            order = [name for name in of_class if name in arguments]
            assert order == list(arguments)
            for argument, default in arguments.items():
                assert of_class[argument] == (MISSING if default is None else default)


def test_defaults_of_polynomial_decay() -> None:
    assert lrd.polynomial_decay(30, 0.1, 90) == lrd.polynomial_decay(30, 0.1, 90, 1.0, 0.0)


@pytest.mark.parametrize("step", [89, 90, 91, 2**63 - 1])
def test_power_zero_never_changes_the_rate(step: int) -> None:
    """As in Keras, where 0 ** 0 is 1."""
    assert lrd.polynomial_decay(step, 0.1, 90, power=0.0) == 0.1
