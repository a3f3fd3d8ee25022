"""Root mean squared error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Metric, Sums
from rnnlab.metrics._sums import count, error, is_forecast, known, total, total_of_all
from rnnlab.signature import Kind


class RootMeanSquaredError(Metric):
    """The root of the mean squared difference of each number, averaged over the numbers as scikit-learn does.

    Of forecasts, one root of the mean over all targets that are known.
    """

    definition: ClassVar[str] = (
        "root of the mean squared error, in the target's unit; averaged over the numbers; of forecasts, one root over "
        "all known targets"
    )
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    targets: ClassVar[frozenset[Kind]] = frozenset({"numbers", "series"})

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        import tensorflow as tf

        squares = error(answers, batch) ** 2
        if is_forecast(batch):
            counted = known(batch)
            return {"squares": total_of_all(squares, counted), "count": tf.reduce_sum(counted)}
        return {"squares": total(squares, batch["weights"]), "count": count(batch["weights"])}

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return float(np.mean(np.sqrt(sums["squares"] / sums["count"]))) if sums["count"] else float("nan")
