"""Batches: what the plan names, loaded, filled up and padded.

Axes: B batch, T time, F features, C targets, K features known of steps to come, H horizon.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from rnnlab.entities import NOTHING
from rnnlab.examples import Examples, FlatExamples
from rnnlab.plan import FILLER, Batch, Batching, LaneBatch, plan_evaluation, plan_reading
from rnnlab.preparation import Pipeline, Unfinished
from rnnlab.settings import Training
from rnnlab.vocabulary import PADDING, START
from rnnlab.windows import FUTURE, SEQUENCE, Lanes, SeriesLanes, Windows


class Loader(Protocol):
    """Loads planned batches."""

    def load(self, batches: Sequence[Any]) -> Iterable[dict[str, Any]]:
        """Return these batches, in this order."""


def loader_of(examples: Examples, pipeline: Pipeline, per_series: Mapping[str, NDArray[Any]]) -> Loader:
    """Return what loads planned batches of these examples.

    Args:
        examples: prepared ones, or windows, which are prepared when their batch is made.
        pipeline: prepares windows.
        per_series: what batches of windows hold of their series, (S, …) by name.
    """
    if isinstance(examples, Windows):
        return WindowLoader(examples, pipeline, per_series)
    if isinstance(examples, SeriesLanes):
        return SeriesLaneLoader(examples, per_series)
    if isinstance(examples, Lanes):
        return LaneLoader(examples)
    if isinstance(examples, Unfinished):
        return UnfinishedLoader(examples)
    if not isinstance(examples, FlatExamples):
        raise TypeError(f"expected prepared examples; received {type(examples).__name__}")
    return BatchLoader(examples)


def plan_scoring(settings: Training, examples: Examples, batching: Batching) -> Sequence[Batch]:
    """Return the batches that hold all examples to score once; what is read in lanes, in order."""
    if settings.tbptt is not None and isinstance(examples, Lanes):
        return plan_reading(examples.lengths, batching.batch_size, settings.tbptt.steps, batching.multiple)
    return plan_evaluation(examples.lengths, batching)


class WindowLoader:
    """Loads planned batches of windows: gathered by NumPy from where the series lie, then prepared in the graph.

    Each batch is a dict: `sequence` (B, T, F) float32, `lengths` (B,) int32, 0 for a filler row, `future` (B, H, K),
    as the pipeline prepares them; `ahead` (B, H, C), the prepared targets, NaN where they are not known, which are
    `teacher`, too; `observed` (B, T, C), the targets of the steps that are read, and `known` (B, T, C), whether they
    were known, and not imputed; `raw` (B, T, F), `raw_lengths` (B,), `series` (B,) int32, see `Pipeline`; `targets`
    (B, H, C) raw; `weights` (B,) float32, 0 for a filler row; `indices` (B,) int64; and what `per_series` names.

    Args:
        windows: the examples.
        pipeline: prepares them.
        per_series: (S, …) by name.
    """

    def __init__(self, windows: Windows, pipeline: Pipeline, per_series: Mapping[str, NDArray[Any]]) -> None:
        self.windows, self.pipeline, self.per_series = windows, pipeline, per_series
        features = windows.signature.inputs[0].shape[0]
        window = tf.TensorSpec([None, None, features], tf.float32)
        ahead = tf.TensorSpec([None, windows.horizon, features], tf.float32)
        number = tf.TensorSpec([None], tf.int32)
        self.prepare = tf.function(self._prepare, input_signature=[window, ahead, number, number])

    def load(self, batches: Sequence[Batch]) -> Iterable[dict[str, Any]]:
        """Return these batches, in this order; each is made when its turn comes."""
        return (self._load(batch) for batch in batches)

    def _load(self, batch: Batch) -> dict[str, Any]:
        windows, filler = self.windows, batch.indices == FILLER
        # A filler row is a copy of the first window, so that transforms have something to work on; nobody reads it.
        indices = np.where(filler, 0, batch.indices)
        series, origins, lengths = windows.numbers(indices), windows.origins[indices], windows.lengths[indices]
        steps = np.arange(batch.width)
        valid = steps < lengths[:, None]
        raw = windows.series.gather(series, np.where(valid, (origins - lengths)[:, None] + steps, 0))
        raw[~valid] = 0
        ahead = windows.series.gather(series, origins[:, None] + np.arange(windows.horizon))
        targets = len(windows.signature.known_target.names)
        truth = ahead[..., :targets].copy()
        ahead[..., targets : ahead.shape[-1] - windows.known] = np.nan  # past covariates: nobody knows them ahead
        numbers = {"raw_lengths": lengths.astype(np.int32), "series": series.astype(np.int32)}
        prepared = self.prepare(tf.constant(raw), tf.constant(ahead), *map(tf.constant, numbers.values()))
        prepared["lengths"] = tf.where(filler, 0, prepared["lengths"])
        own = {
            "raw": raw,
            **numbers,
            "targets": truth,
            "weights": (~filler).astype(np.float32),
            "indices": indices,
            **{name: values[series] for name, values in self.per_series.items()},
        }
        return {**prepared, **{name: tf.constant(values) for name, values in own.items()}}

    def _prepare(self, raw: Any, ahead: Any, lengths: Any, series: Any) -> dict[str, Any]:
        fields, valid = self.pipeline.apply({SEQUENCE: raw, "ahead": ahead}, lengths, series)
        known = ~tf.math.is_nan(raw[..., : len(self.windows.signature.known_target.names)])
        # Transforms may take steps from the front.
        steps = tf.range(tf.shape(fields[SEQUENCE])[1]) + (lengths - valid)[:, tf.newaxis]
        known = tf.gather(known, tf.minimum(steps, tf.shape(raw)[1] - 1), batch_dims=1)
        observed = fields[SEQUENCE][..., : known.shape[-1]]
        return {**fields, "teacher": fields["ahead"], "observed": observed, "known": known, "lengths": valid}


class LaneLoader:
    """Loads the segments of lanes, which `plan_lanes` or `plan_reading` names; all is prepared already, as a whole.

    Each batch is a dict: the input field (B, T, F) with zeros in the padding; `lengths` (B,) int32, 0 for a filler row;
    `following` (B, F), the step behind each row's last, and `followed` (B,) float32, whether there is one; `weights`
    (B,) float32, 0 for a filler row; `resets` (B,) float32, 1 for a row that begins with no memory; `indices` (B,).
    """

    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes
        self.field = lanes.signature.inputs[0].name
        # A filler row is of steps that are there; nobody reads it.
        self.longest = int(lanes.lengths.argmax())

    def load(self, batches: Sequence[Any]) -> Iterable[dict[str, Any]]:
        """Return these batches, in this order; each is made when its turn comes."""
        return ({name: tf.constant(values) for name, values in self.read(batch).items()} for batch in batches)

    def read(self, batch: LaneBatch) -> dict[str, NDArray[Any]]:
        """Return one batch."""
        ends = (batch.begins + batch.lengths)[:, None]
        following, followed = self.steps_from(batch, ends)
        return {**self.segments(batch), "following": following[:, 0], "followed": followed[:, 0].astype(np.float32)}

    def segments(self, batch: LaneBatch) -> dict[str, NDArray[Any]]:
        """Return what every batch of lanes has, whatever is asked of it."""
        valid, rows = _steps(batch.begins, batch.lengths, batch.width)
        sequence, _ = self.steps_from(batch, rows)
        sequence[~valid] = 0
        return {
            self.field: sequence,
            "lengths": batch.lengths.astype(np.int32),
            "weights": (batch.indices != FILLER).astype(np.float32),
            "resets": batch.resets.astype(np.float32),
            "indices": self.numbers(batch),
        }

    def numbers(self, batch: LaneBatch) -> NDArray[np.int64]:
        """Return which sequences the rows are of, (B,)."""
        return np.where(batch.indices == FILLER, self.longest, batch.indices)

    def steps_from(self, batch: LaneBatch, steps: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return some steps (B, R) of the rows' sequences, (B, R, F), and whether they are there, (B, R)."""
        prepared, numbers = self.lanes.prepared, self.numbers(batch)
        there = steps < self.lanes.lengths[numbers][:, None]
        return prepared.values[prepared.starts[numbers][:, None] + np.where(there, steps, 0)], there


