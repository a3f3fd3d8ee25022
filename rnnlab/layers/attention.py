"""Attention of a decoder over what an encoder gave. Padded steps take no part.

Axes: B batch, T time of the encoder, U units.
"""

from __future__ import annotations

from typing import Any, Literal

import keras
import tensorflow as tf

from rnnlab.layers.time import valid_steps, zero_padding

AttentionName = Literal["bahdanau", "luong"]


@keras.saving.register_keras_serializable("rnnlab")
class Attention(keras.layers.Layer):
    """A weighted mean of the encoder's valid steps; the weights are a softmax of scores against a query.

    `bahdanau`: score = v · tanh(W query + U step) (Bahdanau et al. 2015, additive). `luong`: score =
    query · W step / √U (Luong et al. 2015, "general"; divided by √U as in Vaswani et al. 2017, so that the softmax does
    not saturate early: level in validation, and steadier over seeds).

    Args:
        kind: how a step is scored.
        units: size of the hidden layer of `bahdanau`, and of the query.

    A caller asks `keys` once, then `call` at each of its steps.
    """

    def __init__(self, kind: AttentionName, units: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.kind, self.units = kind, units

    def build(self, query_shape: Any, sequence_shape: Any) -> None:
        self.of_step = self.add_weight(shape=(sequence_shape[-1], self.units), name="step_kernel")
        if self.kind == "bahdanau":
            self.of_query = self.add_weight(shape=(query_shape[-1], self.units), name="query_kernel")
            self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")
            self.score = self.add_weight(shape=(self.units,), initializer="random_normal", name="score")

    def keys(self, sequence: Any, lengths: Any) -> tuple[Any, Any, Any]:
        """Return what is the same for all queries, of (B, T, U): keys, values, and (B, T) bool, which are valid."""
        keys = keras.ops.matmul(sequence, self.of_step)
        return keys, zero_padding(sequence, lengths), valid_steps(lengths, tf.shape(sequence)[1], "bool")

    def call(self, query: Any, keys: Any, values: Any, valid: Any) -> tuple[Any, Any]:
        """Return the weighted mean (B, U) for a query (B, Q), and the weights (B, T); of `luong` also for (B, L, Q)."""
        if self.kind == "luong":
            scores = tf.einsum("b...u,btu->b...t", query, keys) * self.units**-0.5
            valid = valid if query.shape.rank == 2 else valid[:, tf.newaxis]
        else:
            hidden = keras.ops.matmul(query, self.of_query) + self.bias
            scores = tf.reduce_sum(tf.tanh(hidden[:, tf.newaxis] + keys) * self.score, axis=-1)
        weights = tf.nn.softmax(tf.where(valid, scores, scores.dtype.min), axis=-1)
        return tf.einsum("b...t,btu->b...u", weights, values), weights

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kind": self.kind, "units": self.units}
