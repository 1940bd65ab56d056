"""Where all peers are required, so is torch."""

from __future__ import annotations

import importlib
import os

if os.environ.get("LRDECAY_PEERS") == "required":
    importlib.import_module("torch")
