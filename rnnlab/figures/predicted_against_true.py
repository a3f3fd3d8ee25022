"""Predicted against true numbers, with the line on which they are equal.

Axes: N examples, C numbers.
"""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._evidence import where_from
from rnnlab.figures._style import BLUE, GREY, INK, LARGE, NORMAL, SMALL, canvas, headline, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

PANELS = 9  # the first of the numbers
LINE = "equal on the dashed line"


class PredictedAgainstTrue(Figure):
    """One scatter for each number, at most nine, both axes of the same scale."""

    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        values, targets = evidence.answers.get("values"), evidence.targets
        if values is None or targets is None or not len(targets):
            return None
        numbers = min(targets.shape[1], PANELS)
        columns = 2 if numbers == 4 else min(numbers, 3)
        rows = math.ceil(numbers / columns)
        drawing = canvas(max(4.8, 3.4 * columns), 3.5 * rows + 1 if numbers > 1 else 5)
        grid = drawing.subplots(rows, columns, squeeze=False).ravel()
        names = evidence.target.names or [f"number {index + 1}" for index in range(targets.shape[1])]
        for index, axes in enumerate(grid[:numbers]):
            _scatter(axes, targets[:, index], values[:, index])
            lowest_row = index + columns >= numbers
            tidy(axes, "true" if lowest_row else "", "predicted" if index % columns == 0 else "", grid="both")
            if targets.shape[1] > 1:
                name = "\n".join(textwrap.wrap(names[index], 36))
                axes.set_title(name, fontsize=NORMAL, color=INK, parse_math=False)
        for axes in grid[numbers:]:
            axes.set_visible(False)
        _title(drawing, grid[0], evidence, names)
        return drawing


def _scatter(axes: Axes, targets: NDArray[Any], values: NDArray[Any]) -> None:
    both = np.concatenate([targets, values])
    both = both[np.isfinite(both)]
    low, high = (float(both.min()), float(both.max())) if len(both) else (0.0, 1.0)
    margin = 0.04 * (high - low) or 0.5
    limits = (low - margin, high + margin)
    axes.plot(limits, limits, color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    visible = float(np.clip(12 / math.sqrt(len(targets)), 0.12, 0.8))
    axes.scatter(targets, values, s=14 if len(targets) < 1000 else 6, color=BLUE, alpha=visible, linewidths=0)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.locator_params(nbins=6)


def _title(drawing: Drawing, axes: Axes, evidence: Evidence, names: Any) -> None:
    detail = where_from(evidence)
    if len(names) > 1:
        shown = f"first {PANELS} of {len(names)} numbers · " if len(names) > PANELS else ""
        style: dict[str, Any] = {"x": 0.02, "ha": "left", "parse_math": False}
        drawing.suptitle("Predicted against true", fontsize=LARGE, fontweight="bold", color=INK, **style)
        drawing.supxlabel(f"{shown}{detail} · {LINE}", fontsize=SMALL, color=GREY, **style)
    else:
        headline(drawing, axes, "Predicted against true", f"{names[0]} · {detail} · {LINE}")
