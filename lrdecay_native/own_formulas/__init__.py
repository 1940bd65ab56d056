"""Schedules of formulas that a user writes in Python."""

from lrdecay_native.own_formulas.array_namespace import UntraceableError
from lrdecay_native.own_formulas.decorator import own_formula

__all__ = ["UntraceableError", "own_formula"]
