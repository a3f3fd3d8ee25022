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
from pydantic import Field as Key
from pydantic import model_validator

from rnnlab import archives
from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.signature import Field, Signature
from rnnlab.sources._checks import BadSequences, OnBad, Place, check_lengths, check_steps, near, shown_path
from rnnlab.sources._files import FileSource, check_features
from rnnlab.sources._targets import class_target, labels_target, numbers_target
from rnnlab.strict import Strict, shown

RAGGED = "save ragged data as flat `values` (all steps, features) and `lengths` (one per sequence), see README"
# Of an array of arrays, and of labels as text: what is saved with pickles most often.
CONVERT = (
    "python -c \"import numpy as np; old = np.load('OLD.npz', allow_pickle=True); np.savez('NEW.npz', "
    "values=np.concatenate(list(old['values'])), lengths=[len(each) for each in old['values']], "
    "labels=old['labels'].astype(str))\""
)


class Arrays(Strict):
    """What the arrays of an archive are called there; one that is named here must be in it."""

    values: str = Key("values", description="all steps (ΣT, F) or (ΣT,), or frames, uint8 (ΣT, H, W, C) or (ΣT, H, W)")
    lengths: str = Key("lengths", description="the number of steps of each sequence, (N,)")
    labels: str = Key("labels", description="what is asked for, (N,) or (N, C)")
    classes: str = Key("classes", description="the names of classes that are numbered in the labels, (C,)")
    groups: str = Key("groups", description="what `validation.grouped` keeps on one side of a split, (N,)")
    ids: str = Key("ids", description="a name of its own for each sequence, (N,)")
    feature_names: str = Key("feature_names", description="the names of the features, (F,)")

    @property
    def named(self) -> dict[str, str]:
        """The names that are not the usual ones, by what the arrays are."""
        return {key: name for key, name in self if name != type(self).model_fields[key].default}


class Npz(FileSource):
    """Sequences in `.npz` archives, one per split.

    Arrays: `values` (ΣT, F) or (ΣT,), sequence after sequence, or frames, uint8 (ΣT, H, W, C) or (ΣT, H, W); `lengths`
    (N,). Optional: `labels`, whole numbers or text (N,) for classes, 0 and 1 (N, C) for any number of labels, floats
    (N,) or (N, K) for numbers that are asked for; `classes` (C,), the classes' names, by which whole numbers in
    `labels` count from 0; `groups` (N,); `ids` (N,); `feature_names` (F,). The key `arrays` gives them other names.
    """

    arrays: Arrays = Key(default_factory=Arrays, description="what the arrays are called, where it is something else")

    @model_validator(mode="after")
    def _groups_are_used(self) -> Npz:
        if "groups" in self.arrays.named and not self.validation.grouped:
            raise ValueError("arrays.groups does nothing unless validation.grouped is true")
        return self

    def read_file(self, path: Path, like: Signature | None) -> FlatExamples:
        return _read(_load(path, self.arrays, with_targets=True), like, self.on_bad, with_targets=True)

    def read_input(self, path: Path, signature: Signature) -> Examples:
        return _read(_load(path, self.arrays, with_targets=False), signature, self.on_bad, with_targets=False)


@dataclass(frozen=True, eq=False)
class _Archive:
    """The arrays of one file by what they are, how messages call the file, and what it calls the arrays itself."""

    shown: str
    arrays: dict[str, NDArray[np.generic]]
    called: dict[str, str]

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
        key, bracket, index = name.partition("[")
        own = f"{self.called[key]}{bracket}{index}"
        return DataError(f"{self.shown}: array '{own}': expected {expected}; received {received}")


def _read(archive: _Archive, like: Signature | None, on_bad: OnBad, with_targets: bool) -> FlatExamples:
    values = _values(archive)
    lengths = _lengths(archive, len(values))
    field = _frames(archive, values, like) if values.ndim == 4 else _series(archive, values, like)
    ids = _ids(archive, len(lengths))
    bad = BadSequences(on_bad, ids)
    if field.kind == "frames":
        check_lengths(lengths, bad, archive.place)
    else:
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


def _load(path: Path, names: Arrays, *, with_targets: bool) -> _Archive:
    where, called = shown_path(path), dict(names)
    answers = () if with_targets else ("labels", "classes", "groups")
    try:
        found = archives.names_of(path)
        for key in ("values", "lengths"):
            if called[key] not in found:
                hint = near(called[key], found)
                raise DataError(f"{where}: expected an array '{called[key]}'; it is missing{hint}; {RAGGED}")
        for key, name in names.named.items():
            if name not in found and key not in answers:
                reason = f"expected an array '{name}' (data.arrays.{key}); it is missing{near(name, found)}"
                raise DataError(f"{where}: {reason}")
        read = archives.read_archive(path, [name for key, name in called.items() if key not in answers])
        arrays = {key: read[name] for key, name in called.items() if name in read}
        return _Archive(where, arrays, called)
    except OSError as error:
        raise DataError(f"{where}: can't be read: {error.strerror or error}") from None
    except archives.PickledError as error:
        raise DataError(f"{where}: {error}. If you trust the file, lay it flat: {CONVERT}") from None
    except archives.ArchiveError as error:
        raise DataError(f"{where}: this .npz archive can't be read: {error}; {RAGGED}") from None


