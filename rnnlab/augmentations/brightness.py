"""Brightness: clips in more or less light."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from rnnlab.augmentations._frames import FrameAugmentation


class Brightness(FrameAugmentation):
    """Multiply the pixels of each clip by a number near 1, the same in all of its frames."""

    change: float = Field(0.2, gt=0, lt=1, description="the most that the number is above or below 1")

    def varied(self, frames: Any, seed: Any) -> Any:
        import tensorflow as tf

        shape = [tf.shape(frames)[0], 1, 1, 1, 1]
        factor = tf.random.stateless_uniform(shape, seed, 1 - self.change, 1 + self.change)
        changed = tf.clip_by_value(tf.round(tf.cast(frames, tf.float32) * factor), 0, 255)
        return tf.cast(changed, frames.dtype)
