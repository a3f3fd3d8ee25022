"""Accuracy by length: whether short or long examples are answered worse.

Axes: N examples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._evidence import all_right, bins_of, classified, names_of_bins, where_from, wilson
from rnnlab.figures._style import BLUE, GREY, canvas, headline, key, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


class AccuracyByLength(Figure):
    """The share of right answers in bins of about equally many examples, with Wilson's 95 % intervals."""

    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        found = classified(evidence)
        if found is None or len(np.unique(evidence.lengths)) < 2:
            return None
        right = all_right(*found)
        places = bins_of(evidence.lengths)
        count, hits = np.bincount(places), np.bincount(places, weights=right)
        low, high = wilson(hits, count)
        share, positions = hits / count, np.arange(len(count))
        drawing = canvas(7, 3.8)
        axes = drawing.subplots()
        errors = np.stack([share - low, high - share])
        axes.errorbar(
            positions, share, errors, fmt="o", color=BLUE, capsize=3, linewidth=1.4, label="share, 95 % interval"
        )
        axes.axhline(right.mean(), color=GREY, linewidth=1, linestyle=(0, (4, 3)), label=f"overall {right.mean():.1%}")
        tidy(axes, "length (time steps)", "accuracy" if evidence.target.kind == "class" else "all labels right")
        axes.set_xticks(positions, names_of_bins(evidence.lengths, places))
        axes.set_xlim(-0.5, len(count) - 0.5)
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.set_ylim(max(0, low.min() - 0.05), 1.02)
        headline(drawing, axes, "Accuracy by length", where_from(evidence))
        key(drawing, axes)
        return drawing
