"""Symmetric mean absolute percentage error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Metric, Sums
from rnnlab.metrics._sums import error, known, quotient, total_of_all
from rnnlab.signature import Kind


class SymmetricMeanAbsolutePercentageError(Metric):
    """The mean of the absolute error over the mean of the absolute target and value, in percent: from 0 to 200.

    Where both are 0, the answer is right and counts as 0.

    Reference: Makridakis and Hibon, "The M3-Competition: results, conclusions and implications", 2000.
    """

    definition: ClassVar[str] = (
        "mean of 2 |error| / (|target| + |value|), in percent, 0–200; 0 is perfect, and where both are 0"
    )
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    targets: ClassVar[frozenset[Kind]] = frozenset({"series"})

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        import tensorflow as tf

        size = tf.abs(tf.cast(answers["values"], tf.float64)) + tf.abs(tf.cast(batch["targets"], tf.float64))
        share = tf.abs(error(answers, batch)) / tf.where(size == 0, tf.ones_like(size), size)
        counted = known(batch)
        return {"total": 200 * total_of_all(share, counted), "count": tf.reduce_sum(counted)}

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return quotient(sums)
