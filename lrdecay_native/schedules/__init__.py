"""Schedules: immutable values that are callables of the step."""

from lrdecay_native.schedules.base import SCHEDULES, Schedule, from_dict, from_json

__all__ = ["SCHEDULES", "Schedule", "from_dict", "from_json"]
