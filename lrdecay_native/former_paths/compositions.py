"""Where pickles of earlier releases look for these classes."""

from lrdecay_native.schedules.compositions import *  # noqa: F403
