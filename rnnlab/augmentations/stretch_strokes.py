"""Stretch strokes: whole drawings wider or narrower, higher or lower."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from rnnlab.augmentations import Augmentation
from rnnlab.signature import Signature


class StretchStrokes(Augmentation):
    """Multiply all dx of a drawing by one number near 1, and all dy by another (Ha & Eck 2017)."""

    whole: ClassVar[bool] = True
    after: ClassVar[str | None] = "strokes"

    most: float = Field(0.15, gt=0, lt=1, description="the numbers are drawn from 1 less this to 1 and this")

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        import tensorflow as tf

        name = signature.inputs[0].name
        steps = batch[name]
        factors = tf.random.stateless_uniform([tf.shape(steps)[0], 1, 2], seed, 1 - self.most, 1 + self.most)
        return {**batch, name: tf.concat([steps[..., :2] * factors, steps[..., 2:]], axis=2)}
