"""Strokes: the points of a drawing as steps of a pen, whatever the size of the paper.

Axes: B batch, T points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

from numpy.typing import NDArray
from pydantic import Field

from rnnlab.examples import Examples
from rnnlab.signature import Kind, Signature
from rnnlab.transforms import Learnt, Transform, input_field, valid_steps

NAMES = {"stroke_3": ("dx", "dy", "lift"), "stroke_5": ("dx", "dy", "down", "up", "end")}


class Strokes(Transform):
    """Each point as the step that led to it, and what the pen does behind it (Ha & Eck 2017).

    A drawing is scaled so that a side of the box around it is 1, which keeps what is round round. Nothing is learnt
    from other drawings, and, unlike the steps' deviation, the box is the same however densely a stroke's points were
    recorded. The first step is (0, 0): a drawing begins at the origin.
    """

    reads: ClassVar[frozenset[Kind]] = frozenset({"strokes"})

    form: Literal["stroke_3", "stroke_5"] = Field(
        "stroke_3",
        description="stroke_3: dx, dy, and whether the pen is lifted behind the point; stroke_5: dx, dy, and which of "
        "three the pen does: goes on, is lifted, or has ended, which is a step of its own behind the last",
    )

    unit: Literal["longer_side", "height"] = Field(
        "longer_side",
        description="what of the box around a drawing becomes 1: `longer_side`; or `height`, for lines of writing, "
        "which are the longer the more they say (of what has none, such as a dash, the longer side)",
    )

    @property
    def aligned(self) -> bool:
        return not self.closing

    @property
    def closing(self) -> int:
        return int(self.form == "stroke_5")

    def fit(self, train: Examples) -> Learnt:
        return {}

    def apply(self, values: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        import tensorflow as tf

        valid = valid_steps(values, lengths)
        steps = tf.where(valid, self._steps(values[..., :2], valid), 0.0)
        lifted = values[..., 2:] > 0.5
        up = tf.cast(valid & lifted, tf.float32)
        if self.form == "stroke_3":
            return tf.concat([steps, up], axis=2), lengths
        down = tf.cast(valid & ~lifted, tf.float32)
        drawn = tf.pad(tf.concat([steps, down, up], axis=2), [[0, 0], [0, 1], [0, 0]])
        ended = tf.range(tf.shape(drawn)[1])[tf.newaxis] == lengths[:, tf.newaxis]
        return tf.concat([drawn, tf.cast(ended, tf.float32)[..., tf.newaxis]], axis=2), lengths + 1

    def _steps(self, places: Any, valid: Any) -> Any:
        """Return (B, T, 2), the step to each point from the one before, in units of the drawing's own."""
        import tensorflow as tf

        # Padding stands at the first point. Halves, since a difference of the largest numbers would be infinite.
        places = tf.where(valid, places, places[:, :1]) * 0.5
        box = tf.reduce_max(places, axis=1, keepdims=True) - tf.reduce_min(places, axis=1, keepdims=True)
        steps = places - tf.concat([places[:, :1], places[:, :-1]], axis=1)
        unit = tf.reduce_max(box, axis=2, keepdims=True)
        if self.unit == "height":
            unit = tf.where(box[..., 1:] > 0, box[..., 1:], unit)
        return tf.math.divide_no_nan(steps, unit)  # a dot has no size

    def signature(self, before: Signature, learnt: Mapping[str, NDArray[Any]]) -> Signature:
        names = NAMES[self.form]
        return before.with_input(
            replace(input_field(before, self.field), kind="series", shape=(len(names),), names=names)
        )
