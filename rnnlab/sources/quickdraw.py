"""Drawings in strokes: QuickDraw's lines of JSON, sketch-rnn's archives, the QuickDraw tutorial's TFRecord files.

Axes: N drawings, T points.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples, Subset
from rnnlab.places import Places
from rnnlab.signature import Field as ExampleField
from rnnlab.signature import Signature
from rnnlab.sources._checks import BadSequences, near, shown_path
from rnnlab.sources._files import FileSource
from rnnlab.sources._sketch_archives import steps_of_archive, word_of
from rnnlab.sources._sketch_lines import drawings_of_lines
from rnnlab.sources._sketch_records import Index, RecordExamples, RecordIds, names_beside, records_of, shards
from rnnlab.sources._strokes import STROKES, BadDrawing, points_of_lists, points_of_steps
from rnnlab.sources._targets import class_target
from rnnlab.strict import shown

Form = Literal["lines", "archives", "records"]
FORMS = ".ndjson or .jsonl (or .gz of these), .npz, or .tfrecord"


class Quickdraw(FileSource):
    """Drawings in strokes with a word each, a file or a folder of files per split.

    `.ndjson`, simplified or raw, plain or gzipped: a drawing a line, by the keys `word`, `drawing` and `key_id`.
    `.npz` of sketch-rnn, a file a word, laid flat: `train` reads the array `train` of each, `validation_file` reads
    `valid`, `test` reads `test`. `.tfrecord` of the QuickDraw tutorial, with the names of its classes in
    `NAME.tfrecord.classes` beside; drawings stay in the file until they are asked for.
    """

    classes: list[str] | None = Field(
        None, min_length=1, description="the words whose drawings are read; default: all of the training file"
    )
    most_per_class: int | None = Field(
        None, ge=1, description="the most drawings of each word, the first ones of each split's files; default: all"
    )
    test_fraction: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="where no `test` is named, the part of the training file that tests: each drawing by its key_id, "
        "or where it has none by its file and line, and the seed alone, whichever others are read. 0: none",
    )
    seed: int = Field(0, ge=0, description="seed of that cut")

    idle_unless = MappingProxyType(
        {"test_fraction": ("test", lambda test: test is None), "seed": ("test", lambda test: test is None)}
    )

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: list[str] | None) -> list[str] | None:
        twice = next((word for word, count in Counter(classes or ()).items() if count > 1), None)
        if twice is not None:
            raise ValueError(f"expected different words; received {shown(twice)} twice")
        return classes

    @model_validator(mode="after")
    def _one_test_split(self) -> Quickdraw:
        if self.validation.test_fold and self.test is None and self.test_fraction:
            raise ValueError("validation.test_fold tests on a fold; add `test_fraction: 0`")
        return self

    @classmethod
    def gives_strokes(cls, keys: object) -> bool:
        return True

    def open(self, places: Places) -> dict[str, Examples]:
        splits = super().open(places)
        if self.test is not None or not self.test_fraction:
            return splits
        everything = splits["train"]
        tests = np.array([_drawn(identity, self.seed) < self.test_fraction for identity in everything.ids])
        if tests.all() or not tests.any():
            side = "training" if tests.all() else "test"
            raise DataError(f"data.test_fraction: the {side} split would have no drawing; give more, or another part")
        parts = {"train": ~tests, "test": tests}
        return {**splits, **{name: Subset(everything, np.flatnonzero(part)) for name, part in parts.items()}}

    def read_file(self, path: Path, like: Signature | None) -> Examples:
        return self.read_split("train", path, like)

    def read_split(self, split: str, path: Path, like: Signature | None) -> Examples:
        form, files = _files(path)
        choice = _Choice(self.classes, self.most_per_class)
        if form == "records":
            return self._records(path, files, like, choice)
        found, bad = self._drawings(form, files, split, choice)
        choice.check_all_found(shown_path(path))
        target, targets = _target(found.words, found.places.__getitem__, bad, like)
        return bad.left(found.examples(Signature((STROKES,), target), targets), shown_path(path))

    def read_input(self, path: Path, signature: Signature) -> Examples:
        """Return all drawings of a file or folder, whatever their words are."""
        form, files = _files(path)
        if form == "records":
            return self._records(path, files, None, None)
        found, bad = self._drawings(form, files, None, None)
        return bad.left(found.examples(Signature((STROKES,)), None), shown_path(path))

    def _drawings(
        self, form: Form, files: Sequence[Path], split: str | None, choice: _Choice | None
    ) -> tuple[_Drawings, BadSequences]:
        """Return the drawings of files that are read into memory; without a choice all of them, and no words."""
        found = _Drawings()
        bad = BadSequences(self.on_bad, found.ids)
        for file in files:
            each = _of_lines(file, choice) if form == "lines" else _of_archive(file, split, choice)
            for identity, word, place, points in each:
                found.add(identity, word, place, points)
                if isinstance(points, BadDrawing):
                    bad.add(len(found.ids) - 1, place, str(points))
        return found, bad

    def _records(
        self, path: Path, files: Sequence[Path], like: Signature | None, choice: _Choice | None
    ) -> RecordExamples:
        """Return the drawings of TFRecord files, which are read through once; without a choice all, and no words."""
        index, words, names = Index(files), [], [file.name for file in files]
        ids: list[str] = []
        bad = BadSequences(self.on_bad, ids)
        for number, file in enumerate(files):
            known = names_beside(file) if choice is not None else None
            for place, record in enumerate(records_of(file, classes=choice is not None)):
                if not isinstance(record, BadDrawing):
                    word = _word_of_class(record.class_index, known)
                    if not isinstance(word, BadDrawing):
                        if choice is None or choice.takes(word):
                            index.add(number, place, record)
                            words.append(word)
                        continue
                    record = word
                ids.append(f"{names[number]}:{place}")
                bad.add(len(ids) - 1, f"{shown_path(file)}: record {place}", str(record))
        bad.check_left(len(words) + len(ids), shown_path(path))
        return _with_words(index, words, like, choice, bad, shown_path(path))


@dataclass
class _Choice:
    """Which drawings are taken, by their words.

    Attributes:
        classes: the words; None: every one.
        most: drawings of each.
        taken: how many of each were.
        seen: the words that there are.
    """

    classes: Sequence[str] | None
    most: int | None
    taken: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)

    def takes(self, word: str) -> bool:
        self.seen.add(word)
        if (self.classes is not None and word not in self.classes) or self.taken[word] == self.most:
            return False
        self.taken[word] += 1
        return True

    def check_all_found(self, where: str) -> None:
        """Check that each class that was asked for is there.

        Raises:
            DataError: which one is not.
        """
        missing = next((word for word in self.classes or () if word not in self.seen), None)
        if missing is not None:
            raise DataError(
                f"{where}: data.classes: no drawing has the word {shown(missing)}{near(missing, self.seen)}"
            )


@dataclass
class _Drawings:
    """Drawings, one by one: N names, words, places and points (T, 3); of a bad one there are none."""

    ids: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    points: list[NDArray[np.float32]] = field(default_factory=list)

    def add(self, identity: str, word: str, place: str, points: NDArray[np.float32] | BadDrawing) -> None:
        self.ids.append(identity)
        self.words.append(word)
        self.places.append(place)
        self.points.append(np.zeros((0, 3), np.float32) if isinstance(points, BadDrawing) else points)

    def examples(self, signature: Signature, targets: NDArray[np.int64] | None) -> FlatExamples:
        return FlatExamples.from_sequences(signature, self.ids, self.points, targets, locations=self.places)


Drawing = tuple[str, str, str, NDArray[np.float32] | BadDrawing]  # its name, word, place and points


def _of_lines(path: Path, choice: _Choice | None) -> Iterator[Drawing]:
    where = shown_path(path)
    for line, values in drawings_of_lines(path):
        place = f"{where}:{line}"
        if isinstance(values, BadDrawing):
            yield f"{path.name}:{line}", "", place, values
            continue
        key, word = values.get("key_id"), values.get("word")
        identity = f"{path.name}:{line}" if key is None else str(key)
        if choice is not None and (not isinstance(word, str) or not word.strip()):
            yield identity, "", place, BadDrawing(f"'word': expected a word; received {shown(word)}")
        elif choice is None or choice.takes(str(word)):
            yield identity, str(word), place, _tried(points_of_lists, values.get("drawing"))


def _of_archive(path: Path, split: str | None, choice: _Choice | None) -> Iterator[Drawing]:
    name, drawings = steps_of_archive(path, split)
    word = word_of(path)
    for number, steps in enumerate(drawings):
        if choice is None or choice.takes(word):
            points = _tried(lambda each: points_of_steps(each, from_a_point=False), steps)
            yield f"{path.stem}/{name}/{number}", word, f"{shown_path(path)}: {name}[{number}]", points


def _tried(function: Callable[[Any], NDArray[np.float32]], drawing: Any) -> NDArray[np.float32] | BadDrawing:
    try:
        return function(drawing)
    except BadDrawing as fault:
        return fault


def _files(path: Path) -> tuple[Form, list[Path]]:
    """Return in which form drawings come, and in which files: of a folder those of such a form, by their names.

    Raises:
        DataError: there are none, or of several forms.
    """
    if not path.is_dir():
        form = _form(path)
        if form is None:
            raise DataError(f"{shown_path(path)}: expected a file of drawings, {FORMS}; received {shown(path.name)}")
        return form, shards(path) if form == "records" else [path]
    files = [(form, each) for each in sorted(path.iterdir()) if (form := _form(each)) is not None]
    forms = sorted({form for form, _ in files})
    if len(forms) != 1:
        received = f"several kinds ({', '.join(each.name for _, each in files[:5])}, …)" if forms else "none"
        raise DataError(f"{shown_path(path)}: expected files of drawings of one kind, {FORMS}; received {received}")
    return forms[0], [each for _, each in files]


def _form(path: Path) -> Form | None:
    name = path.name.lower()
    if name.removesuffix(".gz").endswith((".ndjson", ".jsonl")):
        return "lines"
    if name.endswith(".npz"):
        return "archives"
    return "records" if ".tfrecord" in name and not name.endswith((".classes", ".gz")) else None


def _drawn(identity: str, seed: int) -> float:
    """Return a number from 0 to 1 that is a drawing's own, for ever."""
    digest = hashlib.sha256(f"{seed}:{identity}".encode(errors="replace")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _word_of_class(index: int, names: Sequence[str] | None) -> str | BadDrawing:
    """Return the name of a record's class; its number where names are not known."""
    if names is None:
        return str(index)
    if 0 <= index < len(names) and names[index].strip():
        return names[index]
    return BadDrawing(f"feature 'class_index': expected 0 to {len(names) - 1}, a line of the names; received {index}")


def _target(
    words: Sequence[str], place: Callable[[int], str], bad: BadSequences, like: Signature | None
) -> tuple[ExampleField, NDArray[np.int64]]:
    return class_target(words, place, bad, like.known_target if like is not None else None, what="'word': ")


def _with_words(
    index: Index, words: Sequence[str], like: Signature | None, choice: _Choice | None, bad: BadSequences, where: str
) -> RecordExamples:
    """Return the drawings of an index with their words as targets; without a choice, these are not asked for."""
    skipped = [bad.found[number] for number in sorted(bad.found)]
    table, names = index.table(), [path.name for path in index.paths]
    if choice is None:
        return RecordExamples(index.paths, table, Signature((STROKES,)), None, skipped)
    choice.check_all_found(where)
    ids = RecordIds(names, table[:, 0], table[:, 1])
    unknown = BadSequences(bad.policy, ids)
    target, targets = _target(words, ids.__getitem__, unknown, like)
    unknown.check_left(len(ids), where)
    kept = np.setdiff1d(np.arange(len(ids)), np.fromiter(unknown.found, np.int64))
    skipped += [unknown.found[number] for number in sorted(unknown.found)]
    return RecordExamples(index.paths, table[kept], Signature((STROKES,), target), targets[kept], skipped)
