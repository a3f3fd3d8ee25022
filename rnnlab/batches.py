"""Batches: what the plan names, loaded, filled up and padded.

Axes: B batch, T time, F features.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlab.examples import FlatExamples
from rnnlab.plan import FILLER, Batch


class BatchLoader:
    """Loads planned batches of prepared examples.

    What lies in memory is gathered in the graph, with no Python per example; a memory map is read by NumPy.

    Each batch is a dict: the input field (B, T, F) float32 with zeros in the padding; `lengths` (B,) int32,
    0 for a filler row; `targets` (B, …), if known; `weights` (B,) float32, 0 for a filler row; `indices` (B,) int64.
    """

    def __init__(self, examples: FlatExamples) -> None:
        self.examples = examples
        self.field = examples.signature.inputs[0].name
        with tf.device("CPU"):
            self.starts = tf.constant(examples.starts)
            self.lengths = tf.constant(examples.lengths)
            self.targets = None if examples.targets is None else tf.constant(examples.targets)
            self.mapped = isinstance(_base(examples.values), np.memmap)
            self.values = None if self.mapped else tf.constant(examples.values)
        signature = [tf.TensorSpec([None], tf.int64), tf.TensorSpec([], tf.int64)]
        self.gather = tf.function(self._gather, input_signature=signature)

    def load(self, batches: Sequence[Batch]) -> Iterable[dict[str, Any]]:
        """Return these batches, in this order.

        What lies in memory is gathered when its turn comes: one compiled call, where starting and stopping a `tf.data`
        iterator each epoch would cost small data more than its training steps do. A memory map is read ahead by
        `tf.data` while the step before is running.
        """
        if not self.mapped:
            return (self.gather(tf.constant(batch.indices), batch.width) for batch in batches)
        rows = tf.constant(np.concatenate([batch.indices for batch in batches]) if batches else [], tf.int64)
        indices = tf.RaggedTensor.from_row_lengths(rows, [len(batch.indices) for batch in batches], validate=False)
        widths = tf.constant([batch.width for batch in batches], tf.int64)
        named = tf.data.Dataset.from_tensor_slices((indices, widths))
        return named.map(self.gather, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(2)

    def _gather(self, indices: Any, width: Any) -> dict[str, Any]:
        filler = indices == FILLER
        indices = tf.where(filler, tf.zeros_like(indices), indices)
        lengths = tf.where(filler, tf.zeros_like(indices), tf.gather(self.lengths, indices))
        batch = {
            self.field: self._sequences(indices, lengths, width),
            "lengths": tf.cast(lengths, tf.int32),
            "weights": tf.cast(~filler, tf.float32),
            "indices": indices,
        }
        if self.targets is not None:
            batch["targets"] = tf.gather(self.targets, indices)
        return batch

    def _sequences(self, indices: Any, lengths: Any, width: Any) -> Any:
        """Return (B, width, F): each row's first `lengths` steps, zeros behind."""
        starts = tf.gather(self.starts, indices)
        if self.values is None:
            rows = tf.numpy_function(self._read_mapped, [starts, lengths, width], tf.float32)
            return tf.ensure_shape(rows, [None, None, *self.examples.values.shape[1:]])
        steps = tf.range(width)[tf.newaxis, :]
        valid = steps < lengths[:, tf.newaxis]
        rows = tf.gather(self.values, tf.where(valid, starts[:, tf.newaxis] + steps, 0))
        mask = tf.reshape(valid, tf.concat([tf.shape(valid), tf.ones(rows.shape.rank - 2, tf.int32)], 0))
        return tf.where(mask, rows, 0.0)

    def _read_mapped(self, starts: Any, lengths: Any, width: Any) -> Any:
        rows = np.zeros((len(starts), int(width), *self.examples.values.shape[1:]), np.float32)
        for row, start, length in zip(rows, starts, lengths, strict=True):
            row[:length] = self.examples.values[start : start + length]
        return rows


def _base(values: Any) -> Any:
    """Return the array that a view was taken of: a reshaped memory map is still one."""
    while isinstance(getattr(values, "base", None), np.ndarray) and not isinstance(values, np.memmap):
        values = values.base
    return values
