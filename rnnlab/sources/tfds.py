"""Any dataset of TensorFlow Datasets: by name, or a folder of prepared data.

Axes: N examples, T time, F features.
"""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rnnlab import bounded
from rnnlab.errors import DataError, told
from rnnlab.examples import Examples, FlatExamples
from rnnlab.places import Places
from rnnlab.signature import Field as ExampleField
from rnnlab.signature import Signature
from rnnlab.sources import SequenceSource
from rnnlab.sources._checks import BadSequences, Place, check_lengths, check_steps, near, shown_path
from rnnlab.sources._files import check_features
from rnnlab.sources._targets import class_target, numbers_target
from rnnlab.sources._texts import TEXT
from rnnlab.strict import Strict, shown

CLASS_KEYS = ("pythonClassName", "python_class_name", "type")
MOST_BYTES_OF_FEATURES = 50_000_000
DATASET = r"^[A-Za-z]\w*(/\w[\w.+\-]*)?(:[\d*][\d.*]*)?$"


class Features(Strict):
    """Which features of the dataset are what goes in and the answer; `outer/inner` for one within another."""

    sequence: str | list[str] | None = Field(
        None,
        description="the feature that is the sequence: its first axis is time, the others are laid flat; or several "
        "features of equal length, side by side; or give `frames` or `text`",
    )
    frames: str | None = Field(
        None, description="the feature that is a video or a sequence of images, all of one size; or give `sequence`"
    )
    text: str | None = Field(None, description="the feature that is a text; or give `sequence`")
    label: str | None = Field(None, description="the feature with the class; or give `value`")
    value: str | None = Field(None, description="the feature with the number or numbers asked for; or give `label`")

    @model_validator(mode="after")
    def _one_target(self) -> Features:
        if (self.label is None) == (self.value is None):
            raise ValueError("give exactly one of label (a class) and value (numbers)")
        if [self.sequence, self.frames, self.text].count(None) != 2:
            raise ValueError("give exactly one of sequence (numbers over time), frames and text")
        if self.sequence is not None and not self.sequence:
            raise ValueError("sequence: expected at least one feature")
        return self


class Tfds(SequenceSource):
    """A dataset of TensorFlow Datasets, by name or as a folder of prepared data.

    Prepared data of a named dataset is looked for in `tfds/` of the data directory.
    """

    dataset: str | None = Field(
        None, pattern=DATASET, description="the dataset, name[/config][:version]; or give `folder`"
    )
    folder: str | None = Field(
        None, description="a folder of prepared data, the one with dataset_info.json; or give `dataset`"
    )
    features: Features = Field(description="which features are the sequence and the answer")
    group: str | None = Field(
        None, description="the feature (a speaker, a patient) that `validation.grouped` keeps on one side of a split"
    )
    train_split: str = Field("train", description="the training split, such as `train` or `train[:80%]`")
    test_split: str | None = Field("test", description="the test split; null where there is none")
    validation_split: str | None = Field(
        None,
        description="the validation split, for `validation.by: given`; by default validation examples are cut off "
        "the training split",
    )
    download: bool = Field(
        False, description="download and prepare the dataset if it is not; off, as that can take hours and gigabytes"
    )

    @model_validator(mode="after")
    def _keys_fit(self) -> Tfds:
        if (self.dataset is None) == (self.folder is None):
            raise ValueError("give exactly one of dataset (a name) and folder (prepared data)")
        if self.group is not None and not self.validation.grouped:
            raise ValueError("group does nothing unless validation.grouped is true")
        if self.download and self.folder is not None:
            raise ValueError("download needs dataset: what is in a folder is prepared already")
        if (self.validation.by == "given") != (self.validation_split is not None):
            raise ValueError("validation_split and validation.by: given go together; give both or neither")
        return self

    @classmethod
    def gives_text(cls, keys: object) -> bool:
        return _names_feature(keys, "text")

    @classmethod
    def gives_frames(cls, keys: object) -> bool:
        return _names_feature(keys, "frames")

    def open(self, places: Places) -> dict[str, Examples]:
        builder = self._builder(places)
        train = self._read(builder, self.train_split, "data.train_split", None)
        splits: dict[str, Examples] = {"train": train}
        for name, split in (("validation", self.validation_split), ("test", self.test_split)):
            if split is not None:
                splits[name] = self._read(builder, split, f"data.{name}_split", train.signature)
        return splits

    def read_input(self, path: Path, signature: Signature) -> Examples:
        """Return all examples of a folder of prepared data, split after split in order of name."""
        builder = _builder_of_folder(path)
        split = "+".join(sorted(builder.info.splits))
        return self._read(builder, split, shown_path(path), Signature(signature.inputs))

    def _builder(self, places: Places) -> Any:
        if self.folder is not None:
            return _builder_of_folder(places.find(self.folder, "data.folder"))
        builder = _builder_of_name(str(self.dataset), places.data / "tfds")
        with _quiet():
            if builder.is_prepared():
                return builder
        if not self.download:
            raise DataError(
                f"data.dataset: '{self.dataset}' is not prepared in {builder.data_path}. To download and prepare it, "
                f"set data.download: true, or run: tfds build {self.dataset} --data_dir {places.data / 'tfds'}"
            )
        try:
            builder.download_and_prepare()
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            raise DataError(
                f"data.dataset: '{self.dataset}' could not be downloaded and prepared "
                f"({type(error).__name__}: {told(error)})"
            ) from error
        return builder

    def _read(self, builder: Any, split: str, where: str, like: Signature | None) -> FlatExamples:
        part = _Part(f"{where}: {split}")
        bad = BadSequences(self.on_bad, part.ids)
        _stream(self, builder, split, where, part, bad, with_targets=like is None or like.target is not None)
        return bad.left(_examples(self, part, builder, bad, like), part.shown)


