"""What the pages say: their code runs, their links lead somewhere, and they name all that there is."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path

import pages
import pytest

import lrdecay_native as lrd
from lrdecay_native.formulas.catalogue import FORMULAS
from lrdecay_native.schedules.registry import all_schedules

PACKAGE = Path(lrd.__file__).parent
README = pages.ROOT / "README.md"
DOCS = pages.ROOT / "docs"
GENERATE = "run: make gallery"
OF_THE_LIBRARY = {
    name: cls for name, cls in all_schedules().items() if cls.__module__.startswith("lrdecay_native.")
}
COMPOSITIONS = {name for name, cls in OF_THE_LIBRARY.items() if ".compositions." in cls.__module__}

BY_HAND = [page for page in pages.PAGES if pages.name_of(page) not in pages.GENERATED]


def every_page(language: str) -> pytest.MarkDecorator:
    """A parameter ``page`` for each page with blocks of a language; adapters run theirs."""
    chosen = [page for page in BY_HAND if pages.blocks(page, language)]
    if language == "python":
        chosen = [page for page in chosen if pages.adapter_of(page) is None]
    return pytest.mark.parametrize("page", chosen, ids=pages.name_of)


class TestCode:
    @every_page("python")
    @pytest.mark.usefixtures("as_a_user")
    def test_python_runs_as_printed(self, page: Path) -> None:
        pages.run_page(page)

    @pytest.mark.parametrize("page", pages.PAGES, ids=pages.name_of)
    def test_every_block_is_of_a_kind_that_is_checked(self, page: Path) -> None:
        """Text is what the Python before it prints, or a drawing; a diff is applied by test_gallery."""
        assert {block.language for block in pages.blocks(page)} <= {"python", "sh", "diff", "text"}

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("1 + 1  # 3", "page.md:8 says 3, and it is 2"),
            ("(\n    1,\n    2,\n)  # (1, 3)", r"page.md:8 says \(1, 3\), and it is \(1, 2\)"),
        ],
    )
    def test_a_wrong_value_is_seen(self, code: str, message: str) -> None:
        with pytest.raises(AssertionError, match=message):
            pages.run(pages.Block("python", code, line=8), "page.md", {})

    def test_a_wrong_output_is_seen(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        page = tmp_path / "page.md"
        page.write_text("```python\nprint(0.1)\n```\n\n```text\n0.2\n```\n")
        monkeypatch.setattr(pages, "ROOT", tmp_path)
        with pytest.raises(AssertionError, match=r"page.md:6 says 0.2, and it is 0.1"):
            pages.run_page(page)


# The commands on the pages: which of them can be checked without what they do, and how.


def run_quietly(*command: str, folder: Path = pages.ROOT) -> str:
    """Run a command; what it wrote, if it went well."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{shlex.join(command)}: {done.stderr or done.stdout}"
    return done.stdout


def check_make(arguments: list[str], page: Path, folder: Path) -> None:
    """The targets are in the Makefile."""
    run_quietly("make", "--dry-run", *arguments)


def check_pip(arguments: list[str], page: Path, folder: Path) -> None:
    """What is installed is this folder, and the extras are there."""
    extras = metadata("lrdecay_native").get_all("Provides-Extra", [])
    target = re.fullmatch(r"\.(?:\[(.+)\])?", arguments[-1])
    assert arguments[0] == "install"
    assert target is not None
    assert set((target[1] or "").split(",")) - {""} <= set(extras)


def check_lrdecay(arguments: list[str], page: Path, folder: Path) -> None:
    """The command runs; training only as far as the data, which isn't there."""
    command = [sys.executable, "-m", "lrdecay_native", *arguments]
    if arguments[0] != "train":
        run_quietly(*command, folder=folder)
        return
    refused = subprocess.run([*command, "--data", "none.npz"], cwd=folder, capture_output=True, text=True)
    assert "none.npz" in refused.stderr
    assert "option" not in refused.stderr


def check_python(arguments: list[str], page: Path, folder: Path) -> None:
    """Tests: the files are there, and what is chosen by name is a formula. Else the script is there, or runs."""
    if arguments[0].endswith(".py"):
        assert (pages.ROOT / arguments[0]).exists()
        return
    assert arguments[0] == "-m"
    if arguments[1] == "pytest":
        check_pytest(arguments[2:], page, folder)
    elif arguments[1] == "bench":
        # As far as its options: what is measured takes minutes.
        run_quietly(sys.executable, *arguments, "--help")
    elif arguments[1] != "venv":
        run_quietly(sys.executable, *arguments)


def check_pytest(arguments: list[str], page: Path, folder: Path) -> None:
    names = set(FORMULAS) | set(re.findall(r"^\+def (\w+)\(", page.read_text(encoding="utf-8"), re.MULTILINE))
    for before, argument in zip([None, *arguments], arguments, strict=False):
        if before == "-k":
            assert argument in names
        elif before not in ("-m", "-n") and not argument.startswith("-"):
            assert (pages.ROOT / argument).exists()


