"""The base of all schedules: a rate as a function of the step that composes with others."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar

from lrdecay_native import validation
from lrdecay_native.formulas.synonyms import known_by_name
from lrdecay_native.schedules import registry
from lrdecay_native.schedules.arguments import period_given, phase_given, refuse_call
from lrdecay_native.schedules.planning import Planned, rounded_up

if TYPE_CHECKING:
    from lrdecay_native.schedules import catalogue as compositions
    from lrdecay_native.schedules.compositions.in_sequence import CooledDown, Joined, Warmup
    from lrdecay_native.schedules.compositions.of_rates import Clipped, Scaled, Sum
    from lrdecay_native.schedules.compositions.of_time import (
        KDecay,
        PerEpoch,
        Restarted,
        Reversed,
        Shifted,
        Stretched,
    )
else:
    compositions = registry.Registered()


class Schedule(Planned):
    """A learning rate as a function of the step.

    Schedules are values: frozen, hashable, equal if they are of one class with equal parameters, picklable, and
    their repr evaluates back.  A copy of one is itself.  Threads may share them, and take no locks.  One may be made
    of schedules that are nested up to 500 deep, 100 of them sums, products, restarts or staircases.
    """

    __match_args__: ClassVar[tuple[str, ...]]

    _remark: ClassVar[str] = ""
    """What a message about a wrong call says behind the right one."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if not cls.__name__.startswith("_"):
            registry.enter(cls)

    def __new__(cls, *arguments: Any, **keywords: Any) -> Any:
        if len(arguments) > len(cls.__match_args__) or not keywords.keys() <= cls.__dataclass_fields__.keys():
            refuse_call(cls, len(arguments), keywords)
        return super().__new__(cls)

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        """Nothing: what a schedule holds is its own; `dataclasses.fields` and `to_dict` have its parameters.

        Others copy the dictionaries of callables and write into them, as ``torch.optim.lr_scheduler.LambdaLR`` does
        in ``state_dict`` and ``load_state_dict``.
        """
        return {}

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(parameter.name for parameter in fields(self))})

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
            ``"exponential"`` (from a start above 0), or ``"constant"``, which stays at the start.

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
        if start_factor is not None:
            if start != 0.0:
                raise ValueError(f"start_factor={start_factor!r} and start={start!r}: give one of them")
            start = validation.not_negative("start_factor", start_factor) * self(0)
        return compositions.Warmup(self, steps, start=start, shape=shape)

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
        return compositions.Joined(self, other, at)

    @known_by_name
    def restarted(self, every: float, factor: float = 1.0) -> Restarted:
        """Begin the schedule again every so many steps.

        Parameters
        ----------
        every : int or float
            Steps after which it begins again, from 1e-100 to 1e100; at exactly so many it has begun again.
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
        return compositions.Restarted(self, every, factor=factor)

    @known_by_name
    def shifted(self, by: float) -> Shifted:
        """Begin the schedule later, or in its midst.

        Parameters
        ----------
        by : int or float
            How many steps later it begins; below 0, at which of its own steps. Up to 1e100 in size.

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
        return compositions.Shifted(self, by)

    @known_by_name
    def reversed(self, steps: float) -> Reversed:
        """Run the schedule backwards.

        Parameters
        ----------
        steps : int or float
            At which of its own steps it begins, 0 or from 1e-100 to 1e100.

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
        return compositions.Reversed(self, steps)

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
            ``"linear"``, ``"cosine"``, ``"1-sqrt"``, ``"exponential"`` (to an end above 0), or ``"constant"``.

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
        return compositions.CooledDown(self, at, steps, end=end, shape=shape)

    @known_by_name
    def k_decay(self, k: float, decay_steps: float) -> KDecay:
        """Slow the schedule down at its start, and hurry it at its end.

        Parameters
        ----------
        k : float
            The exponent, from 1e-100 to 1e100; above 1 it is slower at first, and 1 changes nothing.
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
        return compositions.KDecay(self, decay_steps, k)

    @known_by_name
    def scaled(self, factor: float) -> Scaled:
        """Multiply every rate by a factor.

        Parameters
        ----------
        factor : float
            The factor, from 1e-100 to 1e100; so must be the product with those of schedules inside.

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
        return compositions.Scaled(self, factor)

    @known_by_name
    def clipped(self, lowest: float | None = None, highest: float | None = None) -> Clipped:
        """Keep every rate within bounds.

        Parameters
        ----------
        lowest : float or None, default None
            The least rate, 0 or from 1e-100 to 1e100; None for no such bound.
        highest : float or None, default None
            The largest rate, 0 or from 1e-100 to 1e100, not below ``lowest``; None for no such bound.

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
        return compositions.Clipped(self, lowest=lowest, highest=highest)

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

        Raises
        ------
        ValueError, TypeError
            For a parameter outside its range or of a wrong kind.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> s = lrd.InverseTimeDecay(0.1, decay_rate=1.0).per_epoch(100, staircase=True)
        >>> s([0, 99, 100, 200])
        array([0.1       , 0.1       , 0.05      , 0.03333333])
        """
        return compositions.PerEpoch(self, steps_per_epoch, staircase=staircase)

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
        return compositions.Stretched(self, to, self._length_given(of, "of"))

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
        return self.then(rest.stretched(to=to - begin, of=rounded_up(left)), at=begin)

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
        return compositions.Sum(self, other) if isinstance(other, Schedule) else NotImplemented

    def __mul__(self, other: Schedule | float) -> Any:
        """The product of two schedules, or of a schedule and a number."""
        if isinstance(other, Schedule):
            return compositions.Product(self, other)
        return self.scaled(other) if isinstance(other, Real) else NotImplemented

    def __rmul__(self, factor: float) -> Any:
        """The product of a number and a schedule."""
        return self.scaled(factor) if isinstance(factor, Real) else NotImplemented
