"""The pages of the project: their blocks of code, run as they stand, and their links."""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers import is_absent

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "findings/*.md", ".github/**/*.md")
    for path in ROOT.glob(pattern)
)
"""Every page in markdown."""

GENERATED = {"docs/benchmarks.md", "docs/gallery.md", "docs/mnist.md"}
"""Pages of which tests of their generators hold every line."""

_FENCE = re.compile(
    r"^(?P<ticks>`{3,})(?P<language>[^\n`]*)\n(?P<code>.*?)^(?P=ticks)$", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CHECKER = doctest.OutputChecker()
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, its code and the line that it begins on."""

    language: str
    code: str
    line: int


def name_of(page: Path) -> str:
    """A page's path from the root, for the names of tests and for messages."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a page, those of some languages if any are given."""
    text = page.read_text(encoding="utf-8")
    found = [
        Block(match["language"], match["code"], text.count("\n", 0, match.start("code")) + 1)
        for match in _FENCE.finditer(text)
    ]
    return [block for block in found if not languages or block.language in languages]


def imports(block: Block, framework: str) -> bool:
    """Whether a block imports a framework, or the adapter for it."""
    return re.search(rf"^(import|from) .*\b{framework}\b", block.code, re.MULTILINE) is not None


def adapter_of(page: Path) -> str | None:
    """The framework that the Python of a page needs, which takes seconds: its adapter's tests run the page."""
    found = blocks(page, "python")
    return next((each for each in ("keras", "torch") if any(imports(block, each) for block in found)), None)


def run_page(page: Path) -> None:
    """Run the Python blocks of a page in order, as one program.

    The comment behind an expression, as in ``schedule(0)  # 0.1``, is what Python prints of its value; a block of
    text behind a block of Python is what that prints. "..." stands for anything.  Blocks that import torch are left
    out where it isn't installed, unless it must be.
    """
    namespace: dict[str, Any] = {"__name__": page.stem}
    found = blocks(page, "python", "text")
    if is_absent("torch"):
        found = [block for block in found if not imports(block, "torch")]
    for block, following in zip(found, [*found[1:], None], strict=True):
        if block.language == "python":
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                run(block, name_of(page), namespace)
            if following is not None and following.language == "text":
                assert_same(following.code, printed.getvalue(), f"{name_of(page)}:{following.line}")


def assert_same(want: str, got: str, where: str) -> None:
    """Compare what a page says with what is; spaces and the ends of lines don't count."""
    assert _CHECKER.check_output(want, got, _FLAGS), f"{where} says {want.strip()}, and it is {got.strip()}"


def run(block: Block, file: str, namespace: dict[str, Any]) -> None:
    """Run the statements of a block, and compare the values of its expressions with their comments."""
    tokens = tokenize.generate_tokens(io.StringIO(block.code).readline)
    comments = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    for statement in ast.parse(block.code, file).body:
        expected = comments.get(statement.end_lineno or 0)
        ast.increment_lineno(statement, block.line - 1)
        if not isinstance(statement, ast.Expr):
            exec(compile(ast.Module([statement], []), file, "exec"), namespace)
            continue
        value = eval(compile(ast.Expression(statement.value), file, "eval"), namespace)
        if expected is not None:
            assert_same(f"{expected[1:].strip()}\n", f"{value!r}\n", f"{file}:{statement.lineno}")


def links(page: Path) -> list[str]:
    """The targets of the links and the pictures of a page that lead into the repository."""
    prose = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", page.read_text(encoding="utf-8")))
    return [
        target for target in _LINK.findall(prose) if "://" not in target and not target.startswith("mailto:")
    ]


def anchors(page: Path) -> set[str]:
    """What a link may have behind "#": the headings of a page as GitHub names them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.+)$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while (name := f"{anchor}-{number}" if number else anchor) in found:
            number += 1
        found.add(name)
    return found


def broken_links(page: Path) -> list[str]:
    """The links of a page that lead to no file, or to no heading of a page."""
    broken = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    return broken
