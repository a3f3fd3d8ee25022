"""What several metrics share: weighted sums over the batch, and their quotients.

Axes: B batch, C classes, numbers or targets, H horizon.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def total(values: Any, weights: Any) -> Any:
    """Return the weighted sum over the batch in float64; a row of weight 0 adds nothing, even where it holds NaN.

    Args:
        values: (B, …) of any type.
        weights: (B,).
    """
    import tensorflow as tf

    values, weights = tf.cast(values, tf.float64), tf.cast(weights, tf.float64)
    weights = tf.reshape(weights, [-1] + [1] * (values.shape.rank - 1))
    return tf.reduce_sum(tf.math.multiply_no_nan(values, weights), axis=0)


def count(weights: Any) -> Any:
    """Return the sum of the weights, () float64."""
    import tensorflow as tf

    return tf.reduce_sum(tf.cast(weights, tf.float64))


def error(answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Any:
    """Return the values less the targets in float64, (B, C) or (B, H, C); NaN where a target is."""
    import tensorflow as tf

    return tf.cast(answers["values"], tf.float64) - tf.cast(batch["targets"], tf.float64)


def is_forecast(batch: Mapping[str, Any]) -> bool:
    """Return whether the targets are (B, H, C), not (B, C)."""
    return len(batch["targets"].shape) == 3


def known(batch: Mapping[str, Any]) -> Any:
    """Return how much each target counts, (B, H, C) float64: as much as its row, or nothing where it is NaN."""
    import tensorflow as tf

    there = ~tf.math.is_nan(tf.cast(batch["targets"], tf.float64))
    return tf.cast(batch["weights"], tf.float64)[:, None, None] * tf.cast(there, tf.float64)


def total_of_all(values: Any, weights: Any) -> Any:
    """Return the weighted sum of all elements, () float64; one of weight 0 adds nothing, even where it is NaN.

    Args:
        values: (B, H, C).
        weights: (B, H, C) float64.
    """
    import tensorflow as tf

    return tf.reduce_sum(tf.math.multiply_no_nan(tf.cast(values, tf.float64), weights))


def quotient(sums: Mapping[str, NDArray[np.float64]]) -> float:
    """Return `total` / `count`, or NaN where nothing was counted."""
    return float(sums["total"] / sums["count"]) if sums["count"] else float("nan")


def chosen(probabilities: Any) -> Any:
    """Return the most probable class of each row, (B,) int64; the first one of equals.

    Args:
        probabilities: (B, C).
    """
    import tensorflow as tf

    return tf.argmax(probabilities, axis=-1, output_type=tf.int64)


def marked(labels: Any) -> Any:
    """Return which labels are set, (B, C) bool: those above 0.5.

    Args:
        labels: (B, C) probabilities, or targets of 0 and 1.
    """
    import tensorflow as tf

    return tf.convert_to_tensor(labels) > 0.5


def clipped(probabilities: Any) -> Any:
    """Return probabilities in float64, kept off 0 and 1 by float32's epsilon, as scikit-learn does for float32."""
    import tensorflow as tf

    epsilon = float(np.finfo(np.float32).eps)
    return tf.clip_by_value(tf.cast(probabilities, tf.float64), epsilon, 1 - epsilon)