def check_script(arguments: list[str], page: Path, folder: Path) -> None:
    """There is nothing else than the script to be checked."""


COMMANDS = {
    "cd": check_script,
    "git": check_script,
    "lrdecay": check_lrdecay,
    "make": check_make,
    "pip": check_pip,
    "python": check_python,
}


def commands(page: Path) -> Iterator[list[str]]:
    """The commands of a page, without comments and without the variables before them."""
    for block in pages.blocks(page, "sh"):
        for line in block.code.splitlines():
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                del words[0]
            if words:
                yield words


@every_page("sh")
def test_commands(page: Path, tmp_path: Path) -> None:
    for command, *arguments in commands(page):
        if (pages.ROOT / command).is_file():
            continue
        assert command.removeprefix(".venv/bin/") in COMMANDS, f"say how the tests check {command!r}"
        COMMANDS[command.removeprefix(".venv/bin/")](arguments, page, tmp_path)


class TestLinks:
    @pytest.mark.parametrize("page", pages.PAGES, ids=pages.name_of)
    def test_they_lead_to_files_and_headings(self, page: Path) -> None:
        assert not pages.broken_links(page)

    def test_a_broken_one_is_seen(self, tmp_path: Path) -> None:
        page = tmp_path / "page.md"
        page.write_text(
            "# A heading, twice\n# A heading, twice\n[1](#a-heading-twice-1) [2](#none) [3](none.md)\n"
        )
        assert pages.broken_links(page) == ["#none", "none.md"]

    def test_the_index_has_every_page(self) -> None:
        listed = {target.partition("#")[0] for target in pages.links(DOCS / "README.md")}
        assert listed >= {page.name for page in DOCS.glob("*.md")} - {"README.md"}


def composing_methods() -> list[str]:
    """The methods of schedules that make a schedule of them."""
    made = {"Schedule", *COMPOSITIONS}
    return [
        name
        for name, method in vars(lrd.Schedule).items()
        if not name.startswith("_") and getattr(method, "__annotations__", {}).get("return") in made
    ]


class TestArchitecture:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")

    @pytest.mark.parametrize(
        "place", sorted(set(re.findall(r"`([\w/]+\.(?:py|pyx|pxi|h)(?:: [\w.]+)?)`", page)))
    )
    def test_every_file_and_name_is_there(self, place: str) -> None:
        name, _, defined = place.partition(": ")
        (file,) = [path for root in (PACKAGE, pages.ROOT) if (path := root / name).exists()]
        for part in filter(None, defined.split(".")):
            definition = rf"^\s*(?:c?def|class|cdef class|cdef \w+)\s+{part}\b|^\s*{part}\s*[:=]"
            assert re.search(definition, file.read_text(encoding="utf-8"), re.MULTILINE), (
                f"{name} has no {part}"
            )

    def test_the_picture_has_every_folder(self) -> None:
        (picture,) = pages.blocks(DOCS / "architecture.md", "text")
        for folder in PACKAGE.iterdir():
            if (folder / "__init__.py").exists():
                assert f" {folder.name}/ " in picture.code


class TestNames:
    def test_the_readme_is_short(self) -> None:
        assert len(README.read_text(encoding="utf-8").splitlines()) <= 150

    @pytest.mark.parametrize("name", sorted(set(OF_THE_LIBRARY) - COMPOSITIONS))
    def test_the_readme_has_every_schedule(self, name: str) -> None:
        assert f"`{name}`" in README.read_text(encoding="utf-8"), GENERATE

    @pytest.mark.parametrize("name", composing_methods())
    def test_readme_and_docs_have_every_composition(self, name: str) -> None:
        assert f"`{name}`" in README.read_text(encoding="utf-8")
        assert f"| `s.{name}(" in (DOCS / "compositions.md").read_text(encoding="utf-8")

    @pytest.mark.parametrize("name", sorted(OF_THE_LIBRARY))
    def test_the_docs_have_every_class(self, name: str) -> None:
        page = (DOCS / "schedules.md").read_text(encoding="utf-8")
        assert f"\n| [`{name}`](gallery.md#{name.lower()})" in page, GENERATE

    def test_no_docstring_says_what_the_one_before_it_does(self) -> None:
        """One that begins "Likewise" says nothing to whom a search leads there."""
        likewise = re.compile(r'^\s*"""Likewise', re.MULTILINE)
        assert not [
            path for path in PACKAGE.rglob("*.py") if likewise.search(path.read_text(encoding="utf-8"))
        ]

    def test_the_tests_of_wheels_are_there(self) -> None:
        named = re.findall(
            r"\{project\}/(\S+?)[\" ]", (pages.ROOT / "pyproject.toml").read_text(encoding="utf-8")
        )
        assert named
        assert all((pages.ROOT / path).exists() for path in named)

    @pytest.mark.parametrize("name", sorted(FORMULAS))
    def test_the_docs_have_every_formula(self, name: str) -> None:
        assert f"\n| `{name}(step, " in (DOCS / "schedules.md").read_text(encoding="utf-8"), GENERATE
