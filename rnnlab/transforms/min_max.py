"""Min-max: each feature's training range to 0..1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rnnlab.examples import Examples
from rnnlab.transforms import Learnt, Transform


class MinMax(Transform):
    """Map each feature's smallest and largest training value to `low` and `high`; a constant feature becomes `low`.

    Values outside the training range map outside low..high.
    """

    low: float = Field(0.0, description="what the smallest training value becomes")
    high: float = Field(1.0, description="what the largest training value becomes")

    @model_validator(mode="after")
    def _ascending(self) -> MinMax:
        if self.high <= self.low:
            raise ValueError(f"expected low < high; received low {self.low} and high {self.high}")
        return self

    def fit(self, train: Examples) -> Learnt:
        steps = [train.read(index)[self.field] for index in range(len(train))]
        low = np.min([each.min(axis=0) for each in steps], axis=0).astype(np.float32)
        high = np.max([each.max(axis=0) for each in steps], axis=0).astype(np.float32)
        # TensorFlow takes a range below the smallest normal number for zero.
        constant = high - low < np.finfo(np.float32).tiny
        return {"minimum": low, "range": np.where(constant, np.float32(1), high - low)}

    def apply(self, values: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        return (values - learnt["minimum"]) / learnt["range"] * (self.high - self.low) + self.low, lengths
