"""What is read back is what was written; whatever else there is in a file is refused in a short message."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from draws import draws
from reference import SCHEDULES

import lrdecay_native as lrd
from lrdecay_native.command_line.schedule_expression import schedule_from_text
from lrdecay_native.plateau import ReduceOnPlateau

LONGEST = 3000
"""Characters of a message."""


def assert_read_back(schedule: Any) -> None:
    assert lrd.from_json(schedule.to_json()) == schedule
    assert repr(lrd.from_json(schedule.to_json())) == repr(schedule)
    assert eval(repr(schedule), dict(vars(lrd))) == schedule


def some_number(random: Random) -> Any:
    """A number of a type of NumPy, or a large integer, perhaps none that float64 holds."""
    number = random.choice(
        [2**53 + 1, random.randrange(2**53, 2**54) | 1, random.randrange(2**63), random.randrange(1, 200)]
    )
    kind = random.choice([int, np.int64, np.uint64, np.float32, np.float64, np.longdouble, Fraction])
    return kind(number)


@pytest.mark.parametrize("name", SCHEDULES)
def test_numbers_are_refused_or_read_back(name: str, random: Random) -> None:
    taken = 0
    for _ in range(draws(40)):
        schedule = SCHEDULES[name].make(random)
        numbers = [
            field.name
            for field in dataclasses.fields(schedule)
            if type(getattr(schedule, field.name)) in (int, float)
        ]
        for parameter in numbers:
            number = some_number(random)
            try:
                made = dataclasses.replace(schedule, **{parameter: number})
            except (ValueError, TypeError):
                continue
            assert_read_back(made)
            kept = getattr(made, parameter)
            assert type(kept) in (int, float), (parameter, kept)
            if isinstance(number, (int, np.integer)) and type(kept) is int:
                assert kept == int(number)
            taken += 1
    assert taken or not numbers


@pytest.mark.parametrize(
    "make",
    [
        lambda n: lrd.LinearDecay(0.1, n),
        lambda n: lrd.Constant(0.1).warmup(n),
        lambda n: lrd.Constant(0.1).shifted(n),
        lambda n: lrd.Constant(0.1).shifted(-n),
        lambda n: lrd.MultiStepDecay(0.1, [5, n], drop_rate=0.5),
        lambda n: lrd.Tabulated([0.1, 0.2], every=n),
        lambda n: lrd.Cyclic(0.1, 0.2, 3, step_size_down=n),
    ],
)
def test_steps_that_no_float64_holds(make: Any, random: Random) -> None:
    for number in (2**53 + 1, *(random.randrange(2**53, 2**63) | 1 for _ in range(20))):
        for kind in (int, np.int64):
            with pytest.raises(ValueError, match=rf"{number}\)?.* must be an integer that float64 holds"):
                make(kind(number))
        assert_read_back(make(np.int64(2**53 + 2)))
    assert lrd.Constant(0.1).shifted(np.int8(-128)).by == -128


class Text(str, enum.Enum):
    """Texts with another repr."""

    LINEAR = "linear"
    COSINE = "cosine"
    COS = "cos"
    TRIANGULAR2 = "triangular2"
    PREVIOUS = "previous"


@pytest.mark.parametrize("kind", [np.str_, Text])
def test_texts_are_kept_as_plain_ones(kind: Any) -> None:
    one = lrd.LinearDecay(0.1, 100)
    for schedule in (
        one.warmup(10, shape=kind("cosine")),
        one.cooled_down(10, 20, shape=kind("cosine")),
        lrd.Cyclic(0.1, 0.2, 10, mode=kind("triangular2")),
        lrd.OneCycle(0.1, 100, anneal_strategy=kind("linear")),
        lrd.Tabulated([0.1, 0.2], interpolation=kind("previous")),
        lrd.PiecewiseInterpolation([10, 20], [0.1, 0.2], shape=kind("cosine")),
        lrd.WarmupStableDecay(0.1, 10, 20, 30, warmup_shape=kind("cosine"), decay_shape=kind("linear")),
    ):
        assert_read_back(schedule)
        texts = [v for v in schedule.__getstate__().values() if isinstance(v, str)]
        assert texts
        assert {type(text) for text in texts} == {str}
    with pytest.raises(ValueError, match="mode='round' must be 'triangular', 'triangular2' or 'exp_range'"):
        lrd.Cyclic(0.1, 0.2, 10, mode="round")


# Tables


NO_RATES: list[Any] = [
    "0.1",
    "1_0",
    "",
    True,
    np.True_,
    0.1j,
    None,
    np.ma.masked,
    [0.1],
    np.datetime64("2020-01-01"),
]


def test_tables_take_what_other_parameters_take(random: Random) -> None:
    for wrong in NO_RATES:
        for others in ([], [0.1], [1, 0.5, np.float32(0.25)], [0.1] * 100):
            place = random.randint(0, len(others))
            rates = [*others[:place], wrong, *others[place:]]
            for given in (rates, tuple(rates)):
                with pytest.raises(
                    TypeError, match=rf"learning_rates\[{place}\]=.* must be a real number, not "
                ):
                    lrd.Tabulated(given)
    for number in (10**400, Fraction(10) ** 400, -1, float("nan"), float("inf"), 1e-101, 10**101):
        with pytest.raises(ValueError, match=r"learning_rates\[1\]=.* must be "):
            lrd.Tabulated([0.1, number])


@pytest.mark.parametrize(
    "rates",
    [
        np.array(["0.1"]),
        np.array([b"0.1"]),
        np.array([True, False]),
        np.array([0.1 + 0j]),
        np.array(["2020-01-01"], "datetime64[D]"),
        np.array([1], "timedelta64[s]"),
        np.zeros(3, "V8"),
        np.zeros(3, [("a", float)]),
        b"abc",
        "12",
        {0.1},
        {0.1: 0.2},
        0.1,
        None,
    ],
)
def test_what_are_no_rates(rates: Any) -> None:
    with pytest.raises(TypeError, match="learning_rates"):
        lrd.Tabulated(rates)


def test_masked_tables() -> None:
    for mask in ([False, True], [False, False]):
        with pytest.raises(TypeError, match=r"(?s)learning_rates=.* must not be a masked array"):
            lrd.Tabulated(np.ma.array([0.1, 0.2], mask=mask))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", "g", "i1", "u2", "i8", ">i8", "O"])
def test_tables_of_any_real_array(dtype: str) -> None:
    numbers = np.array([1, 0, 3, 2]).astype(dtype)
    for rates in (numbers, list(numbers), numbers[::-1][::-1]):
        schedule = lrd.Tabulated(rates)
        assert schedule.learning_rates == (1.0, 0.0, 3.0, 2.0)
        assert_read_back(schedule)
    assert lrd.Tabulated(range(1, 4)) == lrd.Tabulated([Fraction(1), 2, np.float32(3)])


# JSON and expressions


@pytest.mark.parametrize("depth", [502, 600, 990, 5000, 100_000])
def test_json_that_is_nested_too_deep(depth: int) -> None:
    inner = '{"class": "Constant", "learning_rate": 0.1}'
    text = '{"class": "Clipped", "lowest": null, "highest": null, "schedule": ' * (depth - 1)
    text = '{"version": 1, ' + (text + inner + "}" * (depth - 1))[1:]
    with pytest.raises(ValueError, match=rf"({depth}|more than 501) deep.*501|nested more than 501 deep"):
        lrd.from_json(text)
    state = ReduceOnPlateau(lrd.Constant(0.1)).to_json().replace(lrd.Constant(0.1).to_json(), text)
    with pytest.raises(ValueError, match=r"deep is too deep|nested more than 501 deep"):
        ReduceOnPlateau.from_json(state)
    with pytest.raises(ValueError, match="JSON"):
        lrd.from_json("[" * 100_000 + "]" * 100_000)


def test_what_is_nested_in_itself() -> None:
    description: dict[str, Any] = {"class": "Clipped", "lowest": None, "highest": None}
    description["schedule"] = description
    with pytest.raises(ValueError, match="nested more than 501 deep"):
        lrd.from_dict({"version": 1, **description})


@pytest.mark.parametrize("depth", [100, 450, 501])
def test_deep_schedules_are_read_back(depth: int, tmp_path: Path) -> None:
    schedule: Any = lrd.Constant(0.1)
    for _ in range(depth - 1):
        schedule = schedule.clipped(0.01)
    file = tmp_path / "deep.json"
    file.write_text(schedule.to_json())
    assert schedule_from_text(str(file)) == schedule
    assert schedule_from_text("Constant(0.1)" + ".clipped(0.01)" * (depth - 1)) == schedule
    if depth < 150:
        # Python's own parser takes so many parentheses.
        assert (
            schedule_from_text("Clipped(" * (depth - 1) + "Constant(0.1)" + ", 0.01)" * (depth - 1))
            == schedule
        )


@pytest.mark.parametrize("depth", [502, 1000, 5000, 100_000])
def test_expressions_that_are_nested_too_deep(depth: int) -> None:
    for text in (
        "Constant(0.1)" + ".clipped(0.01)" * (depth - 1),
        "Clipped(" * depth + "Constant(0.1)" + ")" * depth,
        "Constant(" + "[" * depth + "]" * depth + ")",
        "Constant(" + "-" * depth + "0.1)",
        "(" * depth + "Constant(0.1)" + ")" * depth,
    ):
        with pytest.raises((ValueError, TypeError)) as refused:
            schedule_from_text(text)
        assert len(str(refused.value)) < LONGEST


LONG = "x" * 10_000_000


@pytest.mark.parametrize(
    "change",
    [
        {"class": LONG},
        {"version": LONG},
        {LONG: 1},
        {"learning_rate": LONG},
        {"learning_rate": {"class": LONG}},
        {"learning_rate": [LONG]},
    ],
)
def test_messages_are_short(change: dict[str, Any], tmp_path: Path) -> None:
    description = {"version": 1, "class": "Constant", "learning_rate": 0.1, **change}
    file = tmp_path / "long.json"
    file.write_text(json.dumps(description))
    state = {**ReduceOnPlateau(lrd.Constant(0.1)).state(), "schedule": description}
    for read in (
        lambda: lrd.from_dict(description),
        lambda: lrd.from_json(json.dumps(description)),
        lambda: schedule_from_text(str(file)),
        lambda: ReduceOnPlateau.from_state(state),
    ):
        with pytest.raises((ValueError, TypeError)) as refused:
            read()
        assert len(str(refused.value)) < LONGEST


@pytest.mark.parametrize(
    "text",
    [
        LONG,
        f"{LONG}(0.1)",
        f"Constant(0.1).{LONG}()",
        f"Constant({LONG})",
        f"Constant('{LONG}')",
        f"Constant(0.1, {LONG}=1)",
        f"Constant(0.1, **{LONG})",
        f"{LONG}.json",
    ],
)
def test_messages_about_expressions_are_short(text: str) -> None:
    with pytest.raises((ValueError, TypeError)) as refused:
        schedule_from_text(text)
    assert len(str(refused.value)) < LONGEST


def refused_shortly(read: Callable[[], Any]) -> bool:
    """Whether something is refused; another error than the documented ones is raised, as is one that is long."""
    try:
        read()
    except (ValueError, TypeError) as error:
        message = str(error)
    else:
        return False
    assert len(message) < LONGEST
    return True


def test_damaged_json(random: Random) -> None:
    """Whatever becomes of the bytes, the error is a documented one."""
    text = lrd.LinearDecay(0.1, 1000).warmup(10, shape="cosine").restarted(500).to_json().encode()
    refused = 0
    count = draws(2000)
    for _ in range(count):
        damaged = bytearray(text)
        for _ in range(random.randint(1, 3)):
            damaged[random.randrange(len(damaged))] = random.randrange(256)
        kept = bytes(damaged[: random.choice([len(text), random.randrange(len(text))])])
        refused += refused_shortly(partial(lrd.from_json, kept))
    assert refused > count / 2


# CSV


def table(folder: Path, content: str | bytes) -> Path:
    path = folder / "rates.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "column", "rates"),
    [
        ("0.1\n0.2\n", 0, (0.1, 0.2)),
        ("0.1\r\n\r\n0.2", 0, (0.1, 0.2)),
        ("\ufeff0.1\n0.2\n", 0, (0.1, 0.2)),
        ("\ufefflr,x\n0.1,1\n0.2,2\n", "lr", (0.1, 0.2)),
        ('"lr, first",x\n"0.1",1\n', "lr, first", (0.1,)),
        ("x,0.1\ny, 1e-3 \n", np.int64(1), (0.1, 1e-3)),
    ],
)
def test_tables_from_csv(content: str, column: Any, rates: tuple[float, ...], tmp_path: Path) -> None:
    assert lrd.Tabulated.from_csv(table(tmp_path, content), column).learning_rates == rates


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        ('0.1\n"0.2\n0.3\n', 0, "is no CSV"),
        ('0.1\n"0.2\n', 0, "is no CSV"),
        ('0.1\n"' + "0.2\n" * 100_000, 0, "is no CSV"),
        ('"0.1"2\n', 0, "is no CSV"),
        ("0.1\n1_0\n", 0, "row 2 has no rate in column 0"),
        ("0.1\n\u0661\n", 0, "row 2 has no rate in column 0"),
        ("0.1\nlr\n", 0, "row 2 has no rate"),
        ("0.1,1\n0.2\n", 1, "row 2 has no rate"),
        ("0.1\n\xe9\n".encode("latin-1"), 0, "not in UTF-8"),
        ("0.1\n0.2\n".encode("utf-16"), 0, "not in UTF-8"),
        ("a,b\n1,2\n", "c", "column='c' must be one of those of"),
        ("", "lr", "column='lr' must be one of those of"),
        (f"{LONG}\n0.1\n", "lr", "is no CSV"),
        ("x" * 100_000 + "\n0.1\n", "lr", "column='lr' must be one of"),
        ("0.1\n" + "x" * 100_000, 0, "row 2 has no rate"),
    ],
)
def test_files_that_are_no_tables(content: str | bytes, column: Any, message: str, tmp_path: Path) -> None:
    path = table(tmp_path, content)
    with pytest.raises(ValueError, match=r"rates\.csv") as refused:
        lrd.Tabulated.from_csv(path, column)
    assert message in str(refused.value)
    assert len(str(refused.value)) < LONGEST


@pytest.mark.parametrize("column", [True, 1.0, None, b"lr", [0]])
def test_columns_of_a_wrong_kind(column: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"column=.* must be a column's name or number"):
        lrd.Tabulated.from_csv(table(tmp_path, "0.1\n"), column)


def test_columns_from_the_end(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="column=-1 must be from 0"):
        lrd.Tabulated.from_csv(table(tmp_path, "0.1,0.2\n"), -1)


def test_damaged_csv(tmp_path: Path, random: Random) -> None:
    text = b'lr,name\r\n0.1,"a, b"\r\n0.25,"c ""d"""\r\n1e-3,\r\n'
    for _ in range(draws(1000)):
        damaged = bytearray(text)
        for _ in range(random.randint(1, 3)):
            damaged[random.randrange(len(damaged))] = random.choice([*b'",\r\n\0_', random.randrange(256)])
        refused_shortly(
            partial(lrd.Tabulated.from_csv, table(tmp_path, bytes(damaged)), random.choice([0, 1, "lr"]))
        )
