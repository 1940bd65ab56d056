"""Schedules through given points."""
