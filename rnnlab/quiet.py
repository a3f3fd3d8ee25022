"""TensorFlow without its start-up chatter."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager


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
    with tempfile.TemporaryFile() as hidden, _interrupts_held_back():
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


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Hold SIGINT back until the end: somewhere in a large import an exception is always swallowed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    noted: list[int] = []
    previous = signal.signal(signal.SIGINT, lambda number, frame: noted.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if noted:
        raise KeyboardInterrupt
