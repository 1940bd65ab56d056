"""The tables, as rich shows them and as markdown, and the picture."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.markup import escape
from rich.table import Table

from bench.cases import DTYPES, ENGINES, PICTURED, VECTOR_SIZE, YARDSTICKS, Case
from bench.comparison import Change
from bench.first_call import FirstCall
from bench.limits import LIMITS, Limit, judgements, losses, opponents, shortcomings
from bench.measurement import Measurement, Spread


@dataclass(frozen=True)
class Sheet:
    """A table of text."""

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def rich(self) -> Table:
        """The table for a terminal."""
        table = Table(*self.headings, title=self.title, title_justify="left")
        for row in self.rows:
            style = "red" if any(cell.startswith(("short", "slower")) for cell in row) else None
            table.add_row(*(escape(cell) for cell in row), style=style)
        return table

    def markdown(self) -> str:
        """The table under a heading."""
        lines = [self.headings, ("---",) * len(self.headings), *self.rows]
        body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"## {self.title}\n\n{body}\n"


def sheets(measurements: Sequence[Measurement]) -> Iterator[Sheet]:
    """Every table of a run."""
    ordered = sorted(measurements, key=lambda measurement: measurement.case)
    yield from figures(ordered)
    yield from peers(ordered)
    yield lost_cases(ordered)
    yield requirements(ordered)


def figures(measurements: Sequence[Measurement]) -> Iterator[Sheet]:
    """The library's figures and the yardsticks', a table for each operation."""
    for operation, yardstick in YARDSTICKS.items():
        yield Sheet(
            f"{operation}: time against ndarray.{yardstick}",
            ("schedule", "dtype", "values", "contender", "ns/value", "ratio [quartiles]", "limit"),
            [
                (
                    measurement.case.schedule,
                    measurement.case.dtype,
                    f"{measurement.case.size:,}",
                    measurement.case.contender,
                    _number(measurement.nanoseconds.median),
                    _spread(measurement.ratio),
                    _verdict(shortcomings(measurement, measurements)),
                )
                for measurement in measurements
                if measurement.case.operation == operation
                and (measurement.case.native or measurement.case.schedule == "yardstick")
            ],
        )


def peers(measurements: Sequence[Measurement]) -> Iterator[Sheet]:
    """How many times faster than each peer, a table for each operation and engine."""
    for operation in YARDSTICKS:
        for engine in ENGINES:
            ours = [
                measurement
                for measurement in measurements
                if (measurement.case.operation, measurement.case.contender) == (operation, engine)
                and measurement.case.size in (1, VECTOR_SIZE)
                and opponents(measurement, measurements)
            ]
            if ours:
                yield _peers(f"{operation}, {engine}: times faster than", ours, measurements)


def _peers(title: str, ours: Sequence[Measurement], measurements: Sequence[Measurement]) -> Sheet:
    schedules = list(dict.fromkeys(measurement.case.schedule for measurement in ours))
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for measurement in ours:
        for peer, factor in opponents(measurement, measurements):
            row = cells.setdefault((peer.case.contender, measurement.case.dtype), {})
            row[measurement.case.schedule] = f"{_factor(factor)} ({_number(peer.nanoseconds.median)} ns)"
    return Sheet(
        title,
        ("peer (its ns/value)", "dtype", *schedules),
        [(*peer, *(row.get(schedule, "-") for schedule in schedules)) for peer, row in sorted(cells.items())],
    )


def lost_cases(measurements: Sequence[Measurement]) -> Sheet:
    """Every case in which a peer is faster."""
    return Sheet(
        "Where a peer is faster",
        ("case", "ns/value", "peer", "its ns/value", "times faster than it"),
        [
            (
                _words(measurement.case),
                _number(measurement.nanoseconds.median),
                peer.case.contender,
                _number(peer.nanoseconds.median),
                _factor(factor),
            )
            for measurement, peer, factor in losses(measurements)
        ]
        or [("nowhere", "", "", "", "")],
    )


def requirements(measurements: Sequence[Measurement]) -> Sheet:
    """What must be reached, and the worst figure of each row."""
    return Sheet(
        "What must be reached",
        ("requirement", "bound", "worst figure", "where", "verdict"),
        [_requirement(limit, measurements) for limit in LIMITS],
    )


def _requirement(limit: Limit, measurements: Sequence[Measurement]) -> tuple[str, ...]:
    sign = "≥" if limit.at_least else "≤"
    bound = f"{sign} {limit.bound:g}{limit.unit}"
    judged = judgements(limit, measurements)
    if not judged:
        return limit.requirement, bound, "", "", "not measured"
    short = sum(not judgement.passed for judgement in judged)
    return (
        limit.requirement,
        bound,
        f"{_number(judged[0].figure)}{limit.unit}",
        _words(judged[0].measurement.case),
        f"short ({short} of {len(judged)})" if short else f"pass ({len(judged)})",
    )


def first_call_sheet(anew: FirstCall, cached: FirstCall) -> Sheet:
    """What the numba engine's first call costs."""
    return Sheet(
        "The numba engine's first call: a grid of 1,000,000 steps in a new process",
        ("cache on disk", "import", "first call", "second call"),
        [
            (name, f"{call.imported:.2f} s", f"{call.first:.2f} s", f"{call.second * 1e3:.2f} ms")
            for name, call in (("empty", anew), ("filled", cached))
        ],
    )


