"""A schedule is a value whatever holds it: threads, forks, other libraries, and however deep it is nested."""

from __future__ import annotations

import copy
import dataclasses
import functools
import gc
import math
import os
import pickle
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from reference import SCHEDULES

import lrdecay_native as lrd
from lrdecay_native.plateau import ReduceOnPlateau
from lrdecay_native.schedules import nested as nesting

TESTS = Path(__file__).parents[1]


def run_limited(code: str, seconds: int) -> subprocess.CompletedProcess[str]:
    """Run code in a process that ends with its threads' tracebacks if it stands still."""
    start = f"import faulthandler, sys\nfaulthandler.dump_traceback_later({seconds}, exit=True)\n"
    package = str(Path(lrd.__file__).parent.parent)
    return subprocess.run(
        [sys.executable, "-c", start + code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([package, str(TESTS)])},
        capture_output=True,
        text=True,
    )


SCRIPT = """
import os, random, signal, threading, time
import lrdecay_native as lrd
from reference import SCHEDULES

NAMES = sorted(SCHEDULES)
USES = [
    lambda s: s(3),
    lambda s: s([0, 5, 7]),
    lambda s: s.values(10),
    lambda s: s.length,
    lambda s: s.last_step_above(1e300),
    lambda s: s.sum(5),
    lambda s: s.to_json(),
    lambda s: hash(s),
    lambda s: s.warmup(100).values(10),
    lambda s: (s * s.per_epoch(7, staircase=True))(3),
    lambda s: s.restarted(30).values(100),
]
CALL = lambda: lrd.CosineDecay(0.1, 900)(3)
GRID = lambda: lrd.CosineDecay(0.1, 900).warmup(100).values(10)

def use_fresh_ones(seed, seconds):
    generator = random.Random(seed)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for _ in range(20):
            (CALL, GRID)[generator.randrange(2)]()
        # Made again from its text, as each thread has its own.
        schedule = lrd.from_json(SCHEDULES[generator.choice(NAMES)].make(generator).to_json())
        for use in generator.sample(USES, 4):
            use(schedule)
"""


def test_threads_on_fresh_schedules() -> None:
    """Two of them that took the same two locks the other way round would stand still."""
    code = """
threads = [threading.Thread(target=use_fresh_ones, args=(seed, 6)) for seed in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("done")
"""
    done = run_limited(SCRIPT + code, 120)
    assert done.stdout == "done\n", done.stderr


def test_threads_on_one_schedule(random: Random) -> None:
    """Whichever of them computes what is kept, all see the same values."""
    code = """
for seed in range(150):
    schedule = SCHEDULES[NAMES[seed % len(NAMES)]].make(random.Random(seed))
    barrier, seen = threading.Barrier(8), []
    def use(number):
        barrier.wait()
        seen.append((schedule(3), schedule.values(50).tobytes(), schedule.length, hash(schedule)))
    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert len(seen) == 8 and len(set(seen)) == 1, schedule
print("done")
"""
    done = run_limited(SCRIPT + code, 300)
    assert done.stdout == "done\n", done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_forks_beside_a_busy_thread() -> None:
    """What a data loader with workers does: a child has no thread that would open a lock that it was born with."""
    code = """
for name in ("warm", "up"): use_fresh_ones(name, 0.1)
threading.Thread(target=use_fresh_ones, args=(0, 100), daemon=True).start()
failed = 0
for child in range(60):
    time.sleep(0.002 * (child % 7))
    number = os.fork()
    if number == 0:
        signal.alarm(20)
        GRID()
        CALL()
        os._exit(0)
    failed += os.waitpid(number, 0)[1] != 0
    if failed > 2:
        break
print("failed", failed, flush=True)
os._exit(0)
"""
    done = run_limited(SCRIPT + code, 200)
    assert done.stdout == "failed 0\n", done.stdout + done.stderr


@pytest.mark.parametrize("name", SCHEDULES)
def test_what_a_schedule_holds_is_its_own(name: str, random: Random) -> None:
    schedule, other = SCHEDULES[name].make(random), SCHEDULES[name].make(random)
    described, values = repr(schedule), schedule.values(20)
    schedule(3)
    parameters = {field.name: getattr(other, field.name) for field in dataclasses.fields(other)}
    schedule.__dict__.update(parameters)
    vars(schedule).update(parameters, _at=lambda step: 0.0)
    schedule.__dict__.clear()
    assert repr(schedule) == described
    np.testing.assert_array_equal(lrd.from_json(schedule.to_json()).values(20), values)
    np.testing.assert_array_equal(schedule.values(20), values)
    assert set(parameters) <= set(dir(schedule))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(schedule, next(iter(parameters)), 1.0)


