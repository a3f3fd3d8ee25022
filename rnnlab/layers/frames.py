"""Convolution and pooling within frames, such as pictures and the frames of a video: no step sees another.

Time is folded into the batch and unfolded behind the operation. The size of a frame is the data's own, so padding
around it depends on no neighbour in the batch.

Axes: B batch, T time, H height, W width, C channels, F features.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from rnnlab.layers.time import zero_padding


def each_frame(work: Callable[[Any], Any], frames: Any, shape: tuple[int, ...]) -> Any:
    """Return what an operation on (N, H, W, C) makes of every frame of (B, T, H, W, C): (B, T, …) of a known shape."""
    sizes = tf.shape(frames)
    folded = tf.reshape(frames, [-1, *frames.shape[2:]])  # (B · T, H, W, C)
    return tf.reshape(work(folded), [sizes[0], sizes[1], *shape])


def strided(size: int, stride: int) -> int:
    """Return how many windows there are along an axis that is padded, so that the last one may not be full."""
    return -(-size // stride)


@keras.saving.register_keras_serializable("rnnlab")
class Pixels(keras.layers.Layer):
    """Frames as networks compute with them: of 0 to 1, and of zeros in the padding.

    Call arguments: frames (B, T, H, W, C) of 0 to 255, of any type; lengths (B,). Returns (B, T, H, W, C).
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(autocast=False, **arguments)

    def call(self, frames: Any, lengths: Any) -> Any:
        return zero_padding(tf.cast(frames, self.compute_dtype) / 255, lengths)

    def compute_output_spec(self, frames: Any, lengths: Any) -> Any:
        return keras.KerasTensor(frames.shape, self.compute_dtype)


