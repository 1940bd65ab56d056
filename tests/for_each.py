"""Many values in one test."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any


def for_each(names: str | tuple[str, ...], values: Iterable[Any]) -> Callable[[Callable[..., None]], Any]:
    """As `pytest.mark.parametrize`, but the test runs with all values, and says which one failed.

    Where each of all schedules meets each of many values, pytest takes longer to begin a test than it runs.
    """
    together = (names,) if isinstance(names, str) else names
    rows = [(value,) if isinstance(names, str) else value for value in values]

    def decorate(test: Callable[..., None]) -> Any:
        signature = inspect.signature(test)

        @functools.wraps(test)
        def run(*arguments: Any, **fixtures: Any) -> None:
            for row in rows:
                given = dict(zip(together, row, strict=True))
                try:
                    test(*arguments, **fixtures, **given)
                except Exception as error:
                    raise AssertionError(f"with {given!r:.500}: {error!r:.500}") from error

        left = [parameter for name, parameter in signature.parameters.items() if name not in together]
        run.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        return run

    return decorate
