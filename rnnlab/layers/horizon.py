"""What reads an encoding, and what is known of the steps to come, into all steps of a horizon at once.

Axes: B batch, T time, U units, H horizon, P outputs a number, C targets, K features known beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("rnnlab")
class HorizonOutputs(keras.layers.Layer):
    """Outputs for each step ahead: of a vector, of what is known of that step, and of how far ahead it is.

    hidden_h = relu(W vector + V future_h + b_h), outputs_h = O hidden_h + o; V and O are the same for all steps.

    Args:
        shape: (H, P, C).
        hidden_units: size of `hidden`; 0: outputs_h = W_h vector + V future_h + b_h.

    Call arguments: vector (…, U), future (…, H, K) or None. Returns (…, H, P, C).
    """

    def __init__(self, shape: Sequence[int], hidden_units: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.shape, self.hidden_units = list(shape), hidden_units
        horizon, parameters, numbers = shape
        self.size = hidden_units or parameters * numbers
        self.of_vector = keras.layers.Dense(self.size if hidden_units else horizon * self.size, name="vector")
        self.of_future = keras.layers.Dense(self.size, use_bias=False, name="future")
        self.outputs = keras.layers.Dense(parameters * numbers, dtype="float32", name="outputs")

    def build(self, vector_shape: Any, future_shape: Any = None) -> None:
        self.of_vector.build(vector_shape)
        if future_shape is not None:
            self.of_future.build(future_shape)
        if self.hidden_units:
            self.distance = self.add_weight(
                shape=(self.shape[0], self.size), initializer="random_normal", name="distance"
            )
            self.outputs.build((*vector_shape[:-1], self.shape[0], self.size))

    def call(self, vector: Any, future: Any = None) -> Any:
        projected = self.of_vector(vector)
        axes = tf.shape(projected)[:-1]
        if self.hidden_units:
            # (…, H, hidden)
            projected = projected[..., tf.newaxis, :] + tf.cast(self.distance, projected.dtype)
        else:
            projected = tf.reshape(projected, tf.concat([axes, [self.shape[0], self.size]], 0))
        if future is not None:
            projected += self.of_future(future)
        if self.hidden_units:
            projected = self.outputs(tf.nn.relu(projected))
        return tf.cast(tf.reshape(projected, tf.concat([axes, self.shape], 0)), "float32")

    def compute_output_shape(self, vector_shape: Any, future_shape: Any = None) -> Any:
        return (*vector_shape[:-1], *self.shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shape": self.shape, "hidden_units": self.hidden_units}


@keras.saving.register_keras_serializable("rnnlab")
class AheadOfEachStep(keras.layers.Layer):
    """For each step, what follows it: of the steps that were read, and behind the last of what is known beforehand.

    Call arguments: steps (B, T, K), future (B, H, K), lengths (B,). Returns (B, T, H, K), for step t the steps t + 1 to
    t + H.
    """

    def call(self, steps: Any, future: Any, lengths: Any) -> Any:
        return ahead_of_each_step(steps, future, lengths)

    def compute_output_shape(self, steps_shape: Any, future_shape: Any, lengths_shape: Any = None) -> Any:
        return (*steps_shape[:2], *future_shape[1:])


def ahead_of_each_step(steps: Any, future: Any, lengths: Any) -> Any:
    """See `AheadOfEachStep`; steps beyond a row's length have something without meaning."""
    time, horizon = tf.shape(steps)[1], tf.shape(future)[1]
    wanted = tf.range(time)[:, tf.newaxis] + 1 + tf.range(horizon)  # (T, H)
    beyond = wanted[tf.newaxis] - lengths[:, tf.newaxis, tf.newaxis]  # (B, T, H)
    index = tf.where(beyond < 0, wanted[tf.newaxis], time + tf.clip_by_value(beyond, 0, horizon - 1))
    return tf.gather(tf.concat([steps, tf.cast(future, steps.dtype)], axis=1), index, batch_dims=1)


@keras.saving.register_keras_serializable("rnnlab")
class SeasonalMean(keras.layers.Layer):
    """The mean of the last so many values that stand whole seasons before a step ahead: a forecast to start from.

    Where the window does not reach back so far, of those that it has; where it has none, the last value.

    Args:
        season: steps of a season.
        count: the number of seasons.
        horizon: H.
        every_step: of each step, not only of the last.

    Call arguments: observed (B, T, C), lengths (B,). Returns (B, H, C), or with `every_step` (B, T, H, C).
    """

    def __init__(self, season: int, count: int, horizon: int, every_step: bool = False, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.season, self.count, self.horizon, self.every_step = season, count, horizon, every_step

    def call(self, observed: Any, lengths: Any) -> Any:
        time = tf.shape(observed)[1]
        if self.every_step:
            last = tf.tile(tf.range(time)[tf.newaxis], [tf.shape(observed)[0], 1])  # (B, T)
        else:
            last = tf.maximum(lengths - 1, 0)[:, tf.newaxis]  # (B, 1)
        phase = tf.range(self.horizon) % self.season + 1
        back = self.season * tf.range(1, self.count + 1)
        index = last[..., tf.newaxis, tf.newaxis] + phase[:, tf.newaxis] - back  # (B, T or 1, H, count)
        there = tf.cast(index >= 0, observed.dtype)[..., tf.newaxis]
        values = tf.gather(observed, tf.maximum(index, 0), batch_dims=1)
        number = tf.reduce_sum(there, axis=-2)
        mean = tf.reduce_sum(values * there, axis=-2) / tf.maximum(number, 1)
        latest = tf.gather(observed, last, batch_dims=1)[:, :, tf.newaxis]
        result = tf.where(number > 0, mean, latest)
        return result if self.every_step else result[:, 0]

    def compute_output_shape(self, observed_shape: Any, lengths_shape: Any = None) -> Any:
        batch, time, numbers = observed_shape
        return (batch, time, self.horizon, numbers) if self.every_step else (batch, self.horizon, numbers)

    def get_config(self) -> dict[str, Any]:
        own = {"season": self.season, "count": self.count, "horizon": self.horizon, "every_step": self.every_step}
        return {**super().get_config(), **own}
