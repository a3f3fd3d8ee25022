"""Drop points: strokes of fewer points, which begin and end where they did.

Axes: B batch, T steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from rnnlab.augmentations import Augmentation
from rnnlab.signature import Signature


class DropPoints(Augmentation):
    """Leave points within strokes out; the step to one that is left out goes on to the next (Ha & Eck 2017).

    The first and the last point of a stroke stay, so nothing else of the drawing moves.
    """

    whole: ClassVar[bool] = True
    after: ClassVar[str | None] = "strokes"

    share: float = Field(0.1, gt=0, lt=1, description="how many of the points within strokes are left out, on average")

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        import tensorflow as tf

        field = signature.inputs[0]
        steps, lengths = batch[field.name], batch["lengths"]
        valid = tf.range(tf.shape(steps)[1])[tf.newaxis] < lengths[:, tf.newaxis]
        drawn = tf.random.stateless_uniform(tf.shape(valid), seed)
        kept = valid & ~(within_strokes(steps, valid, field.names) & (drawn < self.share))
        places = tf.cumsum(tf.where(valid[..., tf.newaxis], steps[..., :2], 0.0), axis=1)
        order = tf.argsort(tf.cast(~kept, tf.int32), axis=1, stable=True)  # what is kept first, as it stood
        places, pen = tf.gather(places, order, batch_dims=1), tf.gather(steps[..., 2:], order, batch_dims=1)
        left = tf.concat([places - tf.pad(places[:, :-1], [[0, 0], [1, 0], [0, 0]]), pen], axis=2)
        lengths = tf.reduce_sum(tf.cast(kept, tf.int32), axis=1)
        still = tf.range(tf.shape(steps)[1])[tf.newaxis] < lengths[:, tf.newaxis]
        return {**batch, field.name: tf.where(still[..., tf.newaxis], left, 0.0), "lengths": lengths}


def within_strokes(steps: Any, valid: Any, names: tuple[str, ...]) -> Any:
    """Return (B, T) bool: the points that are neither the first of a stroke nor its last."""
    import tensorflow as tf

    down = steps[..., names.index("down")] > 0.5 if "down" in names else steps[..., names.index("lift")] < 0.5
    down = down & valid
    before = tf.pad(down[:, :-1], [[0, 0], [1, 0]])
    # A drawing that was cut off has a last point, too.
    behind = tf.pad(valid[:, 1:], [[0, 0], [0, 1]])
    return down & before & behind
