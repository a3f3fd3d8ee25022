"""Prepared data: transforms fitted on the training split, applied to every split, laid out for fast batches."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import DataError, RunError, did_you_mean
from rnnlab.examples import Examples, FlatExamples
from rnnlab.plan import Batch, Batching, plan_evaluation
from rnnlab.signature import Field, Signature
from rnnlab.strict import shown
from rnnlab.transforms import TRANSFORMS, ColumnTransform, Learnt, Transform, input_field
from rnnlab.windows import FUTURE, SeriesExamples

CHUNK_STEPS = 200_000


@dataclass(frozen=True)
class Pipeline:
    """Transforms in order, with what each learnt from the training split.

    Attributes:
        transforms: in the order in which they are applied.
        learnt: what each learnt; applying never changes it.
        raw: the signature of what goes in.
        target: the target as the task prepares it; None: as it is.
    """

    transforms: tuple[Transform, ...]
    learnt: tuple[Learnt, ...]
    raw: Signature
    target: Field | None = None

    @classmethod
    def fit(cls, transforms: Sequence[Transform], train: Examples, store: Path | None = None) -> Pipeline:
        """Fit each transform on the training examples as the ones before it prepare them, in a file where `store` says.

        Raises:
            DataError: a transform names a field that the examples do not have.
        """
        known = [field.name for field in train.signature.inputs if field.kind != "future"]
        pipeline = cls((), (), train.signature)
        for number, transform in enumerate(transforms):
            if transform.field is not None and transform.field not in known:
                raise DataError(
                    f"transforms.{number}.field: the data has no field '{transform.field}'"
                    f"{did_you_mean(transform.field, known)}"
                )
            field = input_field(pipeline.signature, transform.field)
            if field.kind not in transform.reads:
                name, kinds = TRANSFORMS.name_of(transform), " and ".join(sorted(transform.reads))
                raise DataError(
                    f"transforms.{number}: {name} takes {kinds}; '{field.name}' is {field.kind}; {_remedy(field.kind)}"
                )
            learnt = transform.fit(pipeline.prepare(train, store) if pipeline.transforms else train)
            pipeline = cls((*pipeline.transforms, transform), (*pipeline.learnt, learnt), train.signature)
        if store is not None:
            store.unlink(missing_ok=True)
        return pipeline

    @property
    def signatures(self) -> list[Signature]:
        """The signatures of what goes into each transform, and of what comes out of the last."""
        found = [self.raw]
        for transform, learnt in zip(self.transforms, self.learnt, strict=True):
            found.append(transform.signature(found[-1], learnt))
        return found

    @property
    def signature(self) -> Signature:
        """The signature of what comes out."""
        result = self.signatures[-1]
        return result if self.target is None else replace(result, target=self.target)

    def part(self, begin: int, end: int | None = None) -> Pipeline:
        """Return the transforms from one number on, before another; it takes what those before give."""
        return Pipeline(self.transforms[begin:end], self.learnt[begin:end], self.signatures[begin])

    def asked_for(self, target: Field) -> Pipeline:
        """Return the pipeline with its target as the task prepares it."""
        return self if target == self.signature.target else replace(self, target=target)

    @property
    def per_series(self) -> bool:
        """Whether a transform learnt something of each series for itself."""
        return any(transform.per_series for transform in self.transforms)

    def apply(self, fields: Mapping[str, Any], lengths: Any, series: Any = None) -> tuple[dict[str, Any], Any]:
        """Return prepared fields (B, T, F) and lengths (B,) from raw ones; TensorFlow ops only.

        Args:
            fields: by name. Of windows to forecast also `future` (B, H, K), what is known of the steps that follow; or
                instead `ahead` (B, H, F), all features of these steps, NaN where they are not known. Out come
                `future`, and of `ahead` the targets, (B, H, C).
            lengths: (B,) int32.
            series: (B,) int32, the numbers of the training series that the rows are of; where they are not known, or of
                a series that training has not seen, one beyond the last.
        """
        import tensorflow as tf

        fields = {name: tf.convert_to_tensor(value) for name, value in fields.items()}
        lengths = tf.convert_to_tensor(lengths, tf.int32)
        ahead = fields.pop("ahead", None)
        if ahead is None and FUTURE in fields:
            ahead = self._with_unknown(fields[FUTURE])
        for transform, learnt in zip(self.transforms, self._learnt_of(series), strict=True):
            name = input_field(self.raw, transform.field).name
            window = fields[name]
            if ahead is not None:
                ahead = transform.extend(ahead, window, lengths, learnt)
            fields[name], lengths = transform.apply(window, lengths, learnt)
        if ahead is not None:
            features, known = self._sizes()
            fields["ahead"] = ahead[..., : len(self.raw.known_target.names)]
            if known:
                fields[FUTURE] = ahead[..., features - known : features]
        return fields, lengths

    def restore(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
        """Return answers about prepared steps in the unit of the raw ones; TensorFlow ops only.

        Args:
            answers: of forecasts, `values` (B, H, C) and where there are any `quantiles` (B, H, C, Q). Others stay.
            batch: `raw` (B, T, F) and `raw_lengths` (B,), the windows before preparation; `series` (B,), see `apply`.
        """
        import tensorflow as tf

        if self.raw.target is None or self.raw.target.kind != "series" or not self.transforms:
            return dict(answers)
        window, lengths = batch["raw"], batch["raw_lengths"]
        learnt = self._learnt_of(batch.get("series"))
        before = []
        for transform, own in zip(self.transforms, learnt, strict=True):
            before.append((transform, window, lengths, own))
            window, lengths = transform.apply(window, lengths, own)
        values = answers["values"][..., tf.newaxis]
        if "quantiles" in answers:
            values = tf.concat([values, answers["quantiles"]], axis=-1)
        for transform, window, lengths, own in reversed(before):
            values = transform.invert(values, window, lengths, own)
        restored = {**answers, "values": values[..., 0]}
        return {**restored, "quantiles": values[..., 1:]} if "quantiles" in answers else restored

    def _learnt_of(self, series: Any) -> list[Learnt]:
        """Return what each transform learnt: where it did of each series, the rows of these (B, 1, F)."""
        import tensorflow as tf

        result = []
        for transform, learnt in zip(self.transforms, self.learnt, strict=True):
            if transform.per_series:
                if series is None:
                    raise ValueError("a transform learnt something of each series: say which series the rows are of")
                # The last row is of a series that training has not seen.
                result.append(
                    {
                        name: tf.gather(each, tf.minimum(series, len(each) - 1))[:, tf.newaxis]
                        for name, each in learnt.items()
                    }
                )
            else:
                result.append(learnt)
        return result

    def _sizes(self) -> tuple[int, int]:
        """Return F and K of the raw signature: the features of a step, and those known of steps to come."""
        return self.raw.inputs[0].shape[0], sum(field.shape[0] for field in self.raw.inputs if field.name == FUTURE)

    def _with_unknown(self, future: Any) -> Any:
        """Return (B, H, F): what is known of steps to come, (B, H, K), behind features that nobody knows."""
        import tensorflow as tf

        features, known = self._sizes()
        shape = tf.concat([tf.shape(future)[:2], [features - known]], axis=0)
        return tf.concat([tf.fill(shape, tf.constant(np.nan, future.dtype)), future], axis=-1)

    def prepare(self, examples: Examples, store: Path | None = None, *, copied: bool = False) -> FlatExamples:
        """Return examples with every transform applied, laid end to end in memory, or in a file where `store` says.

        Examples are prepared in chunks of like length, so that the memory needed beyond the result is bounded; with
        a store the result is a memory map. What is one already, and stays as it is, stays where it is unless it is to
        be `copied`.
        """
        flat = None if copied or self.transforms else examples.laid_flat()
        if flat is not None and flat.mapped:
            signature = Signature(self.signature.inputs, examples.signature.target)
            return replace(flat, signature=signature, locations=None, skipped=(), notes=())
        field = self.raw.inputs[0]
        starts = np.zeros(len(examples), np.int64)
        lengths = np.zeros(len(examples), np.int64)
        position = 0
        with _Sink(store, self.signature.inputs[0]) as sink:
            for chunk in plan_evaluation(examples.lengths, Batching((), batch_size=1, batch_steps=CHUNK_STEPS)):
                for index, sequence in zip(
                    chunk.indices, self._prepare_chunk(examples, chunk, field.name), strict=True
                ):
                    starts[index], lengths[index] = position, len(sequence)
                    position += len(sequence)
                    sink.append(sequence)
        return FlatExamples(
            Signature(self.signature.inputs, examples.signature.target),
            examples.ids,
            sink.values(),
            starts,
            lengths,
            examples.targets,
            examples.groups,
        )

    def _prepare_chunk(self, examples: Examples, chunk: Batch, name: str) -> list[NDArray[Any]]:
        sequences = [examples.read(int(index))[name] for index in chunk.indices]
        if not self.transforms:
            return sequences
        series = _series_of(examples, chunk.indices) if self.per_series else None
        batch = {name: batch_of(self.raw.inputs[0], sequences)}
        fields, lengths = self.apply(batch, examples.lengths[chunk.indices].astype(np.int32), series)
        values, lengths = np.asarray(fields[name]), np.asarray(lengths)
        return [row[:length] for row, length in zip(values, lengths, strict=True)]


def _remedy(kind: str) -> str:
    """Return what to do about a transform that can't prepare a field of this kind."""
    if kind == "text":
        return "put `words` or `characters` before it"
    if kind == "words":
        return "put `words` in its place"
    if kind == "frames":
        return "write `transforms: []`"
    if kind == "strokes":
        return "put `strokes` before it"
    if kind == "audio":
        return "put `log_mel` before it"
    return "remove it"


