"""MNIST-shaped files for the tests: a small made one, and where the real one may be."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
REAL_MNIST = Path(os.environ.get("LRDECAY_MNIST") or ROOT.parent / "shared" / "mnist" / "mnist.npz")
needs_real_mnist = pytest.mark.skipif(
    not REAL_MNIST.exists(), reason=f"there is no MNIST at {REAL_MNIST}; LRDECAY_MNIST can name one"
)


def small_arrays(train: int = 320, test: int = 80) -> dict[str, np.ndarray]:
    """Images in MNIST's shape and type: noise, and a bright bar whose height is the label."""
    random = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", train), ("test", test)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = random.integers(0, 100, (count, 28, 28), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[4 + 2 * label : 6 + 2 * label] = 255
        arrays |= {f"x_{part}": images, f"y_{part}": labels}
    return arrays


def write_digits(path: Path, **replaced: np.ndarray | None) -> Path:
    """Write the small arrays, some replaced by others or, with None, left out."""
    arrays = {**small_arrays(), **replaced}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **{name: a for name, a in arrays.items() if a is not None})
    return path
