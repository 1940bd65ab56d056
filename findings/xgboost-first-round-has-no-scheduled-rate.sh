#!/usr/bin/env bash
# XGBoost 3.2.0: `callback.LearningRateScheduler` sets the rate of a round after that round.
#
# xgboost/callback.py, `LearningRateScheduler.after_iteration` (line 305) sets `learning_rate`; training.py calls it
# behind `update` (lines 200 and 201). So round 0 runs at the `eta` of the parameters (0.3 where none is given),
# round k at the rate planned for round k - 1, and the last planned rate is never applied. XGBoost 1.2 and older
# set the rate before the round.
#
# Seen, planned 0.5 0.25 0.125 0.0625; each rate read off the residual of a constant target (lambda 0):
#   no eta given: 0.3 0.5 0.25 0.125
#   eta 0.9:      0.9 0.5 0.25 0.125
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet xgboost==3.2.0
cat > run.py <<'PYTHON'
import numpy as np
import xgboost

PLANNED = [0.5, 0.25, 0.125, 0.0625]
data = xgboost.DMatrix(np.random.default_rng(0).normal(size=(200, 3)), label=np.ones(200))


def applied(**parameters):
    booster = xgboost.train(
        {"base_score": 0.0, "lambda": 0.0, "max_depth": 1, **parameters},
        data,
        num_boost_round=4,
        callbacks=[xgboost.callback.LearningRateScheduler(PLANNED)],
    )
    left = [1.0] + [1.0 - float(booster.predict(data, iteration_range=(0, k + 1))[0]) for k in range(4)]
    return [round(1.0 - after / before, 4) for before, after in zip(left, left[1:])]


for parameters, expected in (({}, [0.3, 0.5, 0.25, 0.125]), ({"eta": 0.9}, [0.9, 0.5, 0.25, 0.125])):
    seen = applied(**parameters)
    print(parameters, seen)
    assert seen == expected
PYTHON
venv/bin/python run.py
