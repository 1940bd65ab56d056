"""Learning-rate schedules as native kernels: exact, fast, the same in every framework."""

# Pickles name the modules that classes were in when they were made.  Before all else: another thread may read one.
__path__.append(f"{__path__[0]}/former_paths")

from typing import TYPE_CHECKING  # noqa: E402

from lrdecay_native._version import __version__ as __version__  # noqa: E402

if TYPE_CHECKING:
    # Type checkers don't follow names through more than one package, so that of each module.
    from lrdecay_native import schedules as schedules
    from lrdecay_native.engines import backend as backend
    from lrdecay_native.fitting.fit import fit as fit
    from lrdecay_native.own_formulas.decorator import own_formula as own_formula
    from lrdecay_native.plateau import ReduceOnPlateau as ReduceOnPlateau
    from lrdecay_native.schedules.base import Schedule as Schedule
    from lrdecay_native.schedules.compositions.in_sequence import *  # noqa: F403
    from lrdecay_native.schedules.compositions.of_rates import *  # noqa: F403
    from lrdecay_native.schedules.compositions.of_time import *  # noqa: F403
    from lrdecay_native.schedules.cycles import *  # noqa: F403
    from lrdecay_native.schedules.decays.asymptotic import *  # noqa: F403
    from lrdecay_native.schedules.decays.finite import *  # noqa: F403
    from lrdecay_native.schedules.phases.boundaries import *  # noqa: F403
    from lrdecay_native.schedules.phases.recipes import *  # noqa: F403
    from lrdecay_native.schedules.serialisation import from_dict as from_dict
    from lrdecay_native.schedules.serialisation import from_json as from_json
    from lrdecay_native.schedules.tables import *  # noqa: F403
else:
    # What is pure is to be had without an engine, and each of these when it is first asked for.
    _HOMES = {
        "ReduceOnPlateau": "plateau",
        "backend": "engines",
        "fit": "fitting.fit",
        "own_formula": "own_formulas.decorator",
    }
    _MODULES = ("compositions", "cycles", "decays", "phases", "schedules", "tables")

    def __getattr__(name):
        from importlib import import_module
        from importlib.util import find_spec

        unknown = AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name in _HOMES:
            globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        # Python looks here for modules before it imports them.
        elif name == "__all__" or (
            name.isidentifier() and not name.startswith("_") and not find_spec(f"{__name__}.{name}")
        ):
            catalogue = import_module(f"{__name__}.schedules.catalogue")
            globals().update({each: getattr(catalogue, each) for each in catalogue.__all__})
            globals()["__all__"] = ["__version__", *_HOMES, *catalogue.__all__]
        if name not in globals():
            raise unknown
        return globals()[name]

    def __dir__():
        from lrdecay_native import __all__

        return sorted(__all__)
