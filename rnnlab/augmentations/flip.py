"""Flip: clips as a mirror shows them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from rnnlab.augmentations._frames import FrameAugmentation


class Flip(FrameAugmentation):
    """Mirror half of the clips, each with all of its frames. Not where left and right are what is asked for."""

    axis: Literal["horizontal", "vertical"] = Field(
        "horizontal", description="horizontal: left becomes right; vertical: up becomes down"
    )

    def varied(self, frames: Any, seed: Any) -> Any:
        import tensorflow as tf

        flipped = tf.random.stateless_uniform([tf.shape(frames)[0], 1, 1, 1, 1], seed) < 0.5
        axis = {"vertical": 2, "horizontal": 3}[self.axis]
        return tf.where(flipped, tf.reverse(frames, [axis]), frames)
