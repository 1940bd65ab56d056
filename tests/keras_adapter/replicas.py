"""Programs that train on two replicas and print the weights of each: ``python -m keras_adapter.replicas NAME``.

The weights are minus the rates that the replica applied, for each way of computing them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras_adapter.applied import a_weight_for_each_step, one_hot_rows, output_as_loss, weights

import lrdecay_native as lrd
from lrdecay_native.keras import KerasSchedule, KerasTable

STEPS = 12
SCHEDULE = lrd.CosineDecay(0.1, 6).warmup(4)

WeightsOfReplicas = list[list[float]]
Train = Callable[[Any], WeightsOfReplicas]
"""Trains with a learning rate, and returns the weights of each replica that this process has."""


def fitted_kernel(learning_rate: Any) -> Any:
    model = a_weight_for_each_step(STEPS)
    model.compile(keras.optimizers.SGD(learning_rate), loss=output_as_loss, jit_compile=False)
    # Each replica gets one of two equal rows, so that the mean of the gradients is 1.
    rows = np.repeat(one_hot_rows(STEPS), 2, axis=0)
    model.fit(rows, np.zeros((len(rows), 1), np.float32), batch_size=2, shuffle=False, verbose=0)
    return model.trainable_variables[0].value


def mirrored() -> Train:
    import tensorflow as tf

    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

    def train(learning_rate: Any) -> WeightsOfReplicas:
        with strategy.scope():
            kernel = fitted_kernel(learning_rate)
        return [copy.numpy()[:, 0].tolist() for copy in strategy.experimental_local_results(kernel)]

    return train


def multi_worker() -> Train:
    """In a custom loop: in ``fit``, Keras 3 has no such strategy (keras-team/keras#20585)."""
    import tensorflow as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    assert strategy.num_replicas_in_sync == 2

    def train(learning_rate: Any) -> WeightsOfReplicas:
        with strategy.scope():
            model = a_weight_for_each_step(STEPS)
            optimizer = keras.optimizers.SGD(learning_rate)
            optimizer.build(model.trainable_variables)

        def replica_step(row: Any) -> None:
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(model(row)) / strategy.num_replicas_in_sync
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

        step = tf.function(lambda row: strategy.run(replica_step, args=(row,)))
        for row in one_hot_rows(STEPS):
            step(tf.constant(row[np.newaxis]))
        return [weights(model).tolist()]

    return train


def data_parallel() -> Train:
    keras.distribution.set_distribution(keras.distribution.DataParallel())

    def train(learning_rate: Any) -> WeightsOfReplicas:
        shards = fitted_kernel(learning_rate).addressable_shards
        return [np.asarray(shard.data)[:, 0].tolist() for shard in shards]

    return train


PROGRAMS = {program.__name__: program for program in (mirrored, multi_worker, data_parallel)}

if __name__ == "__main__":
    train = PROGRAMS[sys.argv[1]]()
    rates = (KerasSchedule(SCHEDULE), KerasTable(SCHEDULE, STEPS))
    print(json.dumps({type(rate).__name__: train(rate) for rate in rates}))
