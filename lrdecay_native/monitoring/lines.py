"""The line that says which rate an epoch begins with."""

from __future__ import annotations

from collections.abc import Iterable


def line_of_epoch(epoch: int, rates: Iterable[str]) -> str:
    """The line of an epoch, counted from 0, with the texts of its rates."""
    return f"Epoch {epoch + 1:02d}: learning rate = {', '.join(rates)}"


def rate_text(rate: float) -> str:
    """Five digits, of a small rate as well."""
    return f"{rate:.5f}" if rate == 0 or rate >= 0.001 else f"{rate:.5g}"
