"""Schedules as Keras learning rates: for ``compile``, ``fit``, saving and reloading.

Two classes compute the rate inside the training step:

`KerasSchedule`
    the formula in the backend's operations. The default: it needs no number of steps, no memory, and where
    Keras has the schedule it is Keras's own arithmetic: in Keras's place, it changes no published digit that
    is right (docs/keras_differences.md has those that aren't) and costs the same.
`KerasTable`
    the native values of `Schedule.values`, computed beforehand and looked up by the integer step: exact
    to the last bit of float32, at any step. It takes 4 bytes for each step or stair, twice (up to 2**24 of
    them), and JAX writes it into its programs.

Compiled by XLA, neither costs a step anything that can be measured. Elsewhere a table that holds the rates of
all steps (of a staircase, or of a schedule with an end) costs no more than the arithmetic, and another one more;
next to a training step both are nothing. docs/mnist.md has the figures, measured beside Keras's own classes.

Keras's six classes stand in `lrdecay_native.keras.schedules` with Keras's arguments; `from_keras` and
`to_keras` translate between Keras's objects and this library's schedules.

A saved model names these classes, and Keras finds only what has been imported: write
``import lrdecay_native.keras`` before ``keras.models.load_model`` (no ``custom_objects`` needed).
Without that import Keras refuses the file with ``Could not locate class 'KerasSchedule'``, and at the
message's end names what to import: ``'registered_name': 'lrdecay_native.keras>KerasSchedule'`` (old
versions, up to 3.4 at least, imported the module by themselves).
"""

from __future__ import annotations

try:
    import keras  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"lrdecay_native.keras needs Keras 3 with a backend ({error}): "
        'install them with: pip install "lrdecay_native[keras]" tensorflow'
    ) from error

from lrdecay_native.keras.callbacks import PrintLR
from lrdecay_native.keras.conversion import from_keras, to_keras
from lrdecay_native.keras.finder import find_learning_rate
from lrdecay_native.keras.learning_rates import KerasSchedule, KerasTable
from lrdecay_native.keras.logger import LearningRateLogger
from lrdecay_native.keras.optimizer_state import current_learning_rate, set_schedule
from lrdecay_native.keras.plateau import ReduceLROnPlateau
from lrdecay_native.keras.plateau_rates import PlateauRate, PlateauSchedule, PlateauTable
from lrdecay_native.keras.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from lrdecay_native.monitoring.finding import LearningRateFinding

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "KerasSchedule",
    "KerasTable",
    "LearningRateFinding",
    "LearningRateLogger",
    "PiecewiseConstantDecay",
    "PlateauRate",
    "PlateauSchedule",
    "PlateauTable",
    "PolynomialDecay",
    "PrintLR",
    "ReduceLROnPlateau",
    "current_learning_rate",
    "find_learning_rate",
    "from_keras",
    "set_schedule",
    "to_keras",
]
