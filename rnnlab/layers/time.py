"""Time: masks from lengths, reversal, and reading the last valid step.

Axes: B batch, T time, F features.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


def valid_steps(lengths: Any, time: Any, dtype: str = "float32") -> Any:
    """Return (B, T): 1 where a step is valid, 0 where it is padding."""
    return tf.sequence_mask(lengths, time, dtype=dtype)


def zero_padding(sequence: Any, lengths: Any) -> Any:
    """Return (B, T, …) with every padded step set to zero; a padded NaN or infinity becomes zero too."""
    mask = valid_steps(lengths, tf.shape(sequence)[1], "bool")
    mask = tf.reshape(mask, tf.concat([tf.shape(mask), tf.ones(sequence.shape.rank - 2, "int32")], 0))
    return tf.where(mask, sequence, tf.zeros((), sequence.dtype))


def reverse_valid(sequence: Any, lengths: Any) -> Any:
    """Return (B, T, F) with the valid steps of each row in reverse order and the padding where it was."""
    return tf.reverse_sequence(sequence, lengths, seq_axis=1, batch_axis=0)


def step_at(sequence: Any, positions: Any) -> Any:
    """Return (B, F): row b's step at `positions[b]`, of (B, T, F)."""
    return tf.gather(sequence, positions, axis=1, batch_dims=1)


@keras.saving.register_keras_serializable("rnnlab")
class ZeroPadding(keras.layers.Layer):
    """Set padded steps to zero. Call arguments: inputs (B, T, F), lengths (B,)."""

    def call(self, inputs: Any, lengths: Any) -> Any:
        return zero_padding(inputs, lengths)


@keras.saving.register_keras_serializable("rnnlab")
class FinalStep(keras.layers.Layer):
    """What each direction holds after the whole sequence.

    Args:
        backward_units: how many of the last features come from a backward direction; they are read at the first step,
            all others at the last valid one.

    Call arguments: inputs (B, T, F), lengths (B,); returns (B, F).
    """

    def __init__(self, backward_units: int = 0, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.backward_units = backward_units

    def call(self, inputs: Any, lengths: Any) -> Any:
        last = step_at(inputs, tf.maximum(lengths - 1, 0))
        if not self.backward_units:
            return last
        forward_units = inputs.shape[-1] - self.backward_units
        return tf.concat([last[:, :forward_units], inputs[:, 0, forward_units:]], axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "backward_units": self.backward_units}
