"""Error by horizon: how fast a forecast gets worse the further it looks ahead.

Axes: N windows, H horizon, C targets.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._forecasts import (
    brief,
    label,
    less,
    mean_known,
    middle_half,
    residuals,
    rows_of,
    step_ticks,
    steps_named,
    windows_from,
)
from rnnlab.figures._style import AMBER, BLUE, GREEN, GREY, ORANGE, PINK, SKY, headline, key

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

MARKERS_UP_TO = 31  # steps
TOWERS = 4  # times as high as the forecast's errors: a baseline so bad would press them to the floor
COLOURS = (ORANGE, GREEN, AMBER, PINK, GREY)
DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)))


class ErrorByHorizon(Figure):
    """The mean absolute error of each step ahead, the middle half of the errors, and the simple methods' means."""

    tasks: ClassVar[frozenset[str]] = frozenset({"forecasting"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        found = residuals(evidence)
        if found is None:
            return None
        errors, windows = np.abs(found.values), found.windows
        drawing, rows = rows_of(found.names, 4.0)
        simple = {  # N, H, C
            title: np.abs(less(evidence.targets, values))  # type: ignore[arg-type]
            for title, values in evidence.baselines.items()
        }
        hidden: dict[str, None] = {}
        for target, (axes, name) in enumerate(zip(rows, found.names, strict=True)):
            curves = [
                ("forecast", errors[:, :, target]),
                *((title, each[:, :, target]) for title, each in simple.items()),
            ]
            labels = [title if len(rows) > 1 else f"{title}, {_average(each)}" for title, each in curves]
            most = TOWERS * _forecast(axes, labels[0], curves[0][1]) or math.inf
            for number, (text, (_, each)) in enumerate(zip(labels[1:], curves[1:], strict=True)):
                if not _baseline(axes, text, mean_known(each), number, most):
                    hidden[text] = None
            axes.set_ylim(bottom=0)
            below = f"{steps_named(windows.series.panel.step)} ahead" if axes is rows[-1] else ""
            label(axes, below, "mean absolute error", name)
        steps = errors.shape[1]
        rows[-1].set_xticks(step_ticks(steps, windows.season))
        rows[-1].xaxis.set_major_formatter("+{x:.0f}")
        rows[-1].set_xlim(1 - max(0.5, 0.02 * steps), steps + max(0.5, 0.02 * steps))
        beyond = f" · too high to draw: {'; '.join(hidden)}" if hidden else ""
        headline(drawing, rows[0], "Error by horizon", windows_from(evidence, len(rows)) + beyond)
        key(drawing, rows, 3)
        return drawing


def _forecast(axes: Axes, text: str, errors: NDArray[Any]) -> float:
    """Draw the forecast's errors, (N, H); return how high they reach."""
    steps = np.arange(1, errors.shape[1] + 1)
    mean = mean_known(errors)
    low, high = np.array([middle_half(errors[:, step]) for step in range(errors.shape[1])]).T
    marker = "o" if len(steps) <= MARKERS_UP_TO else ""
    (place, low_line), (_, high_line) = _wide(low, 0.1), _wide(high, 0.1)
    band: dict[str, Any] = {"color": SKY, "alpha": 0.3, "linewidth": 0, "zorder": 1}
    axes.fill_between(place, low_line, high_line, label="middle half of the forecast's errors", **band)
    axes.plot(steps, mean, color=BLUE, linewidth=2, marker=marker, markersize=4, label=text, zorder=3)
    return _highest(mean, high)


def _baseline(axes: Axes, text: str, mean: NDArray[np.float64], number: int, most: float) -> bool:
    """Draw the mean of a baseline's errors, (H,), unless it is higher than `most`; return whether it is drawn."""
    if _highest(mean) > most or not np.isfinite(mean).any():
        return False
    style: dict[str, Any] = {"linestyle": DASHES[number % len(DASHES)], "linewidth": 1.1, "zorder": 2}
    axes.plot(*_wide(mean, 0.25), color=COLOURS[number % len(COLOURS)], label=text, **style)
    return True


def _wide(heights: NDArray[Any], half: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return steps and heights, (H,); of one step two points, `half` to each side, for a line needs two."""
    if len(heights) == 1:
        return np.array([1 - half, 1 + half]), np.repeat(heights, 2)
    return np.arange(1.0, len(heights) + 1), heights


def _highest(*heights: NDArray[np.float64]) -> float:
    return float(np.fmax.reduce(np.concatenate(heights)))


def _average(errors: NDArray[Any]) -> str:
    return f"{brief(float(mean_known(errors.ravel())))} on average"
