"""Modules as they were named in earlier releases: pickles name them."""
