"""Forecasts: a few windows of the split, what came before them, what was forecast and what came true.

Axes: N windows, T time, H horizon, C targets, Q quantiles, K windows that are drawn.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._forecasts import target_names, windows_from
from rnnlab.figures._style import (
    BLUE,
    GREY,
    INK,
    NORMAL,
    SMALL,
    canvas,
    headline_of_all,
    key,
    thousands,
    tidy,
)
from rnnlab.panel import stamp_text
from rnnlab.windows import Windows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

WINDOWS, WINDOWS_OF_SEVERAL_TARGETS, TARGETS = 6, 3, 3
MARKERS_UP_TO = 14  # steps
TINTS = ("#CFE7F7", "#A3D2F0", "#7CBEE7")  # of the palette's sky, from the widest interval to the narrowest
# Of years, months, days, hours, minutes and seconds: an axis says the year once, and each day its month.
TICKS = ["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%H:%M:%S"]
FIRST_TICKS = ["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"]
COMMON = ["", "%Y", "%Y", "%d %b %Y", "%d %b %Y", "%d %b %Y"]


class ForecastFan(Figure):
    """Windows that are spread evenly over the split and its series, on axes of dates."""

    tasks: ClassVar[frozenset[str]] = frozenset({"forecasting"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        windows, values = evidence.windows, evidence.answers.get("values")
        if windows is None or values is None or not np.isfinite(values).any():
            return None
        names = target_names(evidence)[:TARGETS]
        several = len(names) > 1
        chosen = spread_windows(windows, _worth_drawing(evidence), WINDOWS_OF_SEVERAL_TARGETS if several else WINDOWS)
        bands = _bands(evidence)
        drawing, grid = _grid(len(chosen), len(names))
        for column, window in enumerate(chosen):
            for target in range(len(names)):
                axes = grid[target, column] if several else grid.ravel()[column]
                _window(axes, evidence, window, target, bands)
                if target == 0:
                    axes.set_title(_title(windows, window), fontsize=NORMAL, color=INK, loc="left", parse_math=False)
        _label(drawing, grid, names, len(chosen))
        for axes in grid.ravel()[len(chosen) * len(names) :]:
            axes.set_visible(False)
        headline_of_all(drawing, "Forecasts", windows_from(evidence, len(names)))
        key(drawing, grid[0, 0], 6)
        return drawing


def spread_windows(windows: Windows, worth: NDArray[np.bool_], most: int) -> list[int]:
    """Return the numbers of at most so many windows: several series, and origins spread evenly.

    Args:
        windows: N of them.
        worth: (N,) which to choose from.
        most: how many at most.
    """
    numbers = np.flatnonzero(worth)
    owners = windows.numbers(numbers)
    series = np.unique(owners)
    if len(series) > most:
        series = series[np.linspace(0, len(series) - 1, most).round().astype(np.int64)]
    each = most // len(series)
    found: set[int] = set()
    for place, owner in enumerate(series):
        own = numbers[owners == owner]
        shares = np.linspace(0, 1, each) if each > 1 else np.array([(place + 0.5) / len(series)])
        found.update(own[((len(own) - 1) * shares).round().astype(np.int64)].tolist())
    return sorted(found)


@dataclass(frozen=True)
class Band:
    """An interval: the numbers of its two quantiles, what the key says of it, and its colour."""

    low: int
    high: int
    name: str
    tint: str = TINTS[1]


def intervals(levels: NDArray[Any]) -> list[Band]:
    """Return the intervals between quantiles, widest first; of many, as many as there are tints."""
    order = np.argsort(levels, kind="stable")
    found = []
    for low, high in zip(order[: len(order) // 2], order[::-1], strict=False):
        lower, upper = float(levels[low]), float(levels[high])
        central = abs(lower + upper - 1) < 1e-3
        name = f"{100 * (upper - lower):.4g} % interval" if central else f"{100 * lower:.4g} % to {100 * upper:.4g} %"
        found.append(Band(int(low), int(high), name))
    if len(found) > len(TINTS):
        found = [found[int(place)] for place in np.linspace(0, len(found) - 1, len(TINTS)).round()]
    if len(found) == 1:
        return found
    return [replace(band, tint=tint) for band, tint in zip(found, TINTS, strict=False)]


def _bands(evidence: Evidence) -> list[Band]:
    """Return the intervals that the answers have, if any; their names say what they hold."""
    if "quantiles" not in evidence.answers or "levels" not in evidence.answers:
        return []
    found = intervals(evidence.answers["levels"])
    return [replace(band, name=band.name + _held(evidence, band.low, band.high)) for band in found]


def _worth_drawing(evidence: Evidence) -> NDArray[np.bool_]:
    """Return which windows have a forecast and, if any has, something that came true, (N,)."""
    forecast = np.isfinite(evidence.answers["values"]).any(axis=(1, 2))
    if evidence.targets is None:
        return np.asarray(forecast)
    known = forecast & np.isfinite(evidence.targets).any(axis=(1, 2))
    return np.asarray(known if known.any() else forecast)


def _grid(count: int, targets: int) -> tuple[Drawing, NDArray[Any]]:
    """Return a drawing and its axes: a column for each window, or two columns of windows of one target."""
    columns = count if targets > 1 else min(count, 2)
    rows = targets if targets > 1 else math.ceil(count / columns)
    width = {1: 7.5, 2: 10.0}.get(columns, 12.0)
    drawing = canvas(width, 1.3 + 2.1 * rows if rows > 1 else 4.2)
    return drawing, drawing.subplots(rows, columns, squeeze=False)


def _window(axes: Axes, evidence: Evidence, window: int, target: int, bands: Sequence[Band]) -> None:
    windows: Windows = evidence.windows  # type: ignore[assignment]
    series, origin = windows.place(window)
    before = min(origin, _history(windows))
    panel = windows.series.panel
    steps = np.arange(origin - before, origin + windows.horizon)
    stamps = panel.clock(panel.step.stamps(panel.first[series : series + 1], steps))
    past = windows.series.target_values(series)[origin - before : origin, target]
    ahead = stamps[before:]
    _line(axes, stamps[:before], past, GREY, "history")
    if evidence.targets is not None:
        truth = evidence.targets[window, :, target]
        last_known = past[-1:] if np.isfinite(truth[0]) else past[:0]  # to join them; else it would be a dot of its own
        joined = np.concatenate([last_known, truth])
        _line(axes, stamps[before - len(last_known) :], joined, INK, "what came true")
    marker = "o" if windows.horizon <= MARKERS_UP_TO else ""
    forecast = evidence.answers["values"][window, :, target]
    axes.plot(ahead, forecast, color=BLUE, linewidth=2, marker=marker, markersize=3, label="forecast", zorder=3)
    for band in bands:
        lower, upper = (evidence.answers["quantiles"][window, :, target, each] for each in (band.low, band.high))
        style: dict[str, Any] = {"color": band.tint, "label": band.name, "zorder": 1.5}
        if len(ahead) > 1:
            axes.fill_between(ahead, lower, upper, linewidth=0, **style)
        else:
            axes.vlines(ahead, lower, upper, linewidth=7, **style)
    if before:
        last, first = stamps[before - 1 : before + 1]
        axes.axvline(last + (first - last) / 2, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)


def _history(windows: Windows) -> int:
    """Return how many steps to draw before the origin: enough to see the season and the forecast."""
    return max(2 * windows.horizon, min(windows.season, 5 * windows.horizon), 12)


def _held(evidence: Evidence, low: int, high: int) -> str:
    """Return in words how much of what came true in the whole split lies within an interval."""
    if evidence.targets is None:
        return ""
    quantiles = evidence.answers["quantiles"]
    known = np.isfinite(evidence.targets)
    if not known.any():
        return ""
    inside = (evidence.targets >= quantiles[..., low]) & (evidence.targets <= quantiles[..., high])
    return f" (holds {100 * inside[known].mean():.0f} % of the split)"


def _line(axes: Axes, stamps: NDArray[Any], values: NDArray[Any], colour: str, name: str) -> None:
    """Draw values, broken where they are missing; one between two missing ones is a dot."""
    axes.plot(stamps, values, color=colour, linewidth=1.1, label=name, zorder=4)
    missing = np.concatenate([[True], np.isnan(values), [True]])
    alone = missing[:-2] & ~missing[1:-1] & missing[2:]
    if alone.any():
        axes.plot(stamps[alone], values[alone], ".", color=colour, markersize=4, zorder=4)


def _title(windows: Windows, window: int) -> str:
    """Return where a window begins, after the name of its series where there are several."""
    series, _ = windows.place(window)
    start = f"from {stamp_text(windows.stamps(window)[0])}"
    start = start.removesuffix(":00")  # seconds
    if len(windows.series) == 1:
        return start
    return "\n".join(textwrap.wrap(f"{windows.series.ids[series]} · {start}", 44, break_on_hyphens=False))


def _label(drawing: Drawing, grid: NDArray[Any], names: tuple[str, ...], count: int) -> None:
    """Label the axes of `count` windows: rows are targets, or else windows go on from row to row."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    columns = grid.shape[1]
    for place, axes in enumerate(grid.ravel()[: count * len(names)]):
        row, column = divmod(place, columns)
        named = len(names) > 1 and column == 0
        lowest = place + columns >= count * len(names)
        tidy(axes, "date" if lowest else "", "\n".join(textwrap.wrap(names[row], 24)) if named else "")
        axes.yaxis.label.set_parse_math(False)
        axes.locator_params(axis="y", nbins=5)
        thousands(axes.yaxis)
        locator = AutoDateLocator(minticks=3, maxticks=6)
        axes.xaxis.set_major_locator(locator)
        formatter = ConciseDateFormatter(locator, formats=TICKS, zero_formats=FIRST_TICKS, offset_formats=COMMON)
        axes.xaxis.set_major_formatter(formatter)
        axes.xaxis.get_offset_text().set(fontsize=SMALL, color=INK)
        axes.margins(x=0.015)
    if len(names) == 1:
        name = "\n".join(textwrap.wrap(names[0], 60))
        drawing.supylabel(name, fontsize=NORMAL, color=INK, parse_math=False)
