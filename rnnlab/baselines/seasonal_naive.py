"""The seasonal naive forecast: every season is like the last one."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import NDArray

from rnnlab.baselines import Baseline, NotApplicable
from rnnlab.baselines._seasons import Track, as_windows, forecast
from rnnlab.examples import Examples


class SeasonalNaive(Baseline):
    """Answers with the value one season before the step; beyond a season's length, the last season is repeated.

    Where that value is missing, it is the last known one a whole number of seasons before.

    Reference: Hyndman and Athanasopoulos, "Forecasting: Principles and Practice", section 5.2.
    """

    title: ClassVar[str] = "seasonal naive"
    tasks: ClassVar[frozenset[str]] = frozenset({"forecasting"})

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        _, windows = as_windows(train, test)
        if windows.season == 1:
            raise NotApplicable("without a season (of 1 step) it is the last value")
        return forecast(train, test, Track.seasonal_naive)
