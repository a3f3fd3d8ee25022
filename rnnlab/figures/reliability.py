"""Reliability diagram: whether answers held to be 80 % certain are right 80 % of the time.

Axes: N examples, C classes or labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._evidence import all_right, classified, where_from, wilson
from rnnlab.figures._style import BLUE, GREY, canvas, headline, key, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

BINS = 15


class Reliability(Figure):
    """The share of right answers against confidence, in equal-width bins, and how many answers each bin holds.

    Of classes it is the most probable class's probability that counts, of labels the probability of each label.

    Reference: Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        found = classified(evidence)
        if found is None:
            return None
        confidence, right = _pairs(*found)
        places = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
        count = np.bincount(places, minlength=BINS)
        sure, hits = (np.bincount(places, weights=each, minlength=BINS) for each in (confidence, right))
        error = np.abs(hits - sure).sum() / len(right)
        drawing = canvas(5, 5.6)
        top, bottom = drawing.subplots(2, sharex=True, height_ratios=[3.4, 1])
        _diagram(top, sure, hits, count)
        bottom.bar((np.arange(BINS) + 0.5) / BINS, count, width=0.92 / BINS, color=BLUE)
        one_class = evidence.target.kind == "class"
        tidy(top, "", "share of right answers" if one_class else "share of true labels")
        tidy(bottom, "probability of the answer" if one_class else "probability of the label", "answers")
        bottom.xaxis.set_major_formatter("{x:.0%}")
        bottom.yaxis.get_major_locator().set_params(integer=True, nbins=4)
        headline(drawing, top, "Reliability", f"{where_from(evidence)} · calibration error {error:.1%}")
        key(drawing, top)
        return drawing


def _pairs(targets: NDArray[Any], probabilities: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the confidence of each answer and whether it was right: (N,) of classes, (N·C,) of labels."""
    if targets.ndim == 1:
        return probabilities.max(axis=1).astype(np.float64), all_right(targets, probabilities).astype(np.float64)
    return probabilities.ravel().astype(np.float64), targets.ravel().astype(np.float64)


def _diagram(axes: Axes, sure: NDArray[Any], hits: NDArray[Any], count: NDArray[Any]) -> None:
    used = count > 0
    sure, hits, count = sure[used], hits[used], count[used]
    low, high = wilson(hits, count)
    errors = np.stack([hits / count - low, high - hits / count])
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (4, 3)), label="perfectly calibrated")
    label = "answers in a bin, 95 % interval"
    axes.errorbar(sure / count, hits / count, errors, fmt="o", markersize=5, color=BLUE, capsize=2.5, label=label)
    axes.set(xlim=(-0.01, 1.02), ylim=(-0.02, 1.03))
    axes.yaxis.set_major_formatter("{x:.0%}")
