"""The door to the compiled kernels: chooses between the Cython and the numba engine.

An engine is a module with the functions of :class:`lrdecay_native.engines.interface.Engine`.  The choice is made
once, when one of them is needed first: the Cython engine where it was built, in the build for the widest vector
instructions that the processor has, else the numba engine.  ``LRDECAY_BACKEND=cython|numba`` overrides it, and
``LRDECAY_PROCESSOR=baseline|avx2|avx512`` picks a narrower build of the Cython engine.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from lrdecay_native.codegen.checksum import source_checksum
from lrdecay_native.engines.interface import Engine, check

if TYPE_CHECKING:
    from lrdecay_native.engines import numba_engine

    _: Engine = numba_engine

BACKENDS = ("cython", "numba")
ROOT = Path(__file__).parents[2]


def _choice(variable: str, choices: tuple[str, ...]) -> str | None:
    value = os.environ.get(variable)
    if value is None or value in choices:
        return value
    raise ValueError(f"{variable}={value!r} is unknown; it must be one of {', '.join(choices)}")


def _cython_engine() -> ModuleType:
    baseline = importlib.import_module(f"{__name__}.baseline")
    features = tuple(baseline.processor_features())
    built = [name for name in features if importlib.util.find_spec(f"{__name__}.{name}")]
    processor = _choice("LRDECAY_PROCESSOR", tuple(built)) or built[-1]
    engine = importlib.import_module(f"{__name__}.{processor}")
    checksum = source_checksum(ROOT)
    if checksum is not None and checksum != engine.source_checksum():
        raise ImportError(
            f"the compiled engine is not of the formulas, the arithmetic and the code generator in {ROOT}: run "
            "'make build' there"
        )
    return engine


def _numba_engine() -> ModuleType:
    return importlib.import_module("lrdecay_native.engines.numba_engine")


@lru_cache
def _loaded() -> tuple[str, ModuleType]:
    backend, engine = _chosen()
    check(engine)
    return backend, engine


def _chosen() -> tuple[str, ModuleType]:
    wanted = _choice("LRDECAY_BACKEND", BACKENDS)
    built = importlib.util.find_spec(f"{__name__}.baseline") is not None
    numba_installed = importlib.util.find_spec("numba") is not None
    if wanted == "cython" and not built:
        raise ImportError(
            "LRDECAY_BACKEND=cython, but the Cython engine was not built; install a C compiler and run "
            "'pip install --force-reinstall --no-deps lrdecay_native', or unset LRDECAY_BACKEND"
        )
    if wanted == "numba" and not numba_installed:
        raise ImportError(
            "LRDECAY_BACKEND=numba, but numba is not installed; run 'pip install numba', or unset "
            "LRDECAY_BACKEND"
        )
    if wanted != "numba" and built:
        return "cython", _cython_engine()
    if numba_installed:
        return "numba", _numba_engine()
    raise ImportError(
        "lrdecay_native has no engine: the Cython extension was not built and numba is not installed. "
        "Either run 'pip install numba', or install a C compiler and run "
        "'pip install --force-reinstall --no-deps lrdecay_native'"
    )


class _Door:
    """The engine in use, which is loaded when the first of its functions is asked for."""

    def __getattr__(self, name: str) -> Any:
        function = getattr(_loaded()[1], name)
        # From now on it is found without this method.
        setattr(self, name, function)
        return function


engine = cast(Engine, _Door())


def backend() -> str:
    """The name of the engine in use.

    Returns
    -------
    str
        ``"cython"`` or ``"numba"``.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.backend() in ("cython", "numba")
    True
    """
    return _loaded()[0]
