"""Exponential smoothing with known parameters, run forward over a series: its states are what the past amounts to.

Only how to smooth is fitted, once, on the training part; what was smoothed at an origin is computed from all values
before it, and the forecast from there is in closed form.

Axes: n origins, T time, H horizon, m steps of a season.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import NotApplicable
from rnnlab.baselines._seasons import Indices, Numbers, Track, as_windows, forecast, tracks
from rnnlab.examples import Examples

MOST_FITTED = 1500  # steps of one series: the last ones of its training part
LEAST_FITTED = 12
# To fit all forms of ETS to a series takes a quarter of a second at a hundred steps and three at fifteen hundred.
MOST_SERIES, MOST_STEPS = 200, 30_000


@dataclass(frozen=True)
class Smoothing:
    """Additive exponential smoothing: level, trend and season, each of which learns from the error of one step.

    Attributes:
        level, trend, season: the share of an error that each takes over (α, β, γ); 0 where there is none.
        damping: what is left of the trend after a step (φ); 1 where it goes on for ever.
        first_level, first_trend: before the first step.
        first_season: (m,) of the first steps; (0,) where there is no season.

    Reference: Hyndman, Koehler, Ord and Snyder, "Forecasting with Exponential Smoothing", 2008, ETS(A, Ad, A).
    """

    level: float
    trend: float
    season: float
    damping: float
    first_level: float
    first_trend: float
    first_season: Numbers

    def forecast(self, values: Numbers, origins: Indices, horizon: int) -> Numbers:
        """Return forecasts of the H steps from each origin on, (n, H), of which each reads only what lies before it.

        Args:
            values: (T,); a missing one (NaN) teaches nothing, time goes on.
            origins: (n,), from 0 to T.
            horizon: H.
        """
        last = int(origins.max(initial=0))
        levels, trends, seasons = self._run(values[:last])
        damped = np.cumsum(self.damping ** np.arange(1, horizon + 1))
        found = levels[origins][:, None] + trends[origins][:, None] * damped
        period = len(self.first_season)
        if period:
            # The season of step t stands at t + m, as known after it; that of a later step is a whole season before.
            ahead = np.arange(horizon)
            found = found + seasons[origins[:, None] + ahead - ahead // period * period]
        return found

    def _run(self, values: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Return level and trend before each step and after the last, (T + 1,) each, and the season of each, (m + T,).

        One step is a handful of numbers: plain floats are ten times as fast as arrays of one.
        """
        level, trend, damping, period = self.first_level, self.first_trend, self.damping, len(self.first_season)
        levels, trends, seasons = [level], [trend], self.first_season.tolist()
        for step, value in enumerate(values.tolist()):
            trend *= damping
            expected = level + trend
            season = seasons[step] if period else 0.0
            error = value - expected - season
            if math.isnan(error):
                error = 0.0
            level = expected + self.level * error
            trend += self.trend * error
            if period:
                seasons.append(season + self.season * error)
            levels.append(level)
            trends.append(trend)
        return np.array(levels), np.array(trends), np.array(seasons)


def fitted_part(track: Track) -> tuple[int, Numbers] | None:
    """Return the first step of what is fitted and its values without gaps; None where too few are known.

    It is the end of the training part, from a known value on. Gaps within are filled on a straight line, to fit only:
    a forecast's states come from known values.
    """
    end = int(np.max(np.flatnonzero(~np.isnan(track.values[: track.trained])), initial=-1)) + 1
    start = max(0, end - MOST_FITTED)
    known = start + np.flatnonzero(~np.isnan(track.values[start:end]))
    if len(known) < LEAST_FITTED:
        return None
    start = int(known[0])
    return start, np.interp(np.arange(start, end), known, track.values[known])


def forecast_fitted(
    train: Examples, test: Examples, method: Callable[[Track], Numbers | None]
) -> dict[str, NDArray[np.float32]]:
    """Return the forecasts of a method that is fitted on the training part of each series, `values` (N, H, C).

    Args:
        train: windows of the training part.
        test: the windows to answer.
        method: returns (n, H) of a track, NaN for what it can't tell, or None where it can't be fitted: the seasonal
            naive forecast takes its place.

    Raises:
        NotApplicable: to fit all series would take too long, or none is long enough.
    """
    from threadpoolctl import threadpool_limits

    _check_cost(train, test)
    fitted = 0

    def answer(track: Track) -> Numbers:
        nonlocal fitted
        found = method(track)
        if found is None:
            return track.seasonal_naive()
        fitted += 1
        return np.where(np.isnan(found), track.seasonal_naive(), found)

    with threadpool_limits(1):  # matrices of a few parameters: threads only wait for each other
        answers = forecast(train, test, answer)
    if not fitted:
        raise NotApplicable(f"no series has {LEAST_FITTED} known values that differ in the training part")
    return answers


def _check_cost(train: Examples, test: Examples) -> None:
    """Refuse what would take minutes to fit.

    Raises:
        NotApplicable: with how much there is.
    """
    series = steps = 0
    for _, _, track in tracks(*as_windows(train, test)):
        series += 1
        steps += min(track.trained, MOST_FITTED)
    if series > MOST_SERIES or steps > MOST_STEPS:
        raise NotApplicable(
            f"would have to be fitted to {series:,} series and targets, of {steps:,} steps together; limit "
            f"{MOST_SERIES:,} and {MOST_STEPS:,}"
        )