def test_what_libraries_do_with_callables() -> None:
    schedule = lrd.CosineDecay(1.0, 100)
    schedule(3)

    def rate(step: int) -> float:
        return 0.1 * step

    assert vars(functools.update_wrapper(rate, schedule, assigned=())) == {"__wrapped__": schedule}
    assert copy.copy(schedule) is copy.deepcopy([schedule])[0] is schedule
    reference = weakref.ref(schedule)
    assert reference() is schedule
    del schedule, rate
    gc.collect()
    assert reference() is None


def test_subclasses() -> None:
    @dataclasses.dataclass(frozen=True)
    class Noted(lrd.Scaled):
        """With a parameter more."""

        note: str = dataclasses.field(default="", kw_only=True)

    inner = lrd.CosineDecay(1.0, 100)
    schedule = Noted(inner, 2.0, note="a")
    assert schedule(50) == 2 * inner(50)
    schedule.__dict__["note"] = "b"
    assert schedule.note == "a"
    assert schedule == dataclasses.replace(schedule) != dataclasses.replace(schedule, note="b")
    assert hash(schedule) == hash(dataclasses.replace(schedule))
    assert schedule != inner.scaled(2.0)
    assert schedule.warmup(9) == Noted(inner, 2.0, note="a").warmup(9) != inner.scaled(2.0).warmup(9)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", SCHEDULES)
def test_pickles_have_parameters_alone(name: str, protocol: int, random: Random) -> None:
    schedule = SCHEDULES[name].make(random)
    stored = pickle.dumps(schedule, protocol)
    schedule(3)
    assert pickle.dumps(schedule, protocol) == stored
    made = pickle.loads(stored)
    assert made == schedule
    assert made(5) == schedule(5)


OLD_PICKLE = (
    b"\x80\x04\x95\xe8\x00\x00\x00\x00\x00\x00\x00\x8c\x1blrdecay_native.compositions\x94\x8c\x06Warmup\x94\x93"
    b"\x94)\x81\x94}\x94(\x8c\x08schedule\x94\x8c\x15lrdecay_native.decays\x94\x8c\x0bLinearDecay\x94\x93\x94)\x81"
    b"\x94}\x94(\x8c\x15initial_learning_rate\x94G?\xb9\x99\x99\x99\x99\x99\x9a\x8c\x0bdecay_steps\x94M\xe8\x03"
    b"\x8c\x11end_learning_rate\x94G\x00\x00\x00\x00\x00\x00\x00\x00ub\x8c\x05steps\x94K\n\x8c\x05start\x94G\x00"
    b"\x00\x00\x00\x00\x00\x00\x00\x8c\x05shape\x94\x8c\x06linear\x94ub."
)
"""Of ``LinearDecay(0.1, 1000).warmup(10)``, from a version whose schedules had dictionaries."""


def test_pickles_of_earlier_versions() -> None:
    """They have a dictionary of the parameters there were."""
    assert pickle.loads(OLD_PICKLE) == lrd.LinearDecay(0.1, 1000).warmup(10)
    schedule = lrd.Warmup.__new__(lrd.Warmup)
    schedule.__setstate__({"schedule": lrd.Constant(0.1), "steps": 10, "start": 0.0})
    assert schedule == lrd.Constant(0.1).warmup(10)
    assert schedule(5) == 0.05
    schedule = lrd.Constant.__new__(lrd.Constant)
    schedule.__setstate__({"learning_rate": 0.1, "_at": lambda step: 0.0})
    assert schedule(5) == 0.1
    with pytest.raises(ValueError, match=r"Constant has no parameter 'decay'; .* another version"):
        lrd.Constant.__new__(lrd.Constant).__setstate__({"learning_rate": 0.1, "decay": 1.0})


# Nesting


LINE = lrd.LinearDecay(0.1, 1000)

OUTER: dict[str, Callable[[Any], Any]] = {
    "then": lambda s: s.then(lrd.Constant(0.01), at=900),
    "before": lambda s: LINE.then(s, at=2),
    "warmup": lambda s: s.warmup(1),
    "shifted": lambda s: s.shifted(1),
    "scaled": lambda s: s.scaled(1.001),
    "clipped": lambda s: s.clipped(1e-3),
    "per_epoch": lambda s: s.per_epoch(1.001),
    "stretched": lambda s: s.stretched(1001, of=1000),
    "k_decay": lambda s: s.k_decay(1.001, 1000),
    "reversed": lambda s: s.reversed(990),
    "cooled_down": lambda s: s.cooled_down(500, 10),
}
NESTING: dict[str, Callable[[Any], Any]] = {
    "sum": lambda s: s + LINE,
    "sum_behind": lambda s: lrd.StepDecay(0.1, 0.5, 7) + s,
    "product": lambda s: s * lrd.LinearDecay(1.0, 1000),
    "restarted": lambda s: s.restarted(50),
    "staircase": lambda s: s.per_epoch(1.001, staircase=True),
}
USES: dict[str, Callable[[Any], Any]] = {
    "call": lambda s: s(3),
    "array": lambda s: s([3, 4]),
    "values": lambda s: s.values(30),
    "chunks": lambda s: list(s.chunks(0, 3, 2)),
    "length": lambda s: s.length,
    "hash": hash,
    "repr": repr,
    "to_json": lambda s: s.to_json(),
    "round_trip": lambda s: lrd.from_json(s.to_json()) == s or pytest.fail("it differs"),
    "pickle": lambda s: pickle.loads(pickle.dumps(s)) == s or pytest.fail("it differs"),
    "old_pickle": lambda s: pickle.loads(pickle.dumps(s, 0)) == s or pytest.fail("it differs"),
    "deepcopy": copy.deepcopy,
    "plateau": lambda s: ReduceOnPlateau.from_json(ReduceOnPlateau(s).to_json()),
    "evaluate": lambda s: s.evaluate(np, np.float64(3.0)),
}


