"""The comparison itself fails where it must."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from parity.comparison import (
    FLOAT64,
    Case,
    Part,
    Rates,
    Steps,
    assert_all_covered,
    assert_options_covered,
    assert_same_rates,
    each,
    made,
)

import lrdecay_native as lrd

DECAY = Case("Decay", {"steps": 700}, lambda: lrd.StepDecay(0.3, 0.5, 700))


def halving(steps: Steps) -> Rates:
    return 0.3 * np.power(0.5, steps // 700)


def same(case: Case, rates_of: Any) -> None:
    assert_same_rates(case, None, lambda _, steps: rates_of(steps), FLOAT64)


def test_equal_rates_pass() -> None:
    same(DECAY, halving)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda steps: halving(steps) * (1.0 + 1e-14),
        lambda steps: halving(steps + 1),
        lambda steps: np.where(steps == 3500, np.nan, halving(steps)),
        lambda steps: np.where(steps == 3500, halving(steps - 1), halving(steps)),
        lambda steps: np.where(steps == 4000, halving(steps) + 1e-14, halving(steps)),
    ],
    ids=["all a little off", "one step early", "no number", "late at one boundary", "one step a little off"],
)
def test_other_rates_fail(wrong: Any) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"Decay differs at \d+ of 6216 steps"):
        same(DECAY, wrong)


def test_a_peer_that_ends_is_compared_up_to_its_end() -> None:
    ending = Case("Decay", {}, DECAY.ours, last=999)
    same(ending, lambda steps: np.where(steps < 1000, halving(steps), np.nan))


def test_steps_that_the_peer_rounds_to_another_cycle_are_left_out() -> None:
    rounding = Case("Decay", {}, DECAY.ours, unlike=lambda steps: steps == 700)
    same(rounding, lambda steps: np.where(steps == 700, 0.3, halving(steps)))


@pytest.mark.parametrize(
    ("found", "excluded"),
    [
        ({"Decay", "Another"}, {}),
        ({"Decay"}, {"Another": "It is gone."}),
        (set(), {}),
        ({"Decay"}, {"Decay": "It is covered as well."}),
        ({"Decay", "Another"}, {"Another": "reason"}),
    ],
    ids=["not covered", "stale exclusion", "stale case", "both", "no reason"],
)
def test_coverage_fails(found: set[str], excluded: dict[str, str]) -> None:
    with pytest.raises(AssertionError):
        assert_all_covered(found, [DECAY], excluded)


@pytest.mark.parametrize(
    ("options", "excluded"),
    [({"steps", "another"}, {}), ({"steps"}, {"another": "It is gone."})],
    ids=["not covered", "stale exclusion"],
)
def test_coverage_of_options_fails(options: set[str], excluded: dict[str, str]) -> None:
    with pytest.raises(AssertionError):
        assert_options_covered(lambda _: options, [DECAY], excluded)


def test_cases_of_one_name_are_refused() -> None:
    with pytest.raises(AssertionError):
        each([DECAY, DECAY])


def test_parts_are_made_with_what_holds_them() -> None:
    nested = Part("Both", {"parts": [Part("One", {"rate": 1}), Part("Two", {})], "at": [3]})
    assert made(nested, lambda name, **arguments: (name, arguments)) == (
        "Both",
        {"parts": [("One", {"rate": 1}), ("Two", {})], "at": [3]},
    )
