"""Every schedule class by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrdecay_native.schedules.base import Schedule

SCHEDULES: dict[str, type[Schedule]] = {}
"""The classes in the order in which they were defined; those of own formulas, too."""


class Registered:
    """The classes as attributes: what their modules are built on can name them before they are defined."""

    def __getattr__(self, name: str) -> Any:
        if name not in SCHEDULES:
            raise AttributeError(name)
        return SCHEDULES[name]
