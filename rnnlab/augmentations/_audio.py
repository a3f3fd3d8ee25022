"""What augmentations of sound share: how loud a recording is, where its samples end.

Axes: B batch, T samples.
"""

from __future__ import annotations

import math
from typing import Any


def within(values: Any, lengths: Any) -> Any:
    """Return (B, T, 1) bool: which samples are no padding."""
    import tensorflow as tf

    return tf.sequence_mask(lengths, tf.shape(values)[1])[..., tf.newaxis]


def power(values: Any, valid: Any) -> Any:
    """Return the mean square of each row's samples, (B, 1, 1), of values (B, T, 1) of which these are valid."""
    import tensorflow as tf

    count = tf.maximum(tf.reduce_sum(tf.cast(valid, values.dtype), axis=1, keepdims=True), 1.0)
    return tf.reduce_sum(tf.where(valid, values, 0.0) ** 2, axis=1, keepdims=True) / count


def times(decibels: Any) -> Any:
    """Return what an amplitude is multiplied by where it rises by so many decibels."""
    import tensorflow as tf

    return tf.exp(decibels * (math.log(10) / 20))
