"""The texts of messages: values as they are shown, and none longer than a screen."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LONGEST_MESSAGE = 2000
"""Characters of a message about what was read."""

MOST_SHOWN = 500
"""Characters of a value that a message shows at most."""


class _Shown(reprlib.Repr):
    """As `repr` for what is short."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdict = self.maxarray = 12
        self.maxstring = self.maxother = self.maxlong = MOST_SHOWN

    def repr_int(self, x: int, level: int) -> str:
        # Python writes no integer with more than some thousand digits.
        return super().repr_int(x, level) if x.bit_length() < 4096 else f"<integer of {x.bit_length()} bits>"

    def repr_bytes(self, x: bytes, level: int) -> str:
        return repr(x) if len(x) <= MOST_SHOWN else f"{x[:MOST_SHOWN]!r}..."


_SHOWN = _Shown()


def shown(value: Any) -> str:
    """A value as messages show it."""
    text = _SHOWN.repr(value)
    return text if len(text) <= 2 * MOST_SHOWN else f"{text[: 2 * MOST_SHOWN]}..."


def shortened(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """A text, its midst left out where it is long."""
    if len(text) <= longest:
        return text
    return f"{text[: longest // 2]} ... {text[-longest // 2 :]}"


@contextmanager
def short_messages() -> Iterator[None]:
    """Shorten messages about what was read, which may repeat it whole."""
    try:
        yield
    except (ValueError, TypeError) as error:
        if len(str(error)) <= LONGEST_MESSAGE:
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(shortened(str(error))) from None


def depth_of_json(text: str | bytes) -> int:
    """How deep lists and dictionaries are nested in JSON text."""
    import json
    import re

    decoded = text if isinstance(text, str) else bytes(text).decode(json.detect_encoding(text), "replace")
    depth = deepest = 0
    for token in re.findall(r'"(?:[^"\\]|\\.)*"|[][{}]', decoded):
        depth += (token in "[{") - (token in "]}")
        deepest = max(deepest, depth)
    return deepest
