"""Learning-rate schedules: immutable values that are callables of the step."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import fields
from fractions import Fraction
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar

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
from lrdecay_native.formulas.synonyms import hints, known_by_name, refuse_unknown
from lrdecay_native.piecewise.operations import between
from lrdecay_native.piecewise.pieces import Piecewise, PiecewiseFunction

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from lrdecay_native.schedules.compositions import (
        Clipped,
        CooledDown,
        Joined,
        KDecay,
        PerEpoch,
        Restarted,
        Reversed,
        Scaled,
        Shifted,
        Stretched,
        Sum,
        Warmup,
    )

VERSION = 1
"""The version of the dictionary form of a schedule."""

MOST_VALUES = 2**59
"""Values in an array: more bytes have no address."""

DEEPEST = 500
"""How deep the schedules that another one is made of may be nested."""

MOST_NESTED = 100
"""How many of them may have pieces inside of their pieces: what evaluates those recurses."""

_SHALLOW = 32
"""So many nested schedules may be gone into by recursion."""

_READING: ContextVar[bool] = ContextVar("_READING", default=False)
"""Whether what is made was stored: plans in epochs may have parts of an epoch, from before these were refused."""

_NO_STEP: Any = object()
"""Optimizers of Keras take any callable for a rate, and call it without a step in the midst of training."""

SCHEDULES: dict[str, type[Schedule]] = {}
"""Every schedule class by name."""


class Schedule(ABC):
    """A learning rate as a function of the step.

    Schedules are values: frozen, hashable, equal if they are of one class with equal parameters, picklable, and
    their repr evaluates back.  A copy of one is itself.  Threads may share them, and take no locks.  One may be made
    of schedules that are nested up to 500 deep, 100 of them sums, products, restarts or staircases.
    """

    _positional: ClassVar[int]
    _instead: ClassVar[str]

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        for name in ("__eq__", "__hash__"):
            # What a dataclass finds in its class it doesn't make; its own ones would recurse.
            if name not in vars(cls):
                setattr(cls, name, getattr(cls, name))
        if not cls.__name__.startswith("_"):
            SCHEDULES[cls.__name__] = cls

    def __new__(cls, *arguments: Any, **keywords: Any) -> Any:
        if len(arguments) > cls._positional:
            raise TypeError(
                f"{cls.__name__} takes {cls._positional} positional arguments, {len(arguments)} were given; "
                f"{cls._instead}"
            )
        parameters = cls.__dataclass_fields__  # type: ignore[attr-defined]
        if not keywords.keys() <= parameters.keys():
            refuse_unknown(cls.__name__, keywords, [field.name for field in fields(cls)], cls._instead)  # type: ignore[arg-type]
        return super().__new__(cls)

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

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        """Nothing: what a schedule holds is its own; `dataclasses.fields` and `to_dict` have its parameters.

        Others copy the dictionaries of callables and write into them, as ``torch.optim.lr_scheduler.LambdaLR`` does
        in ``state_dict`` and ``load_state_dict``.
        """
        return {}

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(parameter.name for parameter in fields(self))})  # type: ignore[arg-type]

    def __getstate__(self) -> dict[str, Any]:
        # What is cached on the instance follows from its parameters.
        return {parameter.name: getattr(self, parameter.name) for parameter in fields(self)}  # type: ignore[arg-type]

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        _bring_up_to_date(type(self), state)
        known = {parameter.name for parameter in fields(self)}  # type: ignore[arg-type]
        # Names that begin so are those of what early versions stored beside the parameters.
        unknown = {name for name in set(state) - known if not name.startswith("_")}
        if unknown:
            raise ValueError(
                f"{type(self).__name__} has no parameter {', '.join(sorted(map(repr, unknown)))}; "
                "the state was stored by another version"
            )
        set_fields(self, **{name: value for name, value in state.items() if name in known})
        for schedule in self._within():
            schedule_given("schedule", schedule)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self._depth <= _SHALLOW:
            return super().__reduce_ex__(protocol)
        # pickle would go from each schedule into the one inside.
        schedules = self._all_within()
        places = {id(schedule): place for place, schedule in enumerate(schedules)}
        states = [
            (
                type(schedule),
                [(name, *_placed(value, places)) for name, value in schedule.__getstate__().items()],
            )
            for schedule in schedules
        ]
        return _from_states, (states,)

    def __copy__(self) -> Schedule:
        return self

    def __deepcopy__(self, memo: Any) -> Schedule:
        return self

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        pending: list[tuple[Any, Any]] = [(self, other)]
        seen = set()
        while pending:
            one, another = pending.pop()
            if one is another or (id(one), id(another)) in seen:
                continue
            if type(one) is not type(another):
                return False
            seen.add((id(one), id(another)))
            for parameter in fields(one):
                pair = getattr(one, parameter.name), getattr(another, parameter.name)
                if isinstance(pair[0], Schedule) and isinstance(pair[1], Schedule):
                    pending.append(pair)
                elif pair[0] is not pair[1] and pair[0] != pair[1]:
                    return False
        return True

    def __hash__(self) -> int:
        return self._hash

    @cached
    def _hash(self) -> int:
        self._ask_within("_hash")
        return hash(tuple(self.__getstate__().values()))

    def _within(self) -> list[Schedule]:
        """The schedules that this one is made of."""
        values = (getattr(self, parameter.name) for parameter in fields(self))  # type: ignore[arg-type]
        return [value for value in values if isinstance(value, Schedule)]

    @cached
    def _depth(self) -> int:
        """How many schedules there are on the longest way into it."""
        return 1 + max([schedule._depth for schedule in self._within()], default=0)

    @cached
    def _nesting(self) -> int:
        """How many schedules there are on the longest way into it whose rates are those of others inside."""
        return self._nests + max([schedule._nesting for schedule in self._within()], default=0)

    @property
    def _nests(self) -> bool:
        """Whether it has the pieces of the schedules that it is made of inside of its own."""
        return False

    def _all_within(self) -> list[Schedule]:
        """The schedule and all inside of it, each after those that it is made of."""
        found: dict[int, Schedule] = {}
        pending: list[Schedule] = [self]
        while pending:
            schedule = pending.pop()
            if id(schedule) not in found:
                found[id(schedule)] = schedule
                pending.extend(schedule._within())
        return sorted(found.values(), key=lambda schedule: schedule._depth)

    def _ask_within(self, name: str) -> None:
        """Let schedules inside compute what is cached under a name, so that no recursion gets deep."""
        if self._depth > _SHALLOW:
            for schedule in self._all_within()[:-1]:
                if schedule._depth % _SHALLOW == 0:
                    getattr(schedule, name)

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
        return None if step is None else _rounded_up(step)

    @known_by_name
    def warmup(
        self, steps: float, start: float = 0.0, *, start_factor: float | None = None, shape: str = "linear"
    ) -> Warmup:
        """Rise to the schedule's first rate before the schedule begins.

        Parameters
        ----------
        steps : int or float
            How many steps the warm-up takes, 0 or from 1 to 1e100; with 0 there is none.
        start : float, default 0
            The rate at step 0, 0 or from 1e-100 to 1e100.
        start_factor : float, optional
            The rate at step 0 as a part of this schedule's first rate, in its place.
        shape : str, default "linear"
            How it rises: ``"linear"``, ``"cosine"``, ``"1-sqrt"`` (such a fall run backwards),
            ``"exponential"`` (from a start above 0), or
            ``"constant"``, which stays at the start.

        Returns
        -------
        Warmup
            The rise from ``start`` at step 0 to this schedule's first rate at step ``steps``, and from there on
            this schedule, so many steps later.

        Raises
        ------
        ValueError, TypeError
            For a parameter outside its range or of a wrong kind, and for both a start and a factor.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> s = lrd.StepDecay(0.5, drop_rate=0.5, step_size=2).warmup(4)
        >>> s.values(8).tolist()
        [0.0, 0.125, 0.25, 0.375, 0.5, 0.5, 0.25, 0.25]
        >>> lrd.StepDecay(0.5, 0.5, 2).warmup(4, start_factor=0.25, shape="exponential")([0, 2, 4])
        array([0.125, 0.25 , 0.5  ])
        """
        from lrdecay_native.schedules.compositions import Warmup

        if start_factor is not None:
            if start != 0.0:
                raise ValueError(f"start_factor={start_factor!r} and start={start!r}: give one of them")
            start = validation.not_negative("start_factor", start_factor) * self(0)
        return Warmup(self, steps, start=start, shape=shape)

    @known_by_name
    def then(self, other: Schedule, at: float) -> Joined:
        """Go on with another schedule from a step on.

        Parameters
        ----------
        other : Schedule
            The schedule that follows; its step 0 is at step ``at``.
        at : int or float
            The first step of the other schedule, 0 or from 1 to 1e100.

        Returns
        -------
        Joined
            This schedule before step ``at``, and ``other(t - at)`` from there on.

        Raises
        ------
        ValueError, TypeError
            For a parameter outside its range or of a wrong kind.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> s = lrd.PolynomialDecay(1.0, max_step=4).then(lrd.ExponentialDecay(0.1, 0.0), at=2)
        >>> s.values(4).tolist()
        [1.0, 0.75, 0.1, 0.1]
        """
        from lrdecay_native.schedules.compositions import Joined

        return Joined(self, other, at)

    @known_by_name
    def restarted(self, every: float, factor: float = 1.0) -> Restarted:
        """Begin the schedule again every so many steps.

        Parameters
        ----------
        every : int or float
            Steps after which it begins again, from 1e-100 to 1e100.
        factor : float, default 1
            What each cycle is multiplied with, compared with the one before it; from 1e-100 to 1.

        Returns
        -------
        Restarted
            The schedule whose rate at step ``t`` is ``factor ** (t // every)`` times this one's at ``t % every``.

        Raises
        ------
        ValueError, TypeError
            For a parameter outside its range or of a wrong kind.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> lrd.PolynomialDecay(1.0, max_step=4).restarted(3, factor=0.5).values(7).tolist()
        [1.0, 0.75, 0.5, 0.5, 0.375, 0.25, 0.25]
        """
        from lrdecay_native.schedules.compositions import Restarted

        return Restarted(self, every, factor=factor)

    @known_by_name
    def shifted(self, by: float) -> Shifted:
        """Begin the schedule later, or in its midst.

        Parameters
        ----------
        by : int or float
            How many steps later; below 0, at which of its steps this schedule begins. Up to 1e100 in size.

        Returns
        -------
        Shifted
            The schedule whose rate at step ``t`` is this one's at ``t - by``, and that at 0 before.

        Raises
        ------
        ValueError, TypeError
            For a parameter outside its range or of a wrong kind.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> s = lrd.PolynomialDecay(1.0, max_step=4)
        >>> s.shifted(2)([0, 2, 3]), s.shifted(-2)([0, 1])
        (array([1.  , 1.  , 0.75]), array([0.5 , 0.25]))
        """
        from lrdecay_native.schedules.compositions import Shifted

        return Shifted(self, by)

    @known_by_name
    def reversed(self, steps: float) -> Reversed:
        """Run the schedule backwards.

        Parameters
        ----------
        steps : int or float
            At which of its steps this schedule begins, 0 or from 1e-100 to 1e100.

        Returns
        -------
        Reversed
            The schedule whose rate at step ``t`` is this one's at ``steps - t``, and that at 0 afterwards.

        Raises
        ------
        ValueError, TypeError
            For a parameter outside its range or of a wrong kind.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> lrd.PolynomialDecay(1.0, max_step=4).reversed(4).values(6).tolist()
        [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
        """
        from lrdecay_native.schedules.compositions import Reversed

        return Reversed(self, steps)

    @known_by_name
    def cooled_down(self, at: float, steps: float, end: float = 0.0, shape: str = "linear") -> CooledDown:
        """Go from whatever the rate is at a step to an end rate.

        Parameters
        ----------
        at : int or float
            The step at which the cool-down begins, 0 or from 1 to 1e100.
        steps : int or float
            How many steps it takes, 0 or from 1 to 1e100; with 0 the rate drops at once.
        end : float, default 0
            The rate from then on, 0 or from 1e-100 to 1e100.
        shape : str, default "linear"
            ``"linear"``, ``"cosine"``, ``"1-sqrt"`` or ``"exponential"`` (to an end rate above 0).

        Returns
        -------
        CooledDown
            This schedule before step ``at``, then the cool-down, then ``end``.

        Raises
        ------
        ValueError, TypeError
            For a parameter outside its range or of a wrong kind.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> lrd.Constant(1.0).cooled_down(at=2, steps=4).values(8).tolist()
        [1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
        """
        from lrdecay_native.schedules.compositions import CooledDown

        return CooledDown(self, at, steps, end=end, shape=shape)

    @known_by_name
    def k_decay(self, k: float, decay_steps: float) -> KDecay:
        """Slow the schedule down at its start, and hurry it at its end.

        Parameters
        ----------
        k : float
            The exponent, from 1e-100 to 1e100; 1 changes nothing.
        decay_steps : int or float
            Up to which step, from 1e-100 to 1e100.

        Returns
        -------
        KDecay
            The schedule whose rate at step ``t`` is this one's at ``decay_steps * (t / decay_steps) ** k``.

        Raises
        ------
        ValueError, TypeError
            For a parameter outside its range or of a wrong kind.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> lrd.PolynomialDecay(1.0, max_step=4).k_decay(2, decay_steps=4).values(5).tolist()
        [1.0, 0.9375, 0.75, 0.4375, 0.0]
        """
        from lrdecay_native.schedules.compositions import KDecay

        return KDecay(self, decay_steps, k)

    @known_by_name
    def scaled(self, factor: float) -> Scaled:
        """Multiply every rate by a factor.

        Parameters
        ----------
        factor : float
            The factor, from 1e-100 to 1e100.

        Returns
        -------
        Scaled
            The schedule whose rate is ``factor`` times this one's.

        Raises
        ------
        ValueError, TypeError
            For a factor outside its range or of a wrong kind.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> lrd.StepDecay(0.1, drop_rate=0.5, step_size=2).scaled(8)([0, 2])
        array([0.8, 0.4])
        """
        from lrdecay_native.schedules.compositions import Scaled

        return Scaled(self, factor)

    @known_by_name
    def clipped(self, lowest: float | None = None, highest: float | None = None) -> Clipped:
        """Keep every rate within bounds.

        Parameters
        ----------
        lowest : float or None, default None
            The least rate, 0 or from 1e-100 to 1e100; None for no such bound.
        highest : float or None, default None
            The largest rate, likewise, not below ``lowest``.

        Returns
        -------
        Clipped
            The schedule whose rate is this one's, raised to ``lowest`` or lowered to ``highest``.

        Raises
        ------
        ValueError, TypeError
            For a parameter outside its range or of a wrong kind.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> lrd.StepDecay(0.1, drop_rate=0.5, step_size=1).clipped(0.02, 0.06).values(4).tolist()
        [0.06, 0.05, 0.025, 0.02]
        """
        from lrdecay_native.schedules.compositions import Clipped

        return Clipped(self, lowest=lowest, highest=highest)

    @known_by_name
    def per_epoch(self, steps_per_epoch: float, staircase: bool = False) -> PerEpoch:
        """Use a schedule that is written in epochs with steps.

        Parameters
        ----------
        steps_per_epoch : int or float
            Steps in an epoch, from 1e-100 to 1e100.
        staircase : bool, default False
            Whether the rate stays the same within an epoch.

        Returns
        -------
        PerEpoch
            The schedule whose rate at step ``t`` is this one's at ``t / steps_per_epoch``.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> s = lrd.InverseTimeDecay(0.1, decay_rate=1.0).per_epoch(100, staircase=True)
        >>> s([0, 99, 100, 200])
        array([0.1       , 0.1       , 0.05      , 0.03333333])
        """
        from lrdecay_native.schedules.compositions import PerEpoch

        return PerEpoch(self, steps_per_epoch, staircase=staircase)

    @known_by_name
    def accumulated(self, every: int) -> PerEpoch:
        """Use a schedule that is written in updates where steps are batches, of which several make an update.

        Parameters
        ----------
        every : int
            How many batches make an update, from 1: Keras's ``gradient_accumulation_steps``.

        Returns
        -------
        PerEpoch
            The schedule whose rate at batch ``t`` is this one's at update ``t // every``: a staircase, as of
            `per_epoch`.

        Raises
        ------
        ValueError, TypeError
            For a number outside its range or of a wrong kind.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> lrd.LinearDecay(1.0, 4).accumulated(2).values(6).tolist()
        [1.0, 1.0, 0.75, 0.75, 0.5, 0.5]
        """
        return self.per_epoch(validation.whole("every", every, lowest=1), staircase=True)

    @known_by_name
    def stretched(self, to: float, of: float | None = None) -> Stretched:
        """Run the schedule in another number of steps: a plan for a new budget.

        Parameters
        ----------
        to : int or float
            How many steps it takes now, from 1e-100 to 1e100.
        of : int or float, optional
            How many steps of this schedule these are; its `length` if not given.

        Returns
        -------
        Stretched
            The schedule whose rate at step ``t`` is this one's at ``t * of / to``.

        Raises
        ------
        ValueError, TypeError
            For a parameter outside its range or of a wrong kind, and where ``of`` is not given and the schedule has
            no length.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> plan = lrd.PolynomialDecay(1.0, max_step=80).warmup(20)
        >>> longer = plan.stretched(to=1000)
        >>> longer(200), longer(600), longer.length
        (1.0, 0.5, 1000)
        """
        from lrdecay_native.schedules.compositions import Stretched

        return Stretched(self, to, self._length_given(of, "of"))

    @known_by_name
    def continued(self, from_step: float, to: float) -> Joined:
        """Keep to the schedule up to a step, and finish it in another number of steps.

        Parameters
        ----------
        from_step : int or float
            The step up to which the plan stays as it is, 0 or from 1 to below its `length`.
        to : int or float
            The step at which the new plan ends, above ``from_step``.

        Returns
        -------
        Joined
            This schedule before ``from_step``; what is left of it then ends at ``to``.

        Raises
        ------
        ValueError, TypeError
            For a parameter outside its range or of a wrong kind, and where the schedule has no length.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> s = lrd.PolynomialDecay(1.0, max_step=100).continued(50, to=250)
        >>> s(25), s(50), s(150), s(250)
        (0.75, 0.5, 0.25, 0.0)
        """
        end = self._length_given(None, "continued")
        begin = phase_given("from_step", from_step)
        if begin >= end:
            raise ValueError(f"from_step={from_step!r} must be below the schedule's length, {end!r}")
        if period_given("to", to) <= begin:
            raise ValueError(f"to={to!r} must be above from_step={from_step!r}")
        rest = self.shifted(-begin) if begin else self
        left = Fraction(end) - Fraction(begin)
        return self.then(rest.stretched(to=to - begin, of=_rounded_up(left)), at=begin)

    def _length_given(self, length: float | None, name: str) -> float:
        if length is not None:
            return length
        own = self.length
        if not own:
            what = "never ends" if own is None else "has one rate from its first step on"
            raise ValueError(
                f"{name}: {self!r} {what}; say of how many of its steps: stretched(to=..., of=...)"
            )
        return own

    def __add__(self, other: Schedule) -> Sum:
        """The sum of two schedules."""
        from lrdecay_native.schedules.compositions import Sum

        return Sum(self, other) if isinstance(other, Schedule) else NotImplemented

    def __mul__(self, other: Schedule | float) -> Any:
        """The product of two schedules, or of a schedule and a number."""
        from lrdecay_native.schedules.compositions import Product

        if isinstance(other, Schedule):
            return Product(self, other)
        return self.scaled(other) if isinstance(other, Real) else NotImplemented

    def __rmul__(self, factor: float) -> Any:
        """The product of a number and a schedule."""
        return self.scaled(factor) if isinstance(factor, Real) else NotImplemented

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

    def __repr__(self) -> str:
        text: list[str] = []
        pending: list[str | Schedule] = [self]
        while pending:
            value = pending.pop()
            if isinstance(value, str):
                text.append(value)
            elif value is self or type(value).__repr__ is Schedule.__repr__:
                pending.extend(reversed(value._tokens()))
            else:
                text.append(repr(value))
        return "".join(text)

    def _tokens(self) -> list[str | Schedule]:
        """The parts of the repr: texts and schedules."""
        tokens: list[str | Schedule] = [f"{type(self).__name__}("]
        for place, parameter in enumerate(fields(self)):  # type: ignore[arg-type]
            value = getattr(self, parameter.name)
            tokens += [f", {parameter.name}="] if place else []
            tokens += [value if isinstance(value, Schedule) else repr(value)]
        return [*tokens, ")"]

    def to_dict(self) -> dict[str, Any]:
        """The schedule as a dictionary of JSON's types, with a version.

        Returns
        -------
        dict
            ``{"version": 1, "class": class name, ...parameters}``; `from_dict` reads it back.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> lrd.StepDecay(0.1, 0.96, 1000).to_dict()["drop_rate"]
        0.96
        """
        result: dict[str, Any] = {"version": VERSION}
        pending: list[tuple[Schedule, dict[str, Any]]] = [(self, result)]
        while pending:
            schedule, description = pending.pop()
            description["class"] = type(schedule).__name__
            for name, value in schedule.__getstate__().items():
                if isinstance(value, Schedule):
                    description[name] = {}
                    pending.append((value, description[name]))
                else:
                    description[name] = list(value) if isinstance(value, tuple) else value
        return result

    def to_json(self) -> str:
        """The schedule as JSON text; `from_json` reads it back.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> s = lrd.ExponentialDecay(0.1, decay_rate=1e-4)
        >>> lrd.from_json(s.to_json()) == s
        True
        """
        return json.dumps(self.to_dict(), allow_nan=False)


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


def _rounded_up(number: Fraction) -> int | float:
    """The number as an integer if it is one, else the least float64 that is not below it."""
    if number.denominator == 1:
        return int(number)
    nearest = float(number)
    return nearest if nearest >= number else math.nextafter(nearest, math.inf)


def _firsts(steps: range, size: int) -> Iterator[int]:
    first = steps.start
    while first < steps.stop:
        yield first
        first += size


def from_dict(description: dict[str, Any]) -> Schedule:
    """Make the schedule that `Schedule.to_dict` described.

    Parameters
    ----------
    description : dict
        A dictionary made by ``to_dict``.

    Returns
    -------
    Schedule
        An equal schedule.

    Raises
    ------
    ValueError
        For another version, an unknown class, unknown or missing parameters, values out of range, or schedules
        that are nested more than 501 deep.
    TypeError
        For a value of a wrong kind.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.from_dict(lrd.StepDecay(0.1, 0.96, 1000).to_dict())
    StepDecay(0.1, drop_rate=0.96, step_size=1000, staircase=True)
    """
    if not isinstance(description, dict):
        raise TypeError(f"a schedule's description must be a dictionary, not {type(description).__name__}")
    version = description.get("version")
    if type(version) is not int or version != VERSION:
        raise ValueError(
            f"version={validation.shown(version)} is unknown; this release reads version {VERSION}"
        )
    reading = _READING.set(True)
    try:
        with validation.short_messages():
            return _from_description({k: v for k, v in description.items() if k != "version"})
    finally:
        _READING.reset(reading)


def _from_description(description: dict[str, Any]) -> Schedule:
    """Make the schedules inside before those that are made of them; all names are checked before."""
    found: list[tuple[type[Schedule], dict[str, Any], dict[str, Any], str]] = []
    result: dict[str, Any] = {}
    pending = [(description, result, "schedule", 1)]
    while pending:
        described, holder, place, depth = pending.pop()
        if depth > DEEPEST + 1:
            raise ValueError(f"schedules are nested more than {DEEPEST + 1} deep; at most so many are read")
        cls, parameters = _class_and_parameters(described)
        found.append((cls, parameters, holder, place))
        pending += [(v, parameters, k, depth + 1) for k, v in parameters.items() if isinstance(v, dict)]
    for cls, parameters, holder, place in reversed(found):
        holder[place] = cls(**parameters)
    schedule: Schedule = result["schedule"]
    return schedule


def _bring_up_to_date(cls: type[Schedule], parameters: dict[str, Any]) -> None:
    """Read what was stored before a class had a parameter, or under its former name, as it was meant."""
    for parameter in fields(cls):  # type: ignore[arg-type]
        if parameter.metadata.get("later") and parameter.name not in parameters:
            parameters[parameter.name] = parameter.default
        former = parameter.metadata.get("formerly")
        if former in parameters and parameter.name not in parameters:
            parameters[parameter.name] = parameters.pop(former)


def _class_and_parameters(description: dict[str, Any]) -> tuple[type[Schedule], dict[str, Any]]:
    name = description.get("class")
    cls = SCHEDULES.get(name) if isinstance(name, str) else None
    if cls is None:
        raise ValueError(
            f"class={validation.shown(name)} is unknown; it must be one of {', '.join(sorted(SCHEDULES))}; "
            "a formula of your own is known once the module that defines it is imported"
        )
    parameters = {k: v for k, v in description.items() if k != "class"}
    known = [parameter.name for parameter in fields(cls)]  # type: ignore[arg-type]
    _bring_up_to_date(cls, parameters)
    if set(parameters) != set(known):
        unknown = sorted(set(parameters) - set(known), key=str)
        missing = sorted(set(known) - set(parameters))
        raise ValueError(
            f"{name} has the fields {', '.join(known)}; unknown: {validation.shown(unknown)}, missing: {missing}"
            + hints(cls.__name__, map(str, unknown), missing)
        )
    return cls, parameters


def from_json(text: str | bytes) -> Schedule:
    """Make the schedule that `Schedule.to_json` wrote.

    Parameters
    ----------
    text : str or bytes
        JSON made by ``to_json``.

    Returns
    -------
    Schedule
        An equal schedule.

    Raises
    ------
    ValueError, TypeError
        For text that is no JSON or nested too deep, and as `from_dict`.
    """
    try:
        description = json.loads(text)
    except RecursionError:
        raise ValueError(
            f"the text of a schedule must be JSON, and {validation.depth_of_json(text)} deep is too deep; schedules "
            f"may be nested {DEEPEST + 1} deep"
        ) from None
    except ValueError as error:
        raise ValueError(f"the text of a schedule must be JSON: {error}") from None
    return from_dict(description)


def set_fields(schedule: Schedule, /, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(schedule, name, value)


def _placed(value: Any, places: dict[int, int]) -> tuple[bool, Any]:
    """Whether a value is one of some schedules, and its place among them or itself."""
    return (True, places[id(value)]) if isinstance(value, Schedule) else (False, value)


def _from_states(states: list[tuple[type[Schedule], list[tuple[str, bool, Any]]]]) -> Schedule:
    """Make the last of some schedules, each of which is made of those before it."""
    made: list[Schedule] = []
    for cls, state in states:
        schedule: Schedule = cls.__new__(cls)
        schedule.__setstate__({name: made[value] if placed else value for name, placed, value in state})
        made.append(schedule)
    return made[-1]


def schedule_given(name: str, value: Any) -> Schedule:
    """A schedule that another one may be made of."""
    if not isinstance(value, Schedule):
        raise TypeError(f"{name}={validation.shown(value)} must be a Schedule, not {type(value).__name__}")
    if value._depth > DEEPEST:
        raise ValueError(f"{name} is {value._depth} schedules deep; what is composed may be {DEEPEST} deep")
    if value._nesting > MOST_NESTED:
        raise ValueError(
            f"{name} has {value._nesting} sums, products, restarts and staircases inside one another; what is "
            f"composed may have {MOST_NESTED} (a sum of many has fewest if they are added in pairs)"
        )
    return value


def period_given(name: str, value: Any) -> int | float:
    """A positive number of steps; an integer stays one."""
    return _same_type(name, value, validation.positive(name, value))


def duration_given(name: str, value: Any) -> int | float:
    """A number of steps, perhaps none; an integer stays one."""
    return _same_type(name, value, validation.not_negative(name, value))


def phase_given(name: str, value: Any) -> int | float:
    """A number of steps of a phase of training, perhaps none; a share of the training is none."""
    steps = duration_given(name, value)
    if 0.0 < steps < 1.0 and not _READING.get():
        raise ValueError(
            f"{name}={value!r} must be 0 or at least 1, in steps: write a share of the training as "
            f"{value!r} * total_steps, and a part of an epoch, after .per_epoch(steps_per_epoch), as "
            f"{value!r} * steps_per_epoch"
        )
    return steps


def _same_type(name: str, value: Any, number: float) -> int | float:
    if not isinstance(value, Integral):
        return number
    # As Python's integers: NumPy's are rounded to be compared with a float.
    if int(number) != int(value):
        raise ValueError(
            f"{name}={validation.shown(value)} must be an integer that float64 holds, such as {number:.0f}"
        )
    return int(value)
