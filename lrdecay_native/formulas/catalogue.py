"""Every formula, time map and operator, in one registry.

The modules that define them are imported here, and not by the package: a package that imports its own modules can
meet another thread that imports one of these first, and Python breaks such a knot by giving out half of a module.
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
