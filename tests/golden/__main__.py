"""Write the golden values, print those of this process, or show what is behind one of them.

``make golden``, which is ``python -m tests.golden``, writes checksums.json.  It may be run

- when a schedule, a kernel or a case is new: then no stored value changes, as the command says;
- when rates were wrong and are right now: then CHANGELOG.md says which, and the commit why.

It may not be run so that a test passes after a change that should only have moved code.  To see which rates changed,
write ``python -m tests.golden show CosineDecay "CosineDecay(0.1, 3_000_000)" float64`` before and after the change,
and compare what it prints.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from .cases import names
from .checksums import (
    ENGINES,
    STORED,
    UNFUSED,
    Checksums,
    checksums,
    checksums_of_engine,
    differences,
    results,
    stored_checksums,
)


def write() -> None:
    """Store the values of all engines, which must agree."""
    found = {engine: checksums_of_engine(engine, names()) for engine in ENGINES}
    missing = [engine for engine in ("baseline", "avx2", "numba") if not found[engine]]
    if missing:
        sys.exit(
            f"golden values are written where x86-64 has AVX2; not built or not here: {', '.join(missing)}"
        )
    unfused, fused = found.pop("baseline"), found["avx2"]
    for engine, others in found.items():
        if others and others != fused:
            sys.exit("\n  ".join([f"{engine} differs from avx2 in", *differences(others, fused, fused=True)]))
    for name, cases in fused.items():
        for case, aspects in cases.items():
            rounded_twice = unfused[name][case]
            aspects |= {a + UNFUSED: c for a, c in rounded_twice.items() if c != aspects[a]}
    before = stored_checksums() if STORED.exists() else {}
    changed = [f"{n}: {c}" for n in before for c in before[n] if before[n][c] != fused.get(n, {}).get(c)]
    STORED.write_text(_lines(fused), encoding="utf-8")
    print("\n  ".join([f"{STORED}: of the stored cases {len(changed)} changed or went", *changed]))
    print(f"new: {', '.join(sorted(fused.keys() - before.keys())) or 'no name'}")


def _lines(stored: Checksums) -> str:
    """JSON with a line for each case, in the order of the names."""
    names = (
        f"{json.dumps(name)}: {{\n"
        + ",\n".join(f"  {json.dumps(case)}: {json.dumps(aspects)}" for case, aspects in cases.items())
        + "\n}"
        for name, cases in sorted(stored.items())
    )
    return "{\n" + ",\n".join(names) + "\n}\n"


def show(name: str, case: str, aspect: str) -> None:
    """Print every number and every answer on a line."""
    for result in results(name, case, aspect):
        for value in result.ravel().tolist() if isinstance(result, np.ndarray) else [result]:
            print(repr(value))


match sys.argv[1:]:
    case []:
        write()
    case ["print", *chosen]:
        print(json.dumps(checksums(chosen)))
    case ["show", str(name), str(case), str(aspect)]:
        show(name, case, aspect)
    case _:
        sys.exit(__doc__)
