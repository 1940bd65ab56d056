"""Where pickles of earlier releases look for these classes."""

from lrdecay_native.schedules.decays import *  # noqa: F403
