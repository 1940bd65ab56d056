"""Trainers train under a plan with its very rates, whatever they accumulate, skip or resume."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from peers import peer

import lrdecay_native as lrd

torch = peer("torch")
from torch_adapter.training import weights  # noqa: E402

from lrdecay_native.torch import TorchSchedule  # noqa: E402

PLAN = lrd.CosineDecay(0.1, 90).warmup(10)


class OneWeight(torch.nn.Module):  # type: ignore[misc,name-defined]
    """A model whose loss is its weight: an update of plain SGD takes the rate off it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))

    def forward(self, x: Any, labels: Any = None) -> Any:
        return {"loss": self.weight.sum()}


class Applied:
    """The rates of an optimizer's updates, read off its weight."""

    def __init__(self, sgd: Any) -> None:
        self.rates: list[float] = []
        sgd.register_step_pre_hook(self.before)
        sgd.register_step_post_hook(self.after)

    def before(self, sgd: Any, *_: object) -> None:
        weights(sgd)[0].data.zero_()

    def after(self, sgd: Any, *_: object) -> None:
        self.rates.append(-weights(sgd)[0].item())


class TestAccelerate:
    @pytest.mark.parametrize("accumulation", [1, 4])
    @pytest.mark.parametrize("prepared", [False, True])
    def test_each_update_has_its_rate(self, accumulation: int, prepared: bool) -> None:
        accelerate = peer("accelerate")
        accelerate.state.AcceleratorState._reset_state(True)
        accelerator = accelerate.Accelerator(cpu=True, gradient_accumulation_steps=accumulation)
        model = OneWeight()
        sgd = torch.optim.SGD(model.parameters(), lr=1.0)
        applied = Applied(sgd)
        scheduler: Any = TorchSchedule(sgd, PLAN)
        model, optimizer = accelerator.prepare(model, sgd)
        if prepared:
            scheduler = accelerator.prepare(scheduler)
        for batch in range(24):
            with accelerator.accumulate(model):
                accelerator.backward(model(batch)["loss"])
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
        assert applied.rates == [PLAN(step) for step in range(24 // accumulation)]

    def test_an_optimizer_that_it_has_wrapped(self) -> None:
        accelerate = peer("accelerate")
        accelerate.state.AcceleratorState._reset_state(True)
        accelerator = accelerate.Accelerator(cpu=True)
        model = OneWeight()
        sgd = torch.optim.SGD(model.parameters(), lr=1.0)
        applied = Applied(sgd)
        model, optimizer = accelerator.prepare(model, sgd)
        scheduler = TorchSchedule(optimizer, PLAN)
        for batch in range(5):
            accelerator.backward(model(batch)["loss"])
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
        assert applied.rates == [PLAN(step) for step in range(5)]


TWO_PROCESSES = """
import sys
import torch, torch.distributed as dist
import lrdecay_native as lrd
from lrdecay_native.torch import TorchSchedule

plan = lrd.CosineDecay(0.1, 90).warmup(10)
weight = torch.nn.Module()
weight.register_parameter("w", torch.nn.Parameter(torch.zeros((), dtype=torch.float64)))
weight.forward = lambda: weight.w.sum()
sgd = torch.optim.SGD(weight.parameters(), lr=1.0)
scheduler = TorchSchedule(sgd, plan)
if sys.argv[1] == "accelerate":
    import accelerate

    accelerator = accelerate.Accelerator(cpu=True)
    model, optimizer, scheduler = accelerator.prepare(weight, sgd, scheduler)
    backward = accelerator.backward
else:
    dist.init_process_group("gloo")
    model, optimizer = torch.nn.parallel.DistributedDataParallel(weight), sgd
    backward = lambda loss: loss.backward()
rates = []
for _ in range(6):
    weight.w.data.zero_()
    backward(model())
    optimizer.step()
    scheduler.step()
    optimizer.zero_grad()
    rates.append(-weight.w.item())
assert dist.get_world_size() == 2
assert rates == [plan(step) for step in range(6)], rates
print("all right")
"""


@pytest.mark.parametrize("how", ["accelerate", "ddp"])
def test_two_processes(how: str, tmp_path: Path) -> None:
    peer("accelerate")
    script = tmp_path / "script.py"
    script.write_text(TWO_PROCESSES)
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node=2",
        "--standalone",
        str(script),
        how,
    ]
    finished = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(Path(lrd.__file__).parents[1]), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert finished.stdout.count("all right") == 2, finished.stderr


class Examples(torch.utils.data.Dataset):  # type: ignore[misc,name-defined]
    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"x": torch.tensor(float(index)), "labels": torch.tensor(0)}


class TestTransformers:
    def trainer(self, folder: Any, **options: Any) -> tuple[Any, Applied]:
        transformers = peer("transformers")
        peer("accelerate").state.AcceleratorState._reset_state(True)
        arguments = transformers.TrainingArguments(
            output_dir=str(folder),
            use_cpu=True,
            report_to=[],
            disable_tqdm=True,
            max_grad_norm=0.0,
            per_device_train_batch_size=2,
            save_steps=7,
            num_train_epochs=2,
            **options,
        )
        model = OneWeight()
        sgd = torch.optim.SGD(model.parameters(), lr=1.0)
        applied = Applied(sgd)
        both = (sgd, TorchSchedule(sgd, PLAN))
        trainer = transformers.Trainer(model, arguments, train_dataset=Examples(), optimizers=both)
        return trainer, applied

    def test_each_update_has_its_rate(self, tmp_path: Any) -> None:
        trainer, applied = self.trainer(tmp_path)
        trainer.train()
        assert applied.rates == [PLAN(step) for step in range(40)]

    def test_a_run_that_is_resumed_in_mid_epoch(self, tmp_path: Any) -> None:
        trainer, _ = self.trainer(tmp_path, max_steps=14)
        trainer.train()
        trainer, applied = self.trainer(tmp_path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trainer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-7"))
        assert applied.rates == [PLAN(step) for step in range(7, 40)]

    def test_what_it_logs_is_what_it_applied(self, tmp_path: Any) -> None:
        trainer, applied = self.trainer(tmp_path, logging_steps=1)
        trainer.train()
        logged = [entry["learning_rate"] for entry in trainer.state.log_history if "learning_rate" in entry]
        assert logged == applied.rates
