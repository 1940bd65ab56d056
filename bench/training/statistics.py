"""What measurements say: ratios of paired times, means over seeds, differences of rates.

Nothing here imports a framework.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

CONFIDENCE = 0.95
FEWEST_PAIRS = 6
"""The smallest sample whose order statistics hold the median with this confidence."""


@dataclass(frozen=True)
class Ratio:
    """The ratios of paired times.

    Attributes
    ----------
    median : float
        Their median.
    lower, upper : float
        The 5th and the 95th percentile of the ratios.
    interval : tuple of float
        The 95 % confidence interval of the median, from order statistics (binomial, free of any
        assumption about the distribution).
    """

    median: float
    lower: float
    upper: float
    interval: tuple[float, float]

    @classmethod
    def of(cls, times: Sequence[float], reference: Sequence[float]) -> Ratio:
        """The ratios of each time to the reference's time of the same turn.

        Raises
        ------
        ValueError
            If there are fewer than `FEWEST_PAIRS`.
        """
        ratios = np.asarray(times) / np.asarray(reference)
        lower, median, upper = np.percentile(ratios, [5, 50, 95]).tolist()
        return cls(median, lower, upper, median_interval(ratios))

    @property
    def below_noise(self) -> bool:
        """Whether the turns leave open which one is slower: whether 1 lies in the interval."""
        return self.interval[0] <= 1 <= self.interval[1]


def median_interval(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The 95 % confidence interval of the median of what these values are drawn from."""
    if values.size < FEWEST_PAIRS:
        raise ValueError(
            f"{values.size} values have no {CONFIDENCE:.0%} interval of the median; "
            f"at least {FEWEST_PAIRS} are needed"
        )
    interval = stats.quantile_test(values, p=0.5).confidence_interval(CONFIDENCE)
    return float(interval.low), float(interval.high)


@dataclass(frozen=True)
class Mean:
    """The mean of a sample, and its 95 % confidence interval by Student's t."""

    mean: float
    interval: tuple[float, float]

    @classmethod
    def of(cls, values: Sequence[float]) -> Mean:
        """The mean of at least two values."""
        mean, error = float(np.mean(values)), float(stats.sem(values))
        reach = error * float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
        return cls(mean, (mean - reach, mean + reach))


@dataclass(frozen=True)
class RateDifference:
    """Where the rates of a run aren't a reference's, to the last bit of float32.

    Attributes
    ----------
    first : int or None
        The first step that differs.
    steps : int
        How many steps differ.
    largest_ulp : int
        The largest difference, in units of the last place of float32.
    """

    first: int | None
    steps: int
    largest_ulp: int

    @classmethod
    def of(cls, rates: npt.NDArray[np.float32], reference: npt.NDArray[np.float32]) -> RateDifference:
        """Compare rates step by step; both arrays hold positive numbers."""
        ulp = ulp_differences(rates, reference)
        differing = np.flatnonzero(ulp)
        first = int(differing[0]) if differing.size else None
        return cls(first, int(differing.size), int(np.abs(ulp).max(initial=0)))


def ulp_differences(
    rates: npt.NDArray[np.float32], reference: npt.NDArray[np.float32]
) -> npt.NDArray[np.int64]:
    """How many float32 numbers each rate is above its reference; both positive.

    Examples
    --------
    >>> one = np.float32([1])
    >>> ulp_differences(np.nextafter(one, np.float32(2)), one)
    array([1])
    """
    return rates.view(np.int32).astype(np.int64) - reference.view(np.int32)
