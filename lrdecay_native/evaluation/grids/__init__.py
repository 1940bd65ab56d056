"""Rates on evenly spaced steps, in bulk."""
