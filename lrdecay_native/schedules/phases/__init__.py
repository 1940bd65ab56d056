"""Schedules that are a row of phases."""
