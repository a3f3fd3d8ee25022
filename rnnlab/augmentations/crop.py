"""Crop: clips as a camera that stands a little elsewhere shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from rnnlab.augmentations import Augmentation
from rnnlab.signature import Kind, Signature


class Crop(Augmentation):
    """Cut each clip out of itself with a black border around it, somewhere, all of its frames at the same place."""

    kinds: ClassVar[frozenset[Kind]] = frozenset({"frames"})

    pixels: int = Field(2, ge=1, le=1000, description="width of the border; as far may a clip be shifted, each way")

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        import tensorflow as tf

        name = signature.inputs[0].name
        frames = batch[name]
        rows = tf.shape(frames)[0]
        shift = tf.random.stateless_uniform([rows, 2], seed, -self.pixels, self.pixels + 1, tf.int32)
        for axis, size in enumerate(frames.shape[2:4]):
            places = tf.range(size) + shift[:, axis, tf.newaxis]  # (B, H) or (B, W)
            inside = (places >= 0) & (places < size)
            moved = tf.gather(frames, tf.clip_by_value(places, 0, size - 1), axis=2 + axis, batch_dims=1)
            shape = [-1, 1, size, 1, 1] if axis == 0 else [-1, 1, 1, size, 1]
            frames = tf.where(tf.reshape(inside, shape), moved, tf.zeros((), frames.dtype))
        return {**batch, name: frames}
