"""The schedules that are one formula, and the formulas as functions of the step."""

from lrdecay_native.evaluation.points.decay_functions import kernel
from lrdecay_native.schedules.decays import asymptotic, finite
from lrdecay_native.schedules.decays.asymptotic import *  # noqa: F403
from lrdecay_native.schedules.decays.finite import *  # noqa: F403

constant = kernel("constant")
step_decay = kernel("step_decay")
exponential_decay = kernel("exponential_decay")
inverse_time_decay = kernel("inverse_time_decay")
polynomial_decay = kernel("polynomial_decay")
linear_decay = kernel("linear_decay")
cosine_decay = kernel("cosine_decay")
inverse_square_root_decay = kernel("inverse_square_root_decay")
power_law_decay = kernel("power_law_decay")
tanh_decay = kernel("tanh_decay")
rex_decay = kernel("rex_decay")
one_minus_square_root_decay = kernel("one_minus_square_root_decay")
linear_cosine_decay = kernel("linear_cosine_decay")

__all__ = [
    "constant",
    "cosine_decay",
    "exponential_decay",
    "inverse_square_root_decay",
    "inverse_time_decay",
    "linear_cosine_decay",
    "linear_decay",
    "one_minus_square_root_decay",
    "polynomial_decay",
    "power_law_decay",
    "rex_decay",
    "step_decay",
    "tanh_decay",
]
__all__ += asymptotic.__all__
__all__ += finite.__all__
