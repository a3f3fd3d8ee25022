"""A piano roll: which keys sound when.

Axes: T time, K keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures._style import BLUE, GREY, canvas, headline, tidy
from rnnlab.midi import LOWEST, key_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

MARGIN = 3  # keys that are shown above and below those that sound


def piano_roll(frames: NDArray[np.bool_], given: int, title: str, detail: str) -> Drawing:
    """Return the drawing of frames (T, K), of which the first `given` were not generated."""
    drawing = canvas(min(5 + len(frames) / 20, 14), 4.2)
    axes = drawing.subplots()
    sounding = np.flatnonzero(frames.any(axis=0))
    lowest, highest = (sounding.min(), sounding.max()) if len(sounding) else (39, 39)
    steps, keys = np.nonzero(frames)
    for kind, colour in ((steps < given, GREY), (steps >= given, BLUE)):
        axes.barh(keys[kind] + LOWEST, 1.0, left=steps[kind], height=0.8, color=colour, linewidth=0)
    axes.set_xlim(0, len(frames))
    axes.set_ylim(lowest + LOWEST - MARGIN, highest + LOWEST + MARGIN)
    octaves = [pitch for pitch in range(24, 109, 12) if lowest - MARGIN <= pitch - LOWEST <= highest + MARGIN]
    axes.set_yticks(octaves, [key_name(pitch) for pitch in octaves])
    tidy(axes, "time (frames)", "key")
    headline(drawing, axes, title, detail)
    return drawing
