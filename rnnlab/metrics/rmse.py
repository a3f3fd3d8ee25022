"""Root mean squared error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Metric, Sums
from rnnlab.metrics._sums import count, total
from rnnlab.signature import Kind


class RootMeanSquaredError(Metric):
    """The root of the mean squared difference of each number, averaged over the numbers as scikit-learn does."""

    definition: ClassVar[str] = "root of the mean squared error, in the target's unit; averaged over the numbers"
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    target: ClassVar[Kind] = "numbers"
    reads: ClassVar[Literal["probabilities", "values"]] = "values"

    def sums(self, answers: Mapping[str, Any], targets: Any, weights: Any) -> Sums:
        import tensorflow as tf

        difference = tf.cast(answers["values"], tf.float64) - tf.cast(targets, tf.float64)
        return {"squares": total(difference**2, weights), "count": count(weights)}

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return float(np.mean(np.sqrt(sums["squares"] / sums["count"]))) if sums["count"] else float("nan")
