"""What a training shows while it runs: a bar on a terminal, a line an epoch elsewhere; always on standard error."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol


class Reporter(Protocol):
    """What is told of a training's course."""

    def say(self, text: str) -> None:
        """Say one line."""

    def epoch_begins(self, epoch: int, epochs: int, steps: int, done: int, padding: float) -> None:
        """An epoch of so many steps begins, `done` of them made before a resume; `padding` is the share of padding."""

    def step_done(self, sequences: int, loss: float) -> None:
        """A step over so many sequences is done."""

    def epoch_ends(self, row: Mapping[str, Any]) -> None:
        """An epoch is done, with this row of the history."""


class Silent:
    """Says nothing."""

    def say(self, text: str) -> None: ...

    def epoch_begins(self, epoch: int, epochs: int, steps: int, done: int, padding: float) -> None: ...

    def step_done(self, sequences: int, loss: float) -> None: ...

    def epoch_ends(self, row: Mapping[str, Any]) -> None: ...


class Lines:
    """A plain line an epoch, and on a terminal a bar within it. Who stops listening does not stop the training."""

    def __init__(self) -> None:
        self.terminal = sys.stderr.isatty()
        self.drawn = 0.0
        self.first: tuple[int, float] | None = None  # steps done and time when this process began

    def say(self, text: str) -> None:
        self._write(f"{self._clear}{text}\n")

    def epoch_begins(self, epoch: int, epochs: int, steps: int, done: int, padding: float) -> None:
        self.epoch, self.epochs, self.steps, self.done, self.padding = epoch, epochs, steps, done, padding
        self.sequences, self.epoch_started = 0, time.monotonic()
        self.first = self.first or (epoch * steps + done, self.epoch_started)

    def step_done(self, sequences: int, loss: float) -> None:
        self.done += 1
        self.sequences += sequences
        now = time.monotonic()
        if not self.terminal or now - self.drawn < 0.1:
            return
        self.drawn = now
        filled = round(20 * self.done / max(self.steps, 1))
        bar = "━" * filled + "╌" * (20 - filled)
        where = f"epoch {self.epoch + 1}/{self.epochs} {bar} {self.done}/{self.steps}"
        self._write(f"{self._clear}{where}  loss {loss:.4f}  {self._speed()}")

    def epoch_ends(self, row: Mapping[str, Any]) -> None:
        metrics = [name for name in row if name not in ("epoch", "loss", "learning_rate", "gradient_norm", "seconds")]
        # The loss and the main metric, of training and validation; some are known of validation alone.
        validated = [name.removeprefix("val_") for name in metrics if name.startswith("val_") and name != "val_loss"]
        main = ("loss", *(validated or metrics)[:1])
        scores = "  ".join(f"{name} {value:.4f}" for name, value in row.items() if name.removeprefix("val_") in main)
        self.say(f"epoch {row['epoch']}/{self.epochs}  {scores}  {row['seconds']:.1f} s  {self._speed()}")

    def _speed(self) -> str:
        """Return sequences a second, the share of padding, and the time left if training does not stop early."""
        now = time.monotonic()
        rate = self.sequences / max(now - self.epoch_started, 1e-9)
        before, started = self.first or (0, now)
        steps = self.epoch * self.steps + self.done
        left = (now - started) / max(steps - before, 1) * (self.epochs * self.steps - steps)
        return f"{rate:,.0f} sequences/s  padding {self.padding:.0%}  left ≤ {_duration(left)}"

    @property
    def _clear(self) -> str:
        return "\r\033[K" if self.terminal else ""

    @staticmethod
    def _write(text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # a closed pipe
            sys.stderr.write(text)
            sys.stderr.flush()


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
