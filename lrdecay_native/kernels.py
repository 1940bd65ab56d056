"""The decay formulas as functions of the step, like NumPy's ufuncs.

The stated accuracy is that for initial rates up to 1e20 and, near the end of a polynomial, steps up to 2**50.

Every function broadcasts its arguments against each other, computes in about 106 bits and rounds once, releases
the GIL in the compiled loops, and returns a Python float when every argument is a scalar.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from lrdecay_native import validation
from lrdecay_native.engines import engine
from lrdecay_native.evaluation import Pair, apply_to_arrays, as_pair, chunks, evaluate_points

_LONG_ROW = 1024
"""From this many steps to one set of parameters on, a call for each set costs less than a general loop."""


def step_decay(
    step: npt.ArrayLike,
    initial_learning_rate: npt.ArrayLike,
    drop_rate: npt.ArrayLike,
    step_size: npt.ArrayLike,
    *,
    out: npt.NDArray[Any] | None = None,
    dtype: npt.DTypeLike | None = None,
) -> Any:
    """Decay by a constant factor over every ``step_size`` steps, continuously.

    ``initial_learning_rate * drop_rate ** (step / step_size)``

    Parameters
    ----------
    step : array_like of int or float
        Steps from 0 to below 2**63, of any integer or floating dtype; integers are exact.
    initial_learning_rate : array_like of float
        The rate at step 0, from 1e-100 to 1e100.
    drop_rate : array_like of float
        The factor per ``step_size`` steps, in (0, 1].
    step_size : array_like of float
        Steps per factor, from 1e-100 to 1e100.
    out : ndarray of float64 or float32, optional
        Where to write, of the broadcast shape, any strides.
    dtype : float64 or float32, optional
        The dtype of the result; float64 if neither ``out`` nor ``dtype`` is given.

    Returns
    -------
    float or ndarray
        A Python float if all arguments are scalars and ``out`` is not given.

    Raises
    ------
    ValueError, TypeError
        For an argument outside its range or of a wrong kind, before anything is written.

    Notes
    -----
    Within 0.51 ulp of the true value where that is above 1e-285.  The formula is that of
    ``keras.optimizers.schedules.ExponentialDecay``.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.step_decay(28000, 0.1, 0.96, 1000)
    0.031885594968609536
    >>> lrd.step_decay([0, 500, 1000], 0.1, 0.25, 1000)
    array([0.1  , 0.05 , 0.025])
    """
    parameters = {
        "initial_learning_rate": _checked("initial_learning_rate", initial_learning_rate),
        "drop_rate": _checked("drop_rate", drop_rate, highest=1.0),
    }
    period = _checked("step_size", step_size)
    return _evaluate("step_decay", "continuous", step, period, parameters, out, dtype)


def exponential_decay(
    step: npt.ArrayLike,
    initial_learning_rate: npt.ArrayLike,
    decay_rate: npt.ArrayLike,
    *,
    out: npt.NDArray[Any] | None = None,
    dtype: npt.DTypeLike | None = None,
) -> Any:
    """Natural exponential decay.

    ``initial_learning_rate * exp(-decay_rate * step)``

    Parameters
    ----------
    step : array_like of int or float
        Steps from 0 to below 2**63, of any integer or floating dtype; integers are exact.
    initial_learning_rate : array_like of float
        The rate at step 0, from 1e-100 to 1e100.
    decay_rate : array_like of float
        The relative decay per step, 0 or from 1e-100 to 1e100.
    out : ndarray of float64 or float32, optional
        Where to write, of the broadcast shape, any strides.
    dtype : float64 or float32, optional
        The dtype of the result; float64 if neither ``out`` nor ``dtype`` is given.

    Returns
    -------
    float or ndarray
        A Python float if all arguments are scalars and ``out`` is not given.

    Raises
    ------
    ValueError, TypeError
        For an argument outside its range or of a wrong kind, before anything is written.

    Notes
    -----
    Within 0.51 ulp of the true value where that is above 1e-285.  The formula of
    ``tf.compat.v1.train.natural_exp_decay``.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.exponential_decay(1000, 0.1, 1e-3)
    0.036787944117144235
    """
    parameters = {
        "initial_learning_rate": _checked("initial_learning_rate", initial_learning_rate),
        "decay_rate": _checked("decay_rate", decay_rate, zero=True),
    }
    return _evaluate("exponential_decay", "continuous", step, np.float64(1.0), parameters, out, dtype)


def inverse_time_decay(
    step: npt.ArrayLike,
    initial_learning_rate: npt.ArrayLike,
    decay_rate: npt.ArrayLike,
    *,
    out: npt.NDArray[Any] | None = None,
    dtype: npt.DTypeLike | None = None,
) -> Any:
    """Decay with the inverse of time.

    ``initial_learning_rate / (1 + decay_rate * step)``

    Parameters
    ----------
    step : array_like of int or float
        Steps from 0 to below 2**63, of any integer or floating dtype; integers are exact.
    initial_learning_rate : array_like of float
        The rate at step 0, from 1e-100 to 1e100.
    decay_rate : array_like of float
        The growth of the divisor per step, 0 or from 1e-100 to 1e100.
    out : ndarray of float64 or float32, optional
        Where to write, of the broadcast shape, any strides.
    dtype : float64 or float32, optional
        The dtype of the result; float64 if neither ``out`` nor ``dtype`` is given.

    Returns
    -------
    float or ndarray
        A Python float if all arguments are scalars and ``out`` is not given.

    Raises
    ------
    ValueError, TypeError
        For an argument outside its range or of a wrong kind, before anything is written.

    Notes
    -----
    Within 0.51 ulp of the true value where that is above 1e-285.  The formula is that of
    ``keras.optimizers.schedules.InverseTimeDecay`` with ``decay_steps=1``.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.inverse_time_decay([0, 1, 3], 0.1, 1.0)
    array([0.1  , 0.05 , 0.025])
    """
    parameters = {
        "initial_learning_rate": _checked("initial_learning_rate", initial_learning_rate),
        "decay_rate": _checked("decay_rate", decay_rate, zero=True),
    }
    return _evaluate("inverse_time_decay", "continuous", step, np.float64(1.0), parameters, out, dtype)


def polynomial_decay(
    step: npt.ArrayLike,
    initial_learning_rate: npt.ArrayLike,
    max_step: npt.ArrayLike,
    power: npt.ArrayLike = 1.0,
    end_learning_rate: npt.ArrayLike = 0.0,
    *,
    out: npt.NDArray[Any] | None = None,
    dtype: npt.DTypeLike | None = None,
) -> Any:
    """Polynomial decay to an end rate at ``max_step``, and that rate from there on.

    ``(initial_learning_rate - end_learning_rate) * (1 - min(step / max_step, 1)) ** power + end_learning_rate``

    Parameters
    ----------
    step : array_like of int or float
        Steps from 0 to below 2**63, of any integer or floating dtype; integers are exact.
    initial_learning_rate : array_like of float
        The rate at step 0, from 1e-100 to 1e100.
    max_step : array_like of float
        The step at which the end rate is reached, from 1e-100 to 1e100.
    power : array_like of float, default 1
        The exponent, 0 or from 1e-100 to 1e100; with 0 the rate never changes (``0 ** 0`` is 1, as in Keras).
    end_learning_rate : array_like of float, default 0
        The rate from ``max_step`` on, 0 or from 1e-100 to 1e100.
    out : ndarray of float64 or float32, optional
        Where to write, of the broadcast shape, any strides.
    dtype : float64 or float32, optional
        The dtype of the result; float64 if neither ``out`` nor ``dtype`` is given.

    Returns
    -------
    float or ndarray
        A Python float if all arguments are scalars and ``out`` is not given.

    Raises
    ------
    ValueError, TypeError
        For an argument outside its range or of a wrong kind, before anything is written.

    Notes
    -----
    Within 0.51 ulp of the true value where that is above 1e-285.  The formula is that of
    ``keras.optimizers.schedules.PolynomialDecay``, whose defaults differ (its end rate is 0.0001).

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.polynomial_decay([0, 50, 99, 100, 200], 0.1, 100)
    array([0.1  , 0.05 , 0.001, 0.   , 0.   ])
    """
    parameters = {
        "initial_learning_rate": _checked("initial_learning_rate", initial_learning_rate),
        "power": _checked("power", power, zero=True),
        "end_learning_rate": _checked("end_learning_rate", end_learning_rate, zero=True),
    }
    period = _checked("max_step", max_step)
    return _evaluate("polynomial_decay", "clamped", step, period, parameters, out, dtype)


def _checked(
    name: str, value: npt.ArrayLike, *, highest: float = validation.LARGEST, zero: bool = False
) -> npt.NDArray[np.float64]:
    """A parameter as an array of float64 within its range."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name}={value!r} must be a real number or an array of real numbers")
    values = array.astype(np.float64)
    right = (values >= validation.SMALLEST) & (values <= highest)
    if zero:
        right |= values == 0.0
    if not right.all():
        wrong = array[~right].flat[0]
        start = "0, or " if zero else ""
        raise ValueError(f"{name}={wrong.item()!r} must be {start}from {validation.SMALLEST} to {highest}")
    return values


