"""Crop: clips as a camera that stands a little elsewhere shows them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from rnnlab.augmentations._frames import FrameAugmentation


class Crop(FrameAugmentation):
    """Cut each clip out of itself with a black border around it, somewhere, all of its frames at the same place."""

    pixels: int = Field(2, ge=1, le=1000, description="width of the border; as far may a clip be shifted, each way")

    def varied(self, frames: Any, seed: Any) -> Any:
        import tensorflow as tf

        rows = tf.shape(frames)[0]
        shift = tf.random.stateless_uniform([rows, 2], seed, -self.pixels, self.pixels + 1, tf.int32)
        for axis, size in enumerate(frames.shape[2:4]):
            places = tf.range(size) + shift[:, axis, tf.newaxis]  # (B, H) or (B, W)
            inside = (places >= 0) & (places < size)
            moved = tf.gather(frames, tf.clip_by_value(places, 0, size - 1), axis=2 + axis, batch_dims=1)
            shape = [-1, 1, size, 1, 1] if axis == 0 else [-1, 1, 1, size, 1]
            frames = tf.where(tf.reshape(inside, shape), moved, tf.zeros((), frames.dtype))
        return frames
