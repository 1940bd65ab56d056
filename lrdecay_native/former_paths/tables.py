"""Where pickles of before the move look for these classes."""

from lrdecay_native.schedules.tables import *  # noqa: F403
