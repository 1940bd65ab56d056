"""Where pickles of earlier releases look for these classes."""

from lrdecay_native.schedules.phases import *  # noqa: F403
