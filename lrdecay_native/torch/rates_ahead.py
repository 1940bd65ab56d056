"""The values of a schedule, step by step, computed some steps ahead."""

from __future__ import annotations

import numpy as np

from lrdecay_native.schedules.base import Schedule
from lrdecay_native.validation import STEP_LIMIT

AHEAD = 512
"""Steps that are computed at once; a call for each takes ten times as long."""


class RatesAhead:
    """A schedule whose values are asked for at one step after another; each is the one that a call gives."""

    __slots__ = ("first", "rates", "schedule")

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.first = 0
        self.rates: list[float] = []

    def at(self, step: int | float) -> float:
        """The value at a step; others close behind it will be there at once."""
        place = step - self.first
        if 0 <= place < len(self.rates) and type(place) is int:
            return self.rates[place]
        rate: float = self.schedule(step)
        # A single jump, and a step between whole ones, need no more.
        if step == self.first + len(self.rates) and type(step) is int:
            self._look_ahead(step, rate)
        else:
            self.first, self.rates = (step, [rate]) if type(step) is int else (0, [])
        return rate

    def _look_ahead(self, step: int, rate: float) -> None:
        try:
            rates = self.schedule(np.arange(step, min(step + AHEAD, STEP_LIMIT), dtype=np.int64)).tolist()
        except (ValueError, ArithmeticError):
            # A formula of the user's may have no value somewhere ahead, where the run need not come.
            rates = [rate]
        self.first, self.rates = step, rates
