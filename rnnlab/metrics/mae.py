"""Mean absolute error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Metric, Sums
from rnnlab.metrics._sums import count, error, is_forecast, known, quotient, total, total_of_all
from rnnlab.signature import Kind


class MeanAbsoluteError(Metric):
    """The mean absolute difference, over examples and numbers; of forecasts, over all targets that are known."""

    definition: ClassVar[str] = (
        "mean absolute error, in the target's unit; averaged over the numbers; of forecasts, over all known targets"
    )
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    targets: ClassVar[frozenset[Kind]] = frozenset({"numbers", "series"})

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        import tensorflow as tf

        absolute = tf.abs(error(answers, batch))
        if is_forecast(batch):
            counted = known(batch)
            return {"total": total_of_all(absolute, counted), "count": tf.reduce_sum(counted)}
        return {
            "total": total(tf.reduce_mean(absolute, axis=-1), batch["weights"]),
            "count": count(batch["weights"]),
        }

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return quotient(sums)
