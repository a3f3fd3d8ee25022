"""Sketches: what was drawn, what it is, and what it was taken for.

Axes: C classes, T points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._evidence import classified
from rnnlab.figures._style import BLUE, GREY, INK, LIGHT, NORMAL, ORANGE, SMALL, canvas, headline_of_all

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

COLUMNS, SIDE, GUESSES = 6, 1.35, 3  # drawings in a row, inches of one, guesses below it
LETTERS = 16  # of a name that stands at a drawing


class Sketches(Figure):
    """A few drawings, each with its word above it and the three most probable below; right ones blue, wrong orange."""

    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        found = classified(evidence)
        if found is None or evidence.target.kind != "class" or not evidence.sketches:
            return None
        targets, probabilities = found
        names = [_short(name) for name in evidence.target.names]
        columns, guesses = min(COLUMNS, len(evidence.sketches)), min(GUESSES, len(names))
        rows = -(-len(evidence.sketches) // columns)
        drawing = canvas(max(columns * (SIDE + 0.25) + 0.2, 5.0), rows * (SIDE + 0.35 + 0.17 * guesses) + 0.6)
        every = list(drawing.subplots(rows, columns, squeeze=False).flat)
        for axes, (index, points) in zip(every, evidence.sketches.items(), strict=False):
            true, rank = int(targets[index]), np.argsort(-probabilities[index], kind="stable")[:guesses]
            _trace(axes, points, BLUE if rank[0] == true else ORANGE)
            axes.set_title(names[true], fontsize=NORMAL, color=INK, parse_math=False)
            told = [f"{names[each]} {probabilities[index][each]:.0%}" for each in rank]
            axes.set_xlabel("\n".join(told), fontsize=SMALL, color=GREY, parse_math=False)
        for axes in every[len(evidence.sketches) :]:
            axes.set_visible(False)
        right = sum(int(probabilities[index].argmax() == targets[index]) for index in evidence.sketches)
        told = [evidence.title, evidence.split, f"{right} of these {len(evidence.sketches)} are right, in blue"]
        headline_of_all(drawing, "Sketches", " · ".join([*told, "above: the word", "below: the most probable ones"]))
        return drawing


def _trace(axes: Axes, points: NDArray[np.float32], colour: str) -> None:
    """Draw strokes (T, 3) as lines; y points down, as on a screen."""
    style: dict[str, Any] = {"color": colour, "linewidth": 1.2, "solid_capstyle": "round", "solid_joinstyle": "round"}
    for stroke in np.split(points, np.flatnonzero(points[:-1, 2] > 0.5) + 1):
        axes.plot(stroke[:, 0], stroke[:, 1], marker="." if len(stroke) == 1 else "", markersize=2, **style)
    axes.set_aspect("equal", adjustable="datalim")
    axes.invert_yaxis()
    axes.margins(0.06)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color(LIGHT)


def _short(name: str) -> str:
    """Return a name that is not too long for its place."""
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"
