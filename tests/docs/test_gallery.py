"""docs/gallery.md and docs/schedules.md are what their generators write, and what they say of the library is true."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import lrdecay_native as lrd
from lrdecay_native.schedules.registry import all_schedules

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def generator(name: str) -> ModuleType:
    """A module of the folder docs, which is no package."""
    specification = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    # Dataclasses look their module up.
    sys.modules[module.__name__] = module
    specification.loader.exec_module(module)
    return module


gallery, reference = generator("gallery"), generator("schedules")
EXAMPLES = [example for examples in gallery.sections().values() for example in examples]
OF_THE_LIBRARY = {
    name for name, cls in all_schedules().items() if cls.__module__.startswith("lrdecay_native.")
}


@pytest.fixture(autouse=True)
def _no_window(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("Agg")
    yield
    plt.close("all")


class TestGallery:
    def test_every_schedule_class_has_a_picture(self) -> None:
        assert {example.title for example in EXAMPLES} >= OF_THE_LIBRARY
        assert set(gallery.CLASSES) <= OF_THE_LIBRARY
        page = gallery.PAGE.read_text(encoding="utf-8")
        for name in OF_THE_LIBRARY:
            assert f"### {name}\n" in page, "run: make gallery"
            assert f"](gallery/{name.lower()}.svg)\n" in page

    @pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
    def test_the_code_draws(self, example: Any) -> None:
        schedule = example.run()
        drawn = sys.modules["matplotlib.pyplot"].gca().get_lines()
        assert repr(schedule) in [line.get_label() for line in drawn]
        if example.title in OF_THE_LIBRARY:
            assert type(schedule).__name__ == example.title

    def test_the_page_is_what_the_generator_writes(self) -> None:
        assert gallery.PAGE.read_text(encoding="utf-8") == gallery.page(), "run: make gallery"

    def test_the_readme_shows_plans_of_the_page(self) -> None:
        assert "](docs/curves.svg)" in (ROOT / "README.md").read_text(encoding="utf-8")
        assert gallery.OVERVIEW.exists()
        assert b"<dc:date>" not in gallery.overview()

    def test_every_picture_is_there_and_no_other(self) -> None:
        files = {path.name for path in gallery.PICTURES.iterdir()}
        assert files == {example.file for example in EXAMPLES}
        assert len(files) == len(EXAMPLES)

    @pytest.mark.parametrize("name", ["CosineDecay", "NoamDecay", "Cyclic", "Stretched"])
    def test_a_class_without_code_is_drawn_as_in_its_docstring(self, name: str) -> None:
        code = gallery.code_of_docstring(all_schedules()[name])
        assert type(gallery.Example(name, "", code).run()).__name__ == name

    def test_a_class_without_an_example_is_refused(self) -> None:
        with pytest.raises(LookupError, match="Schedule needs an example in its docstring"):
            gallery.code_of_docstring(lrd.Schedule)

    def test_a_picture_is_the_same_whenever_it_is_drawn(self) -> None:
        example = EXAMPLES[0]
        assert example.picture() == example.picture()
        assert b"<dc:date>" not in example.picture()


# The page of schedules: tables by the heading of their columns.


def column(heading: str) -> list[str]:
    """The cells of the columns with a heading, in all tables of the page."""
    cells: list[str] = []
    index: int | None = None
    for line in reference.PAGE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            index = None
            continue
        # A column's text has no line of its own, and no bar but these.
        row = [cell.strip() for cell in line.strip("|").split("|")]
        if heading in row:
            index = row.index(heading)
        elif index is not None and not set(line) <= set("|-"):
            cells.append(row[index])
    return cells


def codes(cells: list[str]) -> list[str]:
    return [code for cell in cells for code in re.findall(r"`([^`]+)`", cell)]


def refused(make: Callable[[], Any]) -> bool:
    with pytest.raises(ValueError, match="must be"):
        make()
    return True


NAMES: dict[str, Any] = {
    **{name: getattr(lrd, name) for name in lrd.__all__},
    "refused": refused,
    "s": lrd.CosineDecay(0.3, 3000),
    **{"lr": 0.3, "init": 0.01, "end": 0.03, "w": 500, "T": 3000, "n": 700, "b1": 700, "b2": 2000},
    "total_steps": 3000,
}
"""What the letters in the table of rules stand for; tests/parity runs the tables of equals."""

EXPRESSIONS = [code for code in codes(column("their rule is reached by")) if "(" in code]


class TestSchedules:
    def test_the_tables_are_what_the_generator_writes(self) -> None:
        for page, text in reference.pages().items():
            assert page.read_text(encoding="utf-8") == text, "run: make gallery"
        text = reference.PAGE.read_text(encoding="utf-8")
        for name in OF_THE_LIBRARY:
            assert f"| [`{name}`]" in text

    @pytest.mark.parametrize("expression", EXPRESSIONS)
    def test_rules_of_others_can_be_made(self, expression: str) -> None:
        assert isinstance(eval(expression, dict(NAMES)), (lrd.Schedule, lrd.ReduceOnPlateau))

    @pytest.mark.parametrize("expression", codes(column("example")))
    def test_rules_at_edges(self, expression: str) -> None:
        assert eval(expression, dict(NAMES)) is True

    def test_every_rule_has_an_example(self) -> None:
        assert len(column("example")) > 15
        assert all(codes([cell]) for cell in column("example"))


def diffs(page: Path) -> list[str]:
    """The blocks of a page that are diffs."""
    return re.findall(r"^```diff\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


class TestAddingAFormula:
    (diff,) = diffs(DOCS / "adding_a_formula.md")

    @pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="needs git")
    def test_the_diff_applies_or_has_been_applied(self) -> None:
        checks = [
            subprocess.run(
                ["git", "apply", "--check", *direction, "-"],
                input=self.diff,
                text=True,
                cwd=ROOT,
                capture_output=True,
            )
            for direction in ((), ("--reverse",))
        ]
        assert any(check.returncode == 0 for check in checks), checks[0].stderr

    def test_it_is_of_three_files(self) -> None:
        assert len(re.findall(r"^diff --git ", self.diff, re.MULTILINE)) == 3