class SeriesLaneLoader(LaneLoader):
    """Loads the segments of series that are forecast at every step.

    Each batch is what `WindowLoader` makes of windows, and `resets` (B,) float32, 1 for a row that begins with no
    memory, and `begun` (B, C) bool, whether a value of each target was known before the row. `raw` begins as many steps
    before the row as transforms take from a window. What lies beyond a series' end is not known: there no target
    counts.
    """

    lanes: SeriesLanes

    def __init__(self, lanes: SeriesLanes, per_series: Mapping[str, NDArray[Any]]) -> None:
        super().__init__(lanes)
        self.per_series = per_series
        self.known = sum(other.shape[0] for other in lanes.signature.inputs if other.name == FUTURE)
        # Of the features, those known beforehand follow the others of the raw data.
        self.features = lanes.series.signature.inputs[0].shape[0]
        self.targets = len(lanes.signature.known_target.names)
        self.first_known = np.stack([self._first_known(number) for number in range(len(lanes))])

    def _first_known(self, series: int) -> NDArray[np.int64]:
        """Return, of each target, the first prepared step at which it is known, or how many steps there are: (C,)."""
        known = ~np.isnan(self.lanes.series.target_values(series)[self.lanes.lost :])
        if not len(known):
            return np.zeros(self.targets, np.int64)
        return np.where(known.any(axis=0), known.argmax(axis=0), len(known))

    def read(self, batch: LaneBatch) -> dict[str, NDArray[Any]]:
        lanes, series, segments = self.lanes, self.numbers(batch), self.segments(batch)
        # Step t of a prepared series is made of the raw steps t to t + lost.
        raw_lengths = batch.lengths + lanes.lost
        raw_valid, raw_rows = _steps(batch.begins, raw_lengths, batch.width + lanes.lost)
        raw = lanes.series.gather(series, raw_rows)
        known = ~np.isnan(raw[:, lanes.lost :, : self.targets]) & raw_valid[:, lanes.lost :, None]
        raw[~raw_valid] = 0
        ahead = (batch.begins + batch.lengths)[:, None] + np.arange(lanes.horizon)
        following, there = self.steps_from(batch, ahead)
        truth = lanes.series.gather(series, np.where(there, ahead, 0) + lanes.lost)[..., : self.targets].copy()
        truth[~there] = np.nan
        result = {
            **segments,
            "ahead": np.where(np.isnan(truth), np.float32(np.nan), following[..., : self.targets]),
            "observed": segments[SEQUENCE][..., : self.targets],
            "known": known,
            "raw": raw,
            "raw_lengths": np.maximum(raw_lengths, 1).astype(np.int32),
            "series": series.astype(np.int32),
            "targets": truth,
            "begun": self.first_known[series] < batch.begins[:, None],
            **{name: values[series] for name, values in self.per_series.items()},
        }
        if self.known:
            following[~there] = 0
            result[FUTURE] = following[..., self.features - self.known : self.features]
        return result


