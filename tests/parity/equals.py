"""The lines of docs/schedules.md that say which schedule of ours a peer's is, run as they stand there.

A line is a row of a table: the peer's expression, ours, and perhaps a condition on the letters in them.  The tests
read the page, draw the letters at random and evaluate both expressions, so what is compared is the page's own text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from parity.comparison import Case, RatesOf, Roundings, Steps, assert_close

import lrdecay_native as lrd

PAGE = Path(__file__).parents[2] / "docs" / "schedules.md"
BEGINNING = "\n## Equals in other libraries\n"

DRAWS = 24
"""How many times the letters of a line are drawn."""

RUN: Steps = np.arange(450)
"""Every step is compared, from the first one to some behind the end: lengths add up to less than these."""

OURS = {name: getattr(lrd, name) for name in lrd.__all__}
"""The names in our expressions."""

Letters = dict[str, Any]
Draw = Callable[[Random], Any]


@dataclass(frozen=True)
class Line:
    """A row of the page: the peer's expression, ours, and a condition on the letters."""

    theirs: str
    ours: str
    condition: str = "True"

    def names(self) -> set[str]:
        """The letters in the three texts."""
        return names_in(self.theirs) | names_in(self.ours) | names_in(self.condition)


def names_in(code: str) -> set[str]:
    """The names that an expression has as values; none in a text that is no expression."""
    try:
        tree = ast.parse(code, mode="eval")
    except SyntaxError:
        return set()
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}
    return names - {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


@cache
def tables() -> Mapping[str, tuple[Line, ...]]:
    """The lines of each table of the chapter, by its heading."""
    _, _, chapter = PAGE.read_text(encoding="utf-8").partition(BEGINNING)
    chapter, _, _ = chapter.partition("\n## ")
    _, *parts = re.split(r"^### (.*)$", chapter, flags=re.MULTILINE)
    return {heading: _lines(text) for heading, text in zip(parts[::2], parts[1::2], strict=True)}


def _lines(text: str) -> tuple[Line, ...]:
    rows = [
        [cell.strip() for cell in row.strip("|").split("|")] for row in text.splitlines() if row[:1] == "|"
    ]
    heading, _, *rows = rows
    assert heading[1:] == ["here", "where"][: len(heading) - 1]
    lines = tuple(Line(*(_code(cell) for cell in row if cell)) for row in rows)
    assert len({line.theirs for line in lines}) == len(lines)
    return lines


def _code(cell: str) -> str:
    """The code of a cell that is nothing but code, or else the cell's text."""
    (text,) = re.findall(r"^`([^`]*)`$", cell) or [cell]
    return str(text)


# The letters.


def length(random: Random) -> int:
    """1, 2, 3, primes whose reciprocals round badly, and any."""
    return random.choice([1, 2, 3, random.choice([41, 47, 61, 83, 97]), *random.choices(range(1, 121), k=4)])


def length_or_none(random: Random) -> int:
    """A length, or 0."""
    return random.choice([0, *(length(random) for _ in range(4))])


def rate(random: Random) -> float:
    """A rate of the sizes that training has."""
    return random.choice([0.1, 10 ** random.uniform(-5, 0.5)])


def end_rate(random: Random) -> float:
    """A rate, or 0."""
    return random.choice([0.0, rate(random), rate(random)])


def share(random: Random) -> float:
    """A number between 0 and 1."""
    return random.choice([0.1, 0.5, random.uniform(0.01, 0.999)])


def power(random: Random) -> float:
    """A power."""
    return random.choice([0.5, 1.0, 2.0, random.uniform(0.2, 4.0)])


def either(random: Random) -> bool:
    """True or false."""
    return random.random() < 0.5


def one_of(*values: Any) -> Draw:
    """One of these."""
    return lambda random: random.choice(values)


LETTERS: Mapping[str, Draw] = {
    **{"lr": rate, "init": end_rate, "end": end_rate},
    **{"w": length_or_none, "T": length, "n": length, "b1": length},
    "b2": lambda random: length(random) + random.choice([0, length(random)]),
    **{"f": share, "p": power, "cycles": one_of(*range(1, 30))},
    "r": lambda random: random.uniform(0.01, 3.0),
}
"""What the page says of its letters."""

PLATEAU: Mapping[str, Draw] = {
    **{"mode": one_of("min", "max"), "patience": one_of(0, 1, 2, 3, 7), "cooldown": one_of(0, 1, 2, 5)},
    **{"threshold": one_of(0.0, 1e-4, 0.0625, 0.5), "threshold_mode": one_of("rel", "abs")},
}


@dataclass(frozen=True)
class Peer:
    """What a line needs beside its text: letters that are the peer's own, and how far the peer rounds.

    The roundings are those of a `Case`, or functions of the letters that give them.  ``last`` gives the last step
    that the peer has a rate for, ``unlike`` the steps at which its rounding takes it to another stair or cycle.
    Where the text is no expression, ``theirs`` makes the peer's schedule.  ``parts`` are the lines of the same
    table that the schedules ``s``, ``s1`` and ``s2`` of this line are drawn from; their letters are their own, but
    for those ``shared``.
    """

    letters: Mapping[str, Draw] = field(default_factory=dict)
    relative: float | Callable[[Letters], Roundings] = 8.0
    absolute: float | Callable[[Letters], Roundings] = 8.0
    last: Callable[[Letters], int] | None = None
    unlike: Callable[[Letters], Callable[[Steps], Any]] | None = None
    theirs: Callable[[Mapping[str, Any], Drawn], Any] | None = None
    parts: Collection[str] = ()
    shared: Collection[str] = ("lr",)


Peers = Mapping[str, Peer]
Namespace = Callable[[Letters], Mapping[str, Any]]


@dataclass(frozen=True)
class Drawn:
    """A line with letters."""

    line: Line
    peer: Peer
    letters: Letters
    parts: Mapping[str, Drawn]

    def ours(self) -> Any:
        """Our schedule, by the page's text."""
        parts = {name: part.ours() for name, part in self.parts.items()}
        return eval(self.line.ours, {**OURS, **self.letters, **parts})

    def theirs(self, namespace: Mapping[str, Any]) -> Any:
        """The peer's schedule, by the page's text with the names of the peer's package."""
        if self.peer.theirs:
            return self.peer.theirs(namespace, self)
        parts = {name: part.theirs(namespace) for name, part in self.parts.items()}
        return eval(self.line.theirs, {**namespace, **self.letters, **parts})

    def rates(self) -> list[float]:
        """All rates among the letters."""
        draws = {**LETTERS, **self.peer.letters}
        own = [value for name, value in self.letters.items() if draws[name] in (rate, end_rate)]
        return own + [rate for part in self.parts.values() for rate in part.rates()]

    def case(self) -> Case:
        """How the two are compared."""
        letters = {
            name: value for part in (*self.parts.values(), self) for name, value in part.letters.items()
        }
        of_parts = [part.case() for part in self.parts.values()]
        lasts = [part.last for part in of_parts if part.last is not None]
        if self.peer.last:
            lasts.append(self.peer.last(letters))
        unlike = self.peer.unlike(letters) if self.peer.unlike else None
        text = f"{self.line.theirs} with {self.letters}"
        return Case(
            text + "".join(f", {name} = {part.case().peer}" for name, part in self.parts.items()),
            {},
            self.ours,
            _largest(_given(self.peer.relative, letters), *(part.relative for part in of_parts)),
            _largest(_given(self.peer.absolute, letters), *(part.absolute for part in of_parts)),
            last=min(lasts, default=None),
            unlike=unlike,
            largest_term=max(self.rates(), default=0.0),
        )


def _given(roundings: float | Callable[[Letters], Roundings], letters: Letters) -> Roundings:
    return roundings(letters) if callable(roundings) else roundings


def _largest(*roundings: Roundings) -> Roundings:
    return lambda steps: np.max(
        [np.broadcast_to(r(steps) if callable(r) else r, steps.shape) for r in roundings], 0
    )


def near_the_end(letters: Letters) -> float:
    """Roundings of ``(1 - x) ** p``: one of ``1 - x``, where that is small, is larger in its root."""
    return float(8.0 + 4.0 * letters["T"] ** max(0.0, 1.0 - letters["p"]))


def draw(line: Line, peers: Peers, random: Random, given: Letters | None = None) -> Drawn:
    """A line with letters drawn at random, as the page says what they are."""
    peer = peers[line.theirs]
    names = sorted(line.names() - set(OURS))
    parts = [name for name in names if name in ("s", "s1", "s2")]
    draws = {**LETTERS, **peer.letters}
    for _ in range(10_000):
        letters = {name: draws[name](random) for name in names if name not in parts}
        letters.update({name: value for name, value in (given or {}).items() if name in letters})
        ordered = "b2" not in letters or letters["b1"] < letters["b2"]
        if ordered and eval(line.condition, {}, letters):
            break
    else:
        raise AssertionError(f"no letters for {line} in 10,000 draws")
    if parts:
        letters.setdefault("lr", (given or {}).get("lr", rate(random)))
    lines = {other.theirs: other for table in tables().values() for other in table if other.theirs in peers}
    chosen = {name: lines[random.choice(sorted(peer.parts))] for name in parts}
    shared = {name: value for name, value in letters.items() if name in peer.shared}
    return Drawn(line, peer, letters, {name: draw(of, peers, random, shared) for name, of in chosen.items()})


def each_line(heading: str, but: Collection[str] = ()) -> pytest.MarkDecorator:
    """Run a test for each line of a table, but those."""
    lines = [line for line in tables()[heading] if line.theirs not in but]
    return pytest.mark.parametrize("line", lines, ids=[line.theirs for line in lines])


def assert_all_lines_run(heading: str, peers: Peers) -> None:
    """The table's lines have a peer each, and no peer is left over."""
    assert sorted(peers) == sorted(line.theirs for line in tables()[heading])


def assert_line_holds(
    line: Line, peers: Peers, random: Random, namespace: Namespace, rates_of: RatesOf, rounding: float
) -> None:
    """The rates agree at every step for all that is drawn."""
    for _ in range(DRAWS):
        assert_drawn_holds(draw(line, peers, random), namespace, rates_of, rounding)


def assert_drawn_holds(drawn: Drawn, namespace: Namespace, rates_of: RatesOf, rounding: float) -> None:
    """The rates agree at every step."""
    case = drawn.case()
    steps = case.steps_among(RUN)
    theirs = rates_of(drawn.theirs(namespace(drawn.letters)), steps)
    assert_close(case, steps, drawn.ours().values(len(RUN))[steps], theirs, rounding)


def assert_plateau_line_holds(
    heading: str, peers: Peers, random: Random, namespace: Namespace, rounding: float, *, first: int = 0
) -> None:
    """The one line of a table with such a peer follows a metric: both have the same rate after each of many.

    The peer's side of it has a method ``after(evaluation, metric)`` that returns the rate; evaluations count from
    ``first``.
    """
    (line,) = (line for line in tables()[heading] if line.theirs in peers)
    for _ in range(DRAWS):
        drawn = draw(line, peers, random)
        theirs, ours = drawn.theirs(namespace(drawn.letters)), drawn.ours()
        given = metrics(random)
        for evaluation, metric in enumerate(given):
            ours.update(metric, evaluation)
            rates = ours.learning_rate(evaluation), theirs.after(evaluation + first, metric)
            assert rates[1] == pytest.approx(rates[0], rel=64 * rounding), (
                drawn.letters,
                given[: evaluation + 1],
            )


def metrics(random: Random) -> list[float]:
    """Metrics that improve, stay and get worse by eighths, of both signs."""
    metric = random.choice([-10.0, -1.0, 0.0, 1.0, 10.0])
    taken = []
    for _ in range(60):
        metric += random.choice([0.0, 0.0, 0.0, 0.125, -0.125, random.choice([-1.0, 1.0])])
        taken.append(metric)
    return taken
