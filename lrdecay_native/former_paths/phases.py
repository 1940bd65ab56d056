"""Where pickles of before the move look for these classes."""

from lrdecay_native.schedules.phases.boundaries import *  # noqa: F403
from lrdecay_native.schedules.phases.recipes import *  # noqa: F403
