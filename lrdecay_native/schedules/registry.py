"""Every schedule class by its name."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrdecay_native.schedules.base import Schedule

_SCHEDULES: dict[str, type[Schedule]] = {}


def enter(schedule_class: type[Schedule]) -> None:
    """Enter a class that has been defined."""
    _SCHEDULES[schedule_class.__name__] = schedule_class


@cache
def all_schedules() -> dict[str, type[Schedule]]:
    """The classes in the order in which they were defined: all of the library's, and those of own formulas.

    The modules that define them build on this one, so it imports them when they are needed.
    """
    import_module("lrdecay_native.schedules.catalogue")
    return _SCHEDULES


class Registered:
    """The classes as attributes: what their modules are built on can name them before they are defined."""

    def __getattr__(self, name: str) -> Any:
        classes = all_schedules()
        if name not in classes:
            raise AttributeError(name)
        return classes[name]
