"""Schedules: immutable values that are callables of the step."""

from lrdecay_native.schedules import compositions, cycles, decays, phases, tables
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.compositions import *  # noqa: F403 - so a new schedule needs no line here
from lrdecay_native.schedules.cycles import *  # noqa: F403
from lrdecay_native.schedules.decays import *  # noqa: F403
from lrdecay_native.schedules.phases import *  # noqa: F403
from lrdecay_native.schedules.registry import SCHEDULES as SCHEDULES
from lrdecay_native.schedules.serialisation import (
    _from_states as _from_states,  # Pickles name it, and the next one, here.
)
from lrdecay_native.schedules.serialisation import _unfilled as _unfilled
from lrdecay_native.schedules.serialisation import from_dict, from_json
from lrdecay_native.schedules.tables import *  # noqa: F403

__all__ = ["Schedule", "from_dict", "from_json"]
__all__ += decays.__all__
__all__ += phases.__all__
__all__ += cycles.__all__
__all__ += tables.__all__
__all__ += compositions.__all__
