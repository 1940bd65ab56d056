"""Every schedule class by its name."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrdecay_native.schedules.base import Schedule

SCHEDULES: dict[str, type[Schedule]] = {}
"""The classes in the order in which they were defined; those of own formulas, too."""


@cache
def all_schedules() -> dict[str, type[Schedule]]:
    """The same, when all classes of the library are in it: the modules that define them build on this one."""
    import_module("lrdecay_native.schedules.catalogue")
    return SCHEDULES


class Registered:
    """The classes as attributes: what their modules are built on can name them before they are defined."""

    def __getattr__(self, name: str) -> Any:
        classes = all_schedules()
        if name not in classes:
            raise AttributeError(name)
        return classes[name]