NEED_PIECES = ("call", "values", "length", "evaluate")
"""What is asked of new schedules, of which nothing is known yet."""


def nested(outer: str, depth: int) -> Any:
    schedule: Any = LINE
    for _ in range(depth - 1):
        schedule = (OUTER | NESTING)[outer](schedule)
    return schedule


def within_frames(count: int, use: Callable[[], Any]) -> Any:
    return use() if count == 0 else within_frames(count - 1, use)


@pytest.mark.parametrize("outer", [*OUTER, *NESTING])
def test_deep_compositions(outer: str) -> None:
    """All that works with a schedule works however deep it is nested, in a program that is 300 calls deep itself."""
    depth = 450 if outer in OUTER else nesting.MOST_NESTED + 1
    if outer in ("before", "shifted", "warmup"):
        # Their pieces take time that grows with the square of the depth.
        depth = 150
    schedule = nested(outer, depth)
    for name, use in USES.items():
        if name in NEED_PIECES:
            schedule = nested(outer, depth)
        # Restarts that are nested are evaluated cycle by cycle of cycles.
        if outer != "restarted" or name not in ("values", "chunks"):
            within_frames(300, functools.partial(use, schedule))


def test_deep_mixtures(random: Random) -> None:
    for _ in range(5):
        schedule: Any = LINE
        for _ in range(120):
            schedule = OUTER[random.choice([*OUTER])](schedule)
        assert within_frames(300, functools.partial(repr, schedule)) == repr(schedule)
        for use in (USES["hash"], USES["round_trip"], USES["pickle"]):
            use(schedule)
        text = repr(schedule)
        assert schedule != schedule.scaled(2.0)
        assert len(text) > 120 * len("Scaled()")


def test_deep_schedules_have_the_values_of_flat_ones() -> None:
    steps = np.arange(0, 1000, 37)
    np.testing.assert_allclose(nested("scaled", 450)(steps), LINE(steps) * 1.001**449, rtol=1e-12)
    np.testing.assert_allclose(nested("sum", 101)(steps), LINE(steps) * 101, rtol=1e-14)
    shifted = nested("shifted", 120)
    assert [shifted(step) for step in (0, 119, 120, 619)] == [0.1, 0.1, LINE(1), LINE(500)]
    assert nested("then", 450)(890) == LINE(890)
    assert nested("then", 450)(900) == 0.01


def test_too_deep_compositions_are_refused() -> None:
    """Where they are made, and with the depth."""
    schedule = nested("clipped", nesting.DEEPEST + 1)
    assert repr(schedule).count("Clipped") == 500
    assert schedule(0) == 0.1
    with pytest.raises(ValueError, match="schedule is 501 schedules deep; what is composed may be 500 deep"):
        schedule.clipped(1e-3)
    total = nested("sum", nesting.MOST_NESTED + 2)
    assert total(0) == pytest.approx(0.1 * 102)
    for compose in (*OUTER.values(), *NESTING.values()):
        with pytest.raises(ValueError, match=r"(schedule|other) has 101 sums, products, .* may have 100"):
            compose(total)
    pairs: list[Any] = [LINE] * 512
    while len(pairs) > 1:
        pairs = [one + other for one, other in zip(pairs[::2], pairs[1::2], strict=True)]
    assert pairs[0](0) == pytest.approx(51.2)


def test_one_schedule_in_many_places() -> None:
    """What is shared is looked at once."""
    schedule, other = LINE, lrd.LinearDecay(0.1, 1000)
    for _ in range(40):
        schedule, other = schedule.then(schedule, at=5), other.then(other, at=5)
    assert schedule == other
    assert hash(schedule) == hash(other)
    assert schedule != other.then(other, at=5)
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert math.isclose(schedule(3), LINE(3))
