"""Where pickles of before the move look for these classes."""

from lrdecay_native.schedules.compositions.in_sequence import *  # noqa: F403
from lrdecay_native.schedules.compositions.of_rates import *  # noqa: F403
from lrdecay_native.schedules.compositions.of_time import *  # noqa: F403
