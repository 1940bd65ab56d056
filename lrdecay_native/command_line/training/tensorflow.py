"""TensorFlow, imported without the log lines that it writes as it loads."""

from __future__ import annotations

import os
import sys
import tempfile

LOAD_MESSAGES = (b"WARNING: All log messages before absl", b"I0000 ")


def import_tensorflow_quietly() -> None:
    """Import Keras on TensorFlow without the log lines that TensorFlow writes as it loads."""
    # The training step is compiled and timed as TensorFlow does it, whatever else is configured.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # TensorFlow 2.21 writes past that setting, straight to the file descriptor.
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            import keras  # noqa: F401
            import tensorflow

            # Each network's first graph counts as a retracing of one and the same function.
            tensorflow.get_logger().setLevel("ERROR")
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            log.seek(0)
            kept = [line for line in log if not line.startswith(LOAD_MESSAGES)]
            os.write(2, b"".join(kept))
