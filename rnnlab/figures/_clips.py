"""Clips as strips of film, with what the network takes them for below.

Axes: T time, H height, W width, S moments, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Clip, Evidence
from rnnlab.figures._evidence import where_from
from rnnlab.figures._style import AMBER, BLUE, GREEN, INK, ORANGE, PINK, SKY, canvas, headline_of_all, key, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

FRAMES = 8  # of a strip
SHOWN = 3  # classes that are most probable at the end, beside the true one
GAP = 1  # pixels between frames
COLOURS = (BLUE, ORANGE, GREEN, AMBER, PINK, SKY, INK)
MARKERS = ("", "o", "s")  # where there are more classes than colours


def strips(evidence: Evidence, clips: Sequence[Clip], title: str) -> Drawing | None:
    """Return a drawing of some clips, two beside each other; None where there are none."""
    if not clips:
        return None
    columns = min(len(clips), 2)
    rows = -(-len(clips) // columns)
    drawing = canvas(5.2 * columns, 2.9 * rows + 0.7)
    grid = drawing.add_gridspec(2 * rows, columns, height_ratios=[1, 2.2] * rows)
    looks = looks_of(clips)
    every = []
    for number, clip in enumerate(clips):
        row, column = divmod(number, columns)
        film, curves = (drawing.add_subplot(grid[2 * row + part, column]) for part in (0, 1))
        strip = film_strip(clip.frames)
        seen = strip[..., :3] if strip.shape[-1] >= 3 else strip[..., 0]  # of two channels, the first
        film.imshow(seen, cmap="gray", vmin=0, vmax=255, aspect="equal")
        film.set_axis_off()
        names = evidence.target.names
        found = int(clip.probabilities[-1].argmax())
        told = "" if found == clip.true else f", taken for {names[found]}"
        film.set_title(f"{clip.id}: {names[clip.true]}{told}", loc="left", fontsize=9, parse_math=False)
        for place in drawn_classes(clip):
            style = {"linewidth": 2.2} if place == clip.true else {"linewidth": 1.2, "linestyle": (0, (4, 2))}
            curves.plot(
                clip.seen, clip.probabilities[:, place], label=names[place], markersize=4, **looks[place], **style
            )
        tidy(curves, "frames seen", "probability")
        curves.set_ylim(-0.02, 1.02)
        every.append(curves)
    headline_of_all(drawing, title, f"{where_from(evidence)} · thick: the true class")
    key(drawing, every, columns=6)
    return drawing


def film_strip(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return frames from the first to the last (T, H, W, C) beside each other, white between: (H, W', C)."""
    chosen = frames[np.linspace(0, len(frames) - 1, min(FRAMES, len(frames))).round().astype(int)]
    apart = np.pad(chosen, [(0, 0), (0, 0), (0, GAP), (0, 0)], constant_values=255)
    return np.concatenate(list(apart), axis=1)[:, : -GAP or None]


def looks_of(clips: Sequence[Clip]) -> dict[int, dict[str, Any]]:
    """Return the colour and the marker of each class that is drawn of some clips, no two alike, by its number."""
    drawn = dict.fromkeys(place for clip in clips for place in drawn_classes(clip))
    return {
        place: {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number // len(COLOURS) % len(MARKERS)]}
        for number, place in enumerate(drawn)
    }


def drawn_classes(clip: Clip) -> list[int]:
    """Return the true class and those that are most probable in the end."""
    likely = np.argsort(-clip.probabilities[-1], kind="stable")[:SHOWN].tolist()
    return [clip.true, *(place for place in likely if place != clip.true)]
