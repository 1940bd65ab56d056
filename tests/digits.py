"""A small file of MNIST's shape, for the tests that train."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Arrays = dict[str, npt.NDArray[Any]]


@pytest.fixture(scope="session")
def small_digits() -> Arrays:
    """320 training and 80 test images: noise, and a bright bar whose height is the label."""
    random = np.random.default_rng(0)
    arrays: Arrays = {}
    for part, count in (("train", 320), ("test", 80)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = random.integers(0, 100, (count, 28, 28), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[4 + 2 * label : 6 + 2 * label] = 255
        arrays |= {f"x_{part}": images, f"y_{part}": labels}
    return arrays


@pytest.fixture(scope="session")
def write_digits(small_digits: Arrays) -> Callable[..., Path]:
    """Writes the small digits, some arrays replaced by others or, with None, left out."""

    def write(path: Path, **replaced: npt.NDArray[Any] | None) -> Path:
        arrays: dict[str, Any] = {**small_digits, **replaced}
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **{name: a for name, a in arrays.items() if a is not None})
        return path

    return write