def changes_sheet(changes: Sequence[Change]) -> Sheet:
    """What changed against the baseline."""
    return Sheet(
        "Against the baseline",
        ("case", "baseline", "now", "times the baseline", "verdict"),
        [
            (
                change.case.replace(" | ", ", "),
                _spread(change.baseline) if change.baseline else "",
                _spread(change.measured) if change.measured else "",
                f"{change.factor:.2f}" if change.factor else "",
                change.verdict,
            )
            for change in changes
        ],
    )


def machine_sentence(machine: Mapping[str, Any]) -> str:
    """Where the figures are from."""
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, "
        f"Python {machine['python']}, NumPy {machine['numpy']}."
    )


def document(measured: Sequence[Sheet], machine: Mapping[str, Any], picture: str, command: str) -> bytes:
    """The page of figures, in markdown."""
    return "\n".join(
        [
            "# Benchmarks\n",
            f"Written by `{command}`; not to be edited. Measured on: {machine_sentence(machine)}\n",
            "Each figure is the median of many rounds of processor time, all threads counted, the "
            "cases in shuffled order. In each round the "
            "yardsticks, `ndarray.fill` and `ndarray.copy` of the same dtype and size, were timed "
            "too. A ratio is the median over the rounds of time divided by the yardstick's, with "
            "its quartiles; the yardsticks' own ratios show the noise. Peers are given their "
            "vector of steps beforehand.\n",
            f"![Time against the number of steps]({picture})\n",
            *(sheet.markdown() for sheet in measured),
        ]
    ).encode()


def picture(measurements: Sequence[Measurement]) -> bytes:
    """A PNG of time against the number of steps, every contender."""
    figure = Figure(figsize=(13, 6), layout="constrained")
    panels = figure.subplots(1, len(DTYPES), sharey=True)
    contenders = sorted({measurement.case.contender for measurement in measurements})
    colours = dict(zip(contenders, colormaps["tab20"].colors, strict=False))  # type: ignore[attr-defined]
    for axes, dtype in zip(panels, DTYPES, strict=True):
        _draw(axes, [m for m in measurements if m.case.dtype == dtype], colours)
        axes.set_title(f"{PICTURED}, {dtype}")
    panels[0].set_ylabel("processor time in s")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()


def _draw(axes: Axes, measurements: Sequence[Measurement], colours: Mapping[str, Any]) -> None:
    curves: dict[str, dict[int, float]] = {}
    for measurement in measurements:
        case = measurement.case
        if case.operation == "grid" and case.schedule in (PICTURED, "yardstick"):
            curve = curves.setdefault(case.contender, {})
            curve[case.size] = measurement.nanoseconds.median * case.size * 1e-9
    for contender, curve in sorted(curves.items()):
        sizes = sorted(curve)
        native = contender in ENGINES
        axes.loglog(
            sizes,
            [curve[size] for size in sizes],
            color=colours[contender],
            marker="o",
            markersize=3,
            linewidth=2.5 if native else 1.2,
            linestyle=":" if contender.startswith("ndarray") else "-",
            label=f"lrdecay_native, {contender}" if native else contender,
        )
    axes.set_xlabel("number of steps")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")


def _words(case: Case) -> str:
    return f"{case.operation}, {case.schedule}, {case.dtype}, {case.size:,}, {case.contender}"


def _verdict(missed: Sequence[Limit] | None) -> str:
    if missed is None:
        return ""
    return "short" if missed else "pass"


def _spread(spread: Spread) -> str:
    return f"{spread.median:.2f} [{spread.lower:.2f}, {spread.upper:.2f}]"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _factor(factor: float) -> str:
    text = f"{factor:.0f}x" if factor >= 10 else f"{factor:.2g}x"
    return text if factor >= 1 else f"slower: {text}"
