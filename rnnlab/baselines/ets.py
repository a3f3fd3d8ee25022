"""Exponential smoothing, its form chosen for each series: what statistics has to say before any network.

Axes: n windows of one series, T time, H horizon, m steps of a season.
"""

from __future__ import annotations

import itertools
import warnings
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline
from rnnlab.baselines._seasons import Numbers, Track
from rnnlab.baselines._smoothing import Smoothing, fitted_part, forecast_fitted
from rnnlab.examples import Examples

TRENDS = ((None, False), ("add", True), ("add", False))
# A longer season has too many states to smooth each on its own: it is taken off before, as it last was in training.
LONGEST_SMOOTHED = 24


class ExponentialSmoothing(Baseline):
    """Additive exponential smoothing with or without a season, and without, with damped or with endless trend.

    Form and parameters are fitted once for each series and target on the end of its training part (statsmodels, by
    AICc), and then stay as they are: a forecast smooths what lies before its origin, nothing is fitted anew. A season
    of more than 24 steps is found by STL in the training part, and its last turn is taken off before and added back
    after, as R's `forecast` does. A missing value teaches nothing. A series that is too short to fit, or not in the
    training part, and what lies before the fitted steps, get the seasonal naive forecast.

    References: Hyndman, Koehler, Ord and Snyder, "Forecasting with Exponential Smoothing", 2008; Cleveland, Cleveland,
    McRae and Terpenning, "STL: A Seasonal-Trend Decomposition Procedure Based on Loess", 1990.
    """

    title: ClassVar[str] = "exponential smoothing (ETS)"
    tasks: ClassVar[frozenset[str]] = frozenset({"forecasting"})

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        return forecast_fitted(train, test, _answer)


def _answer(track: Track) -> Numbers | None:
    part = fitted_part(track)
    if part is None:
        return None
    start, values = part
    mean, scale = values.mean(), values.std()
    if scale <= 1e-9 * abs(mean):  # a constant, up to rounding
        return None
    values = (values - mean) / scale
    turn = _turn(values, track.season)
    smoothing = _fitted(values - turn[np.arange(len(values)) % len(turn)], track.season)
    if smoothing is None:
        return None
    after = track.origins >= start
    origins = track.origins[after] - start
    past = (track.values[start:] - mean) / scale
    past = past - turn[np.arange(len(past)) % len(turn)]
    ahead = turn[(origins[:, None] + np.arange(track.horizon)) % len(turn)]
    found = np.full((len(track.origins), track.horizon), np.nan)
    found[after] = mean + scale * (smoothing.forecast(past, origins, track.horizon) + ahead)
    return found


def _turn(values: Numbers, season: int) -> Numbers:
    """Return what a long season's last turn adds to each of its steps, counted from the first value on, (m,).

    Of any other season it is a single 0, which changes nothing.
    """
    from statsmodels.tsa.seasonal import STL

    if season <= LONGEST_SMOOTHED or len(values) <= 2 * season:
        return np.zeros(1)
    last = np.asarray(STL(values, period=season).fit().seasonal, np.float64)[-season:]
    return np.roll(last, len(values) % season)


def _fitted(values: Numbers, season: int) -> Smoothing | None:
    """Return the form with the least AICc, fitted; None where none can be."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    results = []
    # statsmodels asks for two seasons and, to begin with, ten steps.
    seasonal = 1 < season <= LONGEST_SMOOTHED and len(values) >= 2 * season + 10
    forms = itertools.product((None, "add") if seasonal else (None,), TRENDS)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of statsmodels, about searches that stopped early: a baseline all the same
        for kind, (trend, damped) in forms:
            model = ETSModel(
                values,
                trend=trend,
                damped_trend=damped,
                seasonal=kind,
                seasonal_periods=season if kind else None,
                initialization_method="estimated",
            )
            result = model.fit(disp=False)
            if np.isfinite(result.aicc):
                results.append(result)
    if not results:
        return None
    return _smoothing(min(results, key=lambda result: float(result.aicc)))


def _smoothing(result: Any) -> Smoothing:
    """Return what statsmodels has fitted."""
    model = result.model
    return Smoothing(
        level=float(result.alpha),
        trend=float(result.beta) if model.has_trend else 0.0,
        season=float(result.gamma) if model.has_seasonal else 0.0,
        damping=float(result.phi) if model.damped_trend else 1.0,
        first_level=float(result.initial_level),
        first_trend=float(result.initial_trend) if model.has_trend else 0.0,
        first_season=np.asarray(result.initial_seasonal, np.float64) if model.has_seasonal else np.zeros(0),
    )