def _evaluate(
    formula: str,
    time_map: str,
    step: npt.ArrayLike,
    period: npt.NDArray[np.float64] | np.float64,
    parameters: dict[str, npt.NDArray[np.float64]],
    out: npt.NDArray[Any] | None,
    dtype: npt.DTypeLike | None,
) -> Any:
    steps = validation.steps("step", step)
    arguments = [np.asarray(period), *parameters.values()]
    try:
        shape = np.broadcast_shapes(steps.shape, *(a.shape for a in arguments))
    except ValueError:
        shapes = ", ".join(f"{n} {p.shape}" for n, p in parameters.items() if p.ndim)
        raise ValueError(
            f"step {steps.shape} and the parameters ({shapes}, period {arguments[0].shape}) "
            "don't broadcast to one shape"
        ) from None
    result = validation.destination(out, shape, dtype)
    ndim = len(shape)
    padded = [a.reshape((1,) * (ndim - a.ndim) + a.shape) for a in arguments]
    outer = max((axis + 1 for axis in range(ndim) if any(a.shape[axis] != 1 for a in padded)), default=0)
    if int(np.prod(shape[outer:])) >= _LONG_ROW or outer == 0:
        if np.may_share_memory(steps, result):
            # A row is written before a later row reads the same steps.
            steps = steps.copy()
        all_steps = np.broadcast_to(steps, shape)
        sets = [np.broadcast_to(a, shape[:outer] + a.shape[outer:]) for a in padded]
        for index in np.ndindex(shape[:outer]):
            values = [float(a[index].item()) for a in sets]
            exact = partial(_exact, formula, time_map, values[0], values[1:])
            evaluate_points(exact, all_steps[index], result[(*index, ...)])
    else:
        _sweep(formula, time_map, steps, arguments, result)
    return float(result) if ndim == 0 and out is None else result


def _exact(formula: str, time_map: str, period: float, parameters: list[float], step: Pair) -> Pair:
    return apply_to_arrays(formula, apply_to_arrays(time_map, step, period), *parameters)


def _sweep(
    formula: str,
    time_map: str,
    steps: npt.NDArray[Any],
    arguments: list[npt.NDArray[np.float64]],
    result: npt.NDArray[Any],
) -> None:
    """Every step may have parameters of its own."""
    for some_steps, period, *parameters, destination in chunks(steps, *arguments, result):
        mapped = np.empty(destination.size), np.empty(destination.size)
        getattr(engine, f"{time_map}_sweep")(*as_pair(some_steps), period, *mapped)
        value = np.empty(destination.size), np.empty(destination.size)
        getattr(engine, f"{formula}_sweep")(*mapped, *parameters, *value)
        destination[:] = value[0]