def _names_feature(keys: object, which: str) -> bool:
    """Whether a source's keys, as a spec has them, name such a feature."""
    features = keys.get("features") if isinstance(keys, dict) else None
    return isinstance(features, dict) and features.get(which) is not None


@dataclass(frozen=True, eq=False)
class _Part:
    """One split, feature by feature: N names, N sequences (T, …), N raw labels or values, N raw groups."""

    shown: str
    ids: list[str] = field(default_factory=list)
    sequences: list[NDArray[Any]] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    groups: list[Any] = field(default_factory=list)

    def place(self, index: int) -> str:
        return f"{self.shown}[{index}]"


def _stream(
    source: Tfds, builder: Any, split: str, where: str, part: _Part, bad: BadSequences, *, with_targets: bool
) -> None:
    """Read a split once, in the order in which it is stored."""
    features = source.features
    keys = [features.sequence] if isinstance(features.sequence, str) else features.sequence or []
    answer = (features.label or features.value) if with_targets else None
    group = source.group if with_targets else None
    for key in (*keys, features.frames, features.text, answer, group):
        if key is not None:
            _feature(builder, key)
    _check_split(builder, split, where)
    for number, example in enumerate(_rows(builder, split, where)):
        part.ids.append(f"{split}/{number}")
        if features.text is not None:
            part.sequences.append(_text_of(_walk(example, features.text), features.text, part, bad))
        elif features.frames is not None:
            part.sequences.append(_frames_of(_walk(example, features.frames), features.frames, part))
        else:
            part.sequences.append(_sequence(example, keys, part, bad))
        if answer is not None:
            part.answers.append(_walk(example, answer))
        if group is not None:
            part.groups.append(_walk(example, group))


def _examples(source: Tfds, part: _Part, builder: Any, bad: BadSequences, like: Signature | None) -> FlatExamples:
    """Return all sequences of a split; those that are bad count as empty ones."""
    if source.features.text is not None:
        return _with_targets(source, part, builder, bad, like, _laid(part, (TEXT,)))
    if source.features.frames is not None:
        return _with_targets(source, part, builder, bad, like, _laid_frames(part, bad, like))
    counts = Counter(sequence.shape[1] for index, sequence in enumerate(part.sequences) if index not in bad)
    count = counts.most_common(1)[0][0] if counts else 0
    if counts:
        check_features(part.shown, count, like)
    for index, sequence in enumerate(part.sequences):
        if sequence.shape[1] != count:
            if index not in bad:
                bad.add(index, part.place(index), f"expected {count} features; received {sequence.shape[1]}")
            part.sequences[index] = np.zeros((0, count), np.float32)
    names = tuple(f"feature_{number}" for number in range(count))
    inputs = like.inputs if like is not None else (ExampleField("sequence", "series", (count,), names),)
    examples = _laid(part, inputs)
    check_steps(inputs[0], examples.values, examples.lengths, bad, part.place)
    return _with_targets(source, part, builder, bad, like, examples)


def _laid(part: _Part, inputs: tuple[ExampleField, ...]) -> FlatExamples:
    return FlatExamples.from_sequences(
        Signature(inputs),
        part.ids,
        part.sequences,
        groups=np.array([_text(group) for group in part.groups], dtype=str) if part.groups else None,
        locations=[part.place(index) for index in range(len(part.ids))],
    )


