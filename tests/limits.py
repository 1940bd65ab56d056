"""A generous limit for what must end, so that a test fails where it would hang."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """A `TimeoutError` after so many seconds."""

    def too_long(*_: Any) -> None:
        raise TimeoutError(f"it hasn't ended within {seconds} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
