"""Schedules of formulas that a user writes in Python."""