def _laid_frames(part: _Part, bad: BadSequences, like: Signature | None) -> FlatExamples:
    """Return examples of frames, those of another size than training's, or most examples', left empty."""
    sizes = Counter(frames.shape[1:] for frames in part.sequences)
    shape = like.inputs[0].shape if like is not None else sizes.most_common(1)[0][0] if sizes else (1, 1, 1)
    for index, frames in enumerate(part.sequences):
        if frames.shape[1:] != shape:
            bad.add(index, part.place(index), f"expected frames of shape {shape}; received {frames.shape[1:]}")
            part.sequences[index] = np.zeros((0, *shape), np.uint8)
    examples = _laid(part, (ExampleField("frames", "frames", shape),))
    check_lengths(examples.lengths, bad, part.place)
    return examples


def _with_targets(
    source: Tfds, part: _Part, builder: Any, bad: BadSequences, like: Signature | None, examples: FlatExamples
) -> FlatExamples:
    if not part.answers:
        return examples
    target, targets = _targets(source, part, builder, bad, like.target if like is not None else None)
    return replace(examples, signature=Signature(examples.signature.inputs, target), targets=targets)


def _targets(
    source: Tfds, part: _Part, builder: Any, bad: BadSequences, like: ExampleField | None
) -> tuple[ExampleField, NDArray[np.generic]]:
    answers, place = part.answers, part.place
    if source.features.value is not None:
        numbers = _numbers(answers, source.features.value, place, bad)
        names = ["value"] if numbers.shape[1] == 1 else [f"value_{number}" for number in range(numbers.shape[1])]
        return numbers_target(numbers, names, place, bad, like)
    key = str(source.features.label)
    for index, answer in enumerate(answers):
        if np.ndim(answer) != 0:
            raise DataError(f"{place(index)}: feature '{key}': expected one class; received shape {np.shape(answer)}")
    names_of = getattr(_feature(builder, key), "names", None)
    if names_of is None:
        return class_target([_text(answer) for answer in answers], place, bad, like)
    for index, answer in enumerate(answers):
        if not 0 <= int(answer) < len(names_of) and index not in bad:
            bad.add(index, place(index), f"feature '{key}': expected a class; received {answer}, which means none")
    labels = [names_of[int(answer)] if 0 <= int(answer) < len(names_of) else "" for answer in answers]
    return class_target(labels, place, bad, like, names_of)


def _numbers(answers: list[Any], key: str, place: Place, bad: BadSequences) -> NDArray[np.float64]:
    """Return values, (N,) or (N, K) in the dataset, as (N, K); NaN where there are not as many as elsewhere."""
    arrays = [np.asarray(answer) for answer in answers]
    size = Counter(array.size for array in arrays).most_common(1)[0][0]
    rows = np.full((len(arrays), size), np.nan)
    for index, array in enumerate(arrays):
        received = f"{array.dtype} of shape {array.shape}"
        if array.dtype.kind not in "biuf" or array.ndim > 1:
            raise DataError(f"{place(index)}: feature '{key}': expected a number or numbers; received {received}")
        if array.size == size:
            rows[index] = array
        elif index not in bad:
            reason = f"feature '{key}': expected {size} number(s), as elsewhere; received {received}"
            bad.add(index, place(index), reason)
    return rows


def _sequence(example: Any, keys: Sequence[str], part: _Part, bad: BadSequences) -> NDArray[np.float32]:
    """Return the last example's features of these names side by side: each (T, …) becomes (T, F)."""
    index = len(part.ids) - 1
    series: list[NDArray[np.float32]] = []
    for key in keys:
        array = np.asarray(_walk(example, key))
        if array.dtype.kind not in "biuf" or array.ndim < 1:
            kind = f"{array.dtype} of shape {array.shape}"
            raise DataError(f"{part.place(index)}: feature '{key}': expected numbers with a time axis; received {kind}")
        width = int(np.prod(array.shape[1:]))
        with np.errstate(over="ignore"):
            series.append(array.reshape(len(array), width).astype(np.float32))  # (T, …) → (T, F)
        if len(array) != len(series[0]):
            reason = f"feature '{key}': expected {len(series[0])} time steps; received {len(array)}"
            bad.add(index, part.place(index), reason)
    shortest = min(map(len, series))  # of a bad example; of a good one all are equal
    return np.concatenate([each[:shortest] for each in series], axis=1)


def _frames_of(value: Any, key: str, part: _Part) -> NDArray[np.uint8]:
    """Return the last example's frames (T, H, W, C)."""
    array: NDArray[Any] = np.asarray(value)
    if array.dtype != np.uint8 or array.ndim != 4:
        received = f"{array.dtype} of shape {array.shape}"
        expected = "expected frames, uint8 (time, height, width, channels)"
        raise DataError(f"{part.place(len(part.ids) - 1)}: feature '{key}': {expected}; received {received}")
    return array


