"""Shares of a training are no numbers of steps: where phases of it are counted, less than a step is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest
from draws import draws

import lrdecay_native as lrd
from lrdecay_native.command_line.schedule_expression import schedule_from_text

PLAN = lrd.LinearDecay(0.1, 90)

PHASES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "warmup": ("steps", lambda n: PLAN.warmup(n)),
    "Warmup": ("steps", lambda n: lrd.Warmup(PLAN, n)),
    "then": ("at", lambda n: PLAN.then(lrd.Constant(0.1), at=n)),
    "cooled_down, at": ("at", lambda n: PLAN.cooled_down(n, 10)),
    "cooled_down, steps": ("steps", lambda n: PLAN.cooled_down(50, n)),
    "continued": ("from_step", lambda n: PLAN.continued(n, to=100)),
    "WSD, warm-up": ("warmup_steps", lambda n: lrd.WarmupStableDecay(0.1, n, 80, 10)),
    "WSD, stable": ("stable_steps", lambda n: lrd.WarmupStableDecay(0.1, 10, n, 10)),
    "WSD, decay": ("decay_steps", lambda n: lrd.WarmupStableDecay(0.1, 10, 80, n)),
    "NoamDecay": ("warmup_steps", lambda n: lrd.NoamDecay(512, n)),
    "MultiStepDecay": ("boundaries[0]", lambda n: lrd.MultiStepDecay(0.1, [n, 60])),
    "PiecewiseConstant": ("boundaries[0]", lambda n: lrd.PiecewiseConstant([n, 60], [0.1, 0.2, 0.3])),
    "PiecewiseInterpolation": ("boundaries[0]", lambda n: lrd.PiecewiseInterpolation([n, 60], [0.1, 0.2])),
}


def some_share(random: Random) -> Any:
    share = random.choice([random.random(), math.nextafter(1.0, 0.0), 1e-100, 10.0 ** random.uniform(-20, 0)])
    return random.choice(
        [share, share, np.float64(share), np.float32(0.1), Fraction(1, random.randint(2, 50))]
    )


@pytest.mark.parametrize("where", PHASES)
def test_shares_are_refused(where: str, random: Random) -> None:
    name, make = PHASES[where]
    for _ in range(draws(30)):
        share = some_share(random)
        with pytest.raises(ValueError, match="must be 0 or at least 1, in steps") as refusal:
            make(share)
        assert str(refusal.value).startswith(f"{name}={share!r} must be")
        assert f"{share!r} * total_steps" in str(refusal.value)
    for steps in (1, 1.0, math.nextafter(1.0, 2.0), 1.5, 30):
        make(steps)


def test_what_is_written_in_its_place() -> None:
    with pytest.raises(
        ValueError, match=r"^steps=0\.05 must be 0 or at least 1.*0\.05 \* total_steps.*per_epoch"
    ):
        lrd.Constant(0.1).warmup(0.05)
    with pytest.raises(ValueError, match=r"^warmup_steps=0\.1 must be 0 or at least 1"):
        lrd.WarmupStableDecay(0.1, 0.1, 0.8, 0.1)
    total = 1000
    assert lrd.Constant(0.1).warmup(0.05 * total)(25) == 0.05
    shares = lrd.WarmupStableDecay(0.1, 10, 80, 10).stretched(to=total, of=100)
    assert shares([50, 500, 950]).tolist() == [0.05, 0.1, 0.05]
    with pytest.raises(ValueError, match=r"steps=0\.05 must be 0"):
        schedule_from_text("Constant(0.1).warmup(0.05)")


@pytest.mark.parametrize("batches", [7, 100, 1875])
def test_a_part_of_an_epoch_in_a_plan_that_was_stored(batches: int) -> None:
    """It is read as it was meant, and is the plan that is written in steps now."""
    stored = lrd.from_json(
        '{"version": 1, "class": "PerEpoch", "schedule": {"class": "Warmup", "schedule": {"class": "LinearDecay", '
        '"initial_learning_rate": 0.1, "decay_steps": 90, "end_learning_rate": 0.0}, "steps": 0.5, "start": 0.0, '
        f'"shape": "linear"}}, "steps_per_epoch": {batches}, "staircase": false}}'
    )
    written = PLAN.per_epoch(batches).warmup(0.5 * batches)
    steps = np.arange(100 * batches)
    np.testing.assert_allclose(stored(steps), written(steps), rtol=1e-15)
    assert lrd.from_json(stored.to_json()) == stored
    # Reading is over, whether it went well or not.
    with pytest.raises(ValueError, match=r"steps=0\.5 must be 0"):
        PLAN.warmup(0.5)
    with pytest.raises(ValueError, match="class='Nothing' is unknown"):
        lrd.from_dict({"version": 1, "class": "Nothing"})
    with pytest.raises(ValueError, match=r"steps=0\.5 must be 0"):
        PLAN.warmup(0.5)
