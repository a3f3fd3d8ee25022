"""Erase: clips of which a part is hidden.

Axes: B batch, T time, H height, W width, C channels.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from rnnlab.augmentations._frames import FrameAugmentation


class Erase(FrameAugmentation):
    """Black out a rectangle of each clip, of any size up to a largest, at the same place in all of its frames.

    A network then can't rely on a single part of what it sees (Zhong et al. 2020, random erasing).
    """

    largest: float = Field(0.4, gt=0, le=1, description="how much of a frame's height, and of its width, at most")

    def varied(self, frames: Any, seed: Any) -> Any:
        import tensorflow as tf

        drawn = tf.random.stateless_uniform([tf.shape(frames)[0], 4, 1], seed)  # sizes, then places
        hidden = []
        for axis, size in enumerate(frames.shape[2:4]):
            share = self.largest * drawn[:, axis]
            begin = drawn[:, 2 + axis] * (1 - share)
            places = (tf.range(float(size)) + 0.5) / size
            hidden.append((places >= begin) & (places < begin + share))  # (B, H) or (B, W)
        rows, columns = hidden
        erased = rows[:, tf.newaxis, :, tf.newaxis, tf.newaxis] & columns[:, tf.newaxis, tf.newaxis, :, tf.newaxis]
        return tf.where(erased, tf.zeros((), frames.dtype), frames)
