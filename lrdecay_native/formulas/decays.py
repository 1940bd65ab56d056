"""The one definition of every decay formula.

A formula is one line of mathematics in an array namespace ``xp`` (NumPy's, Keras's, JAX's, torch's, mpmath's,
or this library's own double-double arithmetic).  Everything that evaluates it - the compiled kernels, the
numba kernels, the adapters - is derived from the functions here by calling them.
"""

from __future__ import annotations

from typing import Any

from lrdecay_native.formulas.operators import raised_cosine
from lrdecay_native.formulas.parameters import FACTOR, NOT_NEGATIVE, PARAMETERS, Parameter, Range
from lrdecay_native.formulas.registry import Value, formula

# A formula's docstring is that of its public kernel: a summary, where it comes from, and an example.

DECAY_STEPS = Parameter("The step at which the end rate is reached", steps=True)
END_LEARNING_RATE = Parameter("The rate at ``decay_steps`` and from there on", NOT_NEGATIVE)


@formula("learning_rate", "learning_rate")
def constant(xp: Any, x: Value, learning_rate: Value) -> Value:
    """The same rate at every step.

    The formula of ``optax.constant_schedule`` and of ``torch.optim.lr_scheduler.ConstantLR`` with ``factor=1``.

    >>> import lrdecay_native as lrd
    >>> lrd.constant([0, 1000], 0.1)
    array([0.1, 0.1])
    """
    # In the shape of x.
    return learning_rate + 0.0 * x


@formula(
    "initial_learning_rate * drop_rate ** x",
    "initial_learning_rate, drop_rate, step_size",
    drop_rate=Parameter("The factor per ``step_size`` steps", FACTOR),
)
def step_decay(xp: Any, x: Value, initial_learning_rate: Value, drop_rate: Value) -> Value:
    """Decay by a constant factor over every ``step_size`` steps, continuously.

    The formula is that of ``keras.optimizers.schedules.ExponentialDecay``.

    >>> import lrdecay_native as lrd
    >>> lrd.step_decay(28000, 0.1, 0.96, 1000)
    0.031885594968609536
    >>> lrd.step_decay([0, 500, 1000], 0.1, 0.25, 1000)
    array([0.1  , 0.05 , 0.025])
    """
    return initial_learning_rate * drop_rate**x


@formula(
    "initial_learning_rate * exp(-decay_rate * x)",
    "initial_learning_rate, decay_rate",
    decay_rate=Parameter("The relative decay per unit of time", NOT_NEGATIVE),
)
def exponential_decay(xp: Any, x: Value, initial_learning_rate: Value, decay_rate: Value) -> Value:
    """Natural exponential decay.

    The formula of ``tf.compat.v1.train.natural_exp_decay``.

    >>> import lrdecay_native as lrd
    >>> lrd.exponential_decay(1000, 0.1, 1e-3)
    0.036787944117144235
    """
    return initial_learning_rate * xp.exp(-decay_rate * x)


@formula(
    "initial_learning_rate / (1 + decay_rate * x)",
    "initial_learning_rate, decay_rate",
    decay_rate=Parameter("The growth of the divisor per unit of time", NOT_NEGATIVE),
)
def inverse_time_decay(xp: Any, x: Value, initial_learning_rate: Value, decay_rate: Value) -> Value:
    """Decay with the inverse of time.

    The formula is that of ``keras.optimizers.schedules.InverseTimeDecay`` with ``decay_steps=1``.

    >>> import lrdecay_native as lrd
    >>> lrd.inverse_time_decay([0, 1, 3], 0.1, 1.0)
    array([0.1  , 0.05 , 0.025])
    """
    return initial_learning_rate / (1.0 + decay_rate * x)


@formula(
    "(initial_learning_rate - end_learning_rate) * (1 - x) ** power + end_learning_rate",
    "initial_learning_rate, max_step, power=1, end_learning_rate=0",
    time_maps=("clamped", "cyclic"),
    common={"power": (0.5, 1.0, 1.5, 2.0, 3.0)},
    power_of_rest=True,
    max_step=Parameter("The step at which the end rate is reached", steps=True),
    power=Parameter(
        "The exponent",
        NOT_NEGATIVE,
        remark="with 0 the rate never changes (``0 ** 0`` is 1, as in Keras)",
    ),
    end_learning_rate=Parameter("The rate from ``max_step`` on", NOT_NEGATIVE),
)
def polynomial_decay(
    xp: Any, x: Value, initial_learning_rate: Value, power: Value, end_learning_rate: Value
) -> Value:
    """Polynomial decay to an end rate at ``max_step``, and that rate from there on.

    The formula is that of ``keras.optimizers.schedules.PolynomialDecay``, whose defaults differ (its end rate is
    0.0001).

    >>> import lrdecay_native as lrd
    >>> lrd.polynomial_decay([0, 50, 99, 100, 200], 0.1, 100)
    array([0.1  , 0.05 , 0.001, 0.   , 0.   ])
    """
    return (initial_learning_rate - end_learning_rate) * (1.0 - x) ** power + end_learning_rate


