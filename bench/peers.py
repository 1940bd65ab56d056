"""The contenders beside this library.

None of them holds a formula: each is the schedule's own definition run in another namespace, or a
schedule that ships with a framework.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy.typing as npt

from bench.namespaces import InPlace, NumPyExpression, Text, TextExpression, TorchExpression
from lrdecay_native import PolynomialDecay, Schedule, StepDecay

Steps = npt.NDArray[Any]
Evaluation = Callable[[], Any]
"""Evaluates at all steps; everything that can be made beforehand, is."""

FORMULA_SCHEDULES = ("StepDecay", "ExponentialDecay", "InverseTimeDecay", "PolynomialDecay")
KERAS_SCHEDULES = ("StepDecay", "InverseTimeDecay", "PolynomialDecay")
OPTAX_SCHEDULES = ("StepDecay", "PolynomialDecay")


@dataclass(frozen=True)
class Peer:
    """A contender.

    Attributes
    ----------
    package : str
        What must be installed.
    dtypes : tuple of str
        In which precisions it is measured.
    schedules : tuple of str
        Which of `SCHEDULES_MEASURED` it has.
    prepare : callable
        ``prepare(schedule, steps, out)`` returns the evaluation at these steps, an array of the
        dtype of ``out``; it writes into ``out`` if it can.
    """

    package: str
    dtypes: tuple[str, ...]
    schedules: tuple[str, ...]
    prepare: Callable[[Schedule, Steps, Steps], Evaluation]


def _numpy_expression(schedule: Schedule, steps: Steps, out: Steps) -> Evaluation:
    return partial(schedule.evaluate, NumPyExpression(), steps)


def _numpy_in_place(schedule: Schedule, steps: Steps, out: Steps) -> Evaluation:
    return lambda: schedule.evaluate(NumPyExpression(), InPlace(steps, out)).array


def expression_text(schedule: Schedule) -> tuple[str, dict[str, float]]:
    """The schedule's expression in the variable ``t``, and the numbers that it names."""
    expression = TextExpression()
    return schedule.evaluate(expression, Text("t", expression)).text, expression.numbers


def _numexpr(schedule: Schedule, steps: Steps, out: Steps) -> Evaluation:
    import numexpr

    text, numbers = expression_text(schedule)
    variables = {name: out.dtype.type(number) for name, number in numbers.items()} | {"t": steps}
    return partial(numexpr.evaluate, text, local_dict=variables, out=out)


def _numba_loop(schedule: Schedule, steps: Steps, out: Steps) -> Evaluation:
    import numba

    text, numbers = expression_text(schedule)
    source = (
        "def loop(steps, out):\n"
        "    for i in range(steps.size):\n"
        "        t = steps[i]\n"
        f"        out[i] = {text}\n"
        "    return out\n"
    )
    namespace: dict[str, Any] = {name: out.dtype.type(number) for name, number in numbers.items()}
    namespace |= {"exp": math.exp, "minimum": min}
    exec(source, namespace)
    return partial(numba.njit(namespace["loop"]), steps, out)


def _torch_expression(schedule: Schedule, steps: Steps, out: Steps) -> Evaluation:
    import torch

    torch.set_num_threads(1)
    return partial(schedule.evaluate, TorchExpression(), torch.asarray(steps))


def keras_builtin(schedule: Schedule) -> Any:
    """Keras's own schedule of the same curve."""
    from lrdecay_native.keras import to_keras

    return to_keras(schedule)


def _tensorflow_eager(schedule: Schedule, steps: Steps, out: Steps) -> Evaluation:
    import tensorflow as tf

    return partial(keras_builtin(schedule), tf.constant(steps, "int64"))


def _tensorflow_function(jit_compile: bool, schedule: Schedule, steps: Steps, out: Steps) -> Evaluation:
    import tensorflow as tf

    # The steps are an argument: captured ones would be folded into a constant.
    function = tf.function(keras_builtin(schedule).__call__, jit_compile=jit_compile)
    return partial(function, tf.constant(steps, "int64"))


