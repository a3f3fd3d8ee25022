"""Speed: clips and recordings that run faster or slower.

Axes: B batch, T time.
"""

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
    """Play a clip or a recording faster or slower.

    Frames are left out, or shown twice, as evenly as that goes; tags of frames go with them, and a slower clip is cut
    off where its batch ends. Of sound nothing is cut off, so that what was said still is; between samples is drawn
    linearly, and a voice becomes higher or lower with its speed, as of somebody else (Ko et al. 2015).
    """

    kinds: ClassVar[frozenset[Kind]] = frozenset({"frames", "audio"})
    whole: ClassVar[bool] = True

    factor: float = Field(
        1.25, gt=1, le=4, description="how many times as fast, or as slow, a clip or recording may become"
    )

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        import tensorflow as tf

        field, lengths = signature.inputs[0], batch["lengths"]
        values, sound = batch[field.name], field.kind == "audio"
        # As likely twice as fast as half as fast. Float64, as recordings have many samples.
        drawn = tf.random.stateless_uniform([tf.shape(lengths)[0]], seed, -1.0, 1.0)
        speed = tf.exp(tf.cast(drawn, tf.float64) * math.log(self.factor))
        time = tf.cast(tf.shape(values)[1], tf.float64) * (self.factor if sound else 1.0)
        places = tf.range(tf.math.ceil(time)) * speed[:, tf.newaxis]  # (B, T'): whence each step comes
        played = tf.cast(tf.math.ceil(tf.cast(lengths, tf.float64) / speed), lengths.dtype)
        kept = tf.minimum(played, tf.shape(places)[1])
        last = tf.maximum(lengths - 1, 0)[:, tf.newaxis]
        steps = tf.minimum(tf.cast(tf.floor(places), tf.int32), last)
        if not sound:
            return with_steps(batch, signature, steps, kept)
        share = tf.cast(places - tf.floor(places), values.dtype)[..., tf.newaxis]
        here, behind = (tf.gather(values, tf.minimum(steps + more, last), axis=1, batch_dims=1) for more in (0, 1))
        between = here + share * (behind - here)
        return {**batch, field.name: tf.where(within(between, kept), between, 0.0), "lengths": kept}
