"""Learning curves: loss, the first metric and, where it changes, the learning rate, by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._style import BLUE, GREEN, GREY, ORANGE, canvas, headline, key, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

NOT_METRICS = {"epoch", "loss", "learning_rate", "gradient_norm", "seconds"}
LOGARITHMIC_FROM = 50  # largest loss / smallest loss
MARKERS_UP_TO = 30  # epochs


class LearningCurves(Figure):
    """Training and validation by epoch, with the epoch whose weights were kept."""

    tasks: ClassVar[frozenset[str]] = frozenset(
        {"classification", "regression", "tagging", "forecasting", "language_modeling", "transcription"}
    )

    def draw(self, evidence: Evidence) -> Drawing | None:
        if not evidence.history:
            return None
        metric = _first_metric(evidence)
        rate = _column(evidence, "learning_rate")
        changes = len(np.unique(rate[np.isfinite(rate)])) > 1
        panels = ["loss"] + [metric] * bool(metric) + ["learning_rate"] * changes
        heights = [1.0 if panel == "learning_rate" else 2.6 for panel in panels]
        drawing = canvas(7, 1.3 + sum(heights) * 0.85)
        grid = drawing.subplots(len(panels), sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        best = _best_epoch(evidence)
        for panel, axes in zip(panels, grid, strict=True):
            _curves(axes, evidence, panel)
            tidy(axes, "epoch" if axes is grid[-1] else "", panel.replace("_", " "))
            if best is not None:
                axes.axvline(best, color=GREY, linewidth=1, linestyle=(0, (4, 3)), label=f"best epoch: {best}")
        first, last = (int(evidence.history[place]["epoch"]) for place in (0, -1))
        margin = max(0.5, 0.03 * (last - first))
        grid[-1].set_xlim(first - margin, last + margin)
        grid[-1].xaxis.get_major_locator().set_params(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1)
        _scale_loss(grid[0], evidence)
        epochs = len(evidence.history)
        headline(drawing, grid[0], "Learning curves", f"{evidence.title} · {epochs} epoch{'s' if epochs != 1 else ''}")
        key(drawing, grid[0])
        return drawing


def _curves(axes: Axes, evidence: Evidence, name: str) -> None:
    epochs = _column(evidence, "epoch")
    marker = "o" if len(epochs) <= MARKERS_UP_TO else ""
    if name == "learning_rate":
        axes.step(epochs, _column(evidence, name), where="mid", color=GREEN, linewidth=1.4)
        axes.set_ylim(bottom=0)
        return
    for column, label, colour in ((name, "training", BLUE), (f"val_{name}", "validation", ORANGE)):
        values = _column(evidence, column)
        if np.isfinite(values).any():
            axes.plot(epochs, values, marker=marker, markersize=3.5, color=colour, linewidth=1.5, label=label)


def _scale_loss(axes: Axes, evidence: Evidence) -> None:
    """Use a logarithmic axis where a linear one would show a single drop and a flat line."""
    values = np.concatenate([_column(evidence, "loss"), _column(evidence, "val_loss")])
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() / values.min() > LOGARITHMIC_FROM:
        axes.set_yscale("log")
        axes.set_ylabel("loss (logarithmic)")


def _column(evidence: Evidence, name: str) -> NDArray[np.float64]:
    """Return one column of the history, (epochs,), NaN where a row has no value."""
    values = [row.get(name) for row in evidence.history]
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _first_metric(evidence: Evidence) -> str:
    columns = evidence.history[0]
    return next((name for name in columns if name not in NOT_METRICS and not name.startswith("val_")), "")


def _best_epoch(evidence: Evidence) -> int | None:
    if evidence.best_epoch is not None:
        return evidence.best_epoch
    losses = _column(evidence, "val_loss")
    return int(_column(evidence, "epoch")[np.nanargmin(losses)]) if np.isfinite(losses).any() else None
