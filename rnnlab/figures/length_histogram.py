"""Length histogram: how long the training examples are, and what the padded widths make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._style import ORANGE, SKY, canvas, headline, key, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

BARS = 45


class LengthHistogram(Figure):
    """Training lengths, with a line at each width that batches are padded to."""

    tasks: ClassVar[frozenset[str]] = frozenset({"classification", "regression", "tagging", "language_modeling"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        from matplotlib.ticker import MaxNLocator

        lengths = evidence.train_lengths
        if len(np.unique(lengths)) < 2:
            return None
        drawing = canvas(7, 3.6)
        axes = drawing.subplots()
        axes.hist(lengths, bins=_edges(lengths).tolist(), color=SKY, edgecolor="white", linewidth=0.4, label="examples")
        for index, width in enumerate(evidence.widths):
            label = "padded widths" if index == 0 else "_"
            axes.axvline(width, color=ORANGE, linewidth=1.2, linestyle=(0, (4, 2)), label=label)
        tidy(axes, "length (time steps)", "training examples")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.margins(x=0.02)
        headline(drawing, axes, "Lengths of the training examples", f"{evidence.title} · {_waste(evidence)}")
        key(drawing, axes)
        return drawing


def padding_share(lengths: NDArray[Any], widths: NDArray[Any]) -> float:
    """Return the share of steps that are padding when each example takes the narrowest width that holds it.

    An example longer than every width is as wide as itself.
    """
    widths = np.append(np.sort(widths), lengths.max())
    places = np.searchsorted(widths[:-1], lengths)
    taken = np.where(places < len(widths) - 1, widths[places], lengths)
    return float(1 - lengths.sum() / taken.sum())


def _waste(evidence: Evidence) -> str:
    lengths = evidence.train_lengths
    single = padding_share(lengths, np.array([lengths.max()]))
    if len(evidence.widths) < 2:
        return f"{single:.0%} of the steps are padding with one width"
    several = padding_share(lengths, np.asarray(evidence.widths))
    return f"{single:.0%} of the steps are padding with one width, {several:.0%} with these {len(evidence.widths)}"


def _edges(lengths: NDArray[Any]) -> NDArray[np.float64]:
    """Return edges of bars that are a whole number of steps wide and centred on whole numbers."""
    step = max(1, round((lengths.max() - lengths.min() + 1) / BARS))
    return np.arange(lengths.min(), lengths.max() + step + 1, step) - 0.5
