"""Which text an engine was built from: what it is generated from, and what of it is written by hand."""

from __future__ import annotations

import zlib
from pathlib import Path

_GENERATED_FROM = ("formulas", "arithmetic", "codegen")


def source_checksum(root: Path) -> int | None:
    """The checksum of the sources in the folder of the package and of ``src``; None where there are none."""
    native = root / "src"
    if not (native / "engine.pyx").is_file():
        return None
    package = root / "lrdecay_native"
    paths = [path for folder in _GENERATED_FROM for path in sorted((package / folder).glob("*.py"))]
    paths += sorted(path for path in native.iterdir() if path.suffix in (".pyx", ".pxi", ".h"))
    checksum = 0
    for path in paths:
        # The lines, however they end.
        checksum = zlib.crc32(path.read_bytes().replace(b"\r\n", b"\n"), checksum)
    return checksum
