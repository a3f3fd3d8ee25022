"""Watching a column of the history: the best epoch, early stopping, plateau decay."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rnnlab.metrics import METRICS
from rnnlab.settings import EarlyStopping, Monitored, ReduceOnPlateau, Training


def lower_is_better(monitored: Monitored) -> bool:
    """Return the direction: as stated, or what the loss and every metric know of themselves."""
    if monitored.mode != "auto":
        return monitored.mode == "min"
    column = monitored.monitor.removeprefix("val_")
    return column == "loss" or METRICS.load(column).better == "lower"


class Watch:
    """Remembers the best value of one column, and for how many epochs it has not improved.

    Its memory is a plain dict, kept in the state, so that a resumed run stops where the unbroken one would have.
    """

    def __init__(self, monitored: Monitored, memory: dict[str, Any]) -> None:
        self.monitored, self.memory = monitored, memory
        self.memory.setdefault("best", None)
        self.memory.setdefault("epoch", None)
        self.memory.setdefault("waited", 0)

    def see(self, row: Mapping[str, Any]) -> bool:
        """Take one epoch's row; return whether it is the best so far. NaN never is."""
        value = float(row[self.monitored.monitor])
        best = self.memory["best"]
        least = getattr(self.monitored, "min_delta", 0.0)
        gain = math.inf if best is None else (best - value if lower_is_better(self.monitored) else value - best)
        if not math.isnan(value) and (best is None or (gain > 0 and gain >= least)):
            self.memory.update(best=value, epoch=row["epoch"], waited=0)
            return True
        self.memory["waited"] += 1
        return False

    @property
    def patience_is_over(self) -> bool:
        patience = getattr(self.monitored, "patience", math.inf)
        return bool(self.memory["waited"] >= patience)


class Watches:
    """The watches that a spec asks for.

    Args:
        memories: kept in the state, by name.
    """

    def __init__(self, training: Training, memories: dict[str, dict[str, Any]]) -> None:
        def watch(name: str, monitored: Monitored | None) -> Watch | None:
            return None if monitored is None else Watch(monitored, memories.setdefault(name, {}))

        self.best = watch("best", training.best)
        self.stopping = watch("early_stopping", training.early_stopping)
        self.plateau = watch("reduce_on_plateau", training.reduce_on_plateau)

    @property
    def has_best(self) -> bool:
        """Whether some epoch is the best: not where none is asked for, nor where its value never was a number."""
        return self.best is not None and self.best.memory["best"] is not None

    def is_best(self, row: Mapping[str, Any]) -> bool:
        return self.best is not None and self.best.see(row)

    def stop(self, row: Mapping[str, Any]) -> str | None:
        """Return why training stops after this epoch, or None."""
        if self.stopping is None:
            return None
        self.stopping.see(row)
        settings = self.stopping.monitored
        if not self.stopping.patience_is_over or not isinstance(settings, EarlyStopping):
            return None
        value = self.stopping.memory["best"]
        best = "never a number" if value is None else f"{value:.5g} in epoch {self.stopping.memory['epoch']}"
        return f"{settings.monitor} has not improved for {settings.patience} epochs (best {best})"

    def lowered(self, row: Mapping[str, Any], rate: float) -> float:
        """Return the learning rate for the next epoch."""
        if self.plateau is None:
            return rate
        self.plateau.see(row)
        settings = self.plateau.monitored
        if not self.plateau.patience_is_over or not isinstance(settings, ReduceOnPlateau):
            return rate
        self.plateau.memory["waited"] = 0
        return max(rate * settings.factor, min(rate, settings.min_learning_rate))
