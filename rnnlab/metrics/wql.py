"""Weighted quantile loss: how good a forecast's quantiles are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Answer, Metric, Sums
from rnnlab.metrics._sums import known, total_of_all
from rnnlab.signature import Kind


class WeightedQuantileLoss(Metric):
    """Twice the sum of the pinball losses over the sum of the absolute targets, averaged over the levels.

    Of the median alone it is the sum of absolute errors over the sum of absolute targets.

    Reference: Salinas, Flunkert, Gasthaus and Januschowski, "DeepAR: Probabilistic forecasting with autoregressive
    recurrent networks", 2020 (as ρ-risk).
    """

    definition: ClassVar[str] = (
        "2 Σ pinball loss / Σ |target|, averaged over the quantile levels; 0 is perfect, there is no upper limit"
    )
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    targets: ClassVar[frozenset[Kind]] = frozenset({"series"})
    needs: ClassVar[Answer] = "quantiles"

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        import tensorflow as tf

        targets, counted = tf.cast(batch["targets"], tf.float64), known(batch)
        above = targets[..., None] - tf.cast(answers["quantiles"], tf.float64)  # (B, H, C, Q)
        levels = tf.cast(answers["levels"], tf.float64)
        pinball = tf.maximum(levels * above, (levels - 1) * above)
        return {
            "pinball": tf.reduce_sum(tf.math.multiply_no_nan(pinball, counted[..., None]), axis=[0, 1, 2]),  # (Q,)
            "size": total_of_all(tf.abs(targets), counted),
        }

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return float(2 * np.mean(sums["pinball"]) / sums["size"]) if sums["size"] else float("nan")
