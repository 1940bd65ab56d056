"""The docstrings of composed schedules, of which the methods that make them have a part."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

C = TypeVar("C", bound=type[Any])

RAISES = """\
Raises
------
ValueError, TypeError
    For a parameter outside its range or of a wrong kind.

"""


def described_by(method: Callable[..., Any]) -> Callable[[C], C]:
    """Describe the parameters of a class that it doesn't describe itself as those of the method that makes it."""

    def complete(cls: C) -> C:
        # Python can be told to leave docstrings out.
        if cls.__doc__ and method.__doc__:
            documented: Any = cls
            documented.__doc__ = _Docstring(cls, cls.__doc__, method.__doc__)
        return cls

    return complete


class _Docstring:
    """A docstring that is put together when it is asked for."""

    def __init__(self, cls: Any, own: str, of_method: str) -> None:
        self._class, self._own, self._of_method = cls, own, of_method

    def __get__(self, instance: Any, owner: Any = None) -> str:
        known = _entries(self._of_method) | _entries(self._own)
        entries = "".join(known[parameter.name] for parameter in fields(self._class))
        text = re.sub(_PARAMETERS, lambda _: entries, inspect.cleandoc(self._own) + "\n", flags=re.MULTILINE)
        return re.sub(_AFTER_PARAMETERS, RAISES, text, count=1, flags=re.MULTILINE)


_PARAMETERS = r"(?<=^Parameters\n-{10}\n)(?:\w.*\n(?: .*\n)+)+"
_PARAMETER = r"^(\w+) : .*\n(?: .*\n)+"
_AFTER_PARAMETERS = r"^(?=(?:Notes|Examples)\n-)"


def _entries(docstring: str) -> dict[str, str]:
    """The text about each parameter."""
    section = re.search(_PARAMETERS, inspect.cleandoc(docstring), re.MULTILINE)
    entries = re.finditer(_PARAMETER, section[0], re.MULTILINE) if section else ()
    return {entry[1]: entry[0] for entry in entries}
