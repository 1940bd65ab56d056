#!/usr/bin/env bash
# Keras 3.15.1: a schedule that replaces another between two `fit` calls is applied on PyTorch, ignored on TensorFlow,
# and everything that asks the optimizer is told the new rate on both.
#
# keras/src/optimizers/base_optimizer.py, the setter of `learning_rate` (lines 706-718) keeps the new object.
# `fit` asks for its training function anew (backend/tensorflow/trainer.py, lines 254-256), but gets the one that is
# there, whose graph was traced with the old object. PyTorch's backend runs Python in each step. A float instead of
# a schedule is refused by the setter, which hides the case from those who change numbers.
#
# Seen, PolynomialDecay constant at 0.1, fit, then PolynomialDecay constant at 0.01, fit; the change of a weight whose gradient is 1:
#   tensorflow: applied 0.1,  optimizer.learning_rate 0.01
#   torch:      applied 0.01, optimizer.learning_rate 0.01
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet keras==3.15.1 tensorflow-cpu==2.21.0 torch==2.13.0
cat > run.py <<'PYTHON'
import keras
import numpy as np


def steady(rate):
    return keras.optimizers.schedules.PolynomialDecay(rate, 10**6, rate)


model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
model.compile(keras.optimizers.SGD(steady(0.1)), loss=lambda true, predicted: keras.ops.sum(predicted))
x = np.ones((1, 1), "float32")
model.fit(x, x, verbose=0)
before = float(model.get_weights()[0][0, 0])
model.optimizer.learning_rate = steady(0.01)
model.fit(x, x, verbose=0)
applied = round(before - float(model.get_weights()[0][0, 0]), 6)
said = round(float(model.optimizer.learning_rate), 6)
print(keras.backend.backend(), "applied", applied, "said", said)
assert said == 0.01
assert applied == {"tensorflow": 0.1, "torch": 0.01}[keras.backend.backend()]
PYTHON
for backend in tensorflow torch; do
    KERAS_BACKEND=$backend TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python run.py 2>/dev/null
done
