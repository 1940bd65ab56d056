"""What differs between Keras's backends, a module for each: operations in 64 bits, tracing, compiling."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import keras

NAME: str = keras.backend.backend()

backend: Any = import_module(f"{__name__}.{NAME if NAME in ('tensorflow', 'jax', 'torch') else 'fallback'}")
"""The module of Keras's backend."""
