"""Files written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def check_folder(folder: Path) -> None:
    """Raise unless files can be written into the folder; it is made by `write_whole`, not here.

    Parameters
    ----------
    folder : Path
        An existing folder, or one that is still to be made.

    Raises
    ------
    NotADirectoryError
        If there is a file in its place, or in the place of a folder above it.
    OSError
        If a file can't be created there.
    """
    existing = folder.absolute()
    while not os.path.lexists(existing):
        existing = existing.parent
    if not existing.is_dir():
        raise NotADirectoryError(
            f"{existing} is a file; a folder, or a path where one can be made, is expected"
        )
    # Asking the permissions isn't enough: a read-only file system refuses root too.
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise OSError(
            f"{existing} can't be written ({error.strerror}); a writable folder is expected"
        ) from None


def write_whole(contents: Mapping[Path, bytes]) -> None:
    """Write files so that each appears complete or not at all, and none unless all could be written.

    Parameters
    ----------
    contents : mapping of Path to bytes
        What each file will hold. Missing folders are made; existing files are replaced.
    """
    written: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
            written[partial] = path
            partial.write_bytes(content)
        for partial, path in written.items():
            partial.replace(path)
    finally:
        for partial in written:
            partial.unlink(missing_ok=True)
