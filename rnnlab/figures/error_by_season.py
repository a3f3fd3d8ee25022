"""Error by season: at which hours, on which days or in which months a forecast is worse.

Axes: N windows, T time, H horizon, C targets, G hours, days or months.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._forecasts import brief, label, mean_known, middle_half, residuals, rows_of, windows_from
from rnnlab.figures._style import BLUE, GREY, headline, key
from rnnlab.frequency import DAY, MONTHS, WEEK, WEEKDAYS, Frequency, Stamps, months, weekdays
from rnnlab.windows import Windows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

NAMES = {
    "hour of the day": tuple(f"{hour:02}" for hour in range(24)),
    "day of the week": tuple(name.capitalize() for name in WEEKDAYS),
    "month": tuple(name.capitalize() for name in MONTHS),
}
COUNTS_UP_TO = 7  # groups


class ErrorBySeason(Figure):
    """The mean absolute error of each hour, day of the week or month, whichever the frequency has."""

    tasks: ClassVar[frozenset[str]] = frozenset({"forecasting"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        found = residuals(evidence)
        kind = season_kind(found.windows.series.panel.step) if found is not None else None
        if found is None or kind is None:
            return None
        errors, places = np.abs(found.values), season_places(found.windows, kind)
        groups = np.unique(places[np.isfinite(errors).any(axis=2)])
        if len(groups) < 2:
            return None
        drawing, rows = rows_of(found.names, 3.8)
        for target, (axes, name) in enumerate(zip(rows, found.names, strict=True)):
            _points(axes, [errors[:, :, target][places == group] for group in groups], alone=len(rows) == 1)
            label(axes, kind if axes is rows[-1] else "", "mean absolute error", name)
        rows[-1].set_xticks(range(len(groups)), _names(kind, groups, errors, places))
        rows[-1].set_xlim(-0.6, len(groups) - 0.4)
        headline(drawing, rows[0], f"Error by {kind}", windows_from(evidence, len(rows)))
        key(drawing, rows)
        return drawing


def season_kind(frequency: Frequency) -> str | None:
    """Return which part of a date errors of this frequency are looked at by; None of yearly series, which have none."""
    if frequency.unit == "business_day" or (frequency.unit == "second" and DAY <= frequency.step < WEEK):
        return "day of the week"
    if frequency.unit == "second":
        return "hour of the day" if frequency.step < DAY else "month"
    return "month" if frequency.step % 12 else None


def season_places(windows: Windows, kind: str) -> NDArray[np.int8]:
    """Return the hour, the day of the week or the month of every step asked for, (N, H), numbered from 0."""
    panel = windows.series.panel
    places = np.zeros((len(windows), windows.horizon), np.int8)
    ahead = np.arange(windows.horizon)
    for series in range(len(panel)):
        start, stop = int(windows.edges[series]), int(windows.edges[series + 1])
        if start < stop:
            of_steps = _places(panel.clock(panel.stamps(series)), kind)  # T
            places[start:stop] = of_steps[windows.origins[start:stop, None] + ahead]
    return places


def _places(stamps: Stamps, kind: str) -> NDArray[np.int8]:
    if kind == "day of the week":
        return weekdays(stamps).astype(np.int8)
    if kind == "month":
        return (months(stamps) % 12).astype(np.int8)
    return (stamps.astype("datetime64[h]").astype(np.int64) % 24).astype(np.int8)


def _points(axes: Axes, errors: list[NDArray[Any]], alone: bool) -> None:
    """Draw the mean and the middle half of each group's errors, and the mean of all, named where axes are alone."""
    positions = np.arange(len(errors))
    means = np.array([float(mean_known(each)) for each in errors])
    low, high = np.array([middle_half(each) for each in errors]).T
    axes.vlines(positions, low, high, color=BLUE, linewidth=1.4, alpha=0.6, label="middle half of the errors")
    axes.plot(positions, means, "o", color=BLUE, markersize=6, label="mean absolute error")
    overall = float(mean_known(np.concatenate(errors)))
    text = f"overall, {brief(overall)}" if alone else "overall"
    axes.axhline(overall, color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=1, label=text)
    axes.set_ylim(bottom=0)


def _names(kind: str, groups: NDArray[Any], errors: NDArray[Any], places: NDArray[Any]) -> list[str]:
    """Return the groups' names and, where there is room, how many errors each has; of the first target."""
    names = [NAMES[kind][group] for group in groups]
    if len(groups) > COUNTS_UP_TO:
        return names
    known = np.bincount(places[np.isfinite(errors[:, :, 0])], minlength=groups[-1] + 1)[groups]
    return [f"{name}\nn = {count:,}" for name, count in zip(names, known, strict=True)]
