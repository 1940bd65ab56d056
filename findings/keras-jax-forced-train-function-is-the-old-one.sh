#!/usr/bin/env bash
# Keras 3.15.1 on JAX 0.10.2: `make_train_function(force=True)` gives the old program while anything holds the old function.
#
# keras/src/backend/jax/trainer.py, lines 261-285: a forced function is jax.jit of the bound method `train_step`. Two
# bound methods of one object are equal, and JAX finds compiled programs by equality: as long as the old function
# is alive, the new one runs its program, with the schedule that was traced into it. Where nothing holds the old one, JAX has
# let its program go, and the step is traced anew. So whether a new schedule is applied depends on a reference,
# for example in a callback that wraps `train_function`. On TensorFlow a forced function is always a new one.
#
# Seen, fit at 0.1, then a schedule of 0.01, make_train_function(force=True) and fit; the change of a weight whose gradient is 1:
#   jax,        old function referenced: 0.1    not referenced: 0.01
#   tensorflow, old function referenced: 0.01   not referenced: 0.01
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet keras==3.15.1 tensorflow-cpu==2.21.0 jax==0.10.2
cat > run.py <<'PYTHON'
import keras
import numpy as np


def steady(rate):
    return keras.optimizers.schedules.PolynomialDecay(rate, 10**6, rate)


def applied(referenced):
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    model.compile(keras.optimizers.SGD(steady(0.1)), loss=lambda true, predicted: keras.ops.sum(predicted))
    x = np.ones((1, 1), "float32")
    model.fit(x, x, verbose=0)
    before = float(model.get_weights()[0][0, 0])
    held = model.train_function if referenced else None
    model.optimizer.learning_rate = steady(0.01)
    model.make_train_function(force=True)
    model.fit(x, x, verbose=0)
    del held
    return round(before - float(model.get_weights()[0][0, 0]), 6)


seen = applied(True), applied(False)
print(keras.backend.backend(), "applied, with and without a reference:", seen)
assert seen == {"jax": (0.1, 0.01), "tensorflow": (0.01, 0.01)}[keras.backend.backend()]
PYTHON
for backend in jax tensorflow; do
    KERAS_BACKEND=$backend TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python run.py 2>/dev/null
done
