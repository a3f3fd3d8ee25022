"""Score by length: whether answers to short or to long sources are worse.

Axes: N examples, K bins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._by_length import Score, draw_by_length
from rnnlab.figures._evidence import bins_of, texts_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

BEST = 100.0
LENGTH = "length of the source (bytes of a text, else time steps)"


class ScoreByLength(Figure):
    """The mean chrF of single answers in bins of about equally many examples, with 95 % intervals of the mean.

    The intervals are Student's, within what chrF can be; a bin of one example has none.
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"sequence_to_sequence"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        from sacrebleu.metrics.chrf import CHRF

        pairs = texts_of(evidence)
        if not pairs or len(np.unique(evidence.lengths)) < 2:
            return None
        metric = CHRF()
        scores = np.array([metric.sentence_score(answered, [true]).score for true, answered in pairs])
        places = bins_of(evidence.lengths)
        mean, error = means_of(scores, places)
        ends = np.maximum(mean - error, 0), np.minimum(mean + error, BEST)
        score = Score(places, mean, *ends, float(scores.mean()), f"{scores.mean():.1f}", BEST)
        return draw_by_length(evidence, score, "Score by length", "mean", LENGTH, "chrF of an answer")


def means_of(scores: NDArray[np.float64], places: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean of each bin (K,), and half the width of its 95 % interval; NaN of a bin of one."""
    from scipy.stats import t

    count = np.bincount(places)
    mean = np.bincount(places, weights=scores) / count
    squares = np.bincount(places, weights=(scores - mean[places]) ** 2)
    free = np.where(count > 1, count - 1, np.nan)  # of one example nobody knows how far others would lie
    return mean, t.ppf(0.975, free) * np.sqrt(squares / free / count)
