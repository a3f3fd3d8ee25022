"""What figures by length share: a score in bins of rising length.

Axes: N examples, K bins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Evidence
from rnnlab.figures._evidence import names_of_bins, where_from
from rnnlab.figures._style import BLUE, GREY, canvas, headline, key, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


@dataclass(frozen=True, eq=False)
class Score:
    """A score of examples, by bins.

    Attributes:
        places: (N,) each example's bin.
        middle: (K,) of each bin.
        low, high: (K,) the ends of its 95 % interval; NaN where the bin says nothing of them.
        overall: of all examples, as text.
        mean: the same, as a number.
        top: the highest that is drawn, such as the best score that there is.
    """

    places: NDArray[np.int64]
    middle: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean: float
    overall: str
    top: float


def draw_by_length(evidence: Evidence, score: Score, title: str, middle: str, xlabel: str, ylabel: str) -> Drawing:
    """Return the drawing of a score.

    Args:
        evidence: what is drawn.
        score: of it.
        title: of the drawing.
        middle: what a dot is, such as `mean`.
        xlabel: what the length is of, and its unit.
        ylabel: what the score is.
    """
    drawing = canvas(7, 3.8)
    axes = drawing.subplots()
    errors = np.stack([score.middle - score.low, score.high - score.middle])
    axes.errorbar(
        np.arange(len(score.middle)),
        score.middle,
        errors,
        fmt="o",
        color=BLUE,
        capsize=3,
        linewidth=1.4,
        label=f"{middle}, 95 % interval",
    )
    axes.axhline(score.mean, color=GREY, linewidth=1, linestyle=(0, (4, 3)), label=f"overall {score.overall}")
    tidy(axes, xlabel, ylabel)
    axes.set_xticks(range(len(score.middle)), names_of_bins(evidence.lengths, score.places))
    axes.set_xlim(-0.5, len(score.middle) - 0.5)
    lowest = float(np.fmin(score.low, score.middle).min())
    axes.set_ylim(max(0, lowest - 0.05 * score.top), 1.02 * score.top)
    headline(drawing, axes, title, where_from(evidence))
    key(drawing, axes)
    return drawing
