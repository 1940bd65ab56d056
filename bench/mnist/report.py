"""The page of the comparison and its pictures, from the stored results."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.mnist import figures
from bench.mnist.figures import STEP_TIME_OURS, Micro, StepTime
from bench.mnist.plan import BACKENDS, BUILTIN, CONTROL, EAGER, NATIVE_CALL, OURS, PARTS, SCHEDULE, TABLE
from bench.mnist.session import PartResults
from bench.report import Sheet, machine_sentence
from bench.training.statistics import Mean, RateDifference, Ratio, ulp_differences

HELD, UNDECIDED, NOT_HELD = "held", "undecided", "not held"

EAGER_FACTOR = 10
"""How many times cheaper than the builtin a call from Python must be."""

PAGE = "mnist.md"
PICTURES = ("mnist-step-time.png", "mnist-rates.png", "mnist-accuracy.png")


@dataclass(frozen=True)
class Requirement:
    """Something that must be reached, and whether it is."""

    what: str
    where: str
    figure: str
    verdict: str


def requirements(results: Sequence[PartResults]) -> Iterator[Requirement]:
    """All that must be reached, case by case."""
    for each in figures.step_times(results):
        if each.name in STEP_TIME_OURS:
            yield Requirement(
                "a training step takes at most the builtin's time",
                f"{each.where}, {each.name}",
                _interval(each.ratio.median, each.ratio.interval),
                _verdict(each.ratio.interval, 1),
            )
    for micro in figures.micro_figures(results):
        yield from _micro_requirements(micro)
    for run in figures.run_rates(results):
        where = f"{run.backend}, jit_compile={run.jit_compile}"
        if run.name == "ours, float32":
            what, difference = "KerasSchedule's rates are the builtin's, to the last bit", run.from_builtin
        elif run.name == "ours, native":
            what, difference = "KerasTable's rates are the exact ones, rounded to float32", run.from_exact
        else:
            continue
        verdict = HELD if difference.steps == 0 else NOT_HELD
        yield Requirement(what, where, f"{difference.steps:,} steps differ", verdict)
    for failure in figures.failures(results):
        yield Requirement("everything runs", failure.where, failure.reason, NOT_HELD)


def _verdict(interval: tuple[float, float], limit: float) -> str:
    """Whether what lies in an interval is at most the limit."""
    if interval[1] <= limit:
        return HELD
    return NOT_HELD if interval[0] > limit else UNDECIDED


def _micro_requirements(micro: Micro) -> Iterator[Requirement]:
    if micro.ratio is None or micro.excess is None or micro.builtin_cost is None:
        return
    if micro.operation == "loop" and micro.backend == "tensorflow" and micro.contender in (OURS, TABLE):
        yield Requirement(
            "inside a compiled TensorFlow loop a step costs at most what the builtin's does",
            micro.where,
            f"{_time(micro.cost)} against {_time(micro.builtin_cost)}; "
            f"{_time(micro.excess[0])} to {_time(micro.excess[1])} more",
            _verdict(micro.excess, 0),
        )
    if micro.operation == "eager call" and micro.contender == NATIVE_CALL:
        yield Requirement(
            f"a call from Python costs at most a {EAGER_FACTOR}th of the builtin's",
            micro.where,
            f"{_time(micro.cost)} against {_time(micro.builtin_cost)}: {1 / micro.ratio.median:,.0f} times less",
            _verdict(micro.ratio.interval, 1 / EAGER_FACTOR),
        )
    if micro.operation == "first step" and micro.way != EAGER and micro.contender != BUILTIN:
        yield Requirement(
            "tracing and compiling takes at most the builtin's time",
            micro.where,
            _interval(micro.ratio.median, micro.ratio.interval),
            _verdict(micro.ratio.interval, 1),
        )


def losses(results: Sequence[PartResults]) -> Iterator[tuple[str, str, str]]:
    """Every case in which ours takes longer than the builtin, beyond the interval; what, where, how much."""
    for each in figures.step_times(results):
        if each.name in STEP_TIME_OURS and each.ratio.interval[0] > 1:
            yield (
                "training step",
                f"{each.where}, {each.name}",
                _interval(each.ratio.median, each.ratio.interval),
            )
    for micro in figures.micro_figures(results):
        if micro.ratio and micro.contender != BUILTIN and micro.ratio.interval[0] > 1:
            ratio = _interval(micro.ratio.median, micro.ratio.interval)
            yield micro.operation, micro.where, ratio
    for backend, record in figures.of_part(results, "micro"):
        if "counted" in record and record["counted"] > record["builtin"]:
            case = record["case"]
            where = f"{backend}, {case['curve']}, {case['contender']}"
            yield "number of operations", where, f"{record['counted']} against {record['builtin']}"


def sheets(results: Sequence[PartResults]) -> Iterator[Sheet]:
    """Every table of the page."""
    required = list(requirements(results))
    yield _summary_sheet(required)
    yield _requirements_sheet(required)
    yield Sheet(
        "Where ours takes longer than the builtin",
        ("what", "where", "ratio or numbers"),
        list(losses(results)) or [("nowhere", "", "")],
    )
    yield _left_out_sheet(results)
    for backend in BACKENDS:
        yield _step_times_sheet(
            backend, [each for each in figures.step_times(results) if each.backend == backend]
        )
    yield _rates_sheet(results)
    yield _seeds_sheet(results)
    yield from _micro_sheets(figures.micro_figures(results))
    yield _operations_sheet(results)


def _summary_sheet(required: Sequence[Requirement]) -> Sheet:
    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    for each in required:
        verdicts[each.what][each.verdict] += 1
    return Sheet(
        "What must be reached",
        ("requirement", HELD, UNDECIDED, NOT_HELD),
        [
            (what, *(str(count[verdict]) for verdict in (HELD, UNDECIDED, NOT_HELD)))
            for what, count in verdicts.items()
        ],
    )


def _requirements_sheet(required: Sequence[Requirement]) -> Sheet:
    return Sheet(
        "What must be reached, case by case",
        ("requirement", "where", "figure", "verdict"),
        [(each.what, each.where, each.figure, each.verdict) for each in required],
    )


def _left_out_sheet(results: Sequence[PartResults]) -> Sheet:
    rows: list[tuple[str, ...]] = [(failure.where, failure.reason) for failure in figures.left_out(results)]
    return Sheet("What can't run here, and is left out", ("what", "reason"), rows or [("nothing", "")])


def _step_times_sheet(backend: str, times: Sequence[StepTime]) -> Sheet:
    return Sheet(
        f"A training step, {backend}",
        ("setting", "learning rate", "median step", "ratio to the builtin [95 % interval]",
         "5 % to 95 % of the turns", "turns x steps", "first turn"),
        [
            (
                str(each.setting),
                each.name,
                _time(each.median),
                _interval(each.ratio.median, each.ratio.interval),
                f"{each.ratio.lower:.3f} to {each.ratio.upper:.3f}",
                f"{each.turns} x {each.steps}",
                _time(each.first_epoch),
            )
            for each in times
        ],
    )  # fmt: skip


def _rates_sheet(results: Sequence[PartResults]) -> Sheet:
    return Sheet(
        "Rates step by step",
        ("backend", "jit_compile", "learning rate", "steps", "last rate", "against the builtin", "against the exact"),
        [
            (
                run.backend,
                str(run.jit_compile),
                run.name,
                f"{run.rates.size:,}",
                repr(float(run.rates[-1])),
                _difference(run.from_builtin),
                _difference(run.from_exact),
            )
            for run in figures.run_rates(results)
        ],
    )  # fmt: skip


def _difference(difference: RateDifference) -> str:
    if difference.first is None:
        return "identical"
    return (
        f"{difference.steps:,} differ, first step {difference.first:,}, "
        f"by up to {difference.largest_ulp:,} ulp"
    )


def _seeds_sheet(results: Sequence[PartResults]) -> Sheet:
    return Sheet(
        "Loss and accuracy on the test images",
        ("backend", "learning rate", "epochs", "seeds", "loss", "accuracy", "loss - builtin's",
         "accuracy - builtin's", "losses identical to the builtin's"),
        [
            (
                each.backend,
                each.name,
                str(each.epochs),
                str(len(each.losses)),
                _mean(Mean.of(each.losses), 4),
                _mean(Mean.of(each.accuracies), 4),
                _mean(each.loss_difference, 5),
                _mean(each.accuracy_difference, 5),
                f"{each.identical} of {len(each.losses)}",
            )
            for each in figures.trained(results)
        ],
    )  # fmt: skip


MICRO_TITLES = {
    "eager call": "One call from Python, `rate(step)`",
    "loop": "A step inside a compiled loop, without the loop itself (PyTorch: a Python loop)",
    "first step": "The first training step: tracing and compiling (PyTorch: nothing to trace)",
    "building": "Building the object",
}


def _micro_sheets(micro: Sequence[Micro]) -> Iterator[Sheet]:
    for operation, title in MICRO_TITLES.items():
        yield Sheet(
            title,
            (
                "backend",
                "way",
                "curve",
                "learning rate",
                "time",
                "builtin in the same rounds",
                "ratio [95 % interval]",
            ),
            [
                (
                    each.backend,
                    each.way,
                    each.curve,
                    each.contender,
                    _time(each.cost),
                    "" if each.builtin_cost is None else _time(each.builtin_cost),
                    "" if each.ratio is None else _interval(each.ratio.median, each.ratio.interval),
                )
                for each in micro
                if each.operation == operation
            ],
        )


def _operations_sheet(results: Sequence[PartResults]) -> Sheet:
    return Sheet(
        "Operations of one rate: nodes of the TensorFlow graph, equations of the jaxpr, PyTorch operators called",
        ("backend", "curve", "learning rate", "operations", "builtin"),
        [
            (backend, case["curve"], case["contender"], str(record["counted"]), str(record["builtin"]))
            for backend, record in figures.of_part(results, "micro")
            if "counted" in record
            for case in [record["case"]]
        ],
    )


def page(results: Sequence[PartResults]) -> bytes:
    """The page, in markdown."""
    measured = {result.key for result in results}
    missing = [
        f"{part} on {backend}"
        for part, backend in product(PARTS, BACKENDS)
        if (part, backend) not in measured
    ]
    lines = [
        "# The comparison during MNIST training\n",
        "Written by `python -m bench mnist measure` (`make bench-mnist`) from bench/mnist/results.json; not to be "
        "edited.\n",
        *_provenance(results),
        METHOD,
        *(f"![{name}]({name})\n" for name in PICTURES),
        *(sheet.markdown() for sheet in sheets(results)),
    ]
    if missing:
        lines.insert(2, f"Not measured: {', '.join(missing)}.\n")
    return "\n".join(lines).encode()


def _provenance(results: Sequence[PartResults]) -> Iterator[str]:
    for sentence in dict.fromkeys(machine_sentence(result.machine) for result in results):
        yield f"Measured on: {sentence}\n"
    yield f"Images: {'; '.join(dict.fromkeys(result.data for result in results))}.\n"
    sheet = Sheet(
        "What was measured when",
        ("part", "backend", "plan", "Keras", "version", "began (UTC)", "took"),
        [
            (
                result.part,
                result.backend,
                result.plan,
                result.machine["keras"],
                result.machine["backend"],
                result.date,
                f"{result.seconds:,.0f} s",
            )
            for result in results
        ],
    )
    yield sheet.markdown()


METHOD = f"""## How

