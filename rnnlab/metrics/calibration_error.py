"""Expected calibration error: how far confidence is from the share of right answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Answer, Metric, Sums
from rnnlab.metrics._sums import chosen, count, total
from rnnlab.signature import Kind

BINS = 15


class CalibrationError(Metric):
    """The expected calibration error over 15 equal-width bins of the most probable class's probability.

    Reference: Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, equation 3.
    """

    definition: ClassVar[str] = (
        "mean distance between confidence and accuracy, 0–1, over 15 equal bins of the top probability"
    )
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    targets: ClassVar[frozenset[Kind]] = frozenset({"class"})
    needs: ClassVar[Answer] = "probabilities"
    calibrated: ClassVar[bool] = True

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        import tensorflow as tf

        confidence = tf.cast(tf.reduce_max(answers["probabilities"], axis=-1), tf.float64)
        right = tf.cast(chosen(answers["probabilities"]) == tf.cast(batch["targets"], tf.int64), tf.float64)
        place = tf.cast(tf.math.ceil(confidence * BINS), tf.int64) - 1  # bin b is (b / BINS, (b + 1) / BINS]
        bins = tf.one_hot(tf.clip_by_value(place, 0, BINS - 1), BINS, dtype=tf.float64)  # (B, BINS)
        return {"gaps": total(bins * (right - confidence)[:, None], batch["weights"]), "count": count(batch["weights"])}

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return float(np.abs(sums["gaps"]).sum() / sums["count"]) if sums["count"] else float("nan")