@keras.saving.register_keras_serializable("rnnlab")
class FrameConvolution(keras.layers.Layer):
    """A convolution over height and width of each frame, with zeros around it.

    Args:
        filters: output channels.
        size, stride: of the square window, in pixels.
        use_bias: whether a bias is added; a normalisation that follows makes it idle.

    Call argument: inputs (B, T, H, W, C); returns (B, T, ceil(H / stride), ceil(W / stride), filters).
    """

    def __init__(self, filters: int, size: int, stride: int = 1, use_bias: bool = True, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.filters, self.size, self.stride, self.use_bias = filters, size, stride, use_bias

    def build(self, inputs_shape: Any) -> None:
        shape = (self.size, self.size, inputs_shape[-1], self.filters)
        self.kernel = self.add_weight(shape=shape, initializer="he_normal", name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias") if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        kernel = tf.convert_to_tensor(self.kernel)

        def convolve(frames: Any) -> Any:
            outputs = tf.nn.conv2d(frames, kernel, strides=self.stride, padding="SAME")
            return outputs if self.bias is None else outputs + self.bias

        return each_frame(convolve, inputs, self.compute_output_shape(inputs.shape)[2:])

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        rows, columns = (strided(size, self.stride) for size in inputs_shape[2:4])
        return (*inputs_shape[:2], rows, columns, self.filters)

    def get_config(self) -> dict[str, Any]:
        own = {"filters": self.filters, "size": self.size, "stride": self.stride, "use_bias": self.use_bias}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("rnnlab")
class FramePooling(keras.layers.Layer):
    """The maximum of each square window of each frame; a last window that is not full is kept.

    Args:
        size: of the window and its stride, in pixels.

    Call argument: inputs (B, T, H, W, C); returns (B, T, ceil(H / size), ceil(W / size), C).
    """

    def __init__(self, size: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.size = size

    def call(self, inputs: Any) -> Any:
        def pool(frames: Any) -> Any:
            return tf.nn.max_pool2d(frames, self.size, self.size, padding="SAME")

        return each_frame(pool, inputs, self.compute_output_shape(inputs.shape)[2:])

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        rows, columns = (strided(size, self.size) for size in inputs_shape[2:4])
        return (*inputs_shape[:2], rows, columns, inputs_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("rnnlab")
class FrameDifferences(keras.layers.Layer):
    """What changes from the frame before to each frame; of the first, nothing.

    Call arguments: inputs (B, T, H, W, C), lengths (B,); returns the same shape, zeros in the padding.
    """

    def call(self, inputs: Any, lengths: Any) -> Any:
        before = tf.concat([inputs[:, :1], inputs[:, :-1]], axis=1)
        return zero_padding(inputs - before, lengths)


@keras.saving.register_keras_serializable("rnnlab")
class FrameTimeConvolution(keras.layers.Layer):
    """A convolution over time, height and width, with zeros around, in time as far as a clip's own frames go.

    Args:
        filters: output channels.
        time, size: of the window, in frames and in pixels a side.
        use_bias: whether a bias is added; a normalisation that follows makes it idle.

    Call arguments: inputs (B, T, H, W, C), lengths (B,); returns (B, T, H, W, filters).
    """

    def __init__(self, filters: int, time: int, size: int, use_bias: bool = True, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.filters, self.time, self.size, self.use_bias = filters, time, size, use_bias

    def build(self, inputs_shape: Any, lengths_shape: Any = None) -> None:
        shape = (self.time, self.size, self.size, inputs_shape[-1], self.filters)
        self.kernel = self.add_weight(shape=shape, initializer="he_normal", name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias") if self.use_bias else None

    def call(self, inputs: Any, lengths: Any) -> Any:
        kernel = tf.convert_to_tensor(self.kernel)
        outputs = tf.nn.conv3d(zero_padding(inputs, lengths), kernel, strides=[1] * 5, padding="SAME")
        return outputs if self.bias is None else outputs + self.bias

    def compute_output_shape(self, inputs_shape: Any, lengths_shape: Any = None) -> Any:
        return (*inputs_shape[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        own = {"filters": self.filters, "time": self.time, "size": self.size, "use_bias": self.use_bias}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("rnnlab")
class FlatFrames(keras.layers.Layer):
    """Each frame as one vector. Call argument: inputs (B, T, H, W, C); returns (B, T, H · W · C)."""

    def call(self, inputs: Any) -> Any:
        return each_frame(lambda frames: frames, inputs, self.compute_output_shape(inputs.shape)[2:])

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        rows, columns, channels = inputs_shape[2:]
        return (*inputs_shape[:2], rows * columns * channels)


@keras.saving.register_keras_serializable("rnnlab")
class FoldTime(keras.layers.Layer):
    """All frames of a batch side by side, as networks of pictures take them.

    Args:
        channels: that they are to have; a grey frame is repeated.

    Call argument: inputs (B, T, H, W, C) of 0 to 1; returns (B · T, H, W, channels) of 0 to 255.
    """

    def __init__(self, channels: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.channels = channels

    def call(self, inputs: Any) -> Any:
        folded = tf.reshape(inputs, [-1, *inputs.shape[2:]]) * 255
        return folded if inputs.shape[-1] == self.channels else tf.repeat(folded[..., :1], self.channels, axis=-1)

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        return (None, *inputs_shape[2:4], self.channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "channels": self.channels}


@keras.saving.register_keras_serializable("rnnlab")
class UnfoldTime(keras.layers.Layer):
    """Vectors of frames as sequences again. Call arguments: inputs (B · T, U), frames (B, T, …); returns (B, T, U)."""

    def call(self, inputs: Any, frames: Any) -> Any:
        return tf.reshape(inputs, [*tf.unstack(tf.shape(frames)[:2]), inputs.shape[-1]])

    def compute_output_shape(self, inputs_shape: Any, frames_shape: Any) -> Any:
        return (*frames_shape[:2], inputs_shape[-1])


@keras.saving.register_keras_serializable("rnnlab")
class FrameMean(keras.layers.Layer):
    """The mean over each frame's pixels. Call argument: inputs (B, T, H, W, C); returns (B, T, C)."""

    def call(self, inputs: Any) -> Any:
        return tf.reduce_mean(inputs, axis=[2, 3])
