#!/usr/bin/env bash
# Keras 3.15.1 on TensorFlow 2.21.0: a staircase drops one step late in `fit`, on time in every eager call.
#
# keras/src/optimizers/schedules/learning_rate_schedule.py, lines 171-174: floor(step / decay_steps) in float32.
# Eagerly that is a division. TensorFlow's graph optimizer (constant folding, as `fit` has it by default) and XLA
# make of it a product with the rounded reciprocal, which for one period in nine falls short of the whole number
# at the first boundary itself: 41, 47, 55, 61, 82, 83, 94, 97, 107, 109, 110, 115, ... So a callback that prints
# the rate (an eager call) does not say what was applied. PyTorch's eager backend and uncompiled JAX are on time.
#
# Seen, ExponentialDecay(1.0, 41, 0.5, staircase=True), read off a weight whose gradient is 1:
#   called at step 41: 0.5
#   applied by fit at steps 40, 41, 42: 1.0 1.0 0.5 (jit_compile=False and True alike)
#   late periods below 116 under tf.function: 41 47 55 61 82 83 94 97 107 109 110 115
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet keras==3.15.1 tensorflow-cpu==2.21.0
cat > run.py <<'PYTHON'
import keras
import numpy as np
import tensorflow as tf


def applied(rate, steps, jit_compile):
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    model.compile(
        keras.optimizers.SGD(rate), loss=lambda true, predicted: keras.ops.sum(predicted), jit_compile=jit_compile
    )
    weights = [0.0]

    class Weight(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            weights.append(float(self.model.get_weights()[0][0, 0]))

    x = np.ones((steps, 1), "float32")
    model.fit(x, x, batch_size=1, shuffle=False, verbose=0, callbacks=[Weight()])
    return (-np.diff(weights)).round(6).tolist()


def stairs(period):
    return keras.optimizers.schedules.ExponentialDecay(1.0, period, 0.5, staircase=True)


called = float(stairs(41)(41))
print("called at step 41:", called)
assert called == 0.5
for jit_compile in (False, True):
    seen = applied(stairs(41), 43, jit_compile)[40:]
    print("applied at 40, 41, 42, jit_compile=%s:" % jit_compile, seen)
    assert seen == [1.0, 1.0, 0.5]
late = [p for p in range(1, 116) if float(tf.function(stairs(p))(tf.constant(p, tf.int64))) != 0.5]
print("late periods:", late)
assert late == [41, 47, 55, 61, 82, 83, 94, 97, 107, 109, 110, 115]
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python run.py 2>/dev/null
