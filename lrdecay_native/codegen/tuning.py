"""What the generated loops are tuned with; the end of each name is its unit."""

from __future__ import annotations

STRIP_STEPS = 256
"""Steps that go through one stage of a kernel together; what they hand on stays in the nearest cache."""

LONGEST_STAGE_OPERATIONS = 40
"""A loop with more has a chain of dependences too long for a processor to overlap its rounds."""

CACHE_LINE_BYTES = 64
"""A line of the processor's cache."""

PREFETCH_AHEAD_BYTES = 4096
"""How long before it writes to them a loop that goes both ways asks for lines: processors expect one way."""

PREFETCHED_BYTES = 512
"""Lines that are asked for at once, in C."""

PREFETCHED_WHOLE_BYTES = 2**20
"""So many that a sub-block is asked for whole: LLVM makes no vectors of a loop within a loop over its spans."""

TILE_BYTES = 2**14
"""What is read again from the nearest of the processor's caches."""

TILE_PREFETCH_AHEAD_BYTES = 2048
"""How long before it writes to them a loop asks for lines that writes in many places by turns."""

STREAMED_BYTES = 2048
"""What is written past the cache at once."""

SHORT_RUN_STEPS = 8
"""Short runs are written in groups of so many values."""

FLAT_RATIO = {"float64": 2.0**-8, "float32": 2.0**-9}
"""Up to this part of a value, what is added to it needs no second number."""

VALUE_BYTES = {"float64": 8, "float32": 4}
"""The size of a value."""