The tutorial's network (Flatten, Dense 128 relu, Dense 10 softmax, SGD) trains under Keras's `ExponentialDecay`, under
`KerasSchedule({SCHEDULE!r})` ("ours, float32"), under `KerasTable` of it ("ours, native"), with a constant rate,
with Keras's `LearningRateScheduler` ("callback per epoch") and with a callback that sets the rate before each batch.
"{CONTROL}" is the builtin against itself: what its ratio is off from 1 is noise. Each part runs in a
process of its own for each backend, with all cores.

- **A training step**: a turn is one epoch of `fit` without validation, of so many steps, from before the first
  `on_epoch_begin` to after the last `on_epoch_end` (wall clock). The networks take turns, in another order each
  time; garbage is collected between the turns; images and their order are the same for all. The first turn
  (tracing, compiling) isn't among the ratios. A ratio is that of one turn; given are the median over the turns, its
  95 % confidence interval (order statistics, no assumption about the distribution) and the 5th and 95th percentile
  of the turns. Of many intervals of 95 %, one in twenty misses by chance. A turn is an epoch to the callback per
  epoch, so it is called more often than in real epochs.
- **Rates**: computed one by one, as the training step of each backend computes them, over the tutorial's 15 epochs;
  the exact ones by mpmath, rounded once. A callback's are those of its Python function, rounded to float32.
