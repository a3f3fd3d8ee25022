"""Speed: clips that run faster or slower."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from rnnlab.augmentations import Augmentation
from rnnlab.augmentations._frames import with_steps
from rnnlab.signature import Kind, Signature


class Speed(Augmentation):
    """Leave frames out of a clip, or show some twice, as evenly as that goes; tags of frames go with them.

    A slower clip is cut off where its batch ends.
    """

    kinds: ClassVar[frozenset[Kind]] = frozenset({"frames"})
    whole: ClassVar[bool] = True

    factor: float = Field(1.25, gt=1, le=4, description="how many times as fast, or as slow, a clip may become")

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        import tensorflow as tf

        lengths, time = batch["lengths"], tf.shape(batch[signature.inputs[0].name])[1]
        # As likely twice as fast as half as fast.
        drawn = tf.random.stateless_uniform([tf.shape(lengths)[0]], seed, -1.0, 1.0)
        speed = tf.exp(drawn * math.log(self.factor))
        most = tf.cast(lengths, tf.float32)
        kept = tf.minimum(tf.cast(tf.math.ceil(most / speed), lengths.dtype), time)
        steps = tf.cast(tf.floor(tf.range(tf.cast(time, tf.float32)) * speed[:, tf.newaxis]), tf.int32)
        return with_steps(batch, signature, tf.minimum(steps, tf.maximum(lengths - 1, 0)[:, tf.newaxis]), kept)
