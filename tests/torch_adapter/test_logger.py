"""Files and lines have the rates that were applied, of each update, also of runs that go on or are broken off."""

from __future__ import annotations

import csv
import gc
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from peers import peer

import lrdecay_native as lrd

torch = peer("torch")
from torch_adapter.training import applied, optimizer, trained  # noqa: E402

from lrdecay_native.torch import (  # noqa: E402
    LearningRateLogger,
    ReduceLROnPlateau,
    TorchSchedule,
    print_learning_rate,
)

PLAN = lrd.CosineDecay(0.1, 90).warmup(10)


def written(path: Path) -> list[list[float]]:
    with path.open() as file:
        return [[float(number) for number in row] for row in list(csv.reader(file))[1:]]


def test_each_update_has_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lrdecay_native.torch.logger.WRITTEN_TOGETHER", 4)
    sgd = optimizer()
    scheduler = TorchSchedule(sgd, PLAN)
    plateau = ReduceLROnPlateau(scheduler, factor=0.5, patience=0)
    rates = []
    with LearningRateLogger(sgd, csv=tmp_path / "rates.csv"):
        for loss in (2.0, 3.0):
            rates += [rate for (rate,) in trained(sgd, scheduler, 5)]
            plateau.step(loss)
        assert len(written(tmp_path / "rates.csv")) == 8
        rates += [rate for (rate,) in trained(sgd, scheduler, 3)]
    assert written(tmp_path / "rates.csv") == [[step, rate] for step, rate in enumerate(rates)]
    assert rates[10:] == [PLAN.scaled(0.5)(step) for step in range(10, 13)]
    # It has let go of the optimizer.
    trained(sgd, scheduler, 2)
    assert len(written(tmp_path / "rates.csv")) == 13


def test_any_scheduler_and_groups(tmp_path: Path) -> None:
    sgd = optimizer(2, names=["body"], learning_rate=0.1)
    sgd.param_groups[1]["lr"] = torch.tensor(0.25)
    scheduler = torch.optim.lr_scheduler.StepLR(sgd, 2, 0.5)
    with LearningRateLogger(sgd, csv=tmp_path / "rates.csv"):
        trained(sgd, scheduler, 4)
    lines = (tmp_path / "rates.csv").read_text().splitlines()
    assert lines[0] == "step,learning_rate_body,learning_rate_1"
    assert written(tmp_path / "rates.csv") == [
        [0, 0.1, 0.25],
        [1, 0.1, 0.25],
        [2, 0.05, 0.125],
        [3, 0.05, 0.125],
    ]


def test_a_run_that_is_broken_off_and_goes_on(tmp_path: Path) -> None:
    sgd = optimizer()
    scheduler = TorchSchedule(sgd, PLAN)
    with suppress(KeyboardInterrupt), LearningRateLogger(sgd, csv=tmp_path / "rates.csv"):
        trained(sgd, scheduler, 7)
        raise KeyboardInterrupt
    assert len(written(tmp_path / "rates.csv")) == 7
    # From a checkpoint of step 4.
    sgd = optimizer()
    scheduler = TorchSchedule(sgd, PLAN, first_step=4)
    with LearningRateLogger(sgd, csv=tmp_path / "rates.csv", first_step=scheduler.last_epoch):
        trained(sgd, scheduler, 5)
    assert written(tmp_path / "rates.csv") == [[step, PLAN(step)] for step in range(9)]


def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    sgd = optimizer()
    with LearningRateLogger(sgd, tensorboard=tmp_path / "logs"):
        trained(sgd, TorchSchedule(sgd, PLAN), 6)
    events = EventAccumulator(str(tmp_path / "logs"))
    events.Reload()
    found = [(event.step, event.value) for event in events.Scalars("learning_rate")]
    assert found == [(step, pytest.approx(PLAN(step), rel=1e-7)) for step in range(6)]


def test_what_is_refused(tmp_path: Path) -> None:
    sgd = optimizer()
    with pytest.raises(ValueError, match="there is nowhere to write to"):
        LearningRateLogger(sgd)
    with pytest.raises(TypeError, match=r"must be a torch\.optim\.Optimizer, not Constant"):
        LearningRateLogger(lrd.Constant(0.1), csv=tmp_path / "rates.csv")
    (tmp_path / "other.csv").write_text("epoch,loss\n")
    with pytest.raises(ValueError, match="holds something else"):
        LearningRateLogger(sgd, csv=tmp_path / "other.csv").__enter__()
    assert not sgd._optimizer_step_pre_hooks
    with LearningRateLogger(sgd, csv=tmp_path / "rates.csv"):
        applied(sgd)
        sgd.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))]})
        with pytest.raises(ValueError, match="has 2 groups now, and the files have columns for 1"):
            sgd.step()
    assert written(tmp_path / "rates.csv") == [[0, 1.0]]


def test_a_logger_keeps_nothing_alive(tmp_path: Path) -> None:
    gc.collect()
    sgd = optimizer()
    logger = LearningRateLogger(sgd, csv=tmp_path / "rates.csv")
    logger.__enter__()
    known = weakref.ref(logger)
    del logger
    assert known() is None
    applied(sgd)


@pytest.mark.parametrize(
    ("rates", "text"),
    [
        ([0.1, 0.1], "Epoch 03: learning rate = 0.10000\n"),
        ([0.1, 0.0], "Epoch 03: learning rate = 0.10000, 0.00000\n"),
        ([3e-5, torch.tensor(0.5)], "Epoch 03: learning rate = 3e-05, 0.50000\n"),
    ],
)
def test_a_line_for_an_epoch(rates: list[Any], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    sgd = optimizer(2)
    for group, rate in zip(sgd.param_groups, rates, strict=True):
        group["lr"] = rate
    print_learning_rate(sgd, 2)
    assert capsys.readouterr().out == text
    with pytest.raises(ValueError, match="epoch=-1 must be from 0"):
        print_learning_rate(sgd, -1)
