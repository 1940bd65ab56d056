"""Whether a checkout became slower than another: every case of test_native.py, in turns of one and the other.

``python bench/side_by_side.py OLD NEW`` takes two working trees that are built, and prints the ratio of their times,
case by case; both are run by the same interpreter.  A baseline that was stored on another day says less: a machine
whose neighbours are busy is slower with memory, and not as much slower with the yardsticks.

It imports nothing of the package: each checkout is imported in a process of its own, which makes the calls that
test_native.py would have measured.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from typing_extensions import Self

SECONDS_OF_A_CASE = 0.5
"""How long a case is measured, both checkouts together."""

FEWEST_ROUNDS = 11
MOST_ROUNDS = 101
SLOWER = 1.05
"""Times as long: what is beyond is slower."""


class Row(NamedTuple):
    """The time of the new checkout over that of the old one, and the old one's time."""

    case: str
    ratio: float
    milliseconds: float


class Given(Exception):  # noqa: N818
    """No error: a test has given what it would measure, and the rest of it isn't needed."""

    def __init__(self, call: Callable[[], object]) -> None:
        self.call = call


class Fixture:
    """What the tests take for pytest-benchmark's fixture: it gives away the call that it should measure."""

    def __init__(self) -> None:
        self.extra_info: dict[str, Any] = {}

    def pedantic(self, call: Callable[[], object], **_: object) -> None:
        raise Given(call)


def serve() -> None:
    """Time the case in each line, until an empty one ends it; each further line is a round."""
    from bench import test_native

    # Both on the same: one processor of a machine may be faster than another.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    known: dict[str, tuple[Callable[..., None], Any]] = {}
    for name, test in vars(test_native).items():
        if name.startswith("test_"):
            (of_test,) = (mark.args[1] for mark in test.pytestmark if mark.name == "parametrize")
            known |= {str(case): (test, case) for case in of_test}
    print("\t".join(known), flush=True)
    for line in sys.stdin:
        function, case = known[line.rstrip("\n")]
        try:
            function(Fixture(), case)
        except Given as given:
            print("ready", flush=True)
            while sys.stdin.readline().strip():
                begin = time.perf_counter()
                given.call()
                print(time.perf_counter() - begin, flush=True)


class Worker:
    """A process that has imported a checkout."""

    def __init__(self, folder: Path, engine: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--serve"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder), "LRDECAY_BACKEND": engine},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.cases = self._answer().split("\t")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def begin(self, case: str) -> None:
        self._ask(case)

    def seconds(self) -> float:
        return float(self._ask("round"))

    def end(self) -> None:
        self._send("")

    def _ask(self, line: str) -> str:
        self._send(line)
        return self._answer()

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit("a checkout's process ended; its message is above")
        return line.rstrip("\n")


def measure(old: Worker, new: Worker, case: str) -> Row:
    """The median of the ratios, each of two calls that were made one after the other."""
    for worker in (old, new):
        worker.begin(case)
        worker.seconds()
    rounds = int(SECONDS_OF_A_CASE / max(old.seconds() + new.seconds(), 1e-9))
    ratios, times = [], []
    for number in range(min(max(rounds, FEWEST_ROUNDS), MOST_ROUNDS)):
        pair = {worker: worker.seconds() for worker in ((old, new) if number % 2 else (new, old))}
        ratios.append(pair[new] / pair[old])
        times.append(pair[old])
    for worker in (old, new):
        worker.end()
    return Row(case, statistics.median(ratios), 1e3 * statistics.median(times))


def measure_all(options: argparse.Namespace, chosen: Callable[[str], bool]) -> dict[str, Row]:
    """The cases that both have, in new processes."""
    with (
        Worker(options.old.resolve(), options.engine) as old,
        Worker(options.new.resolve(), options.engine) as new,
    ):
        return {case: measure(old, new, case) for case in old.cases if case in new.cases and chosen(case)}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old", type=Path, metavar="OLD")
    parser.add_argument("new", type=Path, metavar="NEW")
    parser.add_argument("--engine", default="cython", choices=("cython", "numba"))
    parser.add_argument("--cases", default="", help="only those whose name has this text in it")
    parser.add_argument("--again", type=int, default=3, help="how often what looks slower is measured again")
    options = parser.parse_args()
    measured = measure_all(options, lambda case: options.cases in case)
    for _ in range(options.again):
        doubtful = {case for case, row in measured.items() if row.ratio > SLOWER}
        if not doubtful:
            break
        # The least ratio counts: in one process a page may lie badly.
        for case, row in measure_all(options, doubtful.__contains__).items():
            measured[case] = min(measured[case], row, key=lambda each: each.ratio)
    for row in measured.values():
        print(f"{row.ratio:6.3f} {row.milliseconds:10.4f} ms  {row.case}")
    slower = [row for row in measured.values() if row.ratio > SLOWER]
    middle = statistics.median(row.ratio for row in measured.values())
    print(
        f"\n{len(measured)} cases, median {middle:.3f}, {len(slower)} slower than {SLOWER} times the old time"
    )
    return bool(slower)


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        sys.exit(main())
