"""MNIST for the tests: a small file of its shape, and the real one where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from digits import small_digits, write_digits  # noqa: F401 - fixtures

ROOT = Path(__file__).parents[2]


@pytest.fixture
def real_mnist() -> Path:
    """The whole of MNIST: LRDECAY_MNIST, or ../shared/mnist/mnist.npz beside the repository."""
    path = Path(os.environ.get("LRDECAY_MNIST") or ROOT.parent / "shared" / "mnist" / "mnist.npz")
    if not path.exists():
        pytest.skip(f"there is no MNIST at {path}; LRDECAY_MNIST can name one")
    return path
