"""fvcore's schedulers are ours: theirs are functions of the part of the run that is over, from 0 to 1."""

from __future__ import annotations

import inspect
from random import Random
from typing import Any

import numpy as np
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
)
from parity.equals import (
    DRAWS,
    Letters,
    Line,
    Peer,
    assert_all_lines_run,
    assert_drawn_holds,
    draw,
    each_line,
    near_the_end,
    rate,
)
from peers import peer

import lrdecay_native as lrd

param_scheduler = peer("fvcore.common.param_scheduler")

RUN = 5000
"""The steps of the run; boundaries, which fvcore moves by 1e-6 of it, are at the same whole steps."""

LONG_RUN = 10**7
BOUNDARIES_MOVE = 10
"""The steps by which fvcore has boundaries earlier in the long run."""


def of_run(run: int) -> list[Case]:
    """The cases in a run of so many steps."""
    return [
        Case("ConstantParamScheduler", {"value": 0.3}, lambda: lrd.Constant(0.3), last=run - 1),
        Case(
            "LinearParamScheduler",
            {"start_value": 0.3, "end_value": 0.01},
            lambda: lrd.LinearDecay(0.3, run, end_learning_rate=0.01),
            last=run,
        ),
        Case(
            "CosineParamScheduler",
            {"start_value": 0.3, "end_value": 0.01},
            lambda: lrd.CosineDecay(0.3, run, end_learning_rate=0.01),
            last=run,
        ),
        Case(
            "ExponentialParamScheduler",
            {"start_value": 0.3, "decay": 0.02},
            lambda: lrd.StepDecay(0.3, 0.02, run, staircase=False),
            last=run,
        ),
        Case(
            "PolynomialDecayParamScheduler",
            {"base_value": 0.3, "power": 0.9},
            lambda: lrd.PolynomialDecay(0.3, run, power=0.9),
            last=run,
        ),
        Case(
            "MultiStepParamScheduler",
            {"values": [0.3, 0.1, 0.2], "milestones": [70, 90, 100]},
            lambda: lrd.PiecewiseConstant([run * 7 // 10, run * 9 // 10], [0.3, 0.1, 0.2]),
            last=run,
            unlike=moved(run * 7 // 10, run * 9 // 10, run=run),
        ),
        Case(
            "MultiStepParamScheduler",
            {"values": [0.3, 0.1, 0.2], "num_updates": 100},
            # Phases are rounded up to whole updates: 34 of 100.
            lambda: lrd.PiecewiseConstant([run * 34 // 100, run * 68 // 100], [0.3, 0.1, 0.2]),
            last=run,
            unlike=moved(run * 34 // 100, run * 68 // 100, run=run),
        ),
        Case(
            "StepParamScheduler",
            {"values": [0.3, 0.1, 0.2, 0.05], "num_updates": 120},
            lambda: lrd.PiecewiseConstant([run // 4, run // 2, run * 3 // 4], [0.3, 0.1, 0.2, 0.05]),
            last=run - 1 - BOUNDARIES_MOVE * (run == LONG_RUN),
            unlike=moved(run // 4, run // 2, run * 3 // 4, run=run),
        ),
        Case(
            "StepWithFixedGammaParamScheduler",
            {"base_value": 0.3, "num_decays": 3, "gamma": 0.5, "num_updates": 120},
            lambda: lrd.StepDecay(0.3, 0.5, run // 4),
            last=run - 1 - BOUNDARIES_MOVE * (run == LONG_RUN),
            unlike=moved(run // 4, run // 2, run * 3 // 4, run=run),
        ),
        Case(
            "CompositeParamScheduler",
            {
                "schedulers": [
                    Part("LinearParamScheduler", {"start_value": 0.01, "end_value": 0.3}),
                    Part("CosineParamScheduler", {"start_value": 0.3, "end_value": 0.01}),
                ],
                "lengths": [0.25, 0.75],
                "interval_scaling": ["rescaled", "rescaled"],
            },
            lambda: lrd.CosineDecay(0.3, run * 3 // 4, end_learning_rate=0.01).warmup(run // 4, 0.01),
            last=run,
            unlike=moved(run // 4, run=run),
        ),
        Case(
            "CompositeParamScheduler",
            {
                "schedulers": [
                    Part("LinearParamScheduler", {"start_value": 0.01, "end_value": 0.3}),
                    Part("CosineParamScheduler", {"start_value": 0.3, "end_value": 0.01}),
                ],
                "lengths": [0.25, 0.75],
                "interval_scaling": ["fixed", "fixed"],
            },
            # The second one runs since step 0, unseen.
            lambda: lrd.LinearDecay(0.01, run, end_learning_rate=0.3).then(
                lrd.CosineDecay(0.3, run, end_learning_rate=0.01).shifted(-(run // 4)), at=run // 4
            ),
            last=run,
            unlike=moved(run // 4, run=run),
        ),
    ]


def moved(*boundaries: int, run: int) -> Any:
    """The steps in the long run that are within 1e-6 of it of a boundary."""
    distance = BOUNDARIES_MOVE if run == LONG_RUN else 0
    return lambda steps: (np.abs(steps[:, np.newaxis] - boundaries) < distance).any(axis=1)


CASES = of_run(RUN)

EXCLUDED = {"ParamScheduler": "It is the base class."}


def scheduler(name: str, **arguments: Any) -> Any:
    return getattr(param_scheduler, name)(**arguments)


def rates_in(run: int) -> Any:
    def rates_of(theirs: Any, steps: Steps) -> Rates:
        return np.array([theirs(int(step) / run) for step in steps])

    return rates_of


@each(CASES)
def test_rates(case: Case) -> None:
    assert_same_rates(case, case.theirs(scheduler), rates_in(RUN), FLOAT64)


@each(of_run(LONG_RUN))
def test_rates_of_a_long_run(case: Case) -> None:
    assert_same_rates(case, case.theirs(scheduler), rates_in(LONG_RUN), FLOAT64)


def before_its_end(letters: Letters) -> int:
    return int(letters["T"]) - 1


def at_its_end(letters: Letters) -> int:
    return int(letters["T"])


ANY_RUN = 100
"""The length of a run where the line has none."""

PARTS = {
    "LinearParamScheduler(lr, end)": Peer(last=at_its_end),
    "CosineParamScheduler(lr, end)": Peer(last=at_its_end),
    "ExponentialParamScheduler(lr, f)": Peer(last=at_its_end),
    "PolynomialDecayParamScheduler(lr, p)": Peer(last=at_its_end, absolute=near_the_end),
}

RATES = {"rates": lambda random: [rate(random) for _ in range(3)]}


def of_the_shorter_phase(letters: Letters) -> float:
    """The part of a phase that is over is the rounded part of the run, divided by the phase's share of it."""
    return float(64.0 * letters["T"] / min(letters["n"], letters["T"] - letters["n"]))


LINES = {
    **PARTS,
    "ConstantParamScheduler(lr)": Peer(last=lambda letters: ANY_RUN - 1),
    "MultiStepParamScheduler(rates, milestones=[b1, b2, T])": Peer(RATES, last=at_its_end),
    "StepParamScheduler(T, rates)": Peer(RATES, last=before_its_end),
    "StepWithFixedGammaParamScheduler(lr, 3, f, T)": Peer(last=before_its_end),
    **{
        f'CompositeParamScheduler([s1, s2], [n / T, 1 - n / T], ["{scaling}", "{scaling}"])': Peer(
            parts=PARTS, shared=("lr", "T"), absolute=of_the_shorter_phase
        )
        for scaling in ("rescaled", "fixed")
    },
}


@each_line("fvcore")
def test_line_of_the_page(line: Line, random: Random) -> None:
    for _ in range(DRAWS):
        drawn = draw(line, LINES, random)
        run = rates_in(drawn.letters.get("T", ANY_RUN))
        assert_drawn_holds(drawn, lambda letters: vars(param_scheduler), run, FLOAT64)


def test_every_line_of_the_page_is_run() -> None:
    assert_all_lines_run("fvcore", LINES)


def test_every_scheduler_of_fvcore_is_covered() -> None:
    base = param_scheduler.ParamScheduler
    found = {
        name
        for name, value in inspect.getmembers(param_scheduler, inspect.isclass)
        if issubclass(value, base)
    }
    assert_all_covered(found, CASES, EXCLUDED)


def test_every_option_of_fvcore_is_covered() -> None:
    assert_options_covered(
        lambda name: inspect.signature(getattr(param_scheduler, name)).parameters, CASES, {}
    )
