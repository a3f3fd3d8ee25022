"""Accuracy by length: whether short or long examples are answered worse.

Axes: N examples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._evidence import all_right, classified, where_from, wilson
from rnnlab.figures._style import BLUE, GREY, canvas, headline, key, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

BINS, EXAMPLES_PER_BIN = 8, 15


class AccuracyByLength(Figure):
    """The share of right answers in bins of about equally many examples, with Wilson's 95 % intervals."""

    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        found = classified(evidence)
        if found is None or len(np.unique(evidence.lengths)) < 2:
            return None
        right = all_right(*found)
        places = _places(evidence.lengths)
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
        axes.set_xticks(positions, _names(evidence.lengths, places))
        axes.set_xlim(-0.5, len(count) - 0.5)
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.set_ylim(max(0, low.min() - 0.05), 1.02)
        headline(drawing, axes, "Accuracy by length", where_from(evidence))
        key(drawing, axes)
        return drawing


def _places(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each example's bin, (N,), numbered by rising length, none of them empty."""
    bins = min(BINS, max(2, len(lengths) // EXAMPLES_PER_BIN))
    quantiles = np.quantile(lengths, np.linspace(0, 1, bins + 1)[1:-1], method="inverted_cdf")
    upper = np.unique(quantiles)  # a bin ends with its upper length
    below = lengths[lengths < lengths.max()]
    upper = upper[upper < lengths.max()] if (upper < lengths.max()).any() else np.array([below.max()])
    return np.searchsorted(upper, lengths)


def _names(lengths: NDArray[Any], places: NDArray[np.int64]) -> list[str]:
    names = []
    for place in range(places.max() + 1):
        inside = lengths[places == place]
        span = f"{inside.min()}–{inside.max()}" if inside.min() < inside.max() else f"{inside.min()}"
        names.append(f"{span}\nn = {len(inside):,}")
    return names
