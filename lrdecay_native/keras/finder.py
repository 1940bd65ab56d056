"""The learning-rate range test: at which rates a model learns, before it is trained."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, count
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops, tree

from lrdecay_native import validation
from lrdecay_native.keras.backends import backend
from lrdecay_native.keras.compiled_steps import strategy_of, unwrapped
from lrdecay_native.keras.learning_rates import KerasTable
from lrdecay_native.keras.optimizer_state import steps_taken
from lrdecay_native.monitoring.finding import LearningRateFinding, RangeTest

Batch: TypeAlias = tuple[Any, Any, Any]
"""The samples, the targets and the weights of the samples; the last two may be None."""


def find_learning_rate(
    model: keras.Model,
    x: Any,
    y: Any = None,
    *,
    lowest: float = 1e-7,
    highest: float = 10.0,
    steps: int = 200,
    batch_size: int = 32,
    smoothing: float = 0.9,
    divergence: float = 4.0,
    seed: int = 0,
    verbose: int = 1,
) -> LearningRateFinding:
    """Train for a few steps at rates that grow exponentially, and see where the loss falls.

    Step ``i`` has the rate ``lowest * (highest / lowest) ** (i / (steps - 1))``.  Afterwards the model is what it
    was: its weights, its optimizer, its metrics, the state of its layers and their random numbers.

    Parameters
    ----------
    model : keras.Model
        A compiled model; its own rate isn't used.
    x : array, tree of arrays, or iterable of batches
        As ``fit`` takes it.  Batches, of a ``tf.data.Dataset``, a ``keras.utils.PyDataset``, a PyTorch ``DataLoader``
        or a generator, are ``(x, y)`` or ``(x, y, sample_weight)``; where they end before ``steps``, they are taken
        again from the first.
    y : array or tree of arrays, optional
        The targets, if x is arrays.
    lowest, highest : float, default 1e-7 and 10
        The rates of the first and the last step, from 1e-100 to 1e100.
    steps : int, default 200
        The number of steps, at least 10.
    batch_size : int, default 32
        How many samples of the arrays a step takes; they are shuffled.
    smoothing : float, default 0.9
        The weight of the past in the average of the losses, from 0 to below 1.
    divergence : float, default 4
        Stop when the smoothed loss is above this many times its lowest, above 1; a loss that is infinite or NaN
        always ends it.
    seed : int, default 0
        Shuffles the arrays; the global random generators are left alone.
    verbose : {0, 1}, default 1
        Whether to show a bar of progress.

    Returns
    -------
    LearningRateFinding
        The rates, the losses, a suggestion, a plot.

    Raises
    ------
    ValueError, TypeError
        For a parameter out of range or of a wrong kind, a model that isn't compiled, and batches that end and
        can't be taken again.  The model is what it was.

    Notes
    -----
    The model is trained with a new optimizer of the same class and parameters, whose momenta start at zero; all those
    of a ``MultiOptimizer`` have the step's rate.  The training step is compiled once for it; the model's own is kept.
    A step that a ``LossScaleOptimizer`` skips is left out.  Where the losses diverge, those up to there are in the
    result.  Weights of samples can be given in batches.  What a first step builds, such as the metrics, is built
    afterwards.

    References
    ----------
    L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, section 3.3,
    https://arxiv.org/abs/1506.01186

    Examples
    --------
    >>> import keras, numpy as np
    >>> from lrdecay_native.keras import find_learning_rate
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, kernel_initializer="ones")])
    >>> model.compile("sgd", loss="mse")
    >>> x = np.random.default_rng(1).normal(size=(512, 4))
    >>> finding = find_learning_rate(model, x, x @ [1.0, -2.0, 3.0, 0.5], steps=100, verbose=0)
    >>> 0.003 < finding.suggestion < 0.3
    True
    """
    if not getattr(model, "compiled", False):
        raise ValueError(f"model={model!r} must be compiled: call model.compile(optimizer, loss) before")
    test = RangeTest(lowest, highest, steps, smoothing, divergence)
    validation.whole("batch_size", batch_size, lowest=1)
    validation.whole("seed", seed)
    batches = _exactly(steps, _batches(x, y, batch_size, seed))
    first = next(batches)
    if not model.built:
        model(first[0])
    bar = keras.utils.Progbar(steps, verbose=verbose, stateful_metrics=["learning_rate", "loss"])
    with _optimizer_in_place(model, KerasTable(test.sweep, steps)) as optimizer:
        for number, batch in enumerate(chain([first], batches), 1):
            step = steps_taken(optimizer)
            loss = _loss_of_step(model, batch)
            if not math.isfinite(loss):
                break
            if steps_taken(optimizer) == step:
                continue
            goes_on = test.goes_on(step, loss)
            bar.update(number, [("learning_rate", test.sweep(step)), ("loss", loss)], finalize=False)
            if not goes_on:
                break
    finding = test.finding()
    bar.update(number, finalize=True)
    return finding


def _loss_of_step(model: keras.Model, batch: Batch) -> float:
    # Keras's metrics are running means; this is the mean of one batch.
    model.reset_metrics()
    logs = model.train_on_batch(*batch, return_dict=True)
    if "loss" not in logs:
        raise ValueError(f"the model's train_step must return its loss as 'loss', not only {', '.join(logs)}")
    return float(logs["loss"])


@contextmanager
def _optimizer_in_place(model: keras.Model, rate: KerasTable) -> Iterator[keras.optimizers.Optimizer]:
    """Train the model with a new optimizer with this rate; afterwards all is what it was."""
    own, train_function = model.optimizer, model.train_function
    variables = [*model.variables, *model.metrics_variables]
    values = [np.array(ops.convert_to_numpy(variable)) for variable in variables]
    with strategy_of(model):
        optimizer = _with_rate(own, rate)
        optimizer.build(model.trainable_variables)
    try:
        _set(model, optimizer=optimizer)
        backend.make_anew(model)
        yield optimizer
    finally:
        _set(model, optimizer=own, train_function=train_function)
        # Also those that were made in the first step.
        model.reset_metrics()
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def _with_rate(own: keras.optimizers.Optimizer, rate: KerasTable) -> keras.optimizers.Optimizer:
    """An optimizer like the model's own, whose rate need not be one that Keras can copy."""
    if hasattr(own, "optimizers"):
        return _several_with_rate(own, rate)
    with _rate_in_place(own, rate):
        config = dict(own.get_config())
    if not hasattr(own, "inner_optimizer"):
        return type(own).from_config(config)
    del config["inner_optimizer"]
    return type(own)(_with_rate(own.inner_optimizer, rate), **config)


