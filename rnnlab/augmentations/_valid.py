"""What augmentations share: which steps are no padding, and means over them.

Axes: B batch, T time, F features.
"""

from __future__ import annotations

from typing import Any


def within(values: Any, lengths: Any) -> Any:
    """Return (B, T, 1) bool: which steps of values (B, T, F) are no padding."""
    import tensorflow as tf

    from rnnlab.layers.time import valid_steps

    return valid_steps(lengths, tf.shape(values)[1], "bool")[..., tf.newaxis]


def mean(values: Any, valid: Any) -> Any:
    """Return each row's mean over its steps, (B, 1, F), of values (B, T, F) of which these, (B, T, 1), are valid."""
    import tensorflow as tf

    count = tf.maximum(tf.reduce_sum(tf.cast(valid, values.dtype), axis=1, keepdims=True), 1.0)
    return tf.reduce_sum(tf.where(valid, values, 0.0), axis=1, keepdims=True) / count


def power(values: Any, valid: Any) -> Any:
    """Return the mean square of each row's samples, (B, 1, 1), of values (B, T, 1) of which these are valid."""
    return mean(values**2, valid)
