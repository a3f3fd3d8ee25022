"""Time crop: clips that begin later and end earlier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from rnnlab.augmentations import Augmentation
from rnnlab.augmentations._frames import with_steps
from rnnlab.signature import Kind, Signature


class TimeCrop(Augmentation):
    """Keep a piece of each clip, as long as chance says and where chance says; tags of frames go with them."""

    kinds: ClassVar[frozenset[Kind]] = frozenset({"frames"})
    whole: ClassVar[bool] = True

    shortest: float = Field(0.7, gt=0, lt=1, description="the least share of its frames that a clip keeps")

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        import tensorflow as tf

        lengths, time = batch["lengths"], tf.shape(batch[signature.inputs[0].name])[1]
        share, place = tf.unstack(tf.random.stateless_uniform([tf.shape(lengths)[0], 2], seed), axis=-1)
        share = self.shortest + (1 - self.shortest) * share
        kept = tf.cast(tf.math.ceil(tf.cast(lengths, tf.float32) * share), lengths.dtype)  # one or more of one or more
        begin = tf.cast(tf.floor(place * tf.cast(lengths - kept + 1, tf.float32)), tf.int32)
        steps = tf.range(time) + tf.minimum(begin, lengths - kept)[:, tf.newaxis]
        return with_steps(batch, signature, steps, kept)
