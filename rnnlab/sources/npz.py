"""Sequences in `.npz` archives of NumPy: flat values and lengths, no pickle.

Axes: N sequences, T time, F features, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab import archives
from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.signature import Field, Signature
from rnnlab.sources._checks import check_finite, check_not_empty, near, shown
from rnnlab.sources._files import FileSource, check_features
from rnnlab.sources._targets import class_target, labels_target, numbers_target

ARRAYS = ("values", "lengths", "labels", "classes", "groups", "ids", "feature_names")
RAGGED = "save ragged data as flat `values` (all steps, features) and `lengths` (one per sequence), see README"
# Of an array of arrays, and of labels as text: what is saved with pickles most often.
CONVERT = (
    "python -c \"import numpy as np; old = np.load('OLD.npz', allow_pickle=True); np.savez('NEW.npz', "
    "values=np.concatenate(list(old['values'])), lengths=[len(each) for each in old['values']], "
    "labels=old['labels'].astype(str))\""
)


class Npz(FileSource):
    """Sequences in `.npz` archives, one per split.

    Arrays: `values` (ΣT, F) or (ΣT,), sequence after sequence; `lengths` (N,). Optional: `labels`, whole numbers or
    text (N,) for classes, 0 and 1 (N, C) for any number of labels, floats (N,) or (N, K) for numbers that are asked
    for; `classes` (C,), the classes' names, by which whole numbers in `labels` count from 0; `groups` (N,); `ids` (N,);
    `feature_names` (F,).
    """

    def read_file(self, path: Path, like: Signature | None) -> FlatExamples:
        return _read(path, like, with_targets=True)

    def read_input(self, path: Path, signature: Signature) -> Examples:
        return _read(path, signature, with_targets=False)


@dataclass(frozen=True, eq=False)
class _Archive:
    """The arrays of one file by name, and how messages call the file."""

    shown: str
    arrays: dict[str, NDArray[np.generic]]

    def names(self, name: str, count: int, of: str) -> list[str] | None:
        """Return an array (count,) of text or whole numbers as text, or None where it is not in the file."""
        if name not in self.arrays:
            return None
        array = self.arrays[name]
        if array.shape != (count,):
            raise self.error(name, f"{count} names, one for each {of}", f"shape {array.shape}")
        return self.text(name)

    def text(self, name: str) -> list[str]:
        """Return a 1-D array of text or whole numbers as text."""
        array = self.arrays[name]
        if array.ndim != 1 or array.dtype.kind not in "USiub":
            raise self.error(name, "one axis of text or whole numbers", _kind(array))
        try:
            return [each.decode() if isinstance(each, bytes) else str(each) for each in array.tolist()]
        except UnicodeDecodeError as error:
            raise self.error(name, "text in UTF-8", str(error)) from None

    def error(self, name: str, expected: str, received: str) -> DataError:
        return DataError(f"{self.shown}: array '{name}': expected {expected}; received {received}")


def _read(path: Path, like: Signature | None, with_targets: bool) -> FlatExamples:
    archive = _load(path)
    values, lengths = _values(archive), _lengths(archive)
    if lengths.sum() != len(values):
        raise archive.error("lengths", f"a sum of {len(values)}, the rows of 'values'", str(lengths.sum()))
    check_features(f"{archive.shown}: array 'values'", values.shape[1], like)
    names = _feature_names(archive, values.shape[1])
    field = like.inputs[0] if like is not None else Field("sequence", "series", (len(names),), tuple(names))
    if "feature_names" in archive.arrays and tuple(names) != field.names:
        raise archive.error("feature_names", f"{', '.join(field.names)}, as in the training data", ", ".join(names))
    ids = archive.names("ids", len(lengths), "sequence") or [str(number) for number in range(len(lengths))]
    target, targets = None, None
    if with_targets and (like is None or like.target is not None):
        target, targets = _targets(archive, len(lengths), like.target if like is not None else None)
    groups = archive.names("groups", len(lengths), "sequence") if with_targets else None
    examples = FlatExamples.from_lengths(
        Signature((field,), target),
        ids,
        values,
        lengths,
        targets,
        None if groups is None else np.array(groups, dtype=str),
        [f"{archive.shown}[{number}]" for number in range(len(lengths))],
    )
    check_not_empty(examples, archive.shown)
    check_finite(examples)
    return examples


def _load(path: Path) -> _Archive:
    where = shown(path)
    try:
        found = archives.names_of(path)
        for name in ("values", "lengths"):
            if name not in found:
                hint = near(name, found)
                raise DataError(f"{where}: expected an array '{name}'; it is missing{hint}; {RAGGED}")
        return _Archive(where, archives.read_archive(path, ARRAYS))
    except OSError as error:
        raise DataError(f"{where}: can't be read: {error.strerror or error}") from None
    except archives.PickledError as error:
        raise DataError(f"{where}: {error}. If you trust the file, lay it flat: {CONVERT}") from None
    except archives.ArchiveError as error:
        raise DataError(f"{where}: expected an .npz archive (numpy.savez): {error}; {RAGGED}") from None


def _values(archive: _Archive) -> NDArray[np.float32]:
    values = archive.arrays["values"]
    if values.dtype.kind not in "biuf" or values.ndim not in (1, 2):
        raise archive.error("values", f"numbers of shape (all steps, features); {RAGGED}", _kind(values))
    with np.errstate(over="ignore"):
        return np.asarray(values[:, None] if values.ndim == 1 else values, np.float32)  # (ΣT,) → (ΣT, 1)


def _lengths(archive: _Archive) -> NDArray[np.int64]:
    lengths: NDArray[Any] = archive.arrays["lengths"]
    if lengths.dtype.kind not in "iu" or lengths.ndim != 1:
        raise archive.error("lengths", "whole numbers of shape (sequences,)", _kind(lengths))
    bad = np.flatnonzero(lengths < 1)
    if len(bad):
        raise archive.error(f"lengths[{bad[0]}]", "at least one time step", str(lengths[bad[0]]))
    return lengths.astype(np.int64)


def _feature_names(archive: _Archive, count: int) -> list[str]:
    return archive.names("feature_names", count, "feature") or [f"feature_{number}" for number in range(count)]


def _targets(archive: _Archive, count: int, like: Field | None) -> tuple[Field | None, NDArray[np.generic] | None]:
    """Return the target field and the targets that `labels` describes; its type says which kind it is."""

    def place(index: int) -> str:
        return f"{archive.shown}: labels[{index}]"

    if "labels" not in archive.arrays:
        if like is not None:
            raise DataError(f"{archive.shown}: expected an array 'labels', as in the training data; it is missing")
        return None, None
    labels = archive.arrays["labels"]
    if labels.ndim not in (1, 2) or len(labels) != count:
        raise archive.error("labels", f"{count} rows, one for each sequence", f"shape {labels.shape}")
    if labels.dtype.kind == "f":
        numbers = labels[:, None] if labels.ndim == 1 else labels  # (N,) → (N, 1)
        names = ["value"] if labels.ndim == 1 else [f"value_{number}" for number in range(numbers.shape[1])]
        return numbers_target(numbers, names, place, like)
    if labels.ndim == 2:
        return _label_sets(archive, labels, like)
    classes = archive.text("classes") if "classes" in archive.arrays else None
    text = archive.text("labels")
    if classes is not None and labels.dtype.kind in "iu":
        text = [_class_name(archive, classes, int(number), index) for index, number in enumerate(labels.tolist())]
    return class_target(text, place, like, classes)


def _label_sets(
    archive: _Archive, labels: NDArray[np.generic], like: Field | None
) -> tuple[Field, NDArray[np.generic]]:
    if labels.dtype.kind not in "iub" or not np.isin(labels, (0, 1)).all():
        raise archive.error("labels", "0 and 1 in an array of two axes", f"other values ({_kind(labels)})")
    counted = [str(number) for number in range(labels.shape[1])]
    names: Sequence[str] = archive.names("classes", labels.shape[1], "column of 'labels'") or counted
    if like is not None and "classes" not in archive.arrays and labels.shape[1] == len(like.names):
        names = like.names
    sets = [[names[column] for column in np.flatnonzero(row)] for row in labels]
    if like is not None and labels.shape[1] != len(like.names):
        raise archive.error("labels", f"{len(like.names)} columns, as in the training data", str(labels.shape[1]))
    return labels_target(sets, lambda index: f"{archive.shown}: labels[{index}]", like, names)


def _class_name(archive: _Archive, classes: list[str], number: int, index: int) -> str:
    if not 0 <= number < len(classes):
        raise archive.error(f"labels[{index}]", f"0 to {len(classes) - 1}, an index into 'classes'", str(number))
    return classes[number]


def _kind(array: NDArray[np.generic]) -> str:
    return f"{array.dtype} of shape {array.shape}"
