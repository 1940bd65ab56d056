"""Schedules made of schedules."""

from lrdecay_native.schedules.compositions import in_sequence, of_rates, of_time
from lrdecay_native.schedules.compositions.in_sequence import *  # noqa: F403
from lrdecay_native.schedules.compositions.of_rates import *  # noqa: F403
from lrdecay_native.schedules.compositions.of_time import *  # noqa: F403

__all__: list[str] = []
__all__ += in_sequence.__all__
__all__ += of_time.__all__
__all__ += of_rates.__all__
