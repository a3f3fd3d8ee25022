"""How far something that takes long has come: one line on a terminal, on standard error; nothing elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time

SECONDS = 0.1  # between two drawings
WIDTH = 20


class Progress:
    """Draws a bar as a count grows, and removes it at the end."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.drawn = what, total, 0.0
        self.terminal = sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.drawn:
            _write("\r\033[K")

    def at(self, done: int) -> None:
        """Say that so many are done."""
        now = time.monotonic()
        if not self.terminal or now - self.drawn < SECONDS:
            return
        self.drawn = now
        filled = round(WIDTH * done / max(self.total, 1))
        _write(f"\r\033[K{self.what} {'━' * filled}{'╌' * (WIDTH - filled)} {done:,}/{self.total:,}")


def say(text: str) -> None:
    """Say one line."""
    _write(f"{text}\n")


def _write(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # a closed pipe
        sys.stderr.write(text)
        sys.stderr.flush()
