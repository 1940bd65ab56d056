"""What a schedule is asked for: rates at steps, sums of them, and the steps with a rate."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lrdecay_native import validation
from lrdecay_native.caching import cached
from lrdecay_native.evaluation import memory, searches
from lrdecay_native.evaluation.grids.grids import evaluate_grid
from lrdecay_native.evaluation.points.array_namespaces import evaluate_pieces
from lrdecay_native.evaluation.points.chains import Pipeline
from lrdecay_native.evaluation.points.closed_form import ClosedForm, ElementwiseEvaluator
from lrdecay_native.evaluation.points.pairs import contiguous, evaluate_points
from lrdecay_native.evaluation.segments.segmentation import segments_of
from lrdecay_native.evaluation.segments.segments import Segment
from lrdecay_native.evaluation.settling import settled
from lrdecay_native.evaluation.sums import sums
from lrdecay_native.immutable import set_fields
from lrdecay_native.piecewise.operations import between
from lrdecay_native.piecewise.pieces import Piecewise, PiecewiseFunction
from lrdecay_native.schedules.serialisation import Stored

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_VALUES = 2**59
"""Values in an array: more bytes have no address."""

_NO_STEP: Any = object()
"""Optimizers of Keras take any callable for a rate, and call it without a step in the midst of training."""


class Rates(Stored, ABC):
    """A learning rate as a function of the step, however it is described."""

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
        return segments_of(self._pieces)

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
        at = self._chain.step_function() or _nothing if ready is None else ready.point()
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
        steps = _range(start, stop, step)
        # Not len, which ends at 2**63 - 1.
        count = max(-((steps.start - steps.stop) // steps.step), 0)
        if count > MOST_VALUES:
            raise ValueError(
                f"start={steps.start!r}, stop={steps.stop!r} and step={steps.step!r} make {count} steps, and an "
                f"array has up to {MOST_VALUES}; chunks makes array after array, and sum and mean need none"
            )
        result = memory.destination(out, (count,), dtype)
        evaluate_grid(self._segments, steps, result)
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
        steps = _range(start, validation.whole("stop", stop), 1)
        validation.whole("size", size, lowest=1)
        kind = validation.dtype(np.float64 if dtype is None else dtype)
        # Not islice or the like: an index into a range of 2**63 steps needs more than a C integer.
        return (
            self.values(first, min(first + int(size), steps.stop), dtype=kind)
            for first in _firsts(steps, int(size))
        )

    def sum(self, start: int, stop: int | None = None) -> float:
        """The area under the schedule: the sum of the rates over the steps, without making them.

        Parameters
        ----------
        start, stop : int
            As for `range`: ``sum(stop)`` or ``sum(start, stop)``.

        Returns
        -------
        float
            The sum of the true rates of those steps; 0.0 if there is none.

        Raises
        ------
        ValueError, TypeError
            For an argument of a wrong kind or range; and for what would have to be added one by one and is more than
            2**31 steps, 2**17 cycles or 2**25 stretches, before any is added. The message says how many they are.

        Notes
        -----
        The relative error is at most 1e-15 where the rates are above 1e-285.  However many steps there are, a smooth
        part takes a few milliseconds; cycles and restarts whose period is a multiple of 1/64 of a step up to 0.5 s,
        nested or not; staircases with smooth rates and runs of at least a step, and cycles of straight lines, up to
        some seconds, whatever their period is.  Added one by one, at some tens of nanoseconds each, are the steps of
        other cycles and restarts, of staircases with shorter runs, or over rates that aren't smooth and a period of
        no whole number of steps, and of sums and products that bend too often; where such cycles have more than 2**13
        steps, or restarts than 2**12, the cycles, at a millisecond each.  The same holds for cycles up to where they
        no longer cross a bound, and for restarts with a factor below 1 up to where they no longer count.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> lrd.StepDecay(0.5, drop_rate=0.5, step_size=2).sum(6)
        1.75
        >>> lrd.InverseTimeDecay(0.1, decay_rate=1e-3).sum(10**12)
        2072.3...
        """
        return sums.total(self._segments, _range(start, stop, 1))

    def mean(self, start: int, stop: int | None = None) -> float:
        """The mean of the rates over the steps.

        Parameters
        ----------
        start, stop : int
            As for `range`: ``mean(stop)`` or ``mean(start, stop)``; at least one step.

        Returns
        -------
        float
            The mean of the true rates of those steps, as exact as `sum`.

        Raises
        ------
        ValueError, TypeError
            For an argument of a wrong kind or range, where there is no step, and as of `sum`.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> lrd.PolynomialDecay(0.5, max_step=100).mean(101)
        0.25
        """
        steps = _range(start, stop, 1)
        if not steps:
            raise ValueError(f"start={steps.start!r} and stop={steps.stop!r} must have a step between them")
        return sums.mean(self._segments, steps)

    def first_step_below(self, learning_rate: float) -> int | None:
        """The first step at which the rate is below a given one.

        Parameters
        ----------
        learning_rate : float
            The rate, any finite number.

        Returns
        -------
        int or None
            The smallest step ``t`` with ``schedule(t) < learning_rate``; None if there is none below 2**63.

        Raises
        ------
        ValueError, TypeError
            If ``learning_rate`` is no finite real number; and if it isn't found where rates are searched range by
            range, after 2**10 ranges of up to 2**14 steps, or 2**12 cycles within cycles.

        Notes
        -----
        In terms of what a call gives, to the step.  Where a schedule falls so slowly that the rates of
        neighbouring steps differ by less than 2**-51 of themselves, calls may go back and forth by the last
        bit, and the result is one of the steps with ``schedule(t) < learning_rate <= schedule(t - 1)``.  By
        bisection, in some tens of microseconds, and in up to 0.2 s in cycles and restarts, nested or not, of any
        number of steps.  Range by range are searched restarts whose period is no multiple of 1/64 of a step, sums and
        products of what jumps or bends, and staircases of such with runs shorter than a step: up to some seconds.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> lrd.StepDecay(0.1, drop_rate=0.5, step_size=1000).first_step_below(0.02)
        3000
        """
        return searches.first_step_below(
            self._segments, self, validation.real("learning_rate", learning_rate)
        )

    def last_step_above(self, learning_rate: float) -> int | None:
        """The last step at which the rate is above a given one.

        Parameters
        ----------
        learning_rate : float
            The rate, any finite number.

        Returns
        -------
        int or None
            The largest step ``t`` with ``schedule(t) > learning_rate``, 2**63 - 1 if the rate stays above it;
            None if it is never above.

        Raises
        ------
        ValueError, TypeError
            As of `first_step_below`.

        Notes
        -----
        As exact and as fast as `first_step_below`.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> lrd.StepDecay(0.1, drop_rate=0.5, step_size=1000).last_step_above(0.02)
        2999
        """
        return searches.last_step_above(self._segments, self, validation.real("learning_rate", learning_rate))

    @property
    def length(self) -> int | float | None:
        """The step from which on the rate stays the same; None where there is none, or none is found.

        It is 0 for a rate that never changes.  Otherwise it is where the last change ends: a boundary, whole or not
        (a float then, rounded up), or, where a rate gets to a bound or a stair to its last, the first whole step with
        the last rate.  What gets nearer and nearer to a rate has none, though far out both are rounded to one.

        Found by evaluating the schedule at some steps, in a millisecond; in up to a second where sums and products of
        stairs, cycles or bounded schedules get to a bound.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> lrd.PolynomialDecay(0.1, max_step=100).warmup(10).length
        110
        >>> lrd.StepDecay(0.1, drop_rate=0.5, step_size=10).clipped(lowest=0.01).length
        40
        >>> lrd.Constant(0.1).length
        0
        """
        step = settled(self._pieces, self._chain, self)
        return None if step is None else rounded_up(step)

    def plot(self, stop: int, *, ax: Axes | None = None) -> Axes:
        """Draw the rate over the steps from 0 to below ``stop``.

        Parameters
        ----------
        stop : int
            How many steps to draw, at least 1.
        ax : matplotlib.axes.Axes, optional
            Where to draw; the current axes if not given.

        Returns
        -------
        matplotlib.axes.Axes
            The axes with the curve.
        """
        from lrdecay_native.schedules.plotting import plot_schedule

        return plot_schedule(self, stop, ax)


def _nothing(step: Any) -> None:
    """What a schedule that isn't one formula knows without its parts."""


def _range(start: int, stop: int | None, step: int) -> range:
    """The range of these steps, checked."""
    first, last = (0, start) if stop is None else (start, stop)
    if validation.integer("step", step) == 0:
        raise ValueError("step=0 must not be 0")
    validation.whole("start", first)
    # As in range(9, -1, -1), a descent that includes step 0 stops at -1.
    validation.whole("stop", last, lowest=-1 if step < 0 else 0)
    steps = range(int(first), int(last), int(step))
    if steps and steps[0] >= validation.STEP_LIMIT:
        raise ValueError(f"start={validation.shown(start)} must be a step from 0 to below 2**63")
    # One step's distance to the next may be any.
    return range(steps[0], steps[0] + 1) if steps and steps[0] == steps[-1] else steps


def _firsts(steps: range, size: int) -> Iterator[int]:
    first = steps.start
    while first < steps.stop:
        yield first
        first += size


def rounded_up(number: Fraction) -> int | float:
    """The number as an integer if it is one, else the least float64 that is not below it."""
    if number.denominator == 1:
        return int(number)
    nearest = float(number)
    return nearest if nearest >= number else math.nextafter(nearest, math.inf)
