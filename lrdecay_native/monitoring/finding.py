"""What a learning-rate range test found, and which rate it suggests."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lrdecay_native import validation
from lrdecay_native.caching import cached
from lrdecay_native.schedules.phases.boundaries import PiecewiseInterpolation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WINDOW_IN_DECADES = 1.0
"""Over how many decades of rates a line is fitted to find the steepest fall."""

SIGNIFICANT_STANDARD_ERRORS = 4.0
"""How many standard errors a slope must be below zero to be a fall and not the noise of the batches."""


@dataclass(frozen=True, eq=False, repr=False)
class LearningRateFinding:
    """What `find_learning_rate` found.

    Attributes
    ----------
    learning_rates : ndarray of float64
        The rate of each step, ascending.
    losses : ndarray of float64
        The loss of each step's own batch, before the step.
    smoothed : ndarray of float64
        Its exponential average, corrected for the bias of the beginning.
    """

    learning_rates: npt.NDArray[np.float64]
    losses: npt.NDArray[np.float64]
    smoothed: npt.NDArray[np.float64]

    @cached
    def suggestion(self) -> float:
        """The rate at which the loss falls most steeply per decade, before its lowest.

        A straight line is fitted to the losses over the logarithm of the rate, in a window of one decade (of a
        third of the rates, where they span less) about each rate up to that of the lowest smoothed loss.  The
        rate of the window whose line falls most steeply is suggested.

        Raises
        ------
        ValueError
            If no line falls by more than four standard errors: the losses show no fall, but the noise of batches.
        """
        suggested = _steepest_fall(self.learning_rates, self.losses, int(np.argmin(self.smoothed)))
        if suggested is None:
            low, high = self.learning_rates[[0, -1]]
            raise ValueError(
                f"the loss doesn't fall between the rates {low:.3g} and {high:.3g} by more than its noise: "
                "look at plot(), and try other rates, more steps or larger batches"
            )
        return suggested

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the losses over the rates, and mark the suggestion if there is one.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default the current axes.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ModuleNotFoundError
            If matplotlib isn't installed.
        """
        try:
            import matplotlib.pyplot as plt
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                "plot needs matplotlib; run 'pip install lrdecay_native[plot]'"
            ) from None
        axes = plt.gca() if ax is None else ax
        axes.plot(self.learning_rates, self.losses, alpha=0.3, label="loss of each batch")
        axes.plot(self.learning_rates, self.smoothed, label="smoothed")
        with suppress(ValueError):
            axes.axvline(self.suggestion, color="black", ls="--", label=f"suggestion: {self.suggestion:.3g}")
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss")
        axes.legend()
        return axes

    def __repr__(self) -> str:
        low, high = self.learning_rates[[0, -1]]
        try:
            suggestion = f"suggestion={self.suggestion:.3g}"
        except ValueError:
            suggestion = "no suggestion"
        return f"<LearningRateFinding: {len(self.losses)} rates from {low:.3g} to {high:.3g}, {suggestion}>"


FEWEST_STEPS = 10


class RangeTest:
    """The rates of a range test, step by step, and the losses at them.

    Parameters
    ----------
    lowest, highest : float
        The rates of the first and the last step.
    steps : int
        The number of steps.
    smoothing : float
        The weight of the past in the average of the losses.
    divergence : float
        How many times its lowest the smoothed loss may be.

    Raises
    ------
    ValueError, TypeError
        For a parameter out of range or of a wrong kind.
    """

    def __init__(
        self, lowest: float, highest: float, steps: int, smoothing: float, divergence: float
    ) -> None:
        lowest, highest = validation.positive("lowest", lowest), validation.positive("highest", highest)
        if lowest >= highest:
            raise ValueError(f"lowest={lowest!r} must be below highest={highest!r}")
        self.steps = validation.whole("steps", steps, lowest=FEWEST_STEPS)
        if not 0 <= validation.real("smoothing", smoothing) < 1:
            raise ValueError(f"smoothing={smoothing!r} must be from 0 to below 1")
        if validation.real("divergence", divergence) <= 1:
            raise ValueError(f"divergence={divergence!r} must be above 1")
        self.sweep = PiecewiseInterpolation([0, steps - 1], [lowest, highest], shape="exponential")
        self._smoothing, self._divergence = smoothing, divergence
        self._rates: list[float] = []
        self._losses: list[float] = []
        self._smoothed: list[float] = []

    def goes_on(self, step: int, loss: float) -> bool:
        """Note the loss of a step, and say whether the losses are still worth following."""
        if not math.isfinite(loss):
            return False
        self._rates.append(self.sweep(step))
        self._losses.append(loss)
        # The average of all losses with the weight ``smoothing**k`` for that of k steps ago.
        weights = self._smoothing ** np.arange(len(self._losses))[::-1]
        self._smoothed.append(float(weights @ self._losses / weights.sum()))
        return not self._smoothed[-1] > self._divergence * min(self._smoothed) > 0

    def finding(self) -> LearningRateFinding:
        """What was found.

        Raises
        ------
        ValueError
            If the first loss was not finite already.
        """
        if not self._losses:
            raise ValueError(f"the loss isn't finite at the first step, at lowest={self.sweep(0)!r}")
        return LearningRateFinding(*map(np.array, (self._rates, self._losses, self._smoothed)))


def _steepest_fall(
    rates: npt.NDArray[np.float64], losses: npt.NDArray[np.float64], last: int
) -> float | None:
    decades = np.log10(rates)
    window = min(WINDOW_IN_DECADES, (decades[-1] - decades[0]) / 3)
    steepest, suggested = 0.0, None
    for index in range(last + 1):
        near = np.abs(decades - decades[index]) <= window / 2
        if near.sum() < 3:
            continue
        slope, error = _line(decades[near], losses[near])
        if slope < min(steepest, -SIGNIFICANT_STANDARD_ERRORS * error):
            steepest, suggested = slope, float(rates[index])
    return suggested


def _line(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The slope of the least-squares line, and its standard error."""
    x, y = x - x.mean(), y - y.mean()
    slope = (x @ y) / (x @ x)
    residuals = y - slope * x
    return float(slope), math.sqrt(residuals @ residuals / (len(x) - 2) / (x @ x))
