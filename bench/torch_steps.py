"""What a step of a scheduler costs in PyTorch, beside torch's own schedulers, in one process and in turns."""

from __future__ import annotations

import math
import pickle
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import mpmath

import lrdecay_native as lrd
from lrdecay_native.files import write_whole

CALLS = 2000
ROUNDS = 21
FAR = 10**6
"""The step of the jump, and of the error."""

PERIOD = 1_500_000
"""Steps of the cosine whose error is measured."""

BEGIN, END = "<!-- Written by `make bench-torch`: begin -->", "<!-- Written by `make bench-torch`: end -->"


class Row(NamedTuple):
    """A figure of ours beside torch's, and what ours may be at most: of torch's, or by itself."""

    what: str
    ours: str
    torch: str
    figure: float
    bound: float

    @property
    def line(self) -> str:
        return f"| {self.what} | {self.ours} | {self.torch} | {self.figure:.2g} | {self.bound:.2g} |"


def sgd(groups: int = 1) -> Any:
    import torch

    made = [{"params": [torch.nn.Parameter(torch.zeros(1))]} for _ in range(groups)]
    return torch.optim.SGD(made, lr=0.1)


def ours(schedule: lrd.Schedule, groups: int = 1) -> Callable[[], None]:
    """A step behind an update, which the optimizer's hook notes."""
    from lrdecay_native.torch import TorchSchedule

    scheduler = TorchSchedule(sgd(groups), schedule)
    updates, step = scheduler._updates, scheduler.step

    def call() -> None:
        updates.made = True
        step()

    return call


def seconds(call: Callable[[], object], calls: int = CALLS) -> float:
    begin = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - begin) / calls


def timed(what: str, bound: float, own: Callable[[], None], theirs: Callable[[], None]) -> Row:
    """The median of the ratios, each of two rounds that were made one after the other."""
    pairs = []
    for number in range(ROUNDS):
        order = [own, theirs] if number % 2 else [theirs, own]
        found = {call: seconds(call) for call in order}
        pairs.append((found[own], found[theirs]))
    ratio = statistics.median(one / other for one, other in pairs)
    one, other = (statistics.median(each) for each in zip(*pairs, strict=True))
    return Row(what, f"{1e6 * one:.2f} us", f"{1e6 * other:.2f} us", ratio, bound)


def rows() -> list[Row]:
    """Measure all."""
    from torch.optim import lr_scheduler

    cosine = lrd.CosineAnnealing(0.1, PERIOD)
    composed = lrd.CosineRestarts(0.1, 500).warmup(1000, start=0.01)
    optimizer = sgd()
    sequence = lr_scheduler.SequentialLR(
        optimizer,
        [
            lr_scheduler.LinearLR(optimizer, 0.1, total_iters=1000),
            lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 500, 2),
        ],
        [1000],
    )
    return [
        timed(
            "`step()`, one group, one formula",
            0.25,
            ours(cosine),
            lr_scheduler.CosineAnnealingLR(sgd(), PERIOD).step,
        ),
        timed(
            "`step()`, 100 groups",
            0.1,
            ours(cosine, 100),
            lr_scheduler.CosineAnnealingLR(sgd(100), PERIOD).step,
        ),
        timed("`step()`, warm-up and cosine restarts", 0.3, ours(composed), sequence.step),
        *far_out(cosine),
        state(composed),
    ]


def far_out(cosine: lrd.Schedule) -> list[Row]:
    """A jump beside torch's loop, and the errors at its end."""
    from torch.optim import lr_scheduler

    from lrdecay_native.torch import TorchSchedule

    theirs = sgd()
    scheduler = lr_scheduler.CosineAnnealingLR(theirs, PERIOD)
    loop = FAR * seconds(scheduler.step, FAR)
    own = sgd()
    jumps = []
    for _ in range(ROUNDS):
        schedule = TorchSchedule(own, cosine)
        begin = time.perf_counter()
        schedule.step(FAR)
        jumps.append(time.perf_counter() - begin)
    jump = statistics.median(jumps)
    errors = [error(each.param_groups[0]["lr"]) for each in (own, theirs)]
    return [
        Row(f"to step {FAR:,}", f"{1e6 * jump:.0f} us", f"{loop:.2f} s, step by step", jump / loop, 1e-4),
        Row(f"relative error at step {FAR:,}", f"{errors[0]:.1e}", f"{errors[1]:.1e}", errors[0], 1e-15),
    ]


def error(rate: float) -> float:
    """Of the rate far out, relative to the true one."""
    with mpmath.workdps(50):
        true = mpmath.mpf(0.1) * (1 + mpmath.cos(mpmath.pi * FAR / PERIOD)) / 2
        return float(abs(rate - true) / true)


def state(schedule: lrd.Schedule) -> Row:
    from lrdecay_native.torch import TorchSchedule

    size = len(pickle.dumps(TorchSchedule(sgd(), schedule).state_dict()))
    return Row("a state, pickled", f"{size} bytes", "", size, 2048)


def table(measured: list[Row], release: str) -> str:
    lines = [
        "| | here | torch | figure | at most |",
        "|---|---|---|---|---|",
        *(row.line for row in measured),
    ]
    return "\n".join([*lines, "", f"PyTorch {release}, one thread, medians of {ROUNDS} rounds in turns."])


def write(page: Path, measured: list[Row], release: str) -> None:
    """Put the table into the page, in the place of the one before."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    behind = rest.partition(END)[2]
    written = f"{before}{BEGIN}\n\n{table(measured, release)}\n\n{END}{behind}"
    write_whole({page: written.encode()})


def run(page: Path) -> bool:
    """Measure, write the page, and say whether all figures are within their bounds."""
    import torch

    torch.set_num_threads(1)
    with warnings.catch_warnings():
        # No optimizer takes a step, of which torch warns.
        warnings.simplefilter("ignore")
        measured = rows()
    for row in measured:
        print(row.line)
    write(page, measured, torch.__version__)
    return all(row.figure <= row.bound and math.isfinite(row.figure) for row in measured)
