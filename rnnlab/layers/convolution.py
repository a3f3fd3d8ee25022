"""Convolution and pooling along time with exact lengths.

Keras' layers lose the mask here, and `padding="same"` with a stride pads by the *padded* length, so that an answer
depends on the neighbours in the batch. These layers zero the padded steps going in, pad explicitly, and say how long
the result is.

Axes: B batch, T time, F features.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from rnnlab.layers.time import valid_steps, zero_padding


def padding_around(size: int, padding: str) -> tuple[int, int]:
    """Return the steps of padding (before, after) that a window of `size` gets, independent of the length."""
    if padding == "causal":
        return size - 1, 0
    if padding == "same":
        return (size - 1) // 2, size - 1 - (size - 1) // 2
    return 0, 0


def strided_lengths(lengths: Any, size: int, stride: int, padding: str) -> Any:
    """Return how many valid steps come out: "valid" (L - size) // stride + 1, "same" and "causal" ceil(L / stride).

    A sequence shorter than the window gives 1 step (its window reaches into the zeros behind it), never none; a row of
    length 0 stays empty.
    """
    full = lengths + sum(padding_around(size, padding))
    steps = keras.ops.maximum((full - size) // stride + 1, 1)
    return keras.ops.where(lengths > 0, steps, 0)


def _pad_for(inputs: Any, size: int, stride: int, padding: str, value: float = 0.0) -> Any:
    """Pad time explicitly, and lengthen what is shorter than one window, so that "valid" gives all the steps."""
    before, after = padding_around(size, padding)
    missing = tf.maximum(size - (tf.shape(inputs)[1] + before + after), 0)
    widths = [[0, 0], [before, after + missing]] + [[0, 0]] * (inputs.shape.rank - 2)
    return tf.pad(inputs, widths, constant_values=value)


@keras.saving.register_keras_serializable("rnnlab")
class StridedLengths(keras.layers.Layer):
    """The lengths that come out of a window of `size` and `stride`. Call argument: lengths (B,); returns (B,)."""

    def __init__(self, size: int, stride: int, padding: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.size, self.stride, self.padding = size, stride, padding

    def call(self, lengths: Any) -> Any:
        return strided_lengths(lengths, self.size, self.stride, self.padding)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "stride": self.stride, "padding": self.padding}


@keras.saving.register_keras_serializable("rnnlab")
class TimeConvolution(keras.layers.Layer):
    """A convolution along time.

    Args:
        filters: output features.
        size, stride: of the window, in steps.
        padding: `same` or `valid` or `causal` (no step sees a later one).
        use_bias: whether a bias is added; a normalisation that follows makes it idle.

    Call arguments: inputs (B, T, F), lengths (B,); returns (B, T', filters). See `StridedLengths` for T'.
    """

    def __init__(
        self, filters: int, size: int, stride: int, padding: str, use_bias: bool = True, **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self.filters, self.size, self.stride = filters, size, stride
        self.padding, self.use_bias = padding, use_bias

    def build(self, inputs_shape: Any, lengths_shape: Any = None) -> None:
        self.kernel = self.add_weight(shape=(self.size, inputs_shape[-1], self.filters), name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias") if self.use_bias else None

    def call(self, inputs: Any, lengths: Any) -> Any:
        padded = _pad_for(zero_padding(inputs, lengths), self.size, self.stride, self.padding)
        outputs = tf.nn.conv1d(padded, tf.convert_to_tensor(self.kernel), stride=self.stride, padding="VALID")
        return outputs if self.bias is None else outputs + self.bias

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "size": self.size,
            "stride": self.stride,
            "padding": self.padding,
            "use_bias": self.use_bias,
        }


@keras.saving.register_keras_serializable("rnnlab")
class TimePooling(keras.layers.Layer):
    """Pooling along time: the maximum or mean of each window's valid steps.

    Args:
        size: of the window and its stride, in steps; a last window that is not full is kept.
        kind: `max` or `mean`.

    Call arguments: inputs (B, T, …), lengths (B,); returns (B, ceil(T / size), …), of which ceil(lengths / size) steps
    are valid.
    """

    def __init__(self, size: int, kind: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.size, self.kind = size, kind

    def call(self, inputs: Any, lengths: Any) -> Any:
        missing = -tf.shape(inputs)[1] % self.size
        mask = valid_steps(lengths, tf.shape(inputs)[1] + missing, inputs.dtype.name)
        mask = tf.reshape(mask, tf.concat([tf.shape(mask), tf.ones(inputs.shape.rank - 2, tf.int32)], 0))
        values = tf.pad(zero_padding(inputs, lengths), [[0, 0], [0, missing]] + [[0, 0]] * (inputs.shape.rank - 2))
        if self.kind == "mean":
            total = self._windows(values, tf.reduce_sum)
            return total / tf.maximum(self._windows(mask, tf.reduce_sum), 1.0)
        largest = self._windows(tf.where(mask > 0, values, inputs.dtype.min), tf.reduce_max)
        return tf.where(self._windows(mask, tf.reduce_max) > 0, largest, tf.zeros((), inputs.dtype))

    def _windows(self, values: Any, reduce: Any) -> Any:
        shape = tf.shape(values)
        # (B, T, …) → (B, T / size, size, …)
        windows = tf.reshape(values, [shape[0], shape[1] // self.size, self.size, *values.shape[2:]])
        return reduce(windows, axis=2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "kind": self.kind}
