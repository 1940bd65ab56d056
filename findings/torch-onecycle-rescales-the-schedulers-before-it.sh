#!/usr/bin/env bash
# torch 2.13.0: a OneCycleLR that comes last in a SequentialLR makes the schedulers before it 25 times smaller.
#
# OneCycleLR writes max_lr / div_factor into the optimizer's "initial_lr" when it is made. SequentialLR, made after
# it, resets the rate to "initial_lr" and then lets its first scheduler multiply that. So a warm-up from 0.05 to 0.1
# runs from 0.002 to 0.004: without a warning, and base_lrs and the state of the first scheduler still say 0.1.
# Source: torch/optim/lr_scheduler.py, lines 2492 (OneCycleLR.__init__) and 1162 (SequentialLR.__init__).
# Seen on 2026-11-30, CPU:
#   followed by ExponentialLR: [0.05, 0.0667, 0.0833, 0.1]
#   followed by OneCycleLR:    [0.002, 0.0027, 0.0033, 0.004]
#   base_lrs of the warm-up:   [0.1]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.optim.lr_scheduler import ExponentialLR, LinearLR, OneCycleLR, SequentialLR


def warmup_before(make):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
    warmup = LinearLR(optimizer, start_factor=0.5, total_iters=3)
    scheduler = SequentialLR(optimizer, [warmup, make(optimizer)], milestones=[3])
    rates = []
    for _ in range(4):
        rates.append(round(optimizer.param_groups[0]["lr"], 4))
        optimizer.step()
        scheduler.step()
    return rates, warmup.base_lrs


before_decay, _ = warmup_before(lambda optimizer: ExponentialLR(optimizer, 0.9))
before_cycle, base = warmup_before(lambda optimizer: OneCycleLR(optimizer, max_lr=0.1, total_steps=10))
print("followed by ExponentialLR:", before_decay)
print("followed by OneCycleLR:   ", before_cycle)
print("base_lrs of the warm-up:  ", base)
assert before_decay == [0.05, 0.0667, 0.0833, 0.1]
assert before_cycle == [0.002, 0.0027, 0.0033, 0.004]
assert base == [0.1]
PYTHON
