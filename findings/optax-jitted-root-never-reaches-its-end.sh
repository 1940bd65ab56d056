#!/usr/bin/env bash
# optax 0.2.8 with jax 0.10.2: in a jitted training step, polynomial_schedule with a power below 1 never reaches its end.
#
# The schedule takes a power of 1 - count / transition_steps. Compiled, the division by that constant is a product
# with its reciprocal in float32, and 41 * float32(1 / 41) is 1 - 6e-8: the root of what is left is 2.4e-4, and so much
# of the whole way (here a little less) stays for ever, where a call outside of jit gives end_value. Lengths 41, 47, 55,
# 61, 82, 83, 94, 97, 107, 109, 110, ... are concerned, as in Keras's stairs, which come late for the same reason.
# Source: optax/schedules/_schedule.py, lines 142 and 143.
# Seen on 2026-11-30, CPU:
#   41 steps, power 0.5, from 0.1 to 0.0: called 0.0; applied by a jitted update 1.93e-05 at 41 and at 60
#   power 1.0: applied 4e-09
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet optax==0.2.8 jax==0.10.2 jaxlib==0.10.2
JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import jax
import jax.numpy as jnp
import optax


def applied(schedule, steps):
    optimizer = optax.sgd(schedule)
    update = jax.jit(lambda state: optimizer.update(jnp.ones(()), state))
    state, rates = optimizer.init(jnp.ones(())), []
    for _ in range(steps):
        change, state = update(state)
        rates.append(-float(change))
    return rates


root = optax.polynomial_schedule(0.1, 0.0, power=0.5, transition_steps=41)
rates = applied(root, 61)
print(f"called {float(root(41))}; applied by a jitted update {rates[41]:.3g} at 41 and {rates[60]:.3g} at 60")
assert float(root(41)) == float(root(60)) == 0.0
assert rates[41] == rates[60] > 1.9e-5
line = applied(optax.polynomial_schedule(0.1, 0.0, power=1.0, transition_steps=41), 61)
print(f"power 1.0: applied {line[60]:.0e}")
assert line[60] < 1e-8
PYTHON
