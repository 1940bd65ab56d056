"""Schedules as Keras learning rates: for ``compile``, ``fit``, saving and reloading.

Two classes compute the rate inside the training step:

`KerasSchedule`
    the formula in Keras operations, in float32. The default: it needs no number of steps, and it
    is the arithmetic of Keras's own schedules: in their place, it changes no published digit.
`KerasTable`
    the native values of `Schedule.values`, computed beforehand and looked up by the integer step.

A saved model names these classes, and Keras finds only what has been imported: write
``import lrdecay_native.keras`` before ``keras.models.load_model`` (no ``custom_objects`` needed).
Without that import Keras refuses the file with ``Could not locate class 'KerasSchedule'`` (old
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
from lrdecay_native.keras.conversion import from_keras
from lrdecay_native.keras.finder import LearningRateFinding, find_learning_rate
from lrdecay_native.keras.learning_rates import KerasSchedule, KerasTable
from lrdecay_native.keras.logger import LearningRateLogger
from lrdecay_native.keras.optimizer_state import current_learning_rate
from lrdecay_native.keras.plateau import PlateauSchedule, PlateauTable, ReduceLROnPlateau

__all__ = [
    "KerasSchedule",
    "KerasTable",
    "LearningRateFinding",
    "LearningRateLogger",
    "PlateauSchedule",
    "PlateauTable",
    "PrintLR",
    "ReduceLROnPlateau",
    "current_learning_rate",
    "find_learning_rate",
    "from_keras",
]
