"""Character confusion: which characters are taken for which, left out, or put in."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._evidence import Pairs, texts_of, where_from
from rnnlab.figures._style import INK, NORMAL, SMALL, canvas, headline, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

NOTHING = "∅"
MOST = 24  # characters
CELL = 0.3  # inches


class CharacterConfusion(Figure):
    """Counts of each true character and what stands in its place, by the fewest edits of each text.

    The last column counts what was left out, the last row what was put in. Of many characters, those with the most
    errors are shown.
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"transcription"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        counts = confusions(texts_of(evidence))
        if not counts:
            return None
        errors: Counter[str] = Counter()
        for (true, answered), count in counts.items():
            errors.update({true: count, answered: count})
        names = [*sorted(each for each, _ in errors.most_common(MOST + 1) if each != NOTHING), NOTHING]
        table = np.array([[counts[true, answered] for answered in names] for true in names])
        side = CELL * len(names)
        drawing = canvas(max(side + 1.2, 5.0), max(side + 1.4, 3.2))
        axes = drawing.subplots()
        axes.imshow(table, cmap="Oranges", vmin=0, aspect="equal")
        tidy(axes, f"answered ({NOTHING}: left out)", f"true ({NOTHING}: put in)", grid="")
        shown = ["␣" if name == " " else name for name in names]
        axes.set_xticks(range(len(names)), shown, fontsize=NORMAL, parse_math=False)
        axes.set_yticks(range(len(names)), shown, fontsize=NORMAL, parse_math=False)
        axes.tick_params(length=0)
        write_counts(drawing, table)
        total, left = sum(counts.values()), len(errors.keys() - set(names))
        more = f" · {left} characters with fewer errors left out" if left else ""
        detail = f"{where_from(evidence)} · {total:,} error{'s' if total != 1 else ''}{more}"
        headline(drawing, axes, "Character confusion", detail)
        return drawing


def confusions(pairs: Pairs) -> Counter[tuple[str, str]]:
    """Return how often a true character stands as another one, or as nothing, and nothing as one."""
    from rapidfuzz.distance import Levenshtein

    counts: Counter[tuple[str, str]] = Counter()
    for true, answered in pairs:
        for edit in Levenshtein.editops(true, answered):
            one = NOTHING if edit.tag == "insert" else true[edit.src_pos]
            counts[one, NOTHING if edit.tag == "delete" else answered[edit.dest_pos]] += 1
    return counts


def write_counts(drawing: Drawing, table: NDArray[np.int64]) -> None:
    """Write each count into its cell."""
    for row, column in np.argwhere(table > 0):
        dark = table[row, column] > 0.6 * table.max()
        drawing.axes[0].text(
            column,
            row,
            f"{table[row, column]:,}",
            ha="center",
            va="center",
            fontsize=SMALL,
            color="white" if dark else INK,
        )
