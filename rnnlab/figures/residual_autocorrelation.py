"""Autocorrelation of residuals: whether today's error tells tomorrow's, that is whether there is more to be learned.

Axes: S series, N windows, T time, K lags, C targets.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Evidence, Figure
from rnnlab.figures._forecasts import residuals, rows_of, step_ticks, steps_named, windows_from
from rnnlab.figures._style import BLUE, GREY, LIGHT, ORANGE, headline, key, tidy
from rnnlab.windows import Windows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

LEAST = 20  # residuals of a series
SHARE, PAIRS = 1 / 3, 10  # of a series' length, the longest lag that is drawn; of how many pairs it is made at least
LAGS, SEASONS, MOST = 21, 2, 200  # at least so many, or so many seasons; never more
Z = 1.959964


class ResidualAutocorrelation(Figure):
    """The autocorrelation of the residuals one step ahead, averaged over series, with white noise's 95 % band.

    The band is that of Ljung and Box, "On a Measure of Lack of Fit in Time Series Models", Biometrika 1978, about the
    mean that white noise has when its own mean is taken off (Moran, Biometrika 1948): of many short series that
    matters. It takes the residuals of different series as independent.
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"forecasting"})

    def draw(self, evidence: Evidence) -> Drawing | None:
        found = residuals(evidence)
        if found is None:
            return None
        windows, step = found.windows, origin_step(found.windows)
        lags = max(1, min(MOST, max(LAGS, SEASONS * windows.season // step)))
        every = [_averaged(windows, found.values[:, 0, target], step, lags) for target in range(len(found.names))]
        curves = {name: curve for name, curve in zip(found.names, every, strict=True) if curve is not None}
        if not curves:
            return None
        drawing, rows = rows_of(tuple(curves), 3.8)
        unit = steps_named(windows.series.panel.step)
        for axes, (name, curve) in zip(rows, curves.items(), strict=True):
            _stems(axes, curve, step, alone=len(rows) == 1)
            whose = textwrap.wrap(name, 28) if len(found.names) > 1 else []
            tidy(axes, f"lag ({unit})" if axes is rows[-1] else "", "\n".join(["autocorrelation", *whose]))
            axes.yaxis.label.set_parse_math(False)
        longest = max(len(curve.mean) for curve in curves.values())
        season = windows.season // step if windows.season % step == 0 else 1
        rows[-1].set_xticks([tick * step for tick in step_ticks(longest, season)])
        rows[-1].set_xlim(0, (longest + 1) * step)
        headline(drawing, rows[0], "Autocorrelation of the residuals", _detail(evidence, list(curves.values())))
        key(drawing, rows)
        return drawing


@dataclass(frozen=True, eq=False)
class Curve:
    """The autocorrelation of each lag, (K,), the ends of white noise's band, and of how many series it is the mean."""

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    series: int


def _detail(evidence: Evidence, curves: list[Curve]) -> str:
    most = max(curve.series for curve in curves)
    mean = f", mean of {most:,} series" if most > 1 else ""
    return f"{windows_from(evidence, len(curves))} · residuals of the first step ahead{mean}"


def origin_step(windows: Windows) -> int:
    """Return the number of steps from one origin to the next; 1 where no series has two."""
    apart = np.diff(windows.origins.astype(np.int64))
    within = np.ones(len(apart), bool)
    within[[edge - 1 for edge in windows.edges[1:-1] if 0 < edge <= len(apart)]] = False
    return int(np.gcd.reduce(apart[within])) or 1  # of none it is 0


def autocorrelation(values: NDArray[Any], lags: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the autocorrelations of lags 1 to `lags` of (T,), and of how many pairs each is made.

    Unknown values (NaN) take part in no pair. With none of them it is the usual estimate.
    """
    known = np.isfinite(values)
    centred = np.where(known, values - values[known].mean(dtype=np.float64), 0.0)
    within = min(lags, len(values) - 1)
    sums = np.zeros(lags)
    pairs = np.zeros(lags, np.int64)
    for lag in range(1, within + 1):
        sums[lag - 1] = centred[:-lag] @ centred[lag:]
        pairs[lag - 1] = (known[:-lag] & known[lag:]).sum()
    return sums / (centred @ centred), pairs


def _averaged(windows: Windows, values: NDArray[Any], step: int, lags: int) -> Curve | None:
    """Return the mean over the series that have enough residuals; None where none has.

    Args:
        windows: N of them.
        values: (N,), the residuals one step ahead.
        step: steps between origins.
        lags: the most lags.
    """
    total, centre, variance, count = np.zeros((4, lags))
    for start, stop in zip(windows.edges[:-1], windows.edges[1:], strict=True):
        row = _regular(windows.origins[start:stop], values[start:stop], step)
        known = row[np.isfinite(row)]
        if len(known) < LEAST or np.ptp(known) <= 1e-6 * np.abs(known).max():
            continue
        found, pairs = autocorrelation(row, lags)
        n, apart = len(known), np.arange(1, lags + 1)
        used = (apart <= SHARE * len(row)) & (pairs >= PAIRS)
        # Gaps leave fewer pairs to sum: without this, they would shrink what is drawn. Without gaps it is 1.
        scale = np.where(used, n * (1 - apart / len(row)) / np.maximum(pairs, 1), 0)
        total += scale * found
        centre -= scale * pairs / (n * (n - 1))
        variance += scale**2 * pairs / (n * (n + 2))
        count += used
    drawn = np.flatnonzero(count)
    if not len(drawn):
        return None
    with np.errstate(invalid="ignore"):
        mean, middle, half = total / count, centre / count, Z * np.sqrt(variance) / count
    kept = slice(int(drawn[-1]) + 1)
    return Curve(mean[kept], (middle - half)[kept], (middle + half)[kept], int(count.max()))


def _regular(origins: NDArray[Any], values: NDArray[Any], step: int) -> NDArray[np.float64]:
    """Return the values of a series' origins, `step` apart, (T,); NaN where there is no origin."""
    if not len(origins):
        return np.zeros(0)
    places = (origins - origins[0]) // step
    row = np.full(int(places[-1]) + 1, np.nan)
    row[places] = values
    return row


def _stems(axes: Axes, curve: Curve, step: int, alone: bool) -> None:
    mean, low, high = curve.mean, curve.low, curve.high
    lags = np.arange(1, len(mean) + 1) * step
    drawn = np.isfinite(mean)
    outside = drawn & ((mean < low) | (mean > high))
    size = 5 if len(lags) <= 60 else 3
    ends = np.concatenate([[lags[0] - step / 2], lags, [lags[-1] + step / 2]])
    lower, upper = (np.concatenate([each[:1], each, each[-1:]]) for each in (low, high))
    axes.fill_between(ends, lower, upper, color=LIGHT, linewidth=0, zorder=0.6, label="95 % of white noise")
    axes.axhline(0, color=GREY, linewidth=0.8, zorder=1)
    for chosen, colour, text in ((drawn & ~outside, BLUE, "within"), (outside, ORANGE, "outside")):
        if chosen.any():
            axes.vlines(lags[chosen], 0, mean[chosen], color=colour, linewidth=1.3, zorder=2)
            named = f"{text}: {chosen.sum()} of {drawn.sum()} lags" if alone else text
            axes.plot(lags[chosen], mean[chosen], "o", color=colour, markersize=size, zorder=3, label=named)
    axes.margins(y=0.08)
