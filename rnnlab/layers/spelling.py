"""Spelling: from the characters of each word to one vector a word.

Axes: B batch, T time, L characters, F features.
"""

from __future__ import annotations

from typing import Any, Literal

import keras
import tensorflow as tf

from rnnlab.layers.convolution import TimeConvolution
from rnnlab.layers.pooling import MaxOverTime
from rnnlab.layers.recurrent import Recurrent
from rnnlab.layers.time import FinalStep

Network = Literal["cnn", "gru", "lstm"]


@keras.saving.register_keras_serializable("rnnlab")
class Spelling(keras.layers.Layer):
    """One vector for each word, from its characters; what stands behind a word's last character takes no part.

    Args:
        vocabulary: how many characters there are, marks included.
        units: size of a character's vector.
        features: filters of the convolution, or units of each direction.
        network: `cnn`: a convolution, and the maximum over the characters (Ma & Hovy 2016); `gru` or `lstm`: what each
            direction holds at its end (Lample et al. 2016).
        size: characters that one filter sees.

    Call argument: characters (B, T, L) int32, 0 behind a word's last one; returns (B, T, features), of a recurrent
    network (B, T, 2 · features).
    """

    def __init__(
        self, vocabulary: int, units: int, features: int, network: Network, size: int = 3, **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self.vocabulary, self.units, self.features = vocabulary, units, features
        self.network, self.size = network, size
        self.embedding = keras.layers.Embedding(vocabulary, units, name="embedding")
        if network == "cnn":
            self.convolution = TimeConvolution(features, size, 1, "same", name="convolution")
            self.largest = MaxOverTime(name="max")
        else:
            self.forward = Recurrent(network, features, name="forward")
            self.backward = Recurrent(network, features, backward=True, name="backward")
            self.final = FinalStep(features, name="final")

    def build(self, inputs_shape: Any) -> None:
        letters = (None, inputs_shape[-1], self.units)
        self.embedding.build((None, inputs_shape[-1]))
        for layer in (self.convolution,) if self.network == "cnn" else (self.forward, self.backward):
            layer.build(letters)

    def call(self, inputs: Any) -> Any:
        characters = tf.reshape(inputs, [-1, inputs.shape[-1]])  # (B · T, L)
        lengths = tf.math.count_nonzero(characters, axis=1, dtype=tf.int32)
        letters = self.embedding(characters)
        if self.network == "cnn":
            vectors = self.largest(self.convolution(letters, lengths), lengths)
        else:
            both = [each(letters, lengths) for each in (self.forward, self.backward)]
            vectors = self.final(tf.concat(both, axis=-1), lengths)
        return tf.reshape(vectors, [tf.shape(inputs)[0], tf.shape(inputs)[1], vectors.shape[-1]])

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        return (*inputs_shape[:-1], self.features * (1 if self.network == "cnn" else 2))

    def get_config(self) -> dict[str, Any]:
        own = {
            "vocabulary": self.vocabulary,
            "units": self.units,
            "features": self.features,
            "network": self.network,
            "size": self.size,
        }
        return {**super().get_config(), **own}
