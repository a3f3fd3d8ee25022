"""Binary log loss: how improbable the true state of each label was held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Answer, Metric, Sums
from rnnlab.metrics._sums import clipped, count, marked, quotient, total
from rnnlab.signature import Kind


class BinaryLogLoss(Metric):
    """The mean over examples and labels of the negative logarithm of the probability of the label's true state."""

    definition: ClassVar[str] = (
        "mean over examples and labels of −ln of the true state's probability, nats; 0 is perfect"
    )
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    targets: ClassVar[frozenset[Kind]] = frozenset({"labels"})
    needs: ClassVar[Answer] = "probabilities"
    calibrated: ClassVar[bool] = True

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        import tensorflow as tf

        probabilities = clipped(answers["probabilities"])
        true = tf.where(marked(batch["targets"]), probabilities, 1 - probabilities)
        return {
            "total": total(tf.reduce_mean(-tf.math.log(true), axis=-1), batch["weights"]),
            "count": count(batch["weights"]),
        }

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return quotient(sums)
