"""What a formula consists of beside its function, and which of it isn't there yet."""

from __future__ import annotations

from collections.abc import Iterator

import lrdecay_native as lrd
from lrdecay_native.formulas.catalogue import FORMULAS
from lrdecay_native.schedules.registry import all_schedules

SCHEDULES = "lrdecay_native/schedules/decays/asymptotic.py, or finite.py for what has an end"


def missing_parts() -> list[str]:
    """A line for each part: what tests need before they can be collected."""
    try:
        missing = [part for name in FORMULAS for part in _missing_in_the_package(name)]
    except AttributeError as error:
        # A star import says which name of which module.
        return [f"{error}, but it is in __all__: define it there"]
    # The reference makes objects of the classes.
    return missing or [part for name in FORMULAS for part in _missing_in_the_reference(name)]


def _missing_in_the_package(name: str) -> Iterator[str]:
    if not hasattr(lrd, name):
        line = f'{name} = kernel("{name}")'
        yield f'{name} has no public function: write {line}, and "{name}" in __all__, in {SCHEDULES}'
    classes = [cls for cls in all_schedules().values() if getattr(cls, "_formula", None) == name]
    if not classes:
        yield f'{name} has no schedule: write a class with _formula: ClassVar[str] = "{name}" in {SCHEDULES}'
    for cls in classes:
        if not hasattr(lrd, cls.__name__):
            yield f'{cls.__name__} is not public: write "{cls.__name__}" in __all__ of {cls.__module__}'


def _missing_in_the_reference(name: str) -> Iterator[str]:
    from reference import KERNELS

    if name not in KERNELS:
        yield f"{name} has no true value: write an entry of SINGLE_FORMULAS in tests/reference.py"
