"""Rates at arbitrary steps."""
