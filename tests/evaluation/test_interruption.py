"""Ctrl-C ends what takes long: between the engine's calls, which take hundredths of a second, it is seen."""

from __future__ import annotations

import json
import signal

import pytest
from conftest import RunPython

import lrdecay_native as lrd

WORK = {
    "smooth": "lrd.CosineDecay(0.1, n).values(n, out=out)",
    "smooth, strided": "lrd.CosineDecay(0.1, n).values(n, out=out[::-1])",
    "constant": "lrd.Constant(0.1).values(n, out=out)",
    "stairs": "lrd.StepDecay(0.9, 0.999, 1000).values(n, out=out)",
    "cycles that are alike": "lrd.CosineAnnealing(0.1, 500).values(n, out=out)",
    "few cycles that are alike": "lrd.CosineAnnealing(0.1, n // 16).values(n, out=out)",
    "cycles with a factor": "lrd.CosineRestarts(0.1, 10**4, t_mul=1.0, m_mul=0.999).values(n, out=out)",
    "table": "lrd.Tabulated([0.1, 0.3, 0.2], every=n // 2).values(n, out=out)",
    "kernel": "lrd.cosine_decay(steps, 0.1, n, out=out)",
    "kernel, integers": "lrd.cosine_decay(whole, 0.1, n, out=out)",
    "kernel, two threads": "lrd.cosine_decay(steps, 0.1, n, out=out, threads=2)",
    "kernel, many parameters": "lrd.cosine_decay(steps[:1024], 0.1, rates, out=out.reshape(-1, 1024))",
    "kernel, few parameters": "lrd.cosine_decay(steps[: n // 4], 0.1, rates[:4], out=out.reshape(4, -1))",
}

INTERRUPTED = """
import json, signal, time
import numpy as np
import lrdecay_native as lrd
from lrdecay_native.evaluation.grids import geometric_cycles, grids
from lrdecay_native.evaluation.points import closed_form

# As on a machine that is so many times slower.
grids.STEPS_PER_ROUND, geometric_cycles.STEPS_AT_ONCE, closed_form.AT_ONCE = 2**19, 2**18, 2**17
n = 2**25
out, steps, whole = np.empty(n, "f4"), np.arange(float(n)), np.arange(n)
rates = np.geomspace(1e3, 2e3, n // 1024)[:, None]
signal.signal(signal.SIGALRM, signal.default_int_handler)

def written(code, seconds):
    "Which part of the array is written by work that is interrupted after so many seconds."
    out.fill(np.nan)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        exec(code)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        pass
    return 1.0 - np.isnan(out).mean()

def broken_off(work):
    # Of an interruption in a text to execute Python says something when it ends.
    code = compile(work, "work", "exec")
    exec(code)
    begin = time.perf_counter()
    exec(code)
    seconds = time.perf_counter() - begin
    # On a busy machine it may be too early or too late.
    parts = [part / 20 for part in range(1, 20)] * 6
    return any(0.0 < written(code, seconds * part) < 1.0 for part in parts)

print(json.dumps([name for name, work in WORK.items() if not broken_off(work)]))
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers that send a signal")
def test_an_interruption_breaks_work_off(run_python: RunPython) -> None:
    """Without a look at signals it is done first: then either nothing is written or all."""
    finished = run_python(INTERRUPTED.replace("WORK", repr(WORK)), LRDECAY_BACKEND=lrd.backend())
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout) == []
