"""What a training shows while it runs: a bar on a terminal, a line an epoch elsewhere; always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol


class Reporter(Protocol):
    """What is told of a training's course."""

    def say(self, text: str) -> None:
        """Say one line."""

    def epoch_begins(self, epoch: int, epochs: int, steps: int, done: int) -> None:
        """An epoch of so many steps begins, `done` of them already made before a resume."""

    def step_done(self, sequences: int, loss: float) -> None:
        """A step over so many sequences is done."""

    def epoch_ends(self, row: Mapping[str, Any], padding: float) -> None:
        """An epoch is done; `padding` is the share of its steps that were padding."""


class Silent:
    """Says nothing."""

    def say(self, text: str) -> None: ...

    def epoch_begins(self, epoch: int, epochs: int, steps: int, done: int) -> None: ...

    def step_done(self, sequences: int, loss: float) -> None: ...

    def epoch_ends(self, row: Mapping[str, Any], padding: float) -> None: ...


class Lines:
    """A plain line an epoch, and on a terminal a bar within it."""

    def __init__(self) -> None:
        self.terminal = sys.stderr.isatty()
        self.started = time.monotonic()
        self.drawn = 0.0

    def say(self, text: str) -> None:
        self._clear()
        print(text, file=sys.stderr, flush=True)

    def epoch_begins(self, epoch: int, epochs: int, steps: int, done: int) -> None:
        self.epoch, self.epochs, self.steps, self.done = epoch, epochs, steps, done
        self.sequences = 0
        self.epoch_started = time.monotonic()
        self.first_epoch = getattr(self, "first_epoch", epoch)

    def step_done(self, sequences: int, loss: float) -> None:
        self.done += 1
        self.sequences += sequences
        now = time.monotonic()
        if not self.terminal or now - self.drawn < 0.1:
            return
        self.drawn = now
        filled = round(20 * self.done / max(self.steps, 1))
        rate = self.sequences / max(now - self.epoch_started, 1e-9)
        bar = "━" * filled + "╌" * (20 - filled)
        where = f"epoch {self.epoch + 1}/{self.epochs} {bar} {self.done}/{self.steps}"
        print(f"\r\033[K{where}  loss {loss:.4f}  {rate:,.0f} sequences/s", end="", file=sys.stderr, flush=True)

    def epoch_ends(self, row: Mapping[str, Any], padding: float) -> None:
        rate = self.sequences / max(time.monotonic() - self.epoch_started, 1e-9)
        skipped = {"epoch", "seconds", "learning_rate", "gradient_norm"}
        shown = {name: value for name, value in row.items() if name not in skipped and self._main(name, row)}
        scores = "  ".join(f"{name} {value:.4f}" for name, value in shown.items())
        epochs_done = self.epoch + 1 - self.first_epoch
        left = (time.monotonic() - self.started) / epochs_done * (self.epochs - self.epoch - 1)
        self.say(
            f"epoch {row['epoch']}/{self.epochs}  {scores}  {row['seconds']:.1f} s  {rate:,.0f} sequences/s  "
            f"padding {padding:.0%}  left ≤ {_duration(left)}"
        )

    @staticmethod
    def _main(name: str, row: Mapping[str, Any]) -> bool:
        """The loss and the first metric, of training and validation."""
        columns = [each for each in row if each not in ("epoch", "loss")]
        return name.removeprefix("val_") in ("loss", columns[0] if columns else "")

    def _clear(self) -> None:
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
