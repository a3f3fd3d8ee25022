"""Confusion matrix: which classes are taken for which.

Axes: N examples, C classes.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._evidence import all_right, classified, where_from
from rnnlab.figures._style import INK, SMALL, canvas, headline, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

COUNTS_UP_TO, NAMES_UP_TO = 30, 60  # classes
LINE = 34  # characters of a class name before it is wrapped
INCHES_PER_CHARACTER, INCHES_PER_LINE = 0.072, 0.135


class ConfusionMatrix(Figure):
    """Counts of each true and predicted class; the colour is the share of the true class's examples."""

    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        found = classified(evidence)
        if found is None or evidence.target.kind != "class":
            return None
        targets, probabilities = found
        counts = _counts(targets, probabilities.argmax(axis=1), probabilities.shape[1])
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        names = _names(evidence, len(counts))
        drawing = _sized_canvas(names)
        axes = drawing.subplots()
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="equal")
        tidy(axes, "predicted class", "true class", grid="")
        _write_names(axes, names)
        if len(counts) <= COUNTS_UP_TO:
            _write_counts(axes, counts, shares)
        bar = drawing.colorbar(image, ax=axes, shrink=0.7, aspect=25, pad=0.02, format="{x:.0%}")
        bar.set_label("share of the true class's examples", fontsize=SMALL, color=INK)
        bar.ax.tick_params(labelsize=SMALL, colors=INK)
        bar.outline.set_visible(False)
        share = all_right(targets, probabilities).mean()
        headline(drawing, axes, "Confusion matrix", f"{where_from(evidence)} · accuracy {share:.1%}")
        return drawing


def _counts(targets: NDArray[Any], predicted: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """Return (C, C): how many examples of the row's class were taken for the column's."""
    flat = np.bincount(targets.astype(np.int64) * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes)


def _names(evidence: Evidence, classes: int) -> list[str]:
    names = evidence.target.names or tuple(str(each) for each in range(classes))
    return ["\n".join(textwrap.wrap(name, LINE)) or name for name in names]


def _cell(names: list[str]) -> float:
    """Return the side of a cell in inches."""
    lines = max(name.count("\n") + 1 for name in names)
    if len(names) > NAMES_UP_TO:
        return 9.5 / len(names)
    least = 0.42 if len(names) <= 12 else 0.31 if len(names) <= COUNTS_UP_TO else 0.16
    return max(least, lines * INCHES_PER_LINE, 2.4 / len(names))


def _longest(names: list[str]) -> float:
    """Return the length of the longest line of a name in inches."""
    return INCHES_PER_CHARACTER * max(len(line) for name in names for line in name.split("\n"))


def _sized_canvas(names: list[str]) -> Drawing:
    """Return a canvas that gives every cell and every name its room."""
    side = _cell(names) * len(names)
    margin = 0.6 + (_longest(names) if len(names) <= NAMES_UP_TO else 0.3)
    return canvas(side + margin + 0.9, side + margin + 0.7)


def _write_names(axes: Axes, names: list[str]) -> None:
    if len(names) > NAMES_UP_TO:
        return  # the numbers that matplotlib writes
    size = SMALL if len(names) <= COUNTS_UP_TO else 7.0
    turned = _longest(names) > _cell(names)
    axes.set_xticks(range(len(names)), names, fontsize=size, rotation=90 if turned else 0, parse_math=False)
    axes.set_yticks(range(len(names)), names, fontsize=size, parse_math=False)
    axes.tick_params(length=0)


def _write_counts(axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    size = SMALL if counts.max() < 1000 else SMALL - 1.5
    for row, column in np.argwhere(counts > 0):
        colour = "white" if shares[row, column] > 0.55 else INK
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=size, color=colour)
