"""The peers' packages, where they are installed."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from types import ModuleType

import pytest

INSTALL = "make parity installs it"


def is_absent(module: str) -> bool:
    """Whether a peer isn't installed, and need not be."""
    return os.environ.get("LRDECAY_PEERS") != "required" and importlib.util.find_spec(module) is None


def peer(module: str) -> ModuleType:
    """A module of a peer; where it is absent the tests are skipped by name, but fail where all are required."""
    if os.environ.get("LRDECAY_PEERS") == "required":
        return importlib.import_module(module)
    imported: ModuleType = pytest.importorskip(module, reason=f"needs {module.split('.')[0]}: {INSTALL}")
    return imported


def peer_alone(module: str, packages: Sequence[str]) -> ModuleType:
    """A module of a peer, without running the packages that it lies in.

    The schedulers of timm and composer need only torch, but their packages import every model and trainer, and
    those need other releases of torch than the one that the other tests run with.
    """
    if importlib.util.find_spec(packages[0]) is None:
        return peer(packages[0])
    for package in packages:
        if package not in sys.modules:
            spec = importlib.util.find_spec(package)
            assert spec is not None
            sys.modules[package] = importlib.util.module_from_spec(spec)
    return peer(module)
