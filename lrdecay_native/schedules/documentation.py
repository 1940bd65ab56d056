"""The docstrings of composed schedules, of which the methods that make them have a part."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

C = TypeVar("C", bound=type[Any])

_PARAMETERS = re.compile(r"(?<=^Parameters\n-{10}\n)(?:\w.*\n(?: .*\n)+)+", re.MULTILINE)
_ENTRY = re.compile(r"^(\w+) : .*\n(?: .*\n)+", re.MULTILINE)
_FIRST_AFTER = re.compile(r"^(?=(?:Notes|Examples)\n-)", re.MULTILINE)

_RAISES = """\
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
            text = inspect.cleandoc(cls.__doc__) + "\n"
            known = _entries(method.__doc__) | _entries(cls.__doc__)
            entries = "".join(known[parameter.name] for parameter in fields(cls))
            cls.__doc__ = _FIRST_AFTER.sub(_RAISES, _PARAMETERS.sub(lambda _: entries, text), 1)
        return cls

    return complete


def _entries(docstring: str) -> dict[str, str]:
    """The text about each parameter."""
    section = _PARAMETERS.search(inspect.cleandoc(docstring))
    return {entry[1]: entry[0] for entry in _ENTRY.finditer(section[0])} if section else {}
