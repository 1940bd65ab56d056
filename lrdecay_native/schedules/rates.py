"""Rates at steps: at one, at any of an array, at the steps of a range, and in other array namespaces."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lrdecay_native import validation
from lrdecay_native.caching import cached
from lrdecay_native.evaluation import memory
from lrdecay_native.evaluation.points.closed_form import ClosedForm, ElementwiseEvaluator
from lrdecay_native.evaluation.points.pairs import contiguous, evaluate_points
from lrdecay_native.evaluation.points.pipelines import Pipeline
from lrdecay_native.immutable import set_fields
from lrdecay_native.messages import shown
from lrdecay_native.piecewise.operations import between
from lrdecay_native.piecewise.pieces import Piecewise, PiecewiseFunction
from lrdecay_native.schedules.serialisation import Stored

if TYPE_CHECKING:
    from lrdecay_native.evaluation.segments.segments import Segment

MOST_VALUES = 2**59
"""Values in an array: more bytes have no address."""

_NO_STEP: Any = object()
"""Optimizers of Keras take any callable for a rate, and call it without a step in the midst of training."""


class Rates(Stored, ABC):
    """A learning rate as a function of the step, however it is described."""

    # A call is to be there at once: what it doesn't need is imported where it is used.

    @abstractmethod
    def _described(self) -> Piecewise:
        """Where the schedule is constant, smooth or a staircase; the pieces cover all steps from 0 on."""

    @cached
    def _chain(self) -> Pipeline:
        """The rate at a step, in 106 bits."""
        return Pipeline((PiecewiseFunction.of(self._pieces),))

    @cached
    def _pieces(self) -> Piecewise:
        self._ask_within("_pieces")
        return self._described()

    @cached
    def _segments(self) -> tuple[Segment, ...]:
        """The pieces on whole steps."""
        from lrdecay_native.evaluation.segments.segmentation import segments_of

        return segments_of(self._pieces)

    @cached
    def _fill(self) -> Callable[[range, npt.NDArray[Any]], None]:
        """What writes the rates at the steps of a range into an array."""
        from lrdecay_native.evaluation.grids.grids import evaluate_grid

        return partial(evaluate_grid, self._segments)

    def __call__(self, step: npt.ArrayLike = _NO_STEP) -> Any:
        """Evaluate the schedule.

        Parameters
        ----------
        step : int, float or array_like
            Steps from 0 to below 2**63, of any integer or floating dtype; integers are exact.

        Returns
        -------
        float or ndarray of float64
            The rate: a Python float for a scalar, else an array of the shape of ``step``.

        Raises
        ------
        ValueError
            If a step is negative, NaN, or 2**63 or more.
        TypeError
            If ``step`` is neither integer nor float.

        Notes
        -----
        Within 0.8 ulp of the true value where that is above 1e-285.  A single step and an array with that step give
        the same bits, whatever the dtype of the step.

        This holds behind any number of cycles and stairs, whose periods are the exact float64 numbers: behind 2**32
        of them the place in a cycle is taken of exact fractions where 106 bits would not hold it, which takes some
        3 microseconds a step, a single step 50.  A rate below 2**-40 of the highest one, right next to where a cycle
        or a stretched decay gets to 0 between two steps, may be off by some ulps more.  The powers of `KDecay` are
        exact to 2**-66.
        """
        try:
            value = self._at(step)
        except AttributeError:
            value = self._prepare()(step)
        return self._general(step) if value is None else value

    _at: Callable[[Any], float | None]
    _ready: ElementwiseEvaluator | None

    def _prepare(self) -> Callable[[Any], float | None]:
        """Keep with the instance what calls need: for one step (None where `_general` is needed) and arrays."""
        curve = self._curve()
        ready = None if curve is None else ElementwiseEvaluator.of(curve, self._chain.on_arrays)
        at = self._chain.step_function() if ready is None else ready.point()
        set_fields(self, _ready=ready, _at=at)
        return at

    def _curve(self) -> ClosedForm | None:
        """The schedule as one formula, where it is one."""
        return None

    def _general(self, step: npt.ArrayLike) -> Any:
        """The value at any step or steps, or the error that says what is wrong with it."""
        if step is _NO_STEP:
            raise TypeError(
                f"step is missing: {type(self).__name__} is a rate at a step; an optimizer of Keras takes it as "
                "lrdecay_native.keras.KerasSchedule(schedule)"
            )
        if isinstance(step, (int, float, np.integer, np.floating)):
            pair = validation.step("step", step)
            value = self._at(pair[0]) if pair[1] == 0.0 else None
            exact: float = self._chain.on_point(pair)[0] if value is None else value
            return exact
        steps, highest = validation.steps_and_highest("step", step)
        result = np.empty(steps.shape)
        vector, values = contiguous(steps).reshape(-1), result.reshape(-1)
        if self._ready is None:
            evaluate_points(self._chain.on_arrays, vector, values)
        elif steps.size:
            self._ready.evaluate(vector[np.newaxis], highest, values[np.newaxis])
        return float(result) if steps.ndim == 0 else result

    def evaluate(self, xp: Any, step: Any, *, first: int = 0, stop: int | None = None) -> Any:
        """Run the formula in an array namespace.

        Parameters
        ----------
        xp : namespace
            Offers ``asarray`` (which converts each parameter, a Python float), ``exp``, ``cos``, ``sqrt``, ``floor``,
            ``minimum``, ``maximum`` and ``where``; where it has ``fmod`` or ``remainder``, the rests of stairs and
            cycles have no error.
        step : value of that namespace
            The step, as a floating value that takes ``+ - * / **``.
        first, stop : int, optional
            No step is below ``first``, nor from ``stop`` on: what is not needed then is left out.

        Returns
        -------
        value of that namespace
            The rate, in the precision of that namespace.
        """
        from lrdecay_native.evaluation.points.array_namespaces import evaluate_pieces

        return evaluate_pieces(xp, between(self._pieces, first, stop), step)

    def values(
        self,
        start: int,
        stop: int | None = None,
        step: int = 1,
        *,
        dtype: npt.DTypeLike | None = None,
        out: npt.NDArray[Any] | None = None,
    ) -> npt.NDArray[Any]:
        """Evaluate the schedule on a grid of steps, in bulk.

        Parameters
        ----------
        start, stop, step : int
            As for `range`: ``values(stop)``, ``values(start, stop)`` or ``values(start, stop, step)``; no step
            may be negative.
        dtype : float64 or float32, optional
            The dtype of the result; float64 if neither ``out`` nor ``dtype`` is given.
        out : ndarray of float64 or float32, optional
            Where to write: one-dimensional, of the length of the range, of any stride.

        Returns
        -------
        ndarray
            One rate for each step of the range.

        Raises
        ------
        ValueError, TypeError
            For an argument of a wrong kind, range or shape, and for more steps than an array can have, before
            anything is written.
        MemoryError
            For more steps than fit into memory; `chunks` makes array after array.

        Notes
        -----
        Within 0.51 ulp of the true value, and within 1 ulp of what a call with that step gives, where that is
        above 1e-285 (float32: 1e-28).  A rate below 2**-40 of the highest one, right next to where a cycle or a
        stretched decay gets to 0 between two steps, may be off by some ulps more.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> lrd.StepDecay(0.1, drop_rate=0.5, step_size=2).values(6)
        array([0.1  , 0.1  , 0.05 , 0.05 , 0.025, 0.025])
        """
        steps = steps_of(start, stop, step)
        # Not len, which ends at 2**63 - 1.
        count = max(-((steps.start - steps.stop) // steps.step), 0)
        if count > MOST_VALUES:
            raise ValueError(
                f"start={steps.start!r}, stop={steps.stop!r} and step={steps.step!r} make {count} steps, and an "
                f"array has up to {MOST_VALUES}; chunks makes array after array, and sum and mean need none"
            )
        result = memory.destination(out, (count,), dtype)
        self._fill(steps, result)
        return result

    def chunks(
        self, start: int, stop: int, size: int, *, dtype: npt.DTypeLike | None = None
    ) -> Iterator[npt.NDArray[Any]]:
        """Evaluate the schedule on more steps than memory holds, array by array.

        Parameters
        ----------
        start, stop : int
            The first step and the one behind the last, from 0 to 2**63.
        size : int
            Steps per array, at least 1; the last array may be shorter.
        dtype : float64 or float32, default float64
            The dtype of the arrays.

        Returns
        -------
        iterator of ndarray
            Arrays that together are ``values(start, stop)``; each is a new one.

        Raises
        ------
        ValueError, TypeError
            For an argument of a wrong kind or range, at the call.

        Notes
        -----
        Each array is within the bounds of `values`; it may differ from a slice of one large array in the last
        bit.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> s = lrd.StepDecay(0.1, drop_rate=0.5, step_size=2)
        >>> [chunk.tolist() for chunk in s.chunks(0, 5, 3)]
        [[0.1, 0.1, 0.05], [0.05, 0.025]]
        """
        steps = steps_of(start, validation.whole("stop", stop), 1)
        validation.whole("size", size, lowest=1)
        kind = validation.dtype(np.float64 if dtype is None else dtype)
        # Not islice or the like: an index into a range of 2**63 steps needs more than a C integer.
        return (
            self.values(first, min(first + int(size), steps.stop), dtype=kind)
            for first in _firsts(steps, int(size))
        )


def steps_of(start: int, stop: int | None, step: int) -> range:
    """The range of these steps, checked."""
    first, last = (0, start) if stop is None else (start, stop)
    if validation.integer("step", step) == 0:
        raise ValueError("step=0 must not be 0")
    validation.whole("start", first)
    # As in range(9, -1, -1), a descent that includes step 0 stops at -1.
    validation.whole("stop", last, lowest=-1 if step < 0 else 0)
    steps = range(int(first), int(last), int(step))
    if steps and steps[0] >= validation.STEP_LIMIT:
        raise ValueError(f"start={shown(start)} must be a step from 0 to below 2**63")
    # One step's distance to the next may be any.
    return range(steps[0], steps[0] + 1) if steps and steps[0] == steps[-1] else steps


def _firsts(steps: range, size: int) -> Iterator[int]:
    first = steps.start
    while first < steps.stop:
        yield first
        first += size
