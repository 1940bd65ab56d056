"""All schedule classes, and the functions of formulas that stand beside them: what `lrdecay_native` has the names of.

Packages import none of their own modules: one that does can meet another thread that imports one of these first, and
Python breaks such a knot by giving out half of a module.
"""

from lrdecay_native.schedules import cycles, tables
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.compositions import in_sequence, of_rates, of_time
from lrdecay_native.schedules.compositions.in_sequence import *  # noqa: F403 - so a new schedule needs no line here
from lrdecay_native.schedules.compositions.of_rates import *  # noqa: F403
from lrdecay_native.schedules.compositions.of_time import *  # noqa: F403
from lrdecay_native.schedules.cycles import *  # noqa: F403
from lrdecay_native.schedules.decays import asymptotic, finite
from lrdecay_native.schedules.decays.asymptotic import *  # noqa: F403
from lrdecay_native.schedules.decays.finite import *  # noqa: F403
from lrdecay_native.schedules.phases import boundaries, recipes
from lrdecay_native.schedules.phases.boundaries import *  # noqa: F403
from lrdecay_native.schedules.phases.recipes import *  # noqa: F403
from lrdecay_native.schedules.serialisation import from_dict, from_json
from lrdecay_native.schedules.tables import *  # noqa: F403

__all__ = ["Schedule", "from_dict", "from_json"]
__all__ += asymptotic.__all__
__all__ += finite.__all__
__all__ += boundaries.__all__
__all__ += recipes.__all__
__all__ += cycles.__all__
__all__ += tables.__all__
__all__ += in_sequence.__all__
__all__ += of_time.__all__
__all__ += of_rates.__all__
