"""Schedules of formulas that a user writes in Python."""

from lrdecay_native.own_formulas.decorator import UntraceableError, own_formula

__all__ = ["UntraceableError", "own_formula"]
