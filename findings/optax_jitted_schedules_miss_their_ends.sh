#!/usr/bin/env bash
# optax 0.2.8 with jax 0.10.2: in a jitted training step two schedules miss what they reach when they are called.
#
# Both divide the count by a Python number. Compiled, that is a constant, and XLA multiplies by its reciprocal in
# float32 in place of dividing; 41 * float32(1 / 41) is 0.99999994.
# - exponential_decay(staircase=True) with transition_steps=41 floors that: the rate drops at update 42 in place of 41.
#   47, 55, 61, 82, 83, 94, 97, 107, 109, 110, ... are the same; called without jit the schedule is right.
# - polynomial_schedule with a power below 1 takes the root of what is left: with power=0.5 the rate stays at
#   1.9e-5 for ever where end_value is 0, and 2e-4 of the whole way is never gone.
# Source: optax/schedules/_schedule.py, lines 315 to 317 (exponential_decay) and 142 to 143 (polynomial_schedule).
# Seen on 2026-11-30, CPU:
#   called: 0.05 at 41; in a jitted step: 0.1 at 41, 0.05 at 42
#   power 0.5, called: 0.0 at 41; jitted: 1.9301011e-05 at 41 and at 1000000
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet optax==0.2.8 jax==0.10.2 jaxlib==0.10.2
JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import jax
import jax.numpy as jnp
import optax

decay = optax.exponential_decay(0.1, transition_steps=41, decay_rate=0.5, staircase=True)
optimizer = optax.sgd(decay)


@jax.jit
def update(state):
    return optimizer.update(jnp.ones(()), state)


state, applied = optimizer.init(jnp.ones(())), []
for _ in range(43):
    change, state = update(state)
    applied.append(round(-float(change), 6))
called = round(float(decay(41)), 6)
print(f"called: {called} at 41; in a jitted step: {applied[41]} at 41, {applied[42]} at 42")
assert (called, applied[41], applied[42]) == (0.05, 0.1, 0.05)

root = optax.polynomial_schedule(0.1, 0.0, power=0.5, transition_steps=41)
print(f"power 0.5, called: {root(41)} at 41; jitted: {jax.jit(root)(41)} at 41 and at 1000000")
assert float(root(41)) == 0.0
assert float(jax.jit(root)(41)) == float(jax.jit(root)(1_000_000)) > 1.9e-5
PYTHON
