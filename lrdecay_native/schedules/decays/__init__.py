"""The schedules that are one formula, and the formulas as functions of the step."""

from lrdecay_native.schedules.decays import asymptotic, finite
from lrdecay_native.schedules.decays.asymptotic import *  # noqa: F403
from lrdecay_native.schedules.decays.finite import *  # noqa: F403

__all__: list[str] = []
__all__ += asymptotic.__all__
__all__ += finite.__all__
