"""Schedules that are a row of phases."""

from lrdecay_native.schedules.phases import boundaries, recipes
from lrdecay_native.schedules.phases.boundaries import *  # noqa: F403
from lrdecay_native.schedules.phases.recipes import *  # noqa: F403

__all__: list[str] = []
__all__ += boundaries.__all__
__all__ += recipes.__all__
