"""The one definition of every decay formula, and of every map from steps to the formula's variable.

A formula is one line of mathematics in an array namespace ``xp`` (NumPy's, Keras's, JAX's, torch's, mpmath's,
or this library's own double-double arithmetic).  Everything that evaluates it - the compiled kernels, the
numba kernels, the adapters - is derived from the functions here by calling them.

Nothing but the standard library is imported here: the build reads this module before NumPy is there.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lrdecay_native.parameters import FACTOR, NOT_NEGATIVE, PARAMETERS, Parameter, Range

Value = Any
"""A value of the array namespace in use; it takes ``+ - * / **``."""


@dataclass(frozen=True)
class Formula:
    """A decay formula.

    Attributes
    ----------
    name : str
        The name of the kernel, for example ``"step_decay"``.
    function : callable
        ``function(xp, x, *parameters)``, the formula itself.
    parameters : tuple of str
        The names of the parameters after ``x``, in order.
    equation : str
        The formula as documentation prints it.
    arguments : dict of str to (float or None)
        The parameters of the public kernel in order, the period among them, with their defaults.
    described : dict of str to Parameter
        What the arguments may be.
    time_maps : tuple of str
        The smooth maps from steps to ``x`` that schedules use with it, that of the public kernel first.  Steps
        are floored before these.
    common : dict of str to tuple of float
        Values of parameters for which the kernels are worth writing once more.
    power_of_rest : bool
        Whether the rate is proportional to a power of ``1 - x``, seen from that at ``x = 1``.
    """

    name: str
    function: Callable[..., Value]
    parameters: tuple[str, ...]
    equation: str
    arguments: dict[str, float | None] = field(default_factory=dict)
    described: dict[str, Parameter] = field(default_factory=dict)
    time_maps: tuple[str, ...] = ("continuous",)
    common: dict[str, tuple[float, ...]] = field(default_factory=dict)
    power_of_rest: bool = False

    @property
    def period(self) -> str | None:
        """The argument that is the period of the time map, or None where it is always 1."""
        return next((name for name in self.arguments if name not in self.parameters), None)

    @property
    def equation_of_step(self) -> str:
        """The formula of the public kernel as documentation prints it."""
        x = "step"
        if self.period is not None:
            x = re.sub(r"\bt\b", "step", TIME_MAPS[self.time_maps[0]].equation).replace("period", self.period)
        if len(re.findall(r"\bx\b", self.equation)) > 1:
            return f"``{self.equation}`` with ``x = {x}``."
        inside = f"({x})" if self.time_maps[0] == "continuous" and " " in x else x
        return "``" + re.sub(r"\bx\b", inside, self.equation) + "``"

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return _docstring(self.function).partition("\n")[0]

    @property
    def source(self) -> str:
        """Where the formula comes from, or with what it agrees: the text of the docstring."""
        return _docstring(self.function).partition("\n")[2].partition(">>>")[0].strip()

    @property
    def example(self) -> str:
        """The example at the end of the docstring."""
        return "".join(_docstring(self.function).partition(">>>")[1:])

    def described_as(self, name: str) -> Parameter:
        """What a parameter of this formula, or of a schedule with it, may be."""
        return self.described[name] if name in self.described else PARAMETERS[name]


@dataclass(frozen=True)
class TimeMap:
    """A map from the step ``t`` to the variable ``x`` of a formula."""

    name: str
    function: Callable[..., Value]
    equation: str


def _docstring(function: Callable[..., Value]) -> str:
    # Python can be told to leave docstrings out.
    return inspect.getdoc(function) or ""


FORMULAS: dict[str, Formula] = {}
TIME_MAPS: dict[str, TimeMap] = {}
COMPOSITION_MAPS: dict[str, Formula] = {}
"""Maps of the step or of the rate that compositions of schedules consist of."""
COMBINATIONS: dict[str, Formula] = {}
"""Functions of two variables that compositions of schedules consist of."""


def formula(
    equation: str,
    arguments: str,
    *,
    time_maps: tuple[str, ...] = ("continuous",),
    common: Mapping[str, tuple[float, ...]] = {},
    power_of_rest: bool = False,
    **described: Parameter,
) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Enter a function ``(xp, x, *parameters)`` into the registry of formulas.

    Parameters
    ----------
    equation : str
        As in `Formula`.
    arguments : str
        What the public kernel takes after the step, such as ``"initial_learning_rate, max_step, power=1"``: the
        function's parameters and, where there is one, the period.
    time_maps, common, power_of_rest
        As in `Formula`.
    **described
        The arguments of which `lrdecay_native.parameters.PARAMETERS` doesn't know enough.
    """

    def register(function: Callable[..., Value]) -> Callable[..., Value]:
        code = function.__code__
        parameters = code.co_varnames[2 : code.co_argcount]
        defaults = dict(_argument(argument) for argument in arguments.split(", "))
        FORMULAS[function.__name__] = Formula(
            function.__name__,
            function,
            parameters,
            equation,
            defaults,
            {name: described[name] if name in described else PARAMETERS[name] for name in defaults},
            time_maps,
            dict(common),
            power_of_rest,
        )
        return function

    return register


