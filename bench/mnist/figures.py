"""What the results say: ratios, differences and costs, computed from what was stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from mpmath import mp

from bench.measurement import Spread
from bench.mnist.plan import BUILTIN, SCHEDULE, Setting
from bench.mnist.session import PartResults
from bench.training.statistics import Mean, RateDifference, Ratio, median_interval

STEP_TIME_OURS = ("ours, float32", "ours, native")
FLOAT32_BITS, EXACT_BITS = 24, 256


def of_part(results: Sequence[PartResults], part: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records of a part with their backend."""
    for result in results:
        if result.part == part:
            for record in result.records:
                yield result.backend, record


@dataclass(frozen=True)
class StepTime:
    """The step times of one learning rate in one setting.

    Attributes
    ----------
    backend : str
        The backend.
    setting : Setting
        How it was trained.
    name : str
        Which learning rate.
    steps : int
        Steps of a turn.
    turns : int
        Timed turns.
    median : float
        Seconds of a step.
    first_epoch : float
        Seconds of the turn before them, which traces and compiles.
    ratio : Ratio
        To the builtin, turn by turn.
    """

    backend: str
    setting: Setting
    name: str
    steps: int
    turns: int
    median: float
    first_epoch: float
    ratio: Ratio

    @property
    def where(self) -> str:
        """The setting in words."""
        return f"{self.backend}, {self.setting}"


def step_times(results: Sequence[PartResults]) -> list[StepTime]:
    """Every learning rate in every setting."""
    return [
        StepTime(
            backend,
            Setting(**record["setting"]),
            name,
            record["steps"],
            len(times),
            float(np.median(times)),
            record["first_epochs"][name],
            Ratio.of(times, record["step_times"][BUILTIN]),
        )
        for backend, record in of_part(results, "step-time")
        for name, times in record["step_times"].items()
    ]


@dataclass(frozen=True)
class Failure:
    """Something that wasn't measured, and why."""

    where: str
    reason: str


def left_out(results: Sequence[PartResults]) -> list[Failure]:
    """What can't run here."""
    return [
        Failure(f"{result.part}, {result.backend}: {test}", reason)
        for result in results
        for test, reason in result.left_out.items()
    ]


def failures(results: Sequence[PartResults]) -> list[Failure]:
    """What went wrong: tests, and learning rates that don't train where the builtin does."""
    tests = [
        Failure(f"{result.part}, {result.backend}: {test}", reason)
        for result in results
        for test, reason in result.failed.items()
    ]
    rates = [
        Failure(f"step-time, {backend}, {Setting(**record['setting'])}: {name}", reason)
        for backend, record in of_part(results, "step-time")
        for name, reason in record["failures"].items()
    ]
    return tests + rates


