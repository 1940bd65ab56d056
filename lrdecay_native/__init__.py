"""Learning-rate schedules as native kernels: exact, fast, the same in every framework."""

from typing import TYPE_CHECKING, Any

from lrdecay_native._version import __version__
from lrdecay_native.engines import backend
from lrdecay_native.schedules import compositions, cycles, decays, phases, tables
from lrdecay_native.schedules.base import Schedule, from_dict, from_json
from lrdecay_native.schedules.compositions import *  # noqa: F403 - so a new schedule needs no line here
from lrdecay_native.schedules.cycles import *  # noqa: F403
from lrdecay_native.schedules.decays import *  # noqa: F403
from lrdecay_native.schedules.phases import *  # noqa: F403
from lrdecay_native.schedules.tables import *  # noqa: F403

if TYPE_CHECKING:
    from lrdecay_native.fitting.fit import fit
    from lrdecay_native.own_formulas.decorator import own_formula
    from lrdecay_native.plateau import ReduceOnPlateau

__all__ = [
    "ReduceOnPlateau",
    "Schedule",
    "__version__",
    "backend",
    "fit",
    "from_dict",
    "from_json",
    "own_formula",
]
__all__ += decays.__all__
__all__ += phases.__all__
__all__ += cycles.__all__
__all__ += tables.__all__
__all__ += compositions.__all__

# What only some programs need is imported when it is asked for: a schedule is to be there at once.
_LATER = {"ReduceOnPlateau": "plateau", "fit": "fitting", "own_formula": "own_formulas"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value