@formula(
    "initial_learning_rate * (1 - x) + end_learning_rate * x",
    "initial_learning_rate, decay_steps, end_learning_rate=0",
    time_maps=("clamped",),
    initial_learning_rate=Parameter("The rate at step 0", NOT_NEGATIVE),
    decay_steps=DECAY_STEPS,
    end_learning_rate=END_LEARNING_RATE,
)
def linear_decay(xp: Any, x: Value, initial_learning_rate: Value, end_learning_rate: Value) -> Value:
    """A line from one rate to another, and that rate from there on.

    The formula of ``optax.linear_schedule``, and of ``torch.optim.lr_scheduler.LinearLR`` with the rates in the
    place of its factors.

    >>> import lrdecay_native as lrd
    >>> lrd.linear_decay([0, 50, 75, 100, 200], 0.1, 100)
    array([0.1  , 0.05 , 0.025, 0.   , 0.   ])
    """
    return initial_learning_rate * (1.0 - x) + end_learning_rate * x


@formula(
    "(initial_learning_rate - end_learning_rate) * ((1 + cos(pi * x)) / 2) ** exponent + end_learning_rate",
    "initial_learning_rate, decay_steps, end_learning_rate=0, exponent=1",
    time_maps=("clamped",),
    common={"exponent": (1.0,)},
    decay_steps=DECAY_STEPS,
    end_learning_rate=END_LEARNING_RATE,
    exponent=Parameter("The exponent of half a wave", NOT_NEGATIVE, remark="with 0 the rate never changes"),
)
def cosine_decay(
    xp: Any, x: Value, initial_learning_rate: Value, end_learning_rate: Value, exponent: Value
) -> Value:
    """Half a wave of the cosine from one rate to another, and that rate from there on.

    From I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts" (2017).  The formula is
    that of ``keras.optimizers.schedules.CosineDecay`` and of ``optax.cosine_decay_schedule``, whose ``alpha`` is
    ``end_learning_rate / initial_learning_rate``.

    >>> import lrdecay_native as lrd
    >>> lrd.cosine_decay([0, 50, 75, 100, 200], 0.1, 100)
    array([0.1       , 0.05      , 0.01464466, 0.        , 0.        ])
    """
    shape = raised_cosine(xp, x) ** exponent
    return (initial_learning_rate - end_learning_rate) * shape + end_learning_rate


@formula(
    "initial_learning_rate / sqrt(1 + x)",
    "initial_learning_rate, decay_steps",
    decay_steps=Parameter("The step at which the rate is ``1 / sqrt(2)`` of the initial one", steps=True),
)
def inverse_square_root_decay(xp: Any, x: Value, initial_learning_rate: Value) -> Value:
    """Decay with the inverse square root of time.

    The formula of the decay in A. Vaswani et al., "Attention is all you need" (2017), counted from its first step;
    that of ``transformers.get_inverse_sqrt_schedule`` after its warm-up, with ``timescale=decay_steps``.

    >>> import lrdecay_native as lrd
    >>> lrd.inverse_square_root_decay([0, 300, 800], 0.1, 100)
    array([0.1       , 0.05      , 0.03333333])
    """
    return initial_learning_rate / xp.sqrt(1.0 + x)


@formula(
    "initial_learning_rate * (1 + x) ** -power",
    "initial_learning_rate, power, decay_steps=1",
    power=Parameter("The exponent", NOT_NEGATIVE),
    decay_steps=PARAMETERS["decay_steps"],
)
def power_law_decay(xp: Any, x: Value, initial_learning_rate: Value, power: Value) -> Value:
    """Decay with a power of time.

    The formula of ``sklearn``'s ``learning_rate="invscaling"``, which counts from step 1.

    >>> import lrdecay_native as lrd
    >>> lrd.power_law_decay([0, 1, 3], 0.1, 2.0)
    array([0.1    , 0.025  , 0.00625])
    """
    return initial_learning_rate * (1.0 + x) ** -power


