"""Attention: which tokens of the source each token of an answer looked at.

Axes: T tokens of the source, L of the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._style import INK, NORMAL, SMALL, canvas, headline_of_all

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

TOKEN = 0.17  # inches


class Attention(Figure):
    """A map for each of a few answers: a row for each token that was written, darker where it looked more."""

    tasks: ClassVar[frozenset[str]] = frozenset({"sequence_to_sequence"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        if not evidence.looking:
            return None
        maps = evidence.looking
        columns = 2 if len(maps) > 1 else 1
        rows = -(-len(maps) // columns)
        width = columns * (max(len(each.read) for each in maps) * TOKEN + 1.3)
        height = rows * (max(len(each.said) for each in maps) * TOKEN + 1.0) + 0.5
        drawing = canvas(max(width, 5.0), height)
        every = drawing.subplots(rows, columns, squeeze=False).flat
        for axes, each in zip(every, maps, strict=False):
            axes.imshow(each.weights, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
            # Dollar signs are text, not mathematics.
            turned = 90 if max(map(len, each.read)) > 1 else 0
            axes.set_xticks(range(len(each.read)), each.read, rotation=turned, fontsize=SMALL, parse_math=False)
            axes.set_yticks(range(len(each.said)), each.said, fontsize=SMALL, parse_math=False)
            axes.tick_params(length=0, colors=INK)
            axes.spines[:].set_visible(False)
        for axes in every:  # those without a map
            axes.set_visible(False)
        detail = f"{evidence.title} · {evidence.split} · rows: what was written · columns: what was read"
        drawing.supxlabel("source", fontsize=NORMAL, color=INK)
        headline_of_all(drawing, "Attention", detail)
        return drawing