def _argument(text: str) -> tuple[str, float | None]:
    """``"name"`` or ``"name=default"``."""
    name, _, default = text.partition("=")
    return name, float(default) if default else None


def time_map(equation: str) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Enter a function ``(xp, t, period)`` into the registry of time maps."""

    def register(function: Callable[..., Value]) -> Callable[..., Value]:
        TIME_MAPS[function.__name__] = TimeMap(function.__name__, function, equation)
        return function

    return register


def composition_map(equation: str) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Enter a function ``(xp, step or rate, *parameters)`` into the registry of composition maps."""

    def register(function: Callable[..., Value]) -> Callable[..., Value]:
        code = function.__code__
        parameters = code.co_varnames[2 : code.co_argcount]
        COMPOSITION_MAPS[function.__name__] = Formula(function.__name__, function, parameters, equation)
        return function

    return register


def combination(equation: str) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Enter a function ``(xp, variable, other variable, *parameters)`` into the registry of combinations."""

    def register(function: Callable[..., Value]) -> Callable[..., Value]:
        code = function.__code__
        parameters = code.co_varnames[3 : code.co_argcount]
        COMBINATIONS[function.__name__] = Formula(function.__name__, function, parameters, equation)
        return function

    return register


@time_map("t / period")
def continuous(xp: Any, t: Value, period: Value) -> Value:
    return t / period


@time_map("floor(t / period)")
def staircase(xp: Any, t: Value, period: Value) -> Value:
    return xp.floor(t / period)


@time_map("min(t / period, 1)")
def clamped(xp: Any, t: Value, period: Value) -> Value:
    return xp.minimum(t / period, xp.asarray(1.0))


@time_map("t / (period * max(ceil(t / period), 1))")
def cyclic(xp: Any, t: Value, period: Value) -> Value:
    return t / (period * xp.maximum(xp.ceil(t / period), xp.asarray(1.0)))


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


def raised_cosine(xp: Any, x: Value) -> Value:
    """``(1 + cos(pi * x)) / 2``, by the namespace's own function where it has one that is exact near 0."""
    own = getattr(xp, "raised_cosine", None)
    return 0.5 * (1.0 + xp.cos(math.pi * x)) if own is None else own(x)


# Every parameter of a composition may be the result of a computation: it comes in two parts, high + low.


@composition_map("max(t - delay, 0)")
def delayed(xp: Any, t: Value, delay: Value) -> Value:
    return xp.maximum(t - delay, xp.asarray(0.0))


@composition_map("max(total - t, 0)")
def reflected(xp: Any, t: Value, total: Value) -> Value:
    return xp.maximum(total - t, xp.asarray(0.0))


@composition_map("t - period * floor(t / period)")
def repeated(xp: Any, t: Value, period: Value) -> Value:
    return t - period * xp.floor(t / period)


@composition_map("x ** exponent")
def powered(xp: Any, x: Value, exponent: Value) -> Value:
    return x**exponent


@composition_map("rate")
def held(xp: Any, t: Value, rate: Value) -> Value:
    return rate + 0.0 * t


@composition_map("(start * (steps - t) + rate * t) / steps")
def ramp(xp: Any, t: Value, steps: Value, start: Value, rate: Value) -> Value:
    return (start * (steps - t) + rate * t) / steps


@composition_map("rate + (start - rate) * (1 + cos(pi * t / steps)) / 2")
def cosine_ramp(xp: Any, t: Value, steps: Value, start: Value, rate: Value) -> Value:
    return rate + (start - rate) * raised_cosine(xp, t / steps)


@composition_map("start * (1 - sqrt(t / steps)) + rate * sqrt(t / steps)")
def square_root_ramp(xp: Any, t: Value, steps: Value, start: Value, rate: Value) -> Value:
    root = xp.sqrt(t / steps)
    return start * ((steps - t) / steps) / (1.0 + root) + rate * root


@composition_map("base ** x")
def exponential(xp: Any, x: Value, base: Value) -> Value:
    return base**x


@composition_map("factor * rate")
def scaled(xp: Any, rate: Value, factor: Value) -> Value:
    return factor * rate


@composition_map("rate + offset")
def moved(xp: Any, rate: Value, offset: Value) -> Value:
    return rate + offset


@composition_map("max(rate, lowest)")
def raised(xp: Any, rate: Value, lowest: Value) -> Value:
    return xp.maximum(rate, lowest)


@composition_map("min(rate, highest)")
def capped(xp: Any, rate: Value, highest: Value) -> Value:
    return xp.minimum(rate, highest)


@combination("first + second")
def added(xp: Any, first: Value, second: Value) -> Value:
    return first + second


@combination("first * second")
def multiplied(xp: Any, first: Value, second: Value) -> Value:
    return first * second


@combination("offset + gain * (rate - offset)")
def eased(xp: Any, rate: Value, gain: Value, offset: Value) -> Value:
    return offset + gain * (rate - offset)
