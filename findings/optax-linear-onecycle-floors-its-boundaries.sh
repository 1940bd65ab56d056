#!/usr/bin/env bash
# optax 0.2.8: linear_onecycle_schedule's phases end at whole steps, rounded down, and short runs lose a phase.
#
# The boundaries int(pct_start * transition_steps) and int(pct_final * transition_steps) are keys of a dictionary.
# - Of 101 steps with pct_final=0.85 the second phase ends at 85, not 85.85: at step 85 the rate is 27 % below that of
#   the cycle with these shares.
# - Where two boundaries coincide the dictionary keeps one factor of the two. For transition_steps=1 the first and the
#   second both become 0, the rise by div_factor is lost, and the highest rate is 1/625 of peak_value. 2 and 3 steps
#   begin at peak_value, without a rise.
# Source: optax/schedules/_schedule.py, lines 531 to 539.
# Seen on 2026-11-30, CPU:
#   101 steps, at 85: 0.04000 in place of 0.05469
#   1 step: [0.0016]; 3 steps: [1.0, 0.52, 0.04]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet optax==0.2.8 jax==0.10.2 jaxlib==0.10.2
JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import optax

rate = float(optax.linear_onecycle_schedule(101, 1.0)(85))
first, second = 0.3 * 101, 0.85 * 101
line = 1.0 + (1 / 25 - 1.0) * (85 - first) / (second - first)
print(f"101 steps, at 85: {rate:.5f} in place of {line:.5f}")
assert abs(rate - 0.04) < 1e-6
assert line / rate > 1.36

short = {n: [round(float(optax.linear_onecycle_schedule(n, 1.0)(t)), 4) for t in range(n)] for n in (1, 3)}
print(f"1 step: {short[1]}; 3 steps: {short[3]}")
assert short == {1: [0.0016], 3: [1.0, 0.52, 0.04]}
PYTHON
