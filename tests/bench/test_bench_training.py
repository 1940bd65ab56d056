"""The comparison with Keras's builtin in training: what it trains, what it says of it, its command."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pytest
from draws import thorough_only

for module in ("click", "keras", "tensorflow", "rich", "scipy"):
    pytest.importorskip(module, reason="needs: pip install 'lrdecay_native[bench]'")

from rich.console import Console  # noqa: E402

from bench.__main__ import bench  # noqa: E402
from bench.training import comparison, report  # noqa: E402
from bench.training.comparison import Measurement  # noqa: E402
from bench.training.statistics import RateDifference, Ratio  # noqa: E402
from lrdecay_native.command_line.training.data import Digits, read_mnist  # noqa: E402
from lrdecay_native.schedules.decays.asymptotic import ExponentialDecay, StepDecay  # noqa: E402

EXPRESSION = "StepDecay(0.1, 0.96, 7)"


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory, write_digits: Callable[..., Path]) -> Digits:
    return read_mnist(write_digits(tmp_path_factory.mktemp("digits") / "mnist.npz"))


def test_the_comparison_trains_each_learning_rate_alike(digits: Digits) -> None:
    rates = comparison.contenders(StepDecay(1.0, drop_rate=1.0, step_size=7), 20, 10)
    turns: list[None] = []
    # What is learnt from labels dealt at random depends on the order of the images.
    dealt = np.random.default_rng(0).permutation(digits.y_train)
    measurements = comparison.measure(
        replace(digits, y_train=dealt),
        rates,
        epochs=2,
        batch_size=32,
        seed=0,
        repeats=2,
        advance=lambda: turns.append(None),
    )
    assert [measurement.name for measurement in measurements] == list(rates)
    assert len(turns) == len(rates) * 2 * 2
    builtin = measurements[0]
    for measurement in measurements:
        assert len(measurement.step_times) == 2 * (2 - 1)
        assert min(measurement.step_times) > 0
        # A drop of 1 makes all of them the same constant, so the same seed gives the same network.
        np.testing.assert_array_equal(measurement.rates, np.full(21, 1.0, np.float32))
        assert measurement.accuracies == builtin.accuracies


def measured(name: str, step_times: list[float], rates: list[float]) -> Measurement:
    return Measurement(name, tuple(step_times), (0.5, 0.75), np.array(rates, np.float32))


BUILTIN = measured("builtin", [1e-3, 2e-3] * 4, [0.1, 0.1, 0.05])


def test_ratios_are_taken_turn_by_turn() -> None:
    doubled = measured("ours", [2e-3, 4e-3] * 4, [0.1, 0.1, 0.05])
    compared = comparison.compare(doubled, BUILTIN)
    assert compared.step_time == 3e-3
    assert compared.ratio == Ratio(2, 2, 2, (2, 2))
    assert not compared.ratio.below_noise
    assert "100.0% slower" in compared.sentence()
    assert compared.difference == RateDifference(None, 0, 0)
    assert compared.final_rate == np.float32(0.05)


def test_a_difference_below_the_noise_is_called_so() -> None:
    noisy = measured("ours", [0.9e-3, 2.2e-3, 1.02e-3, 1.9e-3] * 2, [0.1, 0.09, 0.05])
    compared = comparison.compare(noisy, BUILTIN)
    assert compared.ratio.lower < 1 < compared.ratio.upper
    assert compared.ratio.below_noise
    assert "below the noise" in compared.sentence()
    assert (compared.difference.first, compared.difference.steps) == (1, 1)


def test_the_rates_of_ours_in_float32_are_the_builtin_s() -> None:
    rates = comparison.contenders(StepDecay(0.1, drop_rate=0.96, step_size=1000), 28_125, 1875)
    by_name = {name: contender.rates(28_126, False) for name, contender in rates.items()}
    np.testing.assert_array_equal(by_name["ours, float32"], by_name["builtin"])
    assert float(by_name["builtin"][-1]) == 0.031885575503110886
    assert float(by_name["ours, native"][-1]) == 0.03188559412956238
    assert (by_name["constant"] == np.float32(0.1)).all()


def test_a_comparison_without_a_builtin_or_a_spread_is_refused() -> None:
    with pytest.raises(TypeError, match=r"needs a StepDecay.*got ExponentialDecay\("):
        comparison.contenders(ExponentialDecay(0.1, 0.01), 30, 10)
    with pytest.raises(ValueError, match=r"epochs=1 with repeats=9 leaves 0 timed .*at least 8"):
        comparison.check_turns(1, 9)
    comparison.check_turns(5, 2)


def test_the_comparison_is_reported() -> None:
    noisy = measured("ours", [0.9e-3, 2.2e-3, 1.02e-3, 1.9e-3] * 2, [0.1, 0.09, 0.031885575503110886])
    comparisons = [comparison.compare(each, BUILTIN) for each in (BUILTIN, noisy)]
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(report.comparison_table(comparisons))
    ours = next(line for line in console.export_text().splitlines() if "│ ours" in line)
    for cell in ("1,460 us", "0.985 [0.900, 1.100]", "0.031885575503110886", "0.5000-0.7500"):
        assert cell in ours
    assert "at step 1" in ours
    content = json.loads(report.comparison_json(comparisons, [BUILTIN, noisy], {"seed": 0}))
    assert content["settings"] == {"seed": 0}
    assert content["learning_rates"][1]["step_times"] == list(noisy.step_times)
    assert content["learning_rates"][1]["below_noise"] is True


@thorough_only
def test_the_command_prints_the_table_and_writes_it(
    tmp_path: Path, write_digits: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    options = ["--data", str(write_digits(tmp_path / "mnist.npz")), "--epochs", "9", "--repeats", "1"]
    output = ["--output", str(tmp_path / "compared")]
    bench.main(["training", *options, *output, "--schedule", EXPRESSION], standalone_mode=False)
    printed = capfd.readouterr().out
    for name in (
        "builtin",
        "ours, float32",
        "ours, native",
        "constant",
        "callback per epoch",
        "callback per batch",
    ):
        assert name in printed
    assert "at step 7" in next(line for line in printed.splitlines() if "│ constant" in line)
    content = json.loads((tmp_path / "compared" / "comparison.json").read_text())
    assert len(content["learning_rates"]) == 6
    assert content["settings"]["schedule"] == StepDecay(0.1, 0.96, 7).to_dict()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--epochs", "1"], "at least 8"),
        (["--schedule", "InverseTimeDecay(0.1, 1.0)"], "needs a StepDecay"),
        (["--schedule", "print('hello')"], "isn't a schedule"),
    ],
)
def test_the_command_refuses_before_it_trains(
    options: list[str], expected: str, tmp_path: Path, write_digits: Callable[..., Path]
) -> None:
    data = ["--data", str(write_digits(tmp_path / "mnist.npz"))]
    with pytest.raises(click.ClickException, match=expected):
        bench.main(
            ["training", *data, "--output", str(tmp_path / "compared"), *options], standalone_mode=False
        )
    assert not (tmp_path / "compared").exists()
