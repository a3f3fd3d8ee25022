"""Mean absolute error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Metric, Sums
from rnnlab.metrics._sums import count, quotient, total
from rnnlab.signature import Kind


class MeanAbsoluteError(Metric):
    """The mean absolute difference, over examples and numbers."""

    definition: ClassVar[str] = "mean absolute error, in the target's unit; averaged over the numbers"
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    target: ClassVar[Kind] = "numbers"
    reads: ClassVar[Literal["probabilities", "values"]] = "values"

    def sums(self, answers: Mapping[str, Any], targets: Any, weights: Any) -> Sums:
        import tensorflow as tf

        difference = tf.cast(answers["values"], tf.float64) - tf.cast(targets, tf.float64)
        return {"total": total(tf.reduce_mean(tf.abs(difference), axis=-1), weights), "count": count(weights)}

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return quotient(sums)
