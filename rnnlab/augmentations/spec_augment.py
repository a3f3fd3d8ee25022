"""SpecAugment: sequences of which pieces of time and bands of features are covered.

Axes: B batch, T time, F features, M masks.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import Field, model_validator

from rnnlab.augmentations import Augmentation, measured
from rnnlab.augmentations._valid import mean, within
from rnnlab.signature import Signature


class SpecAugment(Augmentation):
    """Cover pieces of time and bands of neighbouring features by each feature's mean over the sequence.

    How wide a piece is, up to the width given, and where it begins are drawn evenly; pieces may lie over one another.
    This is masking as in Park et al., "SpecAugment: A Simple Data Augmentation Method for Automatic Speech
    Recognition", 2019; time is not warped.
    """

    time_masks: int = Field(2, ge=0, le=100, description="pieces of time that are covered")
    time_steps: int = Field(10, ge=1, description="the most steps of a piece")
    time_share: float = Field(0.3, gt=0, le=1, description="the most of a sequence that one piece covers")
    feature_masks: int = Field(2, ge=0, le=100, description="bands of features that are covered")
    features: int = Field(6, ge=1, description="the most features of a band")

    idle_unless = MappingProxyType(
        {
            "time_steps": ("time_masks", lambda masks: masks > 0),
            "time_share": ("time_masks", lambda masks: masks > 0),
            "features": ("feature_masks", lambda masks: masks > 0),
        }
    )

    @model_validator(mode="after")
    def _covers_something(self) -> SpecAugment:
        if not self.time_masks and not self.feature_masks:
            raise ValueError("covers nothing; give time_masks or feature_masks, or remove it")
        return self

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        import tensorflow as tf

        name, lengths = signature.inputs[0].name, batch["lengths"]
        values = batch[name]
        steps, size = tf.shape(values)[1], values.shape[2]
        valid = within(values, lengths)
        longest = tf.minimum(self.time_steps, tf.cast(tf.cast(lengths, values.dtype) * self.time_share, tf.int32))
        widest = tf.fill(tf.shape(lengths), min(self.features, size))
        seeds = [tf.random.experimental.stateless_fold_in(seed, number) for number in range(2)]
        times = _covered(self.time_masks, longest, lengths, steps, seeds[0])[..., tf.newaxis]
        bands = _covered(self.feature_masks, widest, tf.fill(tf.shape(lengths), size), size, seeds[1])[:, tf.newaxis]
        return {**batch, name: tf.where((times | bands) & valid & measured(signature), mean(values, valid), values)}


def _covered(masks: int, widest: Any, ends: Any, size: Any, seed: Any) -> Any:
    """Return (B, size) bool: which places some pieces cover, each up to `widest` (B,) wide and before `ends` (B,)."""
    import tensorflow as tf

    wide, place = tf.unstack(tf.random.stateless_uniform([tf.shape(ends)[0], masks, 2], seed), axis=-1)  # (B, M)
    widths = tf.cast(wide * tf.cast(widest + 1, wide.dtype)[:, tf.newaxis], tf.int32)
    begins = tf.cast(place * tf.cast(ends[:, tf.newaxis] - widths + 1, place.dtype), tf.int32)
    places = tf.range(size)[:, tf.newaxis]
    inside = (places >= begins[:, tf.newaxis]) & (places < (begins + widths)[:, tf.newaxis])  # (B, size, M)
    return tf.reduce_any(inside, axis=2)