def _steps(
    begins: NDArray[np.int64], lengths: NDArray[np.int64], width: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which of `width` steps are valid, and the steps of rows (B, width); in the padding, a row's first."""
    steps = np.arange(width)
    valid = steps < lengths[:, None]
    return valid, begins[:, None] + np.where(valid, steps, 0)


class BatchLoader:
    """Loads planned batches of prepared examples.

    What lies in memory is gathered in the graph, with no Python per example; a memory map is read by NumPy.

    Each batch is a dict: the input field (B, T, F), float32 or of tokens int32, with zeros in the padding; `lengths`
    (B,) int32, 0 for a filler row; `targets` (B, …), if known, of tags (B, T) with -1 in the padding; of answers in
    tokens what `taught` makes; what stands beside the examples; `weights` (B,) float32, 0 for a filler row; `indices`
    (B,) int64.
    """

    def __init__(self, examples: FlatExamples) -> None:
        self.examples = examples
        self.field = examples.signature.inputs[0].name
        target = examples.signature.target
        self.tagged = target is not None and target.kind == "tags"
        self.written = target is not None and target.kind == "string"
        with tf.device("CPU"):
            self.starts = tf.constant(examples.starts)
            self.lengths = tf.constant(examples.lengths)
            self.targets = None if examples.targets is None else tf.constant(examples.targets)
            self.beside = {name: tf.constant(each) for name, each in examples.beside.items()}
            self.mapped = examples.mapped
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
            **{name: tf.gather(values, indices) for name, values in self.beside.items()},
        }
        if self.targets is not None:
            targets = tf.gather(self.targets, indices)
            if self.written:
                batch |= taught(targets)
            else:
                batch["targets"] = self._tags(targets, width) if self.tagged else targets
        return batch

    def _tags(self, tags: Any, width: Any) -> Any:
        """Return (B, width): what is padded to the longest of all examples, as wide as the batch."""
        missing = tf.maximum(width - tf.shape(tags, tf.int64)[1], 0)
        return tf.pad(tags[:, :width], [[0, 0], [0, missing]], constant_values=NOTHING)

    def _sequences(self, indices: Any, lengths: Any, width: Any) -> Any:
        """Return (B, width, F): each row's first `lengths` steps, zeros behind."""
        starts = tf.gather(self.starts, indices)
        if self.values is None:
            rows = tf.numpy_function(self._read_mapped, [starts, lengths, width], self.examples.values.dtype)
            return tf.ensure_shape(rows, [None, None, *self.examples.values.shape[1:]])
        steps = tf.range(width)[tf.newaxis, :]
        valid = steps < lengths[:, tf.newaxis]
        rows = tf.gather(self.values, tf.where(valid, starts[:, tf.newaxis] + steps, 0))
        mask = tf.reshape(valid, tf.concat([tf.shape(valid), tf.ones(rows.shape.rank - 2, tf.int32)], 0))
        return tf.where(mask, rows, tf.zeros((), rows.dtype))

    def _read_mapped(self, starts: Any, lengths: Any, width: Any) -> Any:
        rows = np.zeros((len(starts), int(width), *self.examples.values.shape[1:]), self.examples.values.dtype)
        for row, start, length in zip(rows, starts, lengths, strict=True):
            row[:length] = self.examples.values[start : start + length]
        return rows


class UnfinishedLoader(BatchLoader):
    """Loads planned batches of examples whose preparation training finishes: at their own lengths, however wide.

    Each batch is what `BatchLoader` makes, and `width`, how wide it was planned to be when it is prepared.
    """

    def __init__(self, examples: Unfinished) -> None:
        super().__init__(examples.begun)

    def _gather(self, indices: Any, width: Any) -> dict[str, Any]:
        return {**super()._gather(indices, width), "width": width}

    def _sequences(self, indices: Any, lengths: Any, width: Any) -> Any:
        return super()._sequences(indices, lengths, tf.reduce_max(lengths))


def taught(targets: Any) -> dict[str, Any]:
    """Return `targets` (B, L) no wider than the longest answer of these (B, L'), and `teacher` (B, L), what is before.

    Both are tokens, -1 and padding behind the answers' ends; the first that is read is a start mark.
    """
    longest = tf.reduce_max(tf.reduce_sum(tf.cast(targets != NOTHING, tf.int32), axis=1))
    targets = targets[:, :longest]
    before = tf.pad(targets[:, :-1], [[0, 0], [1, 0]], constant_values=START)
    return {"targets": targets, "teacher": tf.where(before == NOTHING, PADDING, before)}
