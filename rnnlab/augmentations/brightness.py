"""Brightness: clips in more or less light."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from rnnlab.augmentations import Augmentation
from rnnlab.signature import Kind, Signature


class Brightness(Augmentation):
    """Multiply the pixels of each clip by a number near 1, the same in all of its frames."""

    kinds: ClassVar[frozenset[Kind]] = frozenset({"frames"})

    change: float = Field(0.2, gt=0, lt=1, description="the most that the number is above or below 1")

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        import tensorflow as tf

        name = signature.inputs[0].name
        frames = batch[name]
        shape = [tf.shape(frames)[0], 1, 1, 1, 1]
        factor = tf.random.stateless_uniform(shape, seed, 1 - self.change, 1 + self.change)
        changed = tf.clip_by_value(tf.round(tf.cast(frames, tf.float32) * factor), 0, 255)
        return {**batch, name: tf.cast(changed, frames.dtype)}
