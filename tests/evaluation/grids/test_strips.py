"""Long vectors are written in parts that are written as the whole would be."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from draws import draws

from lrdecay_native.evaluation.grids.blocks import CACHE_BYTES
from lrdecay_native.evaluation.grids.grids import STEPS_PER_ROUND, strips


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_parts_are_long_and_begin_on_lines_of_the_cache(random: Random, dtype: str) -> None:
    for size in [1, STEPS_PER_ROUND, 10**7, *(random.randrange(1, 10**8) for _ in range(draws(50)))]:
        # No memory is touched.
        out = np.lib.stride_tricks.as_strided(np.empty(0, dtype), (size,), (np.dtype(dtype).itemsize,))
        parts = list(strips(out))
        begins = [part.__array_interface__["data"][0] - out.__array_interface__["data"][0] for part in parts]
        assert sum(map(len, parts)) == size
        assert begins == [sum(part.nbytes for part in parts[:k]) for k in range(len(parts))]
        assert not any(begin % 64 for begin in begins)
        assert max(map(len, parts)) < 1.001 * STEPS_PER_ROUND
        assert len(parts) == 1 or min(part.nbytes for part in parts) > 0.999 * CACHE_BYTES
