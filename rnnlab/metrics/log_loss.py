"""Log loss: how improbable the true classes were held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Metric, Sums
from rnnlab.metrics._sums import clipped, count, quotient, total
from rnnlab.signature import Kind


class LogLoss(Metric):
    """The mean negative logarithm of the true class's probability."""

    definition: ClassVar[str] = (
        "mean of −ln of the true class's probability, nats; 0 is perfect, ln C is a uniform guess"
    )
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    target: ClassVar[Kind] = "class"
    reads: ClassVar[Literal["probabilities", "values"]] = "probabilities"
    calibrated: ClassVar[bool] = True

    def sums(self, answers: Mapping[str, Any], targets: Any, weights: Any) -> Sums:
        import tensorflow as tf

        true = tf.gather(clipped(answers["probabilities"]), tf.cast(targets, tf.int64), axis=1, batch_dims=1)
        return {"total": total(-tf.math.log(true), weights), "count": count(weights)}

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return quotient(sums)
