"""Learning-rate schedules as native kernels: exact, fast, the same in every framework."""

from lrdecay_native import decays
from lrdecay_native._version import __version__
from lrdecay_native.compositions import Clipped, Joined, PerEpoch, Scaled, Warmup
from lrdecay_native.decays import *  # noqa: F403 - so a new schedule needs no line here
from lrdecay_native.engines import backend
from lrdecay_native.schedules import Schedule, from_dict, from_json

__all__ = [
    "Clipped",
    "Joined",
    "PerEpoch",
    "Scaled",
    "Schedule",
    "Warmup",
    "__version__",
    "backend",
    "from_dict",
    "from_json",
]
__all__ += decays.__all__
