"""Score by length: whether answers to short or to long sources are worse.

Axes: N examples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._evidence import bins_of, names_of_bins, where_from
from rnnlab.figures._style import BLUE, GREY, canvas, headline, key, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


class ScoreByLength(Figure):
    """The mean chrF of single answers in bins of about equally many examples, with 95 % intervals of the mean."""

    tasks: ClassVar[frozenset[str]] = frozenset({"sequence_to_sequence"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        from sacrebleu.metrics.chrf import CHRF

        texts = evidence.answers.get("texts")
        if evidence.targets is None or texts is None or len(np.unique(evidence.lengths)) < 2:
            return None
        pairs = zip(texts.tolist(), np.asarray(evidence.targets).tolist(), strict=True)
        metric = CHRF()
        scores = np.array([metric.sentence_score(one.decode(), [other.decode()]).score for one, other in pairs])
        places = bins_of(evidence.lengths)
        count = np.bincount(places)
        mean = np.bincount(places, weights=scores) / count
        spread = np.sqrt(np.bincount(places, weights=(scores - mean[places]) ** 2) / np.maximum(count - 1, 1))
        positions = np.arange(len(count))
        drawing = canvas(7, 3.8)
        axes = drawing.subplots()
        error = 1.96 * spread / np.sqrt(count)
        axes.errorbar(
            positions, mean, error, fmt="o", color=BLUE, capsize=3, linewidth=1.4, label="mean, 95 % interval"
        )
        axes.axhline(
            scores.mean(), color=GREY, linewidth=1, linestyle=(0, (4, 3)), label=f"overall {scores.mean():.1f}"
        )
        tidy(axes, "length of the source", "chrF of an answer")
        axes.set_xticks(positions, names_of_bins(evidence.lengths, places))
        axes.set_xlim(-0.5, len(count) - 0.5)
        axes.set_ylim(max(0, float((mean - error).min()) - 5), 102)
        headline(drawing, axes, "Score by length", where_from(evidence))
        key(drawing, axes)
        return drawing