@formula(
    "(initial_learning_rate - end_learning_rate) * (1 - tanh(lower * (1 - x) + upper * x)) / 2"
    " + end_learning_rate",
    "initial_learning_rate, decay_steps, lower=-7, upper=3, end_learning_rate=0",
    time_maps=("clamped",),
    decay_steps=Parameter("The step at which the decay ends", steps=True),
    lower=Parameter("The argument of the hyperbolic tangent at step 0", Range(-300.0, 300.0)),
    upper=Parameter("Its argument at ``decay_steps`` and from there on", Range(-300.0, 300.0)),
    end_learning_rate=Parameter("The rate that the decay tends to", NOT_NEGATIVE),
)
def tanh_decay(
    xp: Any, x: Value, initial_learning_rate: Value, lower: Value, upper: Value, end_learning_rate: Value
) -> Value:
    """A part of the hyperbolic tangent, from near one rate to near another.

    From B.-Y. Hsueh et al., "Stochastic gradient descent with hyperbolic-tangent decay on classification" (2019).
    The formula is that of ``timm.scheduler.TanhLRScheduler``, whose ``lb``, ``ub`` and ``lr_min`` are ``lower``,
    ``upper`` and ``end_learning_rate``; from ``decay_steps`` on that has ``lr_min``, where this keeps its last value.

    >>> import lrdecay_native as lrd
    >>> lrd.tanh_decay([0, 70, 100, 200], 0.1, 100)
    array([0.09999992, 0.05      , 0.00024726, 0.00024726])
    """
    # (1 - tanh(y)) / 2 is 1 / (1 + exp(2 * y)).
    falling = 1.0 / (1.0 + xp.exp(2.0 * lower * (1.0 - x) + 2.0 * upper * x))
    return (initial_learning_rate - end_learning_rate) * falling + end_learning_rate


@formula(
    "(initial_learning_rate - end_learning_rate) * (1 - x) / (1 - x / 2) + end_learning_rate",
    "initial_learning_rate, decay_steps, end_learning_rate=0",
    time_maps=("clamped",),
    decay_steps=DECAY_STEPS,
    end_learning_rate=END_LEARNING_RATE,
)
def rex_decay(xp: Any, x: Value, initial_learning_rate: Value, end_learning_rate: Value) -> Value:
    """Reflected exponential decay: slow at first, and faster the nearer the end.

    From J. Chen, C. Wolfe and A. Kyrillidis, "REX: Revisiting budgeted training with an improved schedule" (2022).

    >>> import lrdecay_native as lrd
    >>> lrd.rex_decay([0, 50, 100, 200], 0.3, 100)
    array([0.3, 0.2, 0. , 0. ])
    """
    falling = 2.0 * ((1.0 - x) / (2.0 - x))
    return (initial_learning_rate - end_learning_rate) * falling + end_learning_rate


@formula(
    "(initial_learning_rate - end_learning_rate) * (1 - sqrt(x)) + end_learning_rate",
    "initial_learning_rate, decay_steps, end_learning_rate=0",
    time_maps=("clamped",),
    decay_steps=DECAY_STEPS,
    end_learning_rate=END_LEARNING_RATE,
)
def one_minus_square_root_decay(
    xp: Any, x: Value, initial_learning_rate: Value, end_learning_rate: Value
) -> Value:
    """Decay with the square root of time, steep at first.

    From A. Hägele et al., "Scaling laws and compute-optimal training beyond fixed training durations" (2024), where
    it is the decay after a constant rate; that of ``decay_type="1-sqrt"`` in ``transformers.get_wsd_schedule``.

    >>> import lrdecay_native as lrd
    >>> lrd.one_minus_square_root_decay([0, 25, 64, 100, 200], 0.1, 100)
    array([0.1 , 0.05, 0.02, 0.  , 0.  ])
    """
    # 1 - sqrt(x), without a difference of numbers that are nearly the same.
    falling = (1.0 - x) / (1.0 + xp.sqrt(x))
    return (initial_learning_rate - end_learning_rate) * falling + end_learning_rate


@formula(
    "initial_learning_rate * ((alpha + 1 - x) * (1 + cos(2 * pi * num_periods * x)) / 2 + beta)",
    "initial_learning_rate, decay_steps, num_periods=0.5, alpha=0, beta=0.001",
    time_maps=("clamped",),
    decay_steps=Parameter("The step from which on the rate stays the same", steps=True),
    num_periods=Parameter("How many waves there are in ``decay_steps``", Range(1e-3, 1e3, zero=True)),
    alpha=Parameter("What is added to the falling line", NOT_NEGATIVE),
    beta=Parameter("What is added to line times wave", NOT_NEGATIVE),
)
def linear_cosine_decay(
    xp: Any, x: Value, initial_learning_rate: Value, num_periods: Value, alpha: Value, beta: Value
) -> Value:
    """A falling line times waves of the cosine.

    From I. Bello et al., "Neural optimizer search with reinforcement learning" (2017).  The formula is that of
    ``tf.compat.v1.train.linear_cosine_decay``.

    >>> import lrdecay_native as lrd
    >>> lrd.linear_cosine_decay([0, 500, 1000, 2000], 0.1, 1000)
    array([1.001e-01, 2.510e-02, 1.000e-04, 1.000e-04])
    """
    waves = raised_cosine(xp, 2.0 * num_periods * x)
    return initial_learning_rate * ((alpha + (1.0 - x)) * waves + beta)
