"""Zoom: clips as a camera that stands nearer or farther shows them.

Axes: B batch, T time, H height, W width, C channels.
"""

from __future__ import annotations

import math
from typing import Any

from pydantic import Field

from rnnlab.augmentations._frames import FrameAugmentation


class Zoom(FrameAugmentation):
    """Make what is seen in a clip larger or smaller, about the middle, in all of its frames alike.

    Between pixels is drawn linearly; what comes in at the borders of a smaller one is black.
    """

    factor: float = Field(1.2, gt=1, le=4, description="how many times as large, or as small, a clip may become")

    def varied(self, frames: Any, seed: Any) -> Any:
        import tensorflow as tf

        height, width = frames.shape[2:4]
        # As likely twice as large as half as large.
        drawn = tf.random.stateless_uniform([tf.shape(frames)[0]], seed, -1.0, 1.0)
        scale = tf.exp(drawn * math.log(self.factor))
        pixels = tf.cast(frames, tf.float32)
        pixels = tf.einsum("bih,bthwc->btiwc", _weights(height, scale), pixels)
        pixels = tf.einsum("bjw,btiwc->btijc", _weights(width, scale), pixels)
        return tf.cast(tf.round(pixels), frames.dtype)


def _weights(size: int, scale: Any) -> Any:
    """Return how much of each pixel along an axis stands in each of a scaled clip, (B, size, size)."""
    import tensorflow as tf

    places, middle = tf.range(float(size)), (size - 1) / 2
    sources = middle + (places - middle) / scale[:, tf.newaxis]  # (B, size)
    return tf.maximum(0.0, 1 - tf.abs(sources[..., tf.newaxis] - places))
