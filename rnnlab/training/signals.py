"""Interruptions: SIGINT and SIGTERM are noted, and obeyed at a step's end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Whether a signal has arrived."""

    def __init__(self) -> None:
        self.signal: str | None = None

    def note(self, number: int, frame: FrameType | None) -> None:
        """Note the signal; a second SIGINT interrupts at once."""
        if self.signal is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = signal.Signals(number).name


@contextmanager
def noted_signals() -> Iterator[Interruption]:
    """Note SIGINT and SIGTERM instead of dying of them; outside the main thread nothing can be noted."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    previous = {number: signal.signal(number, interruption.note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
