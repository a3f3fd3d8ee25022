"""Turn strokes: whole drawings leaning to one side or the other."""

from __future__ import annotations

from collections.abc import Mapping
from math import radians
from typing import Any, ClassVar

from pydantic import Field

from rnnlab.augmentations import Augmentation
from rnnlab.signature import Signature


class TurnStrokes(Augmentation):
    """Turn a drawing by an angle, each up to `degrees` as likely, to the left or to the right."""

    whole: ClassVar[bool] = True
    after: ClassVar[str | None] = "strokes"

    degrees: float = Field(15.0, gt=0, le=180, description="the most that a drawing is turned by, either way")

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        import tensorflow as tf

        name = signature.inputs[0].name
        most = radians(self.degrees)
        angles = tf.random.stateless_uniform([tf.shape(batch[name])[0], 1], seed, -most, most)
        dx, dy, pen = batch[name][..., 0], batch[name][..., 1], batch[name][..., 2:]
        cosine, sine = tf.cos(angles), tf.sin(angles)
        turned = tf.stack([cosine * dx - sine * dy, sine * dx + cosine * dy], axis=2)
        return {**batch, name: tf.concat([turned, pen], axis=2)}
