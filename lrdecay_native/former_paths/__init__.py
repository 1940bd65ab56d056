"""Modules as they were named before the move: pickles name them."""
