"""Speed: clips and recordings that run faster or slower."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from rnnlab.augmentations import Augmentation
from rnnlab.augmentations._frames import with_steps
from rnnlab.augmentations._valid import within
from rnnlab.signature import Kind, Signature


class Speed(Augmentation):
    """Play a clip or a recording faster or slower; what is slower is cut off where its batch ends.

    Frames are left out, or shown twice, as evenly as that goes; tags of frames go with them. Between samples of sound
    is drawn linearly, and a voice becomes higher or lower with its speed, as of somebody else (Ko et al. 2015).
    """

    kinds: ClassVar[frozenset[Kind]] = frozenset({"frames", "audio"})
    whole: ClassVar[bool] = True

    factor: float = Field(
        1.25, gt=1, le=4, description="how many times as fast, or as slow, a clip or recording may become"
    )

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        import tensorflow as tf

        field, lengths = signature.inputs[0], batch["lengths"]
        values = batch[field.name]
        time = tf.shape(values)[1]
        # As likely twice as fast as half as fast.
        drawn = tf.random.stateless_uniform([tf.shape(lengths)[0]], seed, -1.0, 1.0)
        speed = tf.exp(drawn * math.log(self.factor))
        kept = tf.minimum(tf.cast(tf.math.ceil(tf.cast(lengths, tf.float32) / speed), lengths.dtype), time)
        places = tf.range(tf.cast(time, tf.float32)) * speed[:, tf.newaxis]  # (B, T): whence each step comes
        last = tf.maximum(lengths - 1, 0)[:, tf.newaxis]
        steps = tf.minimum(tf.cast(tf.floor(places), tf.int32), last)
        if field.kind == "frames":
            return with_steps(batch, signature, steps, kept)
        share = (places - tf.floor(places))[..., tf.newaxis]
        here, next_one = (tf.gather(values, tf.minimum(steps + more, last), axis=1, batch_dims=1) for more in (0, 1))
        played = tf.where(within(values, kept), here + share * (next_one - here), 0.0)
        return {**batch, field.name: played, "lengths": kept}
