"""Log loss: how improbable the true classes were held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Answer, Metric, Sums
from rnnlab.metrics._sums import clipped, count, quotient, total
from rnnlab.signature import Kind


class LogLoss(Metric):
    """The mean negative logarithm of the true class's probability."""

    definition: ClassVar[str] = (
        "mean of −ln of the true class's probability, nats; 0 is perfect, ln C is a uniform guess"
    )
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    targets: ClassVar[frozenset[Kind]] = frozenset({"class"})
    needs: ClassVar[Answer] = "probabilities"
    calibrated: ClassVar[bool] = True

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        import tensorflow as tf

        true = tf.gather(clipped(answers["probabilities"]), tf.cast(batch["targets"], tf.int64), axis=1, batch_dims=1)
        return {"total": total(-tf.math.log(true), batch["weights"]), "count": count(batch["weights"])}

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return quotient(sums)
