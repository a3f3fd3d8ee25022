"""Batch normalisation that counts valid steps only, over all replicas together.

Axes: B batch, T time, H height, W width, F features.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from rnnlab.layers.time import zero_padding


@keras.saving.register_keras_serializable("rnnlab")
class MaskedBatchNormalization(keras.layers.Layer):
    """Normalise each feature by the mean and variance of the batch's valid steps (Ioffe & Szegedy 2015).

    In training the sums run over the valid steps of every replica, so that neither padding, nor rows that only fill
    the batch (their length is 0), nor the number of devices changes the statistics. In inference the moving
    averages are used, and a step's answer depends on no other step.

    Args:
        momentum: share of the old moving average that is kept at each step. Keras' 0.99 needs some 500 steps to forget
            the initial values, which small data does not have.
        epsilon: added to the variance.

    Call arguments: inputs (B, T, F), or of frames (B, T, H, W, F), of which every pixel counts; lengths (B,) valid
    steps to count; training.
    """

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-3, **arguments: Any) -> None:
        arguments.setdefault("dtype", "float32")  # sums over many steps have no room in 16 bits
        super().__init__(**arguments)
        self.momentum, self.epsilon = momentum, epsilon

    def build(self, inputs_shape: Any, lengths_shape: Any = None) -> None:
        shape = (inputs_shape[-1],)
        self.gamma = self.add_weight(shape=shape, initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=shape, initializer="zeros", name="beta")
        moving = {"shape": shape, "trainable": False, "aggregation": "mean"}
        self.moving_mean = self.add_weight(initializer="zeros", name="moving_mean", **moving)
        self.moving_variance = self.add_weight(initializer="ones", name="moving_variance", **moving)

    def call(self, inputs: Any, lengths: Any, training: bool | None = None) -> Any:
        if training and not isinstance(inputs, keras.KerasTensor):
            mean, variance, deviation, count = self._batch_moments(inputs, lengths)
            # A part of a batch may be filled with nothing; then there is nothing to learn from.
            kept = tf.where(count > 0, self.momentum, 1.0)
            self.moving_mean.assign(self.moving_mean * kept + mean * (1 - kept))
            self.moving_variance.assign(self.moving_variance * kept + variance * (1 - kept))
        else:
            variance, deviation = self.moving_variance, inputs - self.moving_mean
        scale = self.gamma * keras.ops.rsqrt(variance + self.epsilon)
        return deviation * scale + self.beta

    def _batch_moments(self, inputs: Any, lengths: Any) -> tuple[Any, Any, Any, Any]:
        """Return mean and variance (F,) of the valid steps of all replicas, inputs - mean, and how many there are."""
        count = self._over_replicas(tf.cast(tf.reduce_sum(lengths), inputs.dtype) * math.prod(inputs.shape[2:-1]))
        steps = tf.maximum(count, 1.0)
        mean = self._over_replicas(_sum_of_valid(inputs, lengths)) / steps
        deviation = inputs - mean
        # Squares of what padding holds could be infinite. Padding of frames was zeroed before the convolution: what it
        # holds now is finite, and left out of the sum.
        own = zero_padding(deviation, lengths) if inputs.shape.rank == 3 else deviation
        variance = self._over_replicas(_sum_of_valid(own * own, lengths)) / steps
        return mean, variance, deviation, count

    @staticmethod
    def _over_replicas(value: Any) -> Any:
        context = tf.distribute.get_replica_context()
        return context.all_reduce(tf.distribute.ReduceOp.SUM, value) if context else value

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}


def _sum_of_valid(values: Any, lengths: Any) -> Any:
    """Return the sum (F,) over valid steps of (B, T, F) or (B, T, H, W, F).

    Each frame is added up before padding is left out: a frame has thousands of pixels, and choosing among all of them
    took longer than the convolutions around it.
    """
    pixels = list(range(2, values.shape.rank - 1))
    return tf.reduce_sum(zero_padding(tf.reduce_sum(values, axis=pixels), lengths), axis=[0, 1])
