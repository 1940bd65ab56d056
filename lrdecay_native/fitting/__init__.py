"""Schedules through given points."""

from lrdecay_native.fitting.fit import fit

__all__ = ["fit"]
