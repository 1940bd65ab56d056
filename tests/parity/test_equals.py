"""Every table of equals in docs/schedules.md is run, and what runs them fails where it must."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import numpy as np
import pytest
from parity.comparison import FLOAT64
from parity.equals import (
    DRAWS,
    LETTERS,
    Line,
    Peer,
    assert_all_lines_run,
    assert_line_holds,
    draw,
    names_in,
    tables,
)


def test_every_table_is_run() -> None:
    texts = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py")]
    run = {heading for text in texts for heading in re.findall(r'assert_all_lines_run\("([^"]+)", ', text)}
    assert run == set(tables())


def test_lines_are_those_of_the_page() -> None:
    assert sum(map(len, tables().values())) > 90
    assert Line("StepLR(n, f)", "StepDecay(lr, f, n)") in tables()["torch"]
    assert (
        Line("ConstantLR(f, w)", 'Constant(lr).warmup(w, start_factor=f, shape="constant")', "w > 0")
        in (tables()["torch"])
    )


def test_a_line_without_a_peer_and_a_peer_without_a_line_fail() -> None:
    theirs = [line.theirs for line in tables()["fvcore"]]
    assert_all_lines_run("fvcore", dict.fromkeys(theirs, Peer()))
    for wrong in (theirs[1:], [*theirs, "Another(lr)"]):
        with pytest.raises(AssertionError):
            assert_all_lines_run("fvcore", dict.fromkeys(wrong, Peer()))


def test_names_are_values_and_no_functions() -> None:
    assert names_in("f(lr, [b1, b2], g(T - w), x=end)") == {"lr", "b1", "b2", "T", "w", "end"}
    assert names_in("F(lambda t: function(t, r))") == {"r"}
    assert names_in("any, with more") == set()


def test_letters_keep_to_the_page(random: Random) -> None:
    line = Line("MultiStepLR([b1, b2], f)", "MultiStepDecay(lr, [b1, b2], drop_rate=f)", "b1 > 2")
    for _ in range(200):
        letters = draw(line, {line.theirs: Peer()}, random).letters
        assert sorted(letters) == ["b1", "b2", "f", "lr"]
        assert 2 < letters["b1"] < letters["b2"]
        assert 0 < letters["f"] < 1


def test_lengths_are_awkward_and_end_within_the_run(random: Random) -> None:
    for name in ("T", "n", "b1", "w"):
        lengths = {LETTERS[name](random) for _ in range(2000)}
        assert {1, 2, 3, 41, 47, 97} <= lengths
        assert max(lengths) <= 120
    assert min(lengths) == 0


def test_a_letter_that_the_page_does_not_explain_fails(random: Random) -> None:
    line = Line("StepLR(n, unknown)", "StepDecay(lr, unknown, n)")
    with pytest.raises(KeyError, match="unknown"):
        draw(line, {line.theirs: Peer()}, random)


@pytest.mark.parametrize(
    "ours",
    [
        "LinearDecay(lr, T, end_learning_rate=end).warmup(w)",
        "LinearDecay(lr, T + 1, end_learning_rate=end).warmup(w, init)",
        "LinearDecay(lr, T, end_learning_rate=end).warmup(w, init).shifted(1)",
        "LinearDecay(lr, T, end_learning_rate=end * 0.999999).warmup(w, init)",
    ],
)
def test_a_line_that_does_not_hold_fails(random: Random, ours: str) -> None:
    """The peer here is a line by hand."""
    line = Line("by_hand(lr, T, end, w, init)", ours)

    def by_hand(lr: float, length: int, end: float, warmup: int, init: float) -> dict[str, float]:
        return {"lr": lr, "length": length, "end": end, "warmup": warmup, "init": init}

    def rates_of(given: dict[str, float], steps: np.ndarray) -> np.ndarray:
        points = [0, given["warmup"], given["warmup"] + given["length"]]
        rates = [given["init"], given["lr"], given["end"]]
        return np.interp(steps, points, rates) if given["warmup"] else np.interp(steps, points[1:], rates[1:])

    def run(line: Line) -> None:
        peers = {line.theirs: Peer()}
        assert_line_holds(line, peers, random, lambda letters: {"by_hand": by_hand}, rates_of, FLOAT64)

    run(Line(line.theirs, "LinearDecay(lr, T, end_learning_rate=end).warmup(w, init)"))
    with pytest.raises(pytest.fail.Exception, match=r"by_hand\(lr, T, end, w, init\) with .* differs at"):
        run(line)


def test_twenty_draws() -> None:
    assert DRAWS >= 20
