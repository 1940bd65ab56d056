#!/usr/bin/env bash
# transformers 5.24.0: get_cosine_with_hard_restarts_schedule_with_warmup loses a restart from num_cycles=22 on.
#
# The part of a cycle that is over is (num_cycles * (step / training_steps)) % 1.0 in float64. At a restart this is
# whole by rights, but 22 * (150 / 220) is 14.999999999999998: the rate is that of the end of the cycle, 0, where it
# should be the highest. The next step is right again, so one update is lost at a restart. Below 22 cycles no restart is
# lost; with 22, 23, 26, 39, 43 to 47, 49 to 52, 55, 58, ... at least one is, with 100 cycles three are.
# Source: transformers/optimization.py, lines 182 to 185.
# Seen on 2026-11-30:
#   22 cycles of 10 steps: rates at 149, 150, 151 are 0.00245, 0.0, 0.09755
#   restarts lost, of 10 steps each: {21: [], 22: [150], 23: [130], 50: [290], 100: [290, 570, 580]}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.24.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch
from transformers import get_cosine_with_hard_restarts_schedule_with_warmup as hard_restarts


def rates(cycles):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = hard_restarts(optimizer, 0, 10 * cycles, cycles)
    for _ in range(10 * cycles):
        yield optimizer.param_groups[0]["lr"]
        optimizer.step()
        scheduler.step()


of_22 = list(rates(22))
print("22 cycles of 10 steps: rates at 149, 150, 151 are", ", ".join(str(round(r, 5)) for r in of_22[149:152]))
assert of_22[150] < 1e-9 < of_22[149]
assert of_22[151] > 0.09
lost = {n: [10 * k for k, rate in enumerate(list(rates(n))[::10]) if rate < 0.05] for n in (21, 22, 23, 50, 100)}
print("restarts lost, of 10 steps each:", lost)
assert lost == {21: [], 22: [150], 23: [130], 50: [290], 100: [290, 570, 580]}
PYTHON
