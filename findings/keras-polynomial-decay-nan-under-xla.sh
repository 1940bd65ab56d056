#!/usr/bin/env bash
# Keras 3.15.1 on TensorFlow 2.21.0: PolynomialDecay with a broken power turns weights into NaN at its end under XLA.
#
# keras/src/optimizers/schedules/learning_rate_schedule.py, PolynomialDecay.__call__ (lines 436-444): the step is
# held at decay_steps, and (1 - step / decay_steps) ** power follows. Compiled with jit_compile=True the quotient is
# a product with the rounded reciprocal of decay_steps; where that exceeds 1 the base is just below 0, and its power
# 0.9 is NaN. From decay_steps on each step then makes NaN of all weights. Eagerly, and in graphs without XLA, the
# end rate is right. Keras's default is jit_compile="auto", which is XLA for most models on a GPU.
#
# Seen, PolynomialDecay(0.01, 1000, 1e-4, 0.9), rates read off a weight whose gradient is 1:
#   step 999 and 1000, jit_compile=False: 0.00012 0.0001
#   step 999 and 1000, jit_compile=True:  0.00012 nan
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet keras==3.15.1 tensorflow-cpu==2.21.0
cat > run.py <<'PYTHON'
import keras
import numpy as np


def applied(rate, steps, jit_compile):
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    model.compile(
        keras.optimizers.SGD(rate), loss=lambda true, predicted: keras.ops.sum(predicted), jit_compile=jit_compile
    )
    model.optimizer.build(model.trainable_variables)
    model.optimizer.iterations.assign(998)
    weights = [0.0]

    class Weight(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            weights.append(float(self.model.get_weights()[0][0, 0]))

    x = np.ones((steps, 1), "float32")
    model.fit(x, x, batch_size=1, shuffle=False, verbose=0, callbacks=[Weight()])
    return (-np.diff(weights)).round(6)


rate = keras.optimizers.schedules.PolynomialDecay(0.01, 1000, 1e-4, 0.9)
for jit_compile, expected in ((False, [0.00012, 0.0001]), (True, [0.00012, np.nan])):
    seen = applied(rate, 3, jit_compile)[1:]
    print("applied at 999 and 1000, jit_compile=%s:" % jit_compile, seen.tolist())
    np.testing.assert_array_equal(seen, expected)
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python run.py 2>/dev/null
