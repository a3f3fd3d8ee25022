"""Min-max: each feature's range, over the training steps, a series' or a window's own, to 0..1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rnnlab.examples import Examples
from rnnlab.transforms import input_field, series_numbers
from rnnlab.transforms._scaling import SMALLEST, Scaling, extremes, known_steps


class MinMax(Scaling):
    """Map each feature's smallest and largest known value to `low` and `high`; a constant feature becomes `low`.

    Values outside that range map outside low..high.
    """

    low: float = Field(0.0, description="what the smallest value becomes")
    high: float = Field(1.0, description="what the largest value becomes")

    @model_validator(mode="after")
    def _ascending(self) -> MinMax:
        if self.high <= self.low:
            raise ValueError(f"expected low < high; received low {self.low} and high {self.high}")
        return self

    @property
    def outer(self) -> tuple[float, float]:
        return self.low, self.high

    @property
    def labels(self) -> tuple[str, str]:
        return "minimum", "range"

    def learn(self, train: Examples) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
        numbers = series_numbers(train) if self.per_series else np.zeros(len(train), np.int64)
        field = input_field(train.signature, self.field)
        low = np.full((int(numbers.max(initial=0)) + 1, *field.shape), np.inf, np.float32)
        high = -low
        for index, number in enumerate(numbers):
            steps = np.asarray(train.read(index)[field.name], np.float32)
            low[number] = np.fmin(low[number], np.fmin.reduce(steps, axis=0, initial=np.inf))
            high[number] = np.fmax(high[number], np.fmax.reduce(steps, axis=0, initial=-np.inf))
        if not self.per_series:
            return _origin_and_unit(low[0], high[0])
        least, most = low.min(axis=0), high.max(axis=0)
        unknown = low > high
        return _origin_and_unit(
            np.concatenate([np.where(unknown, least, low), least[np.newaxis]]),
            np.concatenate([np.where(unknown, most, high), most[np.newaxis]]),
        )

    def measure(self, window: Any, lengths: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        low, high = extremes(window, known_steps(window, lengths))
        return low, tf.where(high - low < SMALLEST, 1.0, high - low)


def _origin_and_unit(
    low: NDArray[np.float32], high: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    unknown = low > high
    low, high = np.where(unknown, np.float32(0), low), np.where(unknown, np.float32(0), high)
    return low, np.where(high - low < SMALLEST, np.float32(1), high - low)