@contextmanager
def _rate_in_place(own: keras.optimizers.Optimizer, rate: KerasTable) -> Iterator[None]:
    inner = unwrapped(own)
    before = {each: each._learning_rate for each in [inner, *getattr(inner, "optimizers", [])]}
    try:
        for each in before:
            object.__setattr__(each, "_learning_rate", rate)
        yield
    finally:
        for each, own_rate in before.items():
            object.__setattr__(each, "_learning_rate", own_rate)


def _several_with_rate(own: keras.optimizers.Optimizer, rate: KerasTable) -> keras.optimizers.Optimizer:
    """A ``MultiOptimizer`` that has optimizers of one rate, for the same variables."""
    made: dict[int, tuple[Any, Any]] = {}

    def optimizer_for(variable: Any) -> keras.optimizers.Optimizer:
        chosen = (
            own.optimizers[own._var_to_optimizer_idx[own._var_key(variable)]]
            if own.built
            else own._optimizer_map(variable)
        )
        # With the original, whose id would else be another's later.
        return made.setdefault(id(chosen), (chosen, _with_rate(chosen, rate)))[1]

    return type(own)(optimizer_for, loss_scale_factor=own.loss_scale_factor)


def _set(model: keras.Model, **attributes: Any) -> None:
    for name, value in attributes.items():
        # A plain assignment would make the frameworks track and save the optimizer as a part of the model.
        object.__setattr__(model, name, value)


def _exactly(steps: int, batches: Iterator[Batch]) -> Iterator[Batch]:
    for number in range(steps):
        batch = next(batches, None)
        if batch is None:
            raise ValueError(
                f"x gave {number} batches and can't be taken again: steps={steps!r} must be lower"
            )
        yield batch


def _batches(x: Any, y: Any, batch_size: int, seed: int) -> Iterator[Batch]:
    if y is not None or hasattr(x, "shape") or isinstance(x, Mapping):
        return _batches_of_arrays((x, y), batch_size, seed)
    if not isinstance(x, Iterable) and not isinstance(x, keras.utils.PyDataset):
        raise TypeError(f"x={x!r} must be arrays or an iterable of batches")
    return _batches_again_and_again(x)


def _batches_of_arrays(arrays: Any, batch_size: int, seed: int) -> Iterator[Batch]:
    arrays = tree.map_structure(lambda array: None if array is None else np.asarray(array), arrays)
    lengths = {len(array) for array in tree.flatten(arrays) if array is not None}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"x and y must have one number of samples, at least 1, not {sorted(lengths)}")
    (length,) = lengths
    random = np.random.default_rng(seed)
    while True:
        order = random.permutation(length)
        # All batches have one size: another would be compiled separately, and its loss be noisier.
        for begin in range(0, max(length - batch_size, 0) + 1, batch_size):
            chosen = order[begin : begin + batch_size]
            x, y = tree.map_structure(
                lambda array, chosen=chosen: None if array is None else array[chosen], arrays
            )
            yield x, y, None


def _batches_again_and_again(batches: Any) -> Iterator[Batch]:
    ended = False
    while not ended:
        ended = True
        for batch in _each(batches):
            ended = False
            yield tree.map_structure(
                lambda leaf: leaf if leaf is None or ops.is_tensor(leaf) else np.asarray(leaf),
                keras.utils.unpack_x_y_sample_weight(batch),
            )


def _each(batches: Any) -> Iterator[Any]:
    if isinstance(batches, keras.utils.PyDataset):
        numbers = count() if batches.num_batches is None else range(batches.num_batches)
        return (batches[number] for number in numbers)
    each: Iterator[Any] = iter(batches)
    return each
