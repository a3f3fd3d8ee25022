"""The seasonal mean: every season is like the last four of them on average."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline
from rnnlab.baselines._seasons import Numbers, Track, forecast
from rnnlab.examples import Examples

SEASONS = 4


class SeasonalMean(Baseline):
    """Answers with the mean of the last four known values at the step's season, such as the last four Mondays.

    Where fewer are known before the origin, it is the mean of these.
    """

    title: ClassVar[str] = f"mean of the last {SEASONS} seasons"
    tasks: ClassVar[frozenset[str]] = frozenset({"forecasting"})

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        return forecast(train, test, _answer)


def _answer(track: Track) -> Numbers:
    steps = track.season_before()
    total, count = np.zeros(steps.shape), np.zeros(steps.shape)
    for _ in range(SEASONS):
        total += np.where(steps >= 0, track.at(steps), 0)
        count += steps >= 0
        steps = track.earlier_season(steps)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
