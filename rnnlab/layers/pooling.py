"""Readouts: from every valid step to one vector. Padded steps take no part.

A row of length 0, which only fills a batch, reads as finite numbers without meaning.

Axes: B batch, T time, F features.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from rnnlab.layers.time import valid_steps, zero_padding


@keras.saving.register_keras_serializable("rnnlab")
class MeanOverTime(keras.layers.Layer):
    """The mean of the valid steps. Call arguments: inputs (B, T, F), lengths (B,); returns (B, F)."""

    def __init__(self, **arguments: Any) -> None:
        arguments.setdefault("dtype", "float32")  # sums over many steps have no room in 16 bits
        super().__init__(**arguments)

    def call(self, inputs: Any, lengths: Any) -> Any:
        count = tf.cast(tf.maximum(lengths, 1), inputs.dtype)[:, tf.newaxis]
        return tf.reduce_sum(zero_padding(inputs, lengths), axis=1) / count


@keras.saving.register_keras_serializable("rnnlab")
class MaxOverTime(keras.layers.Layer):
    """The maximum of the valid steps. Call arguments: inputs (B, T, F), lengths (B,); returns (B, F)."""

    def call(self, inputs: Any, lengths: Any) -> Any:
        mask = valid_steps(lengths, tf.shape(inputs)[1], "bool")[:, :, tf.newaxis]
        largest = tf.reduce_max(tf.where(mask, inputs, inputs.dtype.min), axis=1)
        return tf.where((lengths > 0)[:, tf.newaxis], largest, tf.zeros((), inputs.dtype))


@keras.saving.register_keras_serializable("rnnlab")
class AttentionOverTime(keras.layers.Layer):
    """A weighted mean of the valid steps, weights from a learnt query (Yang et al. 2016, hierarchical attention).

    score_t = query · tanh(W s_t + b), weights = softmax of the scores over the valid steps.

    Args:
        units: size of the hidden layer that scores a step.

    Call arguments: inputs (B, T, F), lengths (B,); returns (B, F).
    """

    def __init__(self, units: int, **arguments: Any) -> None:
        arguments.setdefault("dtype", "float32")  # as for the mean
        super().__init__(**arguments)
        self.units = units

    def build(self, inputs_shape: Any, lengths_shape: Any = None) -> None:
        self.kernel = self.add_weight(shape=(inputs_shape[-1], self.units), name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")
        self.query = self.add_weight(shape=(self.units,), initializer="random_normal", name="query")

    def call(self, inputs: Any, lengths: Any) -> Any:
        hidden = tf.tanh(keras.ops.matmul(inputs, self.kernel) + self.bias)
        scores = keras.ops.sum(hidden * self.query, axis=-1)
        mask = valid_steps(lengths, tf.shape(inputs)[1], "bool")
        weights = tf.nn.softmax(tf.where(mask, scores, scores.dtype.min), axis=1)
        return tf.reduce_sum(zero_padding(inputs, lengths) * weights[:, :, tf.newaxis], axis=1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
