#!/usr/bin/env bash
# Lightning 2.6.6: with interval "step" a scheduler is asked once an optimizer update, but `frequency` counts batches.
#
# lightning/pytorch/loops/training_epoch_loop.py, line 458 leaves batches out that only accumulate; line 482 then
# takes the index of the batch within the epoch, not of the update, and line 486 asks whether that is a multiple
# of `frequency`. Both conditions must meet: with accumulate_grad_batches=4
#   - frequency 1, 2 and 4 are the same: a scheduler step at every update;
#   - frequency 3 in epochs of 10 batches never steps at all: updates come at batches 4, 8 and 10;
#   - frequency 3 in epochs of 12 batches steps once an epoch.
# Without accumulation the count begins again in each epoch: frequency 3 with 10 batches gives runs of 3, 3, 4 updates.
#
# Seen (the rate of each update, halved by each scheduler step):
#   accumulate 4, frequency 1, 10 batches: 1 .5 .25 .125 .0625 .03125
#   accumulate 4, frequency 3, 10 batches: 1 1 1 1 1 1
#   accumulate 4, frequency 2, 12 batches: 1 .5 .25 .125 .0625 .03125
#   accumulate 4, frequency 4, 12 batches: 1 .5 .25 .125 .0625 .03125
#   accumulate 4, frequency 3, 12 batches: 1 1 1 .5 .5 .5
#   accumulate 1, frequency 3, 10 batches: 1 1 1 .5 .5 .5 .25 .25 .25 .125 .125 ...
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet torch==2.13.0 lightning==2.6.6
cat > run.py <<'PYTHON'
import logging
import warnings

import lightning.pytorch as pl
import torch

warnings.simplefilter("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


def applied(accumulate, frequency, batches, epochs=2):
    rates = []

    class Module(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def training_step(self, batch, index):
            return self.weight.sum()

        def configure_optimizers(self):
            optimizer = torch.optim.SGD(self.parameters(), lr=1.0)
            scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
            config = {"scheduler": scheduler, "interval": "step", "frequency": frequency}
            return {"optimizer": optimizer, "lr_scheduler": config}

        def optimizer_step(self, epoch, batch, optimizer, closure=None):
            before = self.weight.item()
            super().optimizer_step(epoch, batch, optimizer, closure)
            rates.append(before - self.weight.item())

    trainer = pl.Trainer(
        max_epochs=epochs,
        accumulate_grad_batches=accumulate,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Module(), torch.utils.data.DataLoader(torch.zeros(batches, 1), batch_size=1))
    return rates


def scheduler_steps(accumulate, frequency, batches):
    """How many scheduler steps lie before each update; an update of fewer batches has a smaller gradient."""
    rates = applied(accumulate, frequency, batches)
    whole = [1.0 if (k + 1) * accumulate <= batches else batches % accumulate / accumulate
             for _ in range(2) for k in range(-(-batches // accumulate))]
    return [round(torch.tensor(size / rate).log2().item()) for rate, size in zip(rates, whole)]


seen = {
    key: scheduler_steps(*key)
    for key in [(4, 1, 10), (4, 3, 10), (4, 2, 12), (4, 4, 12), (4, 3, 12), (1, 3, 10)]
}
for key, steps in seen.items():
    print("accumulate %d, frequency %d, batches %d: scheduler steps before each update:" % key, steps)
assert seen == {
    (4, 1, 10): [0, 1, 2, 3, 4, 5],
    (4, 3, 10): [0, 0, 0, 0, 0, 0],
    (4, 2, 12): [0, 1, 2, 3, 4, 5],
    (4, 4, 12): [0, 1, 2, 3, 4, 5],
    (4, 3, 12): [0, 0, 0, 1, 1, 1],
    (1, 3, 10): [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6],
}
PYTHON
venv/bin/python run.py 2>/dev/null
