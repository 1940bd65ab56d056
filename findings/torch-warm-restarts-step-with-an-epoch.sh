#!/usr/bin/env bash
# torch 2.13.0: CosineAnnealingWarmRestarts gives the lowest rate at a restart if step() is told the epoch.
#
# step() counts, and is right. step(epoch), which the documentation shows for fractions of epochs, finds the cycle by
# int(math.log(epoch / T_0 * (T_mult - 1) + 1, T_mult)). For T_mult=3 the fifth restart asks for log(243, 3), which
# is 4.999999999999999: the scheduler believes that it is at the very end of the cycle before and gives eta_min, at
# 121 epochs for T_0=1, at 242 for 2, 605 for 5, 1210 for 10. The same formula in timm's CosineLRScheduler
# (cycle_mul=3) and paddle's CosineAnnealingWarmRestarts does the same. With T_mult=2 no restart below 2**40 is hit.
# Source: torch/optim/lr_scheduler.py, lines 2253 to 2263.
# Seen on 2026-11-30, CPU:
#   T_0=1, T_mult=3 at epoch 121: step() 0.1, step(121) 0.0, step(121.01) 0.1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts


def made(t_mult=3):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    optimizer.step()
    return CosineAnnealingWarmRestarts(optimizer, T_0=1, T_mult=t_mult)


def told(epoch, t_mult=3):
    scheduler = made(t_mult)
    scheduler.step(epoch)
    return round(scheduler.get_last_lr()[0], 6)


counting = made()
for _ in range(121):
    counting.step()
counted = counting.get_last_lr()[0]
print(f"T_0=1, T_mult=3 at epoch 121: step() {counted}, step(121) {told(121)}, step(121.01) {told(121.01):.3g}")
assert counted == 0.1
assert told(121) == 0.0
assert told(121.01) > 0.0999
assert [told(2**n - 1, t_mult=2) for n in range(1, 40)] == [0.1] * 39
PYTHON
