"""The last value: the forecast that nothing changes any more."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline
from rnnlab.baselines._seasons import Numbers, Track, forecast
from rnnlab.examples import Examples


class LastValue(Baseline):
    """Answers every step of the horizon with the last known value before the origin."""

    title: ClassVar[str] = "last value"
    tasks: ClassVar[frozenset[str]] = frozenset({"forecasting"})

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        return forecast(train, test, _answer)


def _answer(track: Track) -> Numbers:
    return np.repeat(track.last_value()[:, None], track.horizon, axis=1)
