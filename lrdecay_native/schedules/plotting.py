"""Pictures of schedules, with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lrdecay_native import validation
from lrdecay_native.messages import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from lrdecay_native.schedules.planning import Planned

MOST_STEPS_DRAWN = 2000
"""At most this many steps are drawn, evenly spread: more than a screen is wide."""


def plot_schedule(schedule: Planned, stop: int, ax: Axes | None = None) -> Axes:
    """Draw a schedule; see `Schedule.plot`."""
    if validation.whole("stop", stop) < 1:
        raise ValueError(f"stop={stop!r} must be at least 1")
    try:
        import matplotlib.pyplot as plt
        from matplotlib.axes import Axes
    except ModuleNotFoundError:
        raise ModuleNotFoundError("plot needs matplotlib; run 'pip install lrdecay_native[plot]'") from None
    if ax is not None and not isinstance(ax, Axes):
        raise TypeError(f"ax={shown(ax)} must be matplotlib's Axes, not {type(ax).__name__}")
    axes = plt.gca() if ax is None else ax
    last = min(stop, MOST_STEPS_DRAWN) - 1
    # Whole numbers: a float64 would round the last of 2**63 steps up to one that is none.
    steps = np.array([(int(stop) - 1) * k // max(last, 1) for k in range(last + 1)])
    axes.plot(steps, schedule(steps), label=repr(schedule))
    axes.set(xlabel="step", ylabel="learning rate")
    return axes
