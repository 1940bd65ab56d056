"""Schedules: immutable values that are callables of the step."""

from typing import Any


def __getattr__(name: str) -> Any:
    """What pickles name here."""
    if name not in ("_from_states", "_unfilled"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lrdecay_native.schedules import serialisation

    return getattr(serialisation, name)
