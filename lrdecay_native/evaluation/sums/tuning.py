"""Where sums change from one way to another, and how much they add one by one."""

from __future__ import annotations

import numpy as np

NODES = 24
"""Samples per block."""

FEW_STEPS = 64
"""So many steps are added one by one."""

TOLERANCE = max(2.0**-56, float(16 * np.finfo(np.longdouble).eps))
"""How large the last coefficients of a block may be, relative to its rates."""

NEGLIGIBLE = 2.0**-62
"""The part of the sum that doesn't count."""

DENORMAL = 1e-318
"""Errors up to here are those of denormal numbers."""

LARGEST_DENOMINATOR = 64
"""Cycles whose period is a fraction with a larger denominator have their steps at too many different places."""

RUNS_PER_ROUND = 2**16
"""Runs per round where they are added one by one."""

SHORTEST_CYCLE_STEPS = 2**13
"""Steps of shorter cycles are added one by one, where cycles differ."""

STEPS_PER_ROUND = 2**16
"""Steps per round where they are added one by one."""

SHORTEST_REPEAT_STEPS = 2**12
"""Steps of shorter cycles are added one by one, where they differ."""

MOST_STEPS = 2**31
"""Steps that are added one by one at most; they take some minutes."""

MOST_CYCLES = 2**17
"""Cycles that are added one by one at most; they take some minutes too."""

STEPS_PER_SEARCH = 2**22
"""Steps per round where intervals are found first."""

FEW_INTERVALS = 2**10
"""Where a round has fewer, the next one has more steps."""

MOST_INTERVALS = 2**25
"""Intervals that are added one by one at most; they take some minutes too."""

BITS = 200
"""Bits behind the point of what is a sum of products of exact numbers."""