def exact_rates(stop: int) -> npt.NDArray[np.float32]:
    """The tutorial's rates, rounded once, from exact arithmetic to float32."""
    initial, rate = mp.mpf(SCHEDULE.initial_learning_rate), mp.mpf(SCHEDULE.drop_rate)
    plateaus = -(-stop // int(SCHEDULE.step_size))
    with mp.workprec(EXACT_BITS):
        exact = [initial * rate**plateau for plateau in range(plateaus)]
    with mp.workprec(FLOAT32_BITS):
        rounded = np.array([float(+value) for value in exact], np.float32)
    return np.repeat(rounded, int(SCHEDULE.step_size))[:stop]


@dataclass(frozen=True)
class RunRates:
    """The rates of a whole run, and where they differ from the builtin's and from the exact ones."""

    backend: str
    jit_compile: bool
    name: str
    rates: npt.NDArray[np.float32]
    from_builtin: RateDifference
    from_exact: RateDifference


def run_rates(results: Sequence[PartResults]) -> list[RunRates]:
    """Every learning rate on every backend."""
    by_key = {
        (backend, record["jit_compile"], record["name"]): expanded(record)
        for backend, record in of_part(results, "rates")
    }
    return [
        RunRates(
            *key,
            rates,
            RateDifference.of(rates, by_key[backend, jit_compile, BUILTIN]),
            RateDifference.of(rates, exact_rates(rates.size)),
        )
        for key, rates in by_key.items()
        for backend, jit_compile, _ in [key]
        if (backend, jit_compile, BUILTIN) in by_key
    ]


def expanded(record: Mapping[str, Any]) -> npt.NDArray[np.float32]:
    """The rate of each step, from the runs of equal rates."""
    starts = [start for start, _ in record["runs"]]
    lengths = np.diff([*starts, record["stop"]])
    return np.repeat(np.array([rate for _, rate in record["runs"]], np.float32), lengths)


@dataclass(frozen=True)
class Trained:
    """What several seeds gave under one learning rate.

    Attributes
    ----------
    backend, name : str
        Which.
    epochs, seeds : int
        How long, and how many networks.
    losses, accuracies : tuple of float
        On the test images, by seed.
    identical : int
        How many losses are the builtin's of the same seed, to the last bit.
    """

    backend: str
    name: str
    epochs: int
    losses: tuple[float, ...]
    accuracies: tuple[float, ...]
    identical: int
    loss_difference: Mean
    accuracy_difference: Mean


def trained(results: Sequence[PartResults]) -> list[Trained]:
    """Every learning rate on every backend."""
    by_name: dict[tuple[str, str], dict[int, Mapping[str, Any]]] = {}
    for backend, record in of_part(results, "seeds"):
        by_name.setdefault((backend, record["name"]), {})[record["seed"]] = record
    return [
        _trained(backend, name, records, by_name[backend, BUILTIN])
        for (backend, name), records in by_name.items()
        # Of fewer than two seeds there is no interval.
        if len(records.keys() & by_name.get((backend, BUILTIN), {}).keys()) > 1
    ]


def _trained(
    backend: str,
    name: str,
    records: Mapping[int, Mapping[str, Any]],
    builtin: Mapping[int, Mapping[str, Any]],
) -> Trained:
    """What the seeds gave that both have been trained with."""
    seeds = sorted(records.keys() & builtin.keys())
    losses, accuracies, builtin_losses, builtin_accuracies = (
        tuple(of[seed][figure] for seed in seeds)
        for of in (records, builtin)
        for figure in ("loss", "accuracy")
    )
    return Trained(
        backend,
        name,
        records[seeds[0]]["epochs"],
        losses,
        accuracies,
        sum(a == b for a, b in zip(losses, builtin_losses, strict=True)),
        Mean.of(np.subtract(losses, builtin_losses).tolist()),
        Mean.of(np.subtract(accuracies, builtin_accuracies).tolist()),
    )


@dataclass(frozen=True)
class Micro:
    """A figure of what a schedule itself costs.

    Attributes
    ----------
    backend, operation, way, curve, contender : str
        What was measured.
    cost : float
        Seconds of one; of a loop, of one step, the empty loop's subtracted.
    builtin_cost : float or None
        The builtin's, likewise.
    ratio : Ratio or None
        The times divided by the builtin's of the same round; of a loop, the whole loop's.
    excess : tuple of float or None
        The 95 % interval of the median of what it costs more than the builtin, in seconds.
    """

    backend: str
    operation: str
    way: str
    curve: str
    contender: str
    cost: float
    builtin_cost: float | None
    ratio: Ratio | None
    excess: tuple[float, float] | None

    @property
    def where(self) -> str:
        """What was measured, in words."""
        return ", ".join(filter(None, (self.backend, self.way, self.curve, self.contender)))


def micro_figures(results: Sequence[PartResults]) -> list[Micro]:
    """Every micro figure that is a time."""
    return [
        _micro(backend, record) for backend, record in of_part(results, "micro") if "yardsticks" in record
    ]


def _micro(backend: str, record: Mapping[str, Any]) -> Micro:
    yardsticks = record["yardsticks"]
    times = np.array(record["times"]) / record["count"]
    empty = np.array(yardsticks.get("empty", 0.0))
    case = record["case"]
    named = (backend, case["operation"], case["way"], case["curve"], case["contender"])
    cost = float(np.median(times - empty))
    if BUILTIN not in yardsticks:
        return Micro(*named, cost, None, None, None)
    builtin = np.array(yardsticks[BUILTIN])
    return Micro(
        *named,
        cost,
        float(np.median(builtin - empty)),
        Ratio.of(times.tolist(), builtin.tolist()),
        median_interval(times - builtin),
    )


def tracked(results: Sequence[PartResults]) -> dict[str, Spread]:
    """The ratios of ours to the builtin, by case: what a later measurement is compared with."""
    ratios = {
        f"step time | {each.backend} | {each.setting} | {each.name}": each.ratio
        for each in step_times(results)
        if each.name in STEP_TIME_OURS
    }
    ratios |= {
        " | ".join(filter(None, (f.operation, f.backend, f.way, f.curve, f.contender))): f.ratio
        for f in micro_figures(results)
        if f.ratio and f.contender != BUILTIN
    }
    return {case: Spread(ratio.median, ratio.lower, ratio.upper) for case, ratio in sorted(ratios.items())}
