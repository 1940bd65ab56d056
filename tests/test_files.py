"""Files are written whole or not at all, and folders are refused before any work."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrdecay_native.files import check_folder, write_whole


def test_a_folder_is_checked_without_being_made(tmp_path: Path) -> None:
    check_folder(tmp_path)
    check_folder(tmp_path / "new" / "newer")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "run"
    file.write_text("earlier")
    for folder in (file, file / "below"):
        with pytest.raises(NotADirectoryError, match=f"{file} is a file; a folder"):
            check_folder(folder)


def test_an_unwritable_folder_is_refused() -> None:
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc, the one folder that refuses root too")
    with pytest.raises(OSError, match=r"/proc can't be written .*a writable folder is expected"):
        check_folder(Path("/proc/lrdecay"))


def test_files_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("earlier")
    write_whole({tmp_path / "a.csv": b"a", tmp_path / "new" / "b.csv": b"b"})
    assert (tmp_path / "a.csv").read_bytes() == b"a"
    assert (tmp_path / "new" / "b.csv").read_bytes() == b"b"
    assert len(list(tmp_path.rglob("*"))) == 3


def test_when_one_file_fails_none_appears(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("earlier")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(FileExistsError):
        write_whole({tmp_path / "a.csv": b"a", tmp_path / "file" / "b.csv": b"b"})
    assert (tmp_path / "a.csv").read_text() == "earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "file"]
