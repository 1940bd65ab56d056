"""What is computed: every formula, time map and operator, in one registry.

Nothing but the standard library is imported here: the build reads this package before NumPy is there.
"""

from lrdecay_native.formulas import decays, operators, time_maps
from lrdecay_native.formulas.registry import (
    COMBINATIONS,
    COMPOSITION_MAPS,
    FORMULAS,
    STEP_MAPS,
    TIME_MAPS,
    Formula,
)

__all__ = [
    "COMBINATIONS",
    "COMPOSITION_MAPS",
    "FORMULAS",
    "STEP_MAPS",
    "TIME_MAPS",
    "Formula",
    "decays",
    "operators",
    "time_maps",
]
