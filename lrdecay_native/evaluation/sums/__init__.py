"""Sums and means of rates."""
