#!/usr/bin/env bash
# mmengine 0.10.7: a CosineAnnealingLR whose end is begin + T_max stops one step before its lowest rate, for good.
#
# The usual way to write a cosine of 10 steps from step 5 on is CosineAnnealingLR(T_max=10, begin=5, end=15). The rate
# of steps 5 to 14 follows the cosine, but the scheduler acts only while its step is below end, so that step 15, the
# first with eta_min, is never set: the rate stays at that of step 14, 2.4 % of the highest. With the T_max=80 of
# usual configurations it stays at 0.04 %; end=16 reaches eta_min.
# Source: mmengine/optim/scheduler/param_scheduler.py, line 210.
# Seen on 2026-11-30, with torch 2.13.0, CPU:
#   end=15: [0.009549, 0.002447, 0.002447, 0.002447] at 13, 14, 15, 100
#   end=16: [0.009549, 0.002447, 0.0, 0.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy packaging pyyaml rich
"$folder/venv/bin/pip" install --quiet --no-deps mmengine==0.10.7 addict yapf termcolor platformdirs tomli
"$folder/venv/bin/python" - <<'PYTHON'
import warnings

warnings.simplefilter("ignore")
import torch
from mmengine.optim import CosineAnnealingLR


def rates(end):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = CosineAnnealingLR(optimizer, T_max=10, begin=5, end=end, by_epoch=False)
    applied = []
    for _ in range(101):
        applied.append(round(optimizer.param_groups[0]["lr"], 6))
        optimizer.step()
        scheduler.step()
    return [applied[step] for step in (13, 14, 15, 100)]


print("end=15:", rates(15), "at 13, 14, 15, 100")
print("end=16:", rates(16))
assert rates(15) == [0.009549, 0.002447, 0.002447, 0.002447]
assert rates(16) == [0.009549, 0.002447, 0.0, 0.0]
PYTHON
