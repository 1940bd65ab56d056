"""The command: what it prints and writes, and what it refuses in one line with exit status 2."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lrdecay_native.schedules.decays.asymptotic import StepDecay
from lrdecay_native.schedules.registry import all_schedules

for module in ("click", "rich", "keras", "tensorflow", "matplotlib", "sklearn"):
    pytest.importorskip(module, reason="needs: pip install 'lrdecay_native[training]'")

from lrdecay_native.command_line.commands import run  # noqa: E402

EXPRESSION = "StepDecay(0.1, 0.96, 7)"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_digits: Callable[..., Path]) -> Path:
    """An empty working folder; the digits are beside it."""
    write_digits(tmp_path / "mnist.npz")
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    return working


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True)


def test_train_prints_the_result_and_writes_the_files(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ["--data", "../mnist.npz", "--epochs", "2", "--schedule", EXPRESSION]
    assert run(["train", *options, "--output", "made/run"]) == 0
    captured = capfd.readouterr()
    lines = captured.out.splitlines()
    assert lines[0] == "Data: MNIST, ../mnist.npz"
    assert "Epoch 02: learning rate = 0.09600" in lines
    assert lines[-3].startswith("Test accuracy: 0.") or lines[-3] == "Test accuracy: 1.0000"
    assert lines[-2].startswith("Current learning rate: 0.0921")
    assert captured.err == ""
    assert {path.name for path in (folder / "made" / "run").iterdir()} == {
        "history.csv", "rates.csv", "run.png"
    }  # fmt: skip


def test_the_arithmetic_is_chosen(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    # After 28 drops the exact value and the float32 arithmetic differ.
    options = ["--data", "../mnist.npz", "--epochs", "3", "--schedule", "StepDecay(0.1, 0.96, 1)"]
    finals = {}
    for arithmetic in ("float32", "native"):
        assert run(["train", *options, "--batch-size", "34", "--arithmetic", arithmetic]) == 0
        finals[arithmetic] = capfd.readouterr().out.splitlines()[-2]
    exact = StepDecay(0.1, 0.96, 1).values(30, 31, dtype="float32")[0]
    assert finals["native"] == f"Current learning rate: {float(exact)!r}"
    assert finals["float32"] != finals["native"]
    assert finals["float32"][:30] == finals["native"][:30]


def test_a_schedule_from_a_json_file(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "mine.json").write_text(StepDecay(0.2, 0.5, 5).to_json())
    arguments = ["--schedule", "mine.json", "--data", "../mnist.npz", "--epochs", "1"]
    assert run(["train", *arguments]) == 0
    assert "Epoch 01: learning rate = 0.20000" in capfd.readouterr().out
    assert (folder / "lrdecay-run" / "run.png").exists()


def test_without_mnist_the_default_plan_drops_in_the_run(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make demo` where there is no MNIST: as many drops as in 15 epochs of it."""

    def refuse(*arguments: object) -> None:
        raise OSError("no network")

    monkeypatch.setenv("KERAS_HOME", str(folder / "keras"))
    monkeypatch.setattr("lrdecay_native.command_line.training.data.download", refuse)
    assert run(["train", "--output", "demo"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].startswith("The default plan, StepDecay(0.1, drop_rate=0.96, step_size=1000")
    assert lines[0].endswith("is one for MNIST: with 45 steps an epoch the rate drops every 24 of them")
    assert "KerasSchedule(StepDecay(0.1, drop_rate=0.96, step_size=24, staircase=True))" in lines[2]
    assert "Current learning rate: 0.031885575503110886" in lines
    rates = [line.split(",")[1] for line in (folder / "demo" / "rates.csv").read_text().splitlines()[1:]]
    assert len(rates) == 15 * 45
    assert len(set(rates)) == 1 + 28


def test_a_plan_that_is_given_stays(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    options = ["--data", "../mnist.npz", "--epochs", "1"]
    assert run(["train", *options, "--schedule", "StepDecay(0.1, drop_rate=0.96, step_size=1000)"]) == 0
    assert "step_size=1000" in capfd.readouterr().out.splitlines()[1]
    assert run(["train", *options]) == 0
    assert (
        "KerasSchedule(StepDecay(0.1, drop_rate=0.96, step_size=5.333333333333333" in capfd.readouterr().out
    )


def test_generate_times_a_schedule_beside_numpy(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate"]) == 0
    printed = capsys.readouterr().out
    assert "Generating a schedule of 10,000,000 steps" in printed
    difference = re.search(r"times as fast; largest relative difference (\S+)", printed)
    assert difference
    assert float(difference[1]) < 1e-12


@pytest.mark.parametrize("option", [["--compare"], ["--repeats", "3"]])
def test_the_comparison_is_said_to_be_elsewhere(
    option: list[str], folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", *option, "--epochs", "9", "--data", "missing.npz"]) == 2
    assert capfd.readouterr().err == (
        "lrdecay: the comparison with Keras's builtin is no part of the installed package: run "
        "'python -m bench training' in a copy of the repository, with the same options\n"
    )


def test_list_names_every_schedule(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list"]) == 0
    printed = capsys.readouterr().out
    for name in all_schedules():
        assert name in printed


def test_plot_writes_a_picture(folder: Path) -> None:
    assert run(["plot", EXPRESSION, "--stop", "100", "--output", "curve.png"]) == 0
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")


BAD_SCHEDULE = ["train", "--schedule"]
BAD_DATA = ["train", "--data"]
PLOT = ["plot", EXPRESSION, "--stop", "100", "--output"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "Missing command"),
        (["fit"], "No such command 'fit'"),
        (["train", "--epoch-count", "3"], "No such option"),
        (["train", "--epochs", "0"], "'--epochs': 0 is not in the range x>=1"),
        (["train", "--epochs", "many"], "'--epochs'"),
        (["train", "--batch-size", "-1"], "'--batch-size'"),
        (["train", "--seed", "4294967296"], "'--seed'"),
        (["train", "--arithmetic", "float16"], "'float32', 'native'"),
        ([*BAD_SCHEDULE, "StepDecay(-0.1, 0.96, 1000)"], "initial_learning_rate"),
        ([*BAD_SCHEDULE, "StepDecay(0.1, 0.96)"], "step_size"),
        ([*BAD_SCHEDULE, "print('hello')"], "isn't a schedule"),
        ([*BAD_SCHEDULE, "missing.json"], "missing.json"),
        ([*BAD_DATA, "missing.npz"], "missing.npz: there is no such file"),
        ([*BAD_DATA, "../text.npz"], "text.npz: truncated or not an .npz file"),
        (["train", "--output", "../text.npz"], "text.npz is a file; a folder"),
        (["train", "--output", "../text.npz/run"], "text.npz is a file; a folder"),
        (
            [
                *(*BAD_SCHEDULE, "InverseTimeDecay(0.1, 1.0)", "--arithmetic", "native"),
                *("--data", "../mnist.npz", "--epochs", "99999999"),
            ],
            "KerasSchedule",
        ),
        (["plot", EXPRESSION, "--output", "curve.png"], "'--stop'"),
        (["plot", EXPRESSION, "--stop", "0", "--output", "curve.png"], "'--stop'"),
        ([*PLOT, "curve.xyz"], "ends in '.xyz'; a picture ends in ."),
        ([*PLOT, "curve"], "a picture ends in"),
        ([*PLOT, "."], "'--output'"),
        ([*PLOT, "../text.npz/curve.png"], "text.npz is a file; a folder"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    arguments: list[str], expected: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("../text.npz").write_text("no digits")
    assert run(arguments) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("lrdecay: ")
    assert captured.err.index("\n") == len(captured.err) - 1
    assert expected in captured.err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "schedule",
    [
        f"Tabulated([1{'0' * 400}, 1])",
        f"Tabulated([1{'0' * 5000}, 1])",
        "Tabulated(['1_0', 0.1])",
        "Tabulated([True, 0.1])",
        "Tabulated([0.1, 1j])",
        f"LinearDecay(0.1, {2**53 + 1})",
        "Constant(0.1)" + ".clipped(0.01)" * 600,
        "Constant(0.1)" + ".restarted(7)" * 200,
        "Clipped(" * 150 + "Constant(0.1)" + ")" * 150 + ".sawtooth()",
        "Constant(" + "[" * 150 + "]" * 150 + ")",
        "-" * 3000 + "0.1",
        "Constant(" + "x" * 10**6 + ")",
        "deep.json",
        "long.json",
        "latin.json",
        "zeros.json",
    ],
    ids=lambda text: text[:40],
)
def test_bad_schedules_are_one_line(schedule: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    clipped = '{"version": 1, "class": "Clipped", "lowest": null, "highest": null, "schedule": '
    Path("deep.json").write_text(clipped + clipped.replace('"version": 1, ', "") * 5000)
    Path("long.json").write_text(json.dumps({"version": 1, "class": "x" * 10**7}))
    Path("latin.json").write_bytes('{"class": "\xe9"}'.encode("latin-1"))
    Path("zeros.json").write_bytes(bytes(1000))
    assert run(["plot", schedule, "--stop", "9", "--output", "curve.png"]) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("lrdecay: ")
    assert captured.err.index("\n") == len(captured.err) - 1
    assert len(captured.err) < 3000


def test_deep_schedules_are_drawn(folder: Path) -> None:
    assert (
        run(["plot", "Constant(0.1)" + ".clipped(0.01)" * 450, "--stop", "9", "--output", "curve.png"]) == 0
    )


def test_an_unwritable_folder_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc, the one folder that refuses root too")
    assert run(["train", "--output", "/proc/run"]) == 2
    assert "'--output': /proc can't be written" in capfd.readouterr().err


def test_help_is_quick_because_it_imports_no_framework() -> None:
    script = (
        "import sys; from lrdecay_native.command_line.commands import run; run(['train', '--help'])\n"
        "heavy = {'keras', 'tensorflow', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    result = python("-c", script)
    assert result.returncode == 0, result.stderr
    assert "--schedule" in result.stdout


def test_python_dash_m_runs_the_same_command() -> None:
    result = python("-m", "lrdecay_native", "fit")
    assert result.returncode == 2
    assert result.stderr == "lrdecay: No such command 'fit'. See lrdecay --help\n"


@pytest.mark.parametrize(
    ("missing", "arguments"),
    [
        ("click", ["--help"]),
        ("rich", ["list"]),
        ("tensorflow", ["train", "--data", "../mnist.npz"]),
        ("keras", ["train", "--data", "../mnist.npz"]),
        ("matplotlib", ["train", "--data", "../mnist.npz"]),
        ("matplotlib", ["plot", EXPRESSION, "--stop", "9", "--output", "curve.png"]),
    ],
)
def test_a_missing_package_is_named_with_what_to_install(
    missing: str, arguments: list[str], folder: Path
) -> None:
    script = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv[1:] = {arguments!r}\n"
        "from lrdecay_native.__main__ import main; sys.exit(main())"
    )
    result = python("-c", script)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr == (
        f"lrdecay: this needs {missing}, which isn't installed; "
        'run: pip install "lrdecay_native[training]"\n'
    )
    assert list(folder.iterdir()) == []