def optax_schedule(schedule: Schedule) -> Callable[[Any], Any]:
    """Optax's own schedule of the same curve."""
    import optax

    made: Callable[[Any], Any]
    if isinstance(schedule, StepDecay):
        made = optax.exponential_decay(
            schedule.initial_learning_rate,
            transition_steps=schedule.step_size,
            decay_rate=schedule.drop_rate,
            staircase=schedule.staircase,
        )
    elif isinstance(schedule, PolynomialDecay):
        made = optax.polynomial_schedule(
            schedule.initial_learning_rate,
            schedule.end_learning_rate,
            power=schedule.power,
            transition_steps=int(schedule.max_step),
        )
    else:
        raise TypeError(f"schedule={schedule!r} is not in optax")
    return made


def _optax_jit_vmap(schedule: Schedule, steps: Steps, out: Steps) -> Evaluation:
    import jax

    function = jax.jit(jax.vmap(optax_schedule(schedule)))
    counts = jax.numpy.asarray(steps, "int32")
    return lambda: function(counts).block_until_ready()


BOTH = ("float64", "float32")
SINGLE = ("float32",)

VECTOR_PEERS: dict[str, Peer] = {
    "NumPy expression": Peer("numpy", BOTH, FORMULA_SCHEDULES, _numpy_expression),
    "NumPy in place": Peer("numpy", BOTH, FORMULA_SCHEDULES, _numpy_in_place),
    "numexpr": Peer("numexpr", BOTH, FORMULA_SCHEDULES, _numexpr),
    "numba loop": Peer("numba", BOTH, FORMULA_SCHEDULES, _numba_loop),
    "torch expression": Peer("torch", BOTH, FORMULA_SCHEDULES, _torch_expression),
    "TensorFlow eager": Peer("tensorflow", SINGLE, KERAS_SCHEDULES, _tensorflow_eager),
    "TensorFlow function": Peer("tensorflow", SINGLE, KERAS_SCHEDULES, partial(_tensorflow_function, False)),
    "TensorFlow XLA": Peer("tensorflow", SINGLE, KERAS_SCHEDULES, partial(_tensorflow_function, True)),
    "optax jit+vmap": Peer("optax", SINGLE, OPTAX_SCHEDULES, _optax_jit_vmap),
}
"""Peers that take a vector of steps; they stand beside this library's grids and arrays."""


def python_expression(schedule: Schedule) -> Callable[[Any], Any]:
    """A Python function of one step over the math module."""
    text, numbers = expression_text(schedule)
    namespace: dict[str, Any] = {"exp": math.exp, "minimum": min}
    # Literal numbers, as one writes them by hand: globals would cost a look-up each.
    for name, number in reversed(numbers.items()):
        text = text.replace(name, repr(number))
    function: Callable[[Any], Any] = eval(f"lambda t: {text}", namespace)
    return function


@dataclass(frozen=True)
class ScalarPeer:
    """A contender at a single step; ``prepare(schedule)`` returns a function of the step."""

    package: str
    schedules: tuple[str, ...]
    prepare: Callable[[Schedule], Callable[[Any], Any]]


SCALAR_PEERS: dict[str, ScalarPeer] = {
    "Python expression": ScalarPeer("math", FORMULA_SCHEDULES, python_expression),
    "TensorFlow eager": ScalarPeer("tensorflow", KERAS_SCHEDULES, keras_builtin),
}
"""Peers that take one step; they stand beside a call of a schedule."""


def numpy_sweep(schedules: list[Schedule], steps: Steps, out: Steps) -> Evaluation:
    """One NumPy expression for each parameter set, each writing a row of ``out``."""
    rows = [_numpy_in_place(schedule, steps, row) for schedule, row in zip(schedules, out, strict=True)]
    return lambda: [row() for row in rows]
