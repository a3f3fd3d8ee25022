"""Alignment: at which steps of a sequence a network says the tokens of its text.

Axes: T time, F features, L tokens of a text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnnlab.figures import Alignment as Aligned
from rnnlab.figures import Evidence, Figure
from rnnlab.figures._style import BLUE, GREY, INK, LIGHT, NORMAL, ORANGE, SMALL, canvas, headline_of_all, key, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

LINES_UP_TO = 4  # features that are drawn as lines; more are a picture
LONGEST = 40  # characters of a text that a title shows, or of a name, of which the end says more


class Alignment(Figure):
    """A few sequences, above what the network reads, below how probable each token of the true text is at each step.

    The tokens stand where the most probable path of the true text says them.
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"transcription"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        if not evidence.alignments:
            return None
        rows = [ratio for _ in evidence.alignments for ratio in (1.0, 0.9)]
        drawing = canvas(9, 2.9 * len(evidence.alignments) + 0.9)
        every = drawing.subplots(len(rows), 1, height_ratios=rows, squeeze=False)[:, 0]
        for number, each in enumerate(evidence.alignments):
            _draw_values(every[2 * number], each)
            _draw_tokens(every[2 * number + 1], each)
        detail = (
            f"{evidence.title} · {evidence.split} · tokens stand where the most probable path of the true text has them"
        )
        headline_of_all(drawing, "Alignment", detail)
        key(drawing, [*every])
        return drawing


def _draw_values(axes: Axes, aligned: Aligned) -> None:
    """Draw what the network reads: a picture of many features, or lines of few."""
    steps, features = aligned.values.shape
    if features > LINES_UP_TO:
        low, high = np.percentile(aligned.values, [1, 99])
        extent = (0, steps, -0.5, features - 0.5)
        axes.imshow(aligned.values.T, cmap="magma", origin="lower", aspect="auto", extent=extent, vmin=low, vmax=high)
    else:
        axes.plot(np.arange(steps) + 0.5, aligned.values, linewidth=0.9)
    tidy(axes, "", "feature" if features > LINES_UP_TO else "value", grid="")
    axes.set_xlim(0, steps)
    axes.tick_params(labelbottom=False)
    title = f"{aligned.id if len(aligned.id) <= LONGEST else f'…{aligned.id[1 - LONGEST :]}'}: {_cut(aligned.true)}" + (
        f"   answered: {_cut(aligned.answered)}" if aligned.wrong else ""
    )
    axes.set_title(title, loc="left", fontsize=NORMAL, color=ORANGE if aligned.wrong else INK, parse_math=False)


def _draw_tokens(axes: Axes, aligned: Aligned) -> None:
    """Draw the probability of each token of the text at each step, and its name where it is said."""
    steps = len(aligned.probabilities)
    width = len(aligned.values) / steps  # a step of the network may stand for several
    middle = (np.arange(steps) + 0.5) * width
    axes.plot(middle, aligned.probabilities[:, 0], color=GREY, linewidth=0.9, label="blank")
    for place, token in enumerate(aligned.tokens):
        said = np.flatnonzero(aligned.path == place)
        begin, end = said[0] * width, (said[-1] + 1) * width
        axes.axvspan(begin, end, color=LIGHT, alpha=0.5, linewidth=0)
        axes.text((begin + end) / 2, 1.04, token, ha="center", va="bottom", fontsize=SMALL, color=INK, parse_math=False)
    labels = sorted(set(aligned.labels.tolist()))
    if labels:
        every = aligned.probabilities[:, labels]
        axes.plot(middle, every, color=BLUE, linewidth=1.2, label="a token of the text")
        others = 1 - aligned.probabilities[:, 0] - every.sum(axis=1)
        axes.plot(middle, others, color=ORANGE, linewidth=0.9, linestyle=(0, (3, 2)), label="any other")
    tidy(axes, "time step", "probability")
    axes.set_xlim(0, len(aligned.values))
    axes.set_ylim(0, 1.25)
    axes.set_yticks([0, 0.5, 1])


def _cut(text: str) -> str:
    shown = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return f"“{shown}”"
