"""Where pickles of before the move look for these classes."""

from lrdecay_native.schedules.decays.asymptotic import *  # noqa: F403
from lrdecay_native.schedules.decays.finite import *  # noqa: F403
