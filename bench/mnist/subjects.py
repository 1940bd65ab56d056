"""The curves whose own cost is measured, as Keras's builtin and in both of our ways, and their loops and graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import keras

from bench.mnist.plan import BUILTIN, EAGER, OURS, SCHEDULE, TABLE
from lrdecay_native.keras import KerasSchedule, KerasTable
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.cycles import CosineRestarts
from lrdecay_native.schedules.decays.asymptotic import StepDecay
from lrdecay_native.schedules.decays.finite import CosineDecay

Rate: TypeAlias = Callable[[Any], Any]

DECAY_STEPS, WARMUP_STEPS, FIRST_CYCLE_STEPS = 20_000, 1000, 1000


@dataclass(frozen=True)
class Curve:
    """One curve, made anew at each call: as Keras's builtin, and as a schedule of this library."""

    builtin: Callable[[], Any]
    schedule: Callable[[], Schedule]

    def makers(self, steps: int) -> dict[str, Callable[[], Any]]:
        """What makes the learning rate of each contender; the table has so many steps."""
        return {
            BUILTIN: self.builtin,
            OURS: lambda: KerasSchedule(self.schedule()),
            TABLE: lambda: KerasTable(self.schedule(), steps),
        }


_builtins = keras.optimizers.schedules

CURVES = {
    "step decay": Curve(
        lambda: _builtins.ExponentialDecay(
            SCHEDULE.initial_learning_rate, SCHEDULE.step_size, SCHEDULE.drop_rate, staircase=True
        ),
        lambda: StepDecay(SCHEDULE.initial_learning_rate, SCHEDULE.drop_rate, SCHEDULE.step_size),
    ),
    "warm-up and cosine": Curve(
        lambda: _builtins.CosineDecay(0.0, DECAY_STEPS, warmup_target=0.1, warmup_steps=WARMUP_STEPS),
        lambda: CosineDecay(0.1, DECAY_STEPS).warmup(WARMUP_STEPS),
    ),
    "cosine restarts": Curve(
        lambda: _builtins.CosineDecayRestarts(0.1, FIRST_CYCLE_STEPS, t_mul=2.0, m_mul=0.9),
        lambda: CosineRestarts(0.1, FIRST_CYCLE_STEPS, t_mul=2.0, m_mul=0.9),
    ),
}


def as_float(step: Any) -> Any:
    """The rate of a loop that computes none: what is left is the loop itself."""
    return keras.ops.cast(step, "float32")


def loop(rate: Rate, steps: int, jit_compile: bool) -> Callable[[], object]:
    """A call that adds up the rates of so many steps, one after another, compiled where the backend does it."""
    return _LOOPS[keras.backend.backend()](rate, steps, jit_compile)


def _loop_on_tensorflow(rate: Rate, steps: int, jit_compile: bool) -> Callable[[], object]:
    import tensorflow as tf

    @tf.function(jit_compile=jit_compile)  # type: ignore[untyped-decorator]
    def total(first: Any) -> Any:
        return tf.while_loop(
            lambda step, total: step < first + steps,
            lambda step, total: (step + 1, total + rate(step)),
            (first, tf.constant(0.0)),
        )[1]

    # A number would be constant in the graph, and the loop could be computed at compilation.
    first = tf.constant(0, tf.int64)
    return lambda: total(first).numpy()


def _loop_on_jax(rate: Rate, steps: int, jit_compile: bool) -> Callable[[], object]:
    import jax

    @jax.jit  # type: ignore[untyped-decorator]
    def total(first: Any) -> Any:
        return jax.lax.fori_loop(first, first + steps, lambda step, total: total + rate(step), 0.0)

    return lambda: total(0).block_until_ready()


def _loop_on_torch(rate: Rate, steps: int, jit_compile: bool) -> Callable[[], object]:
    import torch

    every_step = list(torch.arange(steps))

    def total() -> object:
        result = torch.tensor(0.0)
        for step in every_step:
            result += rate(step)
        return result

    return total


_LOOPS: dict[str, Callable[[Rate, int, bool], Callable[[], object]]] = {
    "tensorflow": _loop_on_tensorflow,
    "jax": _loop_on_jax,
    "torch": _loop_on_torch,
}

WAYS = {
    "tensorflow": {"tf.function": False, "tf.function, jit_compile": True},
    "jax": {"jax.jit": True},
    "torch": {EAGER: False},
}
"""How each backend runs a training step, and the `jit_compile` that asks for it.

JAX without jit and torch.compile are left to the step times: they take too long here.
"""


def operations(rate: Rate) -> int:
    """How many operations a rate takes: nodes of the graph, equations, or calls of PyTorch's operators."""
    return _OPERATIONS[keras.backend.backend()](rate)


def _nodes_on_tensorflow(rate: Rate) -> int:
    import tensorflow as tf

    function = tf.function(rate).get_concrete_function(tf.TensorSpec((), tf.int64))
    graph = function.graph.as_graph_def()
    return len(graph.node) + sum(len(called.node_def) for called in graph.library.function)


def _equations_on_jax(rate: Rate) -> int:
    import jax

    return _equations(jax.make_jaxpr(rate)(jax.numpy.int32(0)).jaxpr)


def _equations(jaxpr: Any) -> int:
    return sum(1 + sum(map(_equations, _nested(equation.params.values()))) for equation in jaxpr.eqns)


def _nested(parameters: Iterable[Any]) -> list[Any]:
    """The bodies of an equation that calls a function, such as a pjit."""
    each = [one for value in parameters for one in (value if isinstance(value, tuple) else (value,))]
    return [getattr(one, "jaxpr", one) for one in each if hasattr(one, "jaxpr") or hasattr(one, "eqns")]


def _calls_on_torch(rate: Rate) -> int:
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counting(TorchDispatchMode):  # type: ignore[misc]
        calls = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.calls += 1
            return func(*args, **(kwargs or {}))

    with Counting() as counting:
        rate(torch.tensor(0))
    return int(counting.calls)


_OPERATIONS: dict[str, Callable[[Rate], int]] = {
    "tensorflow": _nodes_on_tensorflow,
    "jax": _equations_on_jax,
    "torch": _calls_on_torch,
}


LONG_CURVE = "warm-up and cosine"
"""The curve of the longer tables, which has a rate of its own at each step."""


def table_makers(lengths: Iterable[int]) -> dict[str, Callable[[], Any]]:
    """What makes a table of that curve, for each length."""
    return {f"{TABLE}, {length:,} steps": partial(_long_table, length) for length in lengths}


def _long_table(length: int) -> KerasTable:
    return KerasTable(CosineDecay(0.1, length - WARMUP_STEPS).warmup(WARMUP_STEPS), length)
