"""Where pickles of earlier releases look for these classes."""

from lrdecay_native.schedules.cycles import *  # noqa: F403
