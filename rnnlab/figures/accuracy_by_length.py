"""Accuracy by length: whether short or long examples are answered worse.

Axes: N examples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._by_length import Score, draw_by_length
from rnnlab.figures._evidence import all_right, bins_of, classified, wilson

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
        mean = float(right.mean())
        score = Score(places, hits / count, low, high, mean, f"{mean:.1%}", 1.0)
        what = "accuracy" if evidence.target.kind == "class" else "all labels right"
        drawing = draw_by_length(evidence, score, "Accuracy by length", "share", "length (time steps)", what)
        drawing.axes[0].yaxis.set_major_formatter("{x:.0%}")
        return drawing
