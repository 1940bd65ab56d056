"""How much the drawn tests draw: LRDECAY_DRAWS is "ci", which it is where nothing is said, or "thorough".

Each drawn test says how many draws are thorough; for a change a fifth of them are drawn, the first ones of the same
random numbers.  `make thorough` draws them all.
"""

from __future__ import annotations

import os
from typing import Any

import hypothesis
import pytest

LEVELS = ("ci", "thorough")
LEVEL = os.environ.get("LRDECAY_DRAWS", "ci")
if LEVEL not in LEVELS:
    raise ValueError(f"LRDECAY_DRAWS={LEVEL!r} is unknown; it must be one of {', '.join(LEVELS)}")

CI_PART = 5
"""In CI one of so many."""


thorough_only = pytest.mark.skipif(LEVEL != "thorough", reason="it is in make thorough")


def draws(thorough: int, ci: int | None = None) -> int:
    """How many are drawn: all, or for a change a fifth, or as many as are said to be enough."""
    if LEVEL == "thorough":
        return thorough
    return ci or -(-thorough // CI_PART)


def examples(thorough: int, ci: int | None = None, **options: Any) -> hypothesis.settings:
    """The same for a test that hypothesis draws."""
    return hypothesis.settings(max_examples=draws(thorough, ci), **options)
