"""Mean absolute percentage error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Metric, Sums
from rnnlab.metrics._sums import error, known, quotient, total_of_all
from rnnlab.signature import Kind

# Of the largest target in the same window: below a millionth, float32 sums leave what was meant to be 0.
ZERO = 1e-6


class MeanAbsolutePercentageError(Metric):
    """The mean of the absolute error over the absolute target, in percent.

    A target of 0 has no percentage and is left out; so is one so small beside the largest of the same window that it is
    0 but for rounding. This depends on the targets alone: whatever the answers, the same ones count.
    """

    definition: ClassVar[str] = (
        "mean of |error| / |target|, in percent; 0 is perfect, there is no upper limit; targets of 0 are left out"
    )
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    targets: ClassVar[frozenset[Kind]] = frozenset({"series"})

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        import tensorflow as tf

        there = known(batch)
        size = tf.abs(tf.cast(batch["targets"], tf.float64))
        largest = tf.reduce_max(tf.where(there > 0, size, 0.0), axis=1, keepdims=True)  # (B, 1, C)
        counted = there * tf.cast(size > ZERO * largest, tf.float64)
        return {
            "total": 100 * total_of_all(tf.abs(error(answers, batch)) / size, counted),
            "count": tf.reduce_sum(counted),
            "known": tf.reduce_sum(there),
        }

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return quotient(sums)

    def warning(self, sums: Mapping[str, NDArray[np.float64]]) -> str | None:
        left_out = int(sums["known"] - sums["count"])
        return f"{left_out:,} of {int(sums['known']):,} targets are 0 and left out" if left_out else None
