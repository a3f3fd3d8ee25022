"""Signals: SIGINT and SIGTERM, obeyed at once, held back, or noted, as the work under way allows.

Outside the main thread no handler can be set, and nothing here does anything.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTS = (signal.SIGINT, signal.SIGTERM)

Handler = Callable[[int, FrameType | None], None]


@contextmanager
def handled(handler: Handler, *numbers: signal.Signals) -> Iterator[None]:
    """Let `handler` have these signals, and give them back in the end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


@contextmanager
def sigterm_as_sigint() -> Iterator[None]:
    """Let SIGTERM interrupt as SIGINT does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with handled(interrupt, signal.SIGTERM):
        yield


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Deliver SIGINT and SIGTERM at the end: somewhere in a large import an exception is always swallowed."""
    noted: list[int] = []
    with handled(lambda number, frame: noted.append(number), *INTERRUPTS):
        yield
    if noted:
        signal.raise_signal(noted[0])


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
def interrupts_noted() -> Iterator[Interruption]:
    """Note SIGINT and SIGTERM, for whoever asks between two steps."""
    interruption = Interruption()
    with handled(interruption.note, *INTERRUPTS):
        yield interruption