def _series_of(examples: Examples, indices: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the numbers of the series that examples are, or are pieces of."""
    numbers = indices if isinstance(examples, SeriesExamples) or examples.groups is None else examples.groups[indices]
    return np.asarray(numbers, np.int32)


def batch_of(field: Field, values: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return the values of one raw field of some examples, as transforms are given them.

    Steps (T, …) each are right-padded with zeros to the longest: (B, T, …); words (T,) with empty strings: (B, T); a
    text, (T,) bytes each, is a string: (B,); what has one shape is stacked.
    """
    if field.kind == "text":
        return np.array([each.tobytes() for each in values], object)
    if field.kind == "future":
        return np.stack(values).astype(field.dtype)
    return pad(values).astype(field.dtype, copy=False)


def pad(sequences: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return (B, T, …), right-padded with zeros, or empty strings, to the longest of sequences (T, …)."""
    width = max(len(sequence) for sequence in sequences)
    dtype = np.result_type(*{sequence.dtype for sequence in sequences})  # of strings, the longest
    padded = np.zeros((len(sequences), width, *sequences[0].shape[1:]), dtype)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded


@contextmanager
def scratch(wanted: bool, folder: Path | None = None) -> Iterator[Path | None]:
    """Yield a new folder for prepared examples, which is removed at the end; None where it is not wanted.

    Args:
        wanted: see `Source.on_disk`.
        folder: where it is made; default: where the system keeps temporary files.
    """
    if not wanted:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="cache-", dir=folder, ignore_cleanup_errors=True) as made:
        yield Path(made)


def stored(store: Path | None, name: str) -> Path | None:
    """Return the file of a split's prepared examples in a folder, where there is one."""
    return None if store is None else store / f"{name}.float32"


class Unfinished(Examples):
    """Prepared examples as they are after the first of their transforms: training varies them, and applies the others.

    They are planned as what they will be.

    Attributes:
        prepared: the same with every transform applied: what their lengths and targets are of.
        begun: the same with the first ones applied alone, at lengths of their own.
    """

    def __init__(self, prepared: FlatExamples, begun: FlatExamples) -> None:
        self.prepared = prepared
        target = replace(begun.signature, target=prepared.signature.target)
        self.begun = replace(begun, signature=target, targets=prepared.targets, beside=prepared.beside)
        self.signature, self.ids, self.lengths = self.begun.signature, prepared.ids, prepared.lengths
        self.targets, self.groups = prepared.targets, prepared.groups

    def read(self, index: int) -> dict[str, NDArray[np.generic]]:
        return self.begun.read(index)


class _Sink:
    """Collects sequences (T, F) into one array (ΣT, F), in memory or in a file."""

    def __init__(self, path: Path | None, field: Field) -> None:
        self.path, self.shape, self.dtype = path, field.shape, field.dtype
        self.parts: list[NDArray[Any]] = []

    def __enter__(self) -> _Sink:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.unlink(missing_ok=True)  # of a run that was killed; or a link to another file
            self.file = self.path.open("xb")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self.path is None:
            return
        try:
            self.file.close()  # on a full disk this fails, too
        except OSError as fault:
            error = error or fault
        if error is not None:
            self.path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise RunError(f"{self.path}: can't be written: {error.strerror}; data.cache: disk needs room") from error

    def append(self, sequence: NDArray[Any]) -> None:
        if self.path is None:
            self.parts.append(sequence)
        else:
            self.file.write(np.ascontiguousarray(sequence, self.dtype).tobytes())

    def values(self) -> NDArray[Any]:
        if self.path is None:
            return (
                np.concatenate(self.parts, dtype=self.dtype) if self.parts else np.zeros((0, *self.shape), self.dtype)
            )
        if self.path.stat().st_size == 0:
            return np.zeros((0, *self.shape), self.dtype)
        flat = np.memmap(self.path, self.dtype, "r")
        return flat.reshape(-1, *self.shape)


def require_examples(splits: Mapping[str, Examples]) -> None:
    """Refuse splits without examples.

    Raises:
        DataError: a split is empty.
    """
    for name, examples in splits.items():
        if not len(examples):
            raise DataError(f"data: the {name} split has no examples")


def check_filled(transforms: Sequence[Transform], splits: Mapping[str, Examples]) -> None:
    """Refuse series with missing values that nothing fills in.

    Raises:
        DataError: where the first is.
    """
    for name, series in splits.items():
        if not isinstance(series, SeriesExamples):
            continue
        columns = len(series.columns)
        left = ~_filled(transforms, series.signature)
        static = left[columns : columns + series.panel.static.shape[1]]
        for identity, values in zip(series.ids, series.panel.static, strict=True):
            if (np.isnan(values) & static).any():
                feature = series.signature.inputs[0].names[columns + int((np.isnan(values) & static).argmax())]
                raise DataError(
                    f"data: the {name} split's series {shown(identity)} has no value of {shown(feature)}; write one, "
                    "or add `- impute` to `transforms`, which takes the mean of the others"
                )
        left = left[:columns]
        if not left.any():
            continue
        for number, identity in enumerate(series.ids):
            missing = np.isnan(series.panel.read(number)[:, series.columns]) & left
            if missing.any():
                step, column = np.argwhere(missing)[0]
                stamp = series.panel.text(series.panel.stamps(number)[step])
                feature = series.signature.inputs[0].names[column]
                raise DataError(
                    f"data: the {name} split's series {shown(identity)} has no value of {shown(feature)} at {stamp}, "
                    f"and {int(missing.sum()) - 1} more are missing; add `- impute` to `transforms`, before what "
                    "computes with them, or name the column in its `columns`"
                )


def _filled(transforms: Sequence[Transform], signature: Signature) -> NDArray[np.bool_]:
    """Return (F,) bool: of which features missing values are filled in."""
    filled = np.zeros(signature.inputs[0].shape, bool)
    for transform in transforms:
        if transform.fills:
            filled |= transform.chosen(signature) if isinstance(transform, ColumnTransform) else True
    return filled


def to_arrays(pipeline: Pipeline, task_learnt: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return what transforms and task learnt as named arrays, for the run folder."""
    arrays = {
        f"transforms/{number}/{name}": values
        for number, learnt in enumerate(pipeline.learnt)
        for name, values in learnt.items()
    }
    return {**arrays, **{f"task/{name}": values for name, values in task_learnt.items()}}


def from_arrays(
    arrays: Mapping[str, NDArray[Any]], transforms: Sequence[Transform], raw: Signature
) -> tuple[Pipeline, Learnt]:
    """Return the pipeline and what the task learnt, from `to_arrays`."""

    def below(prefix: str) -> Learnt:
        return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}

    learnt = tuple(below(f"transforms/{number}/") for number in range(len(transforms)))
    return Pipeline(tuple(transforms), learnt, raw), below("task/")
