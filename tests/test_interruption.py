"""Ctrl-C ends what takes long: the engine's calls take hundredths of a second each."""

from __future__ import annotations

import json
import signal

import pytest
from conftest import RunPython

import lrdecay_native as lrd

WORK = {
    "smooth": "lrd.CosineDecay(0.1, n).values(n, out=out)",
    "smooth, strided": "lrd.CosineDecay(0.1, n).values(n // 2, out=out[::2])",
    "constant": "lrd.Constant(0.1).values(n, out=out)",
    "stairs": "lrd.StepDecay(0.9, 0.999, 1000).values(n, out=out)",
    "cycles that are alike": "lrd.CosineAnnealing(0.1, 500).values(n, out=out)",
    "few cycles that are alike": "lrd.CosineAnnealing(0.1, n // 4).values(n, out=out)",
    "cycles with a factor": "lrd.CosineRestarts(0.1, 1000, t_mul=1.0, m_mul=0.999).values(n, out=out)",
    "bounds": "lrd.CosineAnnealing(0.1, 500).clipped(0.01, 0.09).values(n, out=out)",
    "sum": "(lrd.CosineAnnealing(0.1, 500) + lrd.Cyclic(0.1, 0.2, 333.3)).values(n, out=out)",
    "table": "lrd.Tabulated([0.1, 0.3, 0.2], every=n // 2).values(n, out=out)",
    "kernel": "lrd.cosine_decay(steps, 0.1, n, out=out)",
    "kernel, integers": "lrd.cosine_decay(whole, 0.1, n, out=out)",
    "kernel, two threads": "lrd.cosine_decay(steps, 0.1, n, out=out, threads=2)",
    "kernel, many parameters": "lrd.cosine_decay(steps[:1000], 0.1, rates[: n // 1000], out=rows)",
    "kernel, few parameters": "lrd.cosine_decay(steps[: n // 4], 0.1, rates[:4], out=quarters)",
    "schedule": "lrd.CosineDecay(0.1, n, exponent=1.7)(steps)",
}

INTERRUPTED = """
import json, signal, time
import numpy as np
import lrdecay_native as lrd

def seconds(n, after=None):
    "How long the work takes, or after an interruption how long it goes on."
    out, steps, whole = np.zeros(n, "f4"), np.arange(float(n)), np.arange(n)
    rates, rows, quarters = np.geomspace(1e3, 2e3, n // 1000 + 4)[:, None], out[: n // 1000 * 1000], out
    rows, quarters = rows.reshape(-1, 1000), quarters.reshape(4, -1)
    begin = time.perf_counter()
    if after is not None:
        begin += after
        signal.setitimer(signal.ITIMER_REAL, after)
    try:
        WORK
    except KeyboardInterrupt:
        assert after is not None
        return time.perf_counter() - begin
    assert after is None, "the work was done before the interruption"
    return time.perf_counter() - begin

signal.signal(signal.SIGALRM, signal.default_int_handler)
n = 2**22
seconds(2**12)
while (whole := min(seconds(n), seconds(n))) < 0.3 and n < 2**26:
    n *= 2
parts = []
for _ in range(5):
    try:
        # Before it, arguments are checked and steps converted.
        parts.append(seconds(n, 0.6 * whole) / whole)
    except AssertionError:
        signal.setitimer(signal.ITIMER_REAL, 0)
print(json.dumps([n, whole, parts]))
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers that send a signal")
@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_an_interruption_ends_the_work(work: str, run_python: RunPython) -> None:
    """The best of some: others may keep the processor busy."""
    finished = run_python(INTERRUPTED.replace("WORK", work), LRDECAY_BACKEND=lrd.backend())
    assert finished.returncode == 0, finished.stderr
    _, _, parts = json.loads(finished.stdout)
    assert min(parts) < 0.2, finished.stdout
