"""Fonts: which letters of a drawing can be written, and with what where the usual font lacks some."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

EMPTY = "Last Resort"  # begins the name of the font that matplotlib brings for what no font has: it has frames for all
REGULAR = (400, "normal", "regular")
MISSING = "Glyph .* missing from"  # begins matplotlib's warnings, one a letter


def write_all(drawing: Drawing) -> str:
    """Let fonts that are installed write what the usual one lacks; return the letters that none of them has."""
    from matplotlib.text import Text

    for axes in drawing.axes:
        for axis in (axes.xaxis, axes.yaxis):
            axis.get_ticklabels()  # they are only made when they are asked for
    texts: list[Any] = drawing.findobj(Text)
    # What is not printable, such as a space of no width, is missed by nobody.
    letters = {letter for text in texts for letter in text.get_text() if letter.isprintable()}
    lacking = frozenset(letters) - _usual()
    if not lacking:
        return ""
    families, left = _fonts_for(lacking)
    for text in texts:
        text.set_fontfamily([*text.get_fontfamily(), *families])
    return left


@functools.cache
def _usual() -> frozenset[str]:
    """Return the letters of the font that figures are written in."""
    from matplotlib.font_manager import FontProperties, findfont

    return _letters(str(findfont(FontProperties())))


@functools.lru_cache(maxsize=8)  # several figures of a run lack the same letters
def _fonts_for(lacking: frozenset[str]) -> tuple[tuple[str, ...], str]:
    """Return the names of fonts that have these letters, the one that has most of them first, and what they lack."""
    from matplotlib.font_manager import fontManager

    # Of one name the upright ones: in them most is written.
    upright = [entry for entry in fontManager.ttflist if entry.style == "normal" and entry.weight in REGULAR]
    usable = {entry.name: entry.fname for entry in upright if not entry.name.startswith(EMPTY)}
    has = {name: _letters(file) & lacking for name, file in sorted(usable.items())}
    found: list[str] = []
    while has and (best := max(has, key=lambda name: len(has[name] & lacking))) not in found and has[best] & lacking:
        found.append(best)
        lacking -= has[best]
    return tuple(found), "".join(sorted(lacking))


def _letters(file: str) -> frozenset[str]:
    """Return the letters that a font has; none where it can't be read."""
    from matplotlib.font_manager import get_font

    try:
        return frozenset(map(chr, get_font(file).get_charmap()))
    except (OSError, RuntimeError):  # some have pictures alone
        return frozenset()
