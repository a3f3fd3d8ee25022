"""Error by length: whether short or long texts are read worse.

Axes: N examples, K bins.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._by_length import Score, draw_by_length
from rnnlab.figures._evidence import bins_of, texts_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


class ErrorByLength(Figure):
    """The character error rate in bins of about equally many texts of like length, with 95 % intervals.

    The intervals are Student's, of a ratio of two sums (Cochran, "Sampling Techniques", 1977, section 2.11).
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"transcription"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        from rapidfuzz.distance import Levenshtein

        pairs = texts_of(evidence)
        lengths = np.array([len(true) for true, _ in pairs], np.int64)
        if len(np.unique(lengths)) < 2:
            return None
        edits = np.array([Levenshtein.distance(true, answered) for true, answered in pairs], np.float64)
        places = bins_of(lengths)
        rate, error = rates_of(edits, lengths, places)
        overall = float(edits.sum() / lengths.sum())
        high = rate + error
        top = max(float(np.fmax(high, rate).max()), 0.01)
        score = Score(places, rate, np.maximum(rate - error, 0), high, overall, f"{overall:.2%}", top)
        by_text = replace(evidence, lengths=lengths)
        drawing = draw_by_length(
            by_text, score, "Error by length", "rate", "length of the true text (characters)", "character error rate"
        )
        drawing.axes[0].yaxis.set_major_formatter("{x:.1%}")
        return drawing


def rates_of(
    edits: NDArray[np.float64], lengths: NDArray[np.int64], places: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return edits a character in each bin (K,), and half the width of its 95 % interval; NaN of a bin of one."""
    from scipy.stats import t

    count, total = np.bincount(places), np.bincount(places, lengths)
    rate = np.bincount(places, edits) / total
    squares = np.bincount(places, (edits - rate[places] * lengths) ** 2)
    alone = count < 2
    free = np.maximum(count - 1, 1)
    error = t.ppf(0.975, free) * np.sqrt(squares * count / free) / total
    return rate, np.where(alone, np.nan, error)
