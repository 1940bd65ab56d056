"""Every public callable refuses every bad value of every parameter, and says which it is.

What is public is looked up, and so is what each parameter may be: one that nothing is known of fails the test.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import fractions
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from reference import KERNELS, SCHEDULES

import lrdecay_native as lrd
from lrdecay_native.messages import shown
from lrdecay_native.plateau import ReduceOnPlateau
from lrdecay_native.schedules.base import Schedule

LONG = "x" * 10**7

NO_NUMBERS: list[Any] = [
    *("3", "nan", b"3", bytearray(b"3"), np.str_("3"), np.bytes_(b"3"), LONG),
    *(True, False, np.True_, 1j, np.complex64(3)),
    *({}, {1: 2}, {3}, object(), int, len, range(3), lrd.Constant(0.1), lrd.Constant),
    *(
        np.timedelta64(3),
        np.timedelta64(3, "s"),
        np.datetime64("2020-01-01"),
        np.datetime64("NaT"),
        np.void(b"3"),
    ),
    *(datetime.timedelta(3), datetime.datetime(2020, 1, 1), decimal.Decimal(3)),
    *(np.ma.masked, np.ma.array([1.0, 2.0], mask=[0, 1]), np.ma.array(3.0)),
    *(
        np.array([True]),
        np.array(["3"]),
        np.array([1j]),
        np.array([{}]),
        np.array([None]),
        np.array([3], "m8[s]"),
    ),
    *(
        np.array([decimal.Decimal(3)]),
        np.array([fractions.Fraction(1, 3)]),
        np.array(["2020-01-01"], "M8[D]"),
    ),
    *([True, 2.0], ["3"], [None], [[1.0], [1.0, 2.0]], [np.ma.masked, 3.0], [1j], [LONG]),
]
"""No real numbers, nor arrays of them."""

NO_SCALARS: list[Any] = [[], [3], (3,), [[3]], np.array([]), np.array([3]), np.array([[3.0]])]

NOT_FINITE: list[Any] = [
    *map(float, ("nan", "inf", "-inf")),
    np.float32("nan"),
    np.float16("inf"),
    10**400,
    -(10**5000),
]

OUT_OF_RANGE: list[Any] = [-1, -0.5, 1e101, 2**400]

NONE: list[Any] = [None]

NUMBER = NO_NUMBERS + NO_SCALARS + NOT_FINITE
INTEGER = [*NUMBER, 0.5, 3.0, np.float64(3), fractions.Fraction(3)]
STEPS = (
    [value for value in NO_NUMBERS if not isinstance(value, range)]
    + NOT_FINITE
    + NONE
    + [-1, -0.5, 2**63, 2**70, [-1], [2**64], np.array([-1]), np.array([2**70])]
)
NUMBERS = (
    [value for value in NO_NUMBERS if not isinstance(value, range)]
    + NONE
    + [-1, [-1.0], [np.nan], np.array([np.inf]), 1e101]
)
NO_TEXTS: list[Any] = [
    None,
    3,
    0.5,
    True,
    b"linear",
    ["linear"],
    {},
    np.array(["linear", "cosine"]),
    "nonsense",
    LONG,
]
NO_FLAGS: list[Any] = [
    None,
    0,
    1,
    0.0,
    "True",
    b"",
    [],
    [True],
    np.array([True, False]),
    np.int8(1),
    np.ma.masked,
]
NO_SCHEDULES: list[Any] = [None, 0.1, "Constant(0.1)", lrd.Constant, {}, [], np.array([0.1]), len, LONG]
NO_SEQUENCES = [
    *(value for value in NO_NUMBERS if not isinstance(value, (range, bytearray, set, dict, np.ndarray))),
    *(
        None,
        3,
        0.5,
        [],
        (),
        np.array([]),
        [[1.0, 2.0]],
        np.array([[1.0]]),
        np.array([1.0, np.nan]),
        [np.inf],
        [-1],
    ),
    *(
        np.array([True]),
        np.array(["3"]),
        np.array([1j]),
        np.array([3], "m8[s]"),
        np.ma.array([1.0, 2.0], mask=[0, 1]),
    ),
    *(["1_0"], [datetime.timedelta(3)], [10**400], [1e101]),
]

WRONG: dict[str, list[Any]] = {
    "float": NUMBER + NONE,
    "float | None": NUMBER,
    "int": INTEGER + NONE + [-1],
    "int | None": [*INTEGER, -1],
    "str": NO_TEXTS,
    "bool": NO_FLAGS,
    "Schedule": NO_SCHEDULES,
    "npt.ArrayLike": STEPS,
    "Any": STEPS,
    "float | int": NUMBER + NONE,
    "array_like of float": NUMBERS,
    "SupportsFloat": [
        None,
        "3",
        b"3",
        True,
        1j,
        [3.0],
        np.array([3.0, 4.0]),
        np.str_("3"),
        {},
        np.timedelta64(3),
        np.ma.masked,
    ],
    "npt.DTypeLike | None": ["f2", "i8", int, "nonsense", 3, [], {}, np.float16, b"", LONG, "datetime64"],
    "npt.NDArray[Any] | None": [
        *([0.0], 3, "out", np.zeros(999), np.zeros(1, "i8"), np.zeros(1, "f2"), np.zeros((1, 1, 1)), {}),
        *(
            np.ma.zeros(1),
            np.zeros(1, bool),
            np.zeros(1, complex),
            np.zeros(1, object),
            memoryview(bytearray(8)),
        ),
    ],
    "Sequence[float]": NO_SEQUENCES,
    "Sequence[float] | npt.NDArray[Any]": NO_SEQUENCES,
    "str | Path": [None, 3, 0.5, True, b"", ["a"], {}, np.array(["a"]), object()],
    "str | int": [None, 0.5, b"a", ["a"], {}, True, np.array([1]), "nonsense", 99, -99, LONG],
    "dict[str, Any]": [None, 3, "{}", [], {}, {"version": 1}, {"version": 1, "class": 3}, {LONG: LONG}],
    "Mapping[str, Any]": [None, 3, "{}", [], {}, {"version": 1}, {"version": 1, "class": 3}, {LONG: LONG}],
    "str | bytes": [None, 3, 0.5, [], {}, "", "{", b"\xff", "[]", "3", LONG, object(), np.array(["{}"])],
    "Axes | None": [3, "axes", [], {}, object()],
    "type[AnySchedule]": [None, 3, "StepDecay", int, lrd.Constant(0.1), len, [], Schedule, LONG],
    "Iterable[tuple[float, float]]": [
        *(
            None,
            3,
            "points",
            [],
            [1],
            [(1,)],
            [(1, 2, 3)],
            [("0", 0.1)],
            [(0, True)],
            [(0, np.nan)],
            [(-1, 0.1)],
        ),
        *(
            {},
            {1: 2},
            [(0, 0.1), (0, 0.2)],
            [(0, "0.1")],
            [(2**70, 0.1)],
            [(0, [0.1])],
            [(np.timedelta64(3), 0.1)],
        ),
    ],
    "Iterable[str]": [None, 3, "power", [3], [None], ["nonsense"], [LONG], [["power"]]],
    "Callable[Concatenate[float, P], float]": [None, 3, "f", len, int, lrd.Constant, [], object()],
}
"""What is wrong for a parameter with that annotation."""

UNNAMED = {
    "from_json": "JSON|description|class|version|state",
    "from_dict": "description|class|version|fields",
    "from_state": "state|class|version",
    "from_csv": "column|rates.csv",
    "fit": "StepDecay|points",
    "own_formula": "own_formula",
}
"""What a message says where what is wrong is within a parameter."""


def arguments_of(name: str) -> dict[str, Any]:
    """Right arguments of the public callables that are no schedule classes, by the name of their parameters."""
    common = {
        "start": 0,
        "stop": 7,
        "step": 1,
        "size": 3,
        "dtype": None,
        "out": None,
        "threads": 1,
        "learning_rate": 0.1,
        "steps": 5,
        "start_factor": None,
        "shape": "linear",
        "other": lrd.Constant(0.2),
        "at": 5,
        "every": 5,
        "factor": 0.5,
        "by": 3,
        "end": 0.01,
        "k": 2.0,
        "decay_steps": 10,
        "lowest": 0.01,
        "highest": 0.05,
        "steps_per_epoch": 10,
        "staircase": True,
        "to": 200,
        "of": 100,
        "from_step": 10,
    }
    own: dict[str, dict[str, Any]] = {
        "Schedule.__call__": {"step": 3},
        "Schedule.warmup": {"start": 0.0},
        "Schedule.plot": {"stop": 7, "ax": None},
        "Tabulated.from_csv": {"path": "rates.csv", "column": 0, "every": 1, "interpolation": "linear"},
        "from_dict": {"description": lrd.Constant(0.1).to_dict()},
        "from_json": {"text": lrd.Constant(0.1).to_json()},
        "ReduceOnPlateau.from_state": {"state": ReduceOnPlateau(lrd.Constant(0.1)).state()},
        "ReduceOnPlateau.from_json": {"text": ReduceOnPlateau(lrd.Constant(0.1)).to_json()},
        "ReduceOnPlateau.learning_rate": {"step": 3},
        "ReduceOnPlateau.update": {"metric": 3.0, "step": 3},
        "own_formula": {"function": falling},
        "fit": {"schedule_class": lrd.StepDecay, "points": [(0, 0.1), (9, 0.01)]},
    }
    return {**common, **own.get(name, {})}


def falling(step: float) -> float:
    return 1.0 / (1.0 + step)


ALLOWED: dict[tuple[str, str], Callable[[Any], bool]] = {
    # A range may descend, and take steps as large as it likes.
    ("Schedule.values", "step"): lambda value: type(value) is int,
    **{(name, "threads"): lambda value: type(value) is int and value > 0 for name in KERNELS},
    **{("tanh_decay", name): lambda value: value == -1 or value == [-1.0] for name in ("lower", "upper")},
}
"""What is no bad value for a parameter, though it is for others like it."""

NEEDED: dict[str, dict[str, Any]] = {"fit": {"step_size": 3}, "Schedule.__call__": {"step": 3}}
"""Arguments besides."""


def public_callables() -> Iterator[tuple[str, Callable[..., Any], dict[str, str], dict[str, Any]]]:
    """Name, callable, the annotations of its parameters, and right arguments for all that has no default."""
    schedule = lrd.CosineDecay(0.1, 100)
    plateau = ReduceOnPlateau(lrd.Constant(0.1))
    for name in lrd.__all__:
        value = getattr(lrd, name)
        if name in SCHEDULES:
            made = SCHEDULES[name].make(Random(name))
            kinds = {parameter.name: str(parameter.type) for parameter in fields(made)}
            yield name, value, kinds, {key: getattr(made, key) for key in kinds}
            yield from methods(name, made, set(vars(value)) - set(kinds))
        elif name == "ReduceOnPlateau":
            yield from annotated(name, value, {"schedule": schedule})
            yield from methods(name, plateau, set(vars(value)))
        elif name == "Schedule":
            yield from methods(name, schedule, set(vars(value)))
        elif callable(value) and name != "backend":
            yield from annotated(name, value, {})


def methods(owner: str, instance: Any, names: set[str]) -> Iterator[Any]:
    for name in sorted(names):
        given = {"schedule": lrd.CosineDecay(0.1, 100)} if name.startswith("like_") else {}
        public = not name.startswith("_") or name == "__call__"
        if public and inspect.isroutine(getattr(instance, name)) and name != "evaluate":
            yield from annotated(f"{owner}.{name}", getattr(instance, name), given)


def annotated(name: str, function: Callable[..., Any], given: dict[str, Any]) -> Iterator[Any]:
    parameters = inspect.signature(function).parameters
    # Kernels take arrays of each of their parameters.
    kernel = getattr(function, "__module__", "") == "lrdecay_native"
    kinds = {
        key: "array_like of float"
        if kernel and key not in ("step", "out", "dtype", "threads")
        else str(parameter.annotation)
        for key, parameter in parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD
    }
    needed = [key for key in kinds if parameters[key].default is inspect.Parameter.empty]
    if {"start", "stop"} <= set(kinds):
        # One number alone is the stop.
        needed = ["start", "stop", *needed]
    known = dict.fromkeys(needed, 0.5) | {"step": 3} if kernel else arguments_of(name)
    yield name, function, kinds, {key: known[key] for key in needed if key not in given} | given


CALLABLES = {name: rest for name, *rest in public_callables()}


def bad_values(kind: str, parameter: str) -> list[Any]:
    assert kind in WRONG, f"say in WRONG what is no {kind}, for {parameter}"
    return WRONG[kind]


def called(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    positional = [
        key
        for key, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.POSITIONAL_ONLY and key in arguments
    ]
    named = {key: value for key, value in arguments.items() if key not in positional}
    return function(*(arguments[key] for key in positional), **named)


@pytest.mark.parametrize("name", CALLABLES)
def test_the_right_arguments_are_right(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    function, _, right = CALLABLES[name]
    (tmp_path / "rates.csv").write_text("0.1\n0.2\n")
    monkeypatch.chdir(tmp_path)
    called(function, {**NEEDED.get(name, {}), **right})


@pytest.mark.parametrize("name", CALLABLES)
def test_bad_values_are_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a ValueError or a TypeError that has the parameter's name, and is no longer than a screen."""
    function, kinds, right = CALLABLES[name]
    (tmp_path / "rates.csv").write_text("0.1\n0.2\n")
    monkeypatch.chdir(tmp_path)
    failures = []
    for parameter, kind in kinds.items():
        for value in bad_values(kind, parameter):
            arguments = {**NEEDED.get(name, {}), **right, parameter: value}
            what = f"{parameter}={shown(value):.60}"
            try:
                called(function, arguments)
            except (ValueError, TypeError) as error:
                message = str(error)
                unnamed = UNNAMED.get(name.rpartition(".")[2], "")
                if not re.search(rf"\b{parameter}\b" + f"|{unnamed}" * bool(unnamed), message):
                    failures.append(f"{what}: not named: {message[:100]}")
                if len(message) > 2000:
                    failures.append(f"{what}: {len(message)} characters")
            except Exception as error:
                failures.append(f"{what}: {type(error).__name__}: {str(error)[:100]}")
            else:
                if not ALLOWED.get((name, parameter), lambda _: False)(value):
                    failures.append(f"{what}: accepted")
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("name", SCHEDULES)
def test_numbers_and_texts_of_numpy_become_plain_ones(name: str, random: Random) -> None:
    """So that the repr of a schedule evaluates back."""
    for _ in range(5):
        made = SCHEDULES[name].make(random)
        for parameter in fields(made):
            value = getattr(made, parameter.name)
            for kind in (
                (np.str_,) if isinstance(value, str) else (np.bool_,) if isinstance(value, bool) else NUMPY
            ):
                whole = parameter.type in ("int", "int | None")
                if isinstance(value, (bool, str)) or (
                    holds(kind, value) and not (whole and issubclass(kind, np.floating))
                ):
                    arguments = {p.name: getattr(made, p.name) for p in fields(made)}
                    again = type(made)(**{**arguments, parameter.name: kind(value)})
                    assert again == made
                    assert type(getattr(again, parameter.name)) in (str, bool, int, float)
                    assert eval(repr(again), vars(lrd)) == made


