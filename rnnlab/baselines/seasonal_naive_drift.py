"""The seasonal naive forecast with drift: every season is like the last one, and a little more."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import NDArray

from rnnlab.baselines import Baseline
from rnnlab.baselines._seasons import Numbers, Track, forecast
from rnnlab.examples import Examples


class SeasonalNaiveDrift(Baseline):
    """Answers with the value k seasons before the step and k times the mean change from season to season.

    That mean is of the training part, over all pairs of values a season apart that are known. Without a season it is a
    random walk with drift.

    Reference: Hyndman and Athanasopoulos, "Forecasting: Principles and Practice", section 5.2 (drift method).
    """

    title: ClassVar[str] = "seasonal naive with drift"
    tasks: ClassVar[frozenset[str]] = frozenset({"forecasting"})

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        return forecast(train, test, _answer)


def _answer(track: Track) -> Numbers:
    earlier = track.season_before()
    return track.at(earlier) + (track.steps - earlier) // track.season * track.drift()
