"""Shift: recordings that begin a little earlier or later.

Axes: B batch, T samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from rnnlab.augmentations import Augmentation
from rnnlab.augmentations._valid import within
from rnnlab.signature import Kind, Signature
from rnnlab.waveforms import LOWEST_RATE


class Shift(Augmentation):
    """Move each recording in time, either way: what leaves at one end is lost, and silence follows at the other.

    A short recording is moved by no more than half of its length, so that half of it is left at least.
    """

    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})
    whole: ClassVar[bool] = True

    # At any rate that is read there is a sample in the least of them.
    seconds: float = Field(
        0.05,
        ge=1 / LOWEST_RATE,
        le=60,
        description="the furthest that a recording is moved, either way; one that is short, by half of its length",
    )

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        import tensorflow as tf

        field = signature.inputs[0]
        values, valid = batch[field.name], within(batch[field.name], batch["lengths"])
        rows, steps = tf.unstack(tf.shape(values)[:2])
        most = round(self.seconds * field.rate)
        drawn = tf.cast(tf.random.stateless_uniform([rows, 1], seed, -most, most + 1, tf.int32), tf.int64)
        reach = tf.cast(tf.minimum(batch["lengths"] // 2, most), tf.int64)[:, tf.newaxis]
        moved = tf.cast(tf.sign(drawn) * (tf.abs(drawn) * reach // most), tf.int32)
        places = tf.range(steps) - moved  # (B, T): whence each sample comes
        there = (places >= 0) & (places < batch["lengths"][:, tf.newaxis])
        found = tf.gather(values, tf.clip_by_value(places, 0, tf.maximum(steps - 1, 0)), axis=1, batch_dims=1)
        return {**batch, field.name: tf.where(valid & there[..., tf.newaxis], found, 0.0)}
