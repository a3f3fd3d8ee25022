"""Flip: clips as a mirror shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from rnnlab.augmentations import Augmentation
from rnnlab.signature import Kind, Signature


class Flip(Augmentation):
    """Mirror half of the clips, each with all of its frames. Not where left and right are what is asked for."""

    kinds: ClassVar[frozenset[Kind]] = frozenset({"frames"})

    axis: Literal["horizontal", "vertical"] = Field(
        "horizontal", description="horizontal: left becomes right; vertical: up becomes down"
    )

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        import tensorflow as tf

        name = signature.inputs[0].name
        frames = batch[name]
        flipped = tf.random.stateless_uniform([tf.shape(frames)[0], 1, 1, 1, 1], seed) < 0.5
        axis = {"vertical": 2, "horizontal": 3}[self.axis]
        return {**batch, name: tf.where(flipped, tf.reverse(frames, [axis]), frames)}
