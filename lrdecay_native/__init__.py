"""Learning-rate schedules as native kernels: exact, fast, the same in every framework."""

from lrdecay_native._version import __version__
from lrdecay_native.compositions import Clipped, Joined, PerEpoch, Scaled, Warmup
from lrdecay_native.decays import ExponentialDecay, InverseTimeDecay, PolynomialDecay, StepDecay
from lrdecay_native.engines import backend
from lrdecay_native.kernels import (
    exponential_decay,
    inverse_time_decay,
    polynomial_decay,
    step_decay,
)
from lrdecay_native.schedules import Schedule, from_dict, from_json

__all__ = [
    "Clipped",
    "ExponentialDecay",
    "InverseTimeDecay",
    "Joined",
    "PerEpoch",
    "PolynomialDecay",
    "Scaled",
    "Schedule",
    "StepDecay",
    "Warmup",
    "__version__",
    "backend",
    "exponential_decay",
    "from_dict",
    "from_json",
    "inverse_time_decay",
    "polynomial_decay",
    "step_decay",
]
