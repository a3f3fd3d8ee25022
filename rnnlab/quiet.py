"""TensorFlow without its start-up chatter."""

from __future__ import annotations

import os
import sys
import tempfile

from rnnlab.signals import interrupts_held_back


def load_tensorflow() -> None:
    """Import TensorFlow with its start-up messages hidden, unless TF_CPP_MIN_LOG_LEVEL is set and so asks for them.

    Its C++ libraries write to the file descriptor before any logging can be configured, so that is what is turned
    aside; when the import fails, what was written is shown.
    """
    if "tensorflow" in sys.modules or "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as hidden, interrupts_held_back():
        os.dup2(hidden.fileno(), 2)
        failed = True
        try:
            import keras  # noqa: F401
            import tensorflow  # noqa: F401

            failed = False
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            if failed:
                hidden.seek(0)
                os.write(2, hidden.read())
