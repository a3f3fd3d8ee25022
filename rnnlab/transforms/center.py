"""Center: what is bright in a frame comes to stand in its middle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from numpy.typing import NDArray
from pydantic import Field

from rnnlab.examples import Examples
from rnnlab.pixels import Side
from rnnlab.signature import Kind, Signature
from rnnlab.transforms import Learnt, Transform, input_field


class Center(Transform):
    """Shift each frame by whole pixels so that its brightness balances about its middle; black comes in at the borders.

    For silhouettes and single bright things on black, of which how they look and change is asked, and not where they
    go. A black frame stays black.
    """

    reads: ClassVar[frozenset[Kind]] = frozenset({"frames"})

    size: list[Side] | None = Field(
        None,
        min_length=2,
        max_length=2,
        description="[height, width] in pixels of what is kept around that middle; default: as large as a frame is",
    )

    def signature(self, before: Signature, learnt: Mapping[str, NDArray[Any]]) -> Signature:
        field = input_field(before, self.field)
        return before.with_input(replace(field, shape=(*(self.size or field.shape[:2]), *field.shape[2:])))

    def fit(self, train: Examples) -> Learnt:
        return {}

    def apply(self, values: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        import tensorflow as tf

        frames = tf.convert_to_tensor(values)  # (B, T, H, W, C)
        bright = tf.reduce_sum(tf.cast(frames, tf.float32), axis=-1)  # (B, T, H, W)
        total = tf.reduce_sum(bright, axis=[2, 3])
        for axis, kept in zip((2, 3), self.size or frames.shape[2:4], strict=True):
            size = frames.shape[axis]
            profile = tf.reduce_sum(bright, axis=5 - axis)  # (B, T, H) or (B, T, W)
            place = tf.math.divide_no_nan(tf.reduce_sum(profile * tf.range(float(size)), axis=-1), total)
            # Halves always rounded up: what moves by a pixel a frame would tremble if some were rounded down.
            off = tf.where(total > 0, tf.cast(tf.floor(place - (kept - 1) / 2 + 0.5), tf.int32), 0)
            places = tf.range(kept) + off[..., tf.newaxis]  # (B, T, H') or (B, T, W')
            inside = (places >= 0) & (places < size)
            moved = tf.gather(frames, tf.clip_by_value(places, 0, size - 1), axis=axis, batch_dims=2)
            inside = inside[:, :, :, tf.newaxis, tf.newaxis] if axis == 2 else inside[:, :, tf.newaxis, :, tf.newaxis]
            frames = tf.where(inside, moved, tf.zeros((), frames.dtype))
        return frames, lengths