def _text_of(value: Any, key: str, part: _Part, bad: BadSequences) -> NDArray[np.uint8]:
    """Return the last example's text as bytes (T,)."""
    index = len(part.ids) - 1
    if not isinstance(value, bytes):
        received = f"{np.asarray(value).dtype} of shape {np.shape(value)}"
        raise DataError(f"{part.place(index)}: feature '{key}': expected a text; received {received}")
    if not value.strip():
        bad.add(index, part.place(index), f"feature '{key}': expected a text; received nothing")
    return np.frombuffer(value, np.uint8)


def _walk(example: Any, key: str) -> Any:
    for part in key.split("/"):
        example = example[part]
    return example


def _feature(builder: Any, key: str) -> Any:
    """Return the feature's declaration, after checking that the dataset has it."""
    feature = builder.info.features
    for part in key.split("/"):
        known = [str(name) for name in feature.keys()] if hasattr(feature, "keys") else []  # noqa: SIM118
        if part not in known:
            raise DataError(f"data.features: expected a feature of the dataset; received '{key}'{near(part, known)}")
        feature = feature[part]
    return feature


def _check_split(builder: Any, split: str, where: str) -> None:
    known = [str(name) for name in builder.info.splits]
    for part in split.split("+"):
        name = re.split(r"[\[:]", part.strip(), maxsplit=1)[0]
        if known and name not in known and name != "all":
            hint = near(name, known)
            remedy = "; set it to null if there is none" if where == "data.test_split" else ""
            raise DataError(f"{where}: expected a split of the dataset; received '{split}'{hint}{remedy}")


def _rows(builder: Any, split: str, where: str) -> Iterator[Any]:
    import tensorflow as tf
    import tensorflow_datasets as tfds

    try:
        yield from tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False))
    except (tf.errors.OpError, ValueError, OSError, AssertionError) as error:
        raise DataError(f"{where}: the prepared data of '{split}' can't be read: {told(error)}") from error


def _builder_of_name(dataset: str, data_directory: Path) -> Any:
    import tensorflow_datasets as tfds

    for path in (data_directory / re.split("[/:]", dataset)[0]).rglob("features.json"):
        _check_classes(path.parent)
    try:
        with _quiet():
            return tfds.builder(dataset, data_dir=str(data_directory), try_gcs=False)
    except tfds.core.DatasetNotFoundError:
        hint = near(re.split("[/:]", dataset)[0], tfds.list_builders(with_community_datasets=False))
        raise DataError(
            f"data.dataset: expected a dataset of TensorFlow Datasets; received '{dataset}'{hint} "
            "(for data of your own, give data.folder)"
        ) from None
    except (ValueError, AssertionError, OSError, ImportError) as error:
        raise DataError(f"data.dataset: '{dataset}': {told(error)}") from error


def _builder_of_folder(path: Path) -> Any:
    import tensorflow_datasets as tfds

    _check_classes(path)
    try:
        with _quiet():
            return tfds.builder_from_directory(str(path))
    except (ValueError, OSError, AssertionError, KeyError) as error:
        raise DataError(
            f"{shown_path(path)}: expected a folder of prepared data, with dataset_info.json and features.json "
            f"({told(error)})"
        ) from error


def _check_classes(folder: Path) -> None:
    """Refuse a folder whose `features.json` names classes of other packages: TensorFlow Datasets would import them."""
    path = folder / "features.json"
    try:
        text = bounded.read_bytes(path, MOST_BYTES_OF_FEATURES).decode()
        found = list(_classes_named(json.loads(text)))
    except FileNotFoundError:
        return  # what else is missing, TensorFlow Datasets says
    except OSError as error:
        raise DataError(f"{shown_path(path)}: can't be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{shown_path(path)}: expected JSON: {told(error)}") from None
    for name in found:
        if not re.fullmatch(r"tensorflow_datasets\.core\.features\.[\w.]+", name):
            raise DataError(
                f"{shown_path(path)}: expected classes of tensorflow_datasets.core.features; received "
                f"{shown(name)}, which is not loaded because a file names it"
            )


def _classes_named(values: object) -> Iterator[str]:
    """Yield what stands under the keys by which TensorFlow Datasets names classes, wherever they stand."""
    if isinstance(values, dict):
        yield from (values[key] for key in CLASS_KEYS if isinstance(values.get(key), str))
        values = list(values.values())
    elif isinstance(values, str):
        with suppress(ValueError):  # older versions wrote JSON within JSON
            values = [json.loads(values)]
    for each in values if isinstance(values, list) else ():
        yield from _classes_named(each)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back warnings about data that is not prepared: what matters of them is said in an error."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _text(value: Any) -> str:
    value = value.item() if isinstance(value, np.generic | np.ndarray) else value
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
