"""The theta method: exponential smoothing with half the trend, which won the M3 competition.

Axes: n windows of one series, T time, H horizon, m steps of a season.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline
from rnnlab.baselines._seasons import Indices, Numbers, Track
from rnnlab.baselines._smoothing import Smoothing, fitted_part, forecast_fitted
from rnnlab.examples import Examples


class Theta(Baseline):
    """The theta method with θ = 2: simple exponential smoothing of the deseasonalised series, plus half its trend.

    Smoothing, trend and the season's indices (if statsmodels' test finds a season) are fitted once for each series and
    target on the end of its training part, and then stay as they are: a forecast smooths what lies before its origin.
    A missing value teaches nothing. A series that is too short to fit, or not in the training part, and what lies
    before the fitted steps, get the seasonal naive forecast.

    References: Assimakopoulos and Nikolopoulos, "The theta model: a decomposition approach to forecasting", 2000;
    Hyndman and Billah, "Unmasking the Theta method", 2003.
    """

    title: ClassVar[str] = "theta method"
    tasks: ClassVar[frozenset[str]] = frozenset({"forecasting"})

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        return forecast_fitted(train, test, _answer)


@dataclass(frozen=True)
class _Fitted:
    """What is learnt of one series.

    Attributes:
        level: the share of an error that the level takes over (α).
        slope: of the trend, a step.
        season: (m,) indices from the first fitted step on; (0,) where there is no season.
        multiplied: whether they are factors, not summands.
    """

    level: float
    slope: float
    season: Numbers
    multiplied: bool

    def indices(self, steps: Indices) -> Numbers:
        """Return the season's index of each step, counted from the first fitted one."""
        neutral = np.full(steps.shape, 1.0 if self.multiplied else 0.0)
        return self.season[steps % len(self.season)] if len(self.season) else neutral

    def forecast(self, values: Numbers, origins: Indices, horizon: int) -> Numbers:
        """Return forecasts (n, H) from origins (n,) of values (T,), all counted from the first fitted step."""
        season = self.indices(np.arange(len(values)))
        plain = values / season if self.multiplied else values - season
        # Smoothing with half the trend as drift; the first value is exactly what is expected.
        drift = self.slope / 2
        smoothing = Smoothing(self.level, 0.0, 0.0, 1.0, float(plain[0]) - drift, drift, np.zeros(0))
        found = smoothing.forecast(plain, origins, horizon)
        later = self.indices(origins[:, None] + np.arange(horizon))
        return found * later if self.multiplied else found + later


def _answer(track: Track) -> Numbers | None:
    part = fitted_part(track)
    if part is None:
        return None
    start, values = part
    if values.std() <= 1e-9 * abs(values.mean()):  # a constant, up to rounding
        return None
    fitted = _fitted(values, track.season)
    after = track.origins > start
    found = np.full((len(track.origins), track.horizon), np.nan)
    found[after] = fitted.forecast(track.values[start:], track.origins[after] - start, track.horizon)
    return found


def _fitted(values: Numbers, season: int) -> _Fitted:
    from statsmodels.tsa.forecasting.theta import ThetaModel

    scale = float(np.abs(values).mean())  # statsmodels' search stops by absolute differences
    seasonal = season > 1 and len(values) >= 2 * season + 1
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of statsmodels, about searches that stopped early: a baseline all the same
        model = ThetaModel(values / scale, period=season if seasonal else 1, deseasonalize=seasonal)
        result = model.fit()
    indices = np.asarray(result._seasonal, np.float64)
    multiplied = model.method.startswith("mul")
    return _Fitted(
        level=float(result.params["alpha"]),
        slope=scale * float(result.params["b0"]),
        season=indices if multiplied else scale * indices,
        multiplied=multiplied,
    )