- **Loss and accuracy**: means over the seeds with 95 % intervals (Student's t); differences are taken seed by seed.
- **Micro figures**: processor time of all threads; in each round the builtin of the same curve is timed too, in a
  loop also the empty one. A ratio is that of one round (of a loop: of the whole loop); median and interval as above.
  The row of the builtin is the builtin against itself.
- **Verdicts**: "{HELD}" where the whole 95 % interval is at most the limit (1, for a ratio to the builtin's),
  "{NOT_HELD}" where all of it is above, and "{UNDECIDED}" where the limit lies within.
"""


def pictures(results: Sequence[PartResults]) -> dict[str, bytes]:
    """The PNGs by file name."""
    draw: Sequence[Callable[[Sequence[PartResults]], Figure]] = (_step_times, _rates, _accuracies)
    return {name: _png(each(results)) for name, each in zip(PICTURES, draw, strict=True)}


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def _step_times(results: Sequence[PartResults]) -> Figure:
    figure = Figure(figsize=(13, 10), layout="constrained")
    panels = figure.subplots(1, len(BACKENDS), sharex=True)
    times = figures.step_times(results)
    for axes, backend in zip(panels, BACKENDS, strict=True):
        shown = [each for each in times if each.backend == backend and each.name != BUILTIN]
        settings = list(dict.fromkeys(str(each.setting) for each in shown))
        for row, each in enumerate(shown):
            colour = f"C{settings.index(str(each.setting))}"
            _draw_ratio(axes, row, each.ratio, colour)
        axes.axvline(1, color="black", linewidth=0.8)
        axes.set_yticks(range(len(shown)), [f"{each.name}\n{each.setting}" for each in shown], fontsize=6)
        axes.invert_yaxis()
        axes.set_title(backend)
        axes.set_xlabel("step time / the builtin's")
        axes.grid(alpha=0.3, axis="x")
    return figure


def _draw_ratio(axes: Axes, row: int, ratio: Ratio, colour: str) -> None:
    axes.plot([ratio.lower, ratio.upper], [row, row], color=colour, linewidth=1, alpha=0.5)
    axes.plot(ratio.interval, [row, row], color=colour, linewidth=4)
    axes.plot([ratio.median], [row], marker="|", color="black", markersize=9)


def _rates(results: Sequence[PartResults]) -> Figure:
    figure = Figure(figsize=(11, 8), layout="constrained")
    rate_axes, builtin_axes, exact_axes = figure.subplots(3, sharex=True)
    runs = [run for run in figures.run_rates(results) if run.name in (BUILTIN, *STEP_TIME_OURS)]
    for run in runs:
        label = f"{run.backend}, jit_compile={run.jit_compile}, {run.name}"
        exact = figures.exact_rates(run.rates.size)
        rate_axes.plot(run.rates, linewidth=1)
        builtin = next(
            r for r in runs if (r.backend, r.jit_compile, r.name) == (run.backend, run.jit_compile, BUILTIN)
        )
        builtin_axes.plot(ulp_differences(run.rates, builtin.rates), linewidth=1)
        exact_axes.plot(ulp_differences(run.rates, exact), linewidth=1, label=label)
    rate_axes.set_ylabel("learning rate")
    builtin_axes.set_ylabel("ulp above the builtin")
    exact_axes.set_ylabel("ulp above the exact rate")
    exact_axes.set_xlabel("step")
    if runs:
        figure.legend(loc="outside lower center", ncols=3, fontsize=6)
    return figure


def _accuracies(results: Sequence[PartResults]) -> Figure:
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    panels = figure.subplots(1, len(BACKENDS))
    every = figures.trained(results)
    for axes, backend in zip(panels, BACKENDS, strict=True):
        shown = [each for each in every if each.backend == backend]
        for column, each in enumerate(shown):
            mean = Mean.of(each.accuracies)
            axes.plot([column] * len(each.accuracies), each.accuracies, ".", color="C0", alpha=0.5)
            axes.errorbar(
                column, mean.mean, np.abs(np.subtract([mean.interval], mean.mean)).T, fmt="_", color="black"
            )
        axes.set_xticks(range(len(shown)), [each.name for each in shown], rotation=90)
        axes.set_title(f"{backend}, epochs: {shown[0].epochs}" if shown else backend)
        axes.grid(alpha=0.3, axis="y")
    panels[0].set_ylabel("accuracy on the test images")
    return figure


def contents(results: Sequence[PartResults], folder: Path) -> dict[Path, bytes]:
    """The page and its pictures, by the files to write."""
    files = {PAGE: page(results), **pictures(results)}
    return {folder / name: content for name, content in files.items()}


def _interval(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]"


def _mean(mean: Mean, digits: int) -> str:
    low, high = mean.interval
    return f"{mean.mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _time(seconds: float) -> str:
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if abs(seconds) * factor >= 1:
            return (
                f"{seconds * factor:.3g} {unit}"
                if abs(seconds) * factor < 1000
                else f"{seconds * factor:,.0f} {unit}"
            )
    return f"{seconds * 1e9:.3g} ns"
