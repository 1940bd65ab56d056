"""The MNIST comparison: what its results say, its page, and that the shortest one produces all of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from draws import thorough_only

for module in ("click", "keras", "matplotlib", "mpmath", "pytest_benchmark", "rich", "scipy"):
    pytest.importorskip(module, reason="needs: pip install 'lrdecay_native[bench]'")

from bench.comparison import compare, slower  # noqa: E402
from bench.mnist import figures, report  # noqa: E402
from bench.mnist.command_line import lower_ratios  # noqa: E402
from bench.mnist.plan import BACKENDS, PARTS, SCHEDULE  # noqa: E402
from bench.mnist.session import RESULTS, PartResults, read_results, replaced, results_json  # noqa: E402
from bench.training.statistics import Mean, RateDifference, Ratio  # noqa: E402

ROOT = Path(__file__).parents[2]
MACHINE = {
    "processor": "a processor", "cores": 2, "system": "Linux", "python": "3.11", "numpy": "2.4",
    "keras": "3.15", "backend": "tensorflow 2.21",
}  # fmt: skip
BUILTIN_TIMES = [0.002, 0.001, 0.002, 0.001, 0.002, 0.001, 0.002]


def part(name: str, *records: dict[str, Any], backend: str = "tensorflow", **outcomes: Any) -> PartResults:
    return PartResults(
        name, backend, "short", "MNIST", "2026-01-01 00:00", 1.0, MACHINE, list(records), **outcomes
    )


def step_time(factor: float, *, batch_size: int = 32, **failures: str) -> dict[str, Any]:
    times = {
        "builtin": BUILTIN_TIMES,
        "ours, float32": [factor * seconds for seconds in BUILTIN_TIMES],
        "ours, native": [0.5 * seconds for seconds in BUILTIN_TIMES],
    }
    return {
        "test": "test_step_time",
        "times": [1.0],
        "setting": {"jit_compile": True, "batch_size": batch_size},
        "steps": 2,
        "step_times": times,
        "first_epochs": dict.fromkeys(times, 1.0),
        "failures": failures,
    }


def micro(operation: str, contender: str, microseconds: float, **yardsticks: float) -> dict[str, Any]:
    return {
        "test": "test_micro",
        "times": [10 * microseconds * 1e-6] * 6,
        "case": {"operation": operation, "way": "", "curve": "step decay", "contender": contender},
        "count": 10,
        "yardsticks": {name: [value * 1e-6] * 6 for name, value in yardsticks.items()},
    }


def rates(name: str, *runs: tuple[int, float], stop: int = 3000) -> dict[str, Any]:
    return {
        "test": "test_rates",
        "times": [1.0],
        "name": name,
        "jit_compile": True,
        "stop": stop,
        "runs": [list(run) for run in runs],
    }


def trained(name: str, seed: int, loss: float) -> dict[str, Any]:
    return {
        **{"test": "test_training", "times": [1.0], "name": name, "seed": seed, "epochs": 3, "steps": 6},
        **{"loss": loss, "accuracy": 1 - loss},
    }


EXACT = figures.exact_rates(3000)[[0, 1000, 2000]].tolist()
ULP_ABOVE = float(np.nextafter(np.float32(EXACT[2]), np.float32(1)))
RESULTS_OF_EACH_PART = [
    part("step-time", step_time(1.5), left_out={"test_step_time[b]": "the builtin does not train here"}),
    part(
        "rates",
        rates("builtin", (0, EXACT[0]), (1000, EXACT[1]), (2000, ULP_ABOVE)),
        rates("ours, native", *zip((0, 1000, 2000), EXACT, strict=True)),
    ),
    part("seeds", *(trained(name, seed, 0.1 + seed / 10) for name in ("builtin", "constant") for seed in (0, 1))),
    part(
        "micro",
        micro("eager call", "rate.schedule(step)", 2.0, builtin=100.0),
        micro("loop", "KerasSchedule", 3.0, builtin=2.0, empty=1.0),
    ),
]  # fmt: skip


def test_step_times_are_compared_turn_by_turn() -> None:
    builtin, float32, native = figures.step_times(RESULTS_OF_EACH_PART)
    assert builtin.ratio == Ratio(1, 1, 1, (1, 1))
    assert float32.ratio.median == pytest.approx(1.5)
    assert native.median == 0.001
    assert (native.turns, native.steps, native.where) == (7, 2, "tensorflow, jit_compile=True, batch 32")


def test_exact_rates_are_rounded_once() -> None:
    exact = figures.exact_rates(28_126)
    assert exact.dtype == np.float32
    np.testing.assert_array_equal(exact, SCHEDULE.values(28_126, dtype=np.float32))
    assert float(exact[-1]) == 0.03188559412956238


def test_rates_are_compared_with_the_builtin_s_and_the_exact_ones() -> None:
    builtin, native = figures.run_rates(RESULTS_OF_EACH_PART)
    assert native.from_builtin == RateDifference(2000, 1000, 1)
    assert native.from_exact == RateDifference(None, 0, 0)
    assert builtin.from_exact == RateDifference(2000, 1000, 1)


def test_losses_of_seeds_are_paired() -> None:
    same = figures.trained(RESULTS_OF_EACH_PART)[1]
    assert (same.identical, same.loss_difference) == (2, Mean(0.0, (0.0, 0.0)))


def test_a_loop_s_cost_is_without_the_loop() -> None:
    call, loop = figures.micro_figures(RESULTS_OF_EACH_PART)
    assert (call.cost, call.builtin_cost) == (pytest.approx(2e-6), pytest.approx(100e-6))
    assert (loop.cost, loop.builtin_cost) == (pytest.approx(2e-6), pytest.approx(1e-6))
    assert loop.excess == pytest.approx((1e-6, 1e-6))


def test_what_must_be_reached_is_judged() -> None:
    verdicts = {each.where: each.verdict for each in report.requirements(RESULTS_OF_EACH_PART)}
    assert verdicts == {
        "tensorflow, jit_compile=True, batch 32, ours, float32": "not held",
        "tensorflow, jit_compile=True, batch 32, ours, native": "held",
        "tensorflow, step decay, rate.schedule(step)": "held",
        "tensorflow, step decay, KerasSchedule": "not held",
        "tensorflow, jit_compile=True": "held",
    }
    failed = part("step-time", step_time(1.0, constant="Error: no"), failed={"test_step_time[c]": "E"})
    failures = [each for each in report.requirements([failed]) if each.what == "everything runs"]
    assert [(each.figure, each.verdict) for each in failures] == [
        ("E", "not held"),
        ("Error: no", "not held"),
    ]


def test_what_an_interval_leaves_open_is_undecided() -> None:
    noisy = step_time(1.0)
    noisy["step_times"]["ours, float32"] = [
        f * t for f, t in zip((0.8, 1.2) * 4, BUILTIN_TIMES, strict=False)
    ]
    verdicts = {each.where: each.verdict for each in report.requirements([part("step-time", noisy)])}
    assert verdicts["tensorflow, jit_compile=True, batch 32, ours, float32"] == "undecided"


def test_seeds_that_failed_are_left_out_of_the_pairs() -> None:
    runs = [trained("builtin", seed, 0.1 + seed / 10) for seed in (0, 1, 3)]
    runs += [trained("constant", seed, 0.1 + seed / 10) for seed in (1, 2, 3)]
    builtin, constant = figures.trained([part("seeds", *runs)])
    assert (len(builtin.losses), constant.losses) == (3, (0.2, 0.4))
    assert constant.loss_difference == Mean(0.0, (0.0, 0.0))


def test_every_loss_is_shown() -> None:
    assert [where for _, where, _ in report.losses(RESULTS_OF_EACH_PART)] == [
        "tensorflow, jit_compile=True, batch 32, ours, float32",
        "tensorflow, step decay, KerasSchedule",
    ]


def test_the_page_names_what_is_missing_and_what_was_left_out() -> None:
    page = report.page(RESULTS_OF_EACH_PART).decode()
    assert "Not measured: rates on jax, rates on torch, micro on jax, micro on torch," in page
    assert "| step-time, tensorflow: test_step_time[b] | the builtin does not train here |" in page
    everywhere = [replace(result, backend=backend) for result in RESULTS_OF_EACH_PART for backend in BACKENDS]
    assert "Not measured" not in report.page(everywhere).decode()
    assert (
        "Not measured: seeds on jax.\n"
        in report.page([result for result in everywhere if result.key != ("seeds", "jax")]).decode()
    )


def test_pictures_are_drawn() -> None:
    drawn = report.pictures(RESULTS_OF_EACH_PART)
    assert set(drawn) == set(report.PICTURES)
    assert all(picture.startswith(b"\x89PNG") for picture in drawn.values())


def test_results_are_stored_whole() -> None:
    stored = results_json(RESULTS_OF_EACH_PART)
    assert results_json(read_results(stored)) == stored
    # Nine digits tell one float32 from another.
    for read, made in zip(
        figures.run_rates(read_results(stored)), figures.run_rates(RESULTS_OF_EACH_PART), strict=True
    ):
        np.testing.assert_array_equal(read.rates, made.rates)
    newer = part("seeds", trained("builtin", 0, 0.5))
    kept = replaced(RESULTS_OF_EACH_PART, [newer])
    assert len(kept) == 4
    assert newer in kept


def test_what_became_slower_is_found() -> None:
    def slowed(factor: float) -> list[str]:
        now = figures.tracked([part("step-time", step_time(1.5 * factor))])
        return [change.case for change in slower(compare(figures.tracked(RESULTS_OF_EACH_PART), now))]

    assert slowed(1.1) == []
    assert slowed(1.3) == ["step time | tensorflow | jit_compile=True, batch 32 | ours, float32"]
    first, again = (figures.tracked([part("step-time", step_time(f))]) for f in (1.5, 1.0))
    assert lower_ratios(first, again) == again


def test_the_page_is_that_of_the_stored_results() -> None:
    results = read_results(RESULTS.read_bytes())
    assert {result.plan for result in results} == {"full"}
    assert {result.key for result in results} == set(product(PARTS, BACKENDS))
    assert (ROOT / "docs" / report.PAGE).read_bytes() == report.page(results)


@pytest.mark.slow
@thorough_only
def test_the_shortest_comparison_is_reported_whole(tmp_path: Path, write_digits: Callable[..., Path]) -> None:
    options = [
        *(
            "--plan",
            "shortest",
            "--backend",
            "tensorflow",
            "--data",
            str(write_digits(tmp_path / "mnist.npz")),
        ),
        *("--results", str(tmp_path / "results.json"), "--docs", str(tmp_path)),
    ]
    # pytest-benchmark measures nothing in a worker of pytest-xdist, nor below one.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}
    finished = subprocess.run(
        [sys.executable, "-m", "bench", "mnist", "measure", *options],
        cwd=ROOT,
        env=inherited | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    results = read_results((tmp_path / "results.json").read_bytes())
    assert [result.part for result in results] == sorted(PARTS)
    assert {path.name for path in tmp_path.iterdir()} == {
        "mnist.npz", "results.json", report.PAGE, *report.PICTURES
    }  # fmt: skip
    for sheet in report.sheets([result for result in results if result.backend == "tensorflow"]):
        assert sheet.rows or "jax" in sheet.title or "torch" in sheet.title
