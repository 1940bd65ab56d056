"""Where pickles of earlier releases look for these classes."""

from lrdecay_native.schedules.tables import *  # noqa: F403
