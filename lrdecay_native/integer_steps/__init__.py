"""Rates at steps that are integers of a framework, in the narrow numbers that it has beside them."""
