"""The Python examples of the README run, in order, as one program.

A block that begins with ```` ```python ```` runs; one with a word more on that line, such as
```` ```python not run ````, does not.
"""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lrdecay_native.schedules.base import SCHEDULES

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    """The registry of schedules is afterwards what it was: an example defines a formula."""
    before = dict(SCHEDULES)
    yield
    SCHEDULES.clear()
    SCHEDULES.update(before)


def test_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    text = README.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert blocks
    namespace: dict[str, Any] = {"__name__": "readme"}
    for block in blocks:
        lines_before = text.count("\n", 0, block.start(1))
        if block[1].lstrip().startswith(">>>"):
            run_session(block[1], namespace, lines_before)
        else:
            exec(compile("\n" * lines_before + block[1], str(README), "exec"), namespace)


def run_session(session: str, namespace: dict[str, Any], line: int) -> None:
    """Compare what an interactive session prints."""
    example = doctest.DocTestParser().get_doctest(session, namespace, "README", str(README), line)
    runner = doctest.DebugRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(example, clear_globs=False)
    namespace.update(example.globs)
