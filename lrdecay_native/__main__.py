"""``python -m lrdecay_native`` and the console script ``lrdecay``."""

from __future__ import annotations

import sys

TRAINING_EXTRA = frozenset({"click", "rich", "keras", "tensorflow", "matplotlib", "sklearn"})


def main() -> int:
    """Run the command line on `sys.argv`; return the exit status."""
    try:
        from lrdecay_native.command_line.commands import run

        return run(sys.argv[1:])
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in TRAINING_EXTRA:
            raise
        print(
            f"lrdecay: this needs {package}, which isn't installed; "
            'run: pip install "lrdecay_native[training]"',
            file=sys.stderr,
        )
        return 2


if __name__ == "__main__":
    sys.exit(main())