def holds(kind: Any, value: Any) -> bool:
    """Whether a number stays the same in a type of NumPy."""
    with contextlib.suppress(OverflowError, ValueError), np.errstate(all="ignore"):
        return type(value) in (int, float) and kind(value).item() == value
    return False


NUMPY = (
    np.int8,
    np.uint8,
    np.int16,
    np.int32,
    np.int64,
    np.uint64,
    np.float16,
    np.float32,
    np.float64,
    np.longdouble,
)


class Bfloat16:
    """What other libraries' scalars of bfloat16 look like to NumPy, which gets the bits as an integer."""

    dtype = "paddle.bfloat16"

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(0x4040, np.uint16)


def test_bfloat16_is_refused() -> None:
    with pytest.raises(TypeError, match=r"step has type bfloat16, which NumPy takes for uint16"):
        lrd.CosineDecay(0.1, 100)(Bfloat16())
    with pytest.raises(TypeError, match=r"initial_learning_rate has type bfloat16"):
        lrd.cosine_decay(3, Bfloat16(), 100)
    with pytest.raises(TypeError, match=r"learning_rates has type bfloat16"):
        lrd.Tabulated(Bfloat16())


def test_bfloat16_of_the_real_libraries_is_refused() -> None:
    values = []
    with contextlib.suppress(ImportError):
        import ml_dtypes

        values += [
            ml_dtypes.bfloat16(3),
            np.array([1, 2], ml_dtypes.bfloat16),
        ]
    with contextlib.suppress(ImportError):
        import torch

        values += [torch.tensor(3.0, dtype=torch.bfloat16), torch.tensor([1.0, 2.0], dtype=torch.bfloat16)]
    if not values:
        pytest.skip("needs ml_dtypes or torch")
    for value in values:
        for call in (
            lambda value=value: lrd.CosineDecay(0.1, 100)(value),
            lambda value=value: lrd.cosine_decay(value, 0.1, 100),
            lambda value=value: lrd.cosine_decay(3, value, 100),
            lambda value=value: lrd.CosineDecay(value, 100),
            lambda value=value: lrd.CosineDecay(0.1, value),
            lambda value=value: lrd.Tabulated(value),
        ):
            with pytest.raises(
                (TypeError, ValueError), match=r"step|initial_learning_rate|decay_steps|learning_rates"
            ):
                call()
