"""Classes that Keras finds by name when it loads a model."""

from __future__ import annotations

from typing import TypeVar

import keras

_Class = TypeVar("_Class", bound=type)

PACKAGE = "lrdecay_native.keras"
"""What has to be imported: Keras's message about a class that it doesn't find has this name."""

FORMER_PACKAGE = "lrdecay_native"


def registered(cls: _Class) -> _Class:
    """Have Keras save a class under its name here, and find it under that and the one of earlier releases."""
    for package in (FORMER_PACKAGE, PACKAGE):
        keras.saving.register_keras_serializable(package)(cls)
    return cls