def _series(archive: _Archive, values: NDArray[Any], like: Signature | None) -> Field:
    """Return the field of steps (ΣT, F)."""
    _check_kind(archive, "series", like)
    check_features(f"{archive.shown}: array '{archive.called['values']}'", values.shape[1], like)
    names = _feature_names(archive, values.shape[1])
    field = like.inputs[0] if like is not None else Field("sequence", "series", (len(names),), tuple(names))
    if "feature_names" in archive.arrays and tuple(names) != field.names:
        at = next(number for number, name in enumerate(names) if name != field.names[number])
        expected = f"{shown(field.names[at])}, as in the training data"
        raise archive.error(f"feature_names[{at}]", expected, shown(names[at]))
    return field


def _frames(archive: _Archive, values: NDArray[Any], like: Signature | None) -> Field:
    """Return the field of frames (ΣT, H, W, C)."""
    _check_kind(archive, "frames", like)
    field = like.inputs[0] if like is not None else Field("frames", "frames", values.shape[1:])
    if values.shape[1:] != field.shape:
        expected = f"frames of shape {field.shape} (height, width, channels), as in the training data"
        raise archive.error("values", expected, str(values.shape[1:]))
    if 0 in values.shape[1:]:
        raise archive.error("values", "frames of one pixel or more", _kind(values))
    return field


def _check_kind(archive: _Archive, kind: str, like: Signature | None) -> None:
    if like is not None and like.inputs[0].kind != kind:
        raise archive.error("values", f"{like.inputs[0].kind}, as in the training data", kind)


def _values(archive: _Archive) -> NDArray[Any]:
    """Return (ΣT, F) float32, or of frames (ΣT, H, W, C) uint8."""
    values: NDArray[Any] = archive.arrays["values"]
    if values.dtype == np.uint8 and values.ndim in (3, 4):
        return values[..., None] if values.ndim == 3 else values  # (ΣT, H, W) → (ΣT, H, W, 1)
    if values.dtype.kind not in "biuf" or values.ndim not in (1, 2):
        expected = "numbers of shape (all steps, features), or frames, uint8 (all frames, height, width, channels)"
        raise archive.error("values", f"{expected}; {RAGGED}", _kind(values))
    with np.errstate(over="ignore"):
        return np.asarray(values[:, None] if values.ndim == 1 else values, np.float32)  # (ΣT,) → (ΣT, 1)


def _lengths(archive: _Archive, steps: int) -> NDArray[np.int64]:
    lengths: NDArray[Any] = archive.arrays["lengths"]
    if lengths.dtype.kind not in "iu" or lengths.ndim != 1:
        raise archive.error("lengths", "whole numbers of shape (sequences,)", _kind(lengths))
    beyond = np.flatnonzero((lengths < 0) | (lengths > steps))  # before they are added, which could overflow
    if len(beyond):
        expected = f"a number of time steps, at most {steps}, the rows of '{archive.called['values']}'"
        raise archive.error(f"lengths[{beyond[0]}]", expected, str(lengths[beyond[0]]))
    lengths = lengths.astype(np.int64)
    if lengths.sum() != steps:
        raise archive.error(
            "lengths", f"a sum of {steps}, the rows of '{archive.called['values']}'", str(lengths.sum())
        )
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
        return f"{archive.shown}: {archive.called['labels']}[{index}]"

    if "labels" not in archive.arrays:
        if like is not None:
            expected = f"expected an array '{archive.called['labels']}', as in the training data"
            raise DataError(f"{archive.shown}: {expected}; it is missing")
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
    names: Sequence[str] = (
        archive.names("classes", labels.shape[1], f"column of '{archive.called['labels']}'") or counted
    )
    if like is not None and "classes" not in archive.arrays and labels.shape[1] == len(like.names):
        names = like.names
    sets = [[names[column] for column in np.flatnonzero(row)] for row in labels]
    if like is not None and labels.shape[1] != len(like.names):
        raise archive.error("labels", f"{len(like.names)} columns, as in the training data", str(labels.shape[1]))
    return labels_target(sets, lambda index: f"{archive.shown}: {archive.called['labels']}[{index}]", bad, like, names)


def _class_name(classes: list[str], number: int, bad: BadSequences, place: Place, index: int) -> str:
    if 0 <= number < len(classes):
        return classes[number]
    if index not in bad:
        bad.add(index, place(index), f"expected 0 to {len(classes) - 1}, an index into 'classes'; received {number}")
    return ""


def _kind(array: NDArray[np.generic]) -> str:
    return f"{array.dtype} of shape {array.shape}"
