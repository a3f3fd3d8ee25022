"""Coefficient of determination."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Metric, Sums
from rnnlab.metrics._sums import count, total
from rnnlab.signature import Kind

# Variation below this share of the sum of squares is what adding in float64 leaves of a constant. It is a spread of a
# millionth of the mean, where float32 targets have only a few dozen distinct values.
ROUNDING = 1e-12


class CoefficientOfDetermination(Metric):
    """One minus the squared error over that of always answering the mean; averaged over the numbers.

    A number that never varies scores 1 where it is answered exactly and 0 otherwise, as in scikit-learn.
    """

    definition: ClassVar[str] = (
        "1 − squared error / variance; 1 is perfect, 0 is as good as the split's mean; averaged over the numbers"
    )
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    targets: ClassVar[frozenset[Kind]] = frozenset({"numbers"})

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        import tensorflow as tf

        values, targets = tf.cast(answers["values"], tf.float64), tf.cast(batch["targets"], tf.float64)
        return {
            "residuals": total((values - targets) ** 2, batch["weights"]),
            "squares": total(targets**2, batch["weights"]),
            "sums": total(targets, batch["weights"]),
            "count": count(batch["weights"]),
        }

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        if sums["count"] < 2:
            return float("nan")
        variation = sums["squares"] - sums["sums"] ** 2 / sums["count"]
        varies = variation > ROUNDING * sums["squares"]
        exact = np.where(sums["residuals"] == 0, 1.0, 0.0)
        scores = 1 - sums["residuals"] / np.where(varies, variation, 1)
        return float(np.mean(np.where(varies, scores, exact)))
