"""What a plan comes to: sums of rates, when it gets where, how long it is, and how it looks."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from lrdecay_native import validation
from lrdecay_native.schedules.rates import Rates, steps_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Planned(Rates):
    """A learning rate as a plan for a training."""

    # What these need is imported when it is needed: a schedule is to be there at once.

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
        from lrdecay_native.evaluation.sums import sums

        return sums.total(self._segments, steps_of(start, stop, 1))

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
        from lrdecay_native.evaluation.sums import sums

        steps = steps_of(start, stop, 1)
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
        from lrdecay_native.evaluation import searches

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
        from lrdecay_native.evaluation import searches

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
        from lrdecay_native.evaluation.settling import settled

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


def rounded_up(number: Fraction) -> int | float:
    """The number as an integer if it is one, else the least float64 that is not below it."""
    if number.denominator == 1:
        return int(number)
    nearest = float(number)
    return nearest if nearest >= number else math.nextafter(nearest, math.inf)
