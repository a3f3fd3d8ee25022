"""Film strips: what clips of middling difficulty are taken for, frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._clips import strips

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


class FilmStrips(Figure):
    """A few frames of each clip, and how probable the network found the classes after so many of its frames."""

    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        return strips(evidence, [clip for clip in evidence.clips if not clip.hard], "Film strips")
