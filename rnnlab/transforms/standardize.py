"""Standardise: each feature to mean 0 and deviation 1 over the training steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.examples import Examples
from rnnlab.transforms import Learnt, Transform, masked_moments


class Standardize(Transform):
    """Subtract each feature's training mean and divide by its training deviation; a constant feature becomes 0."""

    def fit(self, train: Examples) -> Learnt:
        mean, deviation = masked_moments(train, self.field)
        # A deviation that is only rounding would blow noise up to size 1.
        constant = deviation <= 1e-6 * np.maximum(np.abs(mean), 1e-30)
        scale = np.where(constant, 1.0, deviation)
        return {"mean": mean.astype(np.float32), "scale": scale.astype(np.float32)}

    def apply(self, values: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        return (values - learnt["mean"]) / learnt["scale"], lengths
