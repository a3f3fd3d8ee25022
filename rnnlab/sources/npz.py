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
from rnnlab.sources._checks import BadSequences, OnBad, Place, check_steps, near, shown_path
from rnnlab.sources._files import FileSource, check_features
from rnnlab.sources._targets import class_target, labels_target, numbers_target
from rnnlab.strict import shown

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
        return _read(path, like, self.on_bad, with_targets=True)

    def read_input(self, path: Path, signature: Signature) -> Examples:
        return _read(path, signature, self.on_bad, with_targets=False)


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

    def place(self, number: int) -> str:
        """Return where a sequence stands."""
        return f"{self.shown}[{number}]"

    def error(self, name: str, expected: str, received: str) -> DataError:
        return DataError(f"{self.shown}: array '{name}': expected {expected}; received {received}")


def _read(path: Path, like: Signature | None, on_bad: OnBad, with_targets: bool) -> FlatExamples:
    archive = _load(path)
    values = _values(archive)
    lengths = _lengths(archive, len(values))
    check_features(f"{archive.shown}: array 'values'", values.shape[1], like)
    names = _feature_names(archive, values.shape[1])
    field = like.inputs[0] if like is not None else Field("sequence", "series", (len(names),), tuple(names))
    if "feature_names" in archive.arrays and tuple(names) != field.names:
        at = next(number for number, name in enumerate(names) if name != field.names[number])
        expected = f"{shown(field.names[at])}, as in the training data"
        raise archive.error(f"feature_names[{at}]", expected, shown(names[at]))
    ids = _ids(archive, len(lengths))
    bad = BadSequences(on_bad, ids)
    check_steps(field, values, lengths, bad, archive.place)
    target, targets = None, None
    if with_targets and len(lengths) and (like is None or like.target is not None):
        target, targets = _targets(archive, bad, len(lengths), like.target if like is not None else None)
    groups = archive.names("groups", len(lengths), "sequence") if with_targets else None
    examples = FlatExamples.from_lengths(
        Signature((field,), target),
        ids,
        values,
        lengths,
        targets,
        None if groups is None else np.array(groups, dtype=str),
        [archive.place(number) for number in range(len(lengths))],
    )
    return bad.left(examples, archive.shown)


def _load(path: Path) -> _Archive:
    where = shown_path(path)
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
        raise DataError(f"{where}: this .npz archive can't be read: {error}; {RAGGED}") from None


def _values(archive: _Archive) -> NDArray[np.float32]:
    values = archive.arrays["values"]
    if values.dtype.kind not in "biuf" or values.ndim not in (1, 2):
        raise archive.error("values", f"numbers of shape (all steps, features); {RAGGED}", _kind(values))
    with np.errstate(over="ignore"):
        return np.asarray(values[:, None] if values.ndim == 1 else values, np.float32)  # (ΣT,) → (ΣT, 1)


def _lengths(archive: _Archive, steps: int) -> NDArray[np.int64]:
    lengths: NDArray[Any] = archive.arrays["lengths"]
    if lengths.dtype.kind not in "iu" or lengths.ndim != 1:
        raise archive.error("lengths", "whole numbers of shape (sequences,)", _kind(lengths))
    beyond = np.flatnonzero((lengths < 0) | (lengths > steps))  # before they are added, which could overflow
    if len(beyond):
        expected = f"a number of time steps, at most {steps}, the rows of 'values'"
        raise archive.error(f"lengths[{beyond[0]}]", expected, str(lengths[beyond[0]]))
    lengths = lengths.astype(np.int64)
    if lengths.sum() != steps:
        raise archive.error("lengths", f"a sum of {steps}, the rows of 'values'", str(lengths.sum()))
    return lengths


def _ids(archive: _Archive, count: int) -> list[str]:
    """Return the sequences' names: of their own, or their numbers."""
    ids = archive.names("ids", count, "sequence")
    if ids is None:
        return [str(number) for number in range(count)]
    seen: dict[str, int] = {}
    for number, identity in enumerate(ids):
        if seen.setdefault(identity, number) != number:
            raise archive.error(
                f"ids[{number}]",
                "a name of its own for each sequence",
                f"{shown(identity)} as in ids[{seen[identity]}]; what sequences share belongs into 'groups'",
            )
    return ids


def _feature_names(archive: _Archive, count: int) -> list[str]:
    return archive.names("feature_names", count, "feature") or [f"feature_{number}" for number in range(count)]


def _targets(
    archive: _Archive, bad: BadSequences, count: int, like: Field | None
) -> tuple[Field | None, NDArray[np.generic] | None]:
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
        return numbers_target(numbers, names, place, bad, like)
    if labels.ndim == 2:
        return _label_sets(archive, bad, labels, like)
    classes = archive.text("classes") if "classes" in archive.arrays else None
    text = archive.text("labels")
    if classes is not None and labels.dtype.kind in "iu":
        text = [_class_name(classes, int(number), bad, place, index) for index, number in enumerate(labels.tolist())]
    return class_target(text, place, bad, like, classes)


def _label_sets(
    archive: _Archive, bad: BadSequences, labels: NDArray[np.generic], like: Field | None
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
    return labels_target(sets, lambda index: f"{archive.shown}: labels[{index}]", bad, like, names)


def _class_name(classes: list[str], number: int, bad: BadSequences, place: Place, index: int) -> str:
    if 0 <= number < len(classes):
        return classes[number]
    if index not in bad:
        bad.add(index, place(index), f"expected 0 to {len(classes) - 1}, an index into 'classes'; received {number}")
    return ""


def _kind(array: NDArray[np.generic]) -> str:
    return f"{array.dtype} of shape {array.shape}"
